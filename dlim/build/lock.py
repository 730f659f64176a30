"""The workspace's lock: one run at a time changes what is built."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from dlim import console
from dlim.errors import WorkspaceError


@dataclass
class _Hold:
    """The lock file of this process's run. ours: whether it has the workspace now; it is named in the file then."""

    file: TextIO
    ours: bool = False

    def take(self, how: int = 0) -> None:
        """Take the workspace. Raises OSError where it can't be had; BlockingIOError where another has it."""
        if not self.ours:
            fcntl.flock(self.file, fcntl.LOCK_EX | how)
            self.ours = True
            self.file.truncate(0)
            self.file.write(f"process {os.getpid()} since {time.strftime('%H:%M:%S')}")
            self.file.flush()

    def leave(self) -> None:
        """Let others have it; where another has it already, its name stays in the file."""
        if self.ours:
            self.ours = False
            with suppress(OSError):
                self.file.truncate(0)
            fcntl.flock(self.file, fcntl.LOCK_UN)

    def holder(self) -> str:
        """Who has it."""
        self.file.seek(0)
        return self.file.read().strip() or "another process"


_holds: list[_Hold] = []
"""That of the run of this process, from its beginning to its end."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the workspace for one run. Raises WorkspaceError where another has it, with its number and start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        hold = _Hold(file)
        try:
            hold.take(fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise WorkspaceError(
                Path.cwd(), f"is being built already, by {hold.holder()}", "wait for it to end, or end it"
            ) from error
        _holds.append(hold)
        try:
            yield
        finally:
            _holds.remove(hold)
            hold.leave()


@contextmanager
def unlocked() -> Iterator[None]:
    """Leave the workspace to others for a while: what is done meanwhile takes hours, and reads none of it."""
    for hold in _holds:
        hold.leave()
    try:
        yield
    except BaseException:
        # it ends: nothing that others do now is worth waiting for
        for hold in _holds:
            with suppress(OSError):
                hold.take(fcntl.LOCK_NB)
        raise
    for hold in _holds:
        _take_back(hold)


def _take_back(hold: _Hold) -> None:
    """Have the workspace again; where another has it, wait for that, and say so."""
    try:
        hold.take(fcntl.LOCK_NB)
    except BlockingIOError:
        console.current().line(f"waits for {hold.holder()}")
        hold.take()
