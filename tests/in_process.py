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

from doit import cmd_run
from doit.doit_cmd import DoitMain
from doit.globals import Globals

from dlim.build import DOIT_CONFIG


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
    return line(folder, command, *(["--continue"] if command == "run" else []), *arguments)


def line(folder: Path, *words: str) -> Answer:
    """What comes of a command line."""
    out, err = io.StringIO(), io.StringIO()
    # what a run writes to when nothing is said was chosen when doit was imported
    said = mock.patch.dict(cmd_run.opt_outfile, default=out)
    # tests run side by side already
    alone = mock.patch.dict(DOIT_CONFIG, num_process=1)
    with inside(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), said, alone:
        status = DoitMain().run([*words])
        if Globals.dep_manager:
            Globals.dep_manager.close()  # which else the end of a process does
    return Answer(status or 0, out.getvalue(), err.getvalue())


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
