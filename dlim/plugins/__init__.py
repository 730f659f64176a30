"""What dlim adds to doit itself: its state file, its reporter, and its commands run, clean, list, why and plan."""
