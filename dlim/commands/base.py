"""A command: it finds the workspace, reads what it needs of it, and loads no task."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from doit import cmd_base
from doit.cmdparse import CmdOption, DefaultUpdate

from dlim import console
from dlim.build.ending import told
from dlim.build.options import Option, Understood, option
from dlim.errors import ConfigError, WorkspaceError
from dlim.names import nearest
from dlim.workspace import Workspace

__all__ = ["Command", "Option", "option"]


class Command(Understood, cmd_base.Command):  # type: ignore[misc]
    """What answers or acts by itself: `doit NAME [WORD ...] [--option]`, or `doit NAME:OF` where it is `of` something.

    Options may stand before and behind the words. A fault that a user can mend is one line, and the status 3.
    """

    name: str
    doc_purpose = ""
    doc_usage = ""
    doc_description = None
    options: ClassVar[Sequence[Option]] = ()

    words = False
    """Whether it takes words behind its name."""

    of: str | None = None
    """What stands behind the colon; None for a command that takes nothing there."""

    def answer(self, workspace: Workspace, words: Sequence[str], **options: Any) -> int | None:
        """Do it; the status, where that isn't 0. Raises DlimError, OSError."""
        raise NotImplementedError

    def get_options(self) -> list[CmdOption]:
        """doit's options of a workspace's place, and the command's own."""
        return [CmdOption(each) for each in (*_PLACE, *self.options)]

    def execute(self, params: DefaultUpdate, args: Sequence[str]) -> int:
        """Called with the options in front of the words, and the rest."""
        words = self._parted(params, args)  # an option that can't be is told as one of the first would be
        return told(lambda: self._answered(params, words))

    def _parted(self, params: DefaultUpdate, args: Sequence[str]) -> list[str]:
        """The words among the rest; the options there count as those in front, where getopt stops looking."""
        words: list[str] = []
        rest = list(args)
        while rest:
            if rest[0].startswith("-") and len(rest[0]) > 1:
                given, rest = self.cmdparser.parse_only(rest, dict(params))
                params.update(given)
            else:
                words.append(rest.pop(0))
        return words

    def _answered(self, params: Mapping[str, Any], words: Sequence[str]) -> int:
        if words and not self.words:
            raise ConfigError(self.name, f'takes no "{words[0]}"', f"doit help {self.name} shows what it takes")
        os.chdir(_workspace(params))
        console.use(console.console(sys.stdout))
        keys = [each["name"] for each in self.options]
        try:
            return int(self.answer(Workspace(), words, **{key: params[key] for key in keys}) or 0)
        finally:
            console.current().close()

    def require_of(self, known: Sequence[str], what: str) -> list[str]:
        """What the command is for: the one thing behind the colon, or all there are.

        what: a word for what these are. Raises ConfigError where the thing behind the colon is none of them.
        """
        if not self.of:
            return list(known)
        if self.of not in known:
            raise ConfigError(f"{self.name}:{self.of}", f'"{self.of}" is no {what}', nearest(self.of, known))
        return [self.of]


_PLACE = cmd_base.DodoTaskLoader.cmd_options
"""-f, -d, -k: as for doit's own commands."""


def _workspace(params: Mapping[str, Any]) -> Path:
    """The folder of the workspace: that of dodo.py, here or, with -k, in the nearest folder above."""
    here = Path.cwd()
    folders = [here, *here.parents] if params["seek_file"] else [here]
    found = next((folder for folder in folders if (folder / params["dodoFile"]).is_file()), None)
    if found is None:
        fault = f"has no {params['dodoFile']}"
        raise WorkspaceError(here, fault, "run it in the folder of dodo.py, or anywhere below that with -k")
    return Path(params["cwdPath"]) if params["cwdPath"] else (found / params["dodoFile"]).parent
