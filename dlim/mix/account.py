"""A mix in numbers: what each project and each label has, and what of that a learner takes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from dlim.mix.limits import Limits, Share

State = Literal["built", "outdated", "failing", "missing"]
"""How far a project's build is: as it will be, to be built anew, failing when it last ran, or not there yet."""


class Standing(NamedTuple):
    """How far a project is before a dataset is made.

    labels: as the learner calls them, as far as they are known. share: what its build has; None where there is none.
    why: what it fails with.
    """

    project: str
    state: State
    labels: tuple[str, ...] = ()
    share: Share | None = None
    why: str = ""


class Numbers(NamedTuple):
    """Images: those built, those that limits leave, and those of them in train and in val."""

    images: int = 0
    taken: int = 0
    train: int = 0
    val: int = 0

    def plus(self, other: Numbers) -> Numbers:
        return Numbers(*(one + more for one, more in zip(self, other, strict=True)))


class ProjectRow(NamedTuple):
    """A project in a mix. limit: its own. narrowed: the limited labels that take more of its images away."""

    name: str
    labels: tuple[str, ...]
    state: State
    numbers: Numbers
    limit: int | None = None
    narrowed: tuple[str, ...] = ()
    why: str = ""

    @property
    def there(self) -> bool:
        """Whether there is a build of it, also where that is to be built anew."""
        return self.numbers != Numbers()


class LabelRow(NamedTuple):
    """A label in a mix. projects: how many give images of it. masters: of how many masters; 0 where all are drawn."""

    name: str
    numbers: Numbers
    projects: int
    masters: int
    limit: int | None = None


class Mix(NamedTuple):
    """What a learner's dataset consists of.

    projects: by name. labels: those with the most images first. total: an image with several labels counts once.
    excluded: the projects of its folder that it doesn't take. notes: what is to be said of the split.
    """

    learner: str
    projects: tuple[ProjectRow, ...]
    labels: tuple[LabelRow, ...]
    total: Numbers
    excluded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def share(self, row: ProjectRow | LabelRow) -> float:
        """A row's part of all images taken, 0 to 1."""
        return row.numbers.taken / self.total.taken if self.total.taken else 0.0


class Taken(NamedTuple):
    """What is taken of the projects that are built. shares: what limits leave. parts: ids of train and val."""

    shares: Sequence[Share]
    parts: Mapping[str, tuple[Collection[str], Collection[str]]]
    notes: Sequence[str] = ()


def mix(learner: str, standings: Sequence[Standing], taken: Taken, limits: Limits, excluded: Iterable[str] = ()) -> Mix:
    """The account of a mix. taken: of the standings that have a share, in their order."""
    left = {share.project: share for share in taken.shares}
    sides = {project: (frozenset(train), frozenset(val)) for project, (train, val) in taken.parts.items()}
    rows = [_project_row(standing, left.get(standing.project), sides, limits) for standing in standings]
    total = Numbers()
    for row in rows:
        total = total.plus(row.numbers)
    built = [standing.share for standing in standings if standing.share is not None]
    return Mix(
        learner, tuple(rows), _label_rows(built, left, sides, limits), total, tuple(excluded), tuple(taken.notes)
    )


Sides = Mapping[str, tuple[frozenset[str], frozenset[str]]]


def _project_row(standing: Standing, left: Share | None, sides: Sides, limits: Limits) -> ProjectRow:
    limit = limits.projects.get(standing.project)
    if standing.share is None or left is None:
        return ProjectRow(standing.project, standing.labels, standing.state, Numbers(), limit, why=standing.why)
    images, (train, val) = len(standing.share.images), sides[standing.project]
    by_label = len(left.images) < min(images, limit or images)
    narrowed = [label for label in standing.labels if by_label and limits.labels.of_label(label) is not None]
    numbers = Numbers(images, len(left.images), len(train), len(val))
    return ProjectRow(standing.project, standing.labels, standing.state, numbers, limit, tuple(narrowed), standing.why)


def _label_rows(
    shares: Sequence[Share], left: Mapping[str, Share], sides: Sides, limits: Limits
) -> tuple[LabelRow, ...]:
    numbers: dict[str, Numbers] = {}
    givers: dict[str, set[str]] = {}
    masters: dict[str, set[str]] = {}
    for share in shares:
        train, val = sides[share.project]
        for image in share.images:
            one = Numbers(1, image in left[share.project].images, image in train, image in val)
            for label in share.labels[image]:
                numbers[label] = numbers.get(label, Numbers()).plus(one)
                if one.taken:
                    givers.setdefault(label, set()).add(share.project)
                    masters.setdefault(label, set()).update([share.master] if share.master else ())
    rows = [
        LabelRow(label, found, len(givers.get(label, ())), len(masters.get(label, ())), limits.labels.of_label(label))
        for label, found in numbers.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.numbers.taken, row.name)))
