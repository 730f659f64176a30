"""A build is looked at as it lies on the disk: its images, its boxes, its labels."""

from __future__ import annotations

import numpy as np
import pytest

from dlim.annotation import Box
from dlim.augment import images
from dlim.formats import voc
from dlim.report.built import framed
from tests.conftest import Workspace
from tests.report.conftest import built


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


def test_place_on_the_canvas(built_workspace: Workspace) -> None:
    """One small picture shows where on the canvas the crop stands; a native image has no such place."""
    build = built(built_workspace, "moved", "ssd")
    (whole,) = build.whole(build.samples()[0])
    assert whole.shown == (120, 120)
    assert [mark.box for mark in whole.marks] == [Box(368, 0, 400, 24)]
    assert list(whole.caption) == ["on the canvas", "at 368, 0"]
    native = built(built_workspace, "moved", "resnet34")
    assert native.whole(native.samples()[0]) == []


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
    ("crop", "frame"),
    [
        (Box(397, 0, 400, 3), (106, 0, 120, 14)),
        (Box(0, 398, 300, 400), (0, 106, 90, 120)),
        (Box(198, 198, 202, 202), (53, 53, 67, 67)),
        (Box(100, 100, 120, 120), (30, 30, 36, 36)),
    ],
)
def test_a_dot_on_the_canvas(crop: Box, frame: tuple[int, int, int, int]) -> None:
    """A crop that would be no more than a dot has a frame around it that is seen, inside the canvas."""
    found = framed(crop, (400, 400), 0.3)
    edges = (found.x1, found.y1, found.x2, found.y2)
    assert [round(edge * 0.3) for edge in edges] == list(frame)
