"""A contact sheet: pictures in sections, boxes drawn on each and words under it. Every sheet of dlim is drawn here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from dlim import builds
from dlim.annotation import Box
from dlim.report import lettering
from dlim.report.layout import LINE, MARGIN, TAG, Picture, Section, layout
from dlim.report.lettering import CAPTION, HEADING, LABEL, TITLE

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

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
    pen.text((MARGIN, MARGIN), title, fill=INK, font=lettering.font(TITLE), anchor="lt")
    colours = _colours(found.sections)
    for number, section in enumerate(found.sections):
        above = found.tops[number] - MARGIN // 2
        pen.text((MARGIN, above), section.heading, fill=INK, font=lettering.font(HEADING), anchor="ls")
        for index, picture in enumerate(section.pictures):
            x, y = found.place(number, index)
            _frame(pen, picture, x, y)
            sheet.paste(_image(picture, colours), (x, y))
            _labels(pen, picture, x, y, found.width, colours)
            _caption(pen, picture, x, y, found.width)
    return sheet


def save(sheet: Image.Image, path: Path) -> None:
    """Write a sheet as a PNG file, whole or not at all; the same bytes for the same sheet."""
    builds.write_file(path, lambda making: sheet.save(making, format="PNG", optimize=True))


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
            text = lettering.cut(mark.label, LABEL, width - 4)
            length = lettering.length(text, LABEL) + 4
            left, top, _, _ = _edges(mark.box, picture.scale)
            begin, end = x + min(left, width - length), y + top
            pen.rectangle((begin, end - TAG + 1, begin + length - 1, end - 1), fill=colours[mark.label])
            pen.text((begin + 2, end - 4), text, fill=INNER, font=lettering.font(LABEL), anchor="ls")


def _caption(pen: ImageDraw.ImageDraw, picture: Picture, x: int, y: int, width: int) -> None:
    for line, text in enumerate(picture.caption, 1):
        shown = lettering.cut(text, CAPTION, width)
        below = y + picture.shown[1] + LINE * line - 2
        pen.text((x, below), shown, fill=INK, font=lettering.font(CAPTION), anchor="ls")
