"""A project's contact sheet for a notebook: built by the stages into a folder that is gone afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from dlim import config, projects
from dlim.augment.context import workspace
from dlim.config import Config, Learner, Settings
from dlim.errors import ProjectError, WorkspaceError
from dlim.names import nearest, one_of
from dlim.projects import Broken, Project
from dlim.report.built import Built
from dlim.report.samples import FOLDER, contact_sheet
from dlim.stages import annotate, augment, boxes
from dlim.store import staging

if TYPE_CHECKING:
    from PIL import Image


def preview(
    name: str,
    n: int | None = None,
    operations: Sequence[str] | str | None = None,
    worst: bool = False,
    learner: str | None = None,
) -> Image.Image:
    """The sheet that `doit preview` makes of a project, of the project as it is now, whether it is built or not.

    n: how many images; 16, or 96 of a generator, or 15 of the worst, unless given. operations: only of these, such
    as ["mix"]. worst: the images with the smallest boxes, the most cut off and the darkest. learner: for which one;
    the first that takes the project unless given.

    The workspace is that of the calling script, or the one around the current folder. What the stages have to say
    is printed. Raises DlimError.
    """
    root = workspace()
    settings = config.load(root / "config")
    taken = _taken(root, settings, name, learner)
    try:
        with TemporaryDirectory(prefix="dlim-") as folder, _without_main():
            built = _built(taken, settings.settings, Path(folder))
            return contact_sheet(built, n, [operations] if isinstance(operations, str) else operations, worst)
    except OSError as error:
        fault = f"{error.strerror or error}"
        raise WorkspaceError(error.filename or "the preview", fault, "see to that, and try again") from error


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep multiprocessing from running the calling script once more in every process: dlim needs nothing of it."""
    main = sys.modules["__main__"]
    if hasattr(main, "__file__"):  # a notebook has none
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class _Taken(NamedTuple):
    """A project, and one learner that takes it."""

    project: Project
    name: str
    learner: Learner


def _taken(root: Path, settings: Config, title: str, learner: str | None) -> _Taken:
    """The project of that name, and the learner, or the first that takes it."""
    known: dict[str, dict[str, Project | Broken]] = {}
    for taker, one in settings.learners.items():
        for name, found in projects.load(root / one.projects).items():
            if one.takes(name):
                known.setdefault(_title(one.projects, name), {})[taker] = found
    if title not in known:
        raise ProjectError(title, "is no project that a learner takes", nearest(title, known))
    takers = known[title]
    chosen = learner or min(takers)
    one_of(title, "learner", chosen, takers)
    project = takers[chosen]
    if isinstance(project, Broken):
        raise project.error
    return _Taken(project, chosen, settings.learners[chosen])


def _built(taken: _Taken, settings: Settings, folder: Path) -> Built:
    """The project's build for the learner, made in an empty folder by the stages of every build."""
    project, name, learner = taken
    built = Built(project, name, learner, folder / "objects", folder / "variations", folder / "build")
    notes, master = [], ""
    if not project.settings.generator:
        with staging(built.objects) as out:
            notes += boxes.locate(project, out, settings.labelling_canvas)
        master = boxes.read(built.objects)[0]
    varied = augment.Settings(
        learner.size, project.settings.placement, settings.seed, settings.augment.count, settings.augment.cval
    )
    with staging(built.variations) as out:
        notes += augment.augment(project, out, varied, project.build / FOLDER / "daug.log")
    label = project.settings.label or project.name
    wanted = annotate.Settings(project.name, label, learner.labels, learner.boxes == "follow", learner.format)
    with staging(built.build) as out:
        notes += annotate.annotate(built.variations, master, built.things(), out, wanted)
    for note in notes:
        print(f"{project.name}: {note}")
    return built


def _title(folder: str, name: str) -> str:
    """A project's name in tasks: outside projects/, the folder stands before it."""
    return name if folder == "projects" else f"{folder}/{name}"
