"""What `doit why` says of a task: its state, and the chain down to what it comes from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from doit.control import TaskControl
from doit.dependency import Dependency
from doit.task import Task

from dlim.plugins.cause import Link, Verdicts, chains
from dlim.plugins.stock import age, images, size, stock
from dlim.plugins.verdict import MOVES, Verdict

SHOWN = 20
"""How many files are named that a task was made from."""


def why(name: str, found: Verdicts, control: TaskControl, manager: Dependency, now: float) -> Iterator[str]:
    """Lines that say why a task would run, or from what it was made. now: in seconds since 1970."""
    verdict = found[name]
    if verdict.outlook == "up to date":
        yield from _up_to_date(name, control, manager, now)
        return
    for link in chains(name, found):
        yield from _lines(link, found[link.task])


def _lines(link: Link, verdict: Verdict) -> Iterator[str]:
    indent = "  " * link.depth
    own = link.own.reasons if link.own else ()
    head = f"{indent}{link.task} {_told(verdict)}"
    if len(own) == 1 and not link.goes_on:
        yield f"{head}: {own[0]}"
        return
    yield f"{head}{_joint(verdict, bool(own) or link.goes_on)}"
    yield from (f"{indent}  {text}" for text in own)


_WORDS = {"will run": "would run", "on demand": "runs whenever it is asked for", "ignored": "is ignored"}


def _told(verdict: Verdict) -> str:
    if verdict.outlook in MOVES and verdict.fault:
        return "failed when it last ran, and would run again" if verdict.failed else "is failing"
    return _WORDS.get(verdict.outlook, verdict.outlook)


def _joint(verdict: Verdict, more: bool) -> str:
    """How a line goes on to the lines under it."""
    if verdict.outlook == "on demand":
        return ", and with it" if more else ""
    return ", because" if more else ", as `doit ignore` said"


def _up_to_date(name: str, control: TaskControl, manager: Dependency, now: float) -> Iterator[str]:
    task = control.tasks[name]
    there = stock(task, control.tasks, manager)
    if there is None:
        yield f"{name} is up to date"
        return
    amount = [text for text in (images(there.images), size(there.size)) if text]
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(there.made))
    yield f"{name} is up to date{''.join(f', {text}' for text in amount)}"
    yield f"  it last ran {age(now - there.made)}, at {when}, from"
    files = sorted(_hand_made(name, control))
    yield from (f"    {path}" for path in files[:SHOWN])
    if len(files) > SHOWN:
        yield f"    and {len(files) - SHOWN:,} files more"
    settings = _settings(manager.get_values(name).get("settings", {}))
    if settings:
        yield f"    with {settings}"


def _hand_made(name: str, control: TaskControl) -> set[str]:
    """The files behind a task that no other task makes."""
    reached: dict[str, Task] = {}
    waiting = [name]
    while waiting:
        task = control.tasks[waiting.pop()]
        if task.name not in reached:
            reached[task.name] = task
            waiting += task.task_dep
    return {path for task in reached.values() for path in task.file_dep if path not in control.targets}


def _settings(settings: Mapping[str, object]) -> str:
    """The settings that someone has set; versions and code have other names."""
    return ", ".join(f"{key} {value}" for key, value in settings.items() if key.isidentifier() and value)
