"""The sheet of a build has its master, samples of each operation, and the images that ask for a second look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from dlim.augment import images
from dlim.errors import DlimError
from dlim.formats import voc
from dlim.geometry import Box, Mesh, grid, still
from dlim.report.samples import contact_sheet, drawn, evenly, moved, shared_out, worst_of, written
from tests.conftest import Workspace
from tests.report.conftest import built
from tests.report.pictures import framed


def test_samples_are_the_builds_images(built_workspace: Workspace) -> None:
    """Every image of a build is found once, with its own record, in the order of making."""
    for name in ("moved", "own", "drawn"):
        for learner in ("ssd", "resnet34"):
            build = built(built_workspace, name, learner)
            found = build.samples()
            assert {build.image(sample) for sample in found} == set(build.build.glob("*.jpg"))
            for sample in found:
                assert build.image(sample).read_bytes() == (build.variations / sample.record.filename).read_bytes()


def test_picture_is_the_crop(built_workspace: Workspace) -> None:
    """Of a white canvas only the crop is shown, and its boxes, as the file has them, follow."""
    build = built(built_workspace, "moved", "ssd")
    for sample in build.samples():
        shown = build.picture(sample, ["said"])
        pixels = images.read(build.image(sample))
        assert np.array_equal(shown.pixels, pixels[0:24, 368:400])
        file = voc.read(build.build / f"{sample.stem}.xml")
        assert [(mark.label, mark.box.shifted(368, 0)) for mark in shown.marks] == [
            (thing.label, thing.box) for thing in file.objects
        ]
        assert list(shown.caption) == ["said"]


def test_master_is_called_as_its_images(built_workspace: Workspace) -> None:
    """The master's boxes have the learner's labels, and lie where the annotation has them."""
    (master,) = built(built_workspace, "moved", "ssd").master()
    assert [(mark.label, mark.box) for mark in master.marks] == [
        ("close", Box(8, 6, 24, 18)),
        ("skip", Box(0, 0, 6, 24)),
    ]
    assert list(master.caption) == ["master", "32x24 px"]
    assert built(built_workspace, "drawn", "ssd").master() == []


def test_what_a_script_drew_elsewhere_is_shown(built_workspace: Workspace) -> None:
    """Where a script of another kind put the crop elsewhere, the picture shows both it and the box it has lost."""
    build = built(built_workspace, "own", "ssd")
    for number, sample in enumerate(build.samples()):
        shown = build.picture(sample, [])
        height, width = shown.pixels.shape[:2]
        assert (width, height) == pytest.approx((32 + number * 9, 24 + number * 2), abs=2)
        assert [mark.box for mark in shown.marks] == [Box(8, 6, 24, 18)]


def test_a_label_is_said_once(built_workspace: Workspace) -> None:
    """A caption that says no more than the label above the box is left out."""
    for learner, said in (("resnet34", []), ("ssd", ["sign_007"])):
        build = built(built_workspace, "drawn", learner)
        assert list(build.picture(build.samples()[7], ["sign_007"]).caption) == said


@pytest.mark.parametrize(
    ("name", "learner", "pictures"),
    [
        ("moved", "resnet34", 1 + 16),
        ("moved", "ssd", 2 + 16),
        ("own", "resnet34", 1 + 8),
        ("own", "ssd", 2 + 8),
        ("far", "ssd", 2 + 16),
        ("drawn", "resnet34", 96),
        ("drawn", "ssd", 1 + 96),
    ],
)
def test_pictures(built_workspace: Workspace, name: str, learner: str, pictures: int) -> None:
    """A sheet has the master, its place on the canvas, and 16 samples; of a generator 96; all there are if fewer."""
    assert len(framed(contact_sheet(built(built_workspace, name, learner)))) == pictures


def test_master_comes_first(built_workspace: Workspace) -> None:
    """The first picture is the master with its boxes, and the first sample's crop is as the build has it."""
    build = built(built_workspace, "far", "resnet34")
    first, second = framed(contact_sheet(build, operations=["turned"]))
    assert first.shape == second.shape == (60, 120, 3)
    # turned over, a thing in the middle stays where it is
    assert np.abs(first.astype(int) - second).max() < 40


def test_only_one_operation(built_workspace: Workspace) -> None:
    """Of the operations asked for there are as many samples as asked for, and none of any other."""
    build = built(built_workspace, "moved", "resnet34")
    assert len(framed(contact_sheet(build, n=20, operations=["mix"]))) == 1 + 20
    assert len(framed(contact_sheet(build, n=3, operations=["mix", "height"]))) == 1 + 3


