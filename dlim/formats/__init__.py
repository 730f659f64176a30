"""Dataset formats, a module each: `read` and `write` of one annotation, and `lists` of a whole dataset."""
