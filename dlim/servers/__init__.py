"""A server as dlim works with it: run a script there, put a file, get a file, over ssh or on this machine."""
