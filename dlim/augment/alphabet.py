"""A corpus drawn: an image of each of its characters, and the table that says which label is which.

Characters are drawn at one font size, so that a small ゃ stays smaller than や and a dot stays a dot. Each is upright,
whole, and centred on its square cell by its ink, not by its place on the line: where a full stop or a quotation mark
sits within its em is no part of how it looks once it has been found and cut out.

The default font is IPAexGothic, which the package matplotlib-fontja carries. Only its file is used: the package is
never imported, for that would import matplotlib. Pillow's basic layout is asked for by name: with the other one, an
installed libraqm would decide the bytes. What still decides them: the font file, its size, and the FreeType inside
Pillow's wheel (whose hinting the variable FREETYPE_PROPERTIES can change).
"""

from __future__ import annotations

import csv
import functools
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dlim.augment.api import Augmentation
from dlim.augment.corpus import read_corpus
from dlim.augment.images import Pixels
from dlim.errors import ProjectError

TABLE = "characters.csv"

PACKAGE = "matplotlib-fontja"
VERSION = "1.1.0"
FILE = "ipaexg.ttf"

SUFFIXES = (".ttf", ".otf", ".ttc")

_PROBE = 48  # px per em at which fonts are asked what they can draw
_NOT_A_CHARACTER = "\U0010ffff"  # no font has it, so each draws its mark for what it lacks

Box = tuple[int, int, int, int]
Color = tuple[int, int, int]

BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)

COLUMNS = ("label", "code_point", "character", "name")
_SMALLEST = 2  # px, a side of a box: in VOC's inclusive counting min must lie below max


def draw_corpus(
    corpus: Path,
    font: Path | str | None = None,
    size: int = 48,
    margin: int = 4,
    color: Color = BLACK,
    background: Color = WHITE,
) -> None:
    """Write an image of every distinct character of a text, or of a folder of texts.

    font: a font file, or the name of an installed package that holds one; the one installed with dlim where none is
    given. size, margin: of an image, in pixels. color, background: RGB. What is left out is printed: a character that
    the font lacks, or that looks just like another, and what the text only describes.
    """
    augmentation = Augmentation()
    renderer = Renderer(find_font(font), size, margin, color, background)
    found = read_corpus(corpus)
    for note in found.notes:
        print(note)
    lacking = uncovered(renderer.font, found.characters)
    if lacking:
        listed = ", ".join(f"{character} (U+{ord(character):04X})" for character in lacking)
        print(f"{renderer.font.name} has no {listed}; left out")
    drawn = [
        character
        for character in found.characters
        if character not in lacking and _draw(augmentation, renderer, character)
    ]
    augmentation.table(TABLE, table(drawn))


def _draw(augmentation: Augmentation, renderer: Renderer, character: str) -> bool:
    pixels, box = renderer.draw(character)
    return augmentation.image(pixels, label(character), box, name=label(character))


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


def find_font(font: Path | str | None = None) -> Path:
    """The file of a font that was named: by its path, or by the installed package that holds it; else the default.

    Where a package holds several, the file's name follows behind a slash: some-fonts/Gothic.otf. The version of a
    package but the default one isn't watched; a font beside daug.py is. Raises ProjectError.
    """
    if font is None:
        return default_font()
    if isinstance(font, Path) or Path(font).is_file():
        return Path(font)
    package, _, wanted = font.partition("/")
    held = _held(package)
    if wanted in held:
        return held[wanted]
    if len(held) == 1 and not wanted:
        return next(iter(held.values()))
    if held:
        raise ProjectError(font, "is no single font", f"say one of: {', '.join(f'{package}/{name}' for name in held)}")
    raise ProjectError(font, "is neither a font file nor an installed package with one", "name a .ttf or .otf file")


def default_font() -> Path:
    """The Japanese font that was installed with dlim."""
    held = _held(PACKAGE)
    if FILE not in held:
        remedy = f"install it: python -m pip install --no-deps {PACKAGE}=={VERSION}"
        raise ProjectError(FILE, "the Japanese font isn't installed", remedy)
    return held[FILE]


def _held(package: str) -> dict[str, Path]:
    """The font files of an installed package by name, sorted; none where it isn't installed."""
    try:
        files = metadata.files(package) or []
    except (metadata.PackageNotFoundError, ValueError):  # ValueError: no name at all
        files = []
    fonts = {file.name: Path(str(file.locate())) for file in files if file.suffix.lower() in SUFFIXES}
    return {name: path for name, path in sorted(fonts.items()) if path.is_file()}


def uncovered(font: Path, characters: Iterable[str]) -> list[str]:
    """The characters that a font can't draw, in their order: it lacks them, or leaves them blank."""
    return [character for character in characters if not covers(font, character)]


@functools.lru_cache(maxsize=1 << 16)
def covers(font: Path, character: str) -> bool:
    """Whether a font has ink for a character. One that it lacks comes out as its mark for that, and is told by it.

    That is asked at a size at which no character looks like that mark by chance.
    """
    ink = _ink(font, _PROBE, character)
    return ink is not None and ink != _mark_of_absence(font)


def glyph(font: Path, em: int, character: str) -> Image.Image | None:
    """A character's ink, cut to its bounds, as grey levels (255 is full); None when the font can't draw it."""
    return _ink(font, em, character) if covers(font, character) else None


@functools.lru_cache(maxsize=16)
def _mark_of_absence(font: Path) -> Image.Image | None:
    return _ink(font, _PROBE, _NOT_A_CHARACTER)


def _ink(font: Path, em: int, character: str) -> Image.Image | None:
    face = _face(font, em)
    left, top, right, bottom = (round(edge) for edge in face.getbbox(character))
    sheet = Image.new("L", (right - left + 2, bottom - top + 2))
    ImageDraw.Draw(sheet).text((1 - left, 1 - top), character, fill=255, font=face)
    bounds = sheet.getbbox()
    return sheet.crop(bounds) if bounds else None


@functools.lru_cache(maxsize=16)
def _face(font: Path, em: int) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(font, em, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise ProjectError(font, f"can't be read as a font ({error})", "name a .ttf or .otf file") from error
