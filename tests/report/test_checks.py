"""Each defect that somebody plants in a dataset is found, by its name and its file; and a sound one has none."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from dlim.geometry import Box, Object
from dlim.report import checks
from dlim.report.checks import Thresholds, iou
from tests.report.datasets import BOX, SIZE, TRAIN, VAL, Made, copied, jpeg, made


@pytest.fixture
def packed(tmp_path: Path) -> Made:
    return made(tmp_path / "ssd")


def xml(name: str) -> str:
    return f"Annotations/{name}.xml"


def jpg(name: str) -> str:
    return f"JPEGImages/{name}.jpg"


def test_a_sound_dataset(packed: Made) -> None:
    """Nothing is found where nothing is wrong, whatever is looked for."""
    assert packed.findings(Thresholds(input_size=300, smallest_prior=30)) == {}


def test_every_check_is_told_apart() -> None:
    """Checks have keys of their own, and stand with the worst first."""
    grades = [check.grade for check in checks.CHECKS]
    assert len({check.key for check in checks.CHECKS}) == len(checks.CHECKS)
    assert grades == sorted(grades, key=("fault", "warning", "note").index)


def test_a_leak(packed: Made) -> None:
    """An image of val that is one of train, byte for byte, under another name."""
    copied(packed.image("close_0002"), packed.image("close_0005"))
    assert packed.cases("leak") == [(jpg("close_0005"), f"in val is {jpg('close_0002')} in train")]
    assert packed.cases("repeat") == []


def test_an_id_in_both_lists(packed: Made) -> None:
    """The same image in train and in val is a leak as well."""
    packed.list("train").write_text("".join(f"{name}\n" for name in (*TRAIN, "close_0006")))
    assert packed.cases("leak") == [(jpg("close_0006"), "is in train and in val")]


def test_a_repeat(packed: Made) -> None:
    """An image that is there twice in one part; three of a kind repeat it twice."""
    copied(packed.image("close_0001"), packed.image("close_0003"))
    copied(packed.image("close_0001"), packed.image("close_0004"))
    first = f"is {jpg('close_0001')}, both in train"
    assert packed.cases("repeat") == [(jpg("close_0003"), first), (jpg("close_0004"), first)]
    assert packed.cases("leak") == packed.cases("contradiction") == []


def test_one_image_with_two_labels(packed: Made) -> None:
    """What two labels show byte for byte teaches a contradiction: a fault with both names, and no mere repeat."""
    copied(packed.image("close_0001"), packed.image("close_0003"))
    copied(packed.image("close_0001"), packed.image("skip_0003"))
    told = f'is "skip" here, and "close" as {jpg("close_0001")}'
    assert packed.cases("contradiction") == [(jpg("skip_0003"), told)]
    finding = packed.findings()["contradiction"]
    assert finding.check.grade == "fault"
    assert finding.title == "1 image is also another label's (close, skip)"
    assert packed.cases("repeat") == [(jpg("close_0003"), f"is {jpg('close_0001')}, both in train")]
    copied(packed.image("close_0005"), packed.image("skip_0004"))
    assert packed.findings()["contradiction"].title == "2 images are also another label's (close, skip)"
    assert "repeat" in packed.findings()


def test_a_contradiction_of_train_and_val(packed: Made) -> None:
    """It is one on whatever side the two are; what no list names teaches nothing, and contradicts nothing."""
    copied(packed.image("close_0001"), packed.image("skip_0004"))
    assert [where for where, _ in packed.cases("contradiction")] == [jpg("skip_0004")]
    for part in ("val", "trainval", "test"):
        packed.list(part).write_text("".join(f"{name}\n" for name in packed.list(part).read_text().split()[:-1]))
    assert packed.cases("contradiction") == []


def test_many_labels_in_a_title(packed: Made) -> None:
    """Where more labels contradict each other than a line has room for, the first of them are named."""
    for number, name in enumerate(("close_0001", "close_0002", "close_0003", "skip_0001", "skip_0002", "skip_0003")):
        packed.write(name, Object(f"label_{number}", BOX))
        packed.image(name).write_bytes(jpeg(60))
    title = packed.findings()["contradiction"].title
    assert title == "5 images are also another label's (label_0, label_1, label_2, label_3 and 2 more)"


def test_three_of_a_kind_on_both_sides(packed: Made) -> None:
    """An image that is twice in train and once in val is a repeat and a leak."""
    for name in ("close_0003", "close_0006"):
        copied(packed.image("close_0001"), packed.image(name))
    assert packed.cases("leak") == [(jpg("close_0006"), f"in val is {jpg('close_0001')} in train")]
    assert packed.cases("repeat") == [(jpg("close_0003"), f"is {jpg('close_0001')}, both in train")]


def test_shared_masters(tmp_path: Path) -> None:
    """Which masters train and val share is said as a fact, of several projects with one master together."""
    packed = made(tmp_path / "ssd")
    packed.masters = {"close": "aa", "skip": "bb"}
    finding = packed.findings()["master"]
    assert finding.check.grade == "note"
    assert packed.cases("master") == [
        ("close", "4 variations of its master are in train, 2 in val"),
        ("skip", "3 variations of its master are in train, 1 in val"),
    ]
    packed.masters = {"close": "aa", "skip": "aa"}
    assert packed.cases("master") == [("close, skip", "7 variations of its master are in train, 3 in val")]
    packed.masters = {"close": "", "skip": ""}
    assert packed.cases("master") == []


def test_a_tiny_box(packed: Made) -> None:
    """A box with a short side, the smallest first."""
    packed.write("close_0001", Object("close", Box(10, 10, 17, 40)))
    packed.write("skip_0004", Object("skip", Box(10, 10, 13, 12)))
    packed.seal()
    assert packed.cases("tiny") == [(xml("skip_0004"), '"skip" is 3x2 px'), (xml("close_0001"), '"close" is 7x30 px')]
    assert packed.cases("tiny", Thresholds(tiny=3)) == [(xml("skip_0004"), '"skip" is 3x2 px')]


def test_objects_smaller_than_the_smallest_prior(packed: Made) -> None:
    """A box is measured as the learner sees it: its image scaled to a square, without its shape."""
    packed.write("close_0001", Object("close", Box(16, 12, 24, 20)))
    packed.seal()
    # 8x8 of 64x48 px is a 48th of the area, and so of 300x300
    told = '"close" is 8x8 px, at the input 43.3 px across'
    assert packed.cases("small", Thresholds(input_size=300, smallest_prior=44)) == [(xml("close_0001"), told)]
    assert packed.cases("small", Thresholds(input_size=300, smallest_prior=43)) == []
    for unknown in (Thresholds(input_size=300), Thresholds(smallest_prior=44)):
        assert packed.cases("small", unknown) == []


@pytest.mark.parametrize(
    ("box", "truncated", "told"),
    [
        (Box(0, 12, 48, 36), False, "ends at the left edge, isn't marked truncated"),
        (Box(0, 0, 64, 48), False, "ends at the left and upper and right and lower edge, isn't marked truncated"),
        (Box(16, 12, 64, 36), True, "ends at the right edge, is marked truncated"),
        (BOX, True, "is marked truncated"),
    ],
)
def test_a_clipped_box(packed: Made, box: Box, truncated: bool, told: str) -> None:
    """A box that ends at an edge of its image, or that says it was cut off."""
    packed.write("close_0003", Object("close", box, truncated=truncated))
    assert packed.cases("clipped") == [(xml("close_0003"), f'"close" {told}')]


@pytest.mark.parametrize(
    ("before", "after", "span"),
    [
        ("<xmax>48<", "<xmax>65<", "17-65 by 13-36"),
        ("<ymin>13<", "<ymin>0<", "17-48 by 0-36"),
        ("<xmin>17<", "<xmin>-3<", "-3-48 by 13-36"),
    ],
)
def test_a_box_outside_its_image(packed: Made, before: str, after: str, span: str) -> None:
    """A box that reaches over the edge by a pixel, and one that counts from 0."""
    packed.edit("close_0004", before, after)
    assert packed.cases("outside") == [(xml("close_0004"), f'"close" covers {span}; the image is 64x48')]


def test_overlapping_boxes(packed: Made) -> None:
    """Two boxes of one image of which each covers most of the other, whatever their labels."""
    packed.write(
        "close_0001", Object("close", BOX), Object("skip", Box(16, 12, 48, 37)), Object("skip", Box(2, 2, 9, 9))
    )
    assert packed.cases("overlap") == [(xml("close_0001"), '"close" and "skip" overlap, IoU 0.96')]
    assert packed.cases("overlap", Thresholds(overlap=0.97)) == []


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        (BOX, BOX, 1),
        (BOX, Box(48, 12, 64, 36), 0),
        (Box(0, 0, 2, 2), Box(1, 0, 3, 2), 1 / 3),
        (Box(1, 1, 1, 1), BOX, 0),
    ],
)
def test_iou(one: Box, other: Box, wanted: float) -> None:
    """Boxes that only touch share nothing."""
    assert iou(one, other) == iou(other, one) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("Close", '"Close" has capital letters; readers make it "close"'),
        (" close", '" close" has spaces around it'),
        ("close btn", '"close btn" has signs other than a-z, 0-9, _ and -'),
        ("き", '"き" has signs other than a-z, 0-9, _ and -'),
        ("c" * 41, f'"{"c" * 41}" is longer than 40 characters'),
    ],
)
def test_labels_that_readers_change(packed: Made, label: str, told: str) -> None:
    """An upper-case label, and any other that is no label of dlim's, with its file."""
    packed.edit("close_0002", ">close<", f">{label}<")
    assert packed.cases("label") == [(xml("close_0002"), told)]


