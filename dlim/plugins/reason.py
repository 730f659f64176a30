"""Why a task is to run, in words: the checks that say so, and the reasons that they give."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doit.globals import Globals
from doit.task import Task

from dlim import builds

Settings = Mapping[str, object]

SEAL = "seal"
"""The key under which a task's values keep the seal of its build."""

MADE = "made"
"""The key under which a task's values keep when it last ran, in seconds, and its build's images and bytes."""

IMAGES = "images"
"""The key, in a task's values, of how many images there are in what it left, where its manifest doesn't show that."""

NEVER = "was never"
"""How a reason begins that leaves nothing else to say."""

_SHOWN = 3
_LONG = 40  # a digest, or a whole table: to see it tells nobody anything


@dataclass
class Inputs:
    """A doit check: whether the settings a task depends on are those it last ran with.

    settings: flat, of JSON values. It is asked each time; one that is a function is asked for its value when what the
    task depends on has run.
    """

    settings: Callable[[], Settings]
    reasons: list[str] = field(default_factory=list, init=False)
    settled: bool = field(default=True, init=False)
    """Whether what the task depends on is as it will be; until then, settings that are functions aren't looked at."""

    def __call__(self, task: Task, values: Mapping[str, Any]) -> bool:
        before = values.get("settings")
        now = self._now(before or {})
        task.value_savers.append(lambda: {"settings": now})
        self.reasons = [] if before in (None, now) else _differences(before, now)
        return before == now

    def _now(self, before: Settings) -> Settings:
        now = {}
        for key, value in self.settings().items():
            if not callable(value):
                now[key] = value
            elif self.settled:
                now[key] = value()
            elif key in before:
                now[key] = before[key]  # it speaks neither for the task's running nor against it
        return now


def _differences(before: Settings, now: Settings) -> list[str]:
    changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    return [_change(key, before.get(key), now.get(key)) for key in changed]


def _change(key: str, before: object, now: object) -> str:
    change = f"{key} changed"
    values = [_said(value) for value in (before, now)]
    return change if max(map(len, values)) > _LONG else f"{change} from {values[0]} to {values[1]}"


def _said(value: object) -> str:
    """A setting as a file under config/ has it, as far as a line needs that."""
    if value is None or value == "":
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass
class Sealed:
    """A doit check: whether the build that a task left is as it was left."""

    manifest: Path
    reasons: list[str] = field(default_factory=list, init=False)

    def __call__(self, task: Task, values: Mapping[str, Any]) -> bool:
        task.value_savers.append(lambda: {MADE: self._made(task.values)})
        seal = builds.Seal(*values[SEAL]) if SEAL in values else None
        if seal is not None and builds.looks_sound(self.manifest, seal):
            self.reasons = []
            return True
        fault = builds.fault(self.manifest, seal)
        self.reasons = [self._told(fault)] if fault else []
        if not fault:
            # sound, but copied or touched: it was read once for that, and need not be again
            Globals.dep_manager.backend.renew(task.name, {**values, SEAL: builds.look(self.manifest)})
        return not fault

    def _told(self, fault: str) -> str:
        """A fault with the path of what it is about."""
        if fault.startswith(NEVER):
            return fault
        return f"{self.manifest} was changed" if fault.startswith("its ") else f"{self.manifest.parent}/{fault}"

    def _made(self, values: Mapping[str, Any]) -> list[float]:
        files = builds.read(self.manifest)
        images = values.get(IMAGES) or sum(name.endswith(".jpg") for name in files)
        return [time.time(), images, sum(entry.size for entry in files.values())]


@dataclass
class Same:
    """A doit check: whether a single file that a task left has the digest that it was left with."""

    path: Path
    reasons: list[str] = field(default_factory=list, init=False)

    def __call__(self, task: Task, values: Mapping[str, Any]) -> bool:
        task.value_savers.append(lambda: {MADE: [time.time(), 0, 0]})
        fault = self._fault(values.get(SEAL))
        self.reasons = [fault] if fault else []
        return not fault

    def _fault(self, seal: list[str] | None) -> str:
        if seal is None:
            return f"{NEVER} made"
        if not self.path.exists():
            return f"{self.path} is missing"
        return "" if seal == [builds.sha256(self.path)] else f"{self.path} is not as it was made"


def reason(task: Task, known: Collection[str] | None, makers: Mapping[str, str]) -> str:
    """Why doit has just judged that a task must run, in a line.

    known: the files that it was made from when it last ran. makers: the tasks that leave files, by file.
    """
    return told(reasons(task, known, makers)) or "as you asked"


def reasons(task: Task, known: Collection[str] | None, makers: Mapping[str, str]) -> list[str]:
    """All that makes doit judge that a task must run; nothing where that is only what a person asked for."""
    found = [text for check, *_ in task.uptodate for text in getattr(check, "reasons", ())]
    never = [text for text in found if text.startswith(NEVER)]
    if never:
        return never
    found += [_file(path, known, makers) for path in sorted(task.dep_changed)]
    return found + [_former(path) for path in sorted(set(known or ()) - task.file_dep)]


def told(found: Sequence[str]) -> str:
    """Reasons in one line, which the first few of them fill."""
    return ", ".join([*found[:_SHOWN], *([f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else [])])


def _former(path: str) -> str:
    return f"{path} {'is no longer read' if Path(path).exists() else 'is gone'}"


def _file(path: str, known: Collection[str] | None, makers: Mapping[str, str]) -> str:
    new = known is not None and path not in known
    if path in makers:
        return f"{makers[path]} {'is new' if new else 'came out otherwise'}"
    return f"{path} {'is new' if new else 'changed'}"


def makers_of(tasks: Iterable[Task]) -> dict[str, str]:
    """The task that leaves each file, of those that tasks leave."""
    return {target: task.name for task in tasks for target in task.targets}
