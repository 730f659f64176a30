"""How an image was bent: where the points of a regular grid over it have moved to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isqrt

from dlim.annotation import Box

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
        edge = [(x, y) for x in (box.x1, box.x2) for y in (box.y1, box.y2)]
        edge += [(x, y) for x in _lines(box.x1, box.x2, self.width, self.side) for y in (box.y1, box.y2)]
        edge += [(x, y) for y in _lines(box.y1, box.y2, self.height, self.side) for x in (box.x1, box.x2)]
        xs, ys = zip(*(self.moved(x, y) for x, y in edge), strict=True)
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


def mesh_of(size: tuple[float, float], points: Iterable[Point]) -> Mesh:
    """A mesh from the size of an image and points as JSON has them."""
    return Mesh(*size, tuple((x, y) for x, y in points))
