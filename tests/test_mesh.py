"""The mesh: where points and boxes of an image went."""

from __future__ import annotations

from math import cos, radians, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim.annotation import Box
from dlim.mesh import Mesh, Point, grid, mesh_of, still

calm = settings(deadline=None)

side = st.integers(1, 400)
share = st.floats(0, 1)


@st.composite
def affine_meshes(draw: st.DrawFn) -> tuple[Mesh, tuple[float, ...]]:
    """A mesh of any fineness over an image that was scaled, turned and shifted, and the six numbers of that."""
    numbers = tuple(draw(st.floats(-3, 3)) for _ in range(4)) + tuple(draw(st.floats(-100, 100)) for _ in range(2))
    width, height = draw(side), draw(side)
    points = [affine(numbers, point) for point in grid(width, height, draw(st.integers(2, 9)))]
    return mesh_of((width, height), points), numbers


def affine(numbers: tuple[float, ...], point: Point) -> Point:
    a, b, c, d, across, down = numbers
    x, y = point
    return a * x + b * y + across, c * x + d * y + down


def test_a_grid_spans_the_image_row_by_row() -> None:
    """Three points a side lie on the edges and in the middle, the first row first."""
    assert grid(8, 4, 3) == ((0, 0), (4, 0), (8, 0), (0, 2), (4, 2), (8, 2), (0, 4), (4, 4), (8, 4))


@calm
@given(side, side, share, share)
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
    found = mesh_of((10, 10), turned).followed(Box(0, 0, 4, 2))
    assert (found.x1, found.y1, found.x2, found.y2) == pytest.approx((8, 0, 10, 4))


def test_a_mirrored_box_keeps_its_order() -> None:
    """Mirrored left to right, the left edge is still the lesser one."""
    mirrored = mesh_of((10, 10), [(10 - x, y) for x, y in grid(10, 10, 2)])
    assert mirrored.followed(Box(1, 2, 4, 8)) == Box(6, 2, 9, 8)


def test_an_edge_that_bulges_is_followed() -> None:
    """Where the middle of an edge moved out further than its ends, the box reaches to the middle."""
    bulged = [(x, y - (3 if (x, y) == (5, 0) else 0)) for x, y in grid(10, 10, 3)]
    assert mesh_of((10, 10), bulged).followed(Box(0, 0, 10, 10)) == Box(0, -3, 10, 10)


def test_a_box_off_the_bulge_does_not_follow_it() -> None:
    """What moved elsewhere on the image moves no box that isn't there."""
    bulged = [(x, y - (3 if (x, y) == (5, 0) else 0)) for x, y in grid(10, 10, 3)]
    assert mesh_of((10, 10), bulged).followed(Box(0, 5, 5, 10)) == Box(0, 5, 5, 10)


def test_a_mesh_from_json_is_the_same() -> None:
    """Lists as JSON has them make an equal mesh."""
    mesh = still(8, 4)
    assert mesh_of([8, 4], [list(point) for point in mesh.points]) == mesh  # type: ignore[arg-type]
