"""boxes: a master's boxes, in whichever frame they were drawn, are boxes on the crop."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from PIL import Image

from dlim.config import ProjectSettings
from dlim.errors import AnnotationError, DlimError, ProjectError
from dlim.geometry import Box, Object, Size
from dlim.projects import Project
from dlim.stages import boxes
from dlim.store import staging
from tests.conftest import draw_master

REAL = Path(__file__).parents[3] / "shared/real/projects"

CROP = 32, 24
CANVAS = 400, 300
BOX = Box(4, 6, 28, 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project's folder with a master of 32 x 24, and a folder out."""
    (tmp_path / "master").mkdir()
    draw_master(tmp_path / "master/image.jpg", CROP, (4, 6, 28, 20))
    return tmp_path


def project(folder: Path, label: str | None = None, placement: str = "left-upper") -> Project:
    return Project("button", folder, ProjectSettings(label, placement))


def draw(folder: Path, frame: Size, *boxes: Box) -> None:
    """Write an annotation as a labelling program does, with an object for each box."""
    things = (
        f"<object><name>close</name><truncated>0</truncated><difficult>0</difficult><bndbox>"
        f"<xmin>{box.x1 + 1:g}</xmin><ymin>{box.y1 + 1:g}</ymin><xmax>{box.x2:g}</xmax><ymax>{box.y2:g}</ymax>"
        f"</bndbox></object>"
        for box in boxes
    )
    size = f"<size><width>{frame[0]}</width><height>{frame[1]}</height><depth>3</depth></size>"
    (folder / "master/image_extended.xml").write_text(f"<annotation>{size}{''.join(things)}</annotation>")


def ran(project: Project, out: Path, canvas: Size) -> list[str]:
    """What is said of a project's boxes."""
    with staging(out) as made:
        return boxes.locate(project, made, canvas)


def located(folder: Path, project: Project, canvas: Size = CANVAS) -> tuple[tuple[Object, ...], list[str]]:
    notes = ran(project, folder / "out", canvas)
    master, size, objects = boxes.read(folder / "out")
    assert master == hashlib.sha256(project.image.read_bytes()).hexdigest()
    assert size == CROP
    return objects, notes


def refused(folder: Path, project: Project) -> str:
    """What is said of a project whose boxes can't be placed; nothing is written then."""
    with pytest.raises(DlimError) as caught:
        ran(project, folder / "out", CANVAS)
    assert isinstance(caught.value, (AnnotationError, ProjectError))
    assert not (folder / "out").exists()
    return str(caught.value)


def test_a_box_drawn_on_the_crop(folder: Path) -> None:
    """Where <size> is the crop's, the box is on the crop already."""
    draw(folder, CROP, BOX)
    assert located(folder, project(folder)) == ((Object("close", BOX),), [])


@pytest.mark.parametrize(
    ("placement", "corner"),
    [
        ("left-upper", (0, 0)),
        ("right-upper", (368, 0)),
        ("left-lower", (0, 276)),
        ("right-lower", (368, 276)),
        ("centre", (184, 138)),
    ],
)
def test_a_box_drawn_on_the_canvas(folder: Path, placement: str, corner: tuple[int, int]) -> None:
    """Where <size> is the labelling canvas's, the box is brought to the crop from where that stood."""
    draw(folder, CANVAS, BOX.shifted(*corner))
    assert located(folder, project(folder, placement=placement)) == ((Object("close", BOX),), [])


def test_a_crop_of_the_canvass_size(folder: Path) -> None:
    """Where crop and canvas are of one size, both frames are the same."""
    draw(folder, CROP, BOX)
    assert located(folder, project(folder, placement="centre"), canvas=CROP) == ((Object("close", BOX),), [])


def test_several_objects(folder: Path) -> None:
    """All objects are located, in the order of the file, with their flags."""
    draw(folder, CROP, BOX, Box(0, 0, 4, 4))
    text = project(folder).boxes.read_text()
    project(folder).boxes.write_text(text.replace("<difficult>0<", "<difficult>1<", 1))
    assert located(folder, project(folder))[0] == (
        Object("close", BOX, difficult=True),
        Object("close", Box(0, 0, 4, 4)),
    )


