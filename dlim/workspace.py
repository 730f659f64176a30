"""A workspace: who takes what, under which name, and which folder is whose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeGuard

from dlim import config, projects, store
from dlim.config import Config, Learner
from dlim.geometry import Canvas, canvas_name
from dlim.mix.limits import Limits, require
from dlim.projects import Broken, Project

INTERNAL = Path(".dlim")
"""What nobody needs to look at: doit's state, the scripts' logs, splits and shards."""

DATA_SET = Path("data_set")

OUTPUT = Path("output")

STANDING = INTERNAL / "servers"
"""Where folders of this machine stand for servers that nobody named."""


class Workspace:
    """A folder with config/ and projects/, read when it is asked for.

    Paths are relative to that folder, which is the current one. What can't be read raises a DlimError or an OSError.
    """

    @cached_property
    def config(self) -> Config:
        """All of config/."""
        return config.load(Path("config"))

    @cached_property
    def projects(self) -> Mapping[str, Mapping[str, Project | Broken]]:
        """By projects folder, by name."""
        folders = sorted({learner.projects for learner in self.config.learners.values()})
        found = {folder: projects.load(Path(folder)) for folder in folders}
        for name, learner in self.config.learners.items():
            place, names = Path("config/learners", f"{name}.toml"), found[learner.projects]
            if names:  # without any there is nothing to choose from, and doit new begins one
                projects.chosen(names, learner, place)
            require(place, "limit.projects", learner.limit.projects, names, "project")
        return found

    # who takes what

    def everything(self) -> Iterator[tuple[str, Project | Broken]]:
        """Every project with its name in tasks: outside projects/, the folder stands before it."""
        for folder, found in self.projects.items():
            for name, project in found.items():
                yield _title(folder, name), project

    def chosen(self, name: str) -> list[tuple[str, Project | Broken]]:
        """What a learner takes, by the projects' names in tasks."""
        learner = self.config.learners[name]
        found = self.projects[learner.projects]
        return [(_title(learner.projects, each), found[each]) for each in found if learner.takes(each)]

    def taken(self, name: str) -> dict[str, Project]:
        """The projects that a learner takes, by their names in tasks, without those that can't be projects."""
        return {title: project for title, project in self.chosen(name) if isinstance(project, Project)}

    def takers_of(self, project: Project | Broken) -> list[tuple[str, Learner]]:
        """The learners that take a project, with their names."""
        return [
            (name, learner)
            for name, learner in self.config.learners.items()
            if Path(learner.projects) == project.folder.parent and learner.takes(project.name)
        ]

    def takers(self) -> Iterator[tuple[str, Project, list[tuple[str, Learner]]]]:
        """Each project that some learner takes, with its name in tasks and those learners."""
        for title, project in self.everything():
            found = self.takers_of(project)
            if found and isinstance(project, Project):
                yield title, project, found

    def mastered(self) -> dict[str, Project]:
        """The projects that have a master, by their names in tasks."""
        return {title: project for title, project in self.everything() if has_master(project)}

    def limits(self, name: str) -> Limits:
        """A learner's limits, for the projects that it takes."""
        limit = self.config.learners[name].limit
        counts = {title: limit.of_project(project.name) for title, project in self.chosen(name)}
        return Limits({title: count for title, count in counts.items() if count is not None}, limit)

    # what is where

    def builds(self, name: str) -> dict[str, Path]:
        """The folder of each project's build for a learner, by the project's name in tasks."""
        return {title: project.folder / "build" / name for title, project in self.chosen(name)}

    def shards(self, name: str) -> dict[str, Path]:
        """The folder of each project's shard for a learner, by the project's name in tasks."""
        return {title: shards_folder(name) / project.folder.name for title, project in self.chosen(name)}

    def archive(self, name: str) -> tuple[Path, Path, dict[str, Path]]:
        """A learner's archive, its manifest, and the manifest of each project's shard in it, in its order."""
        made = {title: folder / store.MANIFEST for title, folder in self.shards(name).items()}
        return *archive_files(name), made


def has_master(project: Project | Broken) -> TypeGuard[Project]:
    """Whether a project is one, and varies a master."""
    return isinstance(project, Project) and not project.settings.generator


def objects(project: Project) -> Path:
    """The folder of a project's boxes, as `locate` leaves them."""
    return project.folder / "build/.objects"


def variations(project: Project, canvas: Canvas) -> Path:
    """The folder of a project's variations on a canvas."""
    return project.folder / f"build/.variations/{canvas_name(canvas)}"


def scenes(project: Project, name: str) -> Path:
    """The folder of a project's scenes for a learner."""
    return project.folder / f"build/.scenes/{name}"


def backgrounds_folder(name: str) -> Path:
    """The folder of the backgrounds from which a learner's scenes are cut."""
    return INTERNAL / f"backgrounds/{name}"


def spots_folder(name: str) -> Path:
    """The folder of where a learner's scenes may have objects."""
    return INTERNAL / "spots" / name


def split_folder(name: str) -> Path:
    """The folder of a learner's split."""
    return INTERNAL / f"split/{name}"


def shards_folder(name: str) -> Path:
    """The folder of all shards of a learner."""
    return INTERNAL / f"shards/{name}"


def archive_files(name: str) -> tuple[Path, Path]:
    """A learner's archive, and its manifest."""
    return DATA_SET / f"{name}.tar.gz", DATA_SET / f"{name}.manifest.json"


def _title(folder: str, name: str) -> str:
    # doit allows no = in a name; a project that has one is refused, but by a task that says so
    return (name if folder == "projects" else f"{folder}/{name}").replace("=", "%3D")
