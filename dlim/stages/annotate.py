"""annotate: variations and the master's objects become a learner's images, each with its annotation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from dlim import variation
from dlim.config import LABEL
from dlim.errors import AnnotationError, shown
from dlim.formats import FORMATS
from dlim.geometry import Annotation, Box, Object
from dlim.names import mapped
from dlim.projects import in_stem
from dlim.store import Build, Staging
from dlim.variation import Variation

INDEX = "index.json"
"""What a build says of its images: their labels and variation by stem, and the master they come from."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a learner wants of the annotations.

    label: of an image that nobody gave an object. labels: the label map. follow: whether boxes follow the
    variation, or stay the master's.
    """

    project: str
    label: str
    labels: Mapping[str, str]
    follow: bool = True
    format: str = "voc"


class Index(NamedTuple):
    """A build's images. master: the digest of the hand-made image, empty for a generator's.

    images: the labels on each, and the file name of the variation it is, by stem.
    """

    master: str
    images: dict[str, tuple[list[str], str]]


def annotate(variations: Path, master: str, objects: tuple[Object, ...], out: Staging, settings: Settings) -> list[str]:
    """Fill out with <stem>.jpg and its annotation; what is to be said of them, a line each.

    variations: the folder that augment left. master: the digest of the master, with its objects in the crop's
    frame; a generator project has neither. An image on which no object is left to be seen, or only difficult ones,
    is left out: readers of VOC fail on one without a box that counts.
    """
    index: dict[str, tuple[list[str], str]] = {}
    form, blank, made = FORMATS[settings.format], 0, Build(variations)
    for number, record in enumerate(variation.sealed(made), 1):
        found = _found(record, objects, settings)
        if all(thing.difficult for thing in found):
            blank += 1
            continue
        stem = _stem(settings.project, found[0].label, number)
        made.link(record.filename, out, f"{stem}.jpg")
        image = Annotation(f"{stem}.jpg", *record.size, tuple(found), folder=form.IMAGES)
        out.write(f"{stem}{form.SUFFIX}", form.write(image).encode())
        index[stem] = _shown(found), record.filename
    if not index:
        raise AnnotationError(settings.project, "no image shows its object", "check the box and daug.py")
    out.write(INDEX, _index_text(Index(master, index)).encode())
    tables = sorted(name for name in made.files if name.endswith(".csv"))
    for table in tables:
        made.link(table, out, table)
    out.facts |= {**_facts(master, index), **({"tables": tables} if tables else {})}
    return [f"{blank} images show no object any more; left out"] if blank else []


def _shown(found: Sequence[Object]) -> list[str]:
    return [found[0].label] if len(found) == 1 else sorted({thing.label for thing in found})


def _facts(master: str, index: Mapping[str, tuple[list[str], str]]) -> dict[str, Any]:
    """A build's master, on how many images each label is, and on which, where that isn't all of them."""
    counts = Counter(label for labels, _ in index.values() for label in labels)
    facts: dict[str, Any] = {"master": master, "labels": dict(sorted(counts.items()))}
    if any(count != len(index) for count in counts.values()):
        facts["shown"] = {stem: labels for stem, (labels, _) in index.items()}
    return facts


def _index_text(index: Index) -> str:
    encode = json.JSONEncoder(ensure_ascii=False).encode
    lines = ",\n".join(
        f"  {json.dumps(stem)}: {encode([labels, filename])}" for stem, (labels, filename) in index.images.items()
    )
    return f'{{"master": {json.dumps(index.master)}, "images": {{\n{lines}\n}}}}\n'


def read_index(folder: Path) -> Index:
    """The index of a build."""
    record = json.loads((folder / INDEX).read_bytes())
    return Index(record["master"], {stem: (labels, name) for stem, (labels, name) in record["images"].items()})


def _stem(project: str, label: str, number: int) -> str:
    """The image's name in the dataset: ResNet34 loaders take the class from it, up to the last _."""
    return f"{label}_{number:04d}" if project == label else f"{label}_{in_stem(project)}-{number:04d}"


def _found(record: Variation, objects: tuple[Object, ...], settings: Settings) -> list[Object]:
    """The objects to be seen on an image, in its own frame, with whole boxes and the learner's labels."""
    shown = objects if record.objects is None else record.objects
    if not shown and record.objects is None:
        # a generator's image of which nobody said what it shows: the project's label, on all of it
        shown = (Object(settings.label, Box(0, 0, *record.crop)),)
    found = (_placed(record, thing, settings) for thing in shown)
    return [thing for thing in found if thing is not None]


def _placed(record: Variation, thing: Object, settings: Settings) -> Object | None:
    box = record.mesh.followed(thing.box) if settings.follow else thing.box
    seen = box.seen(*record.crop)
    if seen is None:
        return None
    # what was cut off on the master stays cut off
    cut = thing.truncated or box.overhang(*record.crop) >= 1
    return Object(_label(thing.label, settings), seen.shifted(*record.origin), cut, thing.difficult, thing.pose)


def _label(label: str, settings: Settings) -> str:
    name = mapped(label, settings.labels)
    if not LABEL.fullmatch(name):
        raise AnnotationError(
            settings.project,
            f'"{shown(name)}" is no label: readers lower-case labels, and file names carry them',
            "use at most 40 of a-z, 0-9, _ and - in the annotation or in project.toml, or map it under [labels] "
            "in the learner's file",
        )
    return name


def relevant(labels: Mapping[str, str], shown: Iterable[str]) -> dict[str, str]:
    """Those entries of a label map that decide some labels: a build depends on no other."""
    return {label: mapped(label, labels) for label in sorted(set(shown)) if mapped(label, labels) != label}
