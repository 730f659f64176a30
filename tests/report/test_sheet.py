"""A sheet shows its pictures crisply, with their boxes and words, the same bytes for the same sections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlim.geometry import Box
from dlim.report import sheet
from dlim.report.sheet import (
    COLOURS,
    FRAME,
    HEIGHT,
    MARGIN,
    PAPER,
    WIDTH,
    Layout,
    Mark,
    Picture,
    Section,
    layout,
)
from tests.report.pictures import Shown, coloured, edges, framed

BOX = Box(8, 6, 24, 18)


def plain(grey: int | tuple[int, int, int] = 90, size: tuple[int, int] = (32, 24)) -> Shown:
    return np.asarray(Image.new("RGB", size, grey if isinstance(grey, tuple) else (grey, grey, grey)))


def drawn(*pictures: Picture, title: str = "a sheet") -> Image.Image:
    return sheet.draw(title, [Section("all", pictures)])


def test_small_pictures_are_enlarged_crisply() -> None:
    """Every pixel of a small picture is a square of its own colour."""
    pixels = np.random.default_rng(1).integers(0, 255, (24, 32, 3), np.uint8)
    shown = framed(drawn(Picture(pixels), Picture(plain())))
    assert np.array_equal(shown[0], pixels.repeat(4, axis=0).repeat(4, axis=1))
    assert shown[1].shape == shown[0].shape


@pytest.mark.parametrize("ground", [(0, 0, 0), (255, 255, 255), *COLOURS])
@pytest.mark.parametrize("label", ["", "close"])
def test_box_is_seen_on_any_ground(ground: tuple[int, int, int], label: str) -> None:
    """A box stands out from black, from white, and from its own colour."""
    shown = framed(drawn(Picture(plain(ground), [Mark(BOX, label)])))[0]
    rim = shown[24:26, 40:88].reshape(-1, 3).astype(int)
    assert np.abs(rim - ground).sum(axis=1).max() > 250


def test_white_pictures_end_somewhere() -> None:
    """A white picture, and one as grey as the sheet, are told from the paper by a line around them."""
    assert [picture.shape for picture in framed(drawn(Picture(plain(255)), Picture(plain(PAPER))))] == [
        (96, 128, 3),
        (96, 128, 3),
    ]
    assert len({PAPER, FRAME, (255, 255, 255)}) == 3


def test_labels_have_colours_of_their_own() -> None:
    """Objects of two labels on one picture are told apart, and a label has one colour on the whole sheet."""
    first = Picture(plain(), [Mark(BOX, "skip"), Mark(Box(0, 0, 6, 20), "close")])
    shown = framed(drawn(first, Picture(plain(), [Mark(BOX, "skip")])))
    assert edges(coloured(shown[0], COLOURS[0]))[:1] == (0,)
    assert edges(coloured(shown[1], COLOURS[1]))[2:] == (96, 72)
    assert not coloured(shown[1], COLOURS[0]).any()


def test_more_labels_than_colours() -> None:
    """Where each picture has a label of its own, as characters do, all boxes have one colour."""
    shown = framed(drawn(*(Picture(plain(), [Mark(BOX, f"ja_char_{number:04x}")]) for number in range(40))))
    assert len(shown) == 40
    assert all(coloured(picture).any() for picture in shown)


def test_small_box_is_no_blot() -> None:
    """A box of two pixels shows what is in it."""
    shown = framed(drawn(Picture(plain(90, (64, 64)), [Mark(Box(10, 10, 12, 12))])))[0]
    assert coloured(shown).sum() == 2 * 4 + 2 * 2
    assert (shown[21:23, 21:23] == 90).all()


def test_same_sections_same_bytes(tmp_path: Path) -> None:
    """The same sheet is the same PNG file, and saving it over another one leaves nothing beside it."""
    picture = Picture(plain(), [Mark(BOX, "close")], ["brightness x0.31"])
    for name in ("a", "b", "b"):
        sheet.save(drawn(picture), tmp_path / "new" / f"{name}.png")
    assert (tmp_path / "new/a.png").read_bytes() == (tmp_path / "new/b.png").read_bytes()
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.png", "b.png"]
    with Image.open(tmp_path / "new/a.png") as saved:
        assert saved.format == "PNG"
        assert not saved.info


def picture(size: tuple[int, int], caption: tuple[str, ...] = (), label: str = "") -> Picture:
    marks = [Mark(Box(0, 0, 2, 2), label)] if label else []
    return Picture(np.zeros((size[1], size[0], 3), np.uint8), marks, caption)


def scales(found: Layout) -> list[float]:
    return [one.scale for section in found.sections for one in section.pictures]


@pytest.mark.parametrize(
    ("size", "scale"),
    [
        ((1, 1), 150),
        ((30, 30), 5),
        ((48, 48), 3),
        ((72, 36), 2),
        ((100, 100), 1),
        ((300, 100), 1),
        ((400, 400), 1),
        ((401, 20), 1 / 2),
        ((1600, 900), 1 / 4),
        ((65500, 10), 1 / 164),
    ],
)
def test_scale_of_a_picture(size: tuple[int, int], scale: float) -> None:
    """A small picture is enlarged by a whole factor, and a large one made smaller by one."""
    assert scales(layout("", [Section("", [picture(size)])])) == [scale]


def test_many_pictures_are_smaller() -> None:
    """Where they would go beyond the page, pictures are enlarged less, but never so little that nothing is seen."""
    few, many, most = (layout("", [Section("", [picture((30, 30))] * count)]) for count in (16, 60, 2000))
    assert scales(few)[0] > scales(many)[0] > scales(most)[0] == 3
    assert few.size[1] <= HEIGHT
    assert many.size[1] <= HEIGHT


@pytest.mark.parametrize("sizes", [[(32, 24)] * 17, [(300, 100)] * 5, [(390, 12)] * 4, [(6, 5)] * 30])
def test_places(sizes: list[tuple[int, int]]) -> None:
    """No picture lies on another one or over the edge, and each section begins below the one before it."""
    found = layout("title", [Section("one", [picture(size, ("a", "b")) for size in sizes])] * 3)
    taken = np.zeros(found.size[::-1], int)
    for number, section in enumerate(found.sections):
        for index, one in enumerate(section.pictures):
            x, y = found.place(number, index)
            width, height = one.shown
            assert x + width <= found.size[0] - MARGIN
            assert y + height + 30 <= found.size[1] - MARGIN
            taken[y - 1 : y + height + 30, x : x + width] += 1
    assert taken.max() == 1
    assert found.size[0] <= WIDTH


def test_one_picture_of_another_size() -> None:
    """A picture far larger than the others does not make a giant of the sheet, nor dwarfs of the others."""
    found = layout("", [Section("", [picture((32, 24)), picture((64, 64)), picture((2000, 1000)), picture((28, 20))])])
    assert scales(found) == [4, 2, 1 / 14, 4]


def test_cut() -> None:
    """A text that fits stays whole, a longer one ends in an ellipsis, and no width is too small."""
    assert sheet.cut("zoom 0.84 x 1.12", 12, 200) == "zoom 0.84 x 1.12"
    short = sheet.cut("a_label_of_many_letters", 11, 80)
    assert short.startswith("a_label")
    assert short.endswith("…")
    assert sheet.length(short, 11) <= 80
    assert sheet.cut("wide", 12, 0) == "…"
    assert sheet.cut("", 12, 0) == ""


def test_minus_and_degree_are_seen() -> None:
    """What captions are made of has letters in the font, and a minus keeps its distance."""
    assert all(sheet.font(12).getmask(letter).getbbox() for letter in "-°.,x…0あ")
    assert sheet.length("rotation -3", 12) > sheet.length("rotation-3", 12)
