"""doit's memory of what was built, as those read it who only ask: nothing of it is ever written."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from doit.exceptions import InvalidDodoFile

from dlim.plugins.state import State


class Memory(State):
    """What the state file says now, while others may be writing it; an empty one where there is none."""

    desc = "the same, and only read"

    def __init__(self, name: str, codec: Any, *, module_name: str | None = None) -> None:
        self.name = name
        self.codec = codec
        try:
            self._rows = _rows(Path(name))
        except (OSError, sqlite3.Error) as error:
            super().__init__(name, codec, module_name=module_name)  # it says what is wrong, and the way out
            raise InvalidDodoFile(f"{name}: {error}; run again") from error
        self._cache: dict[str, dict[str, Any]] = {}

    def get(self, task_id: str, dependency: str) -> Any:
        """One fact of a task; None where it isn't known."""
        if task_id not in self._cache:
            self._cache[task_id] = self.codec.decode(self._rows[task_id]) if task_id in self._rows else {}
        return self._cache[task_id].get(dependency)

    def in_(self, task_id: str) -> bool:
        """Whether anything is known of a task."""
        return task_id in self._rows

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        """Nothing: who asks changes nothing."""

    def fail(self, task_id: str, line: str) -> None:
        """Nothing."""

    def renew(self, task_id: str, values: Mapping[str, Any]) -> None:
        """Nothing."""

    def remove(self, task_id: str) -> None:
        """Nothing."""

    def remove_all(self) -> None:
        """Nothing."""

    def dump(self) -> None:
        """Nothing."""


def _rows(path: Path) -> dict[str, str]:
    """All that the file holds, by task. Raises OSError or sqlite3.Error where it can't be read."""
    try:
        if not path.stat().st_size:
            return {}
    except FileNotFoundError:
        return {}
    # without a log beside it there is nothing that sqlite would have to lock or to mend, and it needs no right to write
    alone = "" if _size(path.with_name(f"{path.name}-wal")) else "&immutable=1"
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro{alone}", uri=True)) as connection:
        return dict(connection.execute("select task_id, task_data from doit"))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
