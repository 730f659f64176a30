"""Now in dlim.geometry; goes when nothing imports it from here any more."""

from dlim.geometry import Annotation, Box, Object

__all__ = ["Annotation", "Box", "Object"]
