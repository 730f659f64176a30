"""dlim: from a few master images to the datasets that networks learn from, rebuilding only what changed."""

__version__ = "0.1.0"
