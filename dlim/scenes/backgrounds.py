"""Backgrounds: windows of the pictures in a folder and of drawn screens, kept as raw pixels that scenes are cut from."""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from dlim.augment import images
from dlim.augment.images import Pixels, size_of
from dlim.augment.operations import uniforms
from dlim.errors import ConfigError, DlimError, shown
from dlim.geometry import Size
from dlim.scenes import screens
from dlim.store import Build, Staging

INDEX = "index.json"
"""What a folder of windows says of each: what it shows, its file, width and height, and whether it was drawn."""

SCREENS = 96
"""How many screens are drawn, and EACH how many windows of each are kept."""
EACH = 2

WINDOWS = 256
"""How many windows of pictures are kept, as far as each picture has one and none more than MOST."""
MOST = 6

ROOM = 1.5
"""A window's sides, in those of a scene: what one is cut from leaves room for others."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides the windows beside the pictures.

    size: of a scene. drawn: whether screens are drawn too. wide: how many pixels across pictures are brought to, as
    where the learner looks; 0 leaves them as they are.
    """

    size: Size
    seed: int
    drawn: bool = True
    wide: int = 0


def pictures(folder: Path) -> list[Path]:
    """The pictures in a folder and below it, sorted. Raises ConfigError where there is no such folder."""
    if not folder.is_dir():
        raise ConfigError(folder, "is no folder of backgrounds", "make it, or take `backgrounds` out of [scene]")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.name[0] != ".")


def fill(found: Sequence[Path], out: Staging, settings: Settings) -> list[str]:
    """Fill out with windows of pictures and of drawn screens; what is to be said of them, a line each.

    Raises ConfigError where nothing is left that a scene could be cut from.
    """
    index: dict[str, list[object]] = {}
    said: list[str] = []
    each = min(max(WINDOWS // max(len(found), 1), 1), MOST)
    for path in found:
        try:
            pixels = images.read(path)
        except DlimError as error:
            said.append(f"{error}; left out")
            continue
        name = shown(path.name)
        for number in range(each):
            key = ("window", settings.seed, name, number)
            _add(out, index, f"{name}#{number}", _window(pixels, settings, key), drawn=False)
    if settings.drawn or not index:
        for number in range(SCREENS):
            pixels = _drawn(settings, number)
            for part in range(EACH):
                key = ("window", settings.seed, number, part)
                window = _coloured(_window(pixels, settings, key, scaled=False), key)
                _add(out, index, f"drawn-{number:03d}#{part}", window, drawn=True)
    out.write(INDEX, json.dumps(index, ensure_ascii=False, indent=0).encode())
    return said


def _add(out: Staging, index: dict[str, list[object]], name: str, pixels: Pixels, *, drawn: bool) -> None:
    file = f"{len(index):04d}.rgb"
    out.write(file, pixels.tobytes())
    index[name] = [file, *size_of(pixels), drawn]


def _drawn(settings: Settings, number: int) -> Pixels:
    wide, tall = uniforms(2, "screen", settings.seed, number)
    width = int(max(settings.size) * (1.15 + 1.1 * wide))
    return screens.screen((width, int(width * (1.5 + 0.6 * tall))), settings.seed, number)


def _window(pixels: Pixels, settings: Settings, key: tuple[object, ...], *, scaled: bool = True) -> Pixels:
    """A part of a picture, at a scale of its own where that is wanted: screens are not all of one resolution."""
    from PIL import Image

    scale, across, down = uniforms(3, *key)
    size, (width, height) = settings.size, size_of(pixels)
    least = max(size[0] / width, size[1] / height)
    own = settings.wide / width if settings.wide else 1
    factor = max(least, own * math.exp(math.log(2) * (scale - 0.5)) if scaled else 1)
    if factor != 1:
        # through Pillow, which reckons in whole numbers: the same on any machine
        to = max(size[0], round(width * factor)), max(size[1], round(height * factor))
        pixels = np.asarray(Image.fromarray(pixels).resize(to, Image.Resampling.BILINEAR))
    width, height = size_of(pixels)
    w, h = min(width, int(size[0] * ROOM)), min(height, int(size[1] * ROOM))
    x, y = int(across * (width - w + 1)), int(down * (height - h + 1))
    return np.ascontiguousarray(pixels[y : y + h, x : x + w])


def _coloured(pixels: Pixels, key: tuple[object, ...]) -> Pixels:
    """A drawn window in other colours: another order of the channels, and light for dark at times."""
    order, turned = uniforms(2, *key, "colours")
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    pixels = np.ascontiguousarray(pixels[..., orders[int(order * len(orders))]])
    return 255 - pixels if turned < 0.25 else pixels


class Window(NamedTuple):
    """A background that scenes are cut from. name: what it shows. digest: of its pixels."""

    name: str
    digest: str
    drawn: bool
    path: str
    size: Size

    @property
    def pixels(self) -> Pixels:
        """Its pixels, read where they are used: a scene takes half of them or less."""
        return _mapped(self.path, self.size)


@cache
def _mapped(path: str, size: Size) -> Pixels:
    with open(path, "rb") as file:  # noqa: PTH123 - a str, as of every sealed file
        # all pages at once: met one by one, they would take longer than the copying
        data = mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0), mmap.PROT_READ)
    return np.frombuffer(data, np.uint8).reshape(size[1], size[0], 3)


def read(folder: Path) -> list[Window]:
    """The windows that `fill` left in a folder."""
    made = Build(folder)
    index = json.loads(made.read(INDEX))
    return [
        Window(name, made.files[file].sha256, drawn, f"{folder}/{file}", (width, height))
        for name, (file, width, height, drawn) in index.items()
    ]


SCALES = tuple(0.5 * 2 ** (step / 4) for step in range(9))
ALIKE = 0.9
"""How like a master a part of a picture must be, of 1, to count as showing it; and at which scales it is looked for."""


def showing(found: Iterable[tuple[str, Pixels]], master: Pixels, mask: Pixels) -> Iterator[str]:
    """Which of some pictures show a master's object by themselves, by template matching: nobody has labelled it there.

    Looked for at half the size first; what is there is looked at again in full.
    """
    grey = cv2.cvtColor(master, cv2.COLOR_RGB2GRAY)
    x, y, w, h = cv2.boundingRect((mask > 127).astype(np.uint8))
    grey, mask = grey[y : y + h, x : x + w], mask[y : y + h, x : x + w]
    if float(grey[mask > 127].std()) < 4:  # one colour is everywhere
        return
    for name, pixels in found:
        whole = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
        half = cv2.resize(whole, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        if any(_like(half, grey, scale / 2) > ALIKE - 0.15 and _like(whole, grey, scale) > ALIKE for scale in SCALES):
            yield name


def _like(picture: Pixels, master: Pixels, scale: float) -> float:
    size = int(master.shape[1] * scale), int(master.shape[0] * scale)
    if min(size) < 6 or size[0] > picture.shape[1] or size[1] > picture.shape[0]:
        return 0
    small = cv2.resize(master, size, interpolation=cv2.INTER_AREA)
    likeness = cv2.matchTemplate(picture, small, cv2.TM_CCOEFF_NORMED)
    return float(likeness[np.isfinite(likeness)].max(initial=0))
