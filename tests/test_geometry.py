"""Where a crop stands on a canvas, what is where on an image, and how boxes follow a variation."""

from __future__ import annotations

from math import cos, radians, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim.geometry import (
    PLACEMENTS,
    Annotation,
    Box,
    Canvas,
    Mesh,
    Object,
    Point,
    Size,
    canvas_from_name,
    canvas_name,
    fits,
    grid,
    origin,
    still,
)

# canvases and placements

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


# boxes and objects

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


# meshes


extent = st.integers(1, 400)
share = st.floats(0, 1)


@st.composite
def affine_meshes(draw: st.DrawFn) -> tuple[Mesh, tuple[float, ...]]:
    """A mesh of any fineness over an image that was scaled, turned and shifted, and the six numbers of that."""
    numbers = tuple(draw(st.floats(-3, 3)) for _ in range(4)) + tuple(draw(st.floats(-100, 100)) for _ in range(2))
    width, height = draw(extent), draw(extent)
    points = [affine(numbers, point) for point in grid(width, height, draw(st.integers(2, 9)))]
    return Mesh(width, height, tuple(points)), numbers


def affine(numbers: tuple[float, ...], point: Point) -> Point:
    a, b, c, d, across, down = numbers
    x, y = point
    return a * x + b * y + across, c * x + d * y + down


def test_a_grid_spans_the_image_row_by_row() -> None:
    """Three points a points lie on the edges and in the middle, the first row first."""
    assert grid(8, 4, 3) == ((0, 0), (4, 0), (8, 0), (0, 2), (4, 2), (8, 2), (0, 4), (4, 4), (8, 4))


@calm
@given(extent, extent, share, share)
def test_still_moves_nothing(width: int, height: int, across: float, down: float) -> None:
    """In a mesh in which nothing moved, every point is where it was."""
    x, y = across * width, down * height
    assert still(width, height).moved(x, y) == pytest.approx((x, y), abs=1e-9)


@calm
@given(affine_meshes(), st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))
def test_an_affine_change_is_told_exactly(made: tuple[Mesh, tuple[float, ...]], across: float, down: float) -> None:
    """However fine the mesh, an affine change moves every point as it should, outside the image too."""
    mesh, numbers = made
    point = across * mesh.width, down * mesh.height
    assert mesh.moved(*point) == pytest.approx(affine(numbers, point), abs=1e-6)


@calm
@given(affine_meshes(), share, share, share, share)
def test_a_followed_box_holds_what_the_box_held(
    made: tuple[Mesh, tuple[float, ...]], left: float, right: float, upper: float, lower: float
) -> None:
    """It is the smallest one around the four corners, as an affine change has its extremes there."""
    mesh, numbers = made
    x1, x2 = sorted((left * mesh.width, right * mesh.width))
    y1, y2 = sorted((upper * mesh.height, lower * mesh.height))
    xs, ys = zip(*(affine(numbers, (x, y)) for x in (x1, x2) for y in (y1, y2)), strict=True)
    found = mesh.followed(Box(x1, y1, x2, y2))
    assert (found.x1, found.y1, found.x2, found.y2) == pytest.approx((min(xs), min(ys), max(xs), max(ys)), abs=1e-6)


def test_a_quarter_turn() -> None:
    """A box at the upper left is at the upper right after a quarter turn clockwise of a square."""
    angle = radians(90)
    turned = [
        (5 + (x - 5) * cos(angle) - (y - 5) * sin(angle), 5 + (x - 5) * sin(angle) + (y - 5) * cos(angle))
        for x, y in grid(10, 10, 2)
    ]
    found = Mesh(10, 10, tuple(turned)).followed(Box(0, 0, 4, 2))
    assert (found.x1, found.y1, found.x2, found.y2) == pytest.approx((8, 0, 10, 4))


def test_a_mirrored_box_keeps_its_order() -> None:
    """Mirrored left to right, the left edge is still the lesser one."""
    mirrored = Mesh(10, 10, tuple([(10 - x, y) for x, y in grid(10, 10, 2)]))
    assert mirrored.followed(Box(1, 2, 4, 8)) == Box(6, 2, 9, 8)


def test_an_edge_that_bulges_is_followed() -> None:
    """Where the middle of an edge moved out further than its ends, the box reaches to the middle."""
    bulged = [(x, y - (3 if (x, y) == (5, 0) else 0)) for x, y in grid(10, 10, 3)]
    assert Mesh(10, 10, tuple(bulged)).followed(Box(0, 0, 10, 10)) == Box(0, -3, 10, 10)


def test_a_box_off_the_bulge_does_not_follow_it() -> None:
    """What moved elsewhere on the image moves no box that isn't there."""
    bulged = [(x, y - (3 if (x, y) == (5, 0) else 0)) for x, y in grid(10, 10, 3)]
    assert Mesh(10, 10, tuple(bulged)).followed(Box(0, 5, 5, 10)) == Box(0, 5, 5, 10)
