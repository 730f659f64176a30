"""The operations: what each may do to a crop, and the crops that come of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from math import cos, radians, sin
from typing import Any, Protocol

import numpy as np

from dlim.augment import draw
from dlim.augment.images import Pixels, size_of
from dlim.augment.imgaug import augmenters
from dlim.augment.imgaug import parameters as imgaug_parameters
from dlim.errors import AugmentError
from dlim.frame import Size
from dlim.mesh import Mesh, grid

Range = tuple[float, float]
Parameters = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Crop:
    """A varied crop: its pixels, what was drawn for it, and where the master's points went."""

    pixels: Pixels
    parameters: Parameters
    mesh: Mesh


class Varies(Protocol):
    """What can vary a master."""

    def vary(self, master: Pixels, keys: Sequence[tuple[object, ...]], cval: int) -> list[Crop]:
        """A crop of the master's size for every key, decided by that key alone."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Ranges that a variation's parameters are drawn from, evenly and independently.

    rotation: degrees, clockwise. shift_x, shift_y: pixels, to the right and down. zoom_x, zoom_y: factors about
    the middle. brightness: a factor on every channel.
    """

    rotation: Range = (0, 0)
    shift_x: Range = (0, 0)
    shift_y: Range = (0, 0)
    zoom_x: Range = (1, 1)
    zoom_y: Range = (1, 1)
    brightness: Range = (1, 1)

    def drawn(self) -> dict[str, Range]:
        """The ranges that leave something to draw, by name."""
        ranges = {field.name: getattr(self, field.name) for field in fields(self)}
        still = {"rotation": (0, 0), "shift_x": (0, 0), "shift_y": (0, 0)}
        return {name: value for name, value in ranges.items() if value != still.get(name, (1, 1))}

    def draw(self, key: tuple[object, ...]) -> dict[str, float]:
        """One value from each range, rounded to what a person can read and retype."""
        ranges = self.drawn()
        values = zip(ranges.items(), draw.uniforms(len(ranges), *key), strict=True)
        return {name: round(low + (high - low) * value, 6) for (name, (low, high)), value in values}

    def vary(self, master: Pixels, keys: Sequence[tuple[object, ...]], cval: int) -> list[Crop]:
        """A crop for every key, through imgaug; what a shift bares is filled with cval."""
        drawn = [self.draw(key) for key in keys]
        images = _augmenter(drawn, size_of(master), cval)(images=[master] * len(keys))
        return [
            Crop(np.ascontiguousarray(image), one, moved(one, size_of(master)))
            for image, one in zip(images, drawn, strict=True)
        ]


def moved(parameters: Parameters, size: Size) -> Mesh:
    """Where an Affine of imgaug with these parameters takes the points of an image of that size.

    It scales, turns and shifts about the image's middle, in this order. imgaug tells the same of key points
    at half the speed of the whole operation.
    """
    width, height = size
    angle = radians(parameters.get("rotation", 0))
    right = parameters.get("shift_x", 0) + width / 2
    down = parameters.get("shift_y", 0) + height / 2
    points = []
    for x, y in grid(width, height, 2):
        across = (x - width / 2) * parameters.get("zoom_x", 1)
        along = (y - height / 2) * parameters.get("zoom_y", 1)
        points.append(
            (
                across * cos(angle) - along * sin(angle) + right,
                across * sin(angle) + along * cos(angle) + down,
            )
        )
    return Mesh(width, height, tuple(points))


def _augmenter(drawn: Sequence[Parameters], size: Size, cval: int) -> Any:
    """One imgaug augmenter that does to image i what was drawn for it: a single Affine, then the brightness."""
    iaa = augmenters()
    parts = []
    if set(drawn[0]) - {"brightness"}:
        width, height = size
        parts.append(
            iaa.Affine(
                scale={"x": _each(drawn, "zoom_x", 1), "y": _each(drawn, "zoom_y", 1)},
                rotate=_each(drawn, "rotation", 0),
                # as a share of the size: imgaug takes whole numbers only for pixels
                translate_percent={
                    "x": _each(drawn, "shift_x", 0, 1 / width),
                    "y": _each(drawn, "shift_y", 0, 1 / height),
                },
                order=1,
                mode="constant",
                cval=cval,
            )
        )
    if "brightness" in drawn[0]:
        # Multiply draws a value for each channel of each image, and uses the first of them
        factors = [one["brightness"] for one in drawn for _ in range(3)]
        parts.append(iaa.Multiply(imgaug_parameters().DeterministicList(factors)))
    return iaa.Sequential(parts)


def _each(drawn: Sequence[Parameters], name: str, default: float, factor: float = 1) -> Any:
    return imgaug_parameters().DeterministicList([one.get(name, default) * factor for one in drawn])


@dataclass(frozen=True, slots=True)
class Custom:
    """Any imgaug augmenter as an operation: seeded for each image, its boxes followed through a mesh.

    side: how many points a side the mesh has; what bends an image more finely than that is followed roughly.
    """

    augmenter: Any
    side: int = 9

    def vary(self, master: Pixels, keys: Sequence[tuple[object, ...]], cval: int) -> list[Crop]:
        """A crop for every key; the fill is the augmenter's own affair."""
        crops = []
        for key in keys:
            # one at a time: the augmenter draws for a batch as a whole, and 99 would not be 50 and 49
            self._seed(key)
            image, points = self.augmenter(image=master, keypoints=list(grid(*size_of(master), self.side)))
            if len(points) != self.side**2:
                raise AugmentError(
                    type(self.augmenter).__name__,
                    "drops key points, so that boxes can't follow",
                    "leave out what clips or removes them",
                )
            mesh = Mesh(*size_of(master), tuple((float(x), float(y)) for x, y in points))
            crops.append(Crop(np.ascontiguousarray(image), {}, mesh))
        return crops

    def _seed(self, key: tuple[object, ...]) -> None:
        self.augmenter.seed_(draw.seed(*key))
        for number, part in enumerate(_passed_over(self.augmenter)):
            part.seed_(draw.seed(*key, number))


def _passed_over(augmenter: Any) -> Iterator[Any]:
    """What imgaug's seed_ leaves unseeded: augmenters that hold others, where they are another's list of children.

    The OneOf in Sometimes(0.5, OneOf([...])) is one: only what is in it would be seeded.
    """
    for children in augmenter.get_children_lists():
        if children is not augmenter and hasattr(children, "seed_"):
            yield children
        for child in children:
            yield from _passed_over(child)


def rotation(degrees: float = 5) -> Operation:
    return Operation(rotation=(-degrees, degrees))


def height(pixels: float = 5) -> Operation:
    return Operation(shift_y=(-pixels, pixels))


def zoom(low: float = 0.7, high: float = 1.3) -> Operation:
    return Operation(zoom_x=(low, high), zoom_y=(low, high))


def brightness(low: float = 0.1, high: float = 0.5) -> Operation:
    return Operation(brightness=(low, high))


def mix(size: Size, degrees: float = 0.5, shift: float = 0.1, low: float = 0.7, high: float = 1.3) -> Operation:
    """All that moves at once; shift is a share of the crop's width and height."""
    across, down = shift * size[0], shift * size[1]
    return Operation(
        rotation=(-degrees, degrees),
        shift_x=(-across, across),
        shift_y=(-down, down),
        zoom_x=(low, high),
        zoom_y=(low, high),
    )
