"""A learner's dataset as it lies on the disk: every image with its annotation, its digest, and the lists it is in."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from dlim import store
from dlim.formats import voc, voc_strict
from dlim.geometry import Annotation, Object, Size
from dlim.projects import Project
from dlim.report.seen import Seen
from dlim.stages import annotate
from dlim.store import Manifest

TRAIN, VAL, TRAINVAL, TEST = PARTS = ("train", "val", "trainval", "test")
"""The lists that every dataset has."""

SUFFIX = ".jpg"


@dataclass(frozen=True, slots=True)
class Example:
    """One image of a dataset, and all that is to be known of it.

    project: that which made it; empty where no build knows it. parts: those of train and val that name it. size: of the
    image; None where that can't be read. sha256: of the image's bytes; empty where there is none. annotation: None
    where there is none that can be read. labels: what it shows, sorted, each once. faults: what is wrong with the two
    files, by their path in the dataset. changed: which of the two aren't as dlim packed them.
    """

    id: str
    project: str = ""
    parts: tuple[str, ...] = ()
    size: Size | None = None
    sha256: str = ""
    annotation: Annotation | None = None
    labels: tuple[str, ...] = ()
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


class Owners(NamedTuple):
    """Which project made each image, by id, and the digest of each project's master, where it has one."""

    projects: Mapping[str, str]
    masters: Mapping[str, str]


@dataclass(frozen=True)
class Dataset:
    """All of it. examples: by id, sorted.

    lists: the lines of train, val, trainval and test; none of a list that isn't there. strays: files that are neither
    images nor annotations, where only such belong. changed: the lists that aren't as dlim packed them. masters: as
    Owners has them. signs: the character that a label stands for, where it stands for one. seen: what of it, or of what
    it is made of, shows a shot.
    """

    folder: Path
    examples: Mapping[str, Example]
    lists: Mapping[str, tuple[str, ...]]
    strays: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    masters: Mapping[str, str] = field(default_factory=dict)
    signs: Mapping[str, str] = field(default_factory=dict)
    seen: tuple[Seen, ...] = ()

    @cached_property
    def listed(self) -> frozenset[str]:
        """The ids that some list names."""
        return frozenset(line.strip() for lines in self.lists.values() for line in lines)

    @cached_property
    def repeated(self) -> list[list[Example]]:
        """The images that are there more than once, byte for byte."""
        counts = Counter(example.sha256 for example in self.examples.values())
        found: dict[str, list[Example]] = {}
        for example in self.examples.values():
            if example.sha256 and counts[example.sha256] > 1:
                found.setdefault(example.sha256, []).append(example)
        return list(found.values())

    @cached_property
    def left_out(self) -> dict[str, Example]:
        """What dlim left out of val, by id: for each image the one in train, by another name, that has its bytes.

        That it was dlim, and not somebody who put a copy there, is seen by its files being as they were packed.
        """
        found = {}
        for examples in self.repeated:
            learned = next((example for example in examples if TRAIN in example.parts), None)
            for example in examples if learned else ():
                if learned and not example.parts and example.annotation and not example.changed:
                    found[example.id] = learned
        return found

    def boxes(self) -> Iterator[tuple[Example, Object, Size]]:
        """Every box with its image, and the size of that."""
        for example in self.examples.values():
            if example.annotation:
                size = example.size or (example.annotation.width, example.annotation.height)
                for thing in example.annotation.objects:
                    yield example, thing, size


def read(folder: Path, owners: Owners) -> Dataset | None:
    """The dataset in a folder, every file of it read; None where there is none."""
    if not (folder / voc.LISTS).is_dir():
        return None
    lists = {part: _lines(folder / list_path(part)) for part in PARTS}
    train, val = (frozenset(line.strip() for line in lists[part]) for part in (TRAIN, VAL))
    images, strays = _stems(folder, voc.IMAGES, SUFFIX)
    annotations, more = _stems(folder, voc.ANNOTATIONS, voc.SUFFIX)
    sealed = _sealed(folder)
    examples = {}
    listed = {line.strip() for lines in lists.values() for line in lines}
    for name in sorted(images | annotations | listed - {""}):
        parts = (TRAIN,) * (name in train) + (VAL,) * (name in val)
        there = name in images, name in annotations
        examples[name] = _example(folder, Example(name, owners.projects.get(name, ""), parts), there, sealed)
    changed = tuple(path for path in map(list_path, PARTS) if not _is_sealed(sealed, path, _digest(folder / path)))
    signs = _signs(folder / "characters.csv")
    return Dataset(folder, examples, lists, (*strays, *more), changed, owners.masters, signs)


