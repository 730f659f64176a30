"""doit's memory of what was built: one sqlite file, kept task by task, and a lock around each run."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from doit.dependency import DatabaseException, Dependency, MD5Checker, SqliteDB
from doit.exceptions import InvalidDodoFile
from doit.task import Task

from dlim import progress
from dlim.errors import WorkspaceError
from dlim.plugins.work import unusable

FAILED = "failed:"
"""The key of the line that a task failed with when it last ran."""

_LAST = "deps:"  # what doit records last of a task that succeeded


class State(SqliteDB):  # type: ignore[misc]
    """doit's sqlite backend, but each task is on disk as soon as it ends: a killed run loses nothing it made."""

    desc = "sqlite, kept as tasks finish"

    def __init__(self, name: str, codec: Any, *, module_name: str | None = None) -> None:
        try:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            super().__init__(name, codec, module_name=module_name)
            # a log beside the file instead of a flush of the disk for each task
            self._conn.execute("pragma journal_mode=wal")
            self._conn.execute("pragma synchronous=normal")
        except (DatabaseException, sqlite3.DatabaseError) as error:
            # doit shows this class of error in a line, any other with a traceback
            raise InvalidDodoFile(f"{name}: {_remedied(str(error))}") from error
        except OSError as error:
            raise InvalidDodoFile(unusable(error)) from error

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Keep one fact of a task; with the last of them, the task."""
        super().set(task_id, dependency, value)
        if dependency == _LAST:
            self._cache[task_id].pop(FAILED, None)
            self._keep(task_id)

    def fail(self, task_id: str, line: str) -> None:
        """Keep that a task failed, and with what."""
        self._cache[task_id] = {FAILED: line}
        self._keep(task_id)

    def renew(self, task_id: str, values: Mapping[str, Any]) -> None:
        """Keep other values of a task that didn't run."""
        super().set(task_id, "_values_:", dict(values))
        self._keep(task_id)

    def remove(self, task_id: str) -> None:
        """Forget a task."""
        super().remove(task_id)
        self._conn.commit()

    def _keep(self, task_id: str) -> None:
        row = (task_id, self.codec.encode(self._cache[task_id]))
        self._conn.execute("insert or replace into doit values (?,?)", row)
        self._conn.commit()
        self._dirty.discard(task_id)


def _remedied(fault: str) -> str:
    """What sqlite says, with the way out. Only a file that isn't sqlite's, or no longer, is worth deleting."""
    if "not a database" in fault or "malformed" in fault:
        return "can't be read; delete it, and the next run builds all anew"
    return f"{fault.rpartition('Original error: ')[2]}; see to that, and run again"


class Checker(MD5Checker):  # type: ignore[misc]
    """doit's own check of a file, but another size is another file even where the time was put back."""

    def check_modified(self, file_path: str, file_stat: os.stat_result, state: tuple[float, int, str]) -> bool:
        """Whether a file differs from what was recorded: (time, size, MD5)."""
        return file_stat.st_size != state[1] or super().check_modified(file_path, file_stat, state)


def known_files(manager: Dependency, task: Task) -> list[str] | None:
    """The files that a task was made from when it last succeeded; None where it never did."""
    found: list[str] | None = manager.backend.get(task.name, _LAST)
    return found


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
        progress.current().line(f"waits for {hold.holder()}")
        hold.take()
