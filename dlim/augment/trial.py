"""A contact sheet of what an operation makes of an image: what one looks at before writing a daug.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from dlim.annotation import Box
from dlim.augment import images, operations
from dlim.augment.font import default_font
from dlim.augment.imgaug import augmenters
from dlim.augment.operations import Crop, Custom, Operation
from dlim.config import nearest
from dlim.errors import AugmentError
from dlim.frame import Size
from dlim.mesh import still

BUILT_IN: dict[str, Callable[[Size], Operation]] = {
    "rotation": lambda size: operations.rotation(),
    "height": lambda size: operations.height(),
    "zoom": lambda size: operations.zoom(),
    "brightness": lambda size: operations.brightness(),
    "mix": operations.mix,
}
"""The operations that go by a name, with the ranges that daug.py's methods of that name have."""

WIDTH = 950
"""What a sheet's width stays within, where more than one picture has room."""

ENLARGED = 150
"""A picture is enlarged by the whole factor that keeps its longer side within this."""

LARGEST = 400
"""A picture with a longer side than this is shown smaller."""

CAPTION_WIDTH = 120
MARGIN = 12
LINE = 15
PAPER = (245, 245, 245)
INK = (60, 60, 60)
BOX = (255, 0, 160)


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
    captions = [["master"], *(_caption(crop.parameters) for crop in crops[1:])]
    return _sheet(f"{_project(path)}: {name}", crops, captions, list(boxes))


def _operation(operation: Any, size: Size) -> Operation | Custom:
    """What a person named, or gave, as something that varies a master."""
    if isinstance(operation, str):
        if operation not in BUILT_IN:
            raise AugmentError(f'"{operation}"', "is no operation", nearest(operation, BUILT_IN))
        return BUILT_IN[operation](size)
    if isinstance(operation, Operation | Custom):
        return operation
    if isinstance(operation, augmenters().Augmenter):
        return Custom(operation)
    raise AugmentError(
        repr(operation), "is no operation", f"give an augmenter of imgaug, or a name: {', '.join(BUILT_IN)}"
    )


def _name(varies: Operation | Custom, size: Size) -> str:
    """What daug.py calls the files of an operation by: the draw depends on it."""
    if isinstance(varies, Custom):
        return type(varies.augmenter).__name__.lower()
    same = (name for name, make in BUILT_IN.items() if make(size).drawn().keys() == varies.drawn().keys())
    return next(same, "operation")


def _project(path: Path) -> str:
    """The project whose master an image is, or a name that stands for one."""
    path = path.resolve()
    return path.parents[1].name if path.parent.name == "master" else path.stem


def _caption(parameters: Mapping[str, float]) -> list[str]:
    """What was drawn, a line each; a pair such as zoom_x and zoom_y shares its line."""
    lines: dict[str, list[str]] = {}
    for name, value in parameters.items():
        paired = {f"{name[:-1]}x", f"{name[:-1]}y"} <= parameters.keys()
        lines.setdefault(name[:-2] if paired else name, []).append(f"{value:z.2f}")
    return [f"{name} {', '.join(values)}" for name, values in lines.items()]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the pictures of a sheet stand. scale: how much larger they are; cell: with the caption."""

    scale: float
    cell: Size
    columns: int
    rows: int

    @property
    def size(self) -> Size:
        return (
            MARGIN + self.columns * (self.cell[0] + MARGIN),
            MARGIN + LINE + MARGIN // 2 + self.rows * (self.cell[1] + MARGIN),
        )

    def shown(self, size: Size) -> Size:
        """The size that a picture of that size has on the sheet."""
        return max(1, round(size[0] * self.scale)), max(1, round(size[1] * self.scale))

    def place(self, index: int) -> tuple[int, int]:
        """The left upper pixel of a picture; 0 is the master."""
        row, column = divmod(index, self.columns)
        return (
            MARGIN + column * (self.cell[0] + MARGIN),
            MARGIN + LINE + MARGIN // 2 + row * (self.cell[1] + MARGIN),
        )


def layout(sizes: Sequence[Size], lines: int) -> Layout:
    """The layout for pictures of these sizes, the master's first, with so many lines under each."""
    longest = max(sizes[0])
    scale = max(1, ENLARGED // longest) if longest <= LARGEST else LARGEST / longest
    width = max(CAPTION_WIDTH, *(round(size[0] * scale) for size in sizes))
    height = max(round(size[1] * scale) for size in sizes)
    columns = min(len(sizes), max(1, (WIDTH - MARGIN) // (width + MARGIN)))
    return Layout(scale, (width, height + LINE * lines), columns, ceil(len(sizes) / columns))


def _sheet(title: str, crops: Sequence[Crop], captions: Sequence[Sequence[str]], boxes: Sequence[Box]) -> Image.Image:
    plan = layout([images.size_of(crop.pixels) for crop in crops], max(map(len, captions)))
    sheet = Image.new("RGB", plan.size, PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN), title, fill=INK, font=_font(14), anchor="lt")
    for index, (crop, caption) in enumerate(zip(crops, captions, strict=True)):
        x, y = plan.place(index)
        picture = _picture(crop, boxes, plan)
        sheet.paste(picture, (x, y))
        for line, text in enumerate(caption):
            pen.text((x, y + picture.height + LINE * (line + 1)), text, fill=INK, font=_font(12), anchor="ls")
    return sheet


def _font(em: int) -> ImageFont.FreeTypeFont:
    # dlim's own and not Pillow's: that one hides the space before a minus
    return ImageFont.truetype(default_font(), em, layout_engine=ImageFont.Layout.BASIC)


def _picture(crop: Crop, boxes: Iterable[Box], plan: Layout) -> Image.Image:
    """A crop as it is shown, with a thin line around what its boxes cover."""
    size = images.size_of(crop.pixels)
    resampling = Image.Resampling.NEAREST if plan.scale >= 1 else Image.Resampling.BOX
    picture = Image.fromarray(crop.pixels).resize(plan.shown(size), resampling)
    pen = ImageDraw.Draw(picture)
    for box in boxes:
        seen = crop.mesh.followed(box).seen(*size)
        if seen is None:
            continue
        left, top, right, bottom = (round(edge * plan.scale) for edge in (seen.x1, seen.y1, seen.x2, seen.y2))
        pen.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=BOX)
    return picture
