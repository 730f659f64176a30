"""Pictures are as large as a page allows, and every one has its place."""

from __future__ import annotations

import numpy as np
import pytest

from dlim.annotation import Box
from dlim.report.layout import HEIGHT, MARGIN, WIDTH, Layout, Mark, Picture, Section, layout


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


@pytest.mark.parametrize(
    ("counts", "columns"),
    [((6,), 3), ((5, 5, 5), 5), ((16,), 4), ((7,), 4), ((4, 4, 4), 4), ((2, 96), 5), ((1,), 1), ((11,), 4)],
)
def test_rows_that_fit(counts: tuple[int, ...], columns: int) -> None:
    """A sheet is no wider than it needs to be for as few rows, so that no picture stands alone below the others."""
    found = layout("", [Section("", [picture((75, 20))] * count) for count in counts])
    assert found.columns == columns


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


def test_own_scale_is_kept() -> None:
    """A picture that says how large it is shown decides nothing for the others, though it comes first."""
    map_of_it = Picture(np.zeros((400, 400, 3), np.uint8), scale=0.25)
    assert scales(layout("", [Section("", [map_of_it, picture((32, 24))])])) == [0.25, 4]


def test_words_make_a_column_wider() -> None:
    """A caption and a label have room beside the next picture's, unless they are longer than anyone wants."""
    bare = layout("", [Section("", [picture((100, 50))])])
    told = layout("", [Section("", [picture((100, 50), ("right 12.3, down 4.5 px",))])])
    labelled = layout("", [Section("", [picture((100, 50), label="a_label_of_many_letters")])])
    endless = layout("", [Section("", [picture((100, 50), ("word " * 100,), label="x" * 40)])])
    assert bare.width == 100 < told.width < endless.width == 180
    assert 100 < labelled.width < 180


def test_empty_section_is_its_heading() -> None:
    """A section without pictures takes a line, and the next one begins below it."""
    sections = [Section("first", [picture((32, 24))]), Section("none", []), Section("last", [picture((32, 24))])]
    found = layout("", sections)
    assert found.tops[2] - found.tops[1] == found.tops[1] - found.tops[0] - 96 - MARGIN


def test_long_heading_has_room() -> None:
    """The sheet is as wide as its longest heading."""
    found = layout("", [Section("an operation of a name that nobody would give it", [picture((32, 24))])])
    assert found.size[0] > 300
