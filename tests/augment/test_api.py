"""What a daug.py writes with: each image once, the same for the same seeds, and its boxes where its pixels are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlim import store, variation
from dlim.augment import Augmentation
from dlim.augment import api as augmentation
from dlim.augment.context import Context
from dlim.augment.imgaug import augmenters
from dlim.errors import AugmentError, ConfigError, ProjectError
from dlim.formats import voc
from dlim.geometry import PLACEMENTS, Box, Canvas, Object, canvas_name
from dlim.stages import annotate
from tests.conftest import draw_master, iou

SIZE = 60, 48
BOX = 9, 6, 41, 30
GREY = 40
"""The master's background, which is also what a shift bares, so that only the object is bright."""

Telling = Callable[..., Path]


def forget() -> None:
    """Forget what an earlier script of this process was told: a script has a process to itself."""
    for remembered in (augmentation._context, augmentation._master, augmentation._folder):
        remembered.cache_clear()


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telling]:
    """Tells this process what dlim tells a script, and gives the folder that its images go to."""

    def tell(name: str = "out", canvas: Canvas = None, placement: str = "left-upper", **values: Any) -> Path:
        out = tmp_path / name
        out.mkdir()
        master = tmp_path / "image.jpg"
        if not master.exists():
            draw_master(master, SIZE, BOX, GREY)
        settings = {"seed": 1, "count": 5, "cval": GREY, **values}
        for key, value in Context("button", master, out, canvas, placement, **settings).environment().items():
            monkeypatch.setenv(key, value)
        monkeypatch.setattr(sys, "argv", ["daug.py", "button"])
        forget()
        return out

    yield tell
    forget()


def written(folder: Path) -> dict[str, bytes]:
    """The images in a folder by name, sorted."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.jpg"))}


def parameters(folder: Path) -> list[dict[str, float]]:
    return [dict(record.parameters) for record in variation.read(folder)]


# boxes and pixels


def mirrored_and_tilted() -> Any:
    iaa = augmenters()
    return iaa.Sequential([iaa.Fliplr(0.5), iaa.PerspectiveTransform(scale=(0.01, 0.1), keep_size=True, cval=GREY)])


OPERATIONS: dict[str, Callable[[Augmentation], None]] = {
    "height": lambda variations: variations.height(12, count=40),
    "mix": lambda variations: variations.mix(degrees=10, count=40),
    "rotation": lambda variations: variations.rotation(15, count=40),
    "tilt": lambda variations: variations.imgaug(mirrored_and_tilted(), "tilt", count=40),
    "zoom": lambda variations: variations.zoom(count=40),
}


def bright(path: Path, record: variation.Variation) -> Box:
    """Where the object's pixels are on an image; the white of the canvas around the crop doesn't count."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("L"))
    assert pixels.shape[::-1] == record.size
    (x, y), (width, height) = record.origin, record.crop
    rows, columns = np.nonzero(pixels[y : y + height, x : x + width] > (255 + GREY) / 2)
    box = Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
    return box.shifted(x, y)


@pytest.mark.parametrize(
    ("canvas", "placement"),
    [
        pytest.param(None, "left-upper", id="native"),
        *(pytest.param((400, 400), placement, id=placement) for placement in PLACEMENTS),
    ],
)
def test_boxes_are_where_the_pixels_are(told: Telling, tmp_path: Path, canvas: Canvas, placement: str) -> None:
    """Over 200 variations, the annotated box and the object's own pixels have a mean IoU of 0.95 or more."""
    out = told(canvas=canvas, placement=placement)
    for operation in OPERATIONS.values():
        operation(Augmentation())
    build = tmp_path / "build"
    master = (Object("button", Box(*BOX)),)
    store.seal(out / store.MANIFEST, [path.name for path in out.iterdir()])
    with store.staging(build) as made:
        assert annotate.annotate(out, "digest", master, made, annotate.Settings("button", "button", {})) == []
    records = {record.filename: record for record in variation.read(out)}
    found: dict[str, list[float]] = {name: [] for name in OPERATIONS}
    for stem, (_, filename) in annotate.read_index(build).images.items():
        image = voc.read(build / f"{stem}.xml")
        assert (image.width, image.height) == records[filename].size
        shown = bright(build / f"{stem}.jpg", records[filename])
        found[records[filename].operation].append(iou(image.objects[0].box, shown))
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(OPERATIONS, 40)
    for name, values in found.items():
        figures = f"{name} on {canvas_name(canvas)}: mean {np.mean(values):.4f}, minimum {min(values):.4f}"
        assert np.mean(values) >= 0.95, figures
        assert min(values) >= 0.85, figures


