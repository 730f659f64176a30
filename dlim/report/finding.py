"""What is looked for in a dataset, and what was found there, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from dlim.annotation import Object
from dlim.report.dataset import Dataset, Example

Grade = Literal["fault", "warning", "note"]
"""fault: a learner breaks on it, or what it measures is wrong. warning: somebody should look. note: a fact."""

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
    find: Callable[[Dataset, Thresholds], Iterable[Case]]
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
