"""`dlim init`: a workspace anywhere, and never at the cost of what is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dlim.errors import WorkspaceError
from dlim.init import FILES, STARTER, init

ROOT = Path(__file__).parents[1]

DLIM = Path(sys.executable).with_name("dlim")


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def dlim(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DLIM, *words], cwd=folder, capture_output=True, text=True, check=False)


def test_in_a_new_folder_doit_dataset_works(tmp_path: Path) -> None:
    """What `dlim init` makes is a workspace: its dataset is built, and git would take nothing that was."""
    done = dlim("init", "there", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    there = tmp_path / "there"
    begun = set(tree(there))
    subprocess.run(["git", "init", "-q", there], check=True)
    built = dlim("dataset", folder=there)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "data_set/ssd.tar.gz: " in built.stdout
    seen = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"], cwd=there, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(seen) - {"projects/close_btn/master/image_extended.jpg"} == begun


def test_in_a_git_repository_everything_stays(tmp_path: Path) -> None:
    """Files of a repository stay as they are; its .gitignore gets lines, once."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    before = {"README.md": b"mine\n", "src/a.py": b"pass\n", "config/other.toml": b"", ".gitignore": b"*.o"}
    for place, data in before.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_bytes(data)
    begun = init(tmp_path)
    after = tree(tmp_path)
    assert begun.notes == ("README.md: left as it is", ".gitignore: 10 lines added")
    assert after.pop(".gitignore").startswith(b"*.o\n\n# dlim\n/.dlim/\n")
    assert after == {**after, "README.md": b"mine\n", "src/a.py": b"pass\n", "config/other.toml": b""}
    assert {*FILES, "dodo.py"} < set(after)


@pytest.mark.parametrize(
    ("place", "git", "fault"),
    [
        ("dodo.py", True, "has a dodo.py already"),
        ("config/dlim.toml", True, "has a config/dlim.toml already"),
        ("config/learners/ssd.toml", True, "has a config/learners/ssd.toml already"),
        ("projects/mine/a.jpg", True, "has a projects/mine already"),
        ("projects", True, "has a projects already"),
        ("config", True, "has a config already"),
        ("notes.txt", False, "holds notes.txt, and is no git repository"),
    ],
)
def test_what_stands_in_the_way(tmp_path: Path, place: str, git: bool, fault: str) -> None:
    """Where something else is in a workspace's place, one line says so, and nothing is written."""
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_bytes(b"mine")
    if git:
        (tmp_path / ".git").mkdir()
    before = tree(tmp_path)
    with pytest.raises(WorkspaceError) as caught:
        init(tmp_path)
    assert caught.value.fault == fault
    assert tree(tmp_path) == before


def test_a_file_and_a_folder_without_rights(tmp_path: Path) -> None:
    """A file for a folder, and a folder that can't be made, are a line and the status 3."""
    (tmp_path / "file").touch()
    for name, fault in (("file", "is no folder"), ("file/inside", "Not a directory")):
        done = dlim("init", name, folder=tmp_path)
        assert (done.returncode, done.stdout) == (3, "")
        assert fault in done.stderr
        assert done.stderr.count("\n") == 1


def test_an_interrupted_one_is_completed(tmp_path: Path) -> None:
    """What an init that was killed has left is no obstacle to the next."""
    init(tmp_path / "whole")
    wanted = tree(tmp_path / "whole")
    for count in range(len(FILES)):
        there = tmp_path / str(count)
        for place in list(FILES)[:count]:
            (there / place).parent.mkdir(parents=True, exist_ok=True)
            (there / place).write_bytes(wanted[place])
        init(there)
        assert tree(there) == wanted


def test_what_is_made_is_what_this_repository_ignores() -> None:
    """A new workspace's .gitignore has lines of this repository's and no others."""
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert set((STARTER / "gitignore").read_text().splitlines()) <= set(ignored)
