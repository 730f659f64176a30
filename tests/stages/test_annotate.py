"""annotate: each variation with a VOC file that every reader accepts."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from dlim import variation
from dlim.augment import images, jpeg, operations
from dlim.errors import AnnotationError
from dlim.formats import voc
from dlim.geometry import Box, Canvas, Mesh, Object, Size, grid, origin, still
from dlim.stages import annotate
from dlim.stages.annotate import Settings
from dlim.store import staging
from dlim.variation import Variation
from tests.conftest import draw_master

CROP = 32, 24
CANVAS = 96, 72
BOX = Box(8, 6, 24, 18)
THING = Object("close", BOX)
DIGEST = "digest of the master"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for variations/ and out/."""
    return tmp_path


def vary(
    folder: Path,
    *meshes: Mesh,
    canvas: Canvas = None,
    crop: Size = CROP,
    objects: tuple[Object, ...] | None = None,
    table: str = "",
) -> None:
    """Write a variation for every mesh: a-1.jpg, a-2.jpg, ..."""
    size = canvas or crop
    place = origin(crop, canvas, "right-lower")
    records = [
        Variation(f"a-{number}.jpg", "test", size, crop, place, mesh, objects=objects)
        for number, mesh in enumerate(meshes, 1)
    ]
    with staging(folder / "variations") as made:
        for record in records:
            draw_master(made.path / record.filename, size, (1, 1, 5, 5))
        variation.append(made.path, records)
        if table:
            made.write("characters.csv", table.encode())


def shifted(dx: float, dy: float) -> Mesh:
    return Mesh(*CROP, tuple((x + dx, y + dy) for x, y in grid(*CROP, 2)))


def settings(
    project: str = "close", label: str = "close", labels: dict[str, str] | None = None, **more: bool
) -> Settings:
    return Settings(project, label, labels or {}, **more)


def run(folder: Path, *objects: Object, settings: Settings = settings(), master: str = DIGEST) -> list[str]:  # noqa: B008
    with staging(folder / "out") as made:
        return annotate.annotate(folder / "variations", master, objects, made, settings)


def objects(folder: Path, stem: str = "close_0001") -> tuple[Object, ...]:
    return voc.read(folder / "out" / f"{stem}.xml").objects


def stems(folder: Path) -> list[str]:
    """The stems in the build; each has an image and an annotation."""
    found = sorted(path.stem for path in (folder / "out").glob("*.xml"))
    assert sorted(path.stem for path in (folder / "out").glob("*.jpg")) == found
    return found


@pytest.mark.parametrize("canvas", [CANVAS, None], ids=["on the canvas", "native"])
def test_every_field_of_every_file(folder: Path, canvas: Canvas) -> None:
    """Each file says of its image what is so, and each field is as every reader accepts it."""
    drawn = [operations.mix(CROP, 20, 0.3, 0.4, 2).draw((index,)) for index in range(40)]
    vary(folder, *(operations.moved(one, CROP) for one in drawn), canvas=canvas)
    run(folder, THING, Object("skip", Box(0, 0, 3, 2), truncated=True, difficult=True))
    assert len(stems(folder)) > 30
    for stem in stems(folder):
        root = ET.parse(folder / "out" / f"{stem}.xml").getroot()
        assert [child.tag for child in root][:5] == ["folder", "filename", "source", "size", "segmented"]
        assert root.findtext("folder") == "JPEGImages"
        assert root.findtext("filename") == f"{stem}.jpg"
        assert root.findtext("source/database") == "dlim"
        assert root.findtext("segmented") == "0"
        with Image.open(folder / "out" / f"{stem}.jpg") as image:
            width, height = image.size
            assert image.mode == "RGB"
        size = [root.findtext(f"size/{name}") for name in ("width", "height", "depth")]
        assert size == [str(width), str(height), "3"]
        things = root.findall("object")
        assert 1 <= len(things) <= 2
        assert any(thing.findtext("difficult") == "0" for thing in things)
        for thing in things:
            assert thing.findtext("name") in ("close", "skip")
            assert thing.findtext("pose") == "Unspecified"
            assert thing.findtext("truncated") in ("0", "1")
            assert thing.findtext("difficult") == ("1" if thing.findtext("name") == "skip" else "0")
            xmin, ymin, xmax, ymax = (
                int(thing.findtext(f"bndbox/{name}") or "") for name in ("xmin", "ymin", "xmax", "ymax")
            )
            x, y = origin(CROP, canvas, "right-lower")
            assert x + 1 <= xmin < xmax <= x + CROP[0] <= width
            assert y + 1 <= ymin < ymax <= y + CROP[1] <= height


def test_an_image_is_the_variation_itself(folder: Path) -> None:
    """Images are linked, not written again: a second learner costs no bytes."""
    vary(folder, still(*CROP))
    run(folder, THING)
    assert (folder / "out/close_0001.jpg").samefile(folder / "variations/a-1.jpg")


