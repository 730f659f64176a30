"""split: which images of a learner's projects go to train, and which to val."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dlim.errors import DatasetError

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
    """Write split.json into the folder out; what is to be said of it, a line each.

    Raises DatasetError where projects that are kept whole have the same image, in train and in val.
    """
    if settings.by == "master":
        parts, notes = _by_master(shares, settings)
    else:
        parts, notes = _by_image(shares, settings)
    _check_leaks(shares, parts, settings)
    text = json.dumps({project: part._asdict() for project, part in sorted(parts.items())}, indent=1)
    (out / SPLIT).write_text(text + "\n", encoding="utf-8")
    return notes


def read(folder: Path) -> dict[str, Parts]:
    """What `split` left in a folder, by project."""
    return {project: Parts(**part) for project, part in json.loads((folder / SPLIT).read_bytes()).items()}


def _by_image(shares: Sequence[Share], settings: Settings) -> tuple[dict[str, Parts], list[str]]:
    """Each project divided by itself; but an image that an earlier one has, too, goes the way it went there."""
    gone: dict[str, bool] = {}
    parts, notes = {}, []
    for share in sorted(shares, key=lambda share: share.project):
        part = parts[share.project] = _divided(share, gone, settings)
        for side, to_train in ((part.train, True), (part.val, False)):
            gone |= {share.images[image]: to_train for image in side}
        if len(part.train) != _train_count(len(share.images), settings):
            notes.append(
                f"{share.project}: {len(part.train)} images in train and {len(part.val)} in val, "
                "as most of them are another project's, too"
            )
    return parts, notes


def _divided(share: Share, gone: Mapping[str, bool], settings: Settings) -> Parts:
    """A project's images, the exact share of them in train as far as those that have gone leave the choice."""
    # ranked by what an image shows: no project's images know of another's, and a new one moves none
    ranked = sorted(share.images, key=lambda image: (_rank(settings.seed, share.images[image]), image))
    bound = [image for image in ranked if share.images[image] in gone]
    free = [image for image in ranked if share.images[image] not in gone]
    train = [image for image in bound if gone[share.images[image]]]
    room = max(0, _train_count(len(ranked), settings) - len(train))
    val = [image for image in bound if not gone[share.images[image]]]
    return Parts(sorted(train + free[:room]), sorted(val + free[room:]))


def _train_count(images: int, settings: Settings) -> int:
    """The share of train, to the nearest whole number."""
    return (images * settings.train_percent + 50) // 100


def _rank(seed: int, digest: str) -> str:
    return hashlib.sha256(f"{seed}\0{digest}".encode()).hexdigest()


def _by_master(shares: Sequence[Share], settings: Settings) -> tuple[dict[str, Parts], list[str]]:
    """Projects that share a master on one side; those with the only master of a label divided by image."""
    held_out, notes = _held_out(shares, settings)
    parts, more = _by_image([share for share in shares if share.project not in held_out], settings)
    for share in shares:
        if share.project in held_out:
            images = sorted(share.images)
            parts[share.project] = Parts([], images) if held_out[share.project] else Parts(images, [])
    return parts, notes + more


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


def _check_leaks(shares: Sequence[Share], parts: Mapping[str, Parts], settings: Settings) -> None:
    train = {share.images[image]: image for share in shares for image in parts[share.project].train}
    for share in shares:
        for image in parts[share.project].val:
            if share.images[image] in train:
                raise DatasetError(
                    f"dataset of {settings.learner}",
                    f"{image} would be in val, and the same image is in train as {train[share.images[image]]}",
                    "exclude one of the two projects in the learner's file",
                )
