"""A workspace of the first version: what people have made with it goes on."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from tests.in_process import doit

MADE = Path(__file__).parent / "first_version/workspace.tar.xz"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """That workspace, with the dodo.py of that version."""
    with tarfile.open(MADE) as archive:
        archive.extractall(tmp_path, filter="tar")
    return tmp_path


@pytest.fixture
def upgraded(old: Path) -> Path:
    """The same with the dodo.py of this one."""
    shutil.copy(Path(__file__).parents[1] / "dodo.py", old)
    return old


def test_an_earlier_dodo_py(old: Path) -> None:
    """A table of tasks that can't be read any more is one line, with what to put in its place."""
    answer = doit(old, "run", "dataset")
    assert answer.status == 3
    assert answer.out == ""
    assert answer.err == (
        "dodo.py: is of another version of dlim, with a dlim.tasks; "
        "the dodo.py of a new workspace (dlim init NEW) can take its place\n"
    )


def test_its_state_is_set_aside(upgraded: Path) -> None:
    """What that version knew of its builds is not this one's: that is said, and all is built."""
    answer = doit(upgraded, "run", "dataset")
    assert (
        answer.lines[0] == ".dlim/state.db: is of an earlier version of dlim, and set aside: everything is built anew"
    )
    assert answer.lines[-1].startswith("8 tasks ran, 0 up to date")
    assert doit(upgraded, "run", "dataset").lines[-1] == "nothing to do: 8 tasks up to date"


def test_its_outputs_and_deployments(upgraded: Path) -> None:
    """Outputs are listed, a weight traced, and a deployment taken back and made anew."""
    rows = [line.split() for line in doit(upgraded, "outputs").lines[1:3]]
    assert [(row[0], "service" in row) for row in rows] == [("first", False), ("second", True)]
    assert doit(upgraded, "undeploy").lines == ["ssd: first is in service again"]
    weight = ".dlim/servers/ssd/service/latest_weight.pth"
    told = doit(upgraded, "trace", weight).lines
    assert told[0] == f"{weight}: weights/best.pth of ssd, from first"
    assert told[-1] == "since then: nothing that it was learned from has changed here"
    assert "of second is in service" in doit(upgraded, "deploy", "second").lines[-1]
