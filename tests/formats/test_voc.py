"""Pascal VOC: what is written is what every reader accepts."""

from __future__ import annotations

import string
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim.formats import voc
from dlim.geometry import Annotation, Box, Object

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


LABELLED = {"a": (["a_1"], ["a_2"]), "b": (["b_1"], ["a_2"])}


def test_the_lists_of_a_dataset() -> None:
    """train and val are what was given, sorted; trainval is both; test is val, which nothing learned from."""
    lists = voc.lists(["b_1", "a_1"], ["a_2"], LABELLED, class_lists=False)
    assert lists == {
        "ImageSets/Main/train.txt": "a_1\nb_1\n",
        "ImageSets/Main/val.txt": "a_2\n",
        "ImageSets/Main/trainval.txt": "a_1\na_2\nb_1\n",
        "ImageSets/Main/test.txt": "a_2\n",
        "labelmap.txt": "# label:color_rgb:parts:actions\na:::\nb:::\n",
        "classes.txt": "a\nb\n",
    }


def test_the_lists_of_each_class() -> None:
    """A class list has the images of its part that show the class: as many lines as there are labels on images."""
    lists = voc.lists(["b_1", "a_1"], ["a_2"], LABELLED, class_lists=True)
    assert {name: text for name, text in lists.items() if "/a_" in name} == {
        "ImageSets/Main/a_train.txt": "a_1  1\n",
        "ImageSets/Main/a_val.txt": "a_2  1\n",
        "ImageSets/Main/a_trainval.txt": "a_1  1\na_2  1\n",
        "ImageSets/Main/a_test.txt": "a_2  1\n",
    }
    assert lists["ImageSets/Main/b_train.txt"] == "b_1  1\n"


def test_no_list_has_a_blank_line() -> None:
    """A reader would look for the image of an empty name."""
    for text in voc.lists(["a_1"], [], {"a": (["a_1"], [])}, class_lists=True).values():
        assert "" not in text.splitlines()
