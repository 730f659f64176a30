"""A master's box file: read in the extended image's frame, written whole, left alone where it says the same."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from dlim.errors import AnnotationError, DlimError, ProjectError
from dlim.formats import voc as voc_format
from dlim.geometry import PLACEMENTS, Box, Object, origin
from dlim.labelling import box_file
from dlim.projects import Project
from dlim.stages import boxes
from tests.labelling.conftest import CANVAS, CROP, project_in, voc

LABELLED = Object("close_btn", Box(4, 6, 28, 20))


def refused(work: object, *arguments: object) -> str:
    with pytest.raises(DlimError) as caught:
        work(*arguments)  # type: ignore[operator]
    return str(caught.value)


def test_a_project_that_nobody_has_labelled(project: Project) -> None:
    """Without a file there are no boxes, and that is no fault."""
    drawn = box_file.read(box_file.extended(project, CANVAS))
    assert drawn == box_file.Drawn((), (), box_file.ABSENT)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_file_drawn_on_the_crop(tmp_path: Path, placement: str) -> None:
    """Boxes on the crop stand on the extended image where the crop does; saved again, they are the same to a build."""
    project = project_in(tmp_path / "p", placement=placement)
    project.boxes.write_text(voc(CROP, ("close_btn", 5, 7, 28, 20)))
    on = box_file.extended(project, CANVAS)
    x, y = origin(CROP, CANVAS, placement)
    drawn = box_file.read(on)
    assert drawn.objects == (Object("close_btn", LABELLED.box.shifted(x, y)),)
    before = boxes.objects_of(project, CANVAS)
    other = Object("other", on.crop)
    assert box_file.write(on, [*drawn.objects, other])
    assert box_file.write(on, drawn.objects)
    assert voc_format.read(project.boxes).width == CANVAS[0]
    assert boxes.objects_of(project, CANVAS) == before


def test_a_crop_with_no_room_on_the_canvas(tmp_path: Path) -> None:
    """A master larger than the labelling canvas is labelled as it is."""
    project = project_in(tmp_path / "p", crop=(500, 40))
    on = box_file.extended(project, CANVAS)
    box_file.require_image(on)
    assert (on.size, on.crop) == ((500, 40), Box(0, 0, 500, 40))
    assert box_file.write(on, [Object("close_btn", on.crop)])
    assert boxes.objects_of(project, CANVAS)[1] == [Object("close_btn", on.crop)]


def test_a_file_in_neither_frame(project: Project) -> None:
    """A file of another image is refused, with the sizes that it could have."""
    project.boxes.write_text(voc((10, 20), ("close_btn", 1, 1, 5, 5)))
    assert refused(box_file.read, box_file.extended(project, CANVAS)) == (
        f"{project.boxes}: says 10x20 for its image's size, which is the crop's 32x24 or the extended image's 400x300; "
        "mend it, or delete it and label anew"
    )


def test_a_file_drawn_before_the_crop_outgrew_the_canvas(tmp_path: Path) -> None:
    """A crop with no room on the canvas is its own extended image: there is one size to name."""
    project = project_in(tmp_path / "p", crop=(1280, 720))
    project.boxes.write_text(voc(CANVAS, ("close_btn", 1, 1, 5, 5)))
    assert refused(box_file.read, box_file.extended(project, CANVAS)) == (
        f"{project.boxes}: says 400x300 for its image's size, which is the crop's 1280x720; "
        "mend it, or delete it and label anew"
    )
    assert box_file.auto(project, "close_btn", CANVAS, replace=True)
    assert boxes.objects_of(project, CANVAS)[1] == [Object("close_btn", Box(0, 0, 1280, 720))]


def test_a_broken_file(project: Project) -> None:
    """What can't be read is a line that says what to do, and stays as it is."""
    project.boxes.write_text("<annotation>")
    said = refused(box_file.read, box_file.extended(project, CANVAS))
    assert said.startswith(f"{project.boxes}: is no XML file that can be read")
    assert said.endswith("; mend it, or delete it and label anew")
    assert project.boxes.read_text() == "<annotation>"


