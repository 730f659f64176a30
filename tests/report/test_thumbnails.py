"""A thumbnail shows the part of an image that is worth a look, with its boxes where they are."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from dlim.geometry import Box, Object
from dlim.report.sheet import COLOURS
from dlim.report.thumbnails import MOST, Thumbnail, palette, thumbnail


def saved(path: Path, size: tuple[int, int], drawn: tuple[int, int, int, int] | None, colour: str = "black") -> Path:
    """A white image with a rectangle on it, half-open and 0-based."""
    image = Image.new("RGB", size, "white")
    if drawn:
        ImageDraw.Draw(image).rectangle((drawn[0], drawn[1], drawn[2] - 1, drawn[3] - 1), fill=colour)
    image.save(path, quality=100, subsampling=0)
    return path


def pixels(found: Thumbnail | None) -> npt.NDArray[np.uint8]:
    assert found is not None
    kind, _, data = found.uri.partition(",")
    assert kind == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        return np.asarray(image.convert("RGB"))


def test_the_white_of_a_canvas_is_left_out(tmp_path: Path) -> None:
    """What is shown is the crop, to the pixel, and its box begins where that begins."""
    path = saved(tmp_path / "a.jpg", (400, 400), (328, 8, 392, 40))
    found = thumbnail(path, [Object("close", Box(330, 10, 350, 30))], {"close": "#123456"}, ["a", "train"])
    assert found is not None
    assert (found.width, found.height) == (64, 32)
    assert [line[:4] for line in found.lines] == [(2, 2, 20, 20)]
    assert (found.lines[0].label, found.lines[0].colour) == ("close", "#123456")
    assert found.caption == ("a", "train")
    assert pixels(found).shape == (32, 64, 3)
    assert pixels(found).max() < 40


def test_light_colours_are_no_canvas(tmp_path: Path) -> None:
    """Yellow is nearly as light as white, and worth a look all the same."""
    found = thumbnail(saved(tmp_path / "a.jpg", (100, 100), (20, 20, 60, 60), "yellow"), [], {}, [])
    assert found is not None
    assert abs(found.width - 40) <= 2


def test_small_pictures_are_shown_crisp(tmp_path: Path) -> None:
    """A picture of a few pixels is shown at a whole factor, and one larger than its place is made to fit."""
    small = thumbnail(saved(tmp_path / "a.jpg", (32, 24), (0, 0, 32, 24)), [], {}, [])
    large = thumbnail(saved(tmp_path / "b.jpg", (1600, 800), (0, 0, 1600, 800)), [], {}, [])
    assert small is not None
    assert large is not None
    assert small.shown == (128, 96)
    assert large.shown == (132, 66)
    assert pixels(small).shape == (24, 32, 3)
    assert pixels(large).shape == (MOST // 2, MOST, 3)


def test_close_to_a_box(tmp_path: Path) -> None:
    """A tiny box on a large image is shown with what is around it, and nothing else."""
    path = saved(tmp_path / "a.jpg", (400, 400), (0, 0, 400, 400))
    found = thumbnail(path, [Object("close", Box(200, 100, 204, 103))], {}, [], close=True)
    assert found is not None
    assert 12 <= found.width <= 30
    assert [line[2:4] for line in found.lines] == [(4, 3)]


@pytest.mark.parametrize("box", [Box(380, 0, 900, 30), Box(500, 500, 600, 600), Box(-50, -60, -10, -20)])
def test_boxes_outside_their_image(tmp_path: Path, box: Box) -> None:
    """A box that isn't on the image, or not all of it, has a picture still."""
    found = thumbnail(saved(tmp_path / "a.jpg", (400, 400), (0, 0, 32, 32)), [Object("close", box)], {}, [], close=True)
    assert found is not None
    assert found.width >= 1
    assert found.height >= 1


@pytest.mark.parametrize("data", [b"", b"<svg onload=alert(1)>", b"\xff\xd8\xff\xe0\x00\x10JFIF"])
def test_no_picture(tmp_path: Path, data: bytes) -> None:
    """What can't be read has none, and is never handed on as it is."""
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert thumbnail(path, [], {}, []) is None
    assert thumbnail(tmp_path / "gone.jpg", [], {}, []) is None


def test_a_white_image(tmp_path: Path) -> None:
    """Where nothing is drawn and nothing is boxed, all of it is shown."""
    found = thumbnail(saved(tmp_path / "a.jpg", (50, 40), None), [], {}, [])
    assert found is not None
    assert (found.width, found.height) == (50, 40)


def test_colours() -> None:
    """A label has a colour of its own, as on a sheet; where there are more labels than colours, all have one."""
    assert palette(["b", "a"]) == {"a": "#e2008c", "b": "#0070dc"}
    many = palette([f"ja_char_{number}" for number in range(len(COLOURS) + 1)])
    assert set(many.values()) == {"#e2008c"}
