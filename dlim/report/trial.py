"""What an operation makes of an image, on a contact sheet: what one looks at before writing a daug.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlim.annotation import Box
from dlim.augment import images, operations
from dlim.augment.imgaug import Custom
from dlim.augment.operations import Crop, Operation
from dlim.errors import AugmentError
from dlim.frame import Size
from dlim.mesh import still
from dlim.names import nearest
from dlim.report import sheet, words
from dlim.report.layout import Mark, Picture, Section

if TYPE_CHECKING:
    from PIL import Image

BUILT_IN: dict[str, Callable[[Size], Operation]] = {
    "rotation": lambda size: operations.rotation(),
    "height": lambda size: operations.height(),
    "zoom": lambda size: operations.zoom(),
    "brightness": lambda size: operations.brightness(),
    "mix": operations.mix,
}
"""The operations that go by a name, with the ranges that daug.py's methods of that name have."""


def tried(
    image: Path | str,
    operation: str | Operation | Custom | Any,
    n: int = 16,
    cval: int = 125,
    boxes: Iterable[Box] = (),
    seed: int = 1,
    name: str | None = None,
) -> Image.Image:
    """A sheet of the image and n variations of it, with the drawn parameters and the boxes that follow.

    operation: the name of a built-in one, an Operation, a Custom, or an augmenter of imgaug. cval: the grey,
    0 to 255, that fills what a shift bares. boxes: of the image as it is, half-open and 0-based. seed: the
    workspace's. name: what daug.py would call the files by; it is part of what decides the draw.

    Of a project's master it shows the images that the first call in its daug.py makes, in their order, but for
    repeats, which a build draws anew. Nothing is written. Raises AugmentError or ProjectError.
    """
    if n < 1:
        raise AugmentError("the sheet", f"has {n} variations", "say how many to show, 1 or more")
    if not 0 <= cval <= 255:
        raise AugmentError("the sheet", f"cval is {cval}", "say a grey from 0 to 255")
    path = Path(image)
    master = images.read(path)
    size = images.size_of(master)
    varies = _operation(operation, size)
    name = name or _name(varies, size)
    keys = [(seed, _project(path), name, 0, index, 0) for index in range(n)]
    crops = [Crop(master, {}, still(*size)), *varies.vary(master, keys, cval)]
    found = list(boxes)
    captions = [["master"], *map(_told, crops[1:])]
    pictures = [_picture(crop, found, caption) for crop, caption in zip(crops, captions, strict=True)]
    return sheet.draw(f"{_project(path)}: {name}", [Section("", pictures)])


def _operation(operation: Any, size: Size) -> Operation | Custom:
    """What a person named, or gave, as something that varies a master."""
    if isinstance(operation, str):
        if operation not in BUILT_IN:
            raise AugmentError(f'"{operation}"', "is no operation", nearest(operation, BUILT_IN))
        return BUILT_IN[operation](size)
    if isinstance(operation, Operation | Custom):
        return operation
    if type(operation).__module__.partition(".")[0] == "imgaug":
        return Custom(operation)
    raise AugmentError(
        repr(operation), "is no operation", f"give an augmenter of imgaug, or a name: {', '.join(BUILT_IN)}"
    )


def _name(varies: Operation | Custom, size: Size) -> str:
    """What daug.py calls the files of an operation by: the draw depends on it."""
    if isinstance(varies, Custom):
        return varies.name.lower()
    same = (name for name, make in BUILT_IN.items() if make(size).drawn().keys() == varies.drawn().keys())
    return next(same, "operation")


def _project(path: Path) -> str:
    """The project whose master an image is, or a name that stands for one."""
    path = path.resolve()
    return path.parents[1].name if path.parent.name == "master" else path.stem


def _told(crop: Crop) -> list[str]:
    return words.drawn(crop.parameters) or words.moved(crop.mesh, images.size_of(crop.pixels))


def _picture(crop: Crop, boxes: Iterable[Box], caption: list[str]) -> Picture:
    """A crop with those of its boxes that are still to be seen."""
    seen = (crop.mesh.followed(box).seen(*images.size_of(crop.pixels)) for box in boxes)
    return Picture(crop.pixels, [Mark(box) for box in seen if box is not None], caption)
