"""What is where on an image: boxes, labelled objects, and the annotation of one image."""

from __future__ import annotations

from dataclasses import dataclass, replace


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
