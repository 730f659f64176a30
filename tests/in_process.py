"""doit in this process: the same commands as a person's, without a Python and an import of imgaug for each."""

from __future__ import annotations

import contextlib
import functools
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from unittest import mock

from doit.doit_cmd import DoitMain
from doit.globals import Globals


@dataclass(frozen=True)
class Answer:
    """What a command of doit printed, and its status."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def doit(folder: Path, command: str, *arguments: str) -> Answer:
    """What comes of a command in a workspace; a run goes on after a fault."""
    log = folder / "out"
    # what a run writes to when nothing is said was chosen when doit was imported
    options = ["--continue", "-o", str(log)] if command == "run" else []
    out, err = io.StringIO(), io.StringIO()
    with inside(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = DoitMain().run([command, *options, *arguments])
        if Globals.dep_manager:
            Globals.dep_manager.close()  # which else the end of a process does
    text = log.read_text() if log.exists() else out.getvalue()
    log.unlink(missing_ok=True)
    return Answer(status or 0, text, err.getvalue())


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Be in a workspace, with no other one's dodo.py imported."""
    path = sys.path[:]
    sys.modules.pop("dodo", None)
    try:
        with contextlib.chdir(folder), mock.patch("doit.plugin.entry_points_impl", return_value=_installed):
            yield
    finally:
        sys.path[:] = path


_installed = functools.cache(metadata.entry_points)
"""The plugins there are: to look through all packages for them takes a third of a command's time."""
