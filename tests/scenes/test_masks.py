"""Masks: suggested from boxes and borders, read from files, and moved as the boxes are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlim import projects
from dlim.augment import images
from dlim.augment.operations import mix, rotation
from dlim.errors import ProjectError
from dlim.geometry import Box, Mesh, grid
from dlim.scenes import masks
from dlim.stages import boxes

ROOT = Path(__file__).parents[2]


def drawn(size: tuple[int, int], box: Box, corner: int) -> np.ndarray:
    """The truth about a button: a rectangle with round corners."""
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    beyond_x = np.maximum(np.maximum(box.x1 + corner - x, x - box.x2 + corner), 0)
    beyond_y = np.maximum(np.maximum(box.y1 + corner - y, y - box.y2 + corner), 0)
    inside = (box.x1 <= x) & (x <= box.x2) & (box.y1 <= y) & (y <= box.y2)
    return np.where(inside & (beyond_x**2 + beyond_y**2 <= corner**2 + 1e-9), 255, 0).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "corner"), [("close_btn", 0), ("close_round", 20), ("install_btn", 24), ("skip_btn", 7)]
)
def test_a_suggestion_is_the_drawn_button(name: str, corner: int) -> None:
    """On the repository's masters, suggestion and truth overlap by 0.95."""
    project = projects.load(ROOT / "projects")[name]
    size, objects, _ = boxes.objects_of(project, (400, 400))
    found = masks.suggested(images.read(project.image), [thing.box for thing in objects]) >= masks.INK
    truth = drawn(size, objects[0].box, corner) > 0
    assert (found & truth).sum() / (found | truth).sum() >= 0.95


def test_a_suggestion_on_a_busy_border() -> None:
    """Where the border has many colours, the button is still told from it, or its whole box is taken."""
    noise = np.random.default_rng(1)
    master = noise.integers(0, 255, (60, 90, 3), np.uint8)
    truth = drawn((90, 60), Box(12, 10, 78, 50), 12)
    master[truth > 0] = (30, 160, 90)
    found = masks.suggested(master, [Box(12, 10, 78, 50)])
    assert masks.seen(found) is not None
    assert ((found > 127) & (truth > 0)).sum() / ((found > 127) | (truth > 0)).sum() >= 0.9


@pytest.mark.parametrize("operation", [rotation(20), mix((90, 60), 8, 0.2, 0.6, 1.4)])
def test_a_mask_moves_as_the_master_does(operation: object) -> None:
    """The mask of a variation is what became of the object's pixels."""
    mask = drawn((90, 60), Box(12, 10, 78, 50), 8)
    for crop in operation.vary(np.repeat(mask[..., None], 3, 2), [(number,) for number in range(8)], 0):
        followed = masks.followed(mask, crop.mesh, (90, 60))
        assert np.abs(followed.astype(int) - crop.pixels[..., 0]).mean() < 1


def test_a_mask_follows_a_bent_mesh() -> None:
    """Also where more points than corners have moved, the mask lies in the box that follows."""
    mask = drawn((90, 60), Box(12, 10, 78, 50), 8)
    mesh = Mesh(90, 60, tuple((x + 4 * np.sin(y / 9), y * 0.8 + 3) for x, y in grid(90, 60, 9)))
    seen, box = masks.seen(masks.followed(mask, mesh, (90, 60))), mesh.followed(Box(12, 10, 78, 50))
    assert max(abs(seen.x1 - box.x1), abs(seen.y1 - box.y1), abs(seen.x2 - box.x2), abs(seen.y2 - box.y2)) < 1.6


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.zeros((60, 80), np.uint8), "is 80x60, and the master 90x60; draw it again on the master, or delete it"),
        (np.zeros((60, 90), np.uint8), "marks no pixel; paint the object white, or delete it"),
        (None, "is no image that can be read; save it again as PNG, or delete it"),
    ],
)
def test_a_mask_that_is_none(tmp_path: Path, pixels: np.ndarray | None, said: str) -> None:
    """A mask of another size, without the object, or no image is refused in a line."""
    path = tmp_path / "mask.png"
    path.write_bytes(b"no image") if pixels is None else Image.fromarray(pixels).save(path)
    with pytest.raises(ProjectError) as error:
        masks.read(path, (90, 60))
    assert str(error.value) == f"{path}: {said}"