def test_labels_that_lower_casing_merges(packed: Made) -> None:
    """Labels that a reader takes for one, with a file that has the rarer of them."""
    packed.edit("close_0002", ">close<", ">Close<")
    packed.edit("close_0003", ">close<", "> close<")
    told = '" close" (1) and "Close" (1) and "close" (4) become "close"; here is " close"'
    assert packed.cases("merged") == [(xml("close_0003"), told)]


def test_labels_on_one_side(packed: Made) -> None:
    """A label that train never shows can't be learned; one that val never shows isn't measured."""
    packed.edit("skip_0004", ">skip<", ">new<")
    assert packed.cases("unseen") == [("new", "1 image")]
    assert packed.cases("unvalidated") == [("skip", "3 images")]


def test_unreadable_images(packed: Made) -> None:
    """What is empty, cut off, no image, or another kind of image, whether dlim packed it so or not."""
    packed.image("close_0001").write_bytes(b"")
    packed.image("close_0002").write_bytes(jpeg(2)[:400])
    packed.image("close_0003").write_bytes(b"<html>")
    png = io.BytesIO()
    Image.new("RGB", SIZE).save(png, "PNG")
    packed.image("close_0004").write_bytes(png.getvalue())
    found = dict(packed.cases("image"))
    assert found[jpg("close_0001")] == "is empty"
    assert found[jpg("close_0002")].startswith("can't be decoded (")
    assert found[jpg("close_0003")] == "is no image"
    assert found[jpg("close_0004")] == "is called .jpg and is PNG"
    packed.seal()
    found = dict(packed.cases("image"))
    assert {jpg("close_0001"), jpg("close_0003"), jpg("close_0004")} <= set(found)