@pytest.mark.parametrize(
    ("mesh", "box", "truncated"),
    [
        pytest.param(still(*CROP), Box(8, 6, 24, 18), False, id="nothing moved"),
        pytest.param(shifted(3, -2), Box(11, 4, 27, 16), False, id="shifted"),
        pytest.param(shifted(0.4, 0.6), Box(8, 7, 24, 19), False, id="shifted by less than a pixel"),
        pytest.param(shifted(8.9, 0), Box(17, 6, 32, 18), False, id="up to the edge, but for a bit of a pixel"),
        pytest.param(shifted(9, 0), Box(17, 6, 32, 18), True, id="a pixel over the edge"),
        pytest.param(shifted(-20, -10), Box(0, 0, 4, 8), True, id="over two edges"),
        pytest.param(shifted(23, 0), Box(30, 6, 32, 18), True, id="with a single column left"),
        pytest.param(
            Mesh(*CROP, tuple((32 - x, y) for x, y in grid(*CROP, 9))), Box(8, 6, 24, 18), False, id="mirrored"
        ),
    ],
)
def test_boxes_follow(folder: Path, mesh: Mesh, box: Box, truncated: bool) -> None:
    """A box goes where its object went, is cut at the crop's edge, and is truncated where that cost a pixel."""
    vary(folder, mesh)
    assert run(folder, THING) == []
    assert objects(folder) == (Object("close", box, truncated=truncated),)


def test_boxes_stay_where_a_learner_wants_them_to(folder: Path) -> None:
    """With boxes = "master", every image has the master's box, wherever its object went."""
    vary(folder, shifted(5, 5), shifted(-40, 0))
    run(folder, THING, settings=settings(follow=False))
    assert [objects(folder, stem) for stem in stems(folder)] == [(THING,), (THING,)]


def test_boxes_are_on_the_canvas(folder: Path) -> None:
    """A box counts from the canvas's corner, and is cut at the crop's edge, not at the canvas's."""
    vary(folder, shifted(0, 0), shifted(-12, 0), canvas=CANVAS)
    run(folder, THING)
    assert objects(folder, "close_0001") == (Object("close", Box(72, 54, 88, 66)),)
    assert objects(folder, "close_0002") == (Object("close", Box(64, 54, 76, 66), truncated=True),)


def test_a_box_on_a_scaled_crop(folder: Path) -> None:
    """An image at twice the master's size has its box at twice the size."""
    vary(folder, Mesh(*CROP, grid(64, 48, 2)), crop=(64, 48))
    run(folder, THING)
    assert objects(folder) == (Object("close", Box(16, 12, 48, 36)),)


def test_what_was_truncated_on_the_master_stays_so(folder: Path) -> None:
    """Flags and pose of the master's objects go along."""
    vary(folder, still(*CROP))
    whole = Object("close", BOX, pose="Left")
    cut = Object("close", BOX, truncated=True, difficult=True)
    run(folder, whole, cut)
    assert objects(folder) == (whole, cut)


@pytest.mark.parametrize("mesh", [shifted(24, 0), shifted(23.5, 0), shifted(0, -18)])
def test_an_object_out_of_sight(folder: Path, mesh: Mesh) -> None:
    """An object of which less than a pixel is left has no box; the others keep theirs."""
    vary(folder, mesh)
    other = Object("close", Box(0, 0, *CROP))
    run(folder, THING, other)
    assert len(objects(folder)) == 1


def test_images_that_show_nothing_are_left_out(folder: Path) -> None:
    """An image without an object is left out, which is said; the others keep their numbers."""
    vary(folder, still(*CROP), shifted(99, 0), shifted(1, 0), shifted(0, -99))
    assert run(folder, THING) == ["2 images show no object any more; left out"]
    assert stems(folder) == ["close_0001", "close_0003"]


def test_images_with_difficult_objects_only_are_left_out(folder: Path) -> None:
    """An image of whose objects only difficult ones are left is no use to a reader that passes over them."""
    vary(folder, still(*CROP), shifted(-20, 0))
    assert run(folder, Object("close", Box(0, 0, 8, 8)), Object("close", Box(24, 0, 32, 8), difficult=True)) == [
        "1 images show no object any more; left out"
    ]
    assert stems(folder) == ["close_0001"]


def test_where_no_image_shows_its_object(folder: Path) -> None:
    """A build without an image is refused."""
    vary(folder, shifted(99, 0))
    with pytest.raises(AnnotationError) as caught:
        run(folder, THING)
    assert str(caught.value) == "close: no image shows its object; check the box and daug.py"


