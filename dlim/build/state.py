"""What is known of what was built: a record for each step, kept in one sqlite file as the step ends."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from doit.dependency import DatabaseException, SqliteDB
from doit.exceptions import InvalidDodoFile

from dlim.errors import unusable

STATE = Path(".dlim/state.db")

Stamp = tuple[int, ...]
"""What tells one version of a file from another without reading it; see dlim.build.look."""


class Source(msgspec.Struct, array_like=True):
    """A hand-made file as a step read it."""

    stamp: Stamp
    sha256: str


class Record(msgspec.Struct, omit_defaults=True):
    """What is known of a step since it last ran.

    settings: what it depends on beside files. sources: the hand-made files that it read, by path. inputs: the digest
    of what each step before it left, by that step's name. output: the digest of what it left; looks: the stamps of
    the files and folders that show at a glance whether that is there still. made: when, in seconds since 1970.
    images, size: how many images and bytes. summary: a line for the end of a run. failed: the line that it failed
    with; then nothing else is known.
    """

    settings: dict[str, Any] = {}
    sources: dict[str, Source] = {}
    inputs: dict[str, str] = {}
    output: str = ""
    looks: dict[str, Stamp] = {}
    made: float = 0
    images: int = 0
    size: int = 0
    summary: str = ""
    failed: str = ""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


class State(SqliteDB):  # type: ignore[misc]
    """doit's backend, and the records of dlim's own steps, of which doit itself keeps only that one is ignored.

    A record is on disk as soon as its step has ended: a killed run loses nothing that it made.
    """

    desc = "sqlite, kept as tasks finish"
    read_only = False

    def __init__(self, name: str, codec: Any, *, module_name: str | None = None) -> None:
        self._lock = threading.Lock()
        self._removed: dict[str, Record] = {}
        self._learned: set[str] = set()
        self.earlier = False
        self.name, self.codec = name, codec
        self._cache: dict[str, Any] = {}
        self._dirty: set[str] = set()
        try:
            self._conn = self._opened(Path(name))
            self.records = self._load()
            self._ignored = self._find_ignored()
            if self.read_only:
                self._conn.close()
        except (DatabaseException, sqlite3.Error, msgspec.MsgspecError, UnicodeDecodeError, TypeError) as error:
            raise InvalidDodoFile(_remedied(name, str(error))) from error
        except OSError as error:
            raise InvalidDodoFile(unusable(error)) from error

    def _opened(self, path: Path) -> sqlite3.Connection:
        if path.exists() and not path.is_file():  # sqlite would wait for a pipe
            raise InvalidDodoFile(f"{path}: is no file; take it away")
        if self.read_only:
            if not path.exists():
                if path.parent.exists():
                    os.scandir(path.parent).close()  # what stands in its way is told now
                return _prepared(sqlite3.connect(":memory:"))
            # without a log beside it there is nothing to lock or to mend, and it takes no right to write
            log = path.with_name(f"{path.name}-wal")
            alone = "" if log.exists() and log.stat().st_size else "&immutable=1"
            return sqlite3.connect(f"file:{quote(str(path))}?mode=ro{alone}", uri=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = sqlite3.connect(path, check_same_thread=False)
        # a log beside the file instead of a flush of the disk for each step
        made.execute("pragma journal_mode=wal")
        made.execute("pragma synchronous=normal")
        return _prepared(made)

    def _load(self) -> dict[str, Record]:
        tables = {name for (name,) in self._conn.execute("select name from sqlite_master where type = 'table'")}
        if "steps" not in tables:  # only read, and of an earlier version
            self.earlier = "doit" in tables
            return {}
        found = {name: _decode(data) for name, data in self._conn.execute("select name, record from steps")}
        known = self._conn.execute("select task_id from doit") if "doit" in tables and not found else ()
        self.earlier = any(name.partition(":")[0] in _FIRST for (name,) in known)
        return found

    # records

    def keep(self, name: str, record: Record) -> None:
        """Keep what is known of a step."""
        with self._lock:
            self.records[name] = record
            self._write("insert or replace into steps values (?, ?)", (name, _encode(record)))

    def learn(self, name: str) -> None:
        """Keep, at the end, that the files of a step that didn't run have other stamps, and the same contents."""
        self._learned.add(name)

    def fail(self, name: str, line: str) -> None:
        """Keep that a step failed, and with what."""
        self.keep(name, Record(failed=line))

    def restore(self, name: str) -> None:
        """Know again what doit has just had forgotten, as the step couldn't run."""
        if name in self._removed:
            self.keep(name, self._removed.pop(name))

    def is_ignored(self, name: str) -> bool:
        """Whether a person said `doit ignore` of it."""
        return name in self._ignored

    def _find_ignored(self) -> set[str]:
        if not self._conn.execute("select 1 from sqlite_master where name = 'doit'").fetchone():
            return set()
        rows = self._conn.execute("select task_id from doit where task_data like '%ignore:%'")
        return {task for (task,) in rows}

    def _write(self, statement: str, *rows: tuple[Any, ...]) -> None:
        with self._told():
            self._conn.executemany(statement, rows)
            self._conn.commit()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Have a line for what sqlite says, such as that the disk is full."""
        try:
            yield
        except sqlite3.Error as error:
            raise InvalidDodoFile(_remedied(self.name, str(error))) from error

    # doit's own

    def _get_task_data(self, task_id: str) -> dict[str, Any]:
        row = self._conn.execute("select task_data from doit where task_id = ?", (task_id,)).fetchone()
        return dict(self.codec.decode(row[0])) if row else {}

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Keep one fact of a task that isn't dlim's; of a step only that it is ignored."""
        if task_id not in self.records or dependency == "ignore:":
            super().set(task_id, dependency, value)

    def remove(self, task_id: str) -> None:
        """Forget a task."""
        with self._lock:
            if task_id in self.records:
                self._removed[task_id] = self.records.pop(task_id)
            with self._told():
                self._conn.execute("delete from steps where name = ?", (task_id,))
                super().remove(task_id)
                self._conn.commit()

    def remove_all(self) -> None:
        """Forget everything."""
        self.records.clear()
        with self._told():
            super().remove_all()
            self._conn.execute("delete from steps")
            self._conn.commit()

    def dump(self) -> None:
        """Write what doit itself keeps."""
        if not self.read_only:
            with self._told():
                rows = [(name, _encode(self.records[name])) for name in self._learned & self.records.keys()]
                self._conn.executemany("insert or replace into steps values (?, ?)", rows)
                super().dump()


class Memory(State):
    """The same for those who only ask: nothing is ever written, also while others write it."""

    desc = "the same, and only read"
    read_only = True

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Nothing: it is only read."""

    def remove(self, task_id: str) -> None:
        """Nothing: it is only read."""

    def remove_all(self) -> None:
        """Nothing: it is only read."""


_FIRST = ("augment", "annotate", "extend", "locate", "pack", "shard", "split", "tarball")


def _prepared(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute("create table if not exists doit (task_id text not null primary key, task_data json)")
    connection.execute("create table if not exists steps (name text not null primary key, record blob)")
    connection.commit()
    return connection


def _remedied(name: str, fault: str) -> str:
    """A line for what sqlite says. Only a file that isn't sqlite's, or no longer, is worth deleting."""
    if any(word in fault for word in ("locked", "readonly", "unable to open", "full", "I/O")):
        return f"{name}: {fault}; see to that, and run again"
    return f"{name}: can't be read; delete it, and the next run builds everything anew"
