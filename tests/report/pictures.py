"""The pictures on a sheet as a person sees them: found by the frames around them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from dlim.report.sheet import COLOURS, FRAME

Shown = npt.NDArray[np.uint8]


def framed(sheet: Image.Image) -> list[Shown]:
    """What each frame on a sheet encloses, row by row."""
    pixels = np.asarray(sheet)
    frame = np.pad((pixels == FRAME).all(axis=2), 1)
    # a frame's left lower corner: labels may lie on its upper edge, and on that only
    corner = frame[1:-1, 1:-1] & frame[1:-1, 2:] & frame[:-2, 1:-1] & ~frame[1:-1, :-2] & ~frame[2:, 1:-1]
    found = []
    for bottom, left in np.argwhere(corner):
        top = bottom - run(frame[1 : bottom + 2, left + 1][::-1]) + 1
        right = left + run(frame[bottom + 1, left + 1 :]) - 1
        found.append((top, left, pixels[top + 1 : bottom, left + 1 : right]))
    return [picture for _, _, picture in sorted(found, key=lambda one: one[:2])]


def run(line: npt.NDArray[np.bool_]) -> int:
    """How many at its beginning are true."""
    return int(np.argmin(line)) if not line.all() else len(line)


def coloured(picture: Shown, colour: tuple[int, int, int] = COLOURS[0]) -> npt.NDArray[np.bool_]:
    """Where a picture has a box's colour."""
    return (picture == colour).all(axis=2)


def edges(shown: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The half-open bounds (x1, y1, x2, y2) of what is true."""
    rows, columns = np.nonzero(shown)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