def test_an_image_as_large_as_a_bomb(packed: Made) -> None:
    """An image of more pixels than anybody has is told, and not unpacked."""
    data = bytearray(jpeg(3))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = b"\xff\xdc\xff\xdc"
    packed.image("close_0003").write_bytes(bytes(data))
    [(where, told)] = packed.cases("image")
    assert where == jpg("close_0003")
    assert "65500x65500" in told or "pixels" in told


def test_unreadable_annotations(packed: Made) -> None:
    """A file that is no XML, and one that common readers fail on."""
    packed.xml("close_0001").write_text("<annotation>")
    packed.edit("close_0002", "<difficult>0</difficult>", "")
    assert [where for where, _ in packed.cases("annotation")] == [xml("close_0001"), xml("close_0002")]


def test_sizes_that_are_not_the_images(packed: Made) -> None:
    """An annotation with another width or height than its image."""
    packed.edit("close_0006", "<width>64<", "<width>400<")
    assert packed.cases("size") == [(xml("close_0006"), "says 400x48; the image is 64x48")]


def test_names_of_other_files(packed: Made) -> None:
    """An annotation that names another image than its own."""
    packed.edit("close_0006", "<filename>close_0006.jpg<", "<filename>image.png<")
    assert packed.cases("name") == [(xml("close_0006"), 'says "image.png"')]


def test_images_without_an_object(packed: Made) -> None:
    """An image on which nothing is labelled, or only what doesn't count."""
    packed.write("close_0001")
    packed.write("close_0002", Object("close", BOX, difficult=True))
    assert packed.cases("blank") == [
        (xml("close_0001"), "has no object"),
        (xml("close_0002"), "has only difficult objects"),
    ]


def test_missing_files(packed: Made) -> None:
    """An id without its image, and one without its annotation."""
    packed.image("close_0001").unlink()
    packed.xml("skip_0004").unlink()
    assert packed.cases("missing") == [(jpg("close_0001"), "is missing"), (xml("skip_0004"), "is missing")]


