"""split: which images of a learner's projects go to train, which to val, and which a limit leaves out."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dlim.mix.limits import Limits, Share, limited, rank, require, sides, train_count

SPLIT = "split.json"
"""What this stage leaves: the ids of train and val, by project."""

TAKEN = "taken"
"""The folder beside it, with a file of ids for each project of which not all images are taken."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to divide. by: "image", or "master" to keep all images of a master together. limits: what to divide."""

    learner: str
    seed: int
    train_percent: int
    by: str = "image"
    limits: Limits = field(default_factory=Limits)


class Parts(NamedTuple):
    """Ids of images, sorted."""

    train: list[str]
    val: list[str]


class Division(NamedTuple):
    """What is taken of each project, how that is divided, and what is to be said of it, a line each."""

    shares: list[Share]
    parts: dict[str, Parts]
    notes: list[str]


def split(shares: Sequence[Share], out: Path, settings: Settings) -> list[str]:
    """Write split.json, and what limits leave, into the folder out; what is to be said of it, a line each.

    Raises ConfigError where a label is limited that no image shows.
    """
    require_labels({label for share in shares for label in share.shown}, settings)
    division = divide(shares, settings)
    text = json.dumps({project: part._asdict() for project, part in sorted(division.parts.items())}, indent=1)
    (out / SPLIT).write_text(text + "\n", encoding="utf-8")
    for share, left in zip(shares, division.shares, strict=True):
        if len(left.images) < len(share.images):
            _write_taken(out, left)
    return [*_account(shares, division.shares, settings), *division.notes]


def require_labels(labels: Iterable[str], settings: Settings) -> None:
    """Raise ConfigError where a label is limited that is none of these."""
    place = f"config/learners/{settings.learner}.toml"
    require(place, "limit.labels", settings.limits.labels.labels, labels, "label")


def divide(shares: Sequence[Share], settings: Settings) -> Division:
    """What `split` would write."""
    # divided as a whole, and then limited: so no limit makes an image change sides
    held_out, notes = _held_out(shares, settings) if settings.by == "master" else ({}, [])
    left = limited(shares, settings.limits, settings.seed, settings.train_percent)
    divided = {
        share.project: _divided(share, taken.images, held_out.get(share.project), settings)
        for share, taken in zip(shares, left, strict=True)
    }
    parts, more = _without_leaks(left, divided)
    return Division(left, parts, [*notes, *more])


def _account(shares: Iterable[Share], left: Iterable[Share], settings: Settings) -> list[str]:
    before, after = (sum(len(share.images) for share in each) for each in (shares, left))
    if before == after:
        return []
    return [f"limits leave {after:,} of {before:,} images; doit mix:{settings.learner} shows of which projects"]


def read(folder: Path) -> dict[str, Parts]:
    """What `split` left in a folder, by project."""
    return {project: Parts(**part) for project, part in json.loads((folder / SPLIT).read_bytes()).items()}


def taken(folder: Path, project: str) -> list[str] | None:
    """The ids that a project gives, sorted; None where it gives all it has, or isn't divided yet."""
    path = _taken_file(folder, project)
    return path.read_text(encoding="utf-8").split() if path.exists() else None


def _write_taken(folder: Path, share: Share) -> None:
    path = _taken_file(folder, share.project)
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{image}\n" for image in sorted(share.images)), encoding="utf-8")


def _taken_file(folder: Path, project: str) -> Path:
    # a learner's projects lie in one folder, whose name may be a path to anywhere
    return folder / TAKEN / f"{PurePosixPath(project).name}.txt"


def _divided(share: Share, taken: Container[str], held_out: bool | None, settings: Settings) -> Parts:
    """What is taken of a project's images, divided by rank or, where its master is in or out as a whole, not at all."""
    if held_out is None:
        # ranked by what an image shows: no project's images know of another's, and a new one moves none
        train, val = sides(share.images, settings.seed, settings.train_percent)
    else:
        train, val = ([], list(share.images)) if held_out else (list(share.images), [])
    return Parts(*(sorted(image for image in side if image in taken) for side in (train, val)))


def _held_out(shares: Sequence[Share], settings: Settings) -> tuple[dict[str, bool], list[str]]:
    """Whether each project is val as a whole, by name; those whose label has one master only are not in it."""
    whole: dict[str, bool] = {}
    notes = []
    # a project without images must not be all that a label has in val
    for masters in _connected(share for share in shares if share.images):
        order = sorted(masters, key=lambda master: rank(settings.seed, master))
        if len(order) < 2:
            projects = ", ".join(share.project for share in masters[order[0]])
            notes.append(f"{projects}: has the only master of its label; divided by image")
            continue
        train = min(max(train_count(len(order), settings.train_percent), 1), len(order) - 1)
        for position, master in enumerate(order):
            whole |= {share.project: position >= train for share in masters[master]}
    return whole, notes


def _connected(shares: Iterable[Share]) -> list[dict[str, list[Share]]]:
    """Shares by master, in groups of which no two have a label in common."""
    groups: list[tuple[set[str], dict[str, list[Share]]]] = []
    for share in shares:
        labels, masters = set(share.shown), {share.master or share.project: [share]}
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
