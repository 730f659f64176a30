"""A workspace as doit's tasks see it: who takes what, under which name, and which folder is whose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TypeGuard

from doit.exceptions import InvalidDodoFile

from dlim import builds, config, projects
from dlim.config import Config, Learner
from dlim.errors import DlimError
from dlim.frame import Canvas, canvas_name
from dlim.mix.limits import Limits, require
from dlim.plugins.reporter import Reporter
from dlim.plugins.state import Checker
from dlim.plugins.work import unusable
from dlim.projects import Broken, Project

INTERNAL = Path(".dlim")
"""What nobody needs to look at: doit's state, the scripts' logs, splits and shards."""

DATA_SET = Path("data_set")

BACKEND = "dlim"

DOIT_CONFIG = {
    "backend": BACKEND,
    "dep_file": str(INTERNAL / "state.db"),
    "check_file_uptodate": Checker,
    "reporter": Reporter,
    # what must not be interrupted or take doit down with it has a process of its own
    "par_type": "thread",
    "default_tasks": ["dataset"],
}


@dataclass(frozen=True)
class Workspace:
    """A folder with config/ and projects/.

    Paths are relative to that folder, which is the current one while doit runs.
    """

    config: Config
    projects: Mapping[str, Mapping[str, Project | Broken]]
    """By projects folder, by name."""

    @classmethod
    def here(cls) -> Workspace:
        """The workspace in the current folder; a fault in its files is one line that doit shows."""
        try:
            metadata.version("dlim")
        except metadata.PackageNotFoundError as error:
            fault = "dlim isn't installed in this Python; set it up with the line in README.md"
            raise InvalidDodoFile(fault) from error
        try:
            settings = config.load(Path("config"))
            folders = sorted({learner.projects for learner in settings.learners.values()})
            found = {folder: projects.load(Path(folder)) for folder in folders}
            for name, learner in settings.learners.items():
                place, names = Path("config/learners", f"{name}.toml"), found[learner.projects]
                if names:  # without any there is nothing to choose from, and doit new begins one
                    projects.chosen(names, learner, place)
                require(place, "limit.projects", learner.limit.projects, names, "project")
            return cls(settings, found)
        except DlimError as error:
            raise InvalidDodoFile(str(error)) from error
        except OSError as error:
            raise InvalidDodoFile(unusable(error)) from error

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
        made = {title: folder / builds.MANIFEST for title, folder in self.shards(name).items()}
        return *archive_files(name), made


def has_master(project: Project | Broken) -> TypeGuard[Project]:
    """Whether a project is one, and varies a master."""
    return isinstance(project, Project) and not project.settings.generator


def objects(project: Project) -> Path:
    """The folder of a project's boxes, as `locate` leaves them."""
    return project.build / ".objects"


def variations(project: Project, canvas: Canvas) -> Path:
    """The folder of a project's variations on a canvas."""
    return project.build / ".variations" / canvas_name(canvas)


def split_folder(name: str) -> Path:
    """The folder of a learner's split."""
    return INTERNAL / "split" / name


def shards_folder(name: str) -> Path:
    """The folder of all shards of a learner."""
    return INTERNAL / "shards" / name


def archive_files(name: str) -> tuple[Path, Path]:
    """A learner's archive, and its manifest."""
    return DATA_SET / f"{name}.tar.gz", DATA_SET / f"{name}.manifest.json"


def _title(folder: str, name: str) -> str:
    # doit allows no = in a name; a project that has one is refused, but by a task that says so
    return (name if folder == "projects" else f"{folder}/{name}").replace("=", "%3D")
