"""Where a daug.py works: what dlim tells a script, in environment variables, or what it finds by hand."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from dlim import config, names, projects
from dlim.errors import DlimError, ProjectError, WorkspaceError
from dlim.geometry import Canvas, canvas_from_name, canvas_name

BY_HAND = ".by_hand"
"""The folder, in a project's build/, of what a script writes when a person runs it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a run of daug.py needs to know.

    master: the image to vary, which a generator project lacks. out: the folder to write to. canvas, placement:
    where a crop is put. seed: the workspace's. count, cval: what its operations start from. shrink: whether a master
    that is too large for the canvas is made smaller.
    """

    project: str
    master: Path
    out: Path
    canvas: Canvas
    placement: str
    seed: int
    count: int
    cval: int
    shrink: bool = False

    def environment(self) -> dict[str, str]:
        """The environment variables that tell a script, whatever it is written with."""
        return {
            "DLIM_PROJECT": self.project,
            "DLIM_MASTER": str(self.master),
            "DLIM_OUT": str(self.out),
            "DLIM_CANVAS": canvas_name(self.canvas),
            "DLIM_PLACEMENT": self.placement,
            "DLIM_SEED": str(self.seed),
            "DLIM_COUNT": str(self.count),
            "DLIM_CVAL": str(self.cval),
            "DLIM_FIT": "shrink" if self.shrink else "refuse",
        }


def named() -> str:
    """The project that a script was told as its first argument."""
    if len(sys.argv) < 2:
        sys.excepthook = _shown
        raise ProjectError(sys.argv[0], "needs a project", "give its name: daug.py close_btn")
    return sys.argv[1]


def current(project: str) -> Context:
    """The context of the running script: dlim's if dlim runs it, else the one that a person would expect."""
    if os.environ.get("DLIM_PROJECT") == project and "DLIM_OUT" in os.environ:
        return _told(os.environ)
    return by_hand(project)


def _told(environment: Mapping[str, str]) -> Context:
    return Context(
        project=environment["DLIM_PROJECT"],
        master=Path(environment["DLIM_MASTER"]),
        out=Path(environment["DLIM_OUT"]),
        canvas=canvas_from_name(environment["DLIM_CANVAS"]),
        placement=environment["DLIM_PLACEMENT"],
        seed=int(environment["DLIM_SEED"]),
        count=int(environment["DLIM_COUNT"]),
        cval=int(environment["DLIM_CVAL"]),
        shrink=environment.get("DLIM_FIT") == "shrink",
    )


def by_hand(name: str) -> Context:
    """The context of a script that a person runs: the images that the build would get, in a folder to look at.

    The canvas is that of the first learner that takes the project, or the one that DLIM_CANVAS names.
    """
    sys.excepthook = _shown
    root = workspace()
    settings = config.load(root / "config")
    folder = _folder(root, name, settings)
    project = projects.load(folder.parent).get(name)
    if project is None:
        raise ProjectError(name, "is no project", names.nearest(name, projects.load(folder.parent)))
    if isinstance(project, projects.Broken):
        raise project.error
    canvas = _canvas(name, settings)
    out = project.build / BY_HAND / canvas_name(canvas)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    print(f"{name}: images of canvas {canvas_name(canvas)} go to {out}")
    return Context(
        project=name,
        master=project.image,
        out=out,
        canvas=canvas,
        placement=project.settings.placement,
        seed=settings.settings.seed,
        count=settings.settings.augment.count,
        cval=settings.settings.augment.cval,
    )


def _shown(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show a person one line where the fault is theirs, and Python's own report otherwise."""
    if isinstance(error, DlimError):
        print(error, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def workspace() -> Path:
    """The workspace around the running script, or else around the current folder."""
    script = Path(sys.argv[0]).resolve()
    # a notebook's or a test's program is no script of a workspace, though the virtual environment may lie in one
    starts = [] if script.is_relative_to(sys.prefix) else [script]
    for start in (*starts, Path.cwd() / "_"):
        for folder in start.parents:
            if (folder / "dodo.py").is_file() and (folder / "config").is_dir():
                return folder
    raise WorkspaceError(Path.cwd(), "is in no workspace of dlim", "go to the folder with dodo.py and config/")


def _folder(root: Path, name: str, settings: config.Config) -> Path:
    """The project's folder: the script's own where it lies in it, else that of a learner's projects folder."""
    script = Path(sys.argv[0]).resolve()
    if script.parent.name == "data_augmentation" and script.parents[1].name == name:
        return script.parents[1]
    folders = [root / learner.projects / name for learner in settings.learners.values()]
    return next((folder for folder in folders if folder.is_dir()), root / "projects" / name)


def _canvas(name: str, settings: config.Config) -> Canvas:
    if "DLIM_CANVAS" in os.environ:
        return _named(os.environ["DLIM_CANVAS"])
    takers = [learner for learner in settings.learners.values() if learner.takes(name)]
    return takers[0].size if takers else None


def _named(text: str) -> Canvas:
    try:
        return canvas_from_name(text)
    except ValueError as error:
        raise DlimError("DLIM_CANVAS", f'"{text}" is no canvas', 'say "native", or a size such as 400x400') from error
