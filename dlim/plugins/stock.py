"""What tasks have made and is there: when it was made, and how much it is. No file of it is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from doit.dependency import Dependency
from doit.task import Task

from dlim.plugins.reason import MADE, Same, Sealed
from dlim.text import megabytes


class Stock(NamedTuple):
    """What is there of a task. made: when it last ran, in seconds since 1970. images: how many; size: in bytes."""

    made: float
    images: int = 0
    size: int = 0


def stock(task: Task, tasks: Mapping[str, Task], manager: Dependency) -> Stock | None:
    """What is there of a task, or of those in a group; None where there is nothing."""
    if task.actions:
        return _of_step(task, manager)
    # what a group is for are the steps in it; the groups in it come before these
    members = [tasks[name] for name in task.task_dep]
    chosen = [member for member in members if member.actions] or members
    found = [each for each in (stock(member, tasks, manager) for member in chosen) if each]
    if not found:
        return None
    return Stock(max(each.made for each in found), sum(each.images for each in found), sum(each.size for each in found))


def _of_step(task: Task, manager: Dependency) -> Stock | None:
    left = next((_left(check) for check, *_ in task.uptodate if _left(check)), None)
    try:
        stat = left.stat() if left else None
    except OSError:
        stat = None
    if stat is None:
        return None
    return Stock(*manager.get_values(task.name).get(MADE, [stat.st_mtime]))


def _left(check: object) -> Path | None:
    """The file that a check looks at."""
    return check.manifest if isinstance(check, Sealed) else check.path if isinstance(check, Same) else None


_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def age(seconds: float) -> str:
    """How long ago something was, in whole units."""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def images(number: int) -> str:
    """So many images; nothing where there are none."""
    return f"{number:,} image{'s' * (number != 1)}" if number else ""


def size(number: int) -> str:
    """So many bytes, in a person's units; nothing where there are none."""
    if not number:
        return ""
    return megabytes(number) if number >= 100_000 else f"{number / 1e3:,.1f} kB"
