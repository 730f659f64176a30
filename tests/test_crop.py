"""A crop from any program is the master that a person saw when they cropped it."""

from __future__ import annotations

import os
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlim import crop
from dlim.augment import images
from dlim.errors import ProjectError

ACROSS, DOWN = np.meshgrid(np.linspace(0, 255, 24), np.linspace(255, 0, 16))
RAMP = np.dstack([ACROSS, DOWN, np.full((16, 24), 90)]).astype(np.uint8)
"""24x16 pixels, RGB, no two of them alike."""


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def pixels(data: bytes) -> images.Pixels:
    with Image.open(BytesIO(data)) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert image.getexif() == {}
        return np.asarray(image)


def refused(path: Path, box: crop.Rectangle | None = None) -> str:
    with pytest.raises(ProjectError) as caught:
        crop.read(path, box)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path}: ")


PICTURE = Image.fromarray(RAMP)
GREY = Image.fromarray(RAMP[:, :, 0])


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tif", "tga", "ppm", "webp", "avif", "ico", "pcx"])
def test_any_format(tmp_path: Path, suffix: str) -> None:
    """Whatever format a program saved, the master is a JPEG file that shows the same."""
    path = tmp_path / f"a.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {"sizes": [(24, 16)]} if suffix == "ico" else {}
    Image.fromarray(RAMP).save(path, **options)
    found = crop.read(path)
    assert found.size == (24, 16)
    worst = 40 if suffix in ("gif", "avif") else 6  # a GIF has 256 colours, an AVIF is lossy as it is saved here
    assert np.abs(pixels(found.data).astype(int) - RAMP).max() <= worst


def test_fine_colours_stay(tmp_path: Path) -> None:
    """Columns of red and blue by turns stay that: the file has colour at full resolution."""
    stripes = np.zeros((16, 24, 3), np.uint8)
    stripes[:, ::2, 0] = 255
    stripes[:, 1::2, 2] = 255
    found = pixels(crop.read(saved(tmp_path / "a.png", Image.fromarray(stripes))).data)
    assert np.abs(found.astype(int) - stripes).max() <= 4


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 30}, {"comment": b"mine"}])
def test_a_jpeg_is_taken_as_it_is(tmp_path: Path, options: dict[str, Any]) -> None:
    """An RGB JPEG that needs no turning is copied byte for byte."""
    path = saved(tmp_path / "a.jpg", PICTURE, **options)
    assert crop.read(path).data == path.read_bytes()


