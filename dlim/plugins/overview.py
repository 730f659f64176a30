"""What `doit list` says: a line for each task, with its state, what is there of it, and why it would run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from doit.dependency import Dependency
from doit.task import Task

from dlim.plugins.cause import Root, roots, subject, things
from dlim.plugins.reason import told
from dlim.plugins.stock import Stock, age, images, size, stock
from dlim.plugins.verdict import Verdict, on_demand
from dlim.text import columns, cut, width


class Row(NamedTuple):
    """What is said of a task. texts: why it would run, or what it is for; the first of them that has room is shown."""

    name: str
    state: str
    there: Stock | None
    texts: tuple[str, ...]


def row(task: Task, tasks: Mapping[str, Task], found: Mapping[str, Verdict], manager: Dependency) -> Row:
    """What is said of a task, from what would happen to it and to those that it depends on."""
    reached = [] if on_demand(task) else roots(task.name, found)
    why = _why(task.name, reached) if reached else (task.doc or "",)
    return Row(task.name, found[task.name].state, stock(task, tasks, manager), why)


def _why(name: str, reached: Sequence[Root]) -> tuple[str, str]:
    """The first thing that a task would run for, and how many others there are; and the same in short."""
    first, more = reached[0], len({thing for root in reached for thing in things(root)}) - len(things(reached[0]))
    why = told(first.reasons) or "as `doit ignore` said"
    others = f" (and {more} more)" if more > 0 else ""
    whole = why if first.task == name else f"{first.task}: {why}"
    return f"{whole}{others}", f"{_short(first.task, why)}{others}"


def _short(task: str, why: str) -> str:
    """A reason with the project's name alone: a fault says it itself, and a file lies in its folder."""
    about = subject(task)
    folder = about if "/" in about else f"projects/{about}"
    return why if why.startswith(f"{about}: ") else f"{about}: {why.replace(f'{folder}/', '')}"


def overview(rows: Sequence[Row], now: float, limit: int | None) -> list[str]:
    """Rows as lines. now: in seconds since 1970. limit: of a line's width, where it has one."""
    heads = columns([(each.name, each.state) for each in rows])
    found = [each.there for each in rows if each.there]
    amounts = iter(columns([(age(now - each.made), images(each.images), size(each.size)) for each in found], (1, 2)))
    cells = [[head, *_amount(each.there, amounts)] for head, each in zip(heads, rows, strict=True)]
    return [_line(cell, each.texts, limit) for cell, each in zip(cells, rows, strict=True)]


def _amount(there: Stock | None, amounts: Iterator[str]) -> list[str]:
    """What is said of what is there; nothing keeps room for what isn't known."""
    if there is None:
        return []
    amount = next(amounts)
    return [amount if there.images or there.size else amount.rstrip()]


def _line(cells: Sequence[str], texts: Sequence[str], limit: int | None) -> str:
    """A line with the first of its texts that has room, or as much of the last as has."""
    lines = ["  ".join([*cells, text]).rstrip() for text in texts]
    fitting = (line for line in lines if limit is None or width(line) <= limit)
    return next(fitting, cut(lines[-1], limit))
