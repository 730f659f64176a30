"""What made a build, beside its inputs: dlim's own code, and the packages whose versions decide bytes."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent

STAGES = {
    "extend": "stages/extend",
    "locate": "stages/boxes",
    "augment": "stages/augment",
    "backgrounds": "stages/backgrounds",
    "spots": "stages/spots",
    "compose": "stages/compose",
    "annotate": "stages/annotate",
    "split": "stages/split",
    "shard": "stages/dataset",
    "pack": "stages/dataset",
    "tarball": "stages/dataset",
}
"""The module that does the work of each kind of task."""

PACKAGES = {
    "extend": ("Pillow", "opencv-python-headless"),
    "augment": ("matplotlib-fontja", "opencv-python-headless", "Pillow"),
    "backgrounds": ("matplotlib-fontja", "opencv-python-headless", "Pillow"),
    "compose": ("opencv-python-headless",),
    "shard": ("deflate",),
    "tarball": ("deflate",),
}
"""Packages of which another version may leave other bytes."""


@cache
def makers(stage: str) -> Mapping[str, str]:
    """The versions of a stage's packages and the digest of its code, by what a person calls each."""
    versions = {f"the version of {package}": _version(package) for package in PACKAGES.get(stage, ())}
    return {**versions, "dlim's own code": _code(stage)}


@cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except (metadata.PackageNotFoundError, ValueError):
        return "none"


_SCRIPT = re.compile(rb"^[ \t]*(?:from[ \t]+([A-Za-z_]\w*)|import[ \t]+([^#;\n]+))", re.MULTILINE)
_NO_PACKAGES = sys.stdlib_module_names | {"dlim"}
_CALLED = {"cv2": "opencv-python-headless", "PIL": "Pillow", "skimage": "scikit-image", "sklearn": "scikit-learn"}
"""Packages that are called otherwise than what is imported of them."""


def imported(scripts: Iterable[str]) -> dict[str, str]:
    """The versions of the packages that scripts import, with those that these ask for: they decide bytes as well."""
    return {f"the version of {package}": _version(package) for package in _packages(scripts)}


def imported_files(scripts: Iterable[str]) -> Iterator[str]:
    """The files whose stamps show that none of these packages is another."""
    for package in _packages(scripts):
        yield from _metadata(package)


def _packages(scripts: Iterable[str]) -> list[str]:
    paths = [path for path in scripts if path.endswith(".py")]
    own = {Path(path).stem for path in paths}
    found: set[str] = set()
    for path in paths:
        with suppress(OSError):
            found |= _modules(Path(path).read_bytes()) - own - _NO_PACKAGES
    found -= set(PACKAGES["augment"])
    return sorted(
        package for package in found | {each for name in found for each in _needs(name)} if _installed(package)
    )


@cache
def _modules(script: bytes) -> frozenset[str]:
    """What a script imports, by the names of packages; most scripts of a workspace are alike."""
    named = (module or modules for module, modules in _SCRIPT.findall(script))
    names = (name.strip().split(b".")[0].split(b" ")[0].decode() for each in named for name in each.split(b","))
    return frozenset(_CALLED.get(name, name) for name in names)


def _installed(package: str) -> bool:
    return _version(package) != "none"


@cache
def _needs(package: str) -> tuple[str, ...]:
    """The packages that one asks for, but for what is asked for only on some machines, or as an extra."""
    try:
        asked = metadata.requires(package) or ()
    except (metadata.PackageNotFoundError, ValueError):
        return ()
    names = (re.match(r"[\w.-]+", each) for each in asked if ";" not in each)
    return tuple(name[0] for name in names if name and name[0] not in PACKAGES["augment"])


def _code(stage: str) -> str:
    digest = hashlib.sha256()
    for name in code(stage):
        digest.update(_text(name))
    return digest.hexdigest()


def files() -> list[str]:
    """What decides all makers, as files whose stamps show that none is another: modules, and packages' metadata."""
    modules = sorted({name for stage in STAGES for name in code(stage)})
    packages = sorted({package for names in PACKAGES.values() for package in names})
    return [*(str(ROOT / f"{name}.py") for name in modules), *(path for each in packages for path in _metadata(each))]


@cache
def _metadata(package: str) -> tuple[str, ...]:
    """A package's metadata file, whose folder has the version in its name."""
    try:
        place = Path(str(metadata.distribution(package).locate_file("")))
    except metadata.PackageNotFoundError:
        return ()
    name = package.replace("-", "_").lower()
    found = (path for path in place.iterdir() if path.suffix == ".dist-info")
    return tuple(str(path / "METADATA") for path in found if path.name.partition("-")[0].lower() == name)


@cache
def code(stage: str) -> tuple[str, ...]:
    """dlim's own modules that decide what a stage leaves, by their paths in dlim without .py: all that it imports.

    A change in one of them is a change of the stage's input. `errors` only says what stands in the way.
    """
    waiting = [STAGES[stage]]
    if stage == "augment":  # what a daug.py may import
        waiting += [f"augment/{path.stem}" for path in (ROOT / "augment").glob("*.py")]
    found: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imported(module)
    found -= {name for name in found if name.endswith("__init__") and name != "augment/__init__"}
    return tuple(sorted(found - {"errors"}))


@cache
def _text(module: str) -> bytes:
    return (ROOT / f"{module}.py").read_bytes()


_IMPORT = re.compile(rb"^[ ]*from dlim((?:\.\w+)*) import (\([^)]*\)|[^(\n]+)", re.MULTILINE)
"""How a module of dlim imports another; a test holds this against what Python's own parser finds."""


def _imported(module: str) -> Iterator[str]:
    for found in _IMPORT.finditer(_text(module)):
        place = found[1].decode().lstrip(".").replace(".", "/")
        for line in found[2].decode().strip("()").splitlines():
            for item in line.partition("#")[0].split(","):
                if item.strip():
                    yield _module(place, item.split()[0])


@cache
def _module(place: str, name: str) -> str:
    """The module that an import means: one of that name in a package, or one that has something of that name."""
    tries = [f"{place}/{name}".lstrip("/"), place, f"{place}/__init__".lstrip("/")]
    return next(each for each in tries if (ROOT / f"{each}.py").is_file())
