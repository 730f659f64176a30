"""Stages as doit's tasks: what a task's row has in every case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlim import provenance, store
from dlim.plugins.meta import FAULT, STAGE
from dlim.plugins.reason import IMAGES, SEAL, Inputs, Sealed, Settings
from dlim.plugins.reporter import SUMMARY
from dlim.plugins.work import Fill, Refusal, Watched, unseal
from dlim.projects import Broken, Project
from dlim.stages import dataset, extend
from dlim.store import Staging
from dlim.text import megabytes

Row = dict[str, Any]
"""A task as doit has it."""

IO = {"capture": False}
"""doit's capturing would mix the output of tasks that run side by side."""


def stage(
    kind: str,
    name: str,
    run: Callable[[Staging], list[str] | None],
    manifest: Path,
    sources: Iterable[Path],
    settings: Callable[[], Settings] = dict,
    *,
    after: Iterable[str] = (),
) -> Row:
    """A task that fills a folder; run gets the folder, and returns what is to be said.

    after: tasks that come before it, and whose targets are none of its sources as a whole.
    """
    made = row(kind, name, Fill(f"{kind}:{name}", run, manifest), manifest, sources, settings)
    return {**made, "task_dep": list(after)}


def row(
    kind: str,
    name: str,
    action: Callable[[], object],
    manifest: Path,
    sources: Iterable[Path],
    settings: Callable[[], Settings] = dict,
) -> Row:
    files = existing(sources)
    return {
        "basename": kind,
        "name": name,
        "actions": [Watched(action, files)],
        "file_dep": files,
        "targets": [str(manifest)],
        "uptodate": [inputs(kind, settings), Sealed(manifest)],
        "clean": [(unseal, [manifest])],
        "io": IO,
        "meta": {STAGE: True},
    }


def broken(title: str, learner: str, project: Broken) -> Row:
    """The task of a folder that should be a project: it fails and says why."""
    return {
        "basename": "annotate",
        "name": f"{title}@{learner}",
        "actions": [Watched(Refusal(project.error), [])],
        "targets": [str(project.folder / "build" / learner / store.MANIFEST)],
        "io": IO,
        "meta": {STAGE: True, FAULT: str(project.error)},
    }


def existing(paths: Iterable[Path]) -> list[str]:
    """Paths as doit has them, without the hand-made files that are missing: the stage says so in better words."""
    return [str(path) for path in paths if path.name == store.MANIFEST or path.exists()]


@dataclass(frozen=True)
class Extend:
    """Makes a master's labelling image."""

    project: Project
    canvas: tuple[int, int]

    def __call__(self) -> dict[str, Any]:
        extend.extend(self.project, self.canvas)
        return {SEAL: [store.sha256(self.project.extended)]}


@dataclass(frozen=True)
class Packed:
    """Brings a learner's dataset up to date."""

    content: Callable[[], dataset.Content]
    folder: Path
    settings: dataset.Settings

    def __call__(self) -> dict[str, Any]:
        dataset.pack(self.content(), self.folder, self.settings)
        return {SEAL: store.look(self.folder / store.MANIFEST)}


@dataclass(frozen=True)
class Tarball:
    """Makes a learner's archive, and seals it."""

    folder: Path
    shards: list[Path]
    archive: Path
    manifest: Path
    settings: dataset.Settings

    def __call__(self) -> dict[str, Any]:
        dataset.tarball(self.folder, self.shards, self.archive, self.manifest, self.settings)
        digest = store.read(self.manifest)[self.archive.name].sha256
        facts = store.facts(self.manifest)
        summary = (
            f"{self.archive}: {facts['images']:,} images, {facts['train']:,} train and {facts['val']:,} val, "
            f"{megabytes(facts['bytes'])}, sha256 {digest[:12]}"
        )
        return {SEAL: store.look(self.manifest), SUMMARY: summary, IMAGES: facts["images"]}


def inputs(kind: str, settings: Callable[[], Settings]) -> Inputs:
    """What a stage's task compares beside files: its settings, and what else decides its bytes."""
    return Inputs(lambda: {**settings(), **provenance.makers(kind)})
