"""Pixels in and out: what is read, what is written, and what is no image."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlim.augment import images
from dlim.augment.images import Pixels
from dlim.errors import ProjectError


def gradient(width: int = 32, height: int = 24) -> Pixels:
    """Pixels of which no two columns or rows are alike, and whose channels differ."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width, dtype=np.uint8)
    pixels[..., 1] = np.linspace(255, 0, height, dtype=np.uint8)[:, None]
    pixels[..., 2] = 90
    return pixels


def saved(image: Image.Image, **options: object) -> bytes:
    data = BytesIO()
    image.save(data, **options)  # type: ignore[arg-type]
    return data.getvalue()


def decoded(data: bytes) -> Pixels:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def test_a_jpeg_file_keeps_its_colours(tmp_path: Path) -> None:
    """What is encoded is read back with its channels in order, to within what JPEG loses."""
    (tmp_path / "a.jpg").write_bytes(images.encode(gradient()))
    found = images.read(tmp_path / "a.jpg")
    assert found.shape == (24, 32, 3)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - gradient()).mean() < 4
    with Image.open(tmp_path / "a.jpg") as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (32, 24))


def test_a_file_is_the_same_bytes_for_the_same_pixels() -> None:
    """Encoding has no state, and these bytes are those of the pinned OpenCV."""
    data = images.encode(gradient())
    assert images.encode(gradient()) == data
    assert images.encode(gradient()[:, ::-1][:, ::-1]) == data
    assert hashlib.sha256(data).hexdigest()[:12] == "6cfcab3f4b60"


def test_encoding_leaves_the_pixels_alone() -> None:
    """What is handed over to be written is not changed."""
    pixels = gradient()
    images.encode(pixels)
    assert (pixels == gradient()).all()


@pytest.mark.parametrize(
    ("mode", "colour"),
    [
        pytest.param("L", 128, id="grey"),
        pytest.param("RGBA", (128, 128, 128, 255), id="with alpha"),
        pytest.param("P", 128, id="a palette"),
        pytest.param("1", 1, id="black and white"),
    ],
)
def test_any_mode_is_read_as_rgb(tmp_path: Path, mode: str, colour: int | tuple[int, ...]) -> None:
    """An image of another mode has three channels once it is read."""
    Image.new(mode, (5, 4), colour).save(tmp_path / "a.png")
    assert images.read(tmp_path / "a.png").shape == (4, 5, 3)


def test_an_image_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    """A photograph held sideways is read upright, as a person sees it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(gradient()).save(tmp_path / "a.jpg", exif=exif, quality=95)
    found = images.read(tmp_path / "a.jpg")
    assert images.size_of(found) == (24, 32)
    assert found[0, :, 1].astype(int).mean() == pytest.approx(127, abs=6)
    assert int(found[0, -1, 1]) > 240


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        pytest.param(None, "is missing; put an image there", id="no file"),
        pytest.param(b"", "is no image that can be read; save it again as a JPEG file", id="an empty file"),
        pytest.param(b"text", "is no image that can be read; save it again as a JPEG file", id="a text"),
        pytest.param(
            images.encode(gradient())[:-200],
            "is no image that can be read; save it again as a JPEG file",
            id="half an image",
        ),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, data: bytes | None, fault: str) -> None:
    """A file that is no image is one line that names it."""
    path = tmp_path / "a.jpg"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ProjectError) as caught:
        images.read(path)
    assert str(caught.value) == f"{path}: {fault}"


def test_a_crop_on_a_canvas() -> None:
    """The canvas shows the crop where it was put, and white everywhere else."""
    crop = gradient(8, 6)
    made = images.placed(crop, (20, 10), (12, 3))
    assert made.shape == (10, 20, 3)
    assert (made[3:9, 12:20] == crop).all()
    made[3:9, 12:20] = 255
    assert (made == 255).all()


def test_a_crop_that_is_the_canvas() -> None:
    """A crop of the canvas's own size is the image as it is."""
    assert (images.placed(gradient(), (32, 24), (0, 0)) == gradient()).all()


PICTURE = Image.fromarray(gradient())

FAULTS = [
    pytest.param(saved(PICTURE, format="JPEG"), "", id="a JPEG"),
    pytest.param(saved(PICTURE.convert("L"), format="JPEG"), "", id="a grey JPEG"),
    pytest.param(saved(PICTURE, format="JPEG", progressive=True), "", id="a progressive JPEG"),
    pytest.param(saved(PICTURE, format="PNG"), "is a PNG file under the name of a JPEG", id="a PNG"),
    pytest.param(saved(PICTURE, format="BMP"), "is a BMP file under the name of a JPEG", id="a BMP"),
    pytest.param(b"text", "is not an image, or only part of one", id="a text"),
    pytest.param(b"", "is not an image, or only part of one", id="nothing"),
    pytest.param(saved(PICTURE, format="JPEG")[:-200], "is not an image, or only part of one", id="a truncated JPEG"),
    pytest.param(saved(PICTURE, format="JPEG")[:20], "is not an image, or only part of one", id="a JPEG's head"),
]


@pytest.mark.parametrize(("data", "fault"), FAULTS)
def test_what_is_no_whole_jpeg(data: bytes, fault: str) -> None:
    """Only a whole JPEG has no fault, whatever its file is called."""
    assert images.jpeg_fault(data) == fault


def turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(PICTURE, format="JPEG", exif=exif)


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        pytest.param(saved(PICTURE, format="JPEG"), True, id="RGB"),
        pytest.param(saved(PICTURE.convert("L"), format="JPEG"), False, id="grey"),
        pytest.param(saved(PICTURE.convert("CMYK"), format="JPEG"), False, id="CMYK"),
        pytest.param(turned(6), False, id="to be turned"),
        pytest.param(turned(1), True, id="not to be turned"),
    ],
)
def test_what_every_reader_sees_alike(data: bytes, plain: bool) -> None:
    """A JPEG is plain where no reader has to convert or to turn it."""
    assert images.is_plain(data) is plain
