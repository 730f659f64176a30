"""A crop as any program saved it, read as the JPEG file that a master is."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from dlim.augment import images
from dlim.errors import ProjectError
from dlim.frame import Size, canvas_name

if TYPE_CHECKING:
    from PIL.Image import Image

Rectangle = tuple[int, int, int, int]
"""x, y, width, height in pixels, from the image's left upper corner."""

QUALITY = 100
"""Of the JPEG file, at full colour resolution: a master is small, and every variation is made from it."""

LONGEST = 65500
"""Pixels: no side of a JPEG file is longer."""

_RECTANGLE = re.compile(r"\s*(\d{1,5})\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*,\s*(\d{1,5})\s*", re.ASCII)
_DEEP = 65535  # the white of 16 bits


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
        raise ProjectError("--box", f'"{text}" is no rectangle', "say x,y,width,height in pixels, such as 368,0,32,32")
    x, y, width, height = map(int, found.groups())
    return x, y, width, height


def read(path: Path, box: Rectangle | None = None) -> Crop:
    """An image file as a master: upright, RGB, what shines through white; only what is in the box, if there is one.

    A whole JPEG file that is all of that already is taken byte for byte. Raises ProjectError, one line with the file.
    """
    with _opened(path) as image:
        shown = _upright_rgb(path, image)
        if box is not None:
            shown = shown.crop(_edges(path, shown.size, box))
        if min(shown.size) < 2:
            raise ProjectError(path, f"is {canvas_name(shown.size)}", "use a crop of at least 2x2 pixels")
        if max(shown.size) > LONGEST:
            raise ProjectError(path, f"is {canvas_name(shown.size)}, too long for a JPEG file", "crop it smaller")
        data = path.read_bytes() if box is None and image.format == "JPEG" else b""
        if not data or not images.is_plain(data):
            data = _encoded(shown)
        several = bool(getattr(image, "is_animated", False))
        notes = (f"{path}: has several frames; the first was taken",) if several else ()
        # of what the file will hold, and not of what was read: JPEG changes pixels
        return Crop(data, shown.size, _digest(data), notes)


def digest(path: Path) -> str:
    """The digest of what a master shows: equal for equal pixels. Raises ProjectError where it can't be read."""
    with _opened(path) as image:
        return _digest_of(_upright_rgb(path, image))


def _digest(data: bytes) -> str:
    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        return _digest_of(image.convert("RGB"))


def _digest_of(image: Image) -> str:
    return hashlib.sha256(canvas_name(image.size).encode() + image.tobytes()).hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """The image in a file; whatever goes wrong with it, also while it is read, is a ProjectError."""
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():  # a pipe would be waited for
        fault = "is a folder" if path.is_dir() else "is no file" if path.exists() else "is missing"
        raise ProjectError(path, fault, "name an image file")
    try:
        # a warning would come out as a line of Python, and one of them is of an image that is too large
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.format == "EPS":  # to draw one, Pillow runs another program on the file
                    raise ProjectError(path, "is a drawing and no image", "save it as PNG")
                yield image
    except ProjectError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        fault = f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        raise ProjectError(path, fault, "crop it smaller") from error
    except UnidentifiedImageError as error:
        raise ProjectError(path, "is no image that can be read", "save it as PNG or JPEG") from error
    except Exception as error:  # on a broken file the readers of rarer formats raise whatever it leads them to
        reason = error.strerror if isinstance(error, OSError) else None
        fault = f"can't be read ({reason})" if reason else "is a damaged image, or only part of one"
        raise ProjectError(path, fault, "save it again") from error


def _upright_rgb(path: Path, image: Image) -> Image:
    """What a person sees of it on white paper."""
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16") or (upright.mode == "I" and image.format == "PPM"):
        return _eight_bits(upright)
    if upright.mode in ("I", "F"):
        raise ProjectError(path, "has more than 16 bits a channel", "save it as PNG")
    if not upright.has_transparency_data:
        return upright.convert("RGB")
    paper = Image.new("RGBA", upright.size, "white")
    paper.alpha_composite(upright.convert("RGBA"))
    return paper.convert("RGB")


def _eight_bits(image: Image) -> Image:
    """An image of 16-bit greys: Pillow's own conversion would cut off all that is brighter than 255."""
    import numpy as np
    from PIL import Image

    levels = np.asarray(image).astype(np.int64)
    levels[levels == image.info.get("transparency", -1)] = _DEEP
    return Image.fromarray(((levels * 255 + _DEEP // 2) // _DEEP).astype(np.uint8)).convert("RGB")


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
