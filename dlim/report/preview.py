"""What a notebook shows: the sheet of a project, built into a folder that is gone afterwards, and of an operation."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from dlim import config, projects
from dlim.augment import images, operations
from dlim.augment.context import workspace
from dlim.augment.imgaug import Custom
from dlim.augment.operations import Crop, Operation
from dlim.config import Config, Learner, Settings
from dlim.errors import AugmentError, ProjectError, WorkspaceError
from dlim.geometry import Box, Size, still
from dlim.names import nearest, one_of
from dlim.projects import Broken, Project
from dlim.report import sheet
from dlim.report.samples import FOLDER, Built, contact_sheet, drawn, moved
from dlim.report.sheet import Mark, Picture, Section
from dlim.stages import annotate, augment, backgrounds, boxes, compose
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

    Of a learner with scenes it shows those that the project would have if it were the only one.

    The workspace is that of the calling script, or the one around the current folder. What the stages have to say
    is printed. Raises DlimError.
    """
    root = Path(os.path.relpath(workspace()))  # what is said of files is said from where one stands
    settings = config.load(root / "config")
    taken = _taken(root, settings, name, learner)
    try:
        with TemporaryDirectory(prefix="dlim-") as folder, _without_main():
            built = _built(taken, settings.settings, root, Path(folder))
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


def _built(taken: _Taken, settings: Settings, root: Path, folder: Path) -> Built:
    """The project's build for the learner, made in an empty folder by the stages of every build."""
    project, name, learner = taken
    scene, crops = learner.scene, folder / "variations"
    shown = folder / "scenes" if scene else crops
    built = Built(project, name, learner, folder / "objects", shown, folder / "build")
    notes, master = [], ""
    if not project.settings.generator:
        with staging(built.objects) as out:
            notes += boxes.locate(project, out, settings.labelling_canvas)
        master = boxes.read(built.objects)[0]
    varied = augment.Settings(
        None if scene else learner.size,
        project.settings.placement,
        settings.seed,
        settings.augment.count,
        settings.augment.cval,
    )
    with staging(crops) as out:
        notes += augment.augment(project, out, varied, project.build / FOLDER / "daug.log")
    if scene:
        windows = folder / "windows"
        with staging(windows) as out:
            pictures = root / scene.backgrounds if scene.backgrounds else None
            notes += backgrounds.backgrounds(pictures, scene.drawn, out, learner.size or (0, 0), settings.seed)
        with staging(shown) as out:
            decided = compose.settings(learner, scene, settings.seed, project)
            notes += compose.compose([compose.source(project, crops, built.things())], windows, out, decided)
    label = project.settings.label or project.name
    wanted = annotate.Settings(project.name, label, learner.labels, learner.boxes == "follow", learner.format)
    with staging(built.build) as out:
        notes += annotate.annotate(shown, master, built.things(), out, wanted)
    for note in notes:
        print(f"{project.name}: {note}")
    return built


def _title(folder: str, name: str) -> str:
    """A project's name in tasks: outside projects/, the folder stands before it."""
    return name if folder == "projects" else f"{folder}/{name}"


# single operations

BUILT_IN: dict[str, Callable[[Size], Operation]] = {
    "rotation": lambda size: operations.rotation(),
    "height": lambda size: operations.height(),
    "zoom": lambda size: operations.zoom(),
    "brightness": lambda size: operations.brightness(),
    "mix": operations.mix,
}
"""The operations that go by a name, with the ranges that daug.py's methods of that name have."""


def tried(
    image: Path | str,
    operation: str | Operation | Custom | Any,
    n: int = 16,
    cval: int = 125,
    boxes: Iterable[Box] = (),
    seed: int = 1,
    name: str | None = None,
) -> Image.Image:
    """A sheet of the image and n variations of it, with the drawn parameters and the boxes that follow.

    operation: the name of a built-in one, an Operation, a Custom, or an augmenter of imgaug. cval: the grey,
    0 to 255, that fills what a shift bares. boxes: of the image as it is, half-open and 0-based. seed: the
    workspace's. name: what daug.py would call the files by; it is part of what decides the draw.

    Of a project's master it shows the images that the first call in its daug.py makes, in their order, but for
    repeats, which a build draws anew. Nothing is written. Raises AugmentError or ProjectError.
    """
    if n < 1:
        raise AugmentError("the sheet", f"has {n} variations", "say how many to show, 1 or more")
    if not 0 <= cval <= 255:
        raise AugmentError("the sheet", f"cval is {cval}", "say a grey from 0 to 255")
    path = Path(image)
    master = images.read(path)
    size = images.size_of(master)
    varies = _operation(operation, size)
    name = name or _name(varies, size)
    keys = [(seed, _project(path), name, 0, index, 0) for index in range(n)]
    crops = [Crop(master, {}, still(*size)), *varies.vary(master, keys, cval)]
    found = list(boxes)
    captions = [["master"], *map(_told, crops[1:])]
    pictures = [_picture(crop, found, caption) for crop, caption in zip(crops, captions, strict=True)]
    return sheet.draw(f"{_project(path)}: {name}", [Section("", pictures)])


def _operation(operation: Any, size: Size) -> Operation | Custom:
    """What a person named, or gave, as something that varies a master."""
    if isinstance(operation, str):
        if operation not in BUILT_IN:
            raise AugmentError(f'"{operation}"', "is no operation", nearest(operation, BUILT_IN))
        return BUILT_IN[operation](size)
    if isinstance(operation, Operation | Custom):
        return operation
    if type(operation).__module__.partition(".")[0] == "imgaug":
        return Custom(operation)
    raise AugmentError(
        repr(operation), "is no operation", f"give an augmenter of imgaug, or a name: {', '.join(BUILT_IN)}"
    )


def _name(varies: Operation | Custom, size: Size) -> str:
    """What daug.py calls the files of an operation by: the draw depends on it."""
    if isinstance(varies, Custom):
        return varies.name.lower()
    same = (name for name, make in BUILT_IN.items() if make(size).drawn().keys() == varies.drawn().keys())
    return next(same, "operation")


def _project(path: Path) -> str:
    """The project whose master an image is, or a name that stands for one."""
    path = path.resolve()
    return path.parents[1].name if path.parent.name == "master" else path.stem


def _told(crop: Crop) -> list[str]:
    return drawn(crop.parameters) or moved(crop.mesh, images.size_of(crop.pixels))


def _picture(crop: Crop, boxes: Iterable[Box], caption: list[str]) -> Picture:
    """A crop with those of its boxes that are still to be seen."""
    seen = (crop.mesh.followed(box).seen(*images.size_of(crop.pixels)) for box in boxes)
    return Picture(crop.pixels, [Mark(box) for box in seen if box is not None], caption)
