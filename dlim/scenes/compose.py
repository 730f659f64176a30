"""Scenes: variations put on backgrounds, each by choices of its own, with the boxes of what is seen of them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dlim.augment.operations import seed
from dlim.geometry import PLACEMENTS, Object, Size
from dlim.scenes import Raster, masks
from dlim.scenes.backgrounds import Window
from dlim.scenes.choices import Settings, Spot
from dlim.variation import Variation

LEAST = 6
"""Pixels of an object's shorter side, as small as scenes show it."""

_MARGIN = 2
_TRIES = 8


# choices

_AT_ONCE = 512  # keys that are ranked in one table of all names
_EACH = 32
_WORD = 4


def draws(settings: Settings, *key: object) -> list[list[float]]:
    """All numbers in [0, 1) that the scene of a key needs, from one digest: its own, and those of each object."""
    rows = 1 + settings.objects[1]
    digest = hashlib.shake_128("\x1f".join(map(str, (settings.seed, *key))).encode()).digest(rows * _EACH * _WORD)
    found: list[list[float]] = (np.frombuffer(digest, ">u4").reshape(rows, _EACH) / (1 << 8 * _WORD)).tolist()
    return found


class Candidates:
    """Names to choose from by rendezvous hashing: another name takes some choices to itself, and moves no other."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)
        self._hashes = np.array([seed(name) for name in self.names], np.uint64) * np.uint64(0x9E3779B97F4A7C15)

    def _ranked(self, keys: Iterable[str]) -> npt.NDArray[np.uint64]:
        """How high each name ranks for each key."""
        own = np.array([seed(key) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF for key in keys], np.uint64)
        mixed = self._hashes[None] ^ own[:, None]
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        return mixed ^ (mixed >> np.uint64(31))

    def chosen(self, keys: Iterable[str]) -> list[int]:
        """For each key the place of the name that ranks highest."""
        wanted, found = list(keys), list[int]()
        for start in range(0, len(wanted), _AT_ONCE):
            found += np.argmax(self._ranked(wanted[start : start + _AT_ONCE]), axis=1).tolist()
        return found

    def first(self, count: int, key: str) -> list[int]:
        """The places of the names that rank highest, the highest first."""
        return [int(place) for place in np.argsort(self._ranked([key])[0])[::-1][:count]]


# what is put on backgrounds


class CutOut(NamedTuple):
    """A variation's object, cut out along its mask.

    pixels: blue, green, red and how much of each pixel is the object's. parts: each object with the mask of what is
    its own, None where that is all. cut: whether it left the crop it was varied in.
    """

    pixels: Raster
    parts: tuple[tuple[Object, Raster | None], ...]


def cut_out(pixels: Raster, variation: Variation, objects: Sequence[Object], mask: Raster | None) -> CutOut | None:
    """What of a variation is its object; None where nothing of it is left. mask: on the master; none is its boxes."""
    x0, y0 = variation.origin
    width, height = variation.crop
    crop = pixels[y0 : y0 + height, x0 : x0 + width]
    own = variation.objects if variation.objects is not None else tuple(objects)
    boxes = [variation.mesh.followed(thing.box) for thing in own]
    if mask is None:
        alpha = np.zeros((height, width), np.uint8)
        for box in boxes:
            inside = box.clipped(width, height)
            alpha[int(inside.y1 + 0.5) : int(inside.y2 + 0.5), int(inside.x1 + 0.5) : int(inside.x2 + 0.5)] = 255
    else:
        alpha = masks.followed(mask, variation.mesh, (width, height))
    seen = masks.seen(alpha)
    if seen is None:
        return None
    x1, y1, x2, y2 = int(seen.x1), int(seen.y1), int(seen.x2), int(seen.y2)
    x1, y1, x2, y2 = max(0, x1 - _MARGIN), max(0, y1 - _MARGIN), min(width, x2 + _MARGIN), min(height, y2 + _MARGIN)
    alpha = alpha[y1:y2, x1:x2]
    things = [
        replace(thing, truncated=True) if box.overhang(width, height) >= 1 else thing
        for thing, box in zip(own, boxes, strict=True)
    ]
    if len(things) == 1:
        parts: list[tuple[Object, Raster | None]] = [(things[0], None)]
    else:
        parts = []
        for thing, box in zip(things, boxes, strict=True):
            inside = box.shifted(-x1, -y1).clipped(x2 - x1, y2 - y1)
            part = np.zeros_like(alpha)
            rows = slice(int(inside.y1 + 0.5), int(inside.y2 + 0.5))
            columns = slice(int(inside.x1 + 0.5), int(inside.x2 + 0.5))
            part[rows, columns] = alpha[rows, columns]
            parts.append((thing, part))
    cut = cv2.cvtColor(crop[y1:y2, x1:x2], cv2.COLOR_BGR2BGRA)
    cut[..., 3] = alpha
    return CutOut(cut, tuple(parts))


# scenes


class Scene(NamedTuple):
    """What is seen on a scene, and at which scale its first object stands."""

    objects: tuple[Object, ...]
    scale: float


def scene(
    window: Window,
    shown: Sequence[CutOut],
    settings: Settings,
    drawn: Sequence[Sequence[float]],
    pixels: Raster,
    spots: Sequence[Spot] = (),
) -> Scene:
    """Objects on a window, by what was drawn for them; the first is always there, further ones where they find room.

    spots: where each of them is to stand; none where shots don't say. pixels: where it is drawn, in OpenCV's order of
    channels; each scene into the same memory, which is met but once.
    """
    across, down = drawn[0][:2]
    width, height = settings.size
    ground = window.pixels
    x, y = int(across * (window.size[0] - width + 1)), int(down * (window.size[1] - height + 1))
    np.copyto(pixels, ground[y : y + height, x : x + width])
    taken: list[tuple[int, int, int, int]] = []
    objects: list[Object] = []
    first = 1.0
    for number, thing in enumerate(shown):
        size, blend, cover, how, depth, *places = drawn[number + 1]
        low, high = settings.scale
        scale = low * math.exp(math.log(high / low) * size) if high > low else low
        stamp, scale = _scaled(thing.pixels, scale, settings.size)
        first = first if number else scale
        covered = cover < settings.cover
        edge = covered and how < 0.5
        spot = spots[number] if spots else None
        place = _place(stamp, settings, taken, edge, places, spot, sure=not number)
        if place is None:
            continue
        x, y = place
        taken.append((x, y, x + stamp.shape[1], y + stamp.shape[0]))
        soft = settings.blend[int(blend * len(settings.blend))] == "feather"
        visible = _paste(pixels, stamp, x, y, soft=soft)
        if covered and not edge:
            _cover(pixels, ground, visible, x, y, how, depth)
        objects += _seen(thing, visible, x, y, settings.size, truncated=covered)
    return Scene(tuple(objects), first)


def _scaled(pixels: Raster, scale: float, size: Size) -> tuple[Raster, float]:
    """A cut-out at a scale, or at the nearest one at which it has room and can be told."""
    height, width = pixels.shape[:2]
    scale = max(scale, LEAST / min(width, height))
    scale = min(scale, 0.9 * size[0] / width, 0.9 * size[1] / height)
    to = max(2, int(width * scale + 0.5)), max(2, int(height * scale + 0.5))
    while pixels.shape[1] >= 2 * to[0] and pixels.shape[0] >= 2 * to[1]:
        pixels = cv2.resize(pixels, (pixels.shape[1] // 2, pixels.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return cv2.resize(pixels, to, interpolation=cv2.INTER_LINEAR_EXACT), scale


def _place(
    stamp: Raster,
    settings: Settings,
    taken: Sequence[tuple[int, int, int, int]],
    edge: bool,
    drawn: Sequence[float],
    spot: Spot | None,
    *,
    sure: bool,
) -> tuple[int, int] | None:
    """Where an object stands: the first of some draws at which it overlaps no other; None where there is none."""
    height, width = stamp.shape[:2]
    room = settings.size[0] - width, settings.size[1] - height
    for number in range(_TRIES):
        x, y = _position(room, (width, height), settings, edge, drawn[3 * number : 3 * number + 3], spot)
        if not any(x < x2 and x1 < x + width and y < y2 and y1 < y + height for x1, y1, x2, y2 in taken):
            return x, y
    return (x, y) if sure else None


def _position(
    room: Size, size: Size, settings: Settings, edge: bool, drawn: Sequence[float], spot: Spot | None
) -> tuple[int, int]:
    across, down, side = drawn
    x, y = int(across * (room[0] + 1)), int(down * (room[1] + 1))
    if settings.position == "placement":  # within a tenth of the canvas from the corner
        share = PLACEMENTS[settings.placement]
        slack = min(room[0], settings.size[0] // 10), min(room[1], settings.size[1] // 10)
        x = int(share[0] * (room[0] - slack[0]) + across * slack[0])
        y = int(share[1] * (room[1] - slack[1]) + down * slack[1])
    elif spot is not None:  # half of its own size from there at most
        x = int(min(max(spot.x * settings.size[0] - size[0] / 2 + (across - 0.5) * size[0], 0), room[0]))
        y = int(min(max(spot.y * settings.size[1] - size[1] / 2 + (down - 0.5) * size[1], 0), room[1]))
    if edge:
        out = 0.2 + 0.3 * (side * 4 % 1)
        if side < 0.5:
            x = -int(out * size[0]) if side < 0.25 else room[0] + int(out * size[0])
        else:
            y = -int(out * size[1]) if side < 0.75 else room[1] + int(out * size[1])
    return x, y


def _paste(pixels: Raster, stamp: Raster, x: int, y: int, *, soft: bool) -> Raster:
    """Put a cut-out on an image; the mask of what of it lies there now, in the cut-out's frame."""
    height, width = stamp.shape[:2]
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(width, pixels.shape[1] - x), min(height, pixels.shape[0] - y)
    visible: Raster = cv2.extractChannel(stamp, 3)
    share: Raster = cv2.blur(visible, (3, 3), borderType=cv2.BORDER_CONSTANT) if soft else visible
    over = cv2.cvtColor(stamp, cv2.COLOR_BGRA2BGR)  # in one piece: OpenCV would copy a part of each pixel by itself
    if (left, top, right, bottom) != (0, 0, width, height):
        over, share = over[top:bottom, left:right], share[top:bottom, left:right]
        inside = np.zeros_like(visible)
        inside[top:bottom, left:right] = visible[top:bottom, left:right]
        visible = inside
    part = pixels[y + top : y + bottom, x + left : x + right]
    if soft:  # a product of two bytes by 255 is never halfway between two bytes: rounded alike on any machine
        shares = cv2.cvtColor(share, cv2.COLOR_GRAY2BGR)
        below = cv2.multiply(part, cv2.bitwise_not(shares), scale=1 / 255)
        cv2.add(below, cv2.multiply(over, shares, scale=1 / 255), part)
    else:
        cv2.copyTo(over, share & masks.INK, part)
    return visible


