"""The letters on a sheet: their font, how wide a text is, and as much of it as there is room for."""

from __future__ import annotations

from functools import cache
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import ImageFont

TITLE = 15
HEADING = 13
CAPTION = 12
LABEL = 11
"""Sizes in pixels."""


@cache
def font(em: int) -> ImageFont.FreeTypeFont:
    """The font of that size, the same on any machine. Raises ProjectError where it isn't installed."""
    from PIL import ImageFont

    from dlim.augment.alphabet import default_font

    # dlim's own and not Pillow's: that one hides the space before a minus
    return ImageFont.truetype(default_font(), em, layout_engine=ImageFont.Layout.BASIC)


def length(text: str, em: int) -> int:
    """How many pixels wide a text is."""
    return ceil(font(em).getlength(text))


def cut(text: str, em: int, width: int) -> str:
    """As much of a text as has room in a width."""
    shown = text
    while len(shown) > 1 and length(shown, em) > width:
        shown = shown[:-2] + "…"
    return shown
