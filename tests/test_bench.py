"""The bench's workspaces are the same each time, build, and are never made in a folder of someone else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import workspaces


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_each_time(tmp_path: Path) -> None:
    """The same numbers give the same files, and an earlier workspace gives way."""
    first = tree(workspaces.make(tmp_path / "a", 3, learners=2))
    assert tree(workspaces.make(tmp_path / "b", 3, learners=2)) == first
    assert tree(workspaces.make(tmp_path / "a", 1)) != first


def test_it_builds(tmp_path: Path) -> None:
    """What is made is a workspace of which every image is built."""
    folder = workspaces.make(tmp_path, 2, images=5)
    done = subprocess.run(
        [sys.executable, "-m", "doit", "dataset"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert "data_set/ssd.tar.gz: 10 images" in done.stdout


def test_a_folder_of_someone_else(tmp_path: Path) -> None:
    """A folder that isn't the bench's is left alone."""
    (tmp_path / "mine").touch()
    with pytest.raises(SystemExit, match="is not of this program's making"):
        workspaces.make(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
