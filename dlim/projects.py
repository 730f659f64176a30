"""The folders under projects/, as values: what each project consists of, and whether it is whole."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from dlim.config import ProjectSettings, nearest, project_settings
from dlim.errors import ConfigError, DlimError, ProjectError

NAME = re.compile(r"[A-Za-z0-9_-]+")
"""What a project may be called: the name goes into file names that VOC readers split at white space."""

PARTS = ("project.toml", "master", "data_augmentation")
"""What makes a folder a project; a folder with none of these is not looked at."""


@dataclass(frozen=True, slots=True)
class Project:
    """One thing to recognise: a folder with its master, its script and its settings."""

    name: str
    folder: Path
    settings: ProjectSettings

    @property
    def image(self) -> Path:
        """The master: the hand-made crop."""
        return self.folder / "master" / "image.jpg"

    @property
    def extended(self) -> Path:
        """The master on the labelling canvas."""
        return self.folder / "master" / "image_extended.jpg"

    @property
    def boxes(self) -> Path:
        """The master's annotation, a VOC file."""
        return self.folder / "master" / "image_extended.xml"

    @property
    def script(self) -> Path:
        return self.folder / "data_augmentation" / "daug.py"

    @property
    def build(self) -> Path:
        """The folder of all that is generated for it."""
        return self.folder / "build"

    def sources(self) -> list[Path]:
        """What daug.py may read beside it: every file of its folder, sorted, without caches and hidden ones."""
        found = []
        for folder, folders, files in os.walk(self.script.parent):
            folders[:] = [name for name in folders if not _passed_over(name)]
            found += [Path(folder, name) for name in files if not _passed_over(name)]
        return sorted(found)

    def require_master(self) -> None:
        """Raise ProjectError unless there is a master."""
        self.require(
            self.image,
            "put the crop there; a project that draws its images says generator = true in project.toml",
        )

    def require(self, path: Path, remedy: str) -> None:
        """Raise ProjectError unless the project has this file."""
        if not path.is_file():
            raise ProjectError(self.name, f"{path.relative_to(self.folder)} is missing", remedy)


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name == "__pycache__" or name.endswith((".pyc", "~"))


@dataclass(frozen=True, slots=True)
class Broken:
    """A folder that should be a project, and why it can't be one: its tasks fail with that."""

    name: str
    folder: Path
    error: DlimError


def load(folder: Path) -> dict[str, Project | Broken]:
    """The projects in a folder by name, sorted. Raises ConfigError where there is no such folder."""
    if not folder.is_dir():
        raise ConfigError(folder, "is no folder of projects", "make it, or correct `projects` in the learner's file")
    found: dict[str, Project | Broken] = {}
    for path in sorted(folder.iterdir()):
        if any((path / part).exists() for part in PARTS) and not path.name.startswith("."):
            found[path.name] = _load_one(path, found)
    return found


def _load_one(path: Path, others: dict[str, Project | Broken]) -> Project | Broken:
    try:
        _check_name(path, others)
        return Project(path.name, path, project_settings(path / "project.toml"))
    except DlimError as error:
        return Broken(path.name, path, error)


def _check_name(path: Path, others: dict[str, Project | Broken]) -> None:
    if not NAME.fullmatch(path.name):
        raise ProjectError(path, "is no name for a project", "rename the folder with letters, digits, _ and - only")
    for other in others:
        if in_stem(other).lower() == in_stem(path.name).lower():
            raise ProjectError(
                path, f"its images would be called like those of {other}", "rename one of the two folders"
            )


def in_stem(name: str) -> str:
    """A project's name as it stands in a dataset's file names: the class ends at the last _."""
    return name.replace("_", "-")


def chosen(projects: dict[str, Project | Broken], include: tuple[str, ...], place: object) -> None:
    """Raise ConfigError where a name or pattern of a learner chooses nothing."""
    for pattern in include:
        if not any(fnmatchcase(name, pattern) for name in projects):
            raise ConfigError(place, f'include: "{pattern}" matches no project', nearest(pattern, projects))
