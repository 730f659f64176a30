"""config/ as frozen values: the workspace's settings and its learners, with every key checked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from dlim.errors import ConfigError, shown
from dlim.geometry import PLACEMENTS, Canvas
from dlim.names import matches, one_of
from dlim.toml import Table, converted, parsed, read

LONGEST_LABEL = 40
"""Characters of a label."""

LABEL = re.compile(rf"[a-z0-9_-]{{1,{LONGEST_LABEL}}}")
"""What a label may look like in a dataset: SSD loaders lower-case labels, and file names carry them."""

Pixels = Annotated[int, Meta(ge=1, le=65500)]
Grey = Annotated[int, Meta(ge=0, le=255)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
Percent = Annotated[int, Meta(ge=1, le=99)]
Share = Annotated[float, Meta(ge=0, le=1)]
Scale = Annotated[float, Meta(ge=0.05, le=20)]


class Split(Table, frozen=True):
    """How images are divided. train_percent: what goes to train. by: what stays together."""

    train_percent: Percent = 80
    by: Literal["image", "master"] = "image"


class Augment(Table, frozen=True):
    """What daug.py scripts start from.

    count: images a call; cval: the grey that fills what a shift bares. time_limit: the seconds that a script may take.
    """

    count: Count = 99
    cval: Grey = 125
    time_limit: Seconds = 3600


class Settings(Table, frozen=True):
    """config/dlim.toml."""

    seed: int = 1
    labelling_canvas: tuple[Pixels, Pixels] = (400, 400)
    split: Split = Split()
    augment: Augment = Augment()


class Learning(Table, frozen=True):
    """How a learner learns, on its server.

    server: the server's name; the learner's own where it is empty. folder: the learner's folder, below the server's
    home. program: a folder of this workspace that is brought there before learning. dataset_dir: where the learner
    reads its dataset. command and test: what the server's shell runs, in the learner's folder. results: the JSON
    file that the test leaves. predict: what runs after it, on the pictures in the folder DLIM_SHOTS. predictions: the
    JSON file that it leaves. numbers: patterns of numbers that the log has, by the names they get; the first group of
    the last match is the number. weights: the pattern of the files that hold what was learned. leave_out: patterns of
    what need not come back. keep: how many releases of the dataset stay on the server. All paths but program's are
    below the learner's folder. input_size: the side, in pixels, of the square that the learner scales an image to;
    smallest_prior: that of its smallest prior box there; 0 where unknown.
    """

    server: str = ""
    folder: str = "."
    program: str = ""
    dataset_dir: str = "data_set"
    command: str = ""
    test: str = ""
    results: str = ""
    predict: str = ""
    predictions: str = ""
    numbers: dict[str, str] = field(default_factory=dict)
    weights: str = "weights/*.pth"
    leave_out: tuple[str, ...] = ()
    keep: Count = 2
    input_size: Annotated[int, Meta(ge=0)] = 0
    smallest_prior: Annotated[float, Meta(ge=0)] = 0


class Service(Table, frozen=True):
    """Where a learner's weights are put into service.

    server: the server's name; that of the learning where it is empty. folder: below that server's home. weight: the
    file that the service reads. dataset_dir: where it reads the dataset that the weight was learned from, which is
    switched with the weight; it reads none where that is empty. check: what the server's shell runs after a switch, to
    find out whether the weight is of use; DLIM_WEIGHT is its path, and it has 600 s. keep: how many weights before the
    one in service stay there.
    """

    server: str = ""
    folder: str = "."
    weight: str = "weights/latest_weight.pth"
    dataset_dir: str = ""
    check: str = ""
    keep: Count = 5


class Limit(Table, frozen=True):
    """How many images a learner takes at most, by names and patterns. The name itself counts before any pattern.

    projects: of each project. labels: of each label, as the learner calls it, from all of its projects together.
    """

    projects: dict[str, int] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)

    def of_project(self, name: str) -> int | None:
        """The limit of the project of that name; None where it has none."""
        return _limit(name, self.projects)

    def of_label(self, label: str) -> int | None:
        """The limit of a label; None where it has none."""
        return _limit(label, self.labels)


def _limit(name: str, limits: Mapping[str, int]) -> int | None:
    if name in limits:
        return limits[name]
    return next((count for pattern, count in limits.items() if fnmatchcase(name, pattern)), None)


class Scene(Table, frozen=True):
    """How a learner's images are composed; without it an image is the crop on white.

    backgrounds: a folder of pictures; none where it is empty. drawn: the share of backgrounds that dlim draws itself;
    all where there is no picture. objects: how many an image shows, one of them the project's own. scale: of objects.
    position: anywhere, by the project's placement, or where labelled shots have boxes. blend: how objects meet the
    background. cover: the share of objects that are partly covered, or cut by the image's edge. empty: that of images
    without an object.
    """

    backgrounds: str = ""
    drawn: Share = 0.5
    objects: tuple[Count, Count] = (1, 4)
    scale: tuple[Scale, Scale] = (0.5, 2.0)
    position: Literal["anywhere", "placement", "shots"] = "anywhere"
    blend: tuple[Literal["hard", "feather"], ...] = ("hard", "feather")
    cover: Share = 0.1
    empty: Share = 0.0


class Learner(Table, frozen=True):
    """config/learners/<name>.toml: what one learning program needs.

    canvas: the image size, or native. projects: the folder of its projects; include and exclude: their names
    and patterns. labels: what it calls the masters' labels. boxes: whether they follow the variation.
    fit: what becomes of a master that is larger than the canvas. scene: how its images are composed; None puts the crop
    on white. class_lists: whether the dataset gets a list of images for every label. trainval: what the list of that
    name has, all images or those of train, for programs that learn from it and are judged by val. limit: how many
    images it takes of a project or a label at most.
    """

    canvas: tuple[Pixels, Pixels] | Literal["native"]
    projects: str = "projects"
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    boxes: Literal["follow", "master"] = "follow"
    format: str = "voc"
    class_lists: bool = True
    fit: Literal["refuse", "shrink"] = "refuse"
    trainval: Literal["all", "train"] = "all"
    limit: Limit = Limit()
    scene: Scene | None = None
    learning: Learning = Learning()
    service: Service = Service()

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


class Server(Table, frozen=True):
    """A table of config/servers.toml: a machine, and how to reach it.

    host: a name, an address, or an alias of ~/.ssh/config; none where the server is a folder of this machine. user,
    port, identity_file: instead of what ~/.ssh/config says. home: the folder there that is dlim's to work in; what
    is not absolute is below the user's own. password_file: a file that only its owner can read. What is not absolute
    of these two files is below the home of the one who runs dlim.
    """

    host: str = ""
    user: str = ""
    port: Annotated[int, Meta(ge=1, le=65535)] | None = None
    home: str = ""
    identity_file: str = ""
    password_file: str = ""


class Config(msgspec.Struct, frozen=True):
    """All of config/. learners and servers: by name, sorted."""

    settings: Settings
    learners: dict[str, Learner]
    servers: dict[str, Server] = {}


def load(folder: Path) -> Config:
    """The configuration in a workspace's config/ folder. Raises ConfigError, one line with file and key."""
    path = folder / "dlim.toml"
    settings = read(path, Settings) if path.exists() else Settings()
    _require_open(folder / "learners")
    files = sorted((folder / "learners").glob("[!.]*.toml"))  # an editor's own files begin with a dot
    learners = {file.stem: _learner(file) for file in files}
    if not learners:
        raise ConfigError(folder / "learners", "holds no learner", "write one there, such as ssd.toml")
    found = servers(folder / "servers.toml")
    _check_apart(folder, learners, found)
    return Config(settings, learners, found)


