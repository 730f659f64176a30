"""A sheet shows its pictures as they are, their boxes on any ground, and what is to be said of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlim import builds
from dlim.annotation import Box
from dlim.report import sheet
from dlim.report.layout import MARGIN, TAG, Mark, Picture, Section
from dlim.report.sheet import COLOURS, FRAME, INNER, PAPER
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


def test_box_is_exact() -> None:
    """A box's line lies on the outermost pixels inside it, one pixel thin, a white one in it, and all else stays."""
    without, boxed = framed(drawn(Picture(plain()), Picture(plain(), [Mark(BOX)])))
    line, inner = coloured(boxed), coloured(boxed, INNER)
    assert edges(line) == (32, 24, 96, 72)
    assert line.sum() == 2 * 64 + 2 * 48 - 4
    assert edges(inner) == (33, 25, 95, 71)
    assert np.array_equal(without[~(line | inner)], boxed[~(line | inner)])


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


def test_label_stands_above_its_box() -> None:
    """A label takes nothing from its box, and has room above the picture where its box begins at the upper edge."""
    whole = Box(0, 0, 32, 24)
    page = drawn(Picture(plain(), [Mark(whole, "close_btn")]))
    assert np.array_equal(framed(page)[0], framed(drawn(Picture(plain(), [Mark(whole)])))[0])
    above = np.asarray(page)[: -96 - MARGIN]
    left, top, right, bottom = edges(coloured(above))
    assert bottom - top == TAG - 1
    assert 40 < right - left < 80
    assert (above[top:bottom, left:right] == INNER).all(axis=2).any()


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


def test_captions_are_written() -> None:
    """What is to be said stands under the picture, one line below the other, and a heading above all."""
    bare = np.asarray(sheet.draw("", [Section("", [Picture(plain())])]))
    told = np.asarray(sheet.draw("", [Section("", [Picture(plain(), (), ["rotation -3.2°", "zoom 0.84 x 1.12"])])]))
    assert told.shape[0] - bare.shape[0] == 30
    below = (told[-42:] != PAPER).any(axis=2)
    assert below[:15].any()
    assert below[15:30].any()


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


def test_full_disk(tmp_path: Path) -> None:
    """Where the disk is full, the sheet that there was stays, and nothing lies beside it."""
    path = tmp_path / "ssd.png"
    sheet.save(drawn(Picture(plain())), path)
    before = path.read_bytes()
    (tmp_path / f"{builds.FRESH}ssd.png").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        sheet.save(drawn(Picture(plain(200))), path)
    assert [one.name for one in tmp_path.iterdir()] == ["ssd.png"]
    assert path.read_bytes() == before