def test_no_file_but_something_else(project: Project) -> None:
    """A folder of that name is a line, too, and nothing is done to it."""
    project.boxes.mkdir()
    on = box_file.extended(project, CANVAS)
    assert refused(box_file.read, on) == (
        f"{project.boxes}: can't be read (Is a directory); make it a file that you may read"
    )
    with pytest.raises(IsADirectoryError):
        box_file.write(on, [LABELLED])
    assert list(project.boxes.iterdir()) == []


def test_boxes_that_a_page_can_not_show(project: Project) -> None:
    """A box over the edge is cut, one beside the image is left out, and both are said."""
    project.boxes.write_text(voc(CANVAS, ("over", 300, 200, 420, 310), ("beside", 500, 10, 520, 30)))
    drawn = box_file.read(box_file.extended(project, CANVAS))
    assert drawn.objects == (Object("over", Box(299, 199, 400, 300)),)
    assert drawn.notes == (
        'the box of "over" is brought to whole pixels inside the image',
        'the box of "beside" lies outside the image and is left out',
    )


def test_the_very_pixels(project: Project) -> None:
    """What is written are the pixels that were drawn, counted from 1 with both ends inside, and both flags."""
    on = box_file.extended(project, CANVAS)
    assert box_file.write(on, [Object("a", Box(0, 0, 32, 24)), Object("b", Box(4, 6, 7, 8), True, True, "Left")])
    text = project.boxes.read_text()
    for line in ("<xmin>5</xmin>", "<ymin>7</ymin>", "<xmax>7</xmax>", "<ymax>8</ymax>", "<pose>Left</pose>"):
        assert text.count(line) == 1
    assert text.count("<truncated>1</truncated>") == text.count("<difficult>1</difficult>") == 1
    assert "<filename>image_extended.jpg</filename>" in text
    assert "<width>400</width>" in text
    assert "<height>300</height>" in text


def test_the_same_boxes_again(project: Project) -> None:
    """Boxes that the file has already don't touch it, whichever program wrote it."""
    on = box_file.extended(project, CANVAS)
    for text in (None, voc(CROP, ("close_btn", 5, 7, 28, 20)), "\n" + voc(CANVAS, ("close_btn", 5, 7, 28, 20))):
        if text is None:
            box_file.write(on, [LABELLED])
        else:
            project.boxes.write_text(text)
        os.utime(project.boxes, ns=(1, 1))
        before = project.boxes.read_bytes(), project.boxes.stat().st_ino
        assert not box_file.write(on, [LABELLED])
        assert (project.boxes.read_bytes(), project.boxes.stat().st_ino) == before
        assert project.boxes.stat().st_mtime_ns == 1


