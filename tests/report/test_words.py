"""What was drawn is told in words that a person need not look up."""

from __future__ import annotations

import pytest

from dlim.mesh import Mesh, grid, still
from dlim.report import words


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({}, []),
        ({"rotation": -3.2412}, ["rotation -3.2°"]),
        ({"rotation": -0.001}, ["rotation 0.0°"]),
        ({"shift_y": -3.809464}, ["up 3.8 px"]),
        ({"shift_y": 2.04}, ["down 2.0 px"]),
        ({"shift_x": 1, "shift_y": -2.36}, ["right 1.0, up 2.4 px"]),
        ({"shift_x": -1.5}, ["left 1.5 px"]),
        ({"zoom_x": 0.8412, "zoom_y": 1.1199}, ["zoom 0.84 x 1.12"]),
        ({"zoom_y": 1.2}, ["zoom 1.00 x 1.20"]),
        ({"brightness": 0.3141}, ["brightness x0.31"]),
        (
            {"rotation": 0.5, "shift_x": 3, "shift_y": 4, "zoom_x": 1, "zoom_y": 1},
            ["rotation 0.5°", "right 3.0, down 4.0 px", "zoom 1.00 x 1.00"],
        ),
        ({"noise": 12.5, "brightness": 1}, ["brightness x1.00", "noise 12.5"]),
    ],
)
def test_drawn(parameters: dict[str, float], told: list[str]) -> None:
    """Each thing that was drawn has a line; a pair shares one."""
    assert words.drawn(parameters) == told


def test_moved() -> None:
    """Of a variation of which nobody noted the draws, the mesh tells how far its points went."""
    bent = Mesh(
        40, 40, tuple((x + (3 if x == y == 40 else 0), y + (4 if x == y == 40 else 0)) for x, y in grid(40, 40, 9))
    )
    assert words.moved(bent, (40, 40)) == ["moved by up to 5.0 px"]
    assert words.moved(still(40, 40), (40, 40)) == []
    assert words.moved(Mesh(40, 40, grid(20, 20, 2)), (20, 20)) == []
