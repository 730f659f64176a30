"""Pascal VOC: what is written is what every reader accepts, and what people's tools wrote is read."""

from __future__ import annotations

import string
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dlim.annotation import Annotation, Box, Object
from dlim.errors import AnnotationError
from dlim.formats import voc

REAL = Path(__file__).parents[3] / "shared/real/projects"

THING = Object("close", Box(0, 1, 30, 20))
IMAGE = Annotation("close_0001.jpg", 400, 300, (THING,))

LABELS = st.text(string.ascii_letters + string.digits + "_-<>&\"'あ漢", min_size=1, max_size=12)


@st.composite
def annotations(draw: st.DrawFn) -> Annotation:
    """Any annotation whose boxes are whole and inside, as `Box.rounded` leaves them."""
    width, height = draw(st.integers(2, 4000)), draw(st.integers(2, 4000))
    things = []
    for _ in range(draw(st.integers(0, 4))):
        edges = (draw(st.floats(0, limit)) for limit in (width, height, width, height))
        box = Box(*edges).rounded(width, height)
        things.append(Object(draw(LABELS), box, draw(st.booleans()), draw(st.booleans()), draw(LABELS)))
    return Annotation(draw(LABELS), width, height, tuple(things), folder=draw(LABELS))


def fields(element: ET.Element) -> dict[str, str | None]:
    return {child.tag: child.text for child in element if not len(child)}


def test_the_file_is_the_documented_one() -> None:
    """An annotation is written to the byte as its readers expect it."""
    assert voc.write(IMAGE) == (
        "<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>close_0001.jpg</filename>\n"
        "\t<source>\n\t\t<database>dlim</database>\n\t</source>\n"
        "\t<size>\n\t\t<width>400</width>\n\t\t<height>300</height>\n\t\t<depth>3</depth>\n\t</size>\n"
        "\t<segmented>0</segmented>\n"
        "\t<object>\n\t\t<name>close</name>\n\t\t<pose>Unspecified</pose>\n"
        "\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n"
        "\t\t<bndbox>\n\t\t\t<xmin>1</xmin>\n\t\t\t<ymin>2</ymin>\n\t\t\t<xmax>30</xmax>\n\t\t\t<ymax>20</ymax>\n"
        "\t\t</bndbox>\n\t</object>\n</annotation>\n"
    )


@settings(deadline=None)
@given(annotations())
def test_every_field_is_what_readers_accept(annotation: Annotation) -> None:
    """Whatever is annotated, each field that a reader asks for is there, once, and of the right kind."""
    root = ET.fromstring(voc.write(annotation))
    assert root.tag == "annotation"
    assert fields(root) == {"folder": annotation.folder, "filename": annotation.filename, "segmented": "0"}
    [source] = root.findall("source")
    assert fields(source) == {"database": "dlim"}
    [size] = root.findall("size")
    assert fields(size) == {"width": str(annotation.width), "height": str(annotation.height), "depth": "3"}
    things = root.findall("object")
    assert len(things) == len(annotation.objects)
    for element, thing in zip(things, annotation.objects, strict=True):
        assert fields(element) == {
            "name": thing.label,
            "pose": thing.pose,
            "truncated": str(int(thing.truncated)),
            "difficult": str(int(thing.difficult)),
        }
        [box] = element.findall("bndbox")
        edges = {name: int(text or "") for name, text in fields(box).items()}
        assert list(edges) == ["xmin", "ymin", "xmax", "ymax"]
        assert 1 <= edges["xmin"] < edges["xmax"] <= annotation.width
        assert 1 <= edges["ymin"] < edges["ymax"] <= annotation.height


@settings(deadline=None, max_examples=50)
@given(annotations())
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, annotation: Annotation) -> None:
    """Reading what was written gives the same annotation, whatever its labels."""
    path = tmp_path_factory.getbasetemp() / "annotation.xml"
    path.write_bytes(voc.write(annotation).encode())
    assert voc.read(path) == annotation


def test_writing_changes_nothing_between_two_times() -> None:
    """The same annotation is the same text each time."""
    assert voc.write(IMAGE) == voc.write(IMAGE)


OBJECT = """<object><name>close</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
<bndbox><xmin>3</xmin><ymin>4</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object>"""
SIZE = "<size><width>40</width><height>30</height><depth>1</depth></size>"
READ = Object("close", Box(2, 3, 10, 20), truncated=True, pose="Left")


