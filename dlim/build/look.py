"""Looking at files without reading them: stamps, digests that go with them, and what a whole run looked at."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from dlim import store

Stamp = tuple[int, ...]
"""Size, modification time, change time and inode of a file; times in nanoseconds. Empty where there is none.

Size and modification time alone are no identity: an archive that is unpacked with constant times, or a copy that
keeps them, leaves other bytes under the same two. The change time can't be set by a program, and a file that was put
in another's place has an inode of its own.
"""

RACY = 20_000_000
"""Nanoseconds within which a file may change twice at one time of the clock: a stamp that young proves nothing."""


def stamp(path: str) -> Stamp:
    """A file's stamp; empty for what can't be looked at, too: the step that reads it says so, for its project alone."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def folder_stamp(path: str) -> Stamp:
    """A folder's stamp: it changes when a file comes, goes or is replaced there, not when one is linked or read."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ino


def looks(paths: Iterable[str]) -> dict[str, Stamp]:
    """The stamps of what shows whether a build is there: of folders (ending with /) and of files."""
    return {path: look(path) for path in paths}


def look(path: str) -> Stamp:
    """A folder's stamp where the path ends with /, else a file's; of a build's file the change time says nothing.

    A link made to it, by the dataset, changes that.
    """
    if path.endswith("/"):
        return folder_stamp(path)
    found = stamp(path)
    return found[:2] + found[3:]


def settled(found: Stamp, now: int) -> bool:
    """Whether a stamp is old enough to tell the file from any later version. now: in nanoseconds."""
    return not found or now - max(found[1:3]) > RACY


class Memo:
    """What a run that ended with nothing left to do looked at, and what it said.

    While all of that is as it was, the next such run can only say the same: it need not ask what is in a file.
    """

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        """Words: what was asked for; another answer is remembered for the tasks that dodo.py has by default."""
        self.path = folder / (words[0] if words else "default")

    def answer(self) -> list[str] | None:
        """The lines of the run that was remembered, where nothing that it looked at has changed."""
        try:
            head, _, rest = self.path.read_text(encoding="utf-8").partition("\n\n")
            paths, _, lines = rest.partition("\n\n")
            if _digest({path: _seen(path) for path in paths.split("\n")}) != head:
                return None
        except (OSError, ValueError):
            return None
        return lines.split("\n")

    def keep(self, seen: Mapping[str, Stamp], lines: Iterable[str]) -> None:
        """Remember a run: what it looked at, with the stamps that it saw, and its lines."""
        if any("\n" in path for path in seen):
            return
        text = "\n\n".join([_digest(seen), "\n".join(seen), "\n".join(lines)])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        making = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        making.write_text(text, encoding="utf-8", errors="strict")
        making.replace(self.path)


def forget(folder: Path) -> None:
    """Forget all such runs: what is built is about to change."""
    store.discard(folder)


def _seen(path: str) -> Stamp:
    """The stamp of whatever a run looked at there: `=` before a path means a file of a build."""
    if path.endswith("/"):
        return folder_stamp(path)
    return look(path[1:]) if path.startswith("=") else stamp(path)


def _digest(seen: Mapping[str, Stamp]) -> str:
    return hashlib.sha256("\n".join([f"{path} {found}" for path, found in seen.items()]).encode()).hexdigest()
