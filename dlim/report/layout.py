"""What a sheet consists of, and where its pictures stand: as large as they can be on a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from dlim.annotation import Box
from dlim.augment.images import Pixels, size_of
from dlim.frame import Size
from dlim.report import lettering
from dlim.report.lettering import CAPTION, HEADING, LABEL, TITLE

WIDTH = 960
"""What a sheet's width stays within, where more than one picture has room."""

HEIGHT = 1600
"""What a sheet's height stays within, as long as its pictures can be smaller for it."""

SMALL = (64, 150)
LARGE = (150, 400)
"""Between what the longer side of a small picture is shown, and that of a large one."""

TEXT = 180
"""What the lines under a picture may make its column wide; a longer one is cut."""

MARGIN = 12
LINE = 15
TAG = 14
"""The room for a line under a picture, and for a label above it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A box on a picture, half-open and 0-based, and the label that stands above it, if there is one."""

    box: Box
    label: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a sheet. caption: the lines under it.

    scale: how much larger it is shown; 0 where that is the layout's to say.
    """

    pixels: Pixels
    marks: Sequence[Mark] = ()
    caption: Sequence[str] = ()
    scale: float = 0

    @property
    def shown(self) -> Size:
        """The size that it has on its sheet."""
        width, height = size_of(self.pixels)
        return max(1, round(width * self.scale)), max(1, round(height * self.scale))


@dataclass(frozen=True, slots=True)
class Section:
    """Pictures that begin a row of their own, under a heading; one without words takes no room."""

    heading: str
    pictures: Sequence[Picture]

    @property
    def height(self) -> int:
        """Of its highest picture, with its caption."""
        return max((picture.shown[1] + LINE * len(picture.caption) for picture in self.pictures), default=0)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the pictures of a sheet stand.

    sections: every picture with its scale. width: of a column. tag: the room for labels above a picture.
    tops: where each section's first row begins.
    """

    sections: tuple[Section, ...]
    width: int
    columns: int
    tag: int
    tops: tuple[int, ...]
    size: Size

    def place(self, section: int, index: int) -> tuple[int, int]:
        """The left upper pixel of a picture of a section."""
        row, column = divmod(index, self.columns)
        height = self.tag + self.sections[section].height + MARGIN
        return MARGIN + column * (self.width + MARGIN), self.tops[section] + row * height + self.tag


def layout(title: str, sections: Sequence[Section]) -> Layout:
    """The layout of a sheet: as large as its pictures can be while it keeps within HEIGHT.

    One picture at least leaves its scale to the layout: the first of them decides how large all are shown.
    """
    first = next(picture for section in sections for picture in section.pictures if not picture.scale)
    longest = max(size_of(first.pixels))
    found = [_layout(title, _scaled(sections, scale, longest * scale)) for scale in _scales(longest)]
    return next((each for each in found if each.size[1] <= HEIGHT), found[-1])


def _scales(longest: int) -> list[float]:
    """How much larger a picture may be shown, the most first: whole factors and their inverses keep it crisp."""
    least, most = SMALL if longest <= SMALL[1] else LARGE
    steps = [*range(most, 0, -1), *(1 / part for part in range(2, longest + 1))]
    return [step for step in steps if least <= longest * step <= most]


def _scaled(sections: Sequence[Section], scale: float, most: float) -> tuple[Section, ...]:
    """All pictures with their scales. most: what the longer side of none of them is to exceed."""
    limit = max(most, SMALL[1])
    return tuple(
        Section(
            section.heading,
            [replace(picture, scale=picture.scale or _own(picture, scale, limit)) for picture in section.pictures],
        )
        for section in sections
    )


def _own(picture: Picture, scale: float, limit: float) -> float:
    """The scale of a picture on a sheet of that scale; less where it would be larger than all others."""
    longest = max(size_of(picture.pixels))
    if longest * scale <= limit:
        return scale
    return limit // longest or 1 / ceil(longest / limit)


def _layout(title: str, sections: tuple[Section, ...]) -> Layout:
    pictures = [picture for section in sections for picture in section.pictures]
    lines = [(line, CAPTION) for picture in pictures for line in picture.caption]
    labels = [(mark.label, LABEL) for picture in pictures for mark in picture.marks if mark.label]
    widest = max((lettering.length(text, em) + 4 for text, em in [*lines, *labels]), default=0)
    width = max(*(picture.shown[0] for picture in pictures), min(widest, TEXT), 1)
    columns = _columns([len(section.pictures) for section in sections], (WIDTH - MARGIN) // (width + MARGIN))
    tag = TAG if labels else 0
    tops, top = [], 2 * MARGIN + LINE
    for section in sections:
        top += LINE + MARGIN // 2 if section.heading else 0
        tops.append(top)
        top += ceil(len(section.pictures) / columns) * (tag + section.height + MARGIN)
    words = max(lettering.length(title, TITLE), *(lettering.length(section.heading, HEADING) for section in sections))
    return Layout(
        sections, width, columns, tag, tuple(tops), (max(columns * (width + MARGIN), words + MARGIN) + MARGIN, top)
    )


def _columns(counts: Sequence[int], most: int) -> int:
    """The columns that bring so many pictures a section into the fewest rows; the fewest of those that do."""
    return min(range(1, max(1, most) + 1), key=lambda columns: sum(ceil(count / columns) for count in counts))
