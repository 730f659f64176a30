"""VOC files of any program: read where their meaning is clear, and refused in a line where it isn't."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from dlim.errors import AnnotationError
from dlim.formats import voc_reader
from dlim.geometry import Annotation, Box, Object

FILES = Path(__file__).with_name("voc_files")
REAL = Path(__file__).parents[3] / "shared/real/projects"

OBJECT = """<object><name>close</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
<bndbox><xmin>3</xmin><ymin>4</ymin><xmax>10</xmax><ymax>20</ymax></bndbox></object>"""
SIZE = "<size><width>40</width><height>30</height><depth>1</depth></size>"
READ = Object("close", Box(2, 3, 10, 20), truncated=True, pose="Left")


def read(folder: Path, inner: str) -> Annotation:
    path = folder / "a.xml"
    path.write_text(f"<annotation>{inner}</annotation>", encoding="utf-8")
    return voc_reader.read(path)


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
    pytest.param(OBJECT.replace("<xmin>3<", "<xmin> 3 <"), Box(2, 3, 10, 20), id="spaces around a number"),
    pytest.param(OBJECT.replace("<xmin>3<", '<xmin unit="px">3<'), Box(2, 3, 10, 20), id="an attribute"),
    pytest.param(OBJECT.replace("<xmin>3<", "<xmin>+3<"), Box(2, 3, 10, 20), id="a sign"),
    pytest.param(
        OBJECT.replace("<xmin>3<", "<xmin>-5<").replace("<xmax>10<", "<xmax>99<"),
        Box(-6, 3, 99, 20),
        id="a box over the image is read as it stands",
    ),
    pytest.param(OBJECT.replace("<xmax>10<", "<xmax>41<"), Box(2, 3, 41, 20), id="a pixel wider than the image, too"),
    pytest.param(
        OBJECT.replace("<xmin>3<", "<xmin>10<"), Box(9, 3, 10, 20), id="min = max is one column, and not none"
    ),
    pytest.param(
        OBJECT.replace("<xmin>3<", "<xmin>3.0<"), Box(3, 4, 10, 20), id="who writes 3.0 measures from the image's edge"
    ),
    pytest.param(OBJECT.replace("<xmin>3<", "<xmin>2.49<"), Box(2, 4, 10, 20), id="to the nearest pixel"),
    pytest.param(OBJECT.replace("<xmin>3<", "<xmin>2.5<"), Box(3, 4, 10, 20), id="a half goes up"),
    pytest.param(OBJECT.replace("<xmin>3<", "<xmin>-0.4<"), Box(0, 4, 10, 20), id="a little over the edge is none"),
    pytest.param(OBJECT.replace("<xmin>3<", "<xmin>1.2e-05<"), Box(0, 4, 10, 20), id="nearly nothing"),
    pytest.param(OBJECT.replace("<xmin>3<", "<xmin>.6<"), Box(1, 4, 10, 20), id="a fraction alone"),
    pytest.param(OBJECT.replace("<xmin>3<", "<xmin>0<"), Box(0, 4, 10, 20), id="a least edge of 0 counts from there"),
    pytest.param(
        OBJECT.replace("<xmin>3<", "<xmin>0<").replace("<ymin>4<", "<ymin>-1<"),
        Box(-1, -2, 10, 20),
        id="beside one that hangs over, 0 hangs over as well",
    ),
]


@pytest.mark.parametrize(("thing", "box"), MENDED)
def test_boxes_as_programs_write_them(tmp_path: Path, thing: str, box: Box) -> None:
    """Boxes are whole pixels, counted as their program counts; `locate` judges those over the edge."""
    assert read(tmp_path, SIZE + thing).objects == (Object("close", box, truncated=True, pose="Left"),)


def test_a_file_counts_in_one_way(tmp_path: Path) -> None:
    """What one box gives away of how its program counts holds for every box in the file."""
    other = OBJECT.replace("<xmin>3<", "<xmin>0<")
    assert [thing.box for thing in read(tmp_path, SIZE + OBJECT + other).objects] == [
        Box(3, 4, 10, 20),
        Box(0, 4, 10, 20),
    ]


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        *((text, True) for text in ("1", "yes", "Yes", "true", "TRUE", " 1 ")),
        *((text, False) for text in ("0", "no", "No", "false", "False", "Unspecified", "")),
    ],
)
def test_flags_in_words(tmp_path: Path, text: str, flag: bool) -> None:
    """truncated and difficult are read in figures and in words."""
    thing = OBJECT.replace("<truncated>1<", f"<truncated>{text}<").replace("<difficult>0<", f"<difficult>{text}<")
    (found,) = read(tmp_path, SIZE + thing).objects
    assert (found.truncated, found.difficult) == (flag, flag)


@pytest.mark.parametrize("size", ["", "<size/>", "<size></size>", SIZE.replace("40", "0").replace("30", "0.0")])
def test_a_size_that_is_not_said(tmp_path: Path, size: str) -> None:
    """Without a size, or with that of an image which couldn't be opened, it is 0x0, and the boxes are read."""
    assert read(tmp_path, size + OBJECT) == Annotation("", 0, 0, (READ,), folder="")


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
    assert voc_reader.read(path) == Annotation("image_extended.jpg", 40, 30, (READ,), depth=3, folder="master")


