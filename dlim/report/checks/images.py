"""Whether a dataset's images can be read, and whether val has any that train has, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dlim.report.dataset import TRAIN, VAL, Dataset, Example
from dlim.report.finding import AGAIN, Case, Check, Thresholds


def _same(dataset: Dataset) -> list[list[Example]]:
    """The images that are there more than once, byte for byte."""
    found: dict[str, list[Example]] = {}
    for example in dataset.examples.values():
        if example.sha256:
            found.setdefault(example.sha256, []).append(example)
    return [examples for examples in found.values() if len(examples) > 1]


def _pair(example: Example, other: Example, told: str) -> Case:
    """Two images that are the same, shown as that of the two which isn't as dlim packed it."""
    shown = other if other.changed and not example.changed else example
    return Case(example.image, told, shown, shown.objects)


def _leaks(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if len(example.parts) > 1:
            yield Case(example.image, "is in train and in val", example, example.objects)
    for examples in _same(dataset):
        learned = next((example for example in examples if example.parts == (TRAIN,)), None)
        for example in examples if learned else ():
            if learned and example.parts == (VAL,):
                yield _pair(example, learned, f"in val is {learned.image} in train")


LEAKS = Check(
    "leak",
    "fault",
    "leaks",
    "image of val is in train, too",
    "images of val are in train, too",
    f"Byte for byte the same: val measures what was learned by heart. {AGAIN}",
    _leaks,
    "images",
)


def _contradictions(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for examples in _same(dataset):
        first, *others = [example for example in examples if example.parts and example.labels] or examples
        for example in others:
            if example.parts and example.labels and example.labels != first.labels:
                told = f"is {_quoted(example)} here, and {_quoted(first)} as {first.image}"
                yield Case(example.image, told, example, example.objects, (*first.labels, *example.labels))


def _quoted(example: Example) -> str:
    return " and ".join(f'"{label}"' for label in example.labels)


CONTRADICTIONS = Check(
    "contradiction",
    "fault",
    "labels that contradict each other",
    "image is also another label's",
    "images are also another label's",
    "Byte for byte the same: what a network learns of one label contradicts the other. Let the learner call both the "
    "same, under [labels] in its file, or exclude one of the projects there.",
    _contradictions,
    "images",
)


def left_out(dataset: Dataset) -> dict[str, Example]:
    """What dlim left out of val, by id: for each image the one in train, by another name, that has its bytes.

    That it was dlim, and not somebody who put a copy there, is seen by its files being as they were packed.
    """
    found = {}
    for examples in _same(dataset):
        learned = next((example for example in examples if TRAIN in example.parts), None)
        for example in examples if learned else ():
            if learned and not example.parts and example.annotation and not example.changed:
                found[example.id] = learned
    return found


def _left_out(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for name, learned in left_out(dataset).items():
        example = dataset.examples[name]
        yield Case(example.image, f"is {learned.image} in train", example, example.objects)


LEFT_OUT = Check(
    "left-out",
    "note",
    "images left out of val",
    "image was left out of val, as train has it under another name",
    "images were left out of val, as train has them under other names",
    "Byte for byte the same, made by two projects: in val it would measure what was learned by heart.",
    _left_out,
    "images",
)


def _repeats(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    left = left_out(dataset)
    for examples in _same(dataset):
        # with another label it is no mere repeat
        groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Example]] = {}
        for example in examples:
            if example.id not in left:
                groups.setdefault((example.parts, tuple(example.labels)), []).append(example)
        for (parts, _), (first, *others) in sorted(groups.items()):
            where = f", both in {' and '.join(parts)}" if parts else ""
            yield from (_pair(example, first, f"is {first.image}{where}") for example in others)


REPEATS = Check(
    "repeat",
    "warning",
    "repeats",
    "image repeats another one",
    "images repeat other ones",
    "Byte for byte the same: a repeat teaches nothing, and gives its original twice the weight.",
    _repeats,
    "images",
)


def _masters(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    counts = Counter((example.project, part) for example in dataset.examples.values() for part in example.parts)
    projects: dict[str, list[str]] = {}
    for project, master in sorted(dataset.masters.items()):
        projects.setdefault(master, []).append(project)
    for master, names in projects.items():
        train, val = (sum(counts[name, part] for name in names) for part in (TRAIN, VAL))
        if master and train and val:
            yield Case(", ".join(names), f"{train:,} variations of its master are in train, {val:,} in val")


MASTERS = Check(
    "master",
    "note",
    "masters that train and val share",
    "master is shared by train and val",
    "masters are shared by train and val",
    "val then tells how well these masters are known, and not what the network makes of new ones. Where a label has "
    'several masters, by = "master" in config/dlim.toml keeps them apart.',
    _masters,
)


def _unreadable(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        if example.image in example.faults:
            yield Case(example.image, example.faults[example.image])


UNREADABLE = Check(
    "image",
    "fault",
    "unreadable images",
    "image can't be read",
    "images can't be read",
    AGAIN,
    _unreadable,
    "images",
)


def _sizes(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        found = example.annotation
        if found and example.size and (found.width, found.height) != example.size:
            width, height = example.size
            yield Case(example.boxes, f"says {found.width}x{found.height}; the image is {width}x{height}", example)


SIZES = Check(
    "size",
    "fault",
    "wrong sizes",
    "annotation has another size than its image",
    "annotations have another size than their images",
    f"Readers that divide by it put the boxes in the wrong place. {AGAIN}",
    _sizes,
    "images",
)