def _check_apart(folder: Path, learners: Mapping[str, Learner], servers: Mapping[str, Server]) -> None:
    """Raise ConfigError where two learners would put their weights, or their datasets, in one place."""
    taken: dict[tuple[str, ...], str] = {}
    for name, learner in learners.items():
        learning, service = learner.learning, learner.service
        at = learning.server or name
        places = [
            ("service.weight", service.server or at, service.folder, service.weight),
            ("learning.dataset_dir", at, learning.folder, learning.dataset_dir),
        ]
        for key, server, below, path in places:
            where = (key, *_machine(server, servers), (PurePosixPath(below) / path).as_posix())
            if where in taken:
                raise ConfigError(
                    folder / "learners" / f"{name}.toml",
                    f"{key}: {path} is that of {taken[where]} as well, on the same server",
                    "give one of them a folder of its own",
                )
            taken[where] = name


def _machine(name: str, servers: Mapping[str, Server]) -> tuple[str, ...]:
    """What tells a server's home from others."""
    server = servers.get(name, Server())
    if not server.host and not server.home:
        return (name,)
    return server.host, server.user, str(server.port or ""), server.home


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
    for key, limits in (("limit.projects", learner.limit.projects), ("limit.labels", learner.limit.labels)):
        _check_limits(path, key, limits)
    if learner.scene is not None:
        _check_scene(path, learner, learner.scene)
    _check_predictions(path, learner.learning)
    for key, value in _below(learner):
        _check_below(path, key, value)
    for key, value in (("learning.folder", learner.learning.folder), ("service.folder", learner.service.folder)):
        if not _is_below(value):
            raise ConfigError(path, f"{key}: {value!r} is no folder below the server's home", 'say one such as "ssd"')
    for name, pattern in learner.learning.numbers.items():
        _check_pattern(path, name, pattern)
    return msgspec.structs.replace(learner, projects=Path(learner.projects).as_posix())