@pytest.mark.parametrize(
    ("project", "drawn", "labels", "stem", "label"),
    [
        pytest.param("close", "close", {}, "close_0001", "close", id="the project is called like its label"),
        pytest.param("close_b", "close", {}, "close_close-b-0001", "close", id="another project of that label"),
        pytest.param("close_b", "close_b", {}, "close_b_0001", "close_b", id="a label with _"),
        pytest.param("a", "closebcow", {"closebcow": "close"}, "close_a-0001", "close", id="a mapped label"),
        pytest.param("close", "Close!", {"Close!": "close"}, "close_0001", "close", id="a map from what is no label"),
        pytest.param("ja", "ja_3042", {"ja_*": "ja"}, "ja_0001", "ja", id="a mapped pattern"),
        pytest.param("Close", "close", {}, "close_Close-0001", "close", id="a project in upper case"),
    ],
)
def test_names_and_labels(
    folder: Path, project: str, drawn: str, labels: dict[str, str], stem: str, label: str
) -> None:
    """A stem is the label, the project where it is another word, and the number: the class ends at the last _."""
    vary(folder, still(*CROP))
    run(folder, Object(drawn, BOX), settings=settings(project, drawn, labels))
    assert stems(folder) == [stem]
    assert objects(folder, stem) == (Object(label, BOX),)
    assert stem.rpartition("_")[0] == label


@pytest.mark.parametrize("label", ["Close", "my label", "クローズ", "a/b", "a" * 41])
def test_what_is_no_label(folder: Path, label: str) -> None:
    """A label that readers would change or that can't be in a file name is refused, unless it is mapped."""
    vary(folder, still(*CROP))
    with pytest.raises(AnnotationError) as caught:
        run(folder, Object(label, BOX))
    assert str(caught.value).startswith(
        f'close: "{label}" is no label: readers lower-case labels, and file names carry them; use at most 40 of'
    )


def test_the_index_says_what_is_what(folder: Path) -> None:
    """The index has the master, and for every image its labels, each once, and the variation that it is."""
    vary(folder, still(*CROP), shifted(99, 0), still(*CROP))
    run(folder, THING, Object("skip", BOX), THING)
    assert annotate.read_index(folder / "out") == (
        DIGEST,
        {"close_0001": (["close", "skip"], "a-1.jpg"), "close_0003": (["close", "skip"], "a-3.jpg")},
    )


def test_a_generators_objects(folder: Path) -> None:
    """An image that says itself what it shows has that, in its own frame; there is no master."""
    shown = (Object("ja_char_3042", Box(1, 2, 5, 6)),)
    vary(folder, still(9, 8), crop=(9, 8), canvas=CANVAS, objects=shown)
    run(folder, settings=settings("ja_char", "ja_char"), master="")
    assert objects(folder, "ja_char_3042_ja-char-0001") == (Object("ja_char_3042", Box(88, 66, 92, 70)),)
    assert annotate.read_index(folder / "out").master == ""


def test_an_image_that_nobody_gave_an_object(folder: Path) -> None:
    """A generator's image by other means than dlim's shows the project's label, all over the crop."""
    vary(folder, still(9, 8), crop=(9, 8), canvas=CANVAS)
    run(folder, master="")
    assert objects(folder) == (Object("close", Box(87, 64, 96, 72)),)


def test_tables_come_along(folder: Path) -> None:
    """A table beside the variations lies beside the annotations too."""
    vary(folder, still(*CROP), table="label\n")
    run(folder, THING)
    assert (folder / "out/characters.csv").read_text() == "label\n"


def test_the_same_variations_are_the_same_build(folder: Path) -> None:
    """The same input leaves the same bytes in every file."""
    vary(folder, *(shifted(number / 7, number / 3) for number in range(5)))
    builds = []
    for name in ("one", "two"):
        run(folder, THING)
        (folder / "out").rename(folder / name)
        builds.append({path.name: path.read_bytes() for path in (folder / name).iterdir()})
    assert len(builds[0]) == 12
    assert builds[0] == builds[1]


def test_a_build_depends_on_its_own_labels_alone() -> None:
    """Of a label map only the entries that change one of these labels count: another's change rebuilds nothing."""
    labels = {"ja_*": "ja", "closebcow": "close", "other": "x", "close": "close"}
    assert annotate.relevant(labels, ["closebcow", "close", "ja_2", "ja_1"]) == {
        "closebcow": "close",
        "ja_1": "ja",
        "ja_2": "ja",
    }


def test_pixels_of_a_crop_are_where_the_box_is(folder: Path) -> None:
    """From the crop to the file: the object that was drawn on the canvas is exactly in its box."""
    draw_master(folder / "image.jpg", CROP, (8, 6, 24, 18), colour=0)
    place = origin(CROP, CANVAS, "right-lower")
    pixels = jpeg.placed(images.read(folder / "image.jpg"), CANVAS, place)
    vary(folder, still(*CROP), canvas=CANVAS)
    run(folder, THING)
    [thing] = objects(folder)
    x1, y1, x2, y2 = (int(edge) for edge in (thing.box.x1, thing.box.y1, thing.box.x2, thing.box.y2))
    assert pixels[y1:y2, x1:x2].min() > 200
    assert pixels[y1 - 2, x1:x2].max() < 50
    assert pixels[y2 + 1, x1:x2].max() < 50
    assert pixels[y1:y2, x1 - 2].max() < 50
    assert pixels[y1:y2, x2 + 1].max() < 50
