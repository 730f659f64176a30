"""Backgrounds: screens that are drawn, windows of pictures, and pictures that show an object by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlim import projects, store
from dlim.augment import images
from dlim.errors import ConfigError
from dlim.scenes import backgrounds, masks, screens
from dlim.stages import boxes
from dlim.stages.backgrounds import backgrounds as stage
from dlim.stages.backgrounds import pictures as found_in

ROOT = Path(__file__).parents[2]


def test_a_screen_is_its_keys_own() -> None:
    """The same key draws the same screen, and no two keys draw one alike."""
    drawn = [screens.screen((240, 400), 1, number) for number in range(12)]
    again = screens.screen((240, 400), 1, 5)
    assert all(one.shape == (400, 240, 3) and one.std() > 2 for one in drawn)
    assert (again == drawn[5]).all()
    assert len({one.tobytes() for one in drawn}) == len(drawn)


def test_windows_of_pictures(tmp_path: Path) -> None:
    """Pictures of any size give windows that a scene can be cut from; what is no picture is said and left out."""
    folder = tmp_path / "pictures"
    (folder / "deeper").mkdir(parents=True)
    noise = np.random.default_rng(1)
    for name, size in (("small.png", (50, 90)), ("deeper/wide.jpg", (900, 300))):
        Image.fromarray(noise.integers(0, 255, (size[1], size[0], 3), np.uint8)).save(folder / name)
    (folder / "broken.jpg").write_bytes(b"no image")
    (folder / "notes.txt").touch()
    with store.staging(tmp_path / "windows") as out:
        said = stage(folder, 0, out, (120, 100), 1)
    found = backgrounds.read(tmp_path / "windows")
    assert {one.name.partition("#")[0] for one in found} == {"small.png", "wide.jpg"}
    assert all(one.pixels.shape == (one.size[1], one.size[0], 3) for one in found)
    assert all(one.size[0] >= 120 and one.size[1] >= 100 and not one.drawn for one in found)
    assert said == [f"{folder}/broken.jpg: is no image that can be read; save it as PNG or JPEG; left out"]


def test_pictures_of_one_name(tmp_path: Path) -> None:
    """Two pictures of one name, in two folders, are two."""
    folder, noise = tmp_path / "pictures", np.random.default_rng(1)
    for part in ("a", "b"):
        (folder / part).mkdir(parents=True)
        Image.fromarray(noise.integers(0, 255, (200, 300, 3), np.uint8)).save(folder / part / "shot.png")
    with store.staging(tmp_path / "windows") as out:
        stage(folder, 0, out, (120, 100), 1)
    found = backgrounds.read(tmp_path / "windows")
    assert len(found) == 2 * len({one.name for one in found if "/a/" in one.name}) > 0
    assert len({one.digest for one in found}) == len(found)


def test_there_is_no_such_folder(tmp_path: Path) -> None:
    """A folder of backgrounds that isn't there is said in a line."""
    with pytest.raises(ConfigError, match="is no folder of backgrounds; make it, or take `backgrounds` out of"):
        found_in(tmp_path / "none")


def test_a_picture_that_shows_the_object_is_found() -> None:
    """A button of any size is found where nobody has labelled it, and nowhere else."""
    project = projects.load(ROOT / "projects")["install_btn"]
    _, objects, _ = boxes.objects_of(project, (400, 400))
    master = images.read(project.image)
    mask = masks.suggested(master, [thing.box for thing in objects])
    pictures = {}
    for number, scale in enumerate((0, 0.5, 0.84, 1.3)):
        pixels = screens.screen((420, 420), 9, number).copy()
        if scale:
            small = Image.fromarray(master).resize((int(300 * scale), int(100 * scale)))
            pixels[200 : 200 + small.height, 10 : 10 + small.width] = np.asarray(small)
        pictures[f"{scale}"] = pixels
    found = [scale for scale, pixels in pictures.items() if backgrounds.shows(pixels, master, mask)]
    assert found == ["0.5", "0.84", "1.3"]
