"""What a command takes: seconds on the clock and of processors, and the memory of its largest process."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

Command = Sequence[str | Path]


class Cost(NamedTuple):
    """Seconds on the clock, seconds of processors, megabytes of the largest process, and what was printed."""

    wall: float
    cpu: float
    memory: float
    said: str


class FailedError(Exception):
    """A command that failed, or was too slow to wait for; its text says which."""


def run(command: Command, folder: Path, *, within: float = 3600, cores: int = 0) -> Cost:
    """Run a command. within: seconds after which it is given up; cores: how many it may use, all unless given.

    Raises FailedError.
    """
    words = [str(word) for word in command]
    some = sorted(os.sched_getaffinity(0))[:cores] if cores else sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, some),
        )  # fmt: skip
        status, usage = _waited(process, began + within)
        took = time.perf_counter() - began
        out.seek(0)
        said = out.read().decode(errors="replace")
    if status is None:
        raise FailedError(f"over {within:.0f} s")
    if status:
        raise FailedError(f"{' '.join(words)}: status {status}\n{said[-2000:]}")
    return Cost(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, said)


def _waited(process: subprocess.Popen[bytes], until: float) -> tuple[int | None, resource.struct_rusage]:
    """The status of a process, None where it was killed at that time; what it and its children used."""
    timer = threading.Timer(until - time.perf_counter(), lambda: os.killpg(process.pid, signal.SIGKILL))
    timer.start()
    _, status, usage = os.wait4(process.pid, 0)
    timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
    return None if time.perf_counter() >= until else process.returncode, usage


def best(work: Callable[[], Cost], times: int) -> Cost:
    """The fastest of so many: the others waited for something else on this machine."""
    return min((work() for _ in range(times)), key=lambda cost: cost.wall)


def ratio(work: Callable[[], Cost], against: Callable[[], Cost], times: int) -> tuple[Cost, Cost]:
    """Two things in turn, so many times each; the fastest of both."""
    pairs = [(against(), work()) for _ in range(times)]
    return min((mine for _, mine in pairs), key=lambda cost: cost.wall), min(
        (other for other, _ in pairs), key=lambda cost: cost.wall
    )


def took(work: Callable[[], object]) -> float:
    """Seconds of something done here."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def say(text: str) -> None:
    """Tell how far it is, beside what is printed at the end."""
    print(text, file=sys.stderr, flush=True)
