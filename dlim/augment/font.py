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

_PROBE = 48  # px per em at which fonts are asked what they can draw
_NOT_A_CHARACTER = "\U0010ffff"  # no font has it, so each draws its mark for what it lacks


def default_font() -> Path:
    """The Japanese font that was installed with dlim."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if file.name == FILE and path.is_file():
            return path
    remedy = f"install it: python -m pip install --no-deps {PACKAGE}=={VERSION}"
    raise ProjectError(FILE, "the Japanese font isn't installed", remedy)


def uncovered(font: Path, characters: Iterable[str]) -> list[str]:
    """The characters that a font can't draw, in their order: it lacks them, or leaves them blank."""
    return [character for character in characters if glyph(font, _PROBE, character) is None]


def glyph(font: Path, em: int, character: str) -> Image.Image | None:
    """A character's ink, cut to its bounds, as grey levels (255 is full); None when the font can't draw it.

    A character that the font lacks comes out as the font's mark for that, and is told by it.
    """
    ink = _ink(font, em, character)
    return None if ink is None or ink == _mark_of_absence(font, em) else ink


@functools.lru_cache(maxsize=16)
def _mark_of_absence(font: Path, em: int) -> Image.Image | None:
    return _ink(font, em, _NOT_A_CHARACTER)


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
