"""The page on which a person draws a master's boxes, and what becomes of them in its VOC file."""
