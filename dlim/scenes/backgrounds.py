"""Backgrounds: windows of pictures and of drawn screens, kept as raw pixels that scenes are cut from."""

from __future__ import annotations

import json
import math
import mmap
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from dlim.augment import images
from dlim.augment.images import size_of
from dlim.augment.operations import uniforms
from dlim.errors import DlimError, shown
from dlim.geometry import Size
from dlim.scenes import Raster, screens
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


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides the windows beside the pictures.

    size: of a scene. screens: how many are drawn. wide: how many pixels across pictures are brought to, as where the
    learner looks; 0 leaves them as they are.
    """

    size: Size
    seed: int
    screens: int = SCREENS
    wide: int = 0


def fill(found: Sequence[Path], out: Staging, settings: Settings) -> list[str]:
    """Fill out with windows of pictures and of drawn screens; what is to be said of them, a line each.

    Screens are drawn, too, where there is no picture that can be read.
    """
    os.environ.pop("FREETYPE_PROPERTIES", None)  # it would change how letters are drawn
    index: dict[str, list[object]] = {}
    said: list[str] = []
    names = Counter(path.name for path in found)
    each = min(max(WINDOWS // max(len(found), 1), 1), MOST)
    for path in found:
        try:
            pixels = images.read(path)
        except DlimError as error:
            said.append(f"{error}; left out")
            continue
        # the choices of scenes hang on names: where a picture lies counts only between two of one name
        name = shown(path.name if names[path.name] == 1 else path.as_posix())
        for number in range(each):
            key: tuple[object, ...] = ("window", settings.seed, name, number)
            _add(out, index, f"{name}#{number}", _window(pixels, settings, key), drawn=False)
    for number in range(settings.screens or (0 if index else SCREENS)):
        pixels = _drawn(settings, number)
        for part in range(EACH):
            key = ("window", settings.seed, number, part)
            window = _coloured(_window(pixels, settings, key, scaled=False), key)
            _add(out, index, f"drawn-{number:03d}#{part}", window, drawn=True)
    out.write(INDEX, json.dumps(index, ensure_ascii=False, indent=0).encode())
    return said


def _add(out: Staging, index: dict[str, list[object]], name: str, pixels: Raster, *, drawn: bool) -> None:
    file = f"{len(index):04d}.bgr"
    out.write(file, np.ascontiguousarray(pixels[..., ::-1]).tobytes())
    index[name] = [file, *size_of(pixels), drawn]


def _drawn(settings: Settings, number: int) -> Raster:
    wide, tall = uniforms(2, "screen", settings.seed, number)
    width = int(max(settings.size) * (1.15 + 1.1 * wide))
    return screens.screen((width, int(width * (1.5 + 0.6 * tall))), settings.seed, number)


def _window(pixels: Raster, settings: Settings, key: tuple[object, ...], *, scaled: bool = True) -> Raster:
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


def _coloured(pixels: Raster, key: tuple[object, ...]) -> Raster:
    """A drawn window in other colours: another order of the channels, and light for dark at times."""
    order, turned = uniforms(2, *key, "colours")
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    pixels = np.ascontiguousarray(pixels[..., orders[int(order * len(orders))]])
    return 255 - pixels if turned < 0.25 else pixels


@dataclass(frozen=True)
class Window:
    """A background that scenes are cut from. name: what it shows. digest: of its pixels, which lie in the file path."""

    name: str
    digest: str
    drawn: bool
    path: str
    size: Size

    @cached_property
    def pixels(self) -> Raster:
        """Its pixels in OpenCV's order of channels, read where they are used: a scene takes half of them or less."""
        with open(self.path, "rb") as file:  # noqa: PTH123 - a str, as of every sealed file
            # all pages at once: met one by one, they would take longer than the copying
            data = mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0), mmap.PROT_READ)
        return np.frombuffer(data, np.uint8).reshape(self.size[1], self.size[0], 3)


def read(folder: Path) -> list[Window]:
    """The windows that `fill` left in a folder."""
    made = Build(folder)
    index = json.loads(made.read(INDEX))
    return [
        Window(name, made.files[file].sha256, drawn, f"{folder}/{file}", (width, height))
        for name, (file, width, height, drawn) in index.items()
    ]


SCALES = tuple(0.5 * 2 ** (step / 8) for step in range(17))
ALIKE = 0.9
"""How like a master a part of a picture must be, of 1, to count as showing it; and at which scales it is looked for."""

_COARSE = 8
"""Pixels of a master's shorter side, as it is looked for at first: small pictures are soon looked through."""


def shows(pixels: Raster, master: Raster, mask: Raster) -> bool:
    """Whether a picture shows a master's object by itself, by template matching: nobody has labelled it there."""
    left, top, width, height = cv2.boundingRect((mask > 127).astype(np.uint8))
    grey = cv2.cvtColor(master, cv2.COLOR_RGB2GRAY)[top : top + height, left : left + width]
    if float(grey.std()) < 4:  # one colour is everywhere
        return False
    whole = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    for scale in SCALES:
        share = min(1, _COARSE / (min(width, height) * scale))
        small = cv2.resize(whole, None, fx=share, fy=share, interpolation=cv2.INTER_AREA) if share < 1 else whole
        if _like(small, grey, scale * share) > ALIKE - 0.15 and _like(whole, grey, scale) > ALIKE:
            return True
    return False


def _like(picture: Raster, master: Raster, scale: float) -> float:
    """How like a master the part of a picture is that is most like it, 0 to 1."""
    size = int(master.shape[1] * scale + 0.5), int(master.shape[0] * scale + 0.5)
    if min(size) < 4 or size[0] > picture.shape[1] or size[1] > picture.shape[0]:
        return 0
    small = cv2.resize(master, size, interpolation=cv2.INTER_AREA)
    likeness = cv2.matchTemplate(picture, small, cv2.TM_CCOEFF_NORMED)
    return float(likeness[np.isfinite(likeness)].max(initial=0))
