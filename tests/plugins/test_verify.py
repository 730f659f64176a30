"""`doit verify`: what it says of builds that aren't as they were made."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import Workspace
from tests.in_process import doit
from tests.plugins.conftest import with_read_only


@pytest.mark.parametrize("manifest", ["data_set/ssd/manifest.json", "data_set/ssd.manifest.json"])
def test_a_missing_manifest(two: Workspace, manifest: str) -> None:
    """A build whose manifest is gone is told, and is built anew by the next run."""
    path = two.folder / manifest
    path.unlink()
    answer = doit(two.folder, "run", "verify")
    assert answer.status == 1
    folder = path.parent.relative_to(two.folder)
    assert f"FAILED {folder}: its manifest is missing; run doit dataset to build that anew" in answer.lines
    assert doit(two.folder, "run", "dataset").status == 0
    assert "all are as they were made" in doit(two.folder, "run", "verify").lines[0]


def test_a_missing_folder(two: Workspace) -> None:
    """A build that somebody deleted is told as well; what was never built isn't."""
    shutil.rmtree(two.folder / "projects/alpha/build/ssd")
    two.project("gamma")
    answer = doit(two.folder, "run", "verify")
    fault = "projects/alpha/build/ssd: its manifest is missing; run doit dataset to build that anew"
    assert answer.lines[0] == f"FAILED {fault}"


def test_a_folder_that_nobody_may_write(two: Workspace) -> None:
    """What is damaged where nothing can be changed is told with that, in a line; what is elsewhere is healed."""
    for folder in ("projects/alpha/build/ssd", "data_set/ssd"):
        next((two.folder / folder).rglob("*.jpg")).write_bytes(b"not as it was")
    done = with_read_only(two, "projects/alpha/build/ssd", "verify")
    assert done.returncode == 1
    [line] = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert "; data_set/ssd: JPEGImages/" in line
    assert line.endswith("; projects/alpha/build/ssd/manifest.json: Read-only file system; see to that, and run again")
    assert done.stderr == ""
    assert not (two.folder / "data_set/ssd/manifest.json").exists()


def test_a_build_that_cannot_be_read(two: Workspace) -> None:
    """A file that gives only errors is one line."""
    path = two.folder / "projects/alpha/build/ssd/manifest.json"
    path.unlink()
    path.symlink_to("/proc/self/mem")
    answer = doit(two.folder, "run", "verify")
    assert answer.status == 1
    assert answer.lines[0] == "FAILED the workspace: Input/output error; see to that, and run again"
