"""`doit clean`: what it removes, what it says where it can't, and what is known afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dlim.build.tasks import remove
from tests.build.conftest import with_read_only
from tests.conftest import Workspace
from tests.in_process import doit


def test_a_reader_that_leaves(two: Workspace) -> None:
    """`doit clean -n | head -1` ends in silence."""
    shell = f"{sys.executable} -m doit clean -n build:alpha dataset | head -1"
    done = subprocess.run(["sh", "-c", shell], cwd=two.folder, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_reader_that_leaves_a_clean_at_work(two: Workspace) -> None:
    """What was removed before nobody read on is known to be gone."""
    shell = f"{sys.executable} -m doit clean -c dataset:ssd | :"
    done = subprocess.run(["sh", "-c", shell], cwd=two.folder, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
    assert not (two.folder / "data_set/ssd").exists()
    assert "all are as they were" in doit(two.folder, "verify").lines[0]


def test_a_task_that_is_not_there(two: Workspace) -> None:
    """An unknown task is one line with the nearest that is there, and nothing is removed, also of those named well."""
    answer = doit(two.folder, "clean", "build:beta", "build:alpa")
    assert (answer.status, answer.out) == (3, "")
    assert answer.err == 'doit: "build:alpa" is no task; did you mean "build:alpha"?\n'
    assert (two.folder / "projects/beta/build/ssd/manifest.json").exists()
    assert doit(two.folder, "clean", "nosuch").err == 'doit: "nosuch" is no task; doit list shows those there are\n'


def test_patterns(two: Workspace) -> None:
    """Tasks are named by patterns, too."""
    assert doit(two.folder, "clean", "build:a*").status == 0
    assert [path.parent.name for path in two.folder.glob("projects/*/build")] == ["beta"]


def test_what_cannot_be_removed(two: Workspace) -> None:
    """A part that nobody may write is one line, and all else is removed."""
    done = with_read_only(two, "projects/alpha/build/ssd", "clean", "build:alpha", "build:beta", "dataset:ssd")
    fault = "projects/alpha/build: Read-only file system; see to that, and run again\n"
    assert (done.returncode, done.stderr) == (3, fault)
    assert not (two.folder / "projects/beta/build").exists()
    assert not (two.folder / "data_set/ssd").exists()
    images = list((two.folder / "projects/alpha/build/ssd").glob("*.jpg"))
    assert images
    assert two.doit("build:alpha").returncode == 0


def test_several_things_that_cannot_be_removed(two: Workspace) -> None:
    """They are one line, too, which counts the others."""
    done = with_read_only(two, "projects", "clean", "build")
    assert done.returncode == 3
    assert done.stderr == "projects/beta/build: Read-only file system; see to that, and run again (and 1 more)\n"


def test_a_dry_run_where_nobody_may_write(two: Workspace) -> None:
    """To say what would be removed needs no right to remove it."""
    done = with_read_only(two, "projects", "clean", "-n", "build:alpha")
    assert (done.returncode, done.stderr) == (0, "")
    assert "remove projects/alpha/build\n" in done.stdout


def test_a_damaged_manifest(two: Workspace) -> None:
    """What can't be told to be a build's is left to a person, in a line."""
    (two.folder / "data_set/ssd.manifest.json").write_text('{"files": 1}')
    answer = doit(two.folder, "clean", "tarball:ssd")
    assert answer.status == 3
    assert answer.err == "data_set/ssd.manifest.json: can't be read; delete it, and what is beside it\n"
    assert doit(two.folder, "clean", "dataset:ssd").status == 0
    assert not list((two.folder / "data_set").glob("ssd*"))


def test_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A link is removed, and what it leads to is not."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    (tmp_path / "folder").symlink_to(tmp_path / "kept")
    (tmp_path / "nowhere").symlink_to(tmp_path / "nothing")
    fault = remove([tmp_path / name for name in ("folder", "nowhere", "none")], dryrun=False)
    assert fault is None
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept/file").exists()
    assert capsys.readouterr().out == f"remove {tmp_path}/folder\nremove {tmp_path}/nowhere\n"


def test_an_interrupt(two: Workspace) -> None:
    """An interrupted clean is one line, as an interrupted run is."""
    with (two.folder / "dodo.py").open("a") as file:
        file.write(
            "\nimport os, signal\n"
            "def task_zzz():\n"
            "    yield {'name': 'x', 'actions': None, 'clean': [lambda: os.kill(os.getpid(), signal.SIGTERM)]}\n"
        )
    done = two.doit("clean", "zzz:x", "build:alpha")
    assert done.returncode == 130
    assert done.stderr == "interrupted: what was finished is kept; the same command goes on\n"
    assert two.doit("clean", "build:alpha").returncode == 0


def test_what_was_removed_is_not_missing(two: Workspace) -> None:
    """What people remove is no damage: `doit verify` reads the others."""
    assert doit(two.folder, "verify").lines[0].startswith("22 builds and what")
    assert doit(two.folder, "clean", "build:alpha", "tarball:ssd").status == 0
    assert doit(two.folder, "verify").lines[0].startswith("16 builds and what")
    assert doit(two.folder, "clean").status == 0
    assert "knows of nothing but labelling images" in doit(two.folder, "verify").err
