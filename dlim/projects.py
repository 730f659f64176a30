"""The folders under projects/, as values: what each project consists of, and whether it is whole."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from dlim.config import Learner, ProjectSettings, project_settings
from dlim.errors import ConfigError, DlimError, ProjectError, shown
from dlim.names import nearest, strangers

NAME = re.compile(r"[A-Za-z0-9_-]+")
"""What a project may be called: the name goes into file names that VOC readers split at white space."""

LONGEST = 48
"""Characters of a name: with a label's 40, and a number, a file name fits into a tar header's 100."""

PROJECTS = Path("projects")
"""The folder of projects whose tasks are called by the project's name alone."""

PARTS = ("project.toml", "master", "data_augmentation")
"""What makes a folder a project; a folder with none of these is not looked at."""


@dataclass(frozen=True, slots=True)
class Project:
    """One thing to recognise: a folder with its master, its script and its settings."""

    name: str
    folder: Path
    settings: ProjectSettings

    @property
    def title(self) -> str:
        """What its tasks are called after: outside projects/, its folder of projects stands before the name."""
        folder = self.folder.parent
        # a path from the root is that of one who looks at the workspace from outside
        return self.name if folder.is_absolute() or folder == PROJECTS else f"{folder.as_posix()}/{self.name}"

    @property
    def image(self) -> Path:
        """The master: the hand-made crop."""
        return self.folder / "master/image.jpg"

    @property
    def mask(self) -> Path:
        """Which of the master's pixels belong to its object; where there is none, it is worked out."""
        return self.folder / "master/mask.png"

    @property
    def extended(self) -> Path:
        """The master on the labelling canvas."""
        return self.folder / "master/image_extended.jpg"

    @property
    def boxes(self) -> Path:
        """The master's annotation, a VOC file."""
        return self.folder / "master/image_extended.xml"

    @property
    def script(self) -> Path:
        return self.folder / "data_augmentation/daug.py"

    @property
    def build(self) -> Path:
        """The folder of all that is generated for it."""
        return self.folder / "build"

    def sources(self) -> list[Path]:
        """What daug.py may read beside it: every file of its folder, sorted, without caches and hidden ones."""
        return [Path(path) for path in self.source_files()]

    def source_files(self) -> list[str]:
        """The same as texts."""
        # texts, as there may be thousands of projects
        return [path for path in self._beside() if os.path.isfile(path) and os.access(path, os.R_OK)]  # noqa: PTH113

    def _beside(self) -> list[str]:
        return sorted(f"{folder}/{name}" for folder, names in self._walk() for name in names)

    def source_folders(self) -> list[str]:
        """The folders in which these lie."""
        return [folder for folder, _ in self._walk()]

    def _walk(self) -> Iterator[tuple[str, list[str]]]:
        seen = set()
        for folder, folders, files in os.walk(self.script.parent, followlinks=True):
            if folders:  # a link may lead to a folder that was walked already
                seen.add(os.path.realpath(folder))
                folders[:] = [name for name in folders if not _passed_over(name) and _real(folder, name) not in seen]
            yield folder, [name for name in files if not _passed_over(name)]

    def require_master(self) -> None:
        """Raise ProjectError unless there is a master."""
        if not self.image.is_file() and (other := _alike(self.image)):
            fault = f"{self.image.relative_to(self.folder)} is missing, and {other.name} lies there"
            raise ProjectError(self.title, fault, f"rename it, or run doit new {self.name} --image {other}")
        self.require(
            self.image,
            f"doit new {self.name} --image crop.png puts it there; one that draws its images says generator = true",
        )

    def require_sources(self) -> None:
        """Raise ProjectError where something lies beside daug.py that can't be read."""
        for folder in self.source_folders():
            for path in sorted(Path(folder).iterdir()):
                if _is_closed(str(path)) and not _passed_over(path.name):
                    raise ProjectError(
                        self.title, f"{shown(str(path.relative_to(self.folder)))} can't be read", "take it away"
                    )
        readable = set(self.sources())
        for path in map(Path, self._beside()):
            if path not in readable:
                fault = "can't be read" if path.is_file() else "leads to no file" if path.is_symlink() else "is no file"
                raise ProjectError(self.title, f"{shown(str(path.relative_to(self.folder)))} {fault}", "take it away")

    def require(self, path: Path, remedy: str) -> None:
        """Raise ProjectError unless the project has this file."""
        if not path.is_file():
            raise ProjectError(self.title, f"{path.relative_to(self.folder)} is missing", remedy)