def test_a_jpeg_under_another_name(tmp_path: Path) -> None:
    """What a file is, its content says and not its name."""
    path = saved(tmp_path / "a.png", PICTURE, format="JPEG")
    assert crop.read(path).data == path.read_bytes()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_a_turned_image_is_upright(tmp_path: Path, suffix: str) -> None:
    """An image that says in its EXIF that it lies on its side is stood up, and says so no more."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / f"a.{suffix}", PICTURE, exif=exif)
    found = crop.read(path)
    assert found.size == (16, 24)
    assert np.abs(pixels(found.data).astype(int) - np.rot90(RAMP, -1)).mean() < 4


def see_through(mode: str) -> Image.Image:
    """The ramp with its left half clear, with whatever colour there."""
    alpha = np.full((16, 24), 255, np.uint8)
    alpha[:, :12] = 0
    image = Image.fromarray(np.dstack([RAMP, alpha]))
    return image.quantize(64) if mode == "P" else image.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_clear_is_white(tmp_path: Path, mode: str) -> None:
    """What shines through is put on white, where a viewer shows white too."""
    found = pixels(crop.read(saved(tmp_path / "a.png", see_through(mode))).data)
    assert (found[:, :8] >= 250).all()
    assert (found[:, 16:].mean(axis=2) < 240).all()


def test_half_clear_is_half_white(tmp_path: Path) -> None:
    """A soft edge is mixed with white by its share."""
    image = Image.new("RGBA", (16, 16), (0, 0, 0, 128))
    assert np.abs(pixels(crop.read(saved(tmp_path / "a.png", image)).data).astype(int) - 127).max() <= 1


def test_one_clear_colour(tmp_path: Path) -> None:
    """A PNG without alpha that names one colour as clear has that one on white."""
    image = Image.new("RGB", (16, 16), (0, 200, 0))
    image.paste((200, 0, 0), (8, 0, 16, 16))
    found = pixels(crop.read(saved(tmp_path / "a.png", image, transparency=(0, 200, 0))).data)
    assert found[8, 2].min() >= 250
    assert np.abs(found[8, 13].astype(int) - (200, 0, 0)).max() <= 3


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_become_eight(tmp_path: Path, suffix: str) -> None:
    """An image of 16-bit greys keeps its greys, from black to white."""
    levels = np.linspace(0, 65535, 24 * 16).astype(np.uint16).reshape(16, 24)
    path = tmp_path / f"a.{suffix}"
    if suffix == "pgm":
        path.write_bytes(b"P5 24 16 65535\n" + levels.astype(">u2").tobytes())
    else:
        Image.fromarray(levels).save(path)
    found = pixels(crop.read(path).data)
    assert np.abs(found[..., 0].astype(int) - levels // 257).max() <= 3


def test_a_clear_level_of_sixteen_bits(tmp_path: Path) -> None:
    """Where a 16-bit PNG names a level as clear, that level is white."""
    levels = np.full((16, 16), 1000, np.uint16)
    levels[:, 8:] = 30000
    data = BytesIO()
    Image.fromarray(levels).save(data, "PNG")
    chunk = b"tRNS" + struct.pack(">H", 1000)
    inserted = struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk))
    whole = data.getvalue()
    at = whole.index(b"IDAT") - 4  # before the pixels, whose length stands before their name
    (tmp_path / "a.png").write_bytes(whole[:at] + inserted + whole[at:])
    found = pixels(crop.read(tmp_path / "a.png").data)
    assert found[8, 2].min() >= 250
    assert found[8, 13].max() < 130


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_other_modes_are_rgb(tmp_path: Path, mode: str) -> None:
    """Grey, black and white, a palette and the inks of print come out as RGB."""
    suffix = "jpg" if mode in ("CMYK", "YCbCr") else "png"
    found = crop.read(saved(tmp_path / f"a.{suffix}", PICTURE.convert(mode)))
    assert pixels(found.data).shape == (16, 24, 3)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_the_first_of_several_frames(tmp_path: Path, suffix: str) -> None:
    """Of an animation or a file of pages the first is taken, and that is said."""
    pages = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    path = tmp_path / f"a.{suffix}"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    found = crop.read(path)
    assert found.notes == (f"{path}: has several frames; the first was taken",)
    assert np.abs(pixels(found.data).astype(int) - (255, 0, 0)).max() <= 6


def test_a_box_cuts_the_crop_out(tmp_path: Path) -> None:
    """Of a screenshot only what is in the box becomes the master."""
    found = crop.read(saved(tmp_path / "a.png", PICTURE), (4, 2, 10, 8))
    assert found.size == (10, 8)
    assert np.abs(pixels(found.data).astype(int) - RAMP[2:10, 4:14]).max() <= 4


def test_a_box_is_of_the_upright_image(tmp_path: Path) -> None:
    """On a photograph held sideways the box is where a person sees it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    found = crop.read(saved(tmp_path / "a.png", PICTURE, exif=exif), (0, 14, 16, 10))
    assert np.abs(pixels(found.data).astype(int) - np.rot90(RAMP, -1)[14:]).max() <= 4


def test_a_box_of_all_of_it(tmp_path: Path) -> None:
    """A box may reach to the very edge."""
    assert crop.read(saved(tmp_path / "a.png", PICTURE), (0, 0, 24, 16)).size == (24, 16)


@pytest.mark.parametrize("box", [(0, 0, 25, 16), (20, 0, 5, 5), (0, 16, 2, 2), (99999, 99999, 1, 1)])
def test_a_box_over_the_edge(tmp_path: Path, box: crop.Rectangle) -> None:
    """A box that leaves the image is refused with both."""
    assert refused(saved(tmp_path / "a.png", PICTURE), box) == (
        f"the box {','.join(map(str, box))} leaves the image, which is 24x16; say x,y,width,height within it"
    )


@pytest.mark.parametrize("box", [(0, 0, 1, 9), (0, 0, 9, 0)])
def test_a_box_without_room(tmp_path: Path, box: crop.Rectangle) -> None:
    """A box of nothing, or of a single column, can't be a master."""
    assert refused(saved(tmp_path / "a.png", PICTURE), box) == (
        f"is {box[2]}x{box[3]}; use a crop of at least 2x2 pixels"
    )


