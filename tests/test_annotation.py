"""Boxes: their arithmetic, and that what is written of them is always a box that VOC's readers take."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim.annotation import Annotation, Box, Object
from tests.conftest import iou

# no deadline: a busy machine is no fault of the arithmetic
calm = settings(deadline=None)

coordinate = st.floats(-500, 500, allow_nan=False, width=32)
side = st.integers(2, 400)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    """Any box whose edges are in order, also one without an area."""
    x1, x2 = sorted((draw(coordinate), draw(coordinate)))
    y1, y2 = sorted((draw(coordinate), draw(coordinate)))
    return Box(x1, y1, x2, y2)


@st.composite
def boxes_inside(draw: st.DrawFn) -> tuple[Box, int, int]:
    """A box inside an area, and the area's width and height."""
    width, height = draw(side), draw(side)
    x1, x2 = sorted((draw(st.floats(0, width)), draw(st.floats(0, width))))
    y1, y2 = sorted((draw(st.floats(0, height)), draw(st.floats(0, height))))
    return Box(x1, y1, x2, y2), width, height


def test_a_box_is_half_open() -> None:
    """A box from 0 to 4 and from 1 to 3 covers four columns and two rows."""
    box = Box(0, 1, 4, 3)
    assert (box.width, box.height, box.area) == (4, 2, 8)


def test_a_turned_box_has_no_area() -> None:
    """Edges out of order on both sides don't multiply to an area."""
    assert Box(4, 4, 1, 1).area == 0


@pytest.mark.parametrize(
    ("box", "clipped"),
    [
        pytest.param(Box(1, 2, 3, 4), Box(1, 2, 3, 4), id="inside"),
        pytest.param(Box(-5, -5, 50, 50), Box(0, 0, 10, 20), id="around"),
        pytest.param(Box(-3, 5, 4, 25), Box(0, 5, 4, 20), id="over two edges"),
        pytest.param(Box(12, 3, 15, 6), Box(10, 3, 10, 6), id="right of it"),
        pytest.param(Box(2, -9, 5, -1), Box(2, 0, 5, 0), id="above it"),
    ],
)
def test_clipped_is_what_lies_on_the_area(box: Box, clipped: Box) -> None:
    """Clipping to 10 x 20 keeps what is on it, and leaves no area of what isn't."""
    assert box.clipped(10, 20) == clipped


@pytest.mark.parametrize(
    ("box", "over"),
    [
        pytest.param(Box(0, 0, 10, 20), 0, id="exactly inside"),
        pytest.param(Box(-1.5, 0, 10, 20), 1.5, id="left"),
        pytest.param(Box(0, -2, 10, 20), 2, id="above"),
        pytest.param(Box(0, 0, 13, 20), 3, id="right"),
        pytest.param(Box(0, 0, 10, 24), 4, id="below"),
        pytest.param(Box(-1, 0, 12, 23), 3, id="the worst of three"),
    ],
)
def test_overhang_is_that_of_the_worst_edge(box: Box, over: float) -> None:
    """The overhang over 10 x 20 is that of the edge that leaves it the most."""
    assert box.overhang(10, 20) == over


@pytest.mark.parametrize(
    ("box", "seen"),
    [
        pytest.param(Box(-2, 1.4, 4.6, 9), Box(0, 1, 5, 9), id="cut at the edge, and whole"),
        pytest.param(Box(9, 3, 14, 6), Box(8, 3, 10, 6), id="a single column left, with a neighbour"),
        pytest.param(Box(9.1, 3, 14, 6), None, id="less than a column left"),
        pytest.param(Box(3, -9, 6, 0.9), None, id="less than a row left"),
        pytest.param(Box(-9, -9, -1, -1), None, id="nothing left"),
    ],
)
def test_what_is_to_be_seen_of_a_box(box: Box, seen: Box | None) -> None:
    """On 10 x 20 pixels, what is left of a box is whole pixels, or nothing where less than one is left."""
    assert box.seen(10, 20) == seen


@calm
@given(boxes(), side, side)
def test_clipping_ends_every_overhang(box: Box, width: int, height: int) -> None:
    """A clipped box hangs over nowhere, is no larger, and clipping it again changes nothing."""
    clipped = box.clipped(width, height)
    assert clipped.overhang(width, height) == 0
    assert 0 <= clipped.area <= box.area
    assert clipped.clipped(width, height) == clipped
    assert (clipped == box) == (box.overhang(width, height) == 0)


@calm
@given(boxes(), side, side)
def test_a_rounded_box_is_one_that_voc_takes(box: Box, width: int, height: int) -> None:
    """Wherever a box lies, rounded it is whole, inside, and in VOC's terms 1 <= min < max <= side."""
    whole = box.rounded(width, height)
    for low, high, limit in ((whole.x1, whole.x2, width), (whole.y1, whole.y2, height)):
        assert isinstance(low, int)
        assert isinstance(high, int)
        assert 1 <= low + 1 < high <= limit