def test_a_failure_leaves_the_file_as_it_was(project: Project, tmp_path: Path) -> None:
    """What can't be written whole is not written at all."""
    on = box_file.extended(project, CANVAS)
    box_file.write(on, [LABELLED])
    before = project.boxes.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limit[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            box_file.write(on, [Object("other", on.crop)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert project.boxes.read_bytes() == before
    assert sorted(path.name for path in project.boxes.parent.iterdir()) == [
        "image.jpg",
        "image_extended.jpg",
        "image_extended.xml",
    ]


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ([], "close_btn: there is no box; draw one around the object"),
        ([LABELLED] * 201, "close_btn: there are 201 boxes; draw up to 200"),
        ([LABELLED, Object("Close", LABELLED.box)], "object 2: .*upper-case"),
        ([Object("a", Box(-1, 0, 5, 5))], "object 1: its box leaves the image of 400x300; draw it inside"),
        ([Object("a", Box(0, 0, 401, 5))], "object 1: its box leaves the image"),
        ([Object("a", Box(0, 0, 10**30, 5))], "object 1: its box leaves the image"),
        ([Object("a", Box(3, 3, 3, 9))], "object 1: its box is smaller than 2x2 pixels"),
        ([Object("a", Box(3, 3, 4, 9))], "object 1: its box is smaller than 2x2 pixels"),
        ([Object("a", Box(9, 9, 3, 3))], "object 1: its box is smaller than 2x2 pixels"),
        ([Object("a", Box(32, 0, 50, 20))], "object 1: its box lies outside the crop"),
        ([Object("a", LABELLED.box, difficult=True)], "close_btn: all objects are difficult"),
    ],
)
def test_boxes_that_no_build_could_use(project: Project, objects: list[Object], said: str) -> None:
    """They are refused with the reason before anything is written."""
    on = box_file.extended(project, CANVAS)
    with pytest.raises(AnnotationError, match=said):
        box_file.check(on, objects)


def test_what_passes_the_check_can_be_located(project: Project) -> None:
    """Boxes that may be saved are boxes that a build can use, down to one pixel of the crop."""
    on = box_file.extended(project, CANVAS)
    for box in (Box(31, 23, 33, 25), Box(0, 0, 400, 300), Box(30, 22, 32, 24)):
        box_file.check(on, [Object("close_btn", box)])
        box_file.write(on, [Object("close_btn", box)])
        assert len(boxes.objects_of(project, CANVAS)[1]) == 1


def test_the_extended_image(project: Project) -> None:
    """It must be there, in the size that the boxes are measured in."""
    on = box_file.extended(project, CANVAS)
    box_file.require_image(on)
    project.image.rename(project.image.parent / "other.jpg")
    assert refused(box_file.extended, project, CANVAS).startswith("close_btn: master/image.jpg is missing")
    project.extended.write_bytes((project.image.parent / "other.jpg").read_bytes())
    assert refused(box_file.require_image, on) == (
        f"{project.extended}: is 32x24, and should be 400x300; run doit extend:close_btn"
    )
    project.extended.unlink()
    assert refused(box_file.require_image, on) == (
        "close_btn: master/image_extended.jpg is missing; run doit extend:close_btn"
    )


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_box_around_the_crop(tmp_path: Path, placement: str) -> None:
    """--auto writes the one box around the crop where it stands, and a second time changes nothing."""
    project = project_in(tmp_path / "p", placement=placement)
    assert box_file.auto(project, "close_btn", CANVAS)
    assert boxes.objects_of(project, CANVAS) == (CROP, [Object("close_btn", Box(0, 0, *CROP))], [])
    before = project.boxes.stat()
    assert not box_file.auto(project, "close_btn", CANVAS)
    assert project.boxes.stat().st_mtime_ns == before.st_mtime_ns


def test_auto_replaces_no_work(project: Project) -> None:
    """Boxes that a person drew, or a label that they gave, are replaced only when that is asked for."""
    for text in (voc(CANVAS, ("close_btn", 5, 7, 28, 20)), voc(CANVAS, ("other", 1, 1, 32, 24))):
        project.boxes.write_text(text)
        with pytest.raises(ProjectError, match="has other boxes"):
            box_file.auto(project, "close_btn", CANVAS)
        assert project.boxes.read_text() == text
    project.boxes.write_text("broken")
    with pytest.raises(AnnotationError, match="is no XML file"):
        box_file.auto(project, "close_btn", CANVAS)
    assert project.boxes.read_text() == "broken"
    assert box_file.auto(project, "close_btn", CANVAS, replace=True)
    assert not box_file.auto(project, "close_btn", CANVAS)


def test_auto_leaves_the_same_box_alone(project: Project) -> None:
    """A box around the crop that was drawn on the crop itself is that box."""
    text = voc(CROP, ("close_btn", 1, 1, 32, 24))
    project.boxes.write_text(text)
    assert not box_file.auto(project, "close_btn", CANVAS)
    assert project.boxes.read_text() == text


def test_auto_with_a_bad_label(project: Project) -> None:
    """A label that a dataset can't carry is refused, and nothing is written."""
    with pytest.raises(ProjectError, match='close_btn: "Close" has upper-case letters'):
        box_file.auto(project, "Close", CANVAS)
    assert not project.boxes.exists()