def _alike(path: Path) -> Path | None:
    """A file that may have been meant by another: of its name but for case and suffix."""
    suffixes = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
    try:
        found = sorted(one for one in path.parent.iterdir() if one.stem.lower() == path.stem)
    except OSError:
        return None
    return next((one for one in found if one.suffix.lower() in suffixes and one.is_file()), None)


def _real(folder: str, name: str) -> str:
    return os.path.realpath(os.path.join(folder, name))  # noqa: PTH118 - os.walk speaks in strings


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
    stems: dict[str, str] = {}
    with os.scandir(folder) as entries:
        there = sorted((entry.name, entry.is_symlink()) for entry in entries if not entry.name.startswith("."))
    places = {os.path.realpath(f"{folder}/{entry}"): shown(entry) for entry, linked in reversed(there) if not linked}
    for entry, linked in there:
        path = f"{folder}/{entry}"
        if any(os.path.lexists(f"{path}/{part}") for part in PARTS) or _is_closed(path):
            name = shown(entry)  # what can't be written can't be a name, but must be told
            first = stems.setdefault(in_stem(name).lower(), name)
            same = places.setdefault(os.path.realpath(path), name) if linked else name
            found[name] = _load_one(folder / entry, name, first, same)
    return found


def _load_one(path: Path, name: str, first: str, same: str) -> Project | Broken:
    """The project in a folder.

    first: the first one whose images would be called like its own. same: the first one that is the same folder.
    """
    try:
        _check_name(name, path.parent, first)
        if same != name:
            raise ProjectError(path, f"is the folder of {same} under a second name", "copy it, or take the link away")
        for part in (path, path / "master", path / "data_augmentation"):
            if _is_closed(str(part)):
                raise ProjectError(part, "can't be read (Permission denied)", "make it a folder that you may read")
        return Project(name, path, project_settings(path / "project.toml"))
    except DlimError as error:
        return Broken(name, path, error)


def _is_closed(path: str) -> bool:
    """Whether there is a folder that can't be looked into."""
    return not os.access(path, os.R_OK | os.X_OK) and os.path.isdir(path)  # noqa: PTH112 - one of thousands


def _check_name(name: str, folder: Path, first: str) -> None:
    path = folder / name
    if not NAME.fullmatch(name):
        raise ProjectError(path, "is no name for a project", "rename the folder with letters, digits, _ and - only")
    if len(name) > LONGEST:
        raise ProjectError(path, f"has a name of over {LONGEST} characters", "rename the folder")
    if first != name:
        raise ProjectError(path, f"its images would be called like those of {first}", "rename one of the two folders")


def unfinished(project: Project | Broken) -> str:
    """Why a project can't be built yet, with the way on; nothing where it can, or where something is wrong with it."""
    if isinstance(project, Broken) or project.settings.generator:
        return ""
    if not os.path.lexists(project.image) and not _alike(project.image):
        return f"has no image yet; doit new {project.name} --image crop.png puts it there"
    if not os.path.lexists(project.boxes):
        label = f"doit label:{project.title}"
        return f"has no box yet; {label} draws it, {label} --auto takes the whole crop"
    return ""


def in_stem(name: str) -> str:
    """A project's name as it stands in a dataset's file names: the class ends at the last _."""
    return name.replace("_", "-")


def chosen(projects: Mapping[str, Project | Broken], learner: Learner, place: object) -> None:
    """Raise ConfigError where a name or pattern of a learner chooses nothing, or nothing is left to learn."""
    for pattern in learner.include:
        if not any(fnmatchcase(name, pattern) for name in projects):
            raise ConfigError(place, f'include: "{pattern}" matches no project', nearest(pattern, projects))
    if not any(learner.takes(name) for name in projects):
        raise ConfigError(place, "exclude: leaves no project", "take out what excludes too much")


def unmatched(projects: Mapping[str, Project | Broken], learner: Learner, place: object) -> Iterator[str]:
    """What is to be said of the names in exclude that no project has, a line each: it may be one yet to come."""
    for line in strangers(learner.exclude, projects, "project"):
        yield f"{place}: exclude: {line}"
