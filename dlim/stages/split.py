"""split: which images of a learner's projects go to train, and which to val."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SPLIT = "split.json"
"""What this stage leaves: the ids of train and val, by project."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to divide. by: "image", or "master" to keep all images of a master together."""

    learner: str
    seed: int
    train_percent: int
    by: str = "image"


class Share(NamedTuple):
    """One project's images. master: the digest of its master, empty where it has none.

    images: the SHA-256 of each image file by id. labels: what they show.
    """

    project: str
    master: str
    images: Mapping[str, str]
    labels: frozenset[str]


class Parts(NamedTuple):
    """Ids of images, sorted."""

    train: list[str]
    val: list[str]


def split(shares: Sequence[Share], out: Path, settings: Settings) -> list[str]:
    """Write split.json into the folder out; what is to be said of it, a line each."""
    held_out, notes = _held_out(shares, settings) if settings.by == "master" else ({}, [])
    divided = {share.project: _divided(share, held_out.get(share.project), settings) for share in shares}
    parts, more = _without_leaks(shares, divided)
    text = json.dumps({project: part._asdict() for project, part in sorted(parts.items())}, indent=1)
    (out / SPLIT).write_text(text + "\n", encoding="utf-8")
    return notes + more


def read(folder: Path) -> dict[str, Parts]:
    """What `split` left in a folder, by project."""
    return {project: Parts(**part) for project, part in json.loads((folder / SPLIT).read_bytes()).items()}


def _divided(share: Share, held_out: bool | None, settings: Settings) -> Parts:
    """A project's images, divided by themselves or, where its master is in or out as a whole, not at all."""
    if held_out is not None:
        return Parts([], sorted(share.images)) if held_out else Parts(sorted(share.images), [])
    # ranked by what an image shows: no project's images know of another's, and a new one moves none
    ranked = sorted(share.images, key=lambda image: (_rank(settings.seed, share.images[image]), image))
    count = _train_count(len(ranked), settings)
    return Parts(sorted(ranked[:count]), sorted(ranked[count:]))


def _train_count(images: int, settings: Settings) -> int:
    """The share of train, to the nearest whole number."""
    return (images * settings.train_percent + 50) // 100


def _rank(seed: int, digest: str) -> str:
    return hashlib.sha256(f"{seed}\0{digest}".encode()).hexdigest()


def _held_out(shares: Sequence[Share], settings: Settings) -> tuple[dict[str, bool], list[str]]:
    """Whether each project is val as a whole, by name; those whose label has one master only are not in it."""
    whole: dict[str, bool] = {}
    notes = []
    for masters in _connected(shares):
        ranked = sorted(masters, key=lambda master: _rank(settings.seed, master))
        if len(ranked) < 2:
            projects = ", ".join(share.project for share in masters[ranked[0]])
            notes.append(f"{projects}: has the only master of its label; divided by image")
            continue
        train = min(max(_train_count(len(ranked), settings), 1), len(ranked) - 1)
        for position, master in enumerate(ranked):
            whole |= {share.project: position >= train for share in masters[master]}
    return whole, notes


def _connected(shares: Iterable[Share]) -> list[dict[str, list[Share]]]:
    """Shares by master, in groups of which no two have a label in common."""
    groups: list[tuple[set[str], dict[str, list[Share]]]] = []
    for share in shares:
        labels, masters = set(share.labels), {share.master or share.project: [share]}
        for other in [group for group in groups if group[0] & labels or group[1].keys() & masters.keys()]:
            groups.remove(other)
            labels |= other[0]
            for master, found in other[1].items():
                masters.setdefault(master, []).extend(found)
        groups.append((labels, masters))
    return [masters for _, masters in groups]


def _without_leaks(shares: Sequence[Share], parts: Mapping[str, Parts]) -> tuple[dict[str, Parts], list[str]]:
    """The parts, without an image in val whose bytes are in train as another project's, and what to say of it.

    It is left out and not moved: then neither an image nor a project makes another one change sides.
    """
    learned = {share.images[image]: image for share in shares for image in parts[share.project].train}
    kept, notes = {}, []
    for share in shares:
        train, val = parts[share.project]
        leaks = [image for image in val if share.images[image] in learned]
        kept[share.project] = Parts(train, [image for image in val if share.images[image] not in learned])
        if leaks:
            notes.append(
                f"{share.project}: {len(leaks)} of {len(val)} images of val are in train as another project's, "
                f"and left out ({leaks[0]} is {learned[share.images[leaks[0]]]})"
            )
    return kept, notes
