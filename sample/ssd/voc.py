"""A Pascal VOC dataset as its files have it: the labels, and of each image its boxes."""

from __future__ import annotations

import hashlib
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

from program import Fault, shown

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels: counted from 0, the right and the bottom one outside."""


class Example(NamedTuple):
    """An image. labels: of each box, the number of its label."""

    path: Path
    boxes: tuple[Box, ...]
    labels: tuple[int, ...]


class Dataset(NamedTuple):
    """A dataset. labels: in the order of their numbers. digest: of all that was read, so that a change is seen."""

    labels: tuple[str, ...]
    train: tuple[Example, ...]
    val: tuple[Example, ...]
    digest: str


def read(folder: Path) -> Dataset:
    """The dataset in a folder. Raises Fault with the file that is missing, or can't be read."""
    digest = hashlib.sha256()
    path = Path(os.environ.get("DLIM_CLASSES") or folder / "classes.txt")
    labels = tuple(_words(path, digest))
    if not labels:
        raise Fault(f"{shown(path)}: the dataset has no label; build it again")
    numbers = {label: number for number, label in enumerate(labels)}
    parts = []
    for name in ("train", "val"):
        listed = folder / "ImageSets/Main" / f"{name}.txt"
        part = tuple(_example(folder, image, numbers, digest) for image in _words(listed, digest))
        if not any(example.boxes for example in part):
            raise Fault(f"{shown(listed)}: no image with a box is listed here; build the dataset again")
        parts.append(part)
    train, val = parts
    return Dataset(labels, train, val, digest.hexdigest())


def _words(path: Path, digest: hashlib._Hash) -> list[str]:
    try:
        data = path.read_bytes()
        digest.update(data)
        return data.decode().split()
    except FileNotFoundError as error:
        raise Fault(f"{shown(path)} is missing, so this is no dataset of dlim's; name another folder") from error
    except ValueError as error:
        raise Fault(f"{shown(path)} is no list ({error}); build the dataset again") from error


def _example(folder: Path, image: str, numbers: dict[str, int], digest: hashlib._Hash) -> Example:
    """An image with its boxes. VOC counts from 1, and xmax and ymax are the last pixels inside."""
    path = folder / "Annotations" / f"{image}.xml"
    picture = folder / "JPEGImages" / f"{image}.jpg"
    try:
        data = path.read_bytes()
        digest.update(b"%s %d" % (data, picture.stat().st_size))
        objects = ElementTree.fromstring(data).findall("object")  # noqa: S314 - one's own dataset
        labels = tuple(numbers[found.findtext("name", "").strip()] for found in objects)
        return Example(picture, tuple(_box(found) for found in objects), labels)
    except FileNotFoundError as error:
        raise Fault(f"{shown(Path(error.filename))} is missing; build the dataset again") from error
    except KeyError as error:
        raise Fault(f"{shown(path)}: the label {error} is not in classes.txt; build the dataset again") from error
    except (ElementTree.ParseError, ValueError) as error:
        raise Fault(f"{shown(path)} is no annotation that can be read ({error}); build the dataset again") from error


def _box(found: ElementTree.Element) -> Box:
    left, top, right, bottom = (
        float(found.findtext(f"bndbox/{edge}", "")) for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    if not (left - 1 < right and top - 1 < bottom):  # nan, too
        raise ValueError("a box holds nothing")
    return left - 1, top - 1, right, bottom
