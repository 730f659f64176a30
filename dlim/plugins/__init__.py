"""What dlim adds to doit itself: its state file, its reporter, and the commands `run` and `list`."""
