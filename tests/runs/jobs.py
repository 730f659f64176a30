"""Jobs of tests: how they begin and end, and what they leave."""

from __future__ import annotations

import os
import signal
import sys
import tarfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dlim.runs import job
from dlim.runs.job import Order
from dlim.runs.place import Place
from dlim.runs.state import State
from tests.runs.conftest import until

ANN = "ann@dataaug"

WAITS = "touch began; until [ -e go ]; do sleep 0.05; done"
"""A command that goes on until the file go is there."""


def begin(place: Place, command: str, name: str = "first", **more: object) -> None:
    job.start(place, Order(name, command, by=ANN, **more))  # type: ignore[arg-type]


def ended(place: Place, name: str = "first") -> State:
    """How a job stands once it has ended."""

    def over() -> State | None:
        state = job.state(place, name)
        return None if state.kind == "running" else state

    return until(over)


def file_of(home: Path, name: str, of: str = "first") -> Path:
    """A file of a job."""
    return home / ".dlim/ssd/jobs" / of / name


def text_of(home: Path, name: str, of: str = "first") -> str:
    return file_of(home, name, of).read_text()


def learned(place: Place, home: Path, command: str, **more: object) -> str:
    """The log of a job that must succeed."""
    begin(place, command, **more)
    state = ended(place)
    assert state.kind == "succeeded", text_of(home, "log")
    return text_of(home, "log")


def members(archive: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(archive, "r:") as tar:
        return {member.name: member for member in tar}


def kill_all(processes: Iterable[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def leader(home: Path) -> int:
    """The process of a job's own shell."""
    return int(text_of(home, "pid"))


STRAY = "import os, signal, time; signal.signal(15, signal.SIG_IGN); open('{0}', 'w').close(); time.sleep(60)"


def stray(home: Path, name: str, **options: bool) -> str:
    """A command that starts a program, which minds no TERM, and waits until it is there. options: as subprocess's."""
    script = home / f"{name}.py"
    script.write_text(
        f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {STRAY.format(name)!r}], **{options})"
    )
    return f"{sys.executable} {name}.py; until [ -e {name} ]; do sleep 0.05; done"
