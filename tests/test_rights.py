"""What can't be read, in a workspace: a line each, and one project's fault is its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import Workspace, new_workspace
from tests.in_process import doit

AS_ANYBODY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
"""Root, without the right to read what nobody may."""


def asked(folder: Path, *words: str) -> tuple[int, str]:
    """The status of doit for somebody who is bound by rights, and what it says, without a traceback."""
    before = AS_ANYBODY if os.getuid() == 0 else ()
    if before and shutil.which("setpriv") is None:
        pytest.skip("setpriv isn't installed")
    done = subprocess.run(
        [*before, sys.executable, "-m", "doit", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    text = done.stdout + done.stderr
    assert "Traceback" not in text, text
    return done.returncode, text


@contextmanager
def closed(path: Path) -> Iterator[None]:
    """Nobody may read it meanwhile."""
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        yield
    finally:
        path.chmod(mode)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two projects, built."""
    workspace = new_workspace(tmp_path_factory.mktemp("two"))
    (workspace.folder / "config/learners/ssd.toml").unlink()
    for name in ("blue", "red"):
        workspace.project(name)
    assert doit(workspace.folder, "run", "dataset").status == 0
    return workspace.folder


@pytest.mark.parametrize("place", ["", "master", "data_augmentation", "build/resnet34"])
def test_a_project_that_can_not_be_read_is_its_own_fault(place: str, two: Path) -> None:
    with closed(two / "projects/blue" / place):
        status, text = asked(two, "list")
        assert status == 0, text
        assert "build:red" in text
        assert asked(two, "build:red") == (0, "nothing to do: 4 tasks up to date\n")


def test_a_project_that_can_not_be_read_is_not_left_out_in_silence(two: Path) -> None:
    with closed(two / "projects/blue"):
        status, text = asked(two, "dataset")
    assert status == 1
    assert "projects/blue: can't be read (Permission denied); make it a folder that you may read" in text


@pytest.mark.parametrize("place", ["config/learners", "config/learners/resnet34.toml"])
def test_a_configuration_that_can_not_be_read(place: str, two: Path) -> None:
    kind = "file" if place.endswith(".toml") else "folder"
    with closed(two / place):
        line = f"{place}: can't be read (Permission denied); make it a {kind} that you may read\n"
        assert asked(two, "list") == (3, line)


PIPES = {
    "config/dlim.toml": "config/dlim.toml: can't be read (is no file); make it a file that you may read",
    "config/servers.toml": "config/servers.toml: can't be read (is no file); make it a file that you may read",
    "config/learners/x.toml": "config/learners/x.toml: can't be read (is no file); make it a file that you may read",
    ".dlim/state.db": ".dlim/state.db: is no file; take it away",
}


@pytest.mark.parametrize("place", PIPES)
def test_a_pipe_is_not_waited_for(place: str, workspace: Workspace) -> None:
    workspace.project("red")
    (workspace.folder / place).parent.mkdir(exist_ok=True)
    os.mkfifo(workspace.folder / place)
    answer = doit(workspace.folder, "list")
    assert (answer.status, answer.err) == (3, f"{PIPES[place]}\n")


def test_a_temporary_folder_with_a_long_path(workspace: Workspace, tmp_path: Path) -> None:
    workspace.project("red")
    folder = tmp_path / ("x" * 90)
    folder.mkdir()
    done = workspace.doit("build:red", env={"TMPDIR": str(folder)})
    assert done.returncode == 0, done.stdout + done.stderr
