"""extend: the master on the labelling canvas."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlim.config import ProjectSettings
from dlim.errors import ProjectError
from dlim.geometry import PLACEMENTS
from dlim.projects import Project
from dlim.stages import extend
from tests.conftest import draw_master

BOX = 8, 8, 24, 16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder with a master of 32 x 24."""
    (tmp_path / "master").mkdir()
    draw_master(tmp_path / "master/image.jpg", (32, 24), BOX)
    return tmp_path


def project(folder: Path, placement: str = "left-upper") -> Project:
    return Project("button", folder, ProjectSettings(placement=placement))


@pytest.mark.parametrize(
    ("placement", "corner"),
    [
        ("left-upper", (0, 0)),
        ("right-upper", (64, 0)),
        ("left-lower", (0, 48)),
        ("right-lower", (64, 48)),
        ("centre", (32, 24)),
    ],
)
def test_where_the_master_is_shown(folder: Path, placement: str, corner: tuple[int, int]) -> None:
    """The labelling image has the canvas's size, the master where its placement says, and is white elsewhere."""
    extend.extend(project(folder, placement), (96, 72))
    with Image.open(project(folder).extended) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (96, 72))
        pixels = np.asarray(image).astype(int)
    with Image.open(project(folder).image) as image:
        master = np.asarray(image).astype(int)
    x, y = corner
    assert np.abs(pixels[y : y + 24, x : x + 32] - master).mean() < 4
    pixels[y : y + 24, x : x + 32] = 255
    assert np.abs(pixels - 255).mean() < 0.5


def test_all_placements_are_tested() -> None:
    """The table above has a row for each placement that there is."""
    [mark] = test_where_the_master_is_shown.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in mark.args[1]} == set(PLACEMENTS)


def test_the_same_image_is_not_written_again(folder: Path) -> None:
    """A labelling image that is as it would be keeps its time: it is under source control."""
    extend.extend(project(folder), (96, 72))
    os.utime(project(folder).extended, ns=(5, 5))
    extend.extend(project(folder), (96, 72))
    assert project(folder).extended.stat().st_mtime_ns == 5


def test_another_image_takes_its_place(folder: Path) -> None:
    """A labelling image of another canvas, or a damaged one, is written anew, and nothing is left beside it."""
    extend.extend(project(folder), (96, 72))
    good = project(folder).extended.read_bytes()
    extend.extend(project(folder), (80, 72))
    assert project(folder).extended.read_bytes() != good
    project(folder).extended.write_bytes(b"half")
    extend.extend(project(folder), (96, 72))
    assert project(folder).extended.read_bytes() == good
    assert sorted(path.name for path in (folder / "master").iterdir()) == ["image.jpg", "image_extended.jpg"]


def test_a_master_of_the_canvass_size(folder: Path) -> None:
    """A master as large as the canvas is its own labelling image."""
    extend.extend(project(folder, "centre"), (32, 24))
    with Image.open(project(folder).extended) as image:
        assert image.size == (32, 24)


@pytest.mark.parametrize("canvas", [(31, 24), (32, 23)], ids=["too wide", "too high"])
def test_a_master_without_room(folder: Path, canvas: tuple[int, int]) -> None:
    """A master larger than the canvas is labelled as it is: there is no larger frame to draw its box in."""
    extend.extend(project(folder), canvas)
    with Image.open(project(folder).extended) as image:
        assert image.size == (32, 24)


def test_no_master(folder: Path) -> None:
    """Without a master there is nothing to extend, and that is said."""
    project(folder).image.unlink()
    with pytest.raises(ProjectError) as caught:
        extend.extend(project(folder), (96, 72))
    assert str(caught.value).startswith("button: master/image.jpg is missing; doit new button --image")


def test_a_master_that_is_no_image(folder: Path) -> None:
    """A master that can't be read is named."""
    project(folder).image.write_bytes(b"text")
    with pytest.raises(ProjectError) as caught:
        extend.extend(project(folder), (96, 72))
    assert str(caught.value) == (f"{folder}/master/image.jpg: is no image that can be read; save it as PNG or JPEG")
