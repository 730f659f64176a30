"""Where a crop stands on a canvas: placements, canvases, and the frame that a box is measured in."""

from __future__ import annotations

Size = tuple[int, int]
"""Width and height in pixels."""

Canvas = Size | None
"""The image size that a learner needs; None is "native": the crop's own size."""

PLACEMENTS: dict[str, tuple[float, float]] = {
    "left-upper": (0, 0),
    "right-upper": (1, 0),
    "left-lower": (0, 1),
    "right-lower": (1, 1),
    "centre": (0.5, 0.5),
}
"""Each placement's share of the free width and height that lies left of and above the crop."""


def canvas_name(canvas: Canvas) -> str:
    """How a canvas is written in folder names, task names and messages: 400x400 or native."""
    return "native" if canvas is None else f"{canvas[0]}x{canvas[1]}"


def canvas_from_name(name: str) -> Canvas:
    """The canvas of such a name. Raises ValueError for any other text."""
    if name == "native":
        return None
    width, _, height = name.partition("x")
    return int(width), int(height)


def fits(crop: Size, canvas: Canvas) -> bool:
    """Whether the crop has room on the canvas."""
    return canvas is None or (crop[0] <= canvas[0] and crop[1] <= canvas[1])


def origin(crop: Size, canvas: Canvas, placement: str) -> tuple[int, int]:
    """The canvas pixel on which the crop's left upper pixel lies."""
    if canvas is None:
        return 0, 0
    across, down = PLACEMENTS[placement]
    return int((canvas[0] - crop[0]) * across), int((canvas[1] - crop[1]) * down)
