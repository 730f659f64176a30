"""A new workspace: all the files that `doit dataset` wants, in an empty folder or beside what a git repository has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from dlim.errors import WorkspaceError

STARTER = Path(__file__).with_name("starter")

FILES = {
    "config/dlim.toml": "dlim.toml",
    "config/servers.sample.toml": "servers.sample.toml",
    "config/learners/ssd.toml": "ssd.toml",
    "projects/close_btn/data_augmentation/daug.py": "daug.txt",
    "projects/close_btn/master/image.jpg": "close_btn.jpg",
    "projects/close_btn/master/image_extended.xml": "close_btn.xml",
}
"""What a workspace begins with, by where it goes there, and its file in STARTER."""

README, IGNORE, DODO = "README.md", ".gitignore", "dodo.py"

OWN = ("config/learners", "config/servers.toml", "projects")
"""What else must not be there: whatever lies in it would be taken for the workspace's."""

FOLDERS = frozenset(str(parent) for place in FILES for parent in Path(place).parents)
"""The folders that these need, the workspace's own among them."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A workspace that was begun. notes: what was done to files that were there already."""

    folder: Path
    notes: tuple[str, ...]


def init(folder: Path) -> Begun:
    """Make a workspace of a folder that is empty, not there yet, or a git repository's.

    No file is overwritten; a .gitignore that is there gets the lines that it lacks. What an interrupted one left is
    completed. Raises WorkspaceError before anything is written, or where the system refuses.
    """
    _require_place(folder)
    try:
        for place, source in FILES.items():
            _write(folder / place, (STARTER / source).read_bytes())
        notes = (*_readme(folder / README), *_ignore(folder / IGNORE))
        _write(folder / DODO, (STARTER / "dodo.txt").read_bytes())  # last, as it makes the folder a workspace
        return Begun(folder, notes)
    except OSError as error:
        raise WorkspaceError(
            error.filename or folder, error.strerror or str(error), "see to that, and run it again"
        ) from error


def _require_place(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise WorkspaceError(folder, "is no folder", "name another")
    if os.path.lexists(folder / DODO):
        raise WorkspaceError(folder, f"has a {DODO} already", "nothing was written; name another folder")
    there = {path.relative_to(folder).as_posix() for path in _files(folder)}
    foreign = sorted(place for place in there if not _is_ours(folder, place))
    for place in foreign:
        if place in FILES or place in FOLDERS or f"{place}/".startswith(tuple(f"{own}/" for own in OWN)):
            raise WorkspaceError(folder, f"has a {place} already", "nothing was written; name another folder")
    if foreign and not (folder / ".git").exists():
        fault = f"holds {foreign[0]}, and is no git repository"
        raise WorkspaceError(folder, fault, "name a folder that is empty, or run git init there first")


def _files(folder: Path) -> list[Path]:
    """What lies in a folder, and in the folders there that a workspace has as well."""
    shared = {folder / name for name in FOLDERS}
    inside = (path for inner in sorted(shared) if inner.is_dir() for path in sorted(inner.iterdir()))
    return [path for path in inside if path not in shared or path.is_symlink() or not path.is_dir()]


def _is_ours(folder: Path, place: str) -> bool:
    """Whether a file is the one that would be written."""
    source = {**FILES, README: README, IGNORE: "gitignore"}.get(place)
    path = folder / place
    return bool(source and path.is_file() and path.read_bytes() == (STARTER / source).read_bytes())


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; one that is there already is ours."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".dlim-{os.getpid()}")
    try:
        making.write_bytes(data)
        os.link(making, path)  # where a file has come between, it stays
    finally:
        making.unlink(missing_ok=True)


def _readme(path: Path) -> tuple[str, ...]:
    if path.exists() and not _is_ours(path.parent, README):
        return (f"{README}: left as it is",)
    _write(path, (STARTER / README).read_bytes())
    return ()


def _ignore(path: Path) -> tuple[str, ...]:
    """Have git ignore what is made: in a file of its own, or in the lines that another lacks."""
    wanted = (STARTER / "gitignore").read_text(encoding="utf-8")
    if not path.exists():
        _write(path, wanted.encode())
        return ()
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    lacking = [line for line in wanted.splitlines() if line not in text.splitlines()]
    if not lacking:
        return ()
    if path.is_symlink():
        return (f"{IGNORE}: is a link, and left as it is; it lacks {' '.join(lacking)}",)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * (bool(text) and not text.endswith("\n")) + "\n# dlim\n" + "\n".join(lacking) + "\n")
    return (f"{IGNORE}: {len(lacking)} lines added",)
