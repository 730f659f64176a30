"""Pictures of any program, as pixels: upright, RGB, on white where they are clear."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dlim.errors import ProjectError
from dlim.geometry import Size, canvas_name

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL.Image import Image

# numpy, Pillow and OpenCV are imported where pixels are touched: `doit list` touches none

Pixels: TypeAlias = "npt.NDArray[np.uint8]"
"""An image: height x width x 3, RGB, 0 to 255."""

LONGEST = 65500
"""Pixels: no side of a JPEG file is longer."""

# for a drawing (EPS, WMF) Pillow would run another program, and its readers of rare formats are tried by nobody
_COMMON = ("BMP", "GIF", "JPEG", "PNG", "PPM")
_FORMATS = (*_COMMON, "AVIF", "DIB", "ICO", "JPEG2000", "PCX", "TGA", "TIFF", "WEBP")
_DRAWINGS = (b"%!PS", b"\xc5\xd0\xd3\xc6", b"%PDF", b"<svg", b"<?xml", b"\xd7\xcd\xc6\x9a")

_DEEP = 65535  # the white of 16 bits
_ORIENTATION = 0x0112


@contextmanager
def opened(path: Path, remedy: str = "put an image there") -> Iterator[Image]:
    """The image in a file; whatever goes wrong with it, also while it is read, is a ProjectError.

    remedy: what to do where there is no file.
    """
    from PIL import Image, UnidentifiedImageError

    if not path.is_file():  # a pipe would be waited for
        fault = "is a folder" if path.is_dir() else "is no file" if path.exists() else "is missing"
        raise ProjectError(path, fault, remedy)
    try:
        # a warning would come out as a line of Python, and one of them is of an image that is too large
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with _of_known_format(path) as image:
                if max(image.size) > LONGEST:
                    fault = f"is {canvas_name(image.size)}, longer than the {LONGEST:,} pixels of a JPEG file"
                    raise ProjectError(path, fault, "crop it smaller")
                yield image
    except ProjectError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        told = re.search(r"\((\d+) pixels\)", str(error))
        count = f"has {int(told[1]):,} pixels" if told else "is an image"
        fault = f"{count}, more than the {Image.MAX_IMAGE_PIXELS:,} that are read"
        raise ProjectError(path, fault, "crop it smaller") from error
    except UnidentifiedImageError as error:
        with path.open("rb") as file:
            drawing = file.read(5).startswith(_DRAWINGS)
        fault = "is a drawing and no image" if drawing else "is no image that can be read"
        raise ProjectError(path, fault, "save it as PNG or JPEG") from error
    except MemoryError:
        raise
    except Exception as error:  # on a broken file the readers of rarer formats raise whatever it leads them to
        reason = error.strerror if isinstance(error, OSError) else None
        fault = f"can't be read ({reason})" if reason else "is a damaged image, or only part of one"
        raise ProjectError(path, fault, "save it again") from error


def _of_known_format(path: Path) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(path, formats=_COMMON)
    except UnidentifiedImageError:
        Image.init()  # loads the readers of all others, which takes longer than reading a master
        return Image.open(path, formats=_FORMATS)


def read(path: Path) -> Pixels:
    """An image file's pixels, as a person sees them on white paper. Raises ProjectError where it can't be read."""
    import numpy as np

    with opened(path) as image:
        return np.asarray(upright(path, image))


def upright(path: Path, image: Image) -> Image:
    """What a person sees of an opened image on white paper: turned as its EXIF says, 8 bits a channel, RGB."""
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    image.load()  # before EXIF is asked for: of some formats that would read the pixels, and hide what is wrong there
    turn = turns.get(_orientation(image))
    # not Pillow's exif_transpose, which writes the EXIF again and fails where that breaks its own rules
    shown = image if turn is None else image.transpose(turn)
    if shown.mode.startswith("I;16") or (shown.mode == "I" and image.format == "PPM"):
        return _eight_bits(shown)
    if shown.mode in ("I", "F"):
        raise ProjectError(path, "has more than 16 bits a channel", "save it as PNG")
    if not shown.has_transparency_data:
        return shown.convert("RGB")
    paper = Image.new("RGBA", shown.size, "white")
    paper.alpha_composite(shown.convert("RGBA"))
    return paper.convert("RGB")


def is_upright(image: Image) -> bool:
    """Whether an opened image is seen as it lies, and not turned by its EXIF."""
    return image.format == "TIFF" or _orientation(image) == 1


def _orientation(image: Image) -> int:
    """How the image's EXIF says that it lies, 1 to 8; 1 where it says nothing that can be understood."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # Pillow's reader of TIFF tags raises whatever a broken one leads it to
        return 1


def _eight_bits(image: Image) -> Image:
    """An image of 16-bit greys: Pillow's own conversion would cut off all that is brighter than 255."""
    import numpy as np
    from PIL import Image

    levels = np.asarray(image).astype(np.int64)
    levels[levels == image.info.get("transparency", -1)] = _DEEP
    return Image.fromarray(((levels * 255 + _DEEP // 2) // _DEEP).astype(np.uint8)).convert("RGB")


def crop_size(path: Path) -> Size:
    """A master's width and height. Raises ProjectError where it can't be read, or has no room for a box."""
    size = size_of(read(path))
    if min(size) < 2:
        raise ProjectError(path, f"is {size[0]}x{size[1]}", "use a crop of at least 2x2 pixels")
    return size


def measured(path: Path) -> Size:
    """The width and height that an image file's head tells, upright; its pixels are not read."""
    with opened(path) as image:
        width, height = image.size
        turned = image.format != "TIFF" and _orientation(image) >= 5  # of a TIFF Pillow tells the size upright
        return (height, width) if turned else (width, height)


def size_of(pixels: Pixels) -> Size:
    """Width and height."""
    return pixels.shape[1], pixels.shape[0]


def jpeg_fault(data: bytes) -> str:
    """Why some bytes are no whole JPEG image, in a few words; empty where they are one."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(data), formats=_COMMON) as image:
                if image.format not in ("JPEG", "MPO"):
                    return f"is a {image.format} file under the name of a JPEG"
                image.load()
    except Exception:
        return "is not an image, or only part of one"
    return ""


def is_plain(data: bytes) -> bool:
    """Whether a JPEG file is RGB as it lies, with no EXIF that turns it: what every reader sees alike."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(BytesIO(data), formats=_COMMON) as image:
            return image.format == "JPEG" and image.mode == "RGB" and _orientation(image) == 1
