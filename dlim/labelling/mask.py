"""Which pixels of a crop are the object's, as the page shows and corrects it: `master/mask.png`, or a suggestion."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from dlim import store
from dlim.errors import AnnotationError
from dlim.geometry import Object
from dlim.labelling.box_file import Picture

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Mask = npt.NDArray[np.uint8]


class Drawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mask of the crop, row by row: how many pixels aren't the object's, how many then are, and so on.

    source: saved where there is a file; else suggested, from the boxes, or none where there is no box to go by.
    """

    runs: list[int]
    source: Literal["saved", "suggested", "none"] = "saved"


def path(on: Picture) -> Path:
    """The mask's file."""
    return on.master.image.with_name("mask.png")


def read(on: Picture, objects: Iterable[Object]) -> Drawn:
    """The mask there is, or what these boxes suggest. Raises DlimError where the file can't be read."""
    from dlim.scenes import masks

    file = path(on)
    if file.exists():
        return Drawn(_runs(masks.read(file, _size(on)) >= masks.INK))
    return suggested(on, objects)


def suggested(on: Picture, objects: Iterable[Object]) -> Drawn:
    """What these boxes, on the extended image, and the crop suggest."""
    from dlim.augment import images
    from dlim.scenes import masks

    boxes = [thing.box.shifted(-on.crop.x1, -on.crop.y1) for thing in objects]
    inside = [box for box in boxes if box.seen(*_size(on))]
    if not inside:
        return Drawn([_size(on)[0] * _size(on)[1]], "none")
    return Drawn(_runs(masks.suggested(images.read(on.master.image), inside) >= masks.INK), "suggested")


def write(on: Picture, drawn: Drawn) -> bool:
    """Save a mask; whether the file changed. One without a pixel takes the file away. Raises AnnotationError."""
    import numpy as np
    from PIL import Image

    width, height = _size(on)
    if min(drawn.runs, default=-1) < 0 or sum(drawn.runs) != width * height:
        raise AnnotationError("the mask", f"hasn't the crop's {width}x{height} pixels", "load the page again")
    values = np.resize(np.array([0, 255], np.uint8), len(drawn.runs))
    mask = np.repeat(values, drawn.runs).reshape(height, width)
    file = path(on)
    if not mask.any():
        existed = file.exists()
        file.unlink(missing_ok=True)
        return existed
    if file.exists() and read(on, ()).runs == _runs(mask > 0):
        return False
    store.write_file(file, lambda making: Image.fromarray(mask).save(making, format="PNG", optimize=True))
    return True


def _size(on: Picture) -> tuple[int, int]:
    return int(on.crop.width), int(on.crop.height)


def _runs(mask: npt.NDArray[np.bool_]) -> list[int]:
    found = [(value, sum(1 for _ in group)) for value, group in itertools.groupby(mask.ravel().tolist())]
    return [*([0] if found[0][0] else []), *(count for _, count in found)]
