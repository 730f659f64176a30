"""The program `dlim`: doit's, and what doit's own can't answer."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

DLIM = Path(sys.executable).with_name("dlim")


def dlim(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DLIM, *words], cwd=folder, capture_output=True, text=True, check=False)


def test_its_version_is_dlim_s(tmp_path: Path) -> None:
    """`dlim --version` names dlim, doit and Python."""
    done = dlim("--version", folder=tmp_path)
    assert done.stdout.startswith(f"dlim {metadata.version('dlim')}, doit {metadata.version('doit')}, Python 3.")


@pytest.mark.parametrize("words", [("",), ("dataset", ""), ("init", ""), ("init", "a", "b"), ("init", "--force")])
def test_what_cannot_be_is_a_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    """An empty argument, and what init doesn't take, are one line and the status 3."""
    done = dlim(*words, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_all_else_is_doit_s(tmp_path: Path) -> None:
    """What `dlim` is given goes to doit, its options and status with it."""
    (tmp_path / "dodo.py").write_text("def task_a():\n    return {'actions': ['echo out', 'exit 1'], 'verbosity': 2}\n")
    theirs = subprocess.run(
        [sys.executable, "-m", "doit", "-n", "1", "a"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    ours = dlim("-n", "1", "a", folder=tmp_path)
    assert (ours.returncode, sorted(ours.stdout)) == (theirs.returncode, sorted(theirs.stdout))
