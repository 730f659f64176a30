"""`doit verify`: what it says of builds that aren't as they were made."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import Workspace
from tests.in_process import doit


@pytest.mark.parametrize("manifest", ["data_set/ssd/manifest.json", "data_set/ssd.manifest.json"])
def test_a_missing_manifest(two: Workspace, manifest: str) -> None:
    """A build whose manifest is gone is told, and is built anew by the next run."""
    path = two.folder / manifest
    path.unlink()
    answer = doit(two.folder, "verify")
    assert answer.status == 1
    folder = path.parent.relative_to(two.folder)
    assert f"{folder}: its manifest is missing" in answer.lines
    assert answer.lines[-1] == "1 of 22 builds are damaged or stale; doit dataset builds them anew"
    assert doit(two.folder, "run", "dataset").status == 0
    assert "all are as they were" in doit(two.folder, "verify").lines[0]


def test_a_missing_folder(two: Workspace) -> None:
    """A build that somebody deleted is told as well; what was never built isn't."""
    shutil.rmtree(two.folder / "projects/alpha/build/ssd")
    two.project("gamma")
    answer = doit(two.folder, "verify")
    assert answer.lines[0] == "projects/alpha/build/ssd: its manifest is missing"
    assert "gamma" not in answer.out


def test_a_build_that_cannot_be_read(two: Workspace) -> None:
    """A file that gives only errors is one line."""
    path = two.folder / "projects/alpha/build/ssd/manifest.json"
    path.unlink()
    path.symlink_to("/proc/self/mem")
    answer = doit(two.folder, "verify")
    assert answer.status == 1
    assert answer.lines[0] == "projects/alpha/build/ssd: its manifest was changed"


def harm_unseen(path: Path) -> None:
    """Change a file's bytes, but neither its size nor its time."""
    found, data = path.stat(), path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data[:-50] + bytes(50))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def test_what_a_glance_misses(two: Workspace) -> None:
    """Damage inside a file of a build is found by reading it, and healed by the next run."""
    assert doit(two.folder, "run", "dataset").status == 0  # a copy is read once
    image = min((two.folder / "projects/alpha/build/ssd").glob("*.jpg"))
    harm_unseen(image)
    assert doit(two.folder, "run", "dataset").lines[-1].startswith("nothing to do")
    answer = doit(two.folder, "verify")
    assert answer.status == 1
    assert f"{image.parent.relative_to(two.folder)}: {image.name} is damaged" in answer.lines
    assert doit(two.folder, "run", "dataset").status == 0
    assert "all are as they were" in doit(two.folder, "verify").out


def test_what_is_mended_is_mended_in_the_dataset(two: Workspace) -> None:
    """A damaged build is made anew, and the dataset, which has the same file, gets the new one."""
    shutil.rmtree(two.folder / "data_set/ssd")  # a copy, whose files are linked to no build
    assert doit(two.folder, "run", "dataset").status == 0
    image = min((two.folder / "projects/alpha/build/ssd").glob("*.jpg"))
    harm_unseen(image)
    shutil.rmtree(two.folder / ".dlim/shards/ssd/alpha")
    answer = doit(two.folder, "run", "dataset")
    assert f"{image.relative_to(two.folder)}: is damaged" in answer.out + answer.err
    assert doit(two.folder, "run", "dataset").status == 0
    assert doit(two.folder, "verify").status == 0
    assert image.samefile(two.folder / "data_set/ssd/JPEGImages" / image.name)


def test_an_input_with_its_time_kept(two: Workspace) -> None:
    """A master whose bytes change while its size and time stay is built anew: its change time tells."""
    assert doit(two.folder, "run", "dataset").status == 0
    harm_unseen(two.folder / "projects/alpha/master/image.jpg")
    assert "projects/alpha/master/image.jpg changed" in doit(two.folder, "plan").out


def test_without_a_state_file(two: Workspace) -> None:
    """Where nothing is known of what was built, that is said, and not that all is well."""
    shutil.rmtree(two.folder / ".dlim")
    answer = doit(two.folder, "verify")
    assert (answer.status, answer.out) == (3, "")
    assert answer.err.startswith(".dlim/state.db: is missing, so nothing is known of what was built; ")