def _check_scene(path: Path, learner: Learner, scene: Scene) -> None:
    if learner.size is None:
        raise ConfigError(
            path, "scene: has no size on the canvas native", "say canvas = [400, 400], or take [scene] out"
        )
    for key, (low, high) in (("scene.objects", scene.objects), ("scene.scale", scene.scale)):
        if low > high:
            raise ConfigError(path, f"{key}: is from {low:g} to {high:g}", "say the lower number first")
    if not scene.blend:
        raise ConfigError(path, "scene.blend: names none", 'say blend = ["hard", "feather"]')
    if scene.empty and learner.format == "voc":
        raise ConfigError(path, "scene.empty: readers of voc fail on an image without an object", "say empty = 0")


def _check_predictions(path: Path, learning: Learning) -> None:
    if learning.predict and not learning.predictions:
        raise ConfigError(
            path, "learning.predictions: is missing", 'name the file that predict leaves, "results/predictions.json"'
        )
    if learning.predictions and not learning.predict:
        raise ConfigError(path, "learning.predict: is missing", "say there what the server runs to find it")


def _check_pattern(path: Path, name: str, pattern: str) -> None:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ConfigError(path, f"learning.numbers.{name}: is no pattern ({error})", "see Python's re") from error
    if not groups:
        raise ConfigError(path, f"learning.numbers.{name}: has no group", "put ( and ) around the number")


def _check_limits(path: Path, key: str, limits: Mapping[str, int]) -> None:
    for name, count in limits.items():
        if count < 1:
            raise ConfigError(path, f'{key}: "{name}" is {count}', "say 1 or more; exclude leaves whole projects out")


def _below(learner: Learner) -> list[tuple[str, str]]:
    """The paths that must not leave the learner's folder on its server."""
    learning, service = learner.learning, learner.service
    return [
        ("learning.dataset_dir", learning.dataset_dir),
        ("learning.weights", learning.weights),
        ("service.weight", service.weight),
        *([("service.dataset_dir", service.dataset_dir)] if service.dataset_dir else []),
        *([("learning.results", learning.results)] if learning.results else []),
        *([("learning.predictions", learning.predictions)] if learning.predictions else []),
    ]


def _check_below(path: Path, key: str, value: str) -> None:
    parts = PurePosixPath(value)
    if parts.is_absolute() or ".." in parts.parts or not parts.name or parts.parts[0] == ".dlim":
        raise ConfigError(
            path, f"{key}: {value!r} is no path below the learner's folder", "say one such as weights/latest_weight.pth"
        )
    if not value.isprintable() or str(parts) != value:
        raise ConfigError(path, f'{key}: "{value}" has signs that a path can do without', f'say "{parts}"')