def test_the_label_of_project_toml(folder: Path) -> None:
    """A label in project.toml goes before those that were drawn."""
    draw(folder, CROP, BOX, Box(0, 0, 4, 4))
    objects, _ = located(folder, project(folder, label="other"))
    assert [thing.label for thing in objects] == ["other", "other"]


@pytest.mark.parametrize(
    ("drawn", "clipped", "over", "truncated"),
    [
        pytest.param(Box(0, 0, 33, 24), Box(0, 0, 32, 24), "1", False, id="a pixel over the right"),
        pytest.param(Box(-1, -2, 32, 24), Box(0, 0, 32, 24), "2", False, id="a little over the upper left"),
        pytest.param(Box(4, 6, 35, 20), Box(4, 6, 32, 20), "3", True, id="too much for a slip"),
        pytest.param(Box(4, 6, 28, 90), Box(4, 6, 28, 24), "66", True, id="far over"),
        pytest.param(Box(31, 6, 60, 20), Box(31, 6, 32, 20), "28", True, id="with one column on it"),
    ],
)
def test_overhang_is_clipped_and_said_once(folder: Path, drawn: Box, clipped: Box, over: str, truncated: bool) -> None:
    """A box over the crop's edge is cut there, which is said; more than a slip of the hand makes it truncated."""
    draw(folder, CROP, drawn, BOX)
    objects, notes = located(folder, project(folder))
    assert objects == (Object("close", clipped, truncated=truncated), Object("close", BOX))
    assert notes == [
        f'{folder}/master/image_extended.xml: the box of "close" hangs over the crop by {over} px; clipped'
    ]


@pytest.mark.parametrize(
    ("frame", "drawn"),
    [
        pytest.param(CROP, Box(40, 6, 60, 20), id="right of the crop"),
        pytest.param(CROP, Box(4, -9, 28, 0), id="above the crop"),
        pytest.param(CROP, Box(31.5, 6, 60, 20), id="with half a column on it"),
        pytest.param(CANVAS, Box(372, 6, 396, 20), id="where the crop stands in another placement"),
    ],
)
def test_a_box_outside_the_crop(folder: Path, frame: Size, drawn: Box) -> None:
    """A box beside the crop is refused: it, or the placement, is wrong."""
    draw(folder, frame, drawn)
    assert refused(folder, project(folder)) == (
        f'{folder}/master/image_extended.xml: the box of "close" lies outside the crop, which stands left-upper; '
        "correct the placement in project.toml, or the box: doit label:button, or with --auto --replace for the "
        "whole crop"
    )


@pytest.mark.parametrize("frame", [(32, 25), (24, 32), (300, 400), (1, 1)])
def test_a_size_that_is_neither(folder: Path, frame: Size) -> None:
    """An annotation of another image is refused with all three sizes."""
    draw(folder, frame, Box(0, 0, 2, 2))
    assert refused(folder, project(folder)) == (
        f"{folder}/master/image_extended.xml: <size> says {frame[0]}x{frame[1]}, neither the crop's 32x24 nor the "
        "labelling canvas's 400x300; delete it and label the image again: doit label:button, or with --auto "
        "--replace for the whole crop"
    )


def test_a_crop_that_has_outgrown_the_canvas(folder: Path) -> None:
    """A box drawn on the canvas says nothing of a new crop that has no room there; it is the crop that is named."""
    draw(folder, CANVAS, BOX)
    draw_master(folder / "master/image.jpg", (1280, 720), (4, 6, 28, 20))
    assert refused(folder, project(folder)) == (
        f"{folder}/master/image.jpg: is 1280x720, larger than the labelling canvas of 400x300 that its box was drawn "
        "on; crop it smaller, or delete image_extended.xml and label it again: doit label:button, or with --auto "
        "--replace for the whole crop"
    )


