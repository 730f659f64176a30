"""A crop as any program saved it, read as the JPEG file that a master is."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from dlim.augment import images
from dlim.errors import ProjectError, shown
from dlim.geometry import Size, canvas_name

if TYPE_CHECKING:
    from PIL.Image import Image

Rectangle = tuple[int, int, int, int]
"""x, y, width, height in pixels, from the image's left upper corner."""

QUALITY = 100
"""Of the JPEG file, at full colour resolution: a master is small, and every variation is made from it."""

_RECTANGLE = re.compile(r"\s*(\d{1,5})\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Crop:
    """An image that can be a master.

    data: the JPEG file. size: width and height. digest: of its pixels, however a file holds them. notes: what is to
    be said of how it was read.
    """

    data: bytes
    size: Size
    digest: str
    notes: tuple[str, ...] = ()


def rectangle(text: str) -> Rectangle:
    """The rectangle that a person wrote as x,y,width,height. Raises ProjectError."""
    found = _RECTANGLE.fullmatch(text)
    if found is None:
        fault = f'"{shown(text)}" is no rectangle'
        raise ProjectError("--box", fault, "say x,y,width,height in pixels, such as 368,0,32,32")
    x, y, width, height = map(int, found.groups())
    return x, y, width, height


def read(path: Path, box: Rectangle | None = None) -> Crop:
    """An image file as a master: upright, RGB, what shines through white; only what is in the box, if there is one.

    A whole JPEG file that is all of that already is taken byte for byte. Raises ProjectError, one line with the file.
    """
    with images.opened(path, "name an image file") as image:
        shown = images.upright(path, image)
        if box is not None:
            shown = shown.crop(_edges(path, shown.size, box))
        if min(shown.size) < 2:
            raise ProjectError(path, f"is {canvas_name(shown.size)}", "use a crop of at least 2x2 pixels")
        data = path.read_bytes() if box is None and image.format == "JPEG" else b""
        if not data or not images.is_plain(data):
            data = _encoded(shown)
        several = bool(getattr(image, "is_animated", False))
        notes = (f"{path}: has several frames; the first was taken",) if several else ()
        # of what the file will hold, and not of what was read: JPEG changes pixels
        return Crop(data, shown.size, _digest(data), notes)


def digest(path: Path) -> str:
    """The digest of what a master shows: equal for equal pixels. Raises ProjectError where it can't be read."""
    with images.opened(path) as image:
        return _digest_of(images.upright(path, image))


def _digest(data: bytes) -> str:
    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        return _digest_of(image.convert("RGB"))


def _digest_of(image: Image) -> str:
    return hashlib.sha256(canvas_name(image.size).encode() + image.tobytes()).hexdigest()


def _edges(path: Path, size: Size, box: Rectangle) -> Rectangle:
    x, y, width, height = box
    if x + width > size[0] or y + height > size[1]:
        fault = f"the box {x},{y},{width},{height} leaves the image, which is {canvas_name(size)}"
        raise ProjectError(path, fault, "say x,y,width,height within it")
    return x, y, x + width, y + height


def _encoded(image: Image) -> bytes:
    """A JPEG file of these pixels, and of nothing else that the source had, such as a comment."""
    from PIL import Image

    data = BytesIO()
    Image.frombytes("RGB", image.size, image.tobytes()).save(data, "JPEG", quality=QUALITY, subsampling=0)
    return data.getvalue()
