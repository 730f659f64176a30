"""A learner's mix: which images of which projects its dataset has, and how much of it each project and label is."""