def test_no_object(folder: Path) -> None:
    """An annotation that marks nothing is refused."""
    draw(folder, CROP)
    assert refused(folder, project(folder)) == (
        f"{folder}/master/image_extended.xml: marks no object; draw a box around the object and save again"
    )


def test_nothing_but_difficult_objects(folder: Path) -> None:
    """A reader passes over difficult objects, and fails on an image without another: that is refused here."""
    draw(folder, CROP, BOX, BOX)
    text = project(folder).boxes.read_text()
    project(folder).boxes.write_text(text.replace("<difficult>0<", "<difficult>1<"))
    assert refused(folder, project(folder)) == (
        f"{folder}/master/image_extended.xml: marks difficult objects only, which learners pass over; "
        "mark one as not difficult"
    )


def test_no_annotation(folder: Path) -> None:
    """A project that nobody has labelled yet says with which commands it gets its box."""
    assert refused(folder, project(folder)) == (
        "button: has no box yet; doit label:button draws it, doit label:button --auto takes the whole crop"
    )


def test_no_annotation_in_another_folder_of_projects(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands name the project as its tasks do."""
    monkeypatch.chdir(folder.parent)
    (folder.parent / "other").mkdir()
    folder.rename(folder.parent / "other/button")
    there = Project("button", Path("other/button"), ProjectSettings())
    with pytest.raises(ProjectError) as caught:
        boxes.objects_of(there, CANVAS)
    assert str(caught.value) == (
        "other/button: has no box yet; doit label:other/button draws it, "
        "doit label:other/button --auto takes the whole crop"
    )


def test_no_master(folder: Path) -> None:
    """A project without its master says so, whatever else is there."""
    draw(folder, CROP, BOX)
    project(folder).image.unlink()
    assert refused(folder, project(folder)).startswith("button: master/image.jpg is missing; doit new button --image")


def test_a_broken_annotation(folder: Path) -> None:
    """A fault in the file is told with its name."""
    project(folder).boxes.write_text("<annotation>")
    assert refused(folder, project(folder)) == (
        f"{folder}/master/image_extended.xml: is no XML file that can be read "
        "(no element found: line 1, column 12); label the image again"
    )


def test_a_broken_master(folder: Path) -> None:
    """A master that is no image is told with its name."""
    draw(folder, CROP, BOX)
    project(folder).image.write_bytes(b"text")
    assert refused(folder, project(folder)) == (
        f"{folder}/master/image.jpg: is no image that can be read; save it as PNG or JPEG"
    )


def test_a_master_of_one_column(folder: Path) -> None:
    """No box that VOC's readers take has room on it."""
    Image.new("RGB", (1, 24)).save(project(folder).image)
    draw(folder, (1, 24), Box(0, 0, 2, 2))
    assert refused(folder, project(folder)) == (
        f"{folder}/master/image.jpg: is 1x24; use a crop of at least 2x2 pixels"
    )


@pytest.mark.skipif(not REAL.is_dir(), reason="the team's masters aren't beside the repository")
@pytest.mark.parametrize(
    ("name", "placement", "size", "notes"),
    [
        ("close", "left-upper", (32, 32), 0),
        ("adbutton", "left-upper", (300, 100), 0),
        ("closebcow", "left-upper", (38, 39), 0),
        ("closegb", "left-upper", (64, 64), 0),
        ("ru_close", "right-upper", (32, 32), 1),
        ("ru_closegb", "right-upper", (64, 64), 1),
    ],
)
def test_the_teams_own_projects(tmp_path: Path, name: str, placement: str, size: Size, notes: int) -> None:
    """Each of the team's boxes is around its whole crop, also those drawn a pixel too wide on the canvas."""
    shutil.copytree(REAL / name, tmp_path / name)
    made = Project(name, tmp_path / name, ProjectSettings(placement=placement))
    assert len(ran(made, tmp_path / "out", (400, 400))) == notes
    _, found, (thing,) = boxes.read(tmp_path / "out")
    assert found == size
    assert thing.box == Box(0, 0, *size)
