"""The health of a dataset: what is wrong in it, what asks for a second look, and what is merely to be known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Literal, NamedTuple

from dlim.config import LABEL
from dlim.geometry import Box, Object, Size
from dlim.report.dataset import PARTS, SUFFIX, TEST, TRAIN, TRAINVAL, VAL, Dataset, Example, list_path

Grade = Literal["fault", "warning", "note"]
"""fault: a learner breaks on it, or what it measures is wrong. warning: somebody should look. note: a fact."""

GRADES: tuple[Grade, ...] = ("fault", "warning", "note")
"""The worst first."""

NAMED = 4
"""Labels that a title names at most."""

AGAIN = "Run doit dataset to make it anew."
"""What helps where something in the dataset's folder isn't as dlim left it."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on something is worth a word.

    tiny: pixels; a box with a shorter side is tiny. overlap: the IoU, 0 to 1, from which two boxes overlap.
    input_size: the side, in pixels, of the square that the learner scales an image to. smallest_prior: the side, in
    pixels there, of its smallest prior box; 0 where one of the two isn't known.
    """

    tiny: int = 8
    overlap: float = 0.5
    input_size: int = 0
    smallest_prior: float = 0


class Case(NamedTuple):
    """One place where something was found.

    where: a file of the dataset, a label, or projects. told: what is there. example, things: what a picture shows.
    labels: those that the finding's title is to name.
    """

    where: str
    told: str = ""
    example: Example | None = None
    things: tuple[Object, ...] = ()
    labels: tuple[str, ...] = ()


Find = Callable[[Dataset, Thresholds], Iterable[Case]]


class Check(NamedTuple):
    """Something to look for. name: what is not there if nothing is found. one, many: what is there if something is.

    remedy: what it leads to, and what to do. find: gives the cases. of: what these are counted among.
    """

    key: str
    grade: Grade
    name: str
    one: str
    many: str
    remedy: str
    find: Find
    of: Literal["", "images", "boxes"] = ""


class Finding(NamedTuple):
    """What a check found: all its cases, and first those in files that aren't as dlim packed them.

    total: how many there are of what the cases are counted among; 0 where that says nothing.
    """

    check: Check
    cases: tuple[Case, ...]
    total: int = 0

    @property
    def title(self) -> str:
        count = len(self.cases)
        return f"{count:,} {self.check.one if count == 1 else self.check.many}{self._named}"

    @property
    def _named(self) -> str:
        labels = sorted({label for case in self.cases for label in case.labels})
        more = f" and {len(labels) - NAMED:,} more" if len(labels) > NAMED else ""
        return f" ({', '.join(labels[:NAMED])}{more})" if labels else ""


CHECKS: list[Check] = []
"""Everything that is looked for, in the order below: faults, then warnings, then notes."""


def judged(dataset: Dataset, thresholds: Thresholds) -> tuple[Finding, ...]:
    """What every check finds, in the order of CHECKS; a finding without a case says that all is well."""
    boxes = sum(len(example.objects) for example in dataset.examples.values())
    totals = {"": 0, "images": len(dataset.examples), "boxes": boxes}
    # sorting is stable: the rest stays in the check's own order
    return tuple(
        Finding(check, tuple(sorted(check.find(dataset, thresholds), key=_is_as_packed)), totals[check.of])
        for check in CHECKS
    )


def _is_as_packed(case: Case) -> bool:
    return not (case.example and case.example.changed)


def _check(
    key: str,
    grade: Grade,
    name: str,
    one: str,
    many: str,
    remedy: str,
    of: Literal["", "images", "boxes"] = "",
) -> Callable[[Find], Find]:
    def noted(find: Find) -> Find:
        CHECKS.append(Check(key, grade, name, one, many, remedy, find, of))
        return find

    return noted


# faults


@_check(
    "leak",
    "fault",
    "leaks",
    "image of val is in train, too",
    "images of val are in train, too",
    f"Byte for byte the same: val measures what was learned by heart. {AGAIN}",
    "images",
)
def _leaks(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if len(example.parts) > 1:
            yield Case(example.image, "is in train and in val", example, example.objects)
    for examples in dataset.repeated:
        learned = next((example for example in examples if example.parts == (TRAIN,)), None)
        for example in examples if learned else ():
            if learned and example.parts == (VAL,):
                yield _pair(example, learned, f"in val is {learned.image} in train")


def _pair(example: Example, other: Example, told: str) -> Case:
    """Two images that are the same, shown as that of the two which isn't as dlim packed it."""
    shown = other if other.changed and not example.changed else example
    return Case(example.image, told, shown, shown.objects)


