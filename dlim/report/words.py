"""What was done to a master, in words."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot

from dlim.frame import Size
from dlim.mesh import Mesh, grid

TOLD = ("rotation", "shift_x", "shift_y", "zoom_x", "zoom_y", "brightness")
"""The parameters that there are words for; any other is told by its name."""


def drawn(parameters: Mapping[str, float]) -> list[str]:
    """What was drawn for a variation, a line each, such as `zoom 0.84 x 1.12`."""
    lines = []
    if "rotation" in parameters:
        lines.append(f"rotation {parameters['rotation']:z.1f}°")
    if {"shift_x", "shift_y"} & parameters.keys():
        lines.append(_shift(parameters))
    if {"zoom_x", "zoom_y"} & parameters.keys():
        lines.append(f"zoom {parameters.get('zoom_x', 1):.2f} x {parameters.get('zoom_y', 1):.2f}")
    if "brightness" in parameters:
        lines.append(f"brightness x{parameters['brightness']:.2f}")
    return [*lines, *(f"{name} {value:g}" for name, value in parameters.items() if name not in TOLD)]


def _shift(parameters: Mapping[str, float]) -> str:
    ways = {"shift_x": ("left", "right"), "shift_y": ("up", "down")}
    told = [f"{ways[name][parameters[name] > 0]} {abs(parameters[name]):.1f}" for name in ways if name in parameters]
    return f"{', '.join(told)} px"


def moved(mesh: Mesh, crop: Size) -> list[str]:
    """How far a variation's points moved, in a line; none where they stand still."""
    points = zip(mesh.points, grid(*crop, mesh.side), strict=True)
    furthest = max(hypot(x - still_x, y - still_y) for (x, y), (still_x, still_y) in points)
    return [f"moved by up to {furthest:.1f} px"] if furthest >= 0.05 else []
