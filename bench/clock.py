"""What a command takes: seconds on the clock and of processors, and the memory of its largest process."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
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

    What it leaves running when it ends is waited for, as it is work, too. Raises FailedError.
    """
    words = [str(word) for word in command]
    allowed = sorted(os.sched_getaffinity(0))[: cores or None]
    _adopt()
    with tempfile.TemporaryFile() as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, allowed),
        )  # fmt: skip
        timer = threading.Timer(within, lambda: os.killpg(process.pid, signal.SIGKILL))
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - began
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
        used = [usage, *_left()]
        out.seek(0)
        said = out.read().decode(errors="replace")
    if took >= within:
        raise FailedError(f"over {within:.0f} s")
    if process.returncode:
        raise FailedError(f"{' '.join(words)}: status {process.returncode}\n{said[-2000:]}")
    cpu = sum(each.ru_utime + each.ru_stime for each in used)
    return Cost(took, cpu, max(each.ru_maxrss for each in used) / 1000, said)


def _adopt() -> None:
    """Let orphans of what is measured come to this process, so that what they used can be told."""
    subreaper = 36  # PR_SET_CHILD_SUBREAPER
    ctypes.CDLL(None, use_errno=True).prctl(subreaper, 1, 0, 0, 0)


def _left() -> Iterator[resource.struct_rusage]:
    """What orphans used that end within seconds: a server of processes goes when its master has gone."""
    until = time.perf_counter() + 5
    while time.perf_counter() < until:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid:
            yield usage
        else:
            time.sleep(0.01)


PATIENCE = 20.0
"""Seconds after which a command is run no more often: a slow one tells as much in fewer runs."""


def best(work: Callable[[], Cost], times: int) -> Cost:
    """The fastest of so many: the others waited for something else on this machine."""
    return pair(work, lambda: Cost(0, 0, 0, ""), times)[0]


def pair(work: Callable[[], Cost], against: Callable[[], Cost], times: int) -> tuple[Cost, Cost]:
    """Two things in turn, so many times each; of both the run with the least seconds of processors."""
    began = time.perf_counter()
    mine, others = [work()], [against()]
    while len(mine) < times and time.perf_counter() - began < PATIENCE:
        mine.append(work())
        others.append(against())
    return min(mine, key=lambda cost: cost.cpu), min(others, key=lambda cost: cost.cpu)


def took(work: Callable[[], object]) -> float:
    """Seconds of this process for something done here."""
    began = time.process_time()
    work()
    return time.process_time() - began


def say(text: str) -> None:
    """Tell how far it is, beside what is printed at the end."""
    print(text, file=sys.stderr, flush=True)