@calm
@given(boxes_inside())
def test_rounding_moves_no_edge_far(given_box: tuple[Box, int, int]) -> None:
    """An edge moves by half a pixel at most, and by one more where the box is hardly wider than a pixel."""
    box, width, height = given_box
    whole = box.rounded(width, height)
    for length, moves in (
        (box.width, (whole.x1 - box.x1, whole.x2 - box.x2)),
        (box.height, (whole.y1 - box.y1, whole.y2 - box.y2)),
    ):
        if length >= 1:
            assert max(map(abs, moves)) <= (0.5 if length >= 3 else 1.5) + 1e-9


@calm
@given(boxes_inside())
def test_rounding_twice_is_rounding_once(given_box: tuple[Box, int, int]) -> None:
    """A box of whole pixels is its own rounding."""
    box, width, height = given_box
    whole = box.rounded(width, height)
    assert whole.rounded(width, height) == whole


@pytest.mark.parametrize(
    ("low", "high", "rounded"),
    [
        pytest.param(2.5, 6.5, (3, 7), id="a half goes up, from even"),
        pytest.param(3.5, 7.5, (4, 8), id="a half goes up, from odd"),
        pytest.param(4.2, 4.8, (4, 6), id="one pixel gets a neighbour"),
        pytest.param(9.6, 10, (8, 10), id="at the far edge the neighbour is before it"),
        pytest.param(0, 0.4, (0, 2), id="at the near edge it is behind"),
        pytest.param(-7, 30, (0, 10), id="larger than the area"),
    ],
)
def test_rounded_spans(low: float, high: float, rounded: tuple[int, int]) -> None:
    """On a side of 10 pixels an edge goes to the nearest pixel, and never onto its partner."""
    whole = Box(low, low, high, high).rounded(10, 10)
    assert (whole.x1, whole.x2) == (whole.y1, whole.y2) == rounded


@calm
@given(boxes(), st.integers(-300, 300), st.integers(-300, 300))
def test_shifting_there_and_back(box: Box, dx: int, dy: int) -> None:
    """A shift moves all edges alike, and the opposite shift undoes it."""
    there = box.shifted(dx, dy)
    assert (there.x1, there.y2) == (box.x1 + dx, box.y2 + dy)
    back = there.shifted(-dx, -dy)
    assert (back.x1, back.y1, back.x2, back.y2) == pytest.approx((box.x1, box.y1, box.x2, box.y2), abs=1e-9)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(Box(0, 0, 4, 4), 1, id="the same"),
        pytest.param(Box(4, 0, 8, 4), 0, id="beside"),
        pytest.param(Box(9, 9, 12, 12), 0, id="off in both directions"),
        pytest.param(Box(2, 0, 6, 4), 8 / 24, id="half over"),
        pytest.param(Box(1, 1, 3, 3), 4 / 16, id="within"),
    ],
)
def test_iou_of_known_boxes(other: Box, expected: float) -> None:
    """Intersection over union of 4 x 4 pixels with another box, counted by hand."""
    assert iou(Box(0, 0, 4, 4), other) == pytest.approx(expected)


def test_iou_of_nothing_is_none() -> None:
    """Two boxes without an area have nothing in common."""
    assert iou(Box(1, 1, 1, 1), Box(1, 1, 1, 1)) == 0


@calm
@given(boxes(), boxes())
def test_iou_is_a_share_and_has_no_direction(one: Box, other: Box) -> None:
    """It lies between 0 and 1, and is the same either way round."""
    assert 0 <= iou(one, other) <= 1
    assert iou(one, other) == iou(other, one)


@pytest.mark.parametrize(
    ("before", "cut", "after"),
    [(False, False, False), (False, True, True), (True, False, True), (True, True, True)],
)
def test_what_was_cut_off_stays_cut_off(before: bool, cut: bool, after: bool) -> None:
    """A thing placed elsewhere keeps all but its box, and truncated where it was or is now."""
    thing = Object("a", Box(0, 0, 4, 4), truncated=before, difficult=True, pose="Left")
    placed = thing.at(Box(1, 1, 3, 3), truncated=cut)
    assert placed == Object("a", Box(1, 1, 3, 3), truncated=after, difficult=True, pose="Left")


def test_values_are_what_they_say() -> None:
    """Equal boxes, objects and annotations are one in a set: nothing can change under whoever holds them."""
    one, other = (Annotation("a.jpg", 4, 4, (Object("a", Box(0, 0, 2, 2)),)) for _ in range(2))
    assert len({one, other}) == 1
