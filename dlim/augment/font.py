"""The font that characters are drawn with, and what it can draw.

The default is IPAexGothic, which the package matplotlib-fontja carries. Only its file is used: the package is
never imported, for that would import matplotlib.

Pillow's basic layout is asked for by name: with the other one, an installed libraqm would decide the bytes.
What still decides them: the font file, its size, and the FreeType inside Pillow's wheel (whose hinting the
variable FREETYPE_PROPERTIES can change).
"""

import functools
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from dlim.errors import ProjectError

PACKAGE = "matplotlib-fontja"
VERSION = "1.1.0"
FILE = "ipaexg.ttf"

SUFFIXES = (".ttf", ".otf", ".ttc")

_PROBE = 48  # px per em at which fonts are asked what they can draw
_NOT_A_CHARACTER = "\U0010ffff"  # no font has it, so each draws its mark for what it lacks


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
