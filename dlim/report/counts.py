"""What is in a dataset, in numbers: its images by label and by project, in train and in val."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from dlim.mix.few import SHOWN as SHOWN
from dlim.mix.few import alone
from dlim.report.dataset import TRAIN, VAL, Dataset


class Row(NamedTuple):
    """A label or a project: its images in train and in val, and its boxes. sign: the character it stands for."""

    name: str
    train: int
    val: int
    boxes: int
    sign: str = ""

    @property
    def images(self) -> int:
        return self.train + self.val


class Counts(NamedTuple):
    """All rows, those with the most images first. total: of the dataset; an image may have several labels."""

    labels: tuple[Row, ...]
    projects: tuple[Row, ...]
    total: Row


class Rows(NamedTuple):
    """Rows as they are shown: some by themselves, and the rest in one."""

    shown: Sequence[Row]
    rest: Sequence[Row]

    @property
    def together(self) -> Row:
        """The rest in one row."""
        return Row(
            "",
            sum(row.train for row in self.rest),
            sum(row.val for row in self.rest),
            sum(row.boxes for row in self.rest),
        )


def counted(dataset: Dataset) -> Counts:
    """What is in a dataset; what no list names isn't counted."""
    listed = [example for example in dataset.examples.values() if example.parts]
    labels = _rows(
        ((thing.label, 1) for example in listed for thing in example.objects),
        ((label, example.parts) for example in listed for label in example.labels),
        dataset.signs,
    )
    projects = _rows(
        ((example.project, len(example.objects)) for example in listed),
        ((example.project, example.parts) for example in listed),
        {},
    )
    train, val = (sum(part in example.parts for example in listed) for part in (TRAIN, VAL))
    return Counts(labels, projects, Row("all", train, val, sum(row.boxes for row in labels)))


def _rows(
    boxes: Iterable[tuple[str, int]], images: Iterable[tuple[str, tuple[str, ...]]], signs: Mapping[str, str]
) -> tuple[Row, ...]:
    counts: Counter[str] = Counter()
    for name, number in boxes:
        counts[name] += number
    parts = Counter((name, part) for name, found in images for part in found)
    names = {name for name, _ in parts}
    rows = [Row(name, parts[name, TRAIN], parts[name, VAL], counts[name], signs.get(name, "")) for name in names]
    return tuple(sorted(rows, key=lambda row: (-row.images, row.name)))


def parted(rows: Sequence[Row]) -> Rows:
    """A few rows by themselves: a character a label would make a thousand of them."""
    count = alone([row.images for row in rows])
    return Rows(rows[:count], tuple(rows[count:]))
