"""Now in dlim.geometry; goes when nothing imports it from here any more."""

from dlim.geometry import PLACEMENTS, Canvas, Size, canvas_from_name, canvas_name, fits, origin

__all__ = ["PLACEMENTS", "Canvas", "Size", "canvas_from_name", "canvas_name", "fits", "origin"]
