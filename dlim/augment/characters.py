"""Characters as pictures: each upright, whole and centred on a square cell, with the box of its ink.

All characters are drawn at one font size, so that a small ゃ stays smaller than や and a dot stays a dot.
Each is centred by its ink, not by its place on the line: where a full stop or a quotation mark sits within
its em is no part of how it looks once it has been found and cut out.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from dlim.augment.font import glyph
from dlim.augment.images import Pixels
from dlim.errors import ProjectError

Box = tuple[int, int, int, int]
Color = tuple[int, int, int]

BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)

COLUMNS = ("label", "code_point", "character", "name")
_SMALLEST = 2  # px, a side of a box: in VOC's inclusive counting min must lie below max


@dataclass(frozen=True)
class Renderer:
    """How characters are drawn.

    size: the cell's side in px.
    margin: px that stay free on every side; what is left between them is the font size.
    color, background: RGB.
    """

    font: Path
    size: int = 48
    margin: int = 4
    color: Color = BLACK
    background: Color = WHITE

    def __post_init__(self) -> None:
        """Refuse what can't be seen."""
        cell = f"cell of {self.size} px, margin {self.margin}"
        if self.margin < 1 or self.em < _SMALLEST:
            raise ProjectError(cell, "no room for a character", "give a larger size, and a margin of 1 or more")
        for color in (self.color, self.background):
            if len(color) != 3 or not all(isinstance(level, int) and 0 <= level <= 255 for level in color):
                raise ProjectError(cell, f"{color} is no color", "give red, green and blue, each from 0 to 255")
        if tuple(self.color) == tuple(self.background):
            raise ProjectError(cell, "ink and background have one color", "give them different ones")

    @property
    def em(self) -> int:
        """The font size in px."""
        return self.size - 2 * self.margin

    def draw(self, character: str) -> tuple[Pixels, Box]:
        """The character's picture, RGB, and the box around its ink: x1, y1, x2, y2, half-open and 0-based."""
        ink = self._ink(character)
        x, y = (self.size - ink.width) // 2, (self.size - ink.height) // 2
        cell = Image.new("L", (self.size, self.size))
        cell.paste(ink, (x, y))
        return self._colored(cell), (x, y, x + max(ink.width, _SMALLEST), y + max(ink.height, _SMALLEST))

    def _ink(self, character: str) -> Image.Image:
        """At the common size, or smaller for the rare one (a bracket, a rule) that is larger than the em."""
        for em in range(self.em, 0, -1):
            ink = glyph(self.font, em, character)
            if ink is None:
                break
            if max(ink.size) <= self.em:
                return ink
        fault = f"can't draw {character!r} (U+{ord(character):04X})"
        raise ProjectError(self.font, fault, "name a font that has it, or take it out of the corpus")

    def _colored(self, cell: Image.Image) -> Pixels:
        """Whole numbers only, so that no processor rounds otherwise."""
        ink = np.asarray(cell, np.int32)[:, :, None]
        color, background = np.array(self.color, np.int32), np.array(self.background, np.int32)
        return ((color * ink + background * (255 - ink) + 127) // 255).astype(np.uint8)


def label(character: str) -> str:
    """A label that survives lower-casing, stripping and any file system: the code point."""
    return f"ja_char_{ord(character):04x}"


def table(characters: Iterable[str]) -> str:
    """What each label stands for, as CSV."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for character in characters:
        name = unicodedata.name(character, "")
        rows.writerow((label(character), f"U+{ord(character):04X}", character, name))
    return text.getvalue()
