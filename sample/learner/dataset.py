"""A Pascal VOC dataset as patches: each box, cut out of its image and brought to one small size."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from program import Fault, shown

Array = NDArray[Any]

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels: counted from 0, the right and the bottom one outside."""


@dataclass(frozen=True)
class Part:
    """The boxes of train or val.

    images and labels: of each box, the id of its image and what it shows. patches: (boxes, side, side, 3) of uint8.
    """

    images: tuple[str, ...]
    labels: tuple[str, ...]
    patches: Array


def read(folder: Path, name: str, side: int) -> Part:
    """The part that ImageSets/Main/<name>.txt lists, in patches of side x side pixels.

    Raises Fault with the file that is missing or can't be read, or where there is no box in the whole part.
    """
    listed = folder / "ImageSets/Main" / f"{name}.txt"
    found = [(image, label, patch) for image in _ids(listed) for label, patch in _cut_out(folder, image, side)]
    if not found:
        raise Fault(f"{shown(listed)}: the dataset is empty, as no image with a box is listed here; build it again")
    images, labels, patches = zip(*found, strict=True)
    return Part(images, labels, np.stack(patches))


def _ids(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except FileNotFoundError as error:
        raise Fault(f"{shown(path)} is missing, so this is no Pascal VOC dataset; name another folder") from error
    except ValueError as error:
        raise Fault(f"{shown(path)} is no list of images ({error}); build the dataset again") from error


def _cut_out(folder: Path, image: str, side: int) -> Iterator[tuple[str, Array]]:
    """Label and patch of each box of an image."""
    boxes = _boxes(folder / "Annotations" / f"{image}.xml")
    if boxes:
        path = folder / "JPEGImages" / f"{image}.jpg"
        picture = opened(path)
        for label, box in boxes:
            yield label, cut(picture, box, side, path)


def _boxes(path: Path) -> list[tuple[str, Box]]:
    """Label and box of every object. VOC counts from 1, and xmax and ymax are the last pixels inside."""
    try:
        objects = ElementTree.parse(path).getroot().findall("object")  # noqa: S314 - one's own dataset
        return [(_text(found, "name"), _box(found)) for found in objects]
    except FileNotFoundError as error:
        raise Fault(f"{shown(path)} is missing; build the dataset again") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise Fault(f"{shown(path)} is no annotation that can be read ({error}); build the dataset again") from error


def _box(found: ElementTree.Element) -> Box:
    left, top, right, bottom = (float(_text(found, f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax"))
    return left - 1, top - 1, right, bottom


def _text(found: ElementTree.Element, name: str) -> str:
    text = found.findtext(name, "").strip()
    if not text:
        raise ValueError(f"an object has no {name}")
    return text


def opened(path: Path) -> Image.Image:
    """An image file, as RGB. Raises Fault where it is none."""
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except FileNotFoundError as error:
        raise Fault(f"{shown(path)} is missing") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Fault(f"{shown(path)} is no image that can be read ({error})") from error


def cut(image: Image.Image, box: Box, side: int, path: Path) -> Array:
    """What a box holds of an image, as (side, side, 3) of uint8. path: the image's, for what is said of it.

    Raises Fault where the box lies beside the image.
    """
    left, top, right, bottom = max(box[0], 0), max(box[1], 0), min(box[2], image.width), min(box[3], image.height)
    if not (left < right and top < bottom):  # nan, too
        raise Fault(f"{shown(path)} is {image.width}x{image.height}; a box {box} shows nothing of it")
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR, box=(left, top, right, bottom)))