# the same again, and no image twice


SUITE = """from dlim.augment import Augmentation
from dlim.augment.imgaug import augmenters
iaa = augmenters()
variations = Augmentation(count=4)
variations.suite()
variations.rotation()
variations.imgaug(iaa.Sometimes(0.5, iaa.OneOf([iaa.Fliplr(1.0), iaa.AdditiveGaussianNoise(scale=20)])))
"""


def test_another_process_writes_the_same_bytes(told: Telling, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seeds make the same files and records, whichever process makes them, and with any hash seed."""
    here = told("here")
    exec(SUITE, {})
    there = told("there")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    subprocess.run([sys.executable, "-c", SUITE, "button"], check=True, capture_output=True)
    assert len(written(here)) > 40
    assert written(here) == written(there)
    assert (here / variation.RECORDS).read_bytes() == (there / variation.RECORDS).read_bytes()


@pytest.mark.parametrize(
    "change", [pytest.param({"seed": 2}, id="seed"), pytest.param({"canvas": (80, 80)}, id="canvas")]
)
def test_what_a_script_is_told_decides_its_bytes(told: Telling, change: dict[str, Any]) -> None:
    """With another seed or canvas, every image is another one."""
    made = []
    for name, settings in (("one", {}), ("other", change)):
        out = told(name, **settings)
        Augmentation().mix()
        made.append(set(written(out).values()))
    assert [len(images) for images in made] == [5, 5]
    assert not made[0] & made[1]


@pytest.mark.parametrize("told_grey", [0, 200])
def test_what_a_shift_bares_is_the_grey_that_was_told(told: Telling, told_grey: int) -> None:
    """The corner of an image zoomed to half its size is of the workspace's grey, unless the script says another."""
    out = told(cval=told_grey)
    Augmentation().zoom(0.4, 0.5, count=1)
    Augmentation(cval=90).zoom(0.4, 0.5, count=1)
    corners = []
    for name in written(out):
        with Image.open(out / name) as image:
            corners.append(image.getpixel((0, 0)))
    assert corners == [(told_grey,) * 3, (90, 90, 90)]


def test_calls_draw_anew(told: Telling) -> None:
    """Each call of an operation makes other images, also from another Augmentation: no image is there twice."""
    out = told()
    Augmentation().mix6(count=3)
    Augmentation().mix(count=3)
    found = written(out)
    assert list(found) == [f"mix-{number:04d}.jpg" for number in range(1, 22)]
    assert len(set(found.values())) == 21
    assert len({tuple(drawn.values()) for drawn in parameters(out)}) == 21


def test_the_suite_is_nine_calls(told: Telling) -> None:
    """height, zoom, brightness, and mix six times over."""
    out = told()
    Augmentation().suite(count=2)
    found = [record.operation for record in variation.read(out)]
    assert found == ["height"] * 2 + ["zoom"] * 2 + ["brightness"] * 2 + ["mix"] * 12
    assert len(set(written(out).values())) == 18


@pytest.mark.parametrize("operation", ["height", "rotation", "zoom", "brightness", "mix"])
def test_fewer_are_the_first_of_more(told: Telling, operation: str) -> None:
    """99 images are the first 99 of 150: a greater count adds, and changes none."""
    fewer = told("fewer")
    getattr(Augmentation(), operation)(count=99)
    more = told("more")
    getattr(Augmentation(), operation)(count=150)
    assert len(written(fewer)) == 99
    assert list(written(more).items())[:99] == list(written(fewer).items())
    assert len(set(written(more).values())) == 150


def test_fewer_are_the_first_of_more_where_draws_repeat(told: Telling, tmp_path: Path) -> None:
    """Where a draw gives an image that there is, what is drawn instead doesn't depend on images still to come."""
    Image.new("RGB", SIZE, (100, 100, 100)).save(tmp_path / "image.jpg", quality=95)
    made = {}
    for count in (6, 12, 30):
        out = told(str(count))
        Augmentation().brightness(0.1, 0.5, count=count)
        made[count] = list(written(out).items())
        assert len({data for _, data in made[count]}) == count
    assert made[12][:6] == made[6]
    assert made[30][:12] == made[12]


def test_batches_leave_no_trace(told: Telling, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many images are in memory at once decides nothing."""
    folders = []
    for batch in (3, 256):
        monkeypatch.setattr(augmentation, "BATCH", batch)
        folders.append(told(str(batch)))
        Augmentation().brightness(count=40)
        Augmentation().imgaug(augmenters().AdditiveGaussianNoise(scale=9), "noise", count=7)
    assert written(folders[0]) == written(folders[1])


def test_an_operation_without_freedom_makes_fewer(
    told: Telling, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing makes an all-black master darker: one image is written, and that is printed."""
    Image.new("RGB", SIZE).save(tmp_path / "image.jpg", quality=95)
    out = told()
    Augmentation().brightness(count=9)
    assert list(written(out)) == ["brightness-0001.jpg"]
    assert capsys.readouterr().out == ("brightness: 1 images instead of 9: every further draw repeats one of them\n")
    Augmentation().brightness(count=9)
    assert list(written(out)) == ["brightness-0001.jpg"]
    assert capsys.readouterr().out == ("brightness: 0 images instead of 9: every further draw repeats one of them\n")


def test_an_augmenter_with_two_outcomes_makes_two(told: Telling, capsys: pytest.CaptureFixture[str]) -> None:
    """A custom augmenter that can only mirror or not makes two images of the seven asked for."""
    out = told()
    Augmentation().imgaug(augmenters().Fliplr(0.5), count=7)
    assert list(written(out)) == ["fliplr-0001.jpg", "fliplr-0002.jpg"]
    assert capsys.readouterr().out == "fliplr: 2 images instead of 7: every further draw repeats one of them\n"


def test_an_operation_with_freedom_prints_nothing(told: Telling, capsys: pytest.CaptureFixture[str]) -> None:
    """A script that got what it asked for has nothing to say."""
    told()
    Augmentation().suite()
    assert capsys.readouterr().out == ""


# records, names and settings


def test_each_image_has_its_record(told: Telling) -> None:
    """The records name the images in the order of making, with size, place and what was drawn."""
    out = told(canvas=(100, 90), placement="right-lower")
    Augmentation().height(3, count=2)
    Augmentation().imgaug(augmenters().Fliplr(1.0), "mirror", count=1)
    records = list(variation.read(out))
    assert [record.filename for record in records] == ["height-0001.jpg", "height-0002.jpg", "mirror-0001.jpg"]
    assert {(record.size, record.crop, record.origin) for record in records} == {((100, 90), SIZE, (40, 42))}
    assert [sorted(record.parameters) for record in records] == [["shift_y"], ["shift_y"], []]
    assert records[0].mesh.moved(0, 0) == pytest.approx((0, records[0].parameters["shift_y"]), abs=1e-4)
    assert records[2].mesh.followed(Box(*BOX)) == Box(19, 6, 51, 30)
    assert set(written(out)) == {record.filename for record in records}


def test_the_canvas_around_the_crop_is_white(told: Telling) -> None:
    """On a canvas, everything but the crop is white, and the crop stands where the record says."""
    out = told(canvas=(120, 96), placement="centre")
    Augmentation().height(3, count=1)
    with Image.open(out / "height-0001.jpg") as image:
        pixels = np.asarray(image).copy()
    assert pixels.shape == (96, 120, 3)
    assert np.abs(pixels[28:32, 32:36].astype(int) - GREY).max() < 12
    pixels[16:80, 24:96] = 255  # the crop, and the JPEG blocks that it reaches into
    assert (pixels == 255).all()


def test_an_augmenter_may_change_the_size(told: Telling) -> None:
    """A custom augmenter that cuts the crop smaller is recorded with the size that it left."""
    out = told()
    Augmentation().imgaug(augmenters().Crop(px=(4, 4, 4, 4), keep_size=False), "cut", count=1)
    [record] = variation.read(out)
    assert (record.size, record.crop) == ((52, 40), (52, 40))
    assert record.mesh.followed(Box(*BOX)) == Box(5, 2, 37, 26)


def test_settings_of_a_script_go_before_the_workspaces(told: Telling) -> None:
    """What an Augmentation is given counts for it alone; what it isn't given is as dlim says."""
    out = told(canvas=(100, 90))
    own = Augmentation("button", cval=0, placement="centre", count=2)
    plain = Augmentation()
    assert (own.cval, own.placement, own.count) == (0, "centre", 2)
    assert (plain.cval, plain.placement, plain.count) == (GREY, "left-upper", 5)
    own.height()
    plain.zoom(count=1)
    assert [record.origin for record in variation.read(out)] == [(20, 21), (20, 21), (0, 0)]


FAULTS = [
    pytest.param(
        {"placement": "right-uper"},
        ConfigError,
        'daug.py: placement: "right-uper" is unknown; did you mean "right-upper"?',
        id="placement",
    ),
    pytest.param(
        {"count": 0}, AugmentError, "daug.py: count is 0; say how many images a call makes, 1 or more", id="count"
    ),
    pytest.param({"cval": 256}, AugmentError, "daug.py: cval is 256; say a grey from 0 to 255", id="cval over white"),
    pytest.param({"cval": -1}, AugmentError, "daug.py: cval is -1; say a grey from 0 to 255", id="cval under black"),
]


@pytest.mark.parametrize(("given", "error", "text"), FAULTS)
def test_what_an_augmentation_may_not_be_given(
    told: Telling, given: dict[str, Any], error: type[Exception], text: str
) -> None:
    """A wrong setting is refused before anything is written."""
    out = told()
    with pytest.raises(error) as caught:
        Augmentation(**given)
    assert str(caught.value) == text
    assert list(out.iterdir()) == []


def test_a_script_without_a_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that a person starts without the project's name says what is missing."""
    monkeypatch.setattr(sys, "argv", ["daug.py"])
    with pytest.raises(ProjectError) as caught:
        Augmentation()
    assert str(caught.value) == "daug.py: needs a project; give its name: daug.py close_btn"


def test_a_master_that_has_no_room(told: Telling) -> None:
    """A master larger than the canvas is refused with both sizes."""
    told(canvas=(50, 50))
    with pytest.raises(ProjectError) as caught:
        Augmentation().height()
    assert str(caught.value) == (
        "button: an image of 60x48 has no room on the canvas 50x50; "
        'crop the master smaller, say fit = "shrink" in that learner\'s file, or exclude the project there'
    )


# a generator's images


def cell(grey: int) -> Any:
    return np.full((16, 16, 3), grey, np.uint8)


def test_an_image_of_ones_own(told: Telling) -> None:
    """A drawn image is written under its name, with the thing on it in its record, in the crop's frame."""
    out = told(canvas=(40, 40), placement="right-upper")
    Augmentation().image(cell(9), "ja_char_3042", (2, 3, 9, 10), name="a")
    [record] = variation.read(out)
    assert (record.filename, record.origin, record.crop) == ("a.jpg", (24, 0), (16, 16))
    assert record.objects == (Object("ja_char_3042", Box(2, 3, 9, 10)),)
    with Image.open(out / "a.jpg") as image:
        assert image.size == (40, 40)


def test_an_image_of_ones_own_is_written_once(told: Telling, capsys: pytest.CaptureFixture[str]) -> None:
    """An image that shows the same as one before it is left out, and that is printed."""
    out = told()
    for name, grey in (("a", 9), ("b", 200), ("c", 9)):
        Augmentation().image(cell(grey), name, (2, 3, 9, 10), name=name)
    assert list(written(out)) == ["a.jpg", "b.jpg"]
    assert [record.filename for record in variation.read(out)] == ["a.jpg", "b.jpg"]
    assert capsys.readouterr().out == "c: shows the same as an image before it; left out\n"


def test_a_name_is_given_once(told: Telling) -> None:
    """A second image of a name is refused: it would take the first one's place, and leave its record."""
    out = told()
    Augmentation().image(cell(9), "a", (2, 3, 9, 10), name="a")
    with pytest.raises(AugmentError) as caught:
        Augmentation().image(cell(200), "b", (2, 3, 9, 10), name="a")
    assert str(caught.value) == "daug.py: there is an image called a already; give each its own name"
    assert [record.objects for record in variation.read(out)] == [(Object("a", Box(2, 3, 9, 10)),)]


def test_a_table(told: Telling) -> None:
    """A table is written as it is given, in UTF-8 and with plain line ends."""
    out = told()
    Augmentation().table("characters.csv", "label,character\na,あ\n")
    assert (out / "characters.csv").read_bytes() == "label,character\na,あ\n".encode()


def test_records_are_one_json_object_a_line(told: Telling) -> None:
    """Other programs can read the records: each line is JSON."""
    out = told()
    Augmentation().mix(count=3)
    lines = (out / variation.RECORDS).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["operation"] for line in lines] == ["mix"] * 3
