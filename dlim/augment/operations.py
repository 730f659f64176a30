"""The operations: what each may do to a crop, and the crops that come of it."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import cos, isfinite, pi, sin
from typing import Any, Protocol

import cv2
import numpy as np

from dlim.augment.images import Pixels, size_of
from dlim.errors import AugmentError
from dlim.geometry import Mesh, Size

Range = tuple[float, float]
Parameters = Mapping[str, float]

_WORD = 8  # bytes of a digest that make one number
_STEPS = 1 << 53  # what a float can tell apart in [0, 1)


def uniforms(count: int, *key: object) -> list[float]:
    """As many numbers in [0, 1), decided by the key alone, the same on any machine and in any order; at most 8."""
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode()).digest()
    words = (digest[start : start + _WORD] for start in range(0, count * _WORD, _WORD))
    return [(int.from_bytes(word, "big") >> 11) / _STEPS for word in words]


def seed(*key: object) -> int:
    """A seed for a generator of somebody else's, decided by the key alone."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(map(str, key)).encode()).digest()[:4], "big") >> 1


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

    def __post_init__(self) -> None:
        """Refuse a range that is none, or that would leave nothing of the crop."""
        for name, (low, high) in ((field.name, getattr(self, field.name)) for field in fields(self)):
            what = name.partition("_")[0]
            if not (isfinite(low) and isfinite(high) and low <= high):
                raise AugmentError("daug.py", f"{what} is from {low} to {high}", "say the lower number first")
            if (what == "zoom" and low <= 0) or (what == "brightness" and low < 0):
                raise AugmentError("daug.py", f"{what} is from {low} to {high}", "say factors above 0")

    def drawn(self) -> dict[str, Range]:
        """The ranges that leave something to draw, by name."""
        ranges = {field.name: getattr(self, field.name) for field in fields(self)}
        still = {"rotation": (0, 0), "shift_x": (0, 0), "shift_y": (0, 0)}
        return {name: value for name, value in ranges.items() if value != still.get(name, (1, 1))}

    def draw(self, key: tuple[object, ...]) -> dict[str, float]:
        """One value from each range, rounded to what a person can read and retype."""
        return _draw(self.drawn(), key)

    def vary(self, master: Pixels, keys: Sequence[tuple[object, ...]], cval: int) -> list[Crop]:
        """A crop for every key; what a shift bares is filled with cval."""
        ranges, size = self.drawn(), size_of(master)
        drawn = [_draw(ranges, key) for key in keys]
        return [Crop(varied(master, one, cval), one, moved(one, size)) for one in drawn]


def _draw(ranges: Mapping[str, Range], key: tuple[object, ...]) -> dict[str, float]:
    values = zip(ranges.items(), uniforms(len(ranges), *key), strict=True)
    return {name: round(low + (high - low) * value, 6) for (name, (low, high)), value in values}


def varied(master: Pixels, parameters: Parameters, cval: int) -> Pixels:
    """What an Affine and a Multiply of imgaug 0.4.0 with these parameters make of a master, pixel by pixel."""
    matrix = _matrix(parameters, size_of(master))
    pixels: Any = master  # OpenCV's stubs say numbers of any kind
    if not _stands_still(matrix):
        pixels = cv2.warpAffine(
            master,
            np.array(matrix),
            size_of(master),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(cval, cval, cval),
        )
    if "brightness" in parameters:
        factor = np.float32(parameters["brightness"])
        pixels = cv2.LUT(pixels, np.clip(_LEVELS * factor, 0, 255).astype(np.uint8))
    return pixels.copy() if pixels is master else pixels


_LEVELS = np.arange(256, dtype=np.float32)

_Row = tuple[float, float, float]


def _matrix(parameters: Parameters, size: Size) -> tuple[_Row, _Row]:
    """Scale, then turn, then shift, about the middle of the image's pixels: as imgaug 0.4.0 computes it.

    imgaug keeps parameters as 32-bit numbers, and multiplies them as such; only the middle is added in 64 bits. With
    another last bit a pixel would differ now and then.
    """
    width, height = size
    value = parameters.get
    # imgaug takes a shift as a share of the size: as pixels only whole numbers
    across, down = value("shift_x", 0) * (1 / width), value("shift_y", 0) * (1 / height)
    zoom_x, zoom_y, degrees, across, down = _single(
        value("zoom_x", 1), value("zoom_y", 1), value("rotation", 0), across, down
    )
    [angle] = _single(degrees * _DEGREE)
    c, s = _single(cos(angle), sin(angle))
    a, b, d, e, right, below = _single(zoom_x * c, -zoom_y * s, zoom_x * s, zoom_y * c, across * width, down * height)
    x, y = width / 2 - 0.5, height / 2 - 0.5
    return (a, b, a * -x + b * -y + right + x), (d, e, d * -x + e * -y + below + y)


_FORMS = [struct.Struct(f"{count}f") for count in range(7)]


def _single(*values: float) -> tuple[float, ...]:
    """The numbers as 32 bits hold them: a twentieth of the time that numpy takes for so few."""
    form = _FORMS[len(values)]
    return form.unpack(form.pack(*values))


[_DEGREE] = _single(_single(pi)[0] / 180)


def _stands_still(matrix: tuple[_Row, _Row]) -> bool:
    """Whether a matrix is so near to doing nothing that imgaug leaves the image alone."""
    (a, b, c), (d, e, f) = matrix
    return (abs(a - 1) + abs(b) + abs(c) + abs(d) + abs(e - 1) + abs(f)) / 9 <= 1e-4


def moved(parameters: Parameters, size: Size) -> Mesh:
    """Where these parameters take the points of an image of that size: scaled, turned, shifted about its middle."""
    value = parameters.get
    width, height = size
    angle = value("rotation", 0) * pi / 180
    c, s = cos(angle), sin(angle)
    across, along = width / 2 * value("zoom_x", 1), height / 2 * value("zoom_y", 1)
    x, y = value("shift_x", 0) + width / 2, value("shift_y", 0) + height / 2
    # how far the corner at the right goes beside the middle, and how far the one below
    right, below = (across * c, across * s), (-along * s, along * c)
    corners = ((-1, -1), (1, -1), (-1, 1), (1, 1))
    points = tuple((x + i * right[0] + j * below[0], y + i * right[1] + j * below[1]) for i, j in corners)
    return Mesh(width, height, points)


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
