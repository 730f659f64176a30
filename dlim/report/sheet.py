"""A contact sheet: pictures in sections, boxes drawn on each and words under it. Every sheet of dlim is drawn here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from dlim import store
from dlim.augment.images import Pixels, size_of
from dlim.geometry import Box, Size

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

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
    widest = max((length(text, em) + 4 for text, em in [*lines, *labels]), default=0)
    width = max(*(picture.shown[0] for picture in pictures), min(widest, TEXT), 1)
    columns = _columns([len(section.pictures) for section in sections], (WIDTH - MARGIN) // (width + MARGIN))
    tag = TAG if labels else 0
    tops, top = [], 2 * MARGIN + LINE
    for section in sections:
        top += LINE + MARGIN // 2 if section.heading else 0
        tops.append(top)
        top += ceil(len(section.pictures) / columns) * (tag + section.height + MARGIN)
    words = max(length(title, TITLE), *(length(section.heading, HEADING) for section in sections))
    return Layout(
        sections, width, columns, tag, tuple(tops), (max(columns * (width + MARGIN), words + MARGIN) + MARGIN, top)
    )


def _columns(counts: Sequence[int], most: int) -> int:
    """The columns that bring so many pictures a section into the fewest rows; the fewest of those that do."""
    return min(range(1, max(1, most) + 1), key=lambda columns: sum(ceil(count / columns) for count in counts))


# letters

TITLE = 15
HEADING = 13
CAPTION = 12
LABEL = 11
"""Sizes in pixels."""


@cache
def font(em: int) -> ImageFont.FreeTypeFont:
    """The font of that size, the same on any machine. Raises ProjectError where it isn't installed."""
    from PIL import ImageFont

    from dlim.augment.alphabet import default_font

    # dlim's own and not Pillow's: that one hides the space before a minus
    return ImageFont.truetype(default_font(), em, layout_engine=ImageFont.Layout.BASIC)


def length(text: str, em: int) -> int:
    """How many pixels wide a text is."""
    return ceil(font(em).getlength(text))


def cut(text: str, em: int, width: int) -> str:
    """As much of a text as has room in a width."""
    shown = text
    while len(shown) > 1 and length(shown, em) > width:
        shown = shown[:-2] + "…"
    return shown


# drawing

Colour = tuple[int, int, int]

PAPER: Colour = (222, 225, 229)
FRAME: Colour = (150, 154, 160)
INK: Colour = (40, 42, 46)
INNER: Colour = (255, 255, 255)
COLOURS: tuple[Colour, ...] = (
    (226, 0, 140),
    (0, 112, 220),
    (196, 88, 0),
    (0, 128, 72),
    (128, 64, 208),
    (96, 96, 0),
)
"""Of boxes, a label each: dark enough for white letters, light enough for a line on black."""


def draw(title: str, sections: Iterable[Section]) -> Image.Image:
    """The sheet of these sections, as `layout` has it; the same pixels for the same sections."""
    from PIL import Image, ImageDraw

    found = layout(title, tuple(sections))
    sheet = Image.new("RGB", found.size, PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), title, fill=INK, font=font(TITLE), anchor="lt")
    colours = _colours(found.sections)
    for number, section in enumerate(found.sections):
        above = found.tops[number] - MARGIN // 2
        pen.text((MARGIN, above), section.heading, fill=INK, font=font(HEADING), anchor="ls")
        for index, picture in enumerate(section.pictures):
            x, y = found.place(number, index)
            _frame(pen, picture, x, y)
            sheet.paste(_image(picture, colours), (x, y))
            _labels(pen, picture, x, y, found.width, colours)
            _caption(pen, picture, x, y, found.width)
    return sheet


def save(sheet: Image.Image, path: Path) -> None:
    """Write a sheet as a PNG file, whole or not at all; the same bytes for the same sheet."""
    store.write_file(path, lambda making: sheet.save(making, format="PNG", optimize=True))


def _colours(sections: Iterable[Section]) -> dict[str, Colour]:
    """A colour for each label; where there are more of them than colours, one for all."""
    labels = {mark.label for section in sections for picture in section.pictures for mark in picture.marks} - {""}
    several = len(labels) <= len(COLOURS)
    return {"": COLOURS[0]} | {label: COLOURS[several * number] for number, label in enumerate(sorted(labels))}


def _frame(pen: ImageDraw.ImageDraw, picture: Picture, x: int, y: int) -> None:
    """A line around a picture: a white one ends somewhere, and so does one as grey as the paper."""
    width, height = picture.shown
    pen.rectangle((x - 1, y - 1, x + width, y + height), outline=FRAME)


def _image(picture: Picture, colours: dict[str, Colour]) -> Image.Image:
    """A picture as it is shown: a box's line lies on the outermost pixels inside it, and a white one inside that."""
    from PIL import Image, ImageDraw

    resampling = Image.Resampling.NEAREST if picture.scale >= 1 else Image.Resampling.BOX
    image = Image.fromarray(picture.pixels).resize(picture.shown, resampling)
    pen = ImageDraw.Draw(image)
    for mark in picture.marks:
        left, top, right, bottom = _edges(mark.box, picture.scale)
        pen.rectangle((left, top, right, bottom), outline=colours[mark.label])
        if min(right - left, bottom - top) > 8:  # with it the line is seen on any picture, even one of its own colour
            pen.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline=INNER)
    return image


def _edges(box: Box, scale: float) -> tuple[int, int, int, int]:
    """The first and last columns and rows of a box, as shown."""
    left, top, right, bottom = (round(edge * scale) for edge in (box.x1, box.y1, box.x2, box.y2))
    return left, top, max(left, right - 1), max(top, bottom - 1)


def _labels(pen: ImageDraw.ImageDraw, picture: Picture, x: int, y: int, width: int, colours: dict[str, Colour]) -> None:
    """The label of each box, above it: there is room for it even where the box begins at the picture's upper edge."""
    for mark in picture.marks:
        if mark.label:
            text = cut(mark.label, LABEL, width - 4)
            room = length(text, LABEL) + 4
            left, top, _, _ = _edges(mark.box, picture.scale)
            begin, end = x + min(left, width - room), y + top
            pen.rectangle((begin, end - TAG + 1, begin + room - 1, end - 1), fill=colours[mark.label])
            pen.text((begin + 2, end - 4), text, fill=INNER, font=font(LABEL), anchor="ls")


def _caption(pen: ImageDraw.ImageDraw, picture: Picture, x: int, y: int, width: int) -> None:
    for line, text in enumerate(picture.caption, 1):
        shown = cut(text, CAPTION, width)
        below = y + picture.shown[1] + LINE * line - 2
        pen.text((x, below), shown, fill=INK, font=font(CAPTION), anchor="ls")
