"""Letters take the room there is."""

from __future__ import annotations

from dlim.report import lettering


def test_cut() -> None:
    """A text that fits stays whole, a longer one ends in an ellipsis, and no width is too small."""
    assert lettering.cut("zoom 0.84 x 1.12", 12, 200) == "zoom 0.84 x 1.12"
    short = lettering.cut("a_label_of_many_letters", 11, 80)
    assert short.startswith("a_label")
    assert short.endswith("…")
    assert lettering.length(short, 11) <= 80
    assert lettering.cut("wide", 12, 0) == "…"
    assert lettering.cut("", 12, 0) == ""


def test_minus_and_degree_are_seen() -> None:
    """What captions are made of has letters in the font, and a minus keeps its distance."""
    assert all(lettering.font(12).getmask(letter).getbbox() for letter in "-°.,x…0あ")
    assert lettering.length("rotation -3", 12) > lettering.length("rotation-3", 12)
