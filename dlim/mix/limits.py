"""Limits: what a learner takes of its projects' images, where that isn't all of them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from dlim.config import Limit
from dlim.errors import ConfigError
from dlim.names import nearest

LONG = 200
"""Characters of a remedy; a thousand labels in one would tell nobody anything."""


class Share(NamedTuple):
    """One project's images. master: the digest of its master, empty where it has none.

    images: the SHA-256 of each image file by id. labels: what each shows, by id, without repeats.
    """

    project: str
    master: str
    images: Mapping[str, str]
    labels: Mapping[str, Sequence[str]]

    @property
    def shown(self) -> frozenset[str]:
        """All labels on its images."""
        return frozenset().union(*map(self.labels.__getitem__, self.images))


@dataclass(frozen=True, slots=True)
class Limits:
    """At most so many images: of each project that is named here, and of each label that the learner limits."""

    projects: Mapping[str, int] = field(default_factory=dict)
    labels: Limit = field(default_factory=Limit)

    def concern(self, project: str) -> bool:
        """Whether images of a project may have to stay out."""
        return bool(project in self.projects or self.labels.labels)

    def __str__(self) -> str:
        told = [f"{name} {count}" for name, count in sorted(self.projects.items())]
        told += [f"label {name} {count}" for name, count in self.labels.labels.items()]
        return ", ".join(told) or "none"


def ranked(images: Mapping[str, str], seed: int) -> list[str]:
    """Ids of images, by what these show, in an order that the seed draws: none knows of another."""
    ranks = {image: rank(seed, digest) for image, digest in images.items()}
    return sorted(sorted(images), key=ranks.__getitem__)


def rank(seed: int, digest: str) -> str:
    """Where a digest stands in the order that the seed draws."""
    return hashlib.sha256(f"{seed}\0{digest}".encode()).hexdigest()


def train_count(images: int, percent: int) -> int:
    """How many of so many images are for train, to the nearest whole number."""
    return (images * percent + 50) // 100


def sides(images: Mapping[str, str], seed: int, percent: int) -> tuple[list[str], list[str]]:
    """All of a project's images, divided into train and val, each by rank: no limit makes an image change sides."""
    found = ranked(images, seed)
    count = train_count(len(found), percent)
    return found[:count], found[count:]


def in_turn(share: Share, seed: int, percent: int) -> list[str]:
    """A project's images in the order in which they are taken.

    However many of them are taken, the percentage for train is right, and each is on the side on which it is
    where all are taken: so a greater limit adds to train and to val. Where the project's images show one label or
    another, the first ones of each are train and val in nearly the same parts as all of it are.
    """
    train, val = (iter(_evenly(side, share)) for side in sides(share.images, seed, percent))
    return [
        next(train if train_count(number + 1, percent) > train_count(number, percent) else val)
        for number in range(len(share.images))
    ]


def _evenly(images: Sequence[str], share: Share) -> list[str]:
    """Images so that those that show the same are spread evenly over the others, and otherwise in their order."""
    kinds = {image: frozenset(share.labels[image]) for image in images}
    counts = Counter(kinds.values())
    turn: Counter[frozenset[str]] = Counter()
    places = {}
    for image, kind in kinds.items():
        places[image] = (turn[kind] + 0.5) / counts[kind]
        turn[kind] += 1
    return sorted(images, key=places.__getitem__)


def limited(shares: Sequence[Share], limits: Limits, seed: int, percent: int) -> list[Share]:
    """What the limits leave of each project's images.

    The images of a label are dealt out: its projects give one each, then one each again, until it has its number.
    So small projects give all they have, and the others equally. An image with several labels counts for each, and
    stays out where one of them has its number without it.

    A greater number of a label only adds. So does that of a project, to its own images; where one of its labels is
    full, they take the places of other projects' images.
    """
    concerned = {
        share.project: in_turn(share, seed, percent)[: limits.projects.get(share.project)]
        for share in shares
        if limits.concern(share.project)
    }
    over = _over(shares, concerned, limits.labels)
    return [
        _only(share, {image for image in concerned[share.project] if (share.project, image) not in over})
        if share.project in concerned
        else share
        for share in shares
    ]


def _over(shares: Iterable[Share], taken: Mapping[str, Sequence[str]], limit: Limit) -> set[tuple[str, str]]:
    """The images, with their projects, of which a label of theirs has its number already."""
    dealt: dict[str, list[tuple[int, str, str]]] = {}
    for share in shares:
        turn: Counter[str] = Counter()
        for image in taken.get(share.project, ()):
            for label in share.labels[image]:
                dealt.setdefault(label, []).append((turn[label], share.project, image))
                turn[label] += 1
    counts = {label: limit.of_label(label) for label in dealt}
    return {
        (project, image)
        for label, count in counts.items()
        if count is not None
        for _, project, image in sorted(dealt[label])[count:]
    }


def _only(share: Share, kept: set[str]) -> Share:
    return share._replace(images={image: digest for image, digest in share.images.items() if image in kept})


def require(place: object, key: str, limits: Iterable[str], names: Iterable[str], what: str) -> None:
    """Raise ConfigError where a name or pattern of a limit is that of nothing. what: a word for what names are."""
    names = list(names)
    for pattern in limits:
        if not any(fnmatchcase(name, pattern) for name in names):
            remedy = nearest(pattern, names)
            if len(remedy) > LONG:
                remedy = f"there are {len(names):,}, and none is like it"
            raise ConfigError(place, f'{key}: "{pattern}" matches no {what}', remedy)
