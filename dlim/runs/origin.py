"""What a dataset came from: every file that a person made for it, the settings, the code, each with its digest."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from dlim import provenance, store
from dlim.config import Config
from dlim.formats import FORMATS
from dlim.projects import Project
from dlim.runs import program, record
from dlim.runs.record import Dataset, File, Origin
from dlim.runs.shipment import END, LISTS, Shipment

CONFIG = Path("config")


def origin(config: Config, learner: str, projects: Mapping[str, Project], dataset: Path, shipment: Shipment) -> Origin:
    """What a learner's dataset comes from, in the workspace that is the current folder.

    dataset: its unpacked folder. projects: by their names in tasks.
    """
    settings = config.learners[learner]
    return Origin(
        dataset=_dataset(settings.format, dataset, shipment),
        projects={title: made_by_hand(project) for title, project in projects.items()},
        settings=said(config, learner),
        makers=_makers(),
        program=program.digests(settings.learning),
        revision=record.revision(Path()),
        program_revision=record.revision(Path(settings.learning.program)) if settings.learning.program else None,
    )


def made_by_hand(project: Project) -> dict[str, str]:
    """The SHA-256 of each file of a project that a person made, by its path in the project."""
    paths = [project.image, project.boxes, project.folder / "project.toml", *project.sources()]
    return {path.relative_to(project.folder).as_posix(): store.sha256(path) for path in paths if path.is_file()}


def _dataset(form: str, dataset: Path, shipment: Shipment) -> Dataset:
    lists = dataset / FORMATS[form].LISTS
    train, val = (len((lists / f"{part}.txt").read_text(encoding="utf-8").splitlines()) for part in ("train", "val"))
    shards = {piece.name: File(piece.size, piece.sha256) for piece in shipment.pieces if piece.name not in (LISTS, END)}
    return Dataset(File(shipment.size, shipment.sha256), shards, train, val)


def said(config: Config, learner: str) -> dict[str, Any]:
    """What the configuration says, defaults included, and the digests of the files that say it."""
    files = [CONFIG / "dlim.toml", CONFIG / "learners" / f"{learner}.toml"]
    return {
        "workspace": msgspec.to_builtins(config.settings),
        "learner": msgspec.to_builtins(config.learners[learner]),
        "files": {path.as_posix(): store.sha256(path) for path in files if path.is_file()},
    }


def _makers() -> dict[str, str]:
    made = {"python": platform.python_version(), "dlim": _version()}
    for stage in provenance.STAGES:
        for what, value in provenance.makers(stage).items():
            made[what if what.startswith("the version") else f"{what} of {stage}"] = value
    return made


def _version() -> str:
    try:
        return metadata.version("dlim")
    except metadata.PackageNotFoundError:
        return "not installed"