def test_every_operation_is_shown(built_workspace: Workspace) -> None:
    """An operation that made one image among many has it on the sheet, however few are asked for."""
    build = built(built_workspace, "moved", "resnet34")
    assert len(framed(contact_sheet(build, n=2))) == 1 + 4
    assert len(framed(contact_sheet(build, n=10_000))) == 1 + len(build.samples())


@pytest.mark.parametrize(
    ("count", "sizes", "shares"),
    [
        (16, [99, 99, 99, 594], [4, 4, 4, 4]),
        (16, [99, 99, 99, 1, 99], [4, 4, 4, 1, 3]),
        (2, [5, 5, 5], [1, 1, 1]),
        (100, [3, 2], [3, 2]),
        (7, [1, 1, 40], [1, 1, 5]),
    ],
)
def test_shares(count: int, sizes: list[int], shares: list[int]) -> None:
    """Each operation gets as many pictures as another, unless it has no more."""
    assert shared_out(count, sizes) == shares


@pytest.mark.parametrize("count", range(1, 13))
def test_samples_span_what_was_drawn(built_workspace: Workspace, count: int) -> None:
    """The samples of an operation are distinct, in order, and reach from one end of its range to the other."""
    group = [one for one in built(built_workspace, "moved", "ssd").samples() if one.record.operation == "height"]
    shifts = [one.record.parameters["shift_y"] for one in evenly(group, count)]
    assert shifts == sorted(set(shifts))
    assert len(shifts) == count
    every = [one.record.parameters["shift_y"] for one in group]
    assert shifts[0] == min(every)
    assert count == 1 or shifts[-1] == max(every)


def test_same_build_same_bytes(built_workspace: Workspace) -> None:
    """The same build gives the same file, and looking at a build leaves it as it is."""
    build = built(built_workspace, "moved", "ssd")
    before = listing(build.project.build)
    path = written(build)
    first = path.read_bytes()
    assert path == build.project.build / ".preview/ssd.png"
    assert written(build).read_bytes() == first
    assert written(build, worst=True) == build.project.build / ".preview/ssd.worst.png"
    with Image.open(path) as saved:
        assert saved.convert("RGB") == contact_sheet(build)
    assert listing(build.project.build) == before
    assert built_workspace.doit("verify").returncode == 0
    assert built_workspace.ran("build") == set()


def listing(folder: Path) -> dict[str, int]:
    """Every file of the builds in a folder, and when it was written."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and ".preview" not in path.parts]
    return {str(path): path.stat().st_mtime_ns for path in files}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "the sheet: has 0 variations; say how many to show, 1 or more"),
        ({"n": -3}, "the sheet: has -3 variations; say how many to show, 1 or more"),
        ({"operations": ["mxi"]}, 'moved: "mxi" made none of its images; did you mean "mix"?'),
        (
            {"operations": ["mix", "Z"]},
            'moved: "Z" made none of its images; say one of: brightness, height, mix, turned',
        ),
    ],
)
def test_wrong_wishes(built_workspace: Workspace, arguments: dict[str, object], message: str) -> None:
    """What can't be shown is told in one line, with the right word where there is one."""
    with pytest.raises(DlimError) as caught:
        contact_sheet(built(built_workspace, "moved", "ssd"), **arguments)
    assert str(caught.value) == message


def figures(captions: list[list[str]], unit: str) -> list[float]:
    return [float(caption[0].removesuffix(unit).split()[-1]) for caption in captions]


@pytest.mark.parametrize("learner", ["ssd", "resnet34"])
def test_ranks(built_workspace: Workspace, learner: str) -> None:
    """Each section has the worst of all images, the worst first, and the figure that one would measure."""
    build = built(built_workspace, "moved", learner)
    samples = build.samples()
    smallest, cut, darkest = worst_of(build, samples, 12)
    assert [section.heading for section in (smallest, cut, darkest)] == ["smallest", "most cut off", "darkest"]
    assert [len(section.pictures) for section in (smallest, cut, darkest)] == [4, 4, 4]
    boxes = {one.stem: [thing.box for thing in voc.read(build.build / f"{one.stem}.xml").objects] for one in samples}

    areas = sorted(min(box.area for box in found) for found in boxes.values())
    shown = [min(boxes[picture.caption[1]], key=lambda box: box.area) for picture in smallest.pictures]
    assert [box.area for box in shown] == areas[:4]
    assert [picture.caption[0] for picture in smallest.pictures] == [
        f"box {box.width:g}x{box.height:g} px" for box in shown
    ]

    lights = {}
    for stem, found in boxes.items():
        grey = images.read(build.build / f"{stem}.jpg") @ np.array([0.299, 0.587, 0.114])
        lights[stem] = min(grey[int(b.y1) : int(b.y2), int(b.x1) : int(b.x2)].mean() for b in found)
    told = figures([list(picture.caption) for picture in darkest.pictures], " of 255")
    assert told == pytest.approx([lights[picture.caption[1]] for picture in darkest.pictures], abs=1)
    assert told == pytest.approx(sorted(lights.values())[:4], abs=1)


