"""What a person asks for each time: tasks that are never up to date, with their options and their names."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from doit.cmdparse import CmdOption, CmdParse, CmdParseError
from doit.exceptions import TaskFailed

from dlim.errors import DlimError
from dlim.plugins.meta import ANSWER, ASKED
from dlim.plugins.options import said
from dlim.plugins.work import unusable

Row = dict[str, Any]
"""A task as doit has it."""


def option(name: str, text: str, *, flag: bool = False) -> dict[str, Any]:
    """An option of a task: --name with a value, or a flag without one."""
    return {
        "name": name,
        "long": name.replace("_", "-"),
        "type": bool if flag else str,
        "default": False if flag else "",
        "help": text,
    }


def asked(
    name: str,
    action: Callable[..., object],
    doc: str,
    options: Sequence[dict[str, Any]] = (),
    *,
    names: str = "",
    after: Sequence[str] = (),
    answer: bool = True,
) -> Row:
    """A task that runs whenever a person asks for it.

    action: gets the options by name. names: the parameter of the action that gets the words behind the task's name.
    after: the tasks that come before it. answer: whether it changes nothing in the workspace.
    """
    row: Row = {
        "basename": name,
        "actions": [_told(name, action, options, names)],
        "uptodate": [False],
        "params": list(options),
        "task_dep": list(after),
        "doc": doc,
        "io": {"capture": False},
        "meta": {ASKED: True, ANSWER: answer},
    }
    if names:
        row["pos_arg"] = names
    return row


def _told(
    task: str, action: Callable[..., object], options: Sequence[dict[str, Any]], names: str
) -> Callable[..., object]:
    """An action whose faults are one line, and whose options may stand behind its names as well as before them."""

    @functools.wraps(action)
    def told(**given: Any) -> object:
        try:
            if names:
                words, more = _parted(task, given.pop(names) or [], options)
                given = {**given, **more, names: words}
            return action(**given)
        except DlimError as error:
            return TaskFailed(str(error))
        except OSError as error:
            return TaskFailed(unusable(error))

    # doit asks for the parameters, to know which options to hand over
    told.__signature__ = inspect.signature(action)  # type: ignore[attr-defined]
    return told


def _parted(task: str, words: Sequence[str], options: Sequence[dict[str, Any]]) -> tuple[list[str], dict[str, Any]]:
    """The words that are names, and the options among them: doit itself stops looking for options at the first name."""
    parser = CmdParse([CmdOption(each) for each in options])
    found: list[str] = []
    given: dict[str, Any] = {}
    rest = list(words)
    while rest:
        if rest[0].startswith("-") and len(rest[0]) > 1:
            try:
                params, rest = parser.parse(rest)
            except CmdParseError as error:
                fault, _, remedy = said(error, task).partition("; ")
                raise DlimError(task, fault, remedy or f"doit help {task} shows its options") from error
            given |= {key: value for key, value in params.items() if key in params._non_default_keys}
        else:
            found.append(rest.pop(0))
    return found, given
