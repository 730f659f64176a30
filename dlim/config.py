"""config/ as frozen values: the workspace's settings and its learners, with every key checked."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta

from dlim.errors import ConfigError
from dlim.frame import PLACEMENTS, Canvas

LABEL = re.compile(r"[a-z0-9_-]{1,40}")
"""What a label may look like in a dataset: SSD loaders lower-case labels, and file names carry them."""

Pixels = Annotated[int, Meta(ge=1, le=65500)]
Grey = Annotated[int, Meta(ge=0, le=255)]
Count = Annotated[int, Meta(ge=1)]
Percent = Annotated[int, Meta(ge=1, le=99)]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a TOML file: its keys are the fields, and no others."""


class Split(Table, frozen=True):
    """How images are divided. train_percent: what goes to train. by: what stays together."""

    train_percent: Percent = 80
    by: Literal["image", "master"] = "image"


class Augment(Table, frozen=True):
    """What daug.py scripts start from. count: images a call; cval: the grey that fills what a shift bares."""

    count: Count = 99
    cval: Grey = 125


class Settings(Table, frozen=True):
    """config/dlim.toml."""

    seed: int = 1
    labelling_canvas: tuple[Pixels, Pixels] = (400, 400)
    split: Split = Split()
    augment: Augment = Augment()


class Learner(Table, frozen=True):
    """config/learners/<name>.toml: what one learning program needs.

    canvas: the image size, or native. projects: the folder of its projects; include and exclude: their names
    and patterns. labels: what it calls the masters' labels. boxes: whether they follow the variation.
    class_lists: whether the dataset gets a list of images for every label.
    """

    canvas: tuple[Pixels, Pixels] | Literal["native"]
    projects: str = "projects"
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    boxes: Literal["follow", "master"] = "follow"
    format: str = "voc"
    class_lists: bool = True

    @property
    def size(self) -> Canvas:
        return None if self.canvas == "native" else self.canvas

    def takes(self, project: str) -> bool:
        """Whether it learns the project of that name."""
        return matches(project, self.include) and not matches(project, self.exclude)


class ProjectSettings(Table, frozen=True):
    """projects/<name>/project.toml.

    label: instead of the label in the master's annotation. placement: where the crop stands on a canvas.
    generator: whether daug.py makes its images from nothing, without a master.
    """

    label: str | None = None
    placement: str = "left-upper"
    generator: bool = False


class Config(msgspec.Struct, frozen=True):
    """All of config/. learners: by name, sorted."""

    settings: Settings
    learners: dict[str, Learner]


def load(folder: Path) -> Config:
    """The configuration in a workspace's config/ folder. Raises ConfigError, one line with file and key."""
    path = folder / "dlim.toml"
    settings = read(path, Settings) if path.exists() else Settings()
    files = sorted((folder / "learners").glob("[!.]*.toml"))  # an editor's own files begin with a dot
    learners = {file.stem: _learner(file) for file in files}
    if not learners:
        raise ConfigError(folder / "learners", "holds no learner", "write one there, such as ssd.toml")
    return Config(settings, learners)


def _learner(path: Path) -> Learner:
    if not LABEL.fullmatch(path.stem):
        raise ConfigError(path, "is no name for a learner", "name it with a-z, 0-9, _ and - only")
    learner = read(path, Learner)
    if not learner.projects:
        raise ConfigError(path, 'projects: "" is no folder', "name the folder of its projects")
    one_of(path, "format", learner.format, FORMATS)
    for source, label in learner.labels.items():
        if not LABEL.fullmatch(label):
            raise ConfigError(
                path, f'labels: "{source}" maps to "{label}", which is no label', "use a-z, 0-9, _ and - only"
            )
    return msgspec.structs.replace(learner, projects=Path(learner.projects).as_posix())


FORMATS = ("voc",)
"""The dataset formats, each a module of dlim.formats."""


def project_settings(path: Path) -> ProjectSettings:
    """A project's settings; the defaults where it has no such file."""
    settings = read(path, ProjectSettings) if path.exists() else ProjectSettings()
    one_of(path, "placement", settings.placement, PLACEMENTS)
    return settings


def one_of(place: object, key: str, value: str, choices: Iterable[str]) -> None:
    """Raise ConfigError, with the nearest right word, unless the value is one of the choices."""
    choices = list(choices)
    if value not in choices:
        raise ConfigError(place, f'{key}: "{value}" is unknown', nearest(value, choices))


def nearest(word: str, words: Iterable[str]) -> str:
    """The way out after a wrong word: the nearest right one, or all there are."""
    words = sorted(words)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    if close:
        return f'did you mean "{close[0]}"?'
    return "say one of: " + ", ".join(words) if words else "there is none to choose from"


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of some names and patterns (* and ?)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def mapped(label: str, labels: Mapping[str, str]) -> str:
    """What a label map makes of a label: its own entry, else the first pattern's, else itself."""
    if label in labels:
        return labels[label]
    return next((to for source, to in labels.items() if fnmatchcase(label, source)), label)


T = TypeVar("T", bound=Table)

UNKNOWN = "Invalid enum value "
"""How msgspec complains of a word that is none of those allowed; it doesn't say which those are."""


def read(path: Path, table: type[T]) -> T:
    """A TOML file as a table. Raises ConfigError with the file, the key, and the nearest right word."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(path, f"can't be read ({error.strerror})", "make it a file that you may read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, f"is no TOML: {error}", "mend it at that place") from error
    _check_keys(path, data, table)
    try:
        return msgspec.convert(data, table)
    except msgspec.ValidationError as error:
        fault, _, where = str(error).partition(" - at `$.")
        key = where.rstrip("`") or "the file"
        if fault.startswith(UNKNOWN):
            one_of(path, key, fault.removeprefix(UNKNOWN)[1:-1], _words(table, key))
        fault = fault[:1].lower() + fault[1:].replace("`", "")
        raise ConfigError(path, f"{key}: {fault}", "correct that value") from error


def _words(table: type[Table], key: str) -> list[str]:
    """The words that the value of a key may be."""
    first, _, rest = key.partition(".")
    kind = next(field.type for field in msgspec.structs.fields(table) if field.name == first)
    if rest:
        return _words(kind, rest)
    return [word for part in (kind, *get_args(kind)) if get_origin(part) is Literal for word in get_args(part)]


def _check_keys(path: Path, data: Mapping[str, Any], table: type[Table], prefix: str = "") -> None:
    """Refuse an unknown key with the nearest right one: msgspec only says that it is unknown."""
    fields = {field.name: field.type for field in msgspec.structs.fields(table)}
    for key, value in data.items():
        if key not in fields:
            raise ConfigError(path, f"{prefix}{key}: is no key here", nearest(key, fields))
        inner = fields[key]
        if isinstance(inner, type) and issubclass(inner, Table) and isinstance(value, dict):
            _check_keys(path, value, inner, f"{prefix}{key}.")
