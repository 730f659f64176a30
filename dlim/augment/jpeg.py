"""JPEG files of a crop on a white canvas, of which only the rows that show something are encoded.

A JPEG file is made of rows of blocks, and with a restart marker behind each row no row knows of another. So all white
rows of one width are the same hundred bytes, and a file is its head, white rows, what the encoder made of the strip
with the crop, and white rows again. Its pixels are those of a file that was encoded whole.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlim.augment.images import Pixels
from dlim.geometry import Canvas, Size, fits

QUALITY = 95
WHITE = 255

_BLOCK = 16
"""Pixels: the side of what is encoded together, as colour has half the resolution of light."""

_END = b"\xff\xd9"
_SIZE = re.compile(rb"\xff\xc0..\x08(....)", re.DOTALL)
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")  # in a scan FF is followed by 00, or is a marker
_RESTARTS = tuple(bytes((0xFF, 0xD0 + number)) for number in range(8))


def encode(pixels: Pixels) -> bytes:
    """A JPEG file of quality 95, the same bytes for the same pixels."""
    return encode_bgr(_bgr(pixels))


def on_canvas(crop: Pixels, canvas: Size, origin: tuple[int, int]) -> bytes:
    """A JPEG file of the crop on a white canvas of that size, its left upper pixel at origin (x, y)."""
    width, height = canvas
    if crop.shape[:2] == (height, width):
        return encode(crop)
    first, last = origin[1] // _BLOCK, -(-(origin[1] + crop.shape[0]) // _BLOCK)
    top, bottom = first * _BLOCK, min(last * _BLOCK, height)
    strip = placed(_bgr(crop), (width, bottom - top), (origin[0], origin[1] - top))
    head, above, below = _around(canvas, first, last)
    scan = encode_bgr(strip, -(-width // _BLOCK))[len(head) : -len(_END)]
    if first % 8 and last - first > 1:  # the encoder has counted from the strip's first row
        scan = _RESTART.sub(lambda mark: _RESTARTS[(mark[0][1] - 0xD0 + first) % 8], scan)
    return b"".join((head, above, scan, below))


def placed(crop: Pixels, canvas: Size, origin: tuple[int, int]) -> Pixels:
    """The crop on a white canvas of that size, its left upper pixel at origin (x, y)."""
    height, width = crop.shape[:2]
    if canvas == (width, height):
        return crop
    import numpy as np

    x, y = origin
    pixels = np.full((canvas[1], canvas[0], 3), WHITE, np.uint8)
    pixels[y : y + height, x : x + width] = crop
    return pixels


def shrunk(pixels: Pixels, canvas: Canvas) -> Pixels:
    """The pixels, made smaller where a canvas has no room for them: as large as fits, width to height as before."""
    height, width = pixels.shape[:2]
    if fits((width, height), canvas) or canvas is None:
        return pixels
    import cv2

    factor = min(canvas[0] / width, canvas[1] / height)
    size = max(2, int(width * factor + 1e-9)), max(2, int(height * factor + 1e-9))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value] # stubs say any number


def _bgr(pixels: Pixels) -> Pixels:
    """The pixels with their channels as OpenCV has them."""
    import cv2

    # not pixels[..., ::-1]: OpenCV takes four times as long over the reversed view as over a copy
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)  # type: ignore[return-value] # stubs say any number


def encode_bgr(pixels: Any, interval: int = 0) -> bytes:
    """As `encode`, of pixels whose channels are in OpenCV's order.

    interval: after how many blocks there is a restart marker; none for 0.
    """
    import cv2

    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_RST_INTERVAL, interval]
    done, data = cv2.imencode(".jpg", pixels, options)
    if not done:
        raise ValueError(f"pixels of shape {pixels.shape} can't be written as JPEG")
    return data.tobytes()


@lru_cache(maxsize=64)
def _around(canvas: Size, first: int, last: int) -> tuple[bytes, bytes, bytes]:
    """What stands around the rows from first to before last: the file's head, the rows above, the rows below."""
    import numpy as np

    width, height = canvas
    rows = -(-height // _BLOCK)
    data = encode_bgr(np.full((_BLOCK, width, 3), WHITE, np.uint8), -(-width // _BLOCK))
    start = data.rindex(b"\xff\xda")
    start += 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    head = _SIZE.sub(lambda mark: mark[0][:5] + height.to_bytes(2, "big") + width.to_bytes(2, "big"), data[:start], 1)
    white = data[start : -len(_END)]
    above = b"".join(white + _RESTARTS[row % 8] for row in range(first))
    below = b"".join(_RESTARTS[(row - 1) % 8] + white for row in range(last, rows))
    return head, above, below + _END
