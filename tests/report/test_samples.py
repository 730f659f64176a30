"""The sheet of a build has its master, and samples of every operation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlim.errors import DlimError
from dlim.report.samples import contact_sheet, evenly, shared_out, written
from tests.conftest import Workspace
from tests.report.conftest import built
from tests.report.pictures import framed


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
