"""What must hold for a dataset, found out from its files alone, without a line of dlim."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

from bench.masters import CASES, LEARNERS

TRAIN_PERCENT = 80
FIELDS = {"folder": "JPEGImages", "segmented": "0", "source/database": "dlim", "size/depth": "3"}


def faults(workspace: Path, learner: str) -> Iterator[str]:
    """Everything that is wrong with a learner's dataset, a line each."""
    dataset = workspace / "data_set" / learner
    images = {path.stem: path for path in (dataset / "JPEGImages").iterdir()}
    digests = {stem: hashlib.sha256(path.read_bytes()).hexdigest() for stem, path in images.items()}
    lists = {part: _ids(dataset, part) for part in ("train", "val", "trainval", "test")}
    yield from _split(lists, images, digests)
    if {path.stem for path in (dataset / "Annotations").iterdir()} != set(images):
        yield "not every image has its annotation, or the other way round"
    shown: set[str] = set()
    for project in CASES:
        stems = {path.stem for path in (workspace / "projects" / project / "build" / learner).glob("*.jpg")}
        shown |= stems
        yield from _project(project, stems, digests, set(lists["train"]))
        for stem in sorted(stems):
            yield from _annotation(dataset, stem, project, learner)
    if shown != set(images):
        yield f"{len(shown ^ set(images))} images are not in both the builds and the dataset"
    yield from _tarball(dataset)


def _ids(dataset: Path, part: str) -> list[str]:
    return (dataset / f"ImageSets/Main/{part}.txt").read_text().split("\n")[:-1]


def _split(lists: dict[str, list[str]], images: dict[str, Path], digests: dict[str, str]) -> Iterator[str]:
    train, val = set(lists["train"]), set(lists["val"])
    leaks = {digests.get(stem) for stem in train} & {digests.get(stem) for stem in val}
    if leaks:
        yield f"{len(leaks)} images of val are in train"
    if set(lists["trainval"]) != train | val or train | val != set(images) or train & val:
        yield "trainval is not train and val, or not all images"
    if any(len(ids) != len(set(ids)) or "" in ids for ids in lists.values()):
        yield "a list has a line twice, or an empty one"


def _project(project: str, stems: set[str], digests: dict[str, str], train: set[str]) -> Iterator[str]:
    if len(stems) != CASES[project].images:
        yield f"{project}: {len(stems)} images instead of {CASES[project].images}"
    repeats = len(stems) - len({digests[stem] for stem in stems})
    if repeats:
        yield f"{project}: {repeats} images repeat another"
    wanted = (len(stems) * TRAIN_PERCENT + 50) // 100
    if len(stems & train) != wanted:
        yield f"{project}: {len(stems & train)} images in train instead of {wanted}"


def _annotation(dataset: Path, stem: str, project: str, learner: str) -> Iterator[str]:
    with Image.open(dataset / f"JPEGImages/{stem}.jpg") as image:
        width, height = image.size
        sound = image.format == "JPEG" and image.mode == "RGB"
    canvas = LEARNERS[learner][1]
    if not sound or canvas not in (None, (width, height)):
        yield f"{stem}: is no RGB JPEG image of the learner's canvas"
    root = ElementTree.parse(dataset / f"Annotations/{stem}.xml").getroot()
    wanted = {**FIELDS, "filename": f"{stem}.jpg", "size/width": str(width), "size/height": str(height)}
    for field, value in wanted.items():
        if root.findtext(field) != value:
            yield f"{stem}: <{field}> is {root.findtext(field)}, not {value}"
    things = root.findall("object")
    if not things:
        yield f"{stem}: shows no object"
    for thing in things:
        yield from _object(thing, stem, getattr(CASES[project], learner), (width, height))


def _object(thing: ElementTree.Element, stem: str, label: str, size: tuple[int, int]) -> Iterator[str]:
    name = thing.findtext("name", "")
    if not fnmatchcase(name, label) or not stem.startswith(f"{name}_"):
        yield f"{stem}: its label is {name}"
    if thing.findtext("pose") != "Unspecified" or {thing.findtext("truncated"), thing.findtext("difficult")} - {
        "0",
        "1",
    }:
        yield f"{stem}: pose, truncated or difficult is not VOC's"
    edges = [thing.findtext(f"bndbox/{edge}", "") for edge in ("xmin", "ymin", "xmax", "ymax")]
    if not all(edge.isascii() and edge.isdigit() for edge in edges):
        yield f"{stem}: its box is {edges}"
        return
    xmin, ymin, xmax, ymax = map(int, edges)
    if not (1 <= xmin < xmax <= size[0] and 1 <= ymin < ymax <= size[1]):
        yield f"{stem}: its box {edges} leaves the image of {size}"


def _tarball(dataset: Path) -> Iterator[str]:
    """Whether the archive holds the dataset, byte for byte, and nothing else."""
    files = {path.relative_to(dataset).as_posix(): path for path in dataset.rglob("*") if path.is_file()}
    files.pop("manifest.json", None)
    with tarfile.open(dataset.with_name(f"{dataset.name}.tar.gz"), "r:gz") as archive:
        for entry in archive:
            if entry.isfile():
                path = files.pop(entry.name.removeprefix("data_set/"), None)
                file = archive.extractfile(entry)
                if path is None or file is None or file.read() != path.read_bytes():
                    yield f"the tarball's {entry.name} is not the dataset's"
    if files:
        yield f"the tarball lacks {len(files)} files"
