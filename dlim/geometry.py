"""What is where on an image: canvases and placements, boxes and labelled objects, and how boxes follow a variation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isqrt

from dlim.errors import ProjectError

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


def too_large(project: object, crop: Size, canvas: Canvas) -> ProjectError | None:
    """The error for a project whose crop has no room on a learner's canvas; None where it has."""
    if fits(crop, canvas):
        return None
    fault = f"an image of {canvas_name(crop)} has no room on the canvas {canvas_name(canvas)}"
    remedy = 'crop the master smaller, say fit = "shrink" in that learner\'s file, or exclude the project there'
    return ProjectError(project, fault, remedy)


def origin(crop: Size, canvas: Canvas, placement: str) -> tuple[int, int]:
    """The canvas pixel on which the crop's left upper pixel lies."""
    if canvas is None:
        return 0, 0
    across, down = PLACEMENTS[placement]
    return int((canvas[0] - crop[0]) * across), int((canvas[1] - crop[1]) * down)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels, half-open and 0-based: it covers x1 <= x < x2 and y1 <= y < y2.

    A coordinate counts from the image's left or upper edge, so that pixel i covers [i, i + 1).
    Fractions are allowed; `rounded` ends them.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    def shifted(self, dx: float, dy: float) -> Box:
        return Box(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy)

    def clipped(self, width: float, height: float) -> Box:
        """What of it lies on an area of that size; area 0 where nothing does."""
        return Box(
            min(max(self.x1, 0), width),
            min(max(self.y1, 0), height),
            min(max(self.x2, 0), width),
            min(max(self.y2, 0), height),
        )

    def overhang(self, width: float, height: float) -> float:
        """By how many pixels it leaves an area of that size at its worst edge; 0 inside."""
        return max(0.0, -self.x1, -self.y1, self.x2 - width, self.y2 - height)

    def seen(self, width: int, height: int) -> Box | None:
        """What of it is to be seen on an image of that size, in whole pixels; None where that is less than one."""
        inside = self.clipped(width, height)
        return None if inside.width < 1 or inside.height < 1 else inside.rounded(width, height)

    def rounded(self, width: int, height: int) -> Box:
        """The nearest box of whole pixels inside width x height, at least 2 by 2 pixels.

        VOC readers want min < max with both inclusive, so an object of one pixel gets a neighbour.
        """
        x1, x2 = _rounded_span(self.x1, self.x2, width)
        y1, y2 = _rounded_span(self.y1, self.y2, height)
        return Box(x1, y1, x2, y2)


def _rounded_span(low: float, high: float, limit: int) -> tuple[int, int]:
    # floor(v + 0.5) and not round(): half to even would move a box by where it stands
    first = max(0, int(low + 0.5))
    last = min(limit, int(high + 0.5))
    if last - first < 2:
        first = max(0, min(first, limit - 2))
        last = min(limit, first + 2)
    return first, last


@dataclass(frozen=True, slots=True)
class Object:
    """One labelled thing on an image, with the flags that Pascal VOC gives it."""

    label: str
    box: Box
    truncated: bool = False
    difficult: bool = False
    pose: str = "Unspecified"

    def at(self, box: Box, *, truncated: bool) -> Object:
        """The same thing elsewhere; what was cut off on the master stays cut off."""
        return replace(self, box=box, truncated=self.truncated or truncated)


@dataclass(frozen=True, slots=True)
class Annotation:
    """An image's name, size in pixels, channels, and the objects on it."""

    filename: str
    width: int
    height: int
    objects: tuple[Object, ...]
    depth: int = 3
    folder: str = "JPEGImages"


Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mesh:
    """The moved points of a side x side grid that spans an image, row by row, in pixels.

    Between the points the movement is bilinear: 2 x 2 points tell an affine change exactly, more
    points come closer to a perspective or an elastic one.
    """

    width: float
    height: float
    points: tuple[Point, ...]

    @property
    def side(self) -> int:
        return isqrt(len(self.points))

    def moved(self, x: float, y: float) -> Point:
        """Where the image's point (x, y) went."""
        side = self.side
        column, across = _cell(x / self.width * (side - 1), side - 1)
        row, down = _cell(y / self.height * (side - 1), side - 1)
        first = row * side + column
        left, right = self.points[first], self.points[first + 1]
        below_left, below_right = self.points[first + side], self.points[first + side + 1]
        return (
            _between(_between(left[0], right[0], across), _between(below_left[0], below_right[0], across), down),
            _between(_between(left[1], right[1], across), _between(below_left[1], below_right[1], across), down),
        )

    def followed(self, box: Box) -> Box:
        """The smallest upright box around what the given box became."""
        if len(self.points) == 4:
            return self._followed_by_corners(box)
        edge = [(x, y) for x in (box.x1, box.x2) for y in (box.y1, box.y2)]
        edge += [(x, y) for x in _lines(box.x1, box.x2, self.width, self.side) for y in (box.y1, box.y2)]
        edge += [(x, y) for y in _lines(box.y1, box.y2, self.height, self.side) for x in (box.x1, box.x2)]
        xs, ys = zip(*(self.moved(x, y) for x, y in edge), strict=True)
        return Box(min(xs), min(ys), max(xs), max(ys))

    def _followed_by_corners(self, box: Box) -> Box:
        """As `followed`, of 2 x 2 points: nearly every image has them, and a call a corner would take twice as long."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = self.points
        xs, ys = [], []
        for across in (box.x1 / self.width, box.x2 / self.width):
            top, bottom = ax + (bx - ax) * across, cx + (dx - cx) * across
            left, right = ay + (by - ay) * across, cy + (dy - cy) * across
            for down in (box.y1 / self.height, box.y2 / self.height):
                xs.append(top + (bottom - top) * down)
                ys.append(left + (right - left) * down)
        return Box(min(xs), min(ys), max(xs), max(ys))


def _cell(position: float, cells: int) -> tuple[int, float]:
    """The grid cell that a position falls into, and how far into it; the border cells reach outwards."""
    index = min(max(int(position), 0), cells - 1)
    return index, position - index


def _between(low: float, high: float, share: float) -> float:
    return low + (high - low) * share


def _lines(low: float, high: float, length: float, side: int) -> list[float]:
    """The grid lines inside a stretch: a bent edge has its extremes there, or at its ends."""
    return [line for index in range(1, side - 1) if low < (line := length * index / (side - 1)) < high]


def grid(width: float, height: float, side: int) -> tuple[Point, ...]:
    """The points of a side x side grid over an image, row by row, before anything moved."""
    steps = range(side)
    return tuple((width * column / (side - 1), height * row / (side - 1)) for row in steps for column in steps)


def still(width: float, height: float) -> Mesh:
    """The mesh of an image in which nothing moved."""
    return Mesh(width, height, grid(width, height, 2))
