"""New projects: a folder with all that a person need not write, for one crop or for a folder of them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dlim import crop, store
from dlim.config import LONGEST_LABEL, check_label, project_settings
from dlim.crop import Crop, Rectangle
from dlim.errors import ConfigError, ProjectError, shown
from dlim.geometry import PLACEMENTS
from dlim.names import one_of
from dlim.projects import LONGEST, NAME, PARTS, in_stem

SCRIPT = '''#!/usr/bin/env python3
"""The variations of this project."""

from dlim.augment import Augmentation

Augmentation().suite()
'''
"""The daug.py of a new project where there is no sample to copy."""

TASKS = frozenset({"pull", "push"})
"""Names that are tasks already, where a project's own would stand: label:push and label:pull."""

DEVICES = frozenset(
    {"aux", "con", "nul", "prn", *(f"{port}{number}" for port in ("com", "lpt") for number in "123456789")}
)
"""Names that no folder can have on Windows, where people label: a repository with one can't be cloned there."""

UNNAMED = "crop"
"""How a project's name begins after a file whose name has no letter that a project's may have."""

_OTHER = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Made:
    """A project that was made. source: the image that became its master. notes: what is to be said of that.

    begun: whether it was there already, without an image.
    """

    name: str
    folder: Path
    source: Path | None = None
    notes: tuple[str, ...] = ()
    begun: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that became no project, and why."""

    source: Path
    reason: str


def taken(folders: Iterable[Path]) -> dict[str, Path]:
    """What lies in some folders of projects, by what a new name must differ in: its form in a dataset, lower-cased.

    Whatever is there counts, as a folder of that name can't be made beside it.
    """
    present = (path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()))
    return {_key(path.name): path for path in present if not path.name.startswith(".")}


def create(
    folder: Path,
    name: str,
    *,
    image: Path | None = None,
    box: Rectangle | None = None,
    label: str | None = None,
    placement: str | None = None,
    taken: Mapping[str, Path],
    template: Path | None = None,
) -> Made:
    """Make a project in a folder of projects, whole or not at all; or give its image to one that was begun without.

    image: what becomes its master, or the part of it in the box. label, placement: for its project.toml; one that was
    begun says them already. taken: what `taken` found in all folders of projects. template: the daug.py to copy.
    Raises ProjectError or ConfigError.
    """
    path = folder / name
    _check_name(name)
    begun = _check_place(path, taken, image)
    settings = _settings(name, label, placement)
    if box is not None and image is None:
        raise ProjectError(name, "a box was given and no image", "say which image with --image")
    if begun:
        _check_agrees(path, label, placement)
    elif label is None and len(name) > LONGEST_LABEL:
        fault = f"has {len(name)} characters, and a label at most {LONGEST_LABEL}"
        raise ProjectError(name, fault, "give it a shorter name, or another label with --label")
    master = None if image is None else crop.read(image, box)
    if begun and master is not None:
        data = master.data
        store.write_file(_master(path), lambda making: making.write_bytes(data))
    else:
        _write(path, master, settings, _script(template))
    return Made(name, path, image, master.notes if master else (), begun)


def from_folder(
    folder: Path,
    source: Path,
    *,
    label: str | None = None,
    placement: str | None = None,
    taken: Mapping[str, Path],
    template: Path | None = None,
) -> Iterator[Made | Skipped]:
    """Make a project of each image in the folder source that is in no project yet, one after the other, by name.

    A project is called after its file: in small letters, what a name can't have as _, no longer than a label may be,
    with a number behind where that is taken. Hidden files and folders are passed over. An image counts as there
    already where a master of what is taken shows the same pixels, whatever file they came from. Each project is whole
    when it is yielded. Arguments and errors as of `create`; what is wrong with a single file is a Skipped.
    """
    if not source.is_dir():
        raise ProjectError(source, "is no folder", "name a folder of images")
    settings = _settings(source.name, label, placement)
    return _imported(folder, source, settings, dict(taken), _script(template))


def _imported(
    folder: Path, source: Path, settings: str, taken: dict[str, Path], script: str
) -> Iterator[Made | Skipped]:
    known = _masters(taken.values())
    numbers: dict[str, int] = {}
    for path in sorted(source.iterdir()):
        if path.name.startswith(".") or path.is_dir():
            continue
        try:
            found = crop.read(path)
        except ProjectError as error:
            yield Skipped(path, f"{error.fault}; {error.remedy}")
            continue
        if found.digest in known:
            yield Skipped(path, known[found.digest])
            continue
        name = _free(_named(path.stem), taken, numbers)
        _write(folder / name, found, settings, script)
        taken[_key(name)] = folder / name
        known[found.digest] = f"shows the same as {shown(path.name)}"
        yield Made(name, folder / name, path, found.notes)


def _masters(folders: Iterable[Path]) -> dict[str, str]:
    """What the masters of some projects show, each with the reason to pass over another image of it."""
    found: dict[str, str] = {}
    for folder in folders:
        image = _master(folder)
        if image.is_file():
            try:
                found.setdefault(crop.digest(image), f"is here already as {shown(folder.name)}")
            except ProjectError:
                continue  # its own build says what is wrong with it
    return found


def _master(folder: Path) -> Path:
    return folder / "master" / "image.jpg"


def _key(name: str) -> str:
    return in_stem(name).lower()


def _check_name(name: str) -> None:
    """Raise ProjectError where a project can't be called so."""
    if not NAME.fullmatch(name):
        raise ProjectError(
            shown(name) or '""', "is no name for a project", "name it with letters, digits, _ and - only"
        )
    if name.startswith("-"):
        raise ProjectError(name, "would be taken for an option of doit", "begin the name with a letter or a digit")
    if len(name) > LONGEST:
        raise ProjectError(name, f"has over {LONGEST} characters", "give it a shorter name")
    if name.lower() in TASKS:
        raise ProjectError(name, f"is taken: doit label:{name.lower()} is a task of its own", "give it another name")
    if name.lower() in DEVICES:
        raise ProjectError(name, "can't be the name of a folder on Windows", "give it another name")


