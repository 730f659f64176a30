"""What scenes are made by and of: their settings, and the projects that stand in them. It imports nothing heavy."""

from __future__ import annotations

import hashlib
from bisect import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dlim.geometry import Object, Size

PARTNERS = 6
"""How many other projects a project has in its scenes: what it depends on stays few, however many there are."""


class Spot(NamedTuple):
    """Where a labelled shot has the middle of a box, in shares of its width and height."""

    shot: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides scenes beside what they show: the learner's [scene], and the workspace's seed."""

    size: Size
    seed: int
    drawn: float = 0.5
    objects: tuple[int, int] = (1, 4)
    scale: tuple[float, float] = (0.5, 2.0)
    position: str = "anywhere"
    blend: tuple[str, ...] = ("hard", "feather")
    cover: float = 0.1
    empty: float = 0.0
    placement: str = "left-upper"


@dataclass(frozen=True, slots=True)
class Source:
    """What a project gives to scenes.

    variations: the folder that augment left. objects: the master's, in the crop's frame; none of a generator. master:
    the master's image, where there is one. mask: its mask's file, where there is one.
    """

    name: str
    variations: Path
    objects: tuple[Object, ...] = ()
    master: Path | None = None
    mask: Path | None = None


Ring = list[tuple[bytes, str]]
"""Projects by their digests, in order."""


def ring(projects: Iterable[str]) -> Ring:
    """The ring of a learner's projects."""
    return sorted((_place(name), name) for name in projects)


def partners(project: str, others: Ring) -> list[str]:
    """The other projects of a learner that stand in a project's scenes: those that follow it on the ring.

    Another project takes one place in the scenes of few, and moves none else.
    """
    first = bisect(others, (_place(project), project))
    following = (others[(first + step) % len(others)][1] for step in range(min(PARTNERS + 1, len(others))))
    return sorted([name for name in following if name != project][:PARTNERS])


def _place(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=8).digest()
