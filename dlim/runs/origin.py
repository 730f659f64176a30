"""What a dataset came from: every file that a person made for it, the settings, the code, each with its digest."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from dlim import provenance, store, variation
from dlim.config import Config
from dlim.formats import FORMATS
from dlim.projects import Project
from dlim.runs import program, record
from dlim.runs.record import Dataset, File, Origin
from dlim.runs.shipment import END, LISTS, Shipment
from dlim.stages import annotate
from dlim.store import Build, DamageError
from dlim.workspace import Workspace, scenes, variations

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
    paths = [project.image, project.boxes, project.mask, project.folder / "project.toml", *project.sources()]
    return {path.relative_to(project.folder).as_posix(): store.sha256(path) for path in paths if path.is_file()}


def image(workspace: Workspace, file: Path) -> Iterator[str]:
    """Where an image or an annotation of a build comes from, a line each; nothing where no build here has its bytes."""
    digest = store.sha256(file)
    there = [(title, project) for title, project in workspace.everything() if isinstance(project, Project)]
    for title, project in there:
        for name, learner in workspace.takers_of(project):
            with suppress(OSError, DamageError):
                build = Build(project.build / name)
                path = next((path for path, entry in build.files.items() if entry.sha256 == digest), "")
                index = annotate.read_index(project.build / name)
                if Path(path).stem in index.images:
                    made = scenes(project, name) if learner.scene else variations(project, learner.size)
                    yield from _image(file, f"{build.folder}/{path}", title, project, made, index)
                    return


def _image(file: Path, path: str, title: str, project: Project, made: Path, index: annotate.Index) -> Iterator[str]:
    labels, filename = index.images[Path(path).stem]
    yield f"{file}: {path}, which shows {', '.join(labels)}"
    drawn = next((each for each in variation.read(made) if each.filename == filename), None)
    if drawn is not None:
        values = "".join(f", {key} {value:g}" for key, value in drawn.parameters.items())
        yield f"  made as {made / filename}: {drawn.operation}{values}"
    files = made_by_hand(project)
    yield f"  project {title}: {', '.join(f'{path} {digest[:12]}' for path, digest in files.items())}"
    if project.image.is_file() and index.master and files.get("master/image.jpg") != index.master:
        yield f"  since then: {project.image} changed, which was {index.master[:12]}"


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
