"""Whether a dataset's files fit together: its lists, what they name, and what nobody names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dlim.report.checks.images import left_out
from dlim.report.dataset import PARTS, SUFFIX, TEST, TRAIN, TRAINVAL, VAL, Dataset, Example, list_path
from dlim.report.finding import AGAIN, Case, Check, Thresholds


def _lists(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    lists = dataset.lists
    for part in PARTS:
        yield from (Case(list_path(part), fault) for fault in _line_faults(lists[part]))
    union = {*lists[TRAIN], *lists[VAL]}
    for name, fault, ids in (
        (TRAINVAL, "has {} that neither train nor val has", {*lists[TRAINVAL]} - union),
        (TRAINVAL, "lacks {} of train and val", union - {*lists[TRAINVAL]}),
        (TEST, "has {} that train has", {*lists[TEST]} & {*lists[TRAIN]}),
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


LISTS = Check(
    "list",
    "fault",
    "faults in the lists",
    "fault in the lists",
    "faults in the lists",
    f"trainval has to be train and val together, with an id on each line, once. {AGAIN}",
    _lists,
)


def _listed(dataset: Dataset) -> frozenset[str]:
    return frozenset(line.strip() for part in PARTS for line in dataset.lists[part])


def _absent(example: Example) -> Iterator[str]:
    """Those of an image's two files that aren't there."""
    if not example.sha256 and example.image not in example.faults:
        yield example.image
    if example.annotation is None and example.boxes not in example.faults:
        yield example.boxes


def _missing(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    listed = _listed(dataset)
    for example in dataset.examples.values():
        if example.id in listed:
            yield from (Case(path, "is missing") for path in _absent(example))


MISSING = Check(
    "missing",
    "fault",
    "missing files",
    "file is missing",
    "files are missing",
    f"A list names it, and readers fail on that. {AGAIN}",
    _missing,
)


def _strays(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    explained = {*_listed(dataset), *left_out(dataset)}
    for example in dataset.examples.values():
        if example.id not in explained:
            absent = {*_absent(example)}
            there = [path for path in (example.image, example.boxes) if path not in absent]
            yield Case(" and ".join(there), "is in no list", example, example.objects)
    yield from (Case(path, "is neither an image nor an annotation") for path in dataset.strays)


STRAYS = Check(
    "stray",
    "warning",
    "strays",
    "image or file is in no list",
    "images or files are in no list",
    f"No learner reads it. {AGAIN}",
    _strays,
)


def _names(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if example.annotation and example.annotation.filename != f"{example.id}{SUFFIX}":
            yield Case(example.boxes, f'says "{example.annotation.filename}"', example)


NAMES = Check(
    "name",
    "warning",
    "wrong file names",
    "annotation names another file than its image",
    "annotations name another file than their image",
    f"datumaro finds an image by its annotation's <filename>. {AGAIN}",
    _names,
    "images",
)


def _changed(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    yield from (Case(path, "was changed") for path in dataset.changed)
    for example in dataset.examples.values():
        yield from (Case(path, "was changed, or is new", example, example.objects) for path in example.changed)


CHANGED = Check(
    "changed",
    "warning",
    "files changed since they were packed",
    "file isn't as dlim packed it",
    "files aren't as dlim packed them",
    f"Somebody has changed the dataset's folder; its archive is without that. {AGAIN}",
    _changed,
)
