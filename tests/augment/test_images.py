"""Pixels in and out: what is read, what is written, and what is no image."""

from __future__ import annotations

import hashlib
import struct
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dlim import crop
from dlim.augment import images, jpeg
from dlim.augment.images import Pixels


def gradient(width: int = 32, height: int = 24) -> Pixels:
    """Pixels of which no two columns or rows are alike, and whose channels differ."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width, dtype=np.uint8)
    pixels[..., 1] = np.linspace(255, 0, height, dtype=np.uint8)[:, None]
    pixels[..., 2] = 90
    return pixels


PICTURE = Image.fromarray(gradient())


def saved(image: Image.Image, **options: object) -> bytes:
    data = BytesIO()
    image.save(data, **options)  # type: ignore[arg-type]
    return data.getvalue()


def decoded(data: bytes) -> Pixels:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def test_a_jpeg_file_keeps_its_colours(tmp_path: Path) -> None:
    """What is encoded is read back with its channels in order, to within what JPEG loses."""
    (tmp_path / "a.jpg").write_bytes(jpeg.encode(gradient()))
    found = images.read(tmp_path / "a.jpg")
    assert found.shape == (24, 32, 3)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - gradient()).mean() < 4
    with Image.open(tmp_path / "a.jpg") as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (32, 24))


def test_a_file_is_the_same_bytes_for_the_same_pixels() -> None:
    """Encoding has no state, and these bytes are those of the pinned OpenCV."""
    data = jpeg.encode(gradient())
    assert jpeg.encode(gradient()) == data
    assert jpeg.encode(gradient()[:, ::-1][:, ::-1]) == data
    assert hashlib.sha256(data).hexdigest()[:12] == "6cfcab3f4b60"


def test_encoding_leaves_the_pixels_alone() -> None:
    """What is handed over to be written is not changed."""
    pixels = gradient()
    jpeg.encode(pixels)
    assert (pixels == gradient()).all()


def odd_exif(*entries: bytes) -> bytes:
    """A JPEG file that lies on its side, by an EXIF that has such entries beside."""
    turned = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    tags = b"".join([struct.pack("<H", len(entries) + 1), turned, *entries, bytes(4)])
    body = b"Exif\0\0II*\0" + struct.pack("<I", 8) + tags
    data = saved(PICTURE, format="JPEG")
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(struct.pack("<HHII", 0x011A, 10, 1, 5000), id="a fraction behind the end"),
        pytest.param(struct.pack("<HHI4s", 0x011A, 2, 4, b"abc"), id="a resolution in letters"),
        pytest.param(struct.pack("<HHII", 0x8769, 3, 1, 5), id="a folder of tags that is a number"),
    ],
)
def test_an_odd_exif_hides_no_orientation(tmp_path: Path, entry: bytes) -> None:
    """EXIF is read for how the image lies, and whatever else is wrong in it stands in nobody's way."""
    (tmp_path / "a.jpg").write_bytes(odd_exif(entry))
    found = images.read(tmp_path / "a.jpg")
    assert images.size_of(found) == images.measured(tmp_path / "a.jpg") == (24, 32)
    assert int(found[0, -1, 1]) > 240
    again = crop.read(tmp_path / "a.jpg").data
    assert b"Exif" not in again
    assert images.is_plain(again)


def test_a_crop_on_a_canvas() -> None:
    """The canvas shows the crop where it was put, and white everywhere else."""
    crop = gradient(8, 6)
    made = jpeg.placed(crop, (20, 10), (12, 3))
    assert made.shape == (10, 20, 3)
    assert (made[3:9, 12:20] == crop).all()
    made[3:9, 12:20] = 255
    assert (made == 255).all()


def test_a_crop_that_is_the_canvas() -> None:
    """A crop of the canvas's own size is the image as it is."""
    assert (jpeg.placed(gradient(), (32, 24), (0, 0)) == gradient()).all()


def test_only_the_rows_with_the_crop_are_encoded_and_nobody_sees_it() -> None:
    """On canvases and at places of any size, OpenCV and Pillow read the pixels of a file that was encoded whole."""
    generator = np.random.default_rng(3)

    def between(low: int, high: int) -> int:
        return int(generator.integers(low, high + 1))

    for _ in range(120):
        width, height = between(2, 420), between(2, 420)
        across, down = between(1, width), between(1, height)
        crop = generator.integers(0, 256, (down, across, 3), np.uint8)
        place = between(0, width - across), between(0, height - down)
        made = jpeg.on_canvas(crop, (width, height), place)
        whole = jpeg.encode(jpeg.placed(crop, (width, height), place))
        assert (decoded(made) == decoded(whole)).all()
        seen = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in (made, whole)]
        assert (seen[0] == seen[1]).all()
        assert images.jpeg_fault(made) == ""


def test_a_master_for_a_smaller_canvas() -> None:
    """What has no room is made smaller, width to height as before, and what has room stays as it is."""
    assert images.size_of(jpeg.shrunk(gradient(300, 100), (64, 64))) == (64, 21)
    assert jpeg.shrunk(gradient(), (64, 64)) is not None
    assert (jpeg.shrunk(gradient(), (64, 64)) == gradient()).all()
    assert (jpeg.shrunk(gradient(300, 100), None) == gradient(300, 100)).all()


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
