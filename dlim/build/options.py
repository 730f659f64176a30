"""Options that can't be: a line for each, with the nearest that can."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from getopt import GetoptError
from typing import Any

from doit.cmdparse import CmdOption, CmdParseError

from dlim.build.ending import FAULTY
from dlim.names import near

Option = dict[str, Any]
"""An option as doit has it."""


def option(name: str, text: str, *, flag: bool = False, key: str = "") -> Option:
    """An option: --name with a value, or a flag without one. key: the parameter that gets it, its name unless given."""
    return {
        "name": key or name.replace("-", "_"),
        "long": name.replace("_", "-"),
        "type": bool if flag else str,
        "default": False if flag else "",
        "help": text,
    }


_NEW = "the dodo.py of a new workspace (dlim init NEW) can take its place"


class Understood:
    """A command of doit's that says in a line which option it doesn't know."""

    name: str

    def __init__(self, **made: Any) -> None:
        super().__init__(**made)
        self._made = made

    def parse_execute(self, in_args: Sequence[str]) -> int:
        """Parse a command line and do what it says; the status of that."""
        try:
            return int(super().parse_execute(in_args) or 0)  # type: ignore[misc]
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("dlim."):
                raise
            print(f"dodo.py: is of another version of dlim, with a {error.name}; {_NEW}", file=sys.stderr)
            return FAULTY
        except CmdParseError as error:
            cause = error.__context__
            if isinstance(cause, GetoptError) and cause.opt in ("h", "help") and self._made.get("cmds"):
                subject = self._task(in_args) if self.name == "run" else self.name
                help_ = self._made["cmds"].get_plugin("help")(**self._made)
                return int(help_.parse_execute([subject] if subject else []))
            print(f"doit: {self._slip(error, in_args)}", file=sys.stderr)
            return FAULTY

    def _slip(self, error: CmdParseError, words: Sequence[str]) -> str:
        task = self._task(words)
        subject = task if self.name == "run" else self.name
        cause = error.__context__
        if task and self.name == "run" and isinstance(cause, GetoptError) and cause.opt in _names(self.get_options()):  # type: ignore[attr-defined]
            return f"{_dashed(cause.opt)} is an option of doit's own: it stands before the task's name"
        return said(error, subject)

    def _task(self, words: Sequence[str]) -> str:
        """The task that a command line names first; none where already an option before it is wrong."""
        try:
            _, rest = self.cmdparser.parse_only(words)  # type: ignore[attr-defined]
        except CmdParseError:
            return ""
        return next(iter(rest), "")


def said(error: CmdParseError, subject: str) -> str:
    """What is wrong with an option, and the way out. subject: the task or command that it was given to."""
    cause = error.__context__
    if not isinstance(cause, GetoptError):
        number = re.search(r"parameter '(\w+)'.* with base 10: '(.*)'", str(error), re.DOTALL)
        option = {"num_process": "-n"}.get(number[1], number[1]) if number else ""
        return f'{option}: "{number[2]}" is no number; say one such as 2' if number else " ".join(str(error).split())
    if "requires argument" in cause.msg:
        return f"{_dashed(cause.opt)} wants a value"
    # of all that doit's error tells, the one thing that can't be had otherwise: which options there are
    known = re.findall(r"'long':'([^']+)'", str(error))
    nearest = near(cause.opt, known)
    help_ = f"doit help {subject}".strip()
    way_out = f'did you mean "{_dashed(nearest)}"?' if nearest else f"{help_} shows those there are"
    return f"{_dashed(cause.opt)} is no option{f' of {subject}' if subject else ''}; {way_out}"


def _names(options: Iterable[CmdOption]) -> set[Any]:
    return {name for option in options for name in (option.short, option.long)}


def _dashed(name: str) -> str:
    return f"--{name}" if len(name) > 1 else f"-{name}"
