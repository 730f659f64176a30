"""split: which images of a learner's projects go to train, which to val, and which a limit leaves out."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dlim.errors import DatasetError
from dlim.mix.limits import Limits, Share, limited, rank, require, sides, train_count
from dlim.store import Build, Staging

SPLIT = "split.json"
"""What this stage leaves: the ids of train and val, by project."""

SHOWN = "labels.json"
"""The file beside it: the ids in train and in val that show each label."""

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
    """What is taken of each project, how that is divided, and what is to be said of it, a line each.

    conflict: the first picture that two projects have with two labels.
    """

    shares: list[Share]
    parts: dict[str, Parts]
    notes: list[str]
    conflict: DatasetError | None = None


def share(title: str, build: Path) -> Share:
    """A project's images for a learner, as its build's manifest has them. Raises OSError, ValueError for no build."""
    made = Build(build)
    digests = {name[:-4]: entry.sha256 for name, entry in made.files.items() if name.endswith(".jpg")}
    shown = made.facts.get("shown")
    labels = sorted(made.facts["labels"]) if shown is None else []
    return Share(title, made.facts["master"], digests, dict.fromkeys(digests, labels) if shown is None else shown)


def split(shares: Sequence[Share], out: Staging, settings: Settings) -> list[str]:
    """Write split.json, the images of each label, and what limits leave, into out; what is to be said of it.

    Raises ConfigError where a label is limited that no image shows, DatasetError where one picture has two labels.
    """
    require_labels({label for share in shares for label in share.shown}, settings)
    division = divide(shares, settings)
    if division.conflict is not None:
        raise division.conflict
    out.write(SPLIT, _json({project: part._asdict() for project, part in sorted(division.parts.items())}))
    out.write(SHOWN, _json(_by_label(division)))
    for share, left in zip(shares, division.shares, strict=True):
        if len(left.images) < len(share.images):
            out.write(_taken_file(share.project), "".join(f"{image}\n" for image in sorted(left.images)).encode())
    out.facts |= {
        "train": sum(len(part.train) for part in division.parts.values()),
        "val": sum(len(part.val) for part in division.parts.values()),
    }
    return division.notes


def _json(value: Mapping[str, object]) -> bytes:
    """A JSON object, a line a member: json's own indented text takes ten times as long."""
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(member)}" for name, member in value.items())
    return f"{{\n{lines}\n}}\n".encode()


def _by_label(division: Division) -> dict[str, tuple[list[str], list[str]]]:
    """The ids in train and in val that show each label."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for share in division.shares:
        for side, images in enumerate(division.parts[share.project]):
            for image in images:
                for label in share.labels[image]:
                    found.setdefault(label, ([], []))[side].append(image)
    return dict(sorted(found.items()))


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
    before, after = (sum(len(share.images) for share in each) for each in (shares, left))
    if before != after:
        limits = f"limits leave {after:,} of {before:,} images; doit mix:{settings.learner} shows of which projects"
        notes.insert(0, limits)
    repeats, conflict = _repeats(left, settings)
    if not repeats:
        return Division(left, divided, notes, conflict)
    for project, found in repeats.items():
        of = ", ".join(sorted({other for other, _ in found.values()}))
        notes.append(f"{project}: {len(found):,} images are those of {of} as well; each is taken once")
        train, val = divided[project]
        divided[project] = Parts(*([image for image in side if image not in found] for side in (train, val)))
    return Division([_without(share, repeats.get(share.project, ())) for share in left], divided, notes, conflict)


def _without(share: Share, images: Container[str]) -> Share:
    return share._replace(images={image: digest for image, digest in share.images.items() if image not in images})


def _repeats(
    shares: Sequence[Share], settings: Settings
) -> tuple[dict[str, dict[str, tuple[str, str]]], DatasetError | None]:
    """The images that are another project's, byte for byte, and the first that has other labels there.

    By project, by id, with that other project, which is the first that has it, and its id there.
    """
    found: dict[str, dict[str, tuple[str, str]]] = {}
    conflict = None
    if len(set().union(*(share.images.values() for share in shares))) == sum(len(share.images) for share in shares):
        return found, conflict
    first: dict[str, tuple[Share, str]] = {}
    for share in shares:
        for image, digest in share.images.items():
            other, twin = first.setdefault(digest, (share, image))
            if other is share:
                continue
            found.setdefault(share.project, {})[image] = other.project, twin
            if conflict is None and set(other.labels[twin]) != set(share.labels[image]):
                told = [f"{each} ({', '.join(of.labels[each])})" for of, each in ((other, twin), (share, image))]
                conflict = DatasetError(
                    f"dataset of {settings.learner}",
                    f"{told[0]} of {other.project} and {told[1]} of {share.project} are one picture with two labels",
                    f"label both alike, or leave one project out in config/learners/{settings.learner}.toml",
                )
    return found, conflict


def read(folder: Path) -> dict[str, Parts]:
    """What `split` left in a folder, by project."""
    return {project: Parts(**part) for project, part in json.loads(Build(folder).read(SPLIT)).items()}


def shown(folder: Path) -> dict[str, tuple[list[str], list[str]]]:
    """The ids in train and in val that show each label."""
    return {label: (train, val) for label, (train, val) in json.loads(Build(folder).read(SHOWN)).items()}


def taken(folder: Path, project: str) -> list[str] | None:
    """The ids that a project gives, sorted; None where it gives all it has, or isn't divided yet."""
    path = folder / _taken_file(project)
    return path.read_text(encoding="utf-8").split() if path.exists() else None


def _taken_file(project: str) -> str:
    # a learner's projects lie in one folder, whose name may be a path to anywhere
    return f"{TAKEN}/{PurePosixPath(project).name}.txt"


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
    above: dict[tuple[str, str], tuple[str, str]] = {}

    def top(node: tuple[str, str]) -> tuple[str, str]:
        found = above.setdefault(node, node)
        while found != above[found]:
            above[found] = found = above[above[found]]
        return found

    shares = list(shares)
    for share in shares:
        for label in share.shown:
            above[top(("label", label))] = top(("master", share.master or share.project))
    groups: dict[tuple[str, str], dict[str, list[Share]]] = {}
    for share in shares:
        master = share.master or share.project
        groups.setdefault(top(("master", master)), {}).setdefault(master, []).append(share)
    return list(groups.values())