def _cover(pixels: Raster, other: Raster, visible: Raster, x: int, y: int, how: float, depth: float) -> None:
    """Let something else of the background lie over a side of what was put there."""
    box = masks.seen(visible)
    if box is None:
        return
    x1, y1, x2, y2 = int(box.x1), int(box.y1), int(box.x2), int(box.y2)
    share, side = 0.2 + 0.3 * depth, int((how - 0.5) * 8) % 4
    if side < 2:
        wide = max(1, int((x2 - x1) * share))
        x1, x2 = (x1, x1 + wide) if side else (x2 - wide, x2)
    else:
        high = max(1, int((y2 - y1) * share))
        y1, y2 = (y1, y1 + high) if side == 3 else (y2 - high, y2)
    part = pixels[y + y1 : y + y2, x + x1 : x + x2]
    top, left = (other.shape[0] - part.shape[0]) // 2, (other.shape[1] - part.shape[1]) // 2
    part[:] = other[top : top + part.shape[0], left : left + part.shape[1]]
    visible[y1:y2, x1:x2] = 0


def _seen(thing: CutOut, visible: Raster, x: int, y: int, size: Size, *, truncated: bool) -> list[Object]:
    """The objects of a cut-out with the boxes of what is seen of them."""
    found = []
    for one, part in thing.parts:
        mask = visible
        if part is not None:
            shown = cv2.resize(part, (visible.shape[1], visible.shape[0]), interpolation=cv2.INTER_LINEAR_EXACT)
            mask = np.minimum(visible, shown)
        box = masks.seen(mask, x, y)
        if box is not None:
            found.append(one.at(box.clipped(*size), truncated=truncated))
    return found
