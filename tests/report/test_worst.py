"""The images that ask for a second look are found by what is on them."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from dlim.augment import images
from dlim.formats import voc
from dlim.report.samples import contact_sheet
from dlim.report.worst import worst_of
from tests.conftest import Workspace
from tests.report.conftest import built
from tests.report.pictures import framed


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
