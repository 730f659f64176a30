"""Pixels: images in, JPEG files out, and a crop put on its canvas."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dlim.errors import ProjectError
from dlim.frame import Size

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# numpy, Pillow and OpenCV are imported where pixels are touched: `doit list` touches none

Pixels: TypeAlias = "npt.NDArray[np.uint8]"
"""An image: height x width x 3, RGB, 0 to 255."""

WHITE = 255
QUALITY = 95


def read(path: Path) -> Pixels:
    """An image file as RGB, turned as its EXIF says. Raises ProjectError where it can't be read."""
    import numpy as np
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            if image.mode.startswith(("I", "F")):  # Pillow would cut off what is brighter than 255
                raise ProjectError(path, "has more than 8 bits a channel", "save it again as a JPEG file")
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if not path.exists():
            raise ProjectError(path, "is missing", "put an image there") from error
        raise ProjectError(path, "is no image that can be read", "save it again as a JPEG file") from error


def crop_size(path: Path) -> Size:
    """A master's width and height. Raises ProjectError where it can't be read, or has no room for a box."""
    size = size_of(read(path))
    if min(size) < 2:
        raise ProjectError(path, f"is {size[0]}x{size[1]}", "use a crop of at least 2x2 pixels")
    return size


def size_of(pixels: Pixels) -> Size:
    """Width and height."""
    return pixels.shape[1], pixels.shape[0]


def encode(pixels: Pixels) -> bytes:
    """A JPEG file of quality 95, the same bytes for the same pixels."""
    import cv2

    # cvtColor and not pixels[..., ::-1]: OpenCV takes four times as long over the reversed view as over a copy
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ValueError(f"pixels of shape {pixels.shape} can't be written as JPEG")
    return data.tobytes()


def placed(crop: Pixels, canvas: Size, origin: tuple[int, int]) -> Pixels:
    """The crop on a white canvas of that size, its left upper pixel at origin (x, y)."""
    import numpy as np

    width, height = size_of(crop)
    if canvas == (width, height):
        return crop
    x, y = origin
    pixels = np.full((canvas[1], canvas[0], 3), WHITE, np.uint8)
    pixels[y : y + height, x : x + width] = crop
    return pixels


def jpeg_fault(data: bytes) -> str:
    """Why some bytes are no whole JPEG image, in a few words; empty where they are one."""
    from PIL import Image

    try:
        with Image.open(BytesIO(data)) as image:
            if image.format != "JPEG":
                return f"is a {image.format} file under the name of a JPEG"
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "is not an image, or only part of one"
    return ""


def is_plain(data: bytes) -> bool:
    """Whether a JPEG file is RGB as it lies, with no EXIF that turns it: what every reader sees alike."""
    from PIL import ExifTags, Image

    with Image.open(BytesIO(data)) as image:
        return image.mode == "RGB" and image.getexif().get(ExifTags.Base.Orientation, 1) == 1