def _require_open(folder: Path) -> None:
    """Raise ConfigError for a folder that can't be looked into: what is in it would seem not to be there."""
    if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
        raise ConfigError(folder, "can't be read (Permission denied)", "make it a folder that you may read")


def _is_below(value: str) -> bool:
    """Whether a folder is one below another, or that itself."""
    parts = PurePosixPath(value)
    return not (parts.is_absolute() or ".." in parts.parts or value.startswith("~")) and value.isprintable()


def servers(path: Path) -> dict[str, Server]:
    """The servers that a file names, sorted; none where there is no such file: then each is this machine."""
    data = parsed(path) if path.exists() else {}
    return {name: _server(path, name, data[name]) for name in sorted(data)}


def _server(path: Path, name: str, data: Any) -> Server:
    if not isinstance(data, dict):
        raise ConfigError(path, f"{name}: is no table", "begin with the name of a server, such as [ssd]")
    if not LABEL.fullmatch(name):
        raise ConfigError(path, f'"{name}" is no name for a server', "name it with a-z, 0-9, _ and - only")
    for key in data:
        if _SECRET.search(key) and key != "password_file":
            variable = f"DLIM_PASSWORD_{name.upper().replace('-', '_')}"
            raise ConfigError(
                path,
                f"{name}.{key}: passwords don't belong here",
                f"set {variable}, or name a file that only you can read as password_file",
            )
    if not isinstance(data.get("password_file", ""), str):  # what is there may be the password: it isn't shown
        raise ConfigError(path, f"{name}.password_file: is no text", "name a file that only you can read")
    server = converted(path, data, Server, name)
    _check_server(f"{path}: {name}", server)
    return server


_SECRET = re.compile("pass|secret|token|credential", re.IGNORECASE)


def _check_server(place: str, server: Server) -> None:
    for key in ("user", "port", "identity_file", "password_file"):
        if getattr(server, key) and not server.host:
            raise ConfigError(
                place, f"has a{'n' if key[0] == 'i' else ''} {key} and no host", f"write its host, or take {key} out"
            )
    # neither is shown: people write user:password@host
    if re.search(r"[@\s/]|^-", server.host) or server.host.count(":") == 1:
        raise ConfigError(place, "host: is more than a host", "write user and port as keys of their own")
    if re.search(r"[:@\s/]|^-", server.user):
        raise ConfigError(place, "user: is more than a user", "write the name of the account there, and no password")
    if not "".join([server.host, server.user, server.home]).isprintable():
        raise ConfigError(place, "holds a character that can't be printed", "take it out")
    if server.host and not server.home:
        raise ConfigError(place, "home: is missing", 'name a folder there for dlim alone, such as home = "dlim"')
    if server.home and (".." in PurePosixPath(server.home).parts or server.home.strip("~./") == ""):
        fault = f'home: "{server.home}" is no folder for dlim alone'
        raise ConfigError(place, fault, 'name one such as "dlim", below the account\'s own')
    if server.home.startswith("~") and server.home != "~" and not server.home.startswith("~/"):
        raise ConfigError(place, f'home: "{server.home}" is another user\'s', "write the whole path")


FORMATS = ("voc",)
"""The dataset formats, each a module of dlim.formats."""


def project_settings(path: Path) -> ProjectSettings:
    """A project's settings; the defaults where it has no such file."""
    settings = read(path, ProjectSettings) if path.exists() else ProjectSettings()
    one_of(path, "placement", settings.placement, PLACEMENTS)
    if settings.label is not None:
        check_label(path, settings.label)
    return settings


def check_label(place: object, label: str) -> None:
    """Raise ConfigError where a label that a person set for a project can't be one."""
    if not LABEL.fullmatch(label):
        fault = f'label: "{shown(label[:LONGEST_LABEL])}" is no label'
        raise ConfigError(place, fault, f"use at most {LONGEST_LABEL} of a-z, 0-9, _ and -")
