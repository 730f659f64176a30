"""Why a task is to run, in words: the checks that say so, and the reasons that they give."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doit.globals import Globals
from doit.task import Task

from dlim import builds

Settings = Mapping[str, object]

SEAL = "seal"
"""The key under which a task's values keep the seal of its build."""

_SHOWN = 3
_LONG = 40  # a digest, or a whole table: to see it tells nobody anything


@dataclass
class Inputs:
    """A doit check: whether the settings a task depends on are those it last ran with.

    settings: flat, of JSON values; a function is asked each time, when what the task depends on has run.
    """

    settings: Callable[[], Settings]
    reason: str = field(default="", init=False)

    def __call__(self, task: Task, values: Mapping[str, Any]) -> bool:
        now = dict(self.settings())
        task.value_savers.append(lambda: {"settings": now})
        before = values.get("settings")
        self.reason = "" if before in (None, now) else _difference(before, now)
        return before == now


def _difference(before: Settings, now: Settings) -> str:
    changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    return ", ".join(_change(key, before.get(key), now.get(key)) for key in changed[:_SHOWN])


def _change(key: str, before: object, now: object) -> str:
    change = f"{key} changed"
    values = [str(value) for value in (before, now)]
    return change if max(map(len, values)) > _LONG else f"{change} from {values[0]} to {values[1]}"


@dataclass
class Sealed:
    """A doit check: whether the build that a task left is as it was left."""

    manifest: Path
    reason: str = field(default="", init=False)

    def __call__(self, task: Task, values: Mapping[str, Any]) -> bool:
        seal = builds.Seal(*values[SEAL]) if SEAL in values else None
        if seal is not None and builds.looks_sound(self.manifest, seal):
            self.reason = ""
            return True
        self.reason = builds.fault(self.manifest, seal)
        if not self.reason:
            # sound, but copied or touched: it was read once for that, and need not be again
            Globals.dep_manager.backend.renew(task.name, {**values, SEAL: builds.look(self.manifest)})
        return not self.reason


@dataclass
class Same:
    """A doit check: whether a single file that a task left has the digest that it was left with."""

    path: Path
    reason: str = field(default="", init=False)

    def __call__(self, task: Task, values: Mapping[str, Any]) -> bool:
        if not self.path.exists():
            self.reason = "was never made" if SEAL not in values else f"{self.path} is missing"
        elif values.get(SEAL) != [builds.sha256(self.path)]:
            self.reason = f"{self.path} is not as it was made" if SEAL in values else "was never made"
        else:
            self.reason = ""
        return not self.reason


def reason(task: Task, known: Collection[str] | None) -> str:
    """Why doit has just judged that a task must run; known: the files that it was made from when it last ran."""
    found = [check.reason for check, *_ in task.uptodate if getattr(check, "reason", "")]
    if not any(text.startswith("was never") for text in found):
        found += [_file(path, known) for path in sorted(task.dep_changed)[:_SHOWN]]
        found += [f"{path} is gone" for path in sorted(set(known or ()) - task.file_dep)[:_SHOWN]]
    return ", ".join(found) or "as you asked"


def _file(path: str, known: Collection[str] | None) -> str:
    return f"{path} changed" if known is None or path in known else f"{path} is new"