def read(folder: Path, inner: str) -> Annotation:
    path = folder / "a.xml"
    path.write_text(f"<annotation>{inner}</annotation>", encoding="utf-8")
    return voc.read(path)


def test_boxes_count_from_1_in_files_and_from_0_inside(tmp_path: Path) -> None:
    """Columns 3 to 10, counted from 1 with both ends in the box, are 2 <= x < 10."""
    assert read(tmp_path, SIZE + OBJECT).objects == (READ,)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_any_number_of_objects(tmp_path: Path, count: int) -> None:
    """No object, one, and several are all read, in the order of the file."""
    things = [OBJECT.replace("close", f"close{number}") for number in range(count)]
    found = read(tmp_path, SIZE + "".join(things)).objects
    assert [thing.label for thing in found] == [f"close{number}" for number in range(count)]


def test_objects_between_other_elements(tmp_path: Path) -> None:
    """Objects with other elements between them keep their order."""
    other = OBJECT.replace("close", "skip")
    found = read(tmp_path, OBJECT + SIZE + other + "<segmented>0</segmented>" + OBJECT).objects
    assert [thing.label for thing in found] == ["close", "skip", "close"]


MENDED = [
    pytest.param(
        SIZE + OBJECT.replace("<xmin>3<", "<xmin>3.0<"), Box(2, 3, 10, 20), id="a whole number written as a float"
    ),
    pytest.param(SIZE + OBJECT.replace("<xmin>3<", "<xmin>2.25<"), Box(1.25, 3, 10, 20), id="a fraction is kept"),
    pytest.param(SIZE + OBJECT.replace("<xmin>3<", "<xmin> 3 <"), Box(2, 3, 10, 20), id="spaces around a number"),
    pytest.param(
        SIZE + OBJECT.replace("<xmin>3<", "<xmin>-5<").replace("<xmax>10<", "<xmax>99<"),
        Box(-6, 3, 99, 20),
        id="a box over the image is read as it stands",
    ),
    pytest.param(
        SIZE + OBJECT.replace("<xmin>3<", "<xmin>10<"), Box(9, 3, 10, 20), id="min = max is one column, and not none"
    ),
]


@pytest.mark.parametrize(("inner", "box"), MENDED)
def test_boxes_as_tools_write_them(tmp_path: Path, inner: str, box: Box) -> None:
    """Floats, fractions and boxes over the edge are read as they stand: `locate` judges them."""
    assert read(tmp_path, inner).objects == (Object("close", box, truncated=True, pose="Left"),)


def test_what_an_object_need_not_have(tmp_path: Path) -> None:
    """Without pose and flags, an object is unspecified, whole, and not difficult."""
    box = "<bndbox><xmin>3</xmin><ymin>4</ymin><xmax>10</xmax><ymax>20</ymax></bndbox>"
    bare = f"<object><name> close </name>{box}</object>"
    assert read(tmp_path, SIZE + bare) == Annotation("", 40, 30, (Object("close", Box(2, 3, 10, 20)),), folder="")


def test_a_labelimg_file(tmp_path: Path) -> None:
    """A file as labelImg saves it, attributes and path and all, is read; its depth of 1 is no depth of ours."""
    path = tmp_path / "image_extended.xml"
    path.write_text(
        f'<annotation verified="yes"><folder>master</folder><filename>image_extended.jpg</filename>'
        f"<path>/home/a/image_extended.jpg</path><source><database>Unknown</database></source>{SIZE}"
        f"<segmented>0</segmented>{OBJECT}</annotation>"
    )
    assert voc.read(path) == Annotation("image_extended.jpg", 40, 30, (READ,), depth=3, folder="master")


def box_fault(name: str, value: str) -> str:
    return f'<bndbox> <{name}> is "{value}", no number of pixels; label the image again, or mend the file'


