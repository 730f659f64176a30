"""Whether a dataset's labels stay what they are when a reader lower-cases them, and whether train shows them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dlim.annotation import Object
from dlim.config import LABEL
from dlim.report.dataset import TRAIN, VAL, Dataset, Example
from dlim.report.finding import Case, Check, Thresholds


def _odd(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    for example in dataset.examples.values():
        for label in example.labels:
            if not LABEL.fullmatch(label):
                yield Case(example.boxes, f'"{label}" {_oddity(label)}', example, _with(example, label))


def _with(example: Example, label: str) -> tuple[Object, ...]:
    return tuple(thing for thing in example.objects if thing.label == label)


def _oddity(label: str) -> str:
    if label != label.strip():
        return "has spaces around it"
    if label != label.lower():
        return f'has capital letters; readers make it "{label.lower()}"'
    return "has signs other than a-z, 0-9, _ and -" if len(label) <= 40 else "is longer than 40 characters"


ODD = Check(
    "label",
    "fault",
    "labels that readers change",
    "annotation has a label that readers change",
    "annotations have a label that readers change",
    "SSD loaders lower-case labels, and file names carry them: use a-z, 0-9, _ and - only.",
    _odd,
    "images",
)


def _merged(dataset: Dataset, thresholds: Thresholds) -> Iterator[Case]:
    images: dict[str, list[Example]] = {}
    for example in dataset.examples.values():
        for label in example.labels:
            images.setdefault(label, []).append(example)
    same: dict[str, list[str]] = {}
    for label in sorted(images):
        same.setdefault(label.lower().strip(), []).append(label)
    for merged, labels in same.items():
        if len(labels) > 1:
            rare = min(labels, key=lambda label: len(images[label]))
            first = images[rare][0]
            counts = " and ".join(f'"{label}" ({len(images[label]):,})' for label in labels)
            yield Case(first.boxes, f'{counts} become "{merged}"; here is "{rare}"', first, _with(first, rare))


MERGED = Check(
    "merged",
    "fault",
    "labels that lower-casing merges",
    "group of labels becomes one when lower-cased",
    "groups of labels become one when lower-cased",
    "To an SSD loader they are the same class. Rename them, or map them to one in the learner's file.",
    _merged,
)


def _alone(dataset: Dataset, part: str, other: str) -> Iterator[Case]:
    """The labels that one part of the dataset has and the other hasn't."""
    here, there = (
        Counter(label for example in dataset.examples.values() if name in example.parts for label in example.labels)
        for name in (part, other)
    )
    for label in sorted(here.keys() - there.keys()):
        sign = f" {dataset.signs[label]}" if label in dataset.signs else ""
        yield Case(f"{label}{sign}", f"{here[label]:,} {'image' if here[label] == 1 else 'images'}")


UNSEEN = Check(
    "unseen",
    "warning",
    "labels that only val shows",
    "label is in val and not in train",
    "labels are in val and not in train",
    "No network can know them; they count as errors all the same.",
    lambda dataset, thresholds: _alone(dataset, VAL, TRAIN),
)

UNVALIDATED = Check(
    "unvalidated",
    "note",
    "labels without validation",
    "label is in train and not in val",
    "labels are in train and not in val",
    "What the network makes of them isn't measured.",
    lambda dataset, thresholds: _alone(dataset, TRAIN, VAL),
)