def test_cut_off(built_workspace: Workspace) -> None:
    """What is told to be cut off is the share of an object that its variation moved out of the crop."""
    build = built(built_workspace, "moved", "resnet34")
    samples = [one for one in build.samples() if one.record.operation == "height"]
    _, cut, _ = worst_of(build, samples, 9)
    # the object at the edge is as high as the crop: each pixel of shift takes a 24th of it
    shifts = {one.stem: abs(one.record.parameters["shift_y"]) for one in samples}
    told = figures([list(picture.caption) for picture in cut.pictures], "% cut off")
    assert told == pytest.approx([shifts[picture.caption[1]] / 24 * 100 for picture in cut.pictures], abs=0.51)
    assert told == sorted(told, reverse=True)
    assert max(shifts.values()) / 24 * 100 == pytest.approx(told[0], abs=0.51)


def test_nothing_is_cut_off(built_workspace: Workspace) -> None:
    """Where everything is whole, the sheet says so, and shows the rest."""
    build = built(built_workspace, "drawn", "ssd")
    assert [section.heading for section in worst_of(build, build.samples(), 6)][1] == "most cut off: none"
    assert len(framed(contact_sheet(build, worst=True))) == 1 + 5 + 5
    assert len(framed(contact_sheet(build, n=16, worst=True))) == 1 + 6 + 5


def test_boxes_that_stay_are_not_cut_off(built_workspace: Workspace) -> None:
    """For a learner whose boxes do not follow, nothing is cut off: its boxes are the master's."""
    build = built(built_workspace, "moved", "resnet34")
    stays = replace(build, learner=msgspec.structs.replace(build.learner, boxes="master"))
    assert len(worst_of(build, build.samples(), 3)[1].pictures) == 1
    assert len(worst_of(stays, stays.samples(), 3)[1].pictures) == 0


def test_only_of_some_operations(built_workspace: Workspace) -> None:
    """The worst of one operation are its own."""
    sheets = [
        contact_sheet(built(built_workspace, "moved", "ssd"), worst=True, operations=operations)
        for operations in (None, ["height"])
    ]
    assert sheets[0] != sheets[1]
    assert all(len(framed(sheet)) == 2 + 15 for sheet in sheets), "as many of each kind"


def test_words_under_the_worst(built_workspace: Workspace) -> None:
    """Under an image stands what it is called in the dataset, and what was done to it."""
    build = built(built_workspace, "moved", "ssd")
    smallest, cut, darkest = worst_of(build, build.samples(), 3)
    (dark,) = darkest.pictures
    assert dark.caption[1].startswith("close_moved-")
    assert dark.caption[2].startswith("brightness x0.")
    assert any("mix" in picture.caption for picture in (*smallest.pictures, *cut.pictures))


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({}, []),
        ({"rotation": -3.2412}, ["rotation -3.2°"]),
        ({"rotation": -0.001}, ["rotation 0.0°"]),
        ({"shift_y": -3.809464}, ["up 3.8 px"]),
        ({"shift_y": 2.04}, ["down 2.0 px"]),
        ({"shift_x": 1, "shift_y": -2.36}, ["right 1.0, up 2.4 px"]),
        ({"shift_x": -1.5}, ["left 1.5 px"]),
        ({"zoom_x": 0.8412, "zoom_y": 1.1199}, ["zoom 0.84 x 1.12"]),
        ({"zoom_y": 1.2}, ["zoom 1.00 x 1.20"]),
        ({"brightness": 0.3141}, ["brightness x0.31"]),
        (
            {"rotation": 0.5, "shift_x": 3, "shift_y": 4, "zoom_x": 1, "zoom_y": 1},
            ["rotation 0.5°", "right 3.0, down 4.0 px", "zoom 1.00 x 1.00"],
        ),
        ({"noise": 12.5, "brightness": 1}, ["brightness x1.00", "noise 12.5"]),
    ],
)
def test_drawn(parameters: dict[str, float], told: list[str]) -> None:
    """Each thing that was drawn has a line; a pair shares one."""
    assert drawn(parameters) == told


def test_moved() -> None:
    """Of a variation of which nobody noted the draws, the mesh tells how far its points went."""
    bent = Mesh(
        40, 40, tuple((x + (3 if x == y == 40 else 0), y + (4 if x == y == 40 else 0)) for x, y in grid(40, 40, 9))
    )
    assert moved(bent, (40, 40)) == ["moved by up to 5.0 px"]
    assert moved(still(40, 40), (40, 40)) == []
    assert moved(Mesh(40, 40, grid(20, 20, 2)), (20, 20)) == []
