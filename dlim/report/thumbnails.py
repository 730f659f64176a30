"""A small picture of a dataset's image, with its boxes: pixels as a data URI, and boxes to be drawn over them."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dlim.geometry import Box, Object
from dlim.report.samples import WHITE
from dlim.report.sheet import COLOURS

if TYPE_CHECKING:
    from PIL import Image

SIDE = 132
"""What the longer side of a picture is shown at, or somewhat less: a whole factor keeps small ones crisp."""

MOST = 320
"""What the longer side has in pixels at most."""

CRISP = 96 * 96
"""Up to so many pixels a picture loses nothing; a larger one would be heavy."""


class Line(NamedTuple):
    """A box on a picture: its left upper corner and its size in the image's pixels. colour: as #rrggbb."""

    x: float
    y: float
    width: float
    height: float
    label: str
    colour: str


class Thumbnail(NamedTuple):
    """A part of an image. width, height: of that part, in the image's pixels. shown: its size on a page."""

    uri: str
    width: int
    height: int
    shown: tuple[int, int]
    lines: tuple[Line, ...]
    caption: tuple[str, ...]


def thumbnail(
    path: Path, things: Sequence[Object], colours: Mapping[str, str], caption: Sequence[str], *, close: bool = False
) -> Thumbnail | None:
    """The part of an image that isn't a canvas's white, with boxes; None where it can't be read.

    close: only what is around the boxes. colours: by label; those that have none get the first.
    """
    from PIL import Image

    try:
        with Image.open(path) as file:
            image = file.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    part = _around(things, image.size) if close and things else _drawn(image, things)
    left, top, right, bottom = part
    width, height = right - left, bottom - top
    lines = tuple(
        Line(box.x1 - left, box.y1 - top, box.width, box.height, thing.label, colours.get(thing.label, _hex(0)))
        for thing in things
        for box in (thing.box,)
    )
    return Thumbnail(_uri(image.crop(part)), width, height, _shown(width, height), lines, tuple(caption))


def kept(path: Path, caption: Sequence[str]) -> Thumbnail | None:
    """A small JPEG as it is, boxes and all; None where it can't be read."""
    from PIL import Image

    try:
        data = path.read_bytes()
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as file:
            width, height = file.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if len(data) > _LARGE:
        return None
    uri = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    return Thumbnail(uri, width, height, _shown(width, height), (), tuple(caption))


_LARGE = 1 << 17
"""Bytes that a small picture doesn't have."""


def palette(labels: Sequence[str]) -> dict[str, str]:
    """A colour for each label, as #rrggbb; where there are more of them than colours, one for all."""
    several = len(labels) <= len(COLOURS)
    return {label: _hex(several * number) for number, label in enumerate(sorted(labels))}


def _hex(number: int) -> str:
    return "#{:02x}{:02x}{:02x}".format(*COLOURS[number])


Part = tuple[int, int, int, int]
"""Left, upper, right and lower edge, half-open."""


def _drawn(image: Image.Image, things: Sequence[Object]) -> Part:
    """What isn't white, and the boxes."""
    from PIL import ImageChops

    red, green, blue = image.split()
    dark = ImageChops.darker(ImageChops.darker(red, green), blue).point([255] * WHITE + [0] * (256 - WHITE))
    found = dark.getbbox()
    drawn = [Box(*found)] if found else [] if things else [Box(0, 0, *image.size)]
    return _part([*drawn, *(thing.box for thing in things)], image.size, 0)


def _around(things: Sequence[Object], size: tuple[int, int]) -> Part:
    boxes = [thing.box for thing in things]
    longest = max(max(box.width, box.height) for box in boxes)
    return _part(boxes, size, 6 + round(longest * 0.4))


def _part(boxes: Sequence[Box], size: tuple[int, int], margin: int) -> Part:
    """What encloses boxes, with a margin, of what there is."""
    width, height = size
    x1, y1 = (min(getattr(box, edge) for box in boxes) - margin for edge in ("x1", "y1"))
    x2, y2 = (max(getattr(box, edge) for box in boxes) + margin for edge in ("x2", "y2"))
    # a box may lie outside altogether
    left, top = max(0, min(int(x1), width - 1)), max(0, min(int(y1), height - 1))
    return left, top, max(left + 1, min(int(x2), width)), max(top + 1, min(int(y2), height))


def _shown(width: int, height: int) -> tuple[int, int]:
    longest = max(width, height)
    scale = max(1, SIDE // longest) if longest <= SIDE else SIDE / longest
    return max(1, round(width * scale)), max(1, round(height * scale))


def _uri(image: Image.Image) -> str:
    small = image.width * image.height <= CRISP
    image.thumbnail((MOST, MOST))
    out = io.BytesIO()
    image.save(out, "WEBP", lossless=small, quality=80, method=4)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"