def _check_place(path: Path, taken: Mapping[str, Path], image: Path | None) -> bool:
    """Whether a project was begun there that still wants its image. Raises ProjectError where something else is."""
    there = taken.get(_key(path.name), path if path.exists() else None)
    if there is None:
        return False
    if there != path:
        raise ProjectError(path.name, f"its images would be called like those of {there}", "give it another name")
    if not _wants_image(path):
        raise _exists(path)
    if image is None:
        raise ProjectError(
            path, "exists already, and wants an image", "say which with --image, or give the new project another name"
        )
    return True


def _exists(path: Path) -> ProjectError:
    return ProjectError(path, "exists already", "give the new project another name, or take that away")


def _wants_image(path: Path) -> bool:
    """Whether a folder is a project without a master that has to have one."""
    there = any((path / part).exists() for part in PARTS) and not os.path.lexists(_master(path))
    return there and not project_settings(path / "project.toml").generator


def _check_agrees(path: Path, label: str | None, placement: str | None) -> None:
    """Raise ConfigError where what was given for a project that is there isn't what its project.toml says."""
    settings = project_settings(path / "project.toml")
    for key, given in (("label", label), ("placement", placement)):
        said = getattr(settings, key)
        if given not in (None, said):
            fault = f'{key}: is "{said}" here' if said else f"{key}: isn't set here"
            raise ConfigError(path / "project.toml", fault, f'leave out --{key}, or write {key} = "{given}" there')


def _settings(place: str, label: str | None, placement: str | None) -> str:
    """The text of project.toml; empty where there is nothing to say."""
    if label is not None:
        check_label(place, label)
    if placement is not None:
        one_of(place, "placement", placement, PLACEMENTS)
    said = {"label": label, "placement": placement}
    return "".join(f'{key} = "{value}"\n' for key, value in said.items() if value is not None)


def _script(template: Path | None) -> str:
    return template.read_text(encoding="utf-8") if template is not None and template.is_file() else SCRIPT


def _write(folder: Path, master: Crop | None, settings: str, script: str) -> None:
    """Make the project's folder beside and rename it, so that the name never stands for half of it."""
    making = folder.with_name(store.FRESH + folder.name)
    lock = making.with_name(f"{making.name}.lock")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with store.held(lock):  # two may begin one project
        try:
            if folder.exists():
                raise _exists(folder)
            store.sweep(folder)
            (making / "master").mkdir(parents=True)
            (making / "data_augmentation").mkdir()
            daug = making / "data_augmentation" / "daug.py"
            daug.write_text(script, encoding="utf-8", newline="\n")
            mode = daug.stat().st_mode
            daug.chmod(mode | (mode & 0o444) >> 2)  # whoever may read it may run it
            if master is not None:
                _master(making).write_bytes(master.data)
            if settings:
                (making / "project.toml").write_text(settings, encoding="utf-8")
            making.rename(folder)
        finally:
            store.sweep(folder)
            lock.unlink()


def _named(stem: str) -> str:
    """A project's name after a file's: accents taken off, and _ for each run of what a name can't have."""
    plain = "".join(part for part in unicodedata.normalize("NFKD", stem) if not unicodedata.combining(part))
    name = _OTHER.sub("_", plain.lower()).strip("_-")
    if not any(map(str.isalpha, name)):
        name = f"{UNNAMED}_{name}"
    return name[:LONGEST_LABEL].rstrip("_-")


def _free(name: str, taken: Mapping[str, Path], numbers: dict[str, int]) -> str:
    """That name, or with the first number behind it that makes it free. numbers: where each name's search ended."""
    number, free = numbers.get(name, 1), name
    while _key(free) in taken or free in TASKS | DEVICES:
        number += 1
        free = f"{name[: LONGEST_LABEL - len(str(number)) - 1]}_{number}"
    numbers[name] = number
    return free