@_check(
    "contradiction",
    "fault",
    "labels that contradict each other",
    "image is also another label's",
    "images are also another label's",
    "Byte for byte the same: what a network learns of one label contradicts the other. Let the learner call both the "
    "same, under [labels] in its file, or exclude one of the projects there.",
    "images",
)
def _contradictions(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for examples in dataset.repeated:
        first, *others = [example for example in examples if example.parts and example.labels] or examples
        for example in others:
            if example.parts and example.labels and example.labels != first.labels:
                told = f"is {_quoted(example)} here, and {_quoted(first)} as {first.image}"
                yield Case(example.image, told, example, example.objects, (*first.labels, *example.labels))


def _quoted(example: Example) -> str:
    return " and ".join(f'"{label}"' for label in example.labels)


@_check(
    "shot",
    "fault",
    "shots that are learned from",
    "picture is a shot",
    "pictures are shots",
    "What a weight is judged by must not be learned from: it would be known by heart. Take it out here, or there.",
)
def _shots(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for (where, path, _sha), shot, same in dataset.seen:
        example = dataset.examples.get(path.stem) if path.is_relative_to(dataset.folder) else None
        yield Case(where, f"{'is' if same else 'shows'} {shot}", example, example.objects if example else ())


@_check(
    "list",
    "fault",
    "faults in the lists",
    "fault in the lists",
    "faults in the lists",
    f"trainval has to be train and val together, with an id on each line, once. {AGAIN}",
)
def _lists(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    lists = dataset.lists
    for part in PARTS:
        yield from (Case(list_path(part), fault) for fault in _line_faults(lists[part]))
    train, val, trainval, test = ({*lists[part]} for part in (TRAIN, VAL, TRAINVAL, TEST))
    for name, fault, ids in (
        (TRAINVAL, "has {} that neither train nor val has", trainval - train - val),
        (TRAINVAL, "lacks {} of train and val", (train | val) - trainval),
        (TEST, "has {} that train has", test & train),
    ):
        if ids:
            yield Case(list_path(name), fault.format(_some(ids)))


def _line_faults(lines: tuple[str, ...]) -> Iterator[str]:
    if not lines:
        yield "is missing or empty"
    twice = {line for line, count in Counter(lines).items() if count > 1 and line}
    if twice:
        yield f"has {_some(twice)} more than once"
    if any(not line.strip() for line in lines):
        yield "has a blank line"
    spaced = {line for line in lines if line.strip() and line.split() != [line]}
    if spaced:
        yield f"has white space in {_some(spaced)}"


def _some(ids: set[str]) -> str:
    return f"{len(ids):,} {'id' if len(ids) == 1 else 'ids'} ({min(ids)}{', ...' if len(ids) > 1 else ''})"


@_check(
    "missing",
    "fault",
    "missing files",
    "file is missing",
    "files are missing",
    f"A list names it, and readers fail on that. {AGAIN}",
)
def _missing(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if example.id in dataset.listed:
            yield from (Case(path, "is missing") for path in _absent(example))


def _absent(example: Example) -> Iterator[str]:
    """Those of an image's two files that aren't there."""
    if not example.sha256 and example.image not in example.faults:
        yield example.image
    if example.annotation is None and example.boxes not in example.faults:
        yield example.boxes


@_check(
    "image",
    "fault",
    "unreadable images",
    "image can't be read",
    "images can't be read",
    AGAIN,
    "images",
)
def _unreadable_images(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if example.faults and example.image in example.faults:
            yield Case(example.image, example.faults[example.image])


@_check(
    "annotation",
    "fault",
    "unreadable annotations",
    "annotation can't be read",
    "annotations can't be read",
    f"Readers of VOC fail on it, or read something else. {AGAIN}",
    "images",
)
def _unreadable_annotations(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if example.faults and example.boxes in example.faults:
            yield Case(example.boxes, example.faults[example.boxes], example)


@_check(
    "size",
    "fault",
    "wrong sizes",
    "annotation has another size than its image",
    "annotations have another size than their images",
    f"Readers that divide by it put the boxes in the wrong place. {AGAIN}",
    "images",
)
def _sizes(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        found = example.annotation
        if found and example.size and (found.width, found.height) != example.size:
            width, height = example.size
            yield Case(example.boxes, f"says {found.width}x{found.height}; the image is {width}x{height}", example)


@_check(
    "label",
    "fault",
    "labels that readers change",
    "annotation has a label that readers change",
    "annotations have a label that readers change",
    "SSD loaders lower-case labels, and file names carry them: use a-z, 0-9, _ and - only.",
    "images",
)
def _odd(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    odd = {label for example in dataset.examples.values() for label in example.labels if not LABEL.fullmatch(label)}
    for example in dataset.examples.values() if odd else ():
        for label in example.labels:
            if label in odd:
                yield Case(example.boxes, f'"{label}" {_oddity(label)}', example, _with(example, label))


def _with(example: Example, label: str) -> tuple[Object, ...]:
    return tuple(thing for thing in example.objects if thing.label == label)


def _oddity(label: str) -> str:
    if label != label.strip():
        return "has spaces around it"
    if label != label.lower():
        return f'has capital letters; readers make it "{label.lower()}"'
    return "has signs other than a-z, 0-9, _ and -" if len(label) <= 40 else "is longer than 40 characters"


@_check(
    "merged",
    "fault",
    "labels that lower-casing merges",
    "group of labels becomes one when lower-cased",
    "groups of labels become one when lower-cased",
    "To an SSD loader they are the same class. Rename them, or map them to one in the learner's file.",
)
def _merged(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    counts = Counter(label for example in dataset.examples.values() for label in example.labels)
    same: dict[str, list[str]] = {}
    for label in sorted(counts):
        same.setdefault(label.lower().strip(), []).append(label)
    for merged, labels in same.items():
        if len(labels) > 1:
            rare = min(labels, key=counts.__getitem__)
            first = next(example for example in dataset.examples.values() if rare in example.labels)
            said = " and ".join(f'"{label}" ({counts[label]:,})' for label in labels)
            yield Case(first.boxes, f'{said} become "{merged}"; here is "{rare}"', first, _with(first, rare))


@_check(
    "outside",
    "fault",
    "boxes outside their image",
    "box reaches over its image's edge",
    "boxes reach over their image's edge",
    f"Pixels count from 1, and both ends are inside. {AGAIN}",
    "boxes",
)
def _outside(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for example, thing, (width, height) in dataset.boxes():
        if thing.box.overhang(width, height):
            told = f'"{thing.label}" covers {_span(thing.box)}; the image is {width}x{height}'
            yield Case(example.boxes, told, example, (thing,))


def _span(box: Box) -> str:
    """Columns and rows as the file has them: counted from 1, both ends inside."""
    return f"{box.x1 + 1:g}-{box.x2:g} by {box.y1 + 1:g}-{box.y2:g}"


@_check(
    "blank",
    "fault",
    "images without an object",
    "image has no object that counts",
    "images have no object that counts",
    f"ssd.pytorch fails on it. {AGAIN}",
    "images",
)
def _blank(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if example.annotation and all(thing.difficult for thing in example.objects):
            told = "has only difficult objects" if example.objects else "has no object"
            yield Case(example.boxes, told, example, example.objects)


# warnings


@_check(
    "repeat",
    "warning",
    "repeats",
    "image repeats another one",
    "images repeat other ones",
    "Byte for byte the same: a repeat teaches nothing, and gives its original twice the weight.",
    "images",
)
def _repeats(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for examples in dataset.repeated:
        # with another label it is no mere repeat
        groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Example]] = {}
        for example in examples:
            if example.id not in dataset.left_out:
                groups.setdefault((example.parts, example.labels), []).append(example)
        for (parts, _labels), (first, *others) in sorted(groups.items()):
            where = f", both in {' and '.join(parts)}" if parts else ""
            yield from (_pair(example, first, f"is {first.image}{where}") for example in others)


@_check(
    "changed",
    "warning",
    "files changed since they were packed",
    "file isn't as dlim packed it",
    "files aren't as dlim packed them",
    f"Somebody has changed the dataset's folder; its archive is without that. {AGAIN}",
)
def _changed(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    yield from (Case(path, "was changed") for path in dataset.changed)
    for example in dataset.examples.values():
        yield from (Case(path, "was changed, or is new", example, example.objects) for path in example.changed)


@_check(
    "overlap",
    "warning",
    "overlapping boxes",
    "pair of boxes overlaps",
    "pairs of boxes overlap",
    "One thing labelled twice, or two of which a network will find one.",
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


@_check(
    "tiny",
    "warning",
    "tiny boxes",
    "box is tiny",
    "boxes are tiny",
    "One of its sides is shorter than a network can be expected to see.",
    "boxes",
)
def _tiny(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    found = [each for each in dataset.boxes() if min(each[1].box.width, each[1].box.height) < thresholds.tiny]
    for example, thing, _ in sorted(found, key=lambda each: each[1].box.area):
        yield Case(example.boxes, f'"{thing.label}" is {_pixels(thing.box)}', example, (thing,))


def _pixels(box: Box) -> str:
    return f"{box.width:g}x{box.height:g} px"


@_check(
    "small",
    "warning",
    "objects smaller than the smallest prior",
    "object is smaller than the learner's smallest prior",
    "objects are smaller than the learner's smallest prior",
    "Priors that fit badly teach little: give the learner a smaller one, or a larger input.",
    "boxes",
)
def _small(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    if not thresholds.input_size or not thresholds.smallest_prior:
        return
    sides = ((side_at_input(thing.box, size, thresholds), example, thing) for example, thing, size in dataset.boxes())
    found = [each for each in sides if each[0] < thresholds.smallest_prior]
    for side, example, thing in sorted(found, key=lambda each: each[0]):
        told = f'"{thing.label}" is {_pixels(thing.box)}, at the input {side:.1f} px across'
        yield Case(example.boxes, told, example, (thing,))


def side_at_input(box: Box, size: Size, thresholds: Thresholds) -> float:
    """The side, in pixels, of a square as large as a box is when its image is scaled to the learner's input."""
    return thresholds.input_size * sqrt(box.area / (size[0] * size[1]))


@_check(
    "unseen",
    "warning",
    "labels that only val shows",
    "label is in val and not in train",
    "labels are in val and not in train",
    "No network can know them; they count as errors all the same.",
)
def _unseen(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    return _alone(dataset, VAL, TRAIN)


def _alone(dataset: Dataset, part: str, other: str) -> Iterator[Case]:
    """The labels that one part of the dataset has and the other hasn't."""
    here, there = (
        Counter(label for example in dataset.examples.values() if name in example.parts for label in example.labels)
        for name in (part, other)
    )
    for label in sorted(here.keys() - there.keys()):
        sign = f" {dataset.signs[label]}" if label in dataset.signs else ""
        yield Case(f"{label}{sign}", f"{here[label]:,} {'image' if here[label] == 1 else 'images'}")


@_check(
    "name",
    "warning",
    "wrong file names",
    "annotation names another file than its image",
    "annotations name another file than their image",
    f"datumaro finds an image by its annotation's <filename>. {AGAIN}",
    "images",
)
def _names(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if example.annotation and example.annotation.filename != f"{example.id}{SUFFIX}":
            yield Case(example.boxes, f'says "{example.annotation.filename}"', example)


@_check(
    "unexpected",
    "warning",
    "unexpected files",
    "unexpected file, which no list names",
    "unexpected files, which no list names",
    f"No learner reads them. {AGAIN}",
)
def _unexpected(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if example.id not in dataset.listed and example.id not in dataset.left_out:
            absent = {*_absent(example)}
            there = [path for path in (example.image, example.boxes) if path not in absent]
            yield Case(" and ".join(there), "is in no list", example, example.objects)
    yield from (Case(path, "is neither an image nor an annotation") for path in dataset.strays)


# notes


@_check(
    "clipped",
    "note",
    "clipped boxes",
    "box is clipped: it ends at its image's edge, or is marked truncated",
    "boxes are clipped: they end at their image's edge, or are marked truncated",
    "Part of the object may be cut off.",
    "boxes",
)
def _clipped(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for example, thing, size in dataset.boxes():
        at = _edges(thing.box, size)
        if at or thing.truncated:
            where = f" ends at the {' and '.join(at)} edge," if at else ""
            how = "is marked truncated" if thing.truncated else "isn't marked truncated"
            yield Case(example.boxes, f'"{thing.label}"{where} {how}', example, (thing,))


def _edges(box: Box, size: Size) -> list[str]:
    """The image's edges that a box touches."""
    touched = (box.x1 <= 0, box.y1 <= 0, box.x2 >= size[0], box.y2 >= size[1])
    return [name for name, is_touched in zip(("left", "upper", "right", "lower"), touched, strict=True) if is_touched]


@_check(
    "master",
    "note",
    "masters that train and val share",
    "master is shared by train and val",
    "masters are shared by train and val",
    "val then tells how well these masters are known, and not what the network makes of new ones. Where a label has "
    'several masters, by = "master" in config/dlim.toml keeps them apart.',
)
def _masters(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    counts = Counter((example.project, part) for example in dataset.examples.values() for part in example.parts)
    projects: dict[str, list[str]] = {}
    for project, master in sorted(dataset.masters.items()):
        projects.setdefault(master, []).append(project)
    for master, names in projects.items():
        train, val = (sum(counts[name, part] for name in names) for part in (TRAIN, VAL))
        if master and train and val:
            yield Case(", ".join(names), f"{train:,} variations of its master are in train, {val:,} in val")


@_check(
    "left-out",
    "note",
    "images left out of val",
    "image was left out of val, as train has it under another name",
    "images were left out of val, as train has them under other names",
    "Byte for byte the same, made by two projects: in val it would measure what was learned by heart.",
    "images",
)
def _left_out(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    for name, learned in dataset.left_out.items():
        example = dataset.examples[name]
        yield Case(example.image, f"is {learned.image} in train", example, example.objects)


@_check(
    "unvalidated",
    "note",
    "labels without validation",
    "label is in train and not in val",
    "labels are in train and not in val",
    "What the network makes of them isn't measured.",
)
def _unvalidated(dataset: Dataset, _: Thresholds) -> Iterator[Case]:
    return _alone(dataset, TRAIN, VAL)