FAULTS = [
    pytest.param(OBJECT, "<size> is missing or empty; label the image again, or mend the file", id="no size"),
    pytest.param("<size/>", "<size> is missing or empty; label the image again, or mend the file", id="an empty size"),
    pytest.param(SIZE + SIZE, "<size> is missing or empty; label the image again, or mend the file", id="two sizes"),
    pytest.param(
        SIZE.replace("<width>40</width>", ""),
        '<size> <width> is "", no number of pixels; label the image again, or mend the file',
        id="no width",
    ),
    pytest.param(
        SIZE.replace("40", "0"),
        '<size> <width> is "0", no size in pixels; label the image again, or mend the file',
        id="a width of nothing",
    ),
    pytest.param(
        SIZE.replace("30", "30.5"),
        '<size> <height> is "30.5", no size in pixels; label the image again, or mend the file',
        id="a height and a half",
    ),
    pytest.param(
        SIZE + "<object/>", "an <object> is empty; label the image again, or mend the file", id="an empty object"
    ),
    pytest.param(
        SIZE + "<object>close</object>",
        "an <object> is empty; label the image again, or mend the file",
        id="an object of text",
    ),
    pytest.param(
        SIZE + OBJECT.replace("<name>close</name>", ""),
        "an <object> has no <name>; label the image again, or mend the file",
        id="no name",
    ),
    pytest.param(
        SIZE + OBJECT.replace("close", "  "),
        "an <object> has no <name>; label the image again, or mend the file",
        id="a name of spaces",
    ),
    pytest.param(
        SIZE + "<object><name>close</name></object>",
        "<bndbox> is missing or empty; label the image again, or mend the file",
        id="no box",
    ),
    pytest.param(SIZE + OBJECT.replace("<xmin>3</xmin>", ""), box_fault("xmin", ""), id="no xmin"),
    pytest.param(SIZE + OBJECT.replace("<ymax>20<", "<ymax>far<"), box_fault("ymax", "far"), id="a word for ymax"),
    pytest.param(SIZE + OBJECT.replace("<ymin>4<", "<ymin>nan<"), box_fault("ymin", "nan"), id="nan"),
    pytest.param(SIZE + OBJECT.replace("<xmax>10<", "<xmax>inf<"), box_fault("xmax", "inf"), id="infinity"),
    pytest.param(
        SIZE + OBJECT.replace("<xmax>10<", "<xmax>1e6<"), box_fault("xmax", "1e6"), id="larger than any image"
    ),
    pytest.param(
        SIZE + OBJECT.replace("<xmin>3<", "<xmin>11<"),
        'the box of "close" ends before it begins; label the image again, or mend the file',
        id="xmin over xmax",
    ),
    pytest.param(
        SIZE + OBJECT.replace("<ymin>4<", "<ymin>21<"),
        'the box of "close" ends before it begins; label the image again, or mend the file',
        id="ymin over ymax",
    ),
    pytest.param(
        SIZE + OBJECT.replace("<truncated>1<", "<truncated>true<"),
        '<truncated> is "true", neither 0 nor 1; label the image again, or mend the file',
        id="truncated in words",
    ),
    pytest.param(
        SIZE + OBJECT.replace("<difficult>0<", "<difficult>2<"),
        '<difficult> is "2", neither 0 nor 1; label the image again, or mend the file',
        id="very difficult",
    ),
]


@pytest.mark.parametrize(("inner", "fault"), FAULTS)
def test_what_an_annotation_may_not_say(tmp_path: Path, inner: str, fault: str) -> None:
    """A file that lacks something or says what can't be is refused, in a line with its name."""
    with pytest.raises(AnnotationError) as caught:
        read(tmp_path, inner)
    assert str(caught.value) == f"{tmp_path}/a.xml: {fault}"


BROKEN = [
    pytest.param(b"", "no element found: line 1, column 0", id="an empty file"),
    pytest.param(b"<annotation><size>", "no element found: line 1, column 18", id="half a file"),
    pytest.param(b"<annotation></size>", "mismatched tag: line 1, column 14", id="a wrong end"),
    pytest.param(b"\xff\xd8\xff\xe0", "not well-formed (invalid token): line 1, column 0", id="a JPEG"),
    pytest.param(
        b'<!DOCTYPE a [<!ENTITY x "xx">]><annotation>&x;</annotation>', "entities are disabled", id="an entity"
    ),
    pytest.param(
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>',
        "entities are disabled",
        id="an entity from a file",
    ),
    pytest.param(
        b'<?xml version="1.0" encoding="klingon"?><annotation/>',
        "unknown encoding: klingon",
        id="an encoding that there isn't",
    ),
]


