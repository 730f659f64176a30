"""Where a crop stands on a canvas."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim.frame import PLACEMENTS, Canvas, Size, canvas_from_name, canvas_name, fits, origin

pixels = st.integers(1, 2000)


@pytest.mark.parametrize(
    ("canvas", "name"), [pytest.param(None, "native", id="native"), pytest.param((400, 300), "400x300", id="size")]
)
def test_canvas_names_go_both_ways(canvas: Canvas, name: str) -> None:
    """A canvas is written as native, or as width x height, and read back from that."""
    assert canvas_name(canvas) == name
    assert canvas_from_name(name) == canvas


@pytest.mark.parametrize("text", ["", "400", "400x", "x400", "400x400x400", "400 by 400", "NATIVE"])
def test_other_text_is_no_canvas(text: str) -> None:
    """Anything else is refused, not guessed at."""
    with pytest.raises(ValueError, match="invalid literal"):
        canvas_from_name(text)


@pytest.mark.parametrize(
    ("placement", "expected"),
    [
        ("left-upper", (0, 0)),
        ("right-upper", (370, 0)),
        ("left-lower", (0, 280)),
        ("right-lower", (370, 280)),
        ("centre", (185, 140)),
    ],
)
def test_where_a_crop_stands(placement: str, expected: tuple[int, int]) -> None:
    """A crop of 30 x 20 on 400 x 300 begins where its placement says."""
    assert origin((30, 20), (400, 300), placement) == expected


def test_an_odd_rest_goes_to_the_right_and_below() -> None:
    """In the centre, the pixel left over lies right of and below the crop."""
    assert origin((31, 21), (400, 300), "centre") == (184, 139)


def test_a_native_canvas_is_the_crop() -> None:
    """Where the canvas is native, every placement is the origin, and every crop has room."""
    assert {origin((30, 20), None, placement) for placement in PLACEMENTS} == {(0, 0)}
    assert fits((5000, 5000), None)


@pytest.mark.parametrize(
    ("crop", "room"),
    [
        pytest.param((400, 300), True, id="exactly"),
        pytest.param((401, 300), False, id="too wide"),
        pytest.param((400, 301), False, id="too high"),
        pytest.param((300, 400), False, id="turned"),
    ],
)
def test_what_has_room(crop: Size, room: bool) -> None:
    """A crop has room where neither side is longer than the canvas's."""
    assert fits(crop, (400, 300)) is room


@settings(deadline=None)
@given(pixels, pixels, st.integers(0, 500), st.integers(0, 500), st.sampled_from(sorted(PLACEMENTS)))
def test_a_crop_that_has_room_lies_inside(width: int, height: int, across: int, down: int, placement: str) -> None:
    """Whatever the sizes and the placement, a crop that fits lies on the canvas with all its pixels."""
    canvas = width + across, height + down
    assert fits((width, height), canvas)
    x, y = origin((width, height), canvas, placement)
    assert 0 <= x <= across
    assert 0 <= y <= down
