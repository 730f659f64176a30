"""Now in dlim.geometry; goes when nothing imports it from here any more."""

from dlim.geometry import Mesh, Point, grid, still

__all__ = ["Mesh", "Point", "grid", "still"]