@pytest.mark.parametrize(
    ("text", "found"), [("1,2,30,40", (1, 2, 30, 40)), (" 0, 0 ,5 , 6 ", (0, 0, 5, 6)), ("00,01,2,3", (0, 1, 2, 3))]
)
def test_a_box_in_words(text: str, found: crop.Rectangle) -> None:
    """x,y,width,height, with spaces if one likes."""
    assert crop.rectangle(text) == found


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "-1,2,3,4", "1.5,2,3,4", "1,2,3,999999", "a,b,c,d", "１,2,3,4"]
)
def test_what_is_no_box(text: str) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(ProjectError) as caught:
        crop.rectangle(text)
    assert str(caught.value) == (
        f'--box: "{text}" is no rectangle; say x,y,width,height in pixels, such as 368,0,32,32'
    )


def png(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it is so large."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


WHOLE = BytesIO()
PICTURE.save(WHOLE, "PNG")
JPEG = BytesIO()
PICTURE.save(JPEG, "JPEG")

DAMAGED = "is a damaged image, or only part of one; save it again"
DRAWN = "is a drawing and no image; save it as PNG or JPEG"
UNKNOWN = "is no image that can be read; save it as PNG or JPEG"


def huge(count: int) -> str:
    return f"has {count:,} pixels, more than the {Image.MAX_IMAGE_PIXELS:,} that are read; crop it smaller"


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"

BAD = [
    pytest.param(b"", UNKNOWN, id="nothing"),
    pytest.param(b"a close button", UNKNOWN, id="a text"),
    pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", DRAWN, id="a drawing"),
    pytest.param(EPS, DRAWN, id="a drawing that Pillow would open"),
    pytest.param(WHOLE.getvalue()[:-40], DAMAGED, id="part of a PNG"),
    pytest.param(JPEG.getvalue()[:-40], DAMAGED, id="part of a JPEG"),
    pytest.param(WHOLE.getvalue()[:60] + bytes(40) + WHOLE.getvalue()[100:], DAMAGED, id="a hole in a PNG"),
    pytest.param(png(60000, 60000), huge(3_600_000_000), id="a bomb"),
    pytest.param(png(10000, 10000), huge(100_000_000), id="what Pillow only warns of"),
]


@pytest.mark.parametrize(("data", "fault"), BAD)
def test_what_is_no_image(tmp_path: Path, recwarn: pytest.WarningsRecorder, data: bytes, fault: str) -> None:
    """A file that is no image, half of one, or a trap is one line, and no warning beside it."""
    (tmp_path / "a.png").write_bytes(data)
    assert refused(tmp_path / "a.png") == fault
    assert not recwarn.list


@pytest.mark.parametrize("mode", ["I", "F"])
def test_levels_whose_white_nobody_knows(tmp_path: Path, mode: str) -> None:
    """An image of 32 bits a channel is refused rather than guessed at."""
    path = saved(tmp_path / "a.tif", GREY.convert(mode))
    assert refused(path) == "has more than 16 bits a channel; save it as PNG"


def test_what_is_no_file(tmp_path: Path) -> None:
    """A missing file and a folder are told apart."""
    assert refused(tmp_path / "a.png") == "is missing; name an image file"
    assert refused(tmp_path) == "is a folder; name an image file"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """What isn't a file isn't read, for it might never end."""
    os.mkfifo(tmp_path / "a.png")
    assert refused(tmp_path / "a.png") == "is no file; name an image file"


def test_a_side_too_long_for_a_jpeg(tmp_path: Path) -> None:
    """A strip that no JPEG file can hold is refused in words."""
    path = saved(tmp_path / "a.png", Image.new("1", (70000, 2)))
    assert refused(path) == "is 70000x2, longer than the 65,500 pixels of a JPEG file; crop it smaller"


def test_equal_pixels_have_one_digest(tmp_path: Path) -> None:
    """An image is known by what it shows: in another file of the same pixels, and in the master made of it."""
    first = crop.read(saved(tmp_path / "a.png", PICTURE))
    again = crop.read(saved(tmp_path / "b.bmp", PICTURE))
    other = crop.read(saved(tmp_path / "c.png", PICTURE.rotate(180)))
    (tmp_path / "image.jpg").write_bytes(first.data)
    assert first.data == again.data
    assert crop.digest(tmp_path / "image.jpg") == first.digest == again.digest != other.digest


def test_a_digest_knows_the_size(tmp_path: Path) -> None:
    """Two areas of one colour and of as many pixels are different images."""
    wide = crop.read(saved(tmp_path / "a.png", Image.new("RGB", (8, 2), "red")))
    high = crop.read(saved(tmp_path / "b.png", Image.new("RGB", (2, 8), "red")))
    assert wide.digest != high.digest