def list_path(part: str) -> str:
    """The path of a list in the dataset."""
    return f"{voc.LISTS}/{part}.txt"


def owners(name: str, projects: Mapping[str, Project]) -> Owners:
    """Which project made each of a learner's images; what isn't built any more made none. projects: by title."""
    made: dict[str, str] = {}
    masters: dict[str, str] = {}
    for title, project in projects.items():
        with suppress(OSError, ValueError, KeyError, TypeError):
            index = annotate.read_index(project.build / name)
            masters[title] = index.master
            made.update(dict.fromkeys(index.images, title))
    return Owners(made, masters)


def _digest(path: Path) -> str:
    try:
        return store.sha256(path)
    except OSError:
        return ""


def _example(folder: Path, known: Example, there: tuple[bool, bool], sealed: Manifest) -> Example:
    """An image, with what its two files say. there: whether they are."""
    faults: dict[str, str] = {}
    changed: tuple[str, ...] = ()
    size, digest, annotation = None, "", None
    if there[0]:
        path = known.image
        data = _bytes(folder, path, faults)
        digest = hashlib.sha256(data).hexdigest() if data else ""
        as_packed = _is_sealed(sealed, path, digest)
        size = _size(data, faults, path, whole=not as_packed) if data else None
        changed = () if as_packed else (path,)
    if there[1]:
        path = known.boxes
        data = _bytes(folder, path, faults)
        annotation = _annotation(data, faults, path) if data else None
        if not _is_sealed(sealed, path, hashlib.sha256(data).hexdigest()):
            changed += (path,)
    labels = _labels(annotation.objects) if annotation else ()
    return Example(known.id, known.project, known.parts, size, digest, annotation, labels, faults, changed)


def _labels(objects: tuple[Object, ...]) -> tuple[str, ...]:
    return (objects[0].label,) if len(objects) == 1 else tuple(sorted({thing.label for thing in objects}))


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
        return voc_strict.read(data)
    except ValueError as error:
        faults[name] = str(error)
        return None


def _sealed(folder: Path) -> Manifest:
    """What dlim packed; nothing where that can't be told any more."""
    try:
        return store.read(folder / store.MANIFEST)
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


# what is in it, in numbers


class Row(NamedTuple):
    """A label or a project: its images in train and in val, and its boxes. sign: the character it stands for."""

    name: str
    train: int
    val: int
    boxes: int
    sign: str = ""

    @property
    def images(self) -> int:
        return self.train + self.val


class Counts(NamedTuple):
    """All rows, those with the most images first. total: of the dataset; an image may have several labels."""

    labels: tuple[Row, ...]
    projects: tuple[Row, ...]
    total: Row


def counted(dataset: Dataset) -> Counts:
    """What is in a dataset; what no list names isn't counted."""
    listed = [example for example in dataset.examples.values() if example.parts]
    labels = _rows(
        ((thing.label, 1) for example in listed for thing in example.objects),
        ((label, example.parts) for example in listed for label in example.labels),
        dataset.signs,
    )
    projects = _rows(
        ((example.project, len(example.objects)) for example in listed),
        ((example.project, example.parts) for example in listed),
        {},
    )
    train, val = (sum(part in example.parts for example in listed) for part in (TRAIN, VAL))
    return Counts(labels, projects, Row("all", train, val, sum(row.boxes for row in labels)))


def _rows(
    boxes: Iterable[tuple[str, int]], images: Iterable[tuple[str, tuple[str, ...]]], signs: Mapping[str, str]
) -> tuple[Row, ...]:
    counts: Counter[str] = Counter()
    for name, number in boxes:
        counts[name] += number
    parts = Counter((name, part) for name, found in images for part in found)
    names = {name for name, _ in parts}
    rows = [Row(name, parts[name, TRAIN], parts[name, VAL], counts[name], signs.get(name, "")) for name in names]
    return tuple(sorted(rows, key=lambda row: (-row.images, row.name)))
