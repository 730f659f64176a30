"""Now dlim.stages.boxes; goes when nothing imports it under this name any more."""

from dlim.stages.boxes import OBJECTS, locate, objects_of, read

__all__ = ["OBJECTS", "locate", "objects_of", "read"]
