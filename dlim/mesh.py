"""How an image was bent: where the points of a regular grid over it have moved to."""

from __future__ import annotations

from bisect import bisect_right
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
        cells = self.side - 1
        column, across = _cell(x / self.width * cells, cells)
        row, down = _cell(y / self.height * cells, cells)
        first = row * self.side + column
        corners = self.points[first : first + 2] + self.points[first + self.side : first + self.side + 2]
        weights = ((1 - across) * (1 - down), across * (1 - down), (1 - across) * down, across * down)
        return (
            sum(weight * corner[0] for weight, corner in zip(weights, corners, strict=True)),
            sum(weight * corner[1] for weight, corner in zip(weights, corners, strict=True)),
        )

    def followed(self, box: Box) -> Box:
        """The smallest upright box around what the given box became."""
        xs = _stops(box.x1, box.x2, self.width, self.side)
        ys = _stops(box.y1, box.y2, self.height, self.side)
        edge = [(x, y) for x in xs for y in (box.y1, box.y2)] + [(x, y) for y in ys for x in (box.x1, box.x2)]
        moved = [self.moved(x, y) for x, y in edge]
        return Box(
            min(x for x, _ in moved),
            min(y for _, y in moved),
            max(x for x, _ in moved),
            max(y for _, y in moved),
        )


def _cell(position: float, cells: int) -> tuple[int, float]:
    """The grid cell that a position falls into, and how far into it; the border cells reach outwards."""
    index = min(max(int(position), 0), cells - 1)
    return index, position - index


def _stops(low: float, high: float, length: float, side: int) -> list[float]:
    """The ends of a stretch and every grid line between: a bent edge has its extremes there."""
    lines = [length * index / (side - 1) for index in range(side)]
    return [low, *lines[bisect_right(lines, low) : bisect_right(lines, high)], high]


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
