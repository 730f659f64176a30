"""Whether a dataset's boxes can be read and lie inside their images, and which of them a network will hardly find."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import sqrt

from dlim.annotation import Box, Object
from dlim.frame import Size
from dlim.report.dataset import Dataset, Example
from dlim.report.finding import AGAIN, Case, Check, Thresholds


def boxes(dataset: Dataset) -> Iterator[tuple[Example, Object, Size]]:
    """Every box of a dataset with its image, and the size of that."""
    for example in dataset.examples.values():
        if example.annotation:
            size = example.size or (example.annotation.width, example.annotation.height)
            yield from ((example, thing, size) for thing in example.objects)


def _unreadable(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if example.boxes in example.faults:
            yield Case(example.boxes, example.faults[example.boxes], example)


UNREADABLE = Check(
    "annotation",
    "fault",
    "unreadable annotations",
    "annotation can't be read",
    "annotations can't be read",
    f"Readers of VOC fail on it, or read something else. {AGAIN}",
    _unreadable,
    "images",
)


def _blank(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if example.annotation and all(thing.difficult for thing in example.objects):
            told = "has only difficult objects" if example.objects else "has no object"
            yield Case(example.boxes, told, example, example.objects)


BLANK = Check(
    "blank",
    "fault",
    "images without an object",
    "image has no object that counts",
    "images have no object that counts",
    f"ssd.pytorch fails on it. {AGAIN}",
    _blank,
    "images",
)


def _outside(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for example, thing, (width, height) in boxes(dataset):
        if thing.box.overhang(width, height):
            told = f'"{thing.label}" covers {_span(thing.box)}; the image is {width}x{height}'
            yield Case(example.boxes, told, example, (thing,))


def _span(box: Box) -> str:
    """Columns and rows as the file has them: counted from 1, both ends inside."""
    return f"{box.x1 + 1:g}-{box.x2:g} by {box.y1 + 1:g}-{box.y2:g}"


OUTSIDE = Check(
    "outside",
    "fault",
    "boxes outside their image",
    "box reaches over its image's edge",
    "boxes reach over their image's edge",
    f"Pixels count from 1, and both ends are inside. {AGAIN}",
    _outside,
    "boxes",
)


def _clipped(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for example, thing, size in boxes(dataset):
        at = _edges(thing.box, size)
        if at or thing.truncated:
            where = f" ends at the {' and '.join(at)} edge," if at else ""
            how = "is marked truncated" if thing.truncated else "isn't marked truncated"
            yield Case(example.boxes, f'"{thing.label}"{where} {how}', example, (thing,))


def _edges(box: Box, size: Size) -> list[str]:
    """The image's edges that a box touches."""
    touched = (box.x1 <= 0, box.y1 <= 0, box.x2 >= size[0], box.y2 >= size[1])
    return [name for name, is_touched in zip(("left", "upper", "right", "lower"), touched, strict=True) if is_touched]


CLIPPED = Check(
    "clipped",
    "note",
    "clipped boxes",
    "box is clipped: it ends at its image's edge, or is marked truncated",
    "boxes are clipped: they end at their image's edge, or are marked truncated",
    "Part of the object may be cut off.",
    _clipped,
    "boxes",
)


def _tiny(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    found = [each for each in boxes(dataset) if min(each[1].box.width, each[1].box.height) < thresholds.tiny]
    for example, thing, _ in sorted(found, key=lambda each: each[1].box.area):
        yield Case(example.boxes, f'"{thing.label}" is {_pixels(thing.box)}', example, (thing,))


def _pixels(box: Box) -> str:
    return f"{box.width:g}x{box.height:g} px"


TINY = Check(
    "tiny",
    "warning",
    "tiny boxes",
    "box is tiny",
    "boxes are tiny",
    "One of its sides is shorter than a network can be expected to see.",
    _tiny,
    "boxes",
)


def _small(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    if not thresholds.input_size or not thresholds.smallest_prior:
        return
    found = [(side_at_input(thing.box, size, thresholds), example, thing) for example, thing, size in boxes(dataset)]
    for side, example, thing in sorted(found, key=lambda each: each[0]):
        if side < thresholds.smallest_prior:
            told = f'"{thing.label}" is {_pixels(thing.box)}, at the input {side:.1f} px across'
            yield Case(example.boxes, told, example, (thing,))


def side_at_input(box: Box, size: Size, thresholds: Thresholds) -> float:
    """The side, in pixels, of a square as large as a box is when its image is scaled to the learner's input."""
    return thresholds.input_size * sqrt(box.area / (size[0] * size[1]))


SMALL = Check(
    "small",
    "warning",
    "objects smaller than the smallest prior",
    "object is smaller than the learner's smallest prior",
    "objects are smaller than the learner's smallest prior",
    "Priors that fit badly teach little: give the learner a smaller one, or a larger input.",
    _small,
    "boxes",
)


def _overlapping(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        for one, other in combinations(example.objects, 2):
            shared = iou(one.box, other.box)
            if shared >= thresholds.overlap:
                told = f'"{one.label}" and "{other.label}" overlap, IoU {shared:.2f}'
                yield Case(example.boxes, told, example, (one, other))


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    common = max(0.0, width) * max(0.0, height)
    union = one.area + other.area - common
    return common / union if union else 0.0


OVERLAPPING = Check(
    "overlap",
    "warning",
    "overlapping boxes",
    "pair of boxes overlaps",
    "pairs of boxes overlap",
    "One thing labelled twice, or two of which a network will find one.",
    _overlapping,
)