@pytest.mark.parametrize(("data", "reason"), BROKEN)
def test_what_is_no_xml(tmp_path: Path, data: bytes, reason: str) -> None:
    """A broken file is refused with the place in it, and entities are never resolved."""
    path = tmp_path / "a.xml"
    path.write_bytes(data)
    with pytest.raises(AnnotationError) as caught:
        voc.read(path)
    assert str(caught.value) == f"{path}: is no XML file that can be read ({reason}); label the image again"


@pytest.mark.parametrize("text", ["<annotation/>", "<html><body/></html>", "<annotation>text</annotation>"])
def test_other_xml_is_no_annotation(tmp_path: Path, text: str) -> None:
    """XML of another kind is told apart from broken XML."""
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(AnnotationError) as caught:
        voc.read(path)
    assert str(caught.value) == (
        f"{path}: is no VOC file: it has no <annotation>; label the image again, as Pascal VOC"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is one line too."""
    with pytest.raises(AnnotationError) as caught:
        voc.read(tmp_path / "a.xml")
    assert str(caught.value) == (
        f"{tmp_path}/a.xml: is no XML file that can be read "
        f"([Errno 2] No such file or directory: '{tmp_path}/a.xml'); label the image again"
    )


@pytest.mark.skipif(not REAL.is_dir(), reason="the team's masters aren't beside the repository")
@pytest.mark.parametrize(
    ("project", "label", "size", "box"),
    [
        ("adbutton", "adbutton", (300, 100), Box(0, 0, 300, 100)),
        ("close", "close", (32, 32), Box(0, 0, 32, 32)),
        ("closebcow", "closebcow", (38, 39), Box(0, 0, 38, 39)),
        ("closegb", "closegb", (64, 64), Box(0, 0, 64, 64)),
        ("ru_close", "close", (400, 400), Box(367, 0, 400, 32)),
        ("ru_closegb", "closegb", (400, 400), Box(335, 0, 400, 64)),
    ],
)
def test_the_teams_own_files(project: str, label: str, size: tuple[int, int], box: Box) -> None:
    """What the team drew with labelImg is read as it was drawn, whole crops and extended images alike."""
    found = voc.read(REAL / project / "master/image_extended.xml")
    assert (found.width, found.height, found.depth) == (*size, 3)
    assert found.objects == (Object(label, box, truncated=True),)
    with Image.open(REAL / project / "master/image.jpg") as image:
        assert found.objects[0].box.width - image.width in (0, 1)


LABELLED = {"a_1": ["a"], "a_2": ["a", "b"], "b_1": ["b"]}


def test_the_lists_of_a_dataset() -> None:
    """train and val are what was given, sorted; trainval is both; test is val, which nothing learned from."""
    lists = voc.lists(["b_1", "a_1"], ["a_2"], LABELLED, class_lists=False)
    assert lists == {
        "ImageSets/Main/train.txt": "a_1\nb_1\n",
        "ImageSets/Main/val.txt": "a_2\n",
        "ImageSets/Main/trainval.txt": "a_1\na_2\nb_1\n",
        "ImageSets/Main/test.txt": "a_2\n",
        "labelmap.txt": "# label:color_rgb:parts:actions\na:::\nb:::\n",
    }


def test_the_lists_of_each_class() -> None:
    """A class list has every image of its part, with 1 where it shows the class and -1 where not."""
    lists = voc.lists(["b_1", "a_1"], ["a_2"], LABELLED, class_lists=True)
    assert {name: text for name, text in lists.items() if "/a_" in name} == {
        "ImageSets/Main/a_train.txt": "a_1  1\nb_1 -1\n",
        "ImageSets/Main/a_val.txt": "a_2  1\n",
        "ImageSets/Main/a_trainval.txt": "a_1  1\na_2  1\nb_1 -1\n",
        "ImageSets/Main/a_test.txt": "a_2  1\n",
    }
    assert lists["ImageSets/Main/b_train.txt"] == "a_1 -1\nb_1  1\n"


def test_no_list_has_a_blank_line() -> None:
    """A reader would look for the image of an empty name."""
    for text in voc.lists(["a_1"], [], {"a_1": ["a"]}, class_lists=True).values():
        assert "" not in text.splitlines()