BELL = Box(0, 4, 40, 36)

PROGRAMS = [
    pytest.param("labelimg", "master", "image_extended.jpg", Object("bell", BELL, truncated=True), id="labelImg"),
    pytest.param("cvat", "", "image_extended.jpg", Object("bell", BELL), id="CVAT"),
    pytest.param(
        "label_studio", "images", "5c0d1e2f-image_extended", Object("bell", Box(3, 4, 40, 36)), id="Label Studio"
    ),
    pytest.param("vott", "Annotation", "image_extended.jpg", Object("bell", Box(3, 4, 40, 36)), id="VoTT"),
    pytest.param(
        "roboflow", "", "image_extended_jpg.rf.0a1b2c3d.jpg", Object("bell", Box(2, 4, 40, 36)), id="Roboflow"
    ),
]


@pytest.mark.parametrize(("name", "folder", "filename", "thing"), PROGRAMS)
def test_files_of_labelling_programs(name: str, folder: str, filename: str, thing: Object) -> None:
    """A file as each of them exports it is read, with its box where the person drew it."""
    found = voc_reader.read(FILES / f"{name}.xml")
    assert (found.folder, found.filename, found.width, found.height) == (folder, filename, 400, 400)
    assert found.objects[0] == thing


def test_all_of_a_file_of_cvat() -> None:
    """Pose, flags and edges of CVAT's second object are its own, and its attributes are passed over."""
    arrow = Object("arrow", Box(12, 8, 30, 20), truncated=True, pose="Left")
    assert voc_reader.read(FILES / "cvat.xml").objects[1:] == (arrow,)


def test_a_turned_box_of_cvat(tmp_path: Path) -> None:
    """CVAT writes a turned box as it was before it was turned: that is no place of anything, and refused."""
    text = (FILES / "cvat.xml").read_text()
    (tmp_path / "a.xml").write_text(text.replace("<value>0.0</value>", "<value>30.5</value>", 1))
    with pytest.raises(AnnotationError) as caught:
        voc_reader.read(tmp_path / "a.xml")
    assert (
        str(caught.value)
        == f'{tmp_path}/a.xml: the box of "bell" is turned by 30.5 degrees; draw one that isn\'t turned'
    )


def encoded(text: str, encoding: str, declared: str = "") -> bytes:
    head = f'<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
    return (head + text).encode(encoding)


NAMED = (
    "<annotation><folder>広告</folder><filename>閉.jpg</filename>"
    + SIZE
    + OBJECT.replace("close", "閉")
    + "</annotation>"
)

ENCODINGS = [
    pytest.param(encoded(NAMED, "utf-8"), id="UTF-8"),
    pytest.param(encoded(NAMED, "utf-8-sig"), id="UTF-8 with a mark"),
    pytest.param(encoded(NAMED, "utf-8-sig", "utf-8"), id="UTF-8 with a mark and declared"),
    pytest.param(encoded(NAMED, "utf-16", "utf-16"), id="UTF-16 with a mark"),
    pytest.param(encoded(NAMED, "utf-16-le"), id="UTF-16 without one"),
    pytest.param(encoded(NAMED, "utf-16-be", "UTF-16"), id="UTF-16 of the other order"),
    pytest.param(encoded(NAMED, "utf-8", "utf-16"), id="UTF-8 declared as UTF-16"),
    pytest.param(encoded(NAMED, "utf-8", "us-ascii"), id="UTF-8 declared as ASCII"),
    pytest.param(encoded(NAMED, "cp932", "Shift_JIS"), id="Shift-JIS"),
    pytest.param(encoded(NAMED, "euc_jp", "EUC-JP"), id="EUC-JP"),
    pytest.param(encoded(NAMED, "gb18030", "GB18030"), id="GB18030"),
    pytest.param(b"\r\n  " + encoded(NAMED, "utf-8", "utf-8"), id="blank lines before the declaration"),
    pytest.param(encoded(NAMED.replace("><", ">\r\n<"), "utf-8", "utf-8"), id="lines of DOS"),
]


@pytest.mark.parametrize("data", ENCODINGS)
def test_encodings(tmp_path: Path, data: bytes) -> None:
    """A file is read in the encoding that it is in, whatever it declares."""
    (tmp_path / "a.xml").write_bytes(data)
    found = voc_reader.read(tmp_path / "a.xml")
    assert (found.folder, found.filename, found.objects[0].label) == ("広告", "閉.jpg", "閉")
    assert found.objects[0].box == READ.box


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    """Of what no encoding explains only a label matters: a folder's name may be anything."""
    text = NAMED.replace("閉<", "close<")
    (tmp_path / "a.xml").write_bytes(encoded(text, "cp932", "utf-8"))
    assert voc_reader.read(tmp_path / "a.xml").objects == (READ,)
    (tmp_path / "a.xml").write_bytes(encoded(NAMED, "cp932", "utf-8"))
    with pytest.raises(AnnotationError, match="is not in the encoding of the file; save the file as UTF-8"):
        voc_reader.read(tmp_path / "a.xml")


