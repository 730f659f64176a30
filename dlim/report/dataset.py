"""A learner's dataset as it lies on the disk: every image with its annotation, its digest, and the lists it is in."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dlim import builds
from dlim.annotation import Annotation, Object
from dlim.builds import Manifest
from dlim.formats import voc
from dlim.frame import Size
from dlim.report import plain_voc

TRAIN, VAL, TRAINVAL, TEST = PARTS = ("train", "val", "trainval", "test")
"""The lists that every dataset has."""

SUFFIX = ".jpg"


@dataclass(frozen=True, slots=True)
class Example:
    """One image of a dataset, and all that is to be known of it.

    project: that which made it; empty where no build knows it. parts: those of train and val that name it. size: of the
    image; None where that can't be read. sha256: of the image's bytes; empty where there is none. annotation: None
    where there is none that can be read. faults: what is wrong with the two files, by their path in the dataset.
    changed: which of the two aren't as dlim packed them.
    """

    id: str
    project: str = ""
    parts: tuple[str, ...] = ()
    size: Size | None = None
    sha256: str = ""
    annotation: Annotation | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()

    @property
    def image(self) -> str:
        """The path of its image in the dataset."""
        return f"{voc.IMAGES}/{self.id}{SUFFIX}"

    @property
    def boxes(self) -> str:
        """The path of its annotation in the dataset."""
        return f"{voc.ANNOTATIONS}/{self.id}{voc.SUFFIX}"

    @property
    def objects(self) -> tuple[Object, ...]:
        return self.annotation.objects if self.annotation else ()

    @property
    def labels(self) -> list[str]:
        """What it shows, each label once."""
        return sorted({thing.label for thing in self.objects})


class Owners(NamedTuple):
    """Which project made each image, by id, and the digest of each project's master, where it has one."""

    projects: Mapping[str, str]
    masters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Dataset:
    """All of it. examples: by id, sorted.

    lists: the lines of train, val, trainval and test; none of a list that isn't there. strays: files that are neither
    images nor annotations, where only such belong. changed: the lists that aren't as dlim packed them. masters: as
    Owners has them. signs: the character that a label stands for, where it stands for one.
    """

    folder: Path
    examples: Mapping[str, Example]
    lists: Mapping[str, tuple[str, ...]]
    strays: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    masters: Mapping[str, str] = field(default_factory=dict)
    signs: Mapping[str, str] = field(default_factory=dict)


def read(folder: Path, owners: Owners) -> Dataset | None:
    """The dataset in a folder, every file of it read; None where there is none."""
    if not (folder / voc.LISTS).is_dir():
        return None
    lists = {part: _lines(folder / list_path(part)) for part in PARTS}
    ids = {part: frozenset(line.strip() for line in lists[part]) for part in PARTS}
    images, strays = _stems(folder, voc.IMAGES, SUFFIX)
    annotations, more = _stems(folder, voc.ANNOTATIONS, voc.SUFFIX)
    sealed = _sealed(folder)
    examples = {
        name: _example(
            folder,
            Example(name, owners.projects.get(name, ""), tuple(part for part in (TRAIN, VAL) if name in ids[part])),
            (name in images, name in annotations),
            sealed,
        )
        for name in sorted({*images, *annotations}.union(*ids.values()) - {""})
    }
    changed = tuple(path for path in map(list_path, PARTS) if not _is_sealed(sealed, path, _digest(folder / path)))
    signs = _signs(folder / "characters.csv")
    return Dataset(folder, examples, lists, (*strays, *more), changed, owners.masters, signs)


def list_path(part: str) -> str:
    """The path of a list in the dataset."""
    return f"{voc.LISTS}/{part}.txt"


def _digest(path: Path) -> str:
    try:
        return builds.sha256(path)
    except OSError:
        return ""


def _example(folder: Path, known: Example, there: tuple[bool, bool], sealed: Manifest) -> Example:
    """An image, with what its two files say. there: whether they are."""
    faults: dict[str, str] = {}
    changed = []
    size, digest, annotation = None, "", None
    if there[0]:
        data = _bytes(folder, known.image, faults)
        digest = hashlib.sha256(data).hexdigest() if data else ""
        as_packed = _is_sealed(sealed, known.image, digest)
        size = _size(data, faults, known.image, whole=not as_packed) if data else None
        changed += [] if as_packed else [known.image]
    if there[1]:
        data = _bytes(folder, known.boxes, faults)
        annotation = _annotation(data, faults, known.boxes) if data else None
        if not _is_sealed(sealed, known.boxes, hashlib.sha256(data).hexdigest()):
            changed.append(known.boxes)
    return Example(known.id, known.project, known.parts, size, digest, annotation, faults, tuple(changed))


def _bytes(folder: Path, name: str, faults: dict[str, str]) -> bytes:
    try:
        with open(f"{folder}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 - a Path an image would cost as much
            data = file.read()
    except OSError as error:
        faults[name] = f"can't be read ({error.strerror})"
        return b""
    if not data:
        faults[name] = "is empty"
    return data


def _size(data: bytes, faults: dict[str, str], name: str, *, whole: bool) -> Size | None:
    """Width and height of an image. whole: see if all of it can be decoded; what dlim packed was when it was made."""
    if not whole:
        with suppress(OSError, ValueError, SyntaxError):
            return _header_size(data[: data.find(_SCAN) + _SCAN_LENGTH])
    return _decoded_size(data, faults, name)


def _decoded_size(data: bytes, faults: dict[str, str], name: str) -> Size | None:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                if image.format != "JPEG":
                    faults[name] = f"is called {SUFFIX} and is {image.format}"
                return image.size
    except UnidentifiedImageError:
        faults[name] = "is no image"
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        faults[name] = f"can't be decoded ({error})"
    return None


_SCAN = b"\xff\xda"
_SCAN_LENGTH = 14
"""What begins a JPEG file's pixels, and how long that is for three channels."""


@lru_cache(maxsize=4096)
def _header_size(header: bytes) -> Size:
    """The size that a JPEG file's header says; the same header stands before thousands of images."""
    from PIL import Image

    with Image.open(io.BytesIO(header)) as image:
        return image.size


def _annotation(data: bytes, faults: dict[str, str], name: str) -> Annotation | None:
    try:
        return plain_voc.read(data)
    except ValueError as error:
        faults[name] = str(error)
        return None


def _sealed(folder: Path) -> Manifest:
    """What dlim packed; nothing where that can't be told any more."""
    try:
        return builds.read(folder / builds.MANIFEST)
    except (OSError, ValueError):
        return {}


def _is_sealed(sealed: Manifest, name: str, digest: str) -> bool:
    return not sealed or (name in sealed and sealed[name].sha256 == digest)


def _stems(folder: Path, below: str, suffix: str) -> tuple[set[str], list[str]]:
    """The files in a folder of the dataset by their names without suffix, and the paths of those with another one."""
    try:
        names = sorted(os.listdir(folder / below))  # noqa: PTH208 - names are all it takes
    except OSError:
        return set(), []
    fit = {name.removesuffix(suffix) for name in names if name.endswith(suffix) and name != suffix}
    return fit, [f"{below}/{name}" for name in names if name.removesuffix(suffix) not in fit]


def _lines(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8", errors="backslashreplace")
    except OSError:
        return ()
    return tuple(text.removesuffix("\n").split("\n")) if text else ()


def _signs(path: Path) -> dict[str, str]:
    """The characters of a generator's table, by label."""
    try:
        rows = list(csv.reader(_lines(path)[1:]))
    except csv.Error:
        return {}
    return {row[0]: row[2] for row in rows if len(row) > 2 and row[2].strip()}
