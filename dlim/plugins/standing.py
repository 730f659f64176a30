"""How all tasks stand, for the one that tells of the others: a task by itself doesn't know of any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from doit.globals import Globals
from doit.task import Task

from dlim.plugins.cause import Root, roots
from dlim.plugins.verdict import verdicts

_tasks: list[Task] = []


class Standing(NamedTuple):
    """A task, its state from afar, and what that comes from."""

    name: str
    state: str
    roots: tuple[Root, ...]


def keep(tasks: Sequence[Task]) -> None:
    """Remember the tasks of this run."""
    _tasks[:] = tasks


def standings() -> list[Standing]:
    """How each task of this run stands now."""
    found = verdicts({task.name: task for task in _tasks}, Globals.dep_manager)
    return [
        Standing(name, verdict.state, () if verdict.state == "on demand" else tuple(roots(name, found)))
        for name, verdict in found.items()
    ]