@pytest.mark.parametrize(
    ("size", "filename", "frame"),
    [
        (SIZE, "image_extended.jpg", (40, 30)),
        ("", "image_extended.jpg", (400, 300)),
        ("", "5c0d1e2f-image_extended", (400, 300)),
        ("", "image_extended_jpg.rf.0a1b2c3d.jpg", (400, 300)),
        ("", "image.jpg", (32, 24)),
        ("", "5c0d1e2f-image", (32, 24)),
        ("", "close.jpg", (0, 0)),
        ("", "", (0, 0)),
    ],
)
def test_which_image_was_drawn_on(tmp_path: Path, size: str, filename: str, frame: tuple[int, int]) -> None:
    """The size says it, and else the name of the file that was drawn on, where that is a master's."""
    found = read(tmp_path, f"<filename>{filename}</filename>{size}{OBJECT}")
    assert voc_reader.frame(found, (32, 24), (400, 300)) == frame


def box_fault(name: str, value: str) -> str:
    return f'<bndbox> <{name}> is "{value}", no number of pixels; label the image again, or mend the file'


FAULTS = [
    pytest.param(SIZE + SIZE, "<size> stands there twice; label the image again, or mend the file", id="two sizes"),
    pytest.param(
        "<size>40x30</size>", "<size> is missing or empty; label the image again, or mend the file", id="text"
    ),
    pytest.param(
        SIZE.replace("<width>40</width>", ""),
        '<size> <width> is "", no number of pixels; label the image again, or mend the file',
        id="no width",
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
        SIZE + OBJECT.replace("<xmin>3<", "<xmin>4.1<").replace("<xmax>10<", "<xmax>4.3<"),
        'the box of "close" is less than a pixel wide or high; label the image again, or mend the file',
        id="a slip of the mouse",
    ),
    pytest.param(
        SIZE + OBJECT.replace("<ymin>4<", "<ymin>0<").replace("<ymax>20<", "<ymax>0<"),
        'the box of "close" is less than a pixel wide or high; label the image again, or mend the file',
        id="no height",
    ),
    pytest.param(
        SIZE + OBJECT.replace("<xmin>3<", f"<xmin>{'9' * 5000}<"),
        box_fault("xmin", "9" * 20 + "..."),
        id="5,000 digits",
    ),
    pytest.param(SIZE + OBJECT.replace("<xmin>3<", "<xmin>3,5<"), box_fault("xmin", "3,5"), id="a decimal comma"),
    pytest.param(SIZE + OBJECT.replace("<xmin>3<", "<xmin>1_0<"), box_fault("xmin", "1_0"), id="a number of Python"),
    pytest.param(SIZE + OBJECT.replace("<xmin>3<", "<xmin>３<"), box_fault("xmin", "３"), id="a full-width number"),
    pytest.param(
        SIZE + OBJECT.replace("<xmin>3<", "<xmin>2</xmin><xmin>3<"),
        "<xmin> stands there twice; label the image again, or mend the file",
        id="two numbers for one edge",
    ),
    pytest.param(
        SIZE + OBJECT.replace("</object>", "<bndbox/></object>"),
        "<bndbox> stands there twice; label the image again, or mend the file",
        id="two boxes",
    ),
    *(
        pytest.param(
            SIZE + f"<object><name>close</name><{shape}><x1>3</x1></{shape}></object>",
            f'"close" is a <{shape}> and has no <bndbox>; draw a box around it',
            id=f"a {shape}",
        )
        for shape in ("polygon", "robndbox", "line", "point")
    ),
    pytest.param(
        SIZE.replace("40", "0"),
        '<size> <width> is "0", no size in pixels; label the image again, or mend the file',
        id="a width of nothing beside a height",
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
        voc_reader.read(path)
    assert str(caught.value) == f"{path}: is no XML file that can be read ({reason}); label the image again"


@pytest.mark.parametrize("text", ["<annotation/>", "<html><body/></html>", "<annotation>text</annotation>"])
def test_other_xml_is_no_annotation(tmp_path: Path, text: str) -> None:
    """XML of another kind is told apart from broken XML."""
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(AnnotationError) as caught:
        voc_reader.read(path)
    assert str(caught.value) == (
        f"{path}: is no VOC file: it has no <annotation>; label the image again, as Pascal VOC"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is one line too."""
    with pytest.raises(AnnotationError) as caught:
        voc_reader.read(tmp_path / "a.xml")
    assert str(caught.value) == f"{tmp_path}/a.xml: can't be read (No such file or directory); label the image again"


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
    found = voc_reader.read(REAL / project / "master/image_extended.xml")
    assert (found.width, found.height, found.depth) == (*size, 3)
    assert found.objects == (Object(label, box, truncated=True),)
    with Image.open(REAL / project / "master/image.jpg") as image:
        assert found.objects[0].box.width - image.width in (0, 1)
