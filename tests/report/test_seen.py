"""What shows a shot is found in a dataset, and in what it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from dlim.report.seen import Candidate, Looks, seen, shaped
from tests.conftest import Workspace


def screen(number: int, size: tuple[int, int] = (360, 640)) -> Image.Image:
    """A picture of its own for each number, of large and small parts, as screens are."""
    chance = np.random.default_rng(number)
    rough = Image.fromarray(chance.integers(0, 255, (7, 5, 3), np.uint8)).resize(size, Image.Resampling.NEAREST)
    fine = Image.fromarray(chance.integers(0, 255, (80, 45, 3), np.uint8)).resize(size, Image.Resampling.BILINEAR)
    return Image.blend(rough, fine, 0.3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty shots, one of them of a single colour."""
    for number in range(29):
        screen(number).save(tmp_path / f"{number:02}.png")
    Image.new("RGB", (360, 640), "white").save(tmp_path / "white.png")
    return tmp_path


def test_what_shows_a_shot(folder: Path) -> None:
    """The same bytes, another format, size or brightness; another picture, and another white one, never."""
    shots = [(path, (360, 640)) for path in sorted(folder.glob("*.png"))]
    others = folder / "others"
    others.mkdir()
    (others / "same.png").write_bytes((folder / "03.png").read_bytes())
    screen(4).save(others / "worse.jpg", quality=50)
    screen(5).resize((171, 304)).save(others / "small.jpg")
    ImageEnhance.Brightness(screen(6)).enhance(0.8).save(others / "dark.jpg")
    for number in range(100, 180):
        screen(number).save(others / f"{number}.jpg")
    Image.new("RGB", (360, 640), "#fdfdfd").save(others / "white.jpg")
    candidates = [Candidate(path.name, path) for path in sorted(others.iterdir())]
    looks = Looks(folder / "looks/ssd")
    found = {one.candidate.where: (one.shot.name, one.same) for one in seen(shots, candidates, looks)}
    assert found == {
        "same.png": ("03.png", True),
        "worse.jpg": ("04.png", False),
        "small.jpg": ("05.png", False),
        "dark.jpg": ("06.png", False),
    }
    looks.keep()
    again = Looks(folder / "looks/ssd")
    again.left = 1  # nothing but the white ones is decoded anew
    assert len(seen(shots, candidates, again)) == 4


def test_only_what_has_the_shape_of_a_shot_is_looked_at() -> None:
    """A part of a screen is no screen."""
    images = {"square": (400, 400), "tall": (90, 160), "unread": None}
    assert list(shaped(images, [(1080, 1920)])) == ["tall"]


def test_a_report_says_what_is_learned_from(workspace: Workspace) -> None:
    """A background, a master and an image of the dataset that show a shot are errors of the report."""
    workspace.project("close_btn")
    workspace.learner("ssd", 'canvas = [64, 64]\n[scene]\nbackgrounds = "backgrounds"\nscale = [0.5, 1]\n')
    for name in ("shots", "backgrounds"):
        (workspace.folder / name).mkdir()
        screen(1).save(workspace.folder / name / "one.png")
    screen(2).save(workspace.folder / "backgrounds/two.png")
    (workspace.folder / "shots/master.jpg").write_bytes(
        (workspace.folder / "projects/close_btn/master/image.jpg").read_bytes()
    )
    workspace.ran("dataset:ssd")
    image = next((workspace.folder / "data_set/ssd/JPEGImages").iterdir())
    (workspace.folder / "shots/image.jpg").write_bytes(image.read_bytes())
    assert workspace.doit("report").returncode == 0
    page = (workspace.folder / "output/report.html").read_text()
    assert "3 pictures are shots" in page
    for told in ("backgrounds/one.png", "close_btn&#39;s master", f"JPEGImages/{image.name}"):
        assert told in page
    assert "backgrounds/two.png" not in page