def test_unexpected_files(packed: Made) -> None:
    """A file that no list names, and one that is neither image nor annotation."""
    packed.image("other_0001").write_bytes(jpeg(70))
    packed.write("other_0002", Object("close", BOX))
    (packed.folder / "JPEGImages/notes.txt").write_text("-")
    assert packed.cases("unexpected") == [
        (jpg("other_0001"), "is in no list"),
        (xml("other_0002"), "is in no list"),
        ("JPEGImages/notes.txt", "is neither an image nor an annotation"),
    ]


def test_what_dlim_left_out_of_val(packed: Made) -> None:
    """An image of no list whose bytes are in train under another name was left out on purpose: that is a note."""
    packed.write("other_0001", Object("close", BOX))
    copied(packed.image("close_0002"), packed.image("other_0001"))
    packed.seal()
    assert packed.cases("left-out") == [(jpg("other_0001"), f"is {jpg('close_0002')} in train")]
    assert packed.findings()["left-out"].check.grade == "note"
    assert packed.cases("unexpected") == packed.cases("repeat") == []


def test_what_somebody_else_left_there_is_unexpected(packed: Made) -> None:
    """A copy that dlim never packed, and an image of no list that only val has, too, are no leaving out of dlim's."""
    packed.write("other_0001", Object("close", BOX))
    copied(packed.image("close_0002"), packed.image("other_0001"))
    assert packed.cases("left-out") == []
    assert [told for _, told in packed.cases("unexpected")] == ["is in no list"]
    copied(packed.image("close_0005"), packed.image("other_0001"))
    packed.seal()
    assert packed.cases("left-out") == []
    assert [told for _, told in packed.cases("unexpected")] == ["is in no list"]


MAIN = "ImageSets/Main"


@pytest.mark.parametrize(
    ("part", "ids", "told"),
    [
        ("trainval", VAL, "lacks 7 ids (close_0001, ...) of train and val"),
        ("trainval", (*TRAIN, *VAL, "more"), "has 1 id (more) that neither train nor val has"),
        ("test", TRAIN, "has 7 ids (close_0001, ...) that train has"),
        ("val", (*VAL, VAL[0]), "has 1 id (close_0005) more than once"),
        ("val", (*VAL, ""), "has a blank line"),
        ("val", (*VAL[1:], f"{VAL[0]} "), "has white space in 1 id (close_0005 )"),
        ("test", (), "is missing or empty"),
    ],
)
def test_faults_in_the_lists(packed: Made, part: str, ids: tuple[str, ...], told: str) -> None:
    """trainval that isn't train and val, a test that knows train, and lines that readers fail on."""
    packed.list(part).write_text("".join(f"{name}\n" for name in ids))
    assert (f"{MAIN}/{part}.txt", told) in packed.cases("list")


def test_changed_files(packed: Made) -> None:
    """What isn't as dlim packed it is told, lists too."""
    packed.edit("skip_0001", "<xmin>17<", "<xmin>18<")
    packed.image("new_0001").write_bytes(jpeg(80))
    packed.list("val").write_text("close_0005\n")
    assert packed.cases("changed") == [
        (jpg("new_0001"), "was changed, or is new"),
        (xml("skip_0001"), "was changed, or is new"),
        (f"{MAIN}/val.txt", "was changed"),
    ]


def test_what_was_planted_comes_first(packed: Made) -> None:
    """Among many boxes that are clipped by nature, the one that somebody has changed comes first."""
    for name in (*TRAIN, *VAL):
        packed.write(name, Object(name.rpartition("_")[0], Box(0, 0, 30, 30), truncated=True))
    packed.seal()
    assert packed.cases("clipped")[0][0] == xml("close_0001")
    packed.edit("skip_0002", "<ymin>1<", "<ymin>4<")
    found = packed.cases("clipped")
    assert len(found) == 10
    assert found[0][0] == xml("skip_0002")


def test_how_many_of_how_many(packed: Made) -> None:
    """A finding says its count in words, and of how many it is."""
    packed.edit("close_0001", "<truncated>0<", "<truncated>1<")
    finding = packed.findings()["clipped"]
    assert finding.title == "1 box is clipped: it ends at its image's edge, or is marked truncated"
    assert finding.total == 10
    packed.edit("close_0002", "<truncated>0<", "<truncated>1<")
    assert packed.findings()["clipped"].title.startswith("2 boxes are clipped")
