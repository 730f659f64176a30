"""Runs a daug.py as `__main__` in a process of its own, forked from one that has the heavy imports already."""

from __future__ import annotations

import os
import random
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlim.errors import DlimError

if TYPE_CHECKING:
    from multiprocessing import connection
    from multiprocessing.context import ForkServerProcess

TICK = 0.2
"""Seconds between two looks at a running script."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How a script ended that didn't end well: in a few words, or with an error that says the way out itself."""

    text: str
    error: DlimError | None = None


def run(
    script: Path,
    arguments: list[str],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    on_tick: Callable[[], None] = lambda: None,
) -> Failure | None:
    """Run a script in a folder, its output going to the file log; None when it succeeded.

    All paths are absolute. on_tick is called now and then while it runs.
    """
    import multiprocessing
    from multiprocessing import connection

    process_context = multiprocessing.get_context("forkserver")
    process_context.set_forkserver_preload(["dlim.augment.warm"])
    receiver, sender = process_context.Pipe(duplex=False)
    process = process_context.Process(target=_child, args=(sender, script, arguments, folder, dict(environment), log))
    process.start()
    _running.add(process)
    sender.close()
    try:
        while not connection.wait([process.sentinel], timeout=TICK):
            on_tick()
        process.join()
        _end_group(process)  # what the script left running must write no more
        # what was sent stays readable after the process has gone; nothing sent is EOFError
        return receiver.recv() if receiver.poll() else _killed(process.exitcode)
    except EOFError:
        return _killed(process.exitcode)
    finally:
        receiver.close()
        _kill(process)
        _running.discard(process)


_running: set[ForkServerProcess] = set()


def stop() -> None:
    """End every script that runs, with all that it has started: the run that waits for it is over."""
    for process in list(_running):
        _kill(process)


def _kill(process: ForkServerProcess) -> None:
    if process.is_alive():
        _end_group(process)
        process.kill()
        process.join()


def _end_group(process: ForkServerProcess) -> None:
    """End all that a script has started: it leads a group of its own, and until it does it has started nothing."""
    if process.pid is not None:  # and never 0, which would be dlim's own group
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _killed(status: int | None) -> Failure | None:
    """What the status of a script says that ended without a word: os._exit(0) is an end like any other."""
    if status == 0:
        return None
    if status is not None and status < 0:
        return Failure(f"was killed by {signal.Signals(-status).name}")
    return Failure(f"ended at once with status {status}")


def _child(
    sender: connection.Connection,
    script: Path,
    arguments: list[str],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
) -> None:
    os.setsid()
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _redirect(log)
    os.environ.update(environment)
    os.environ.pop("FREETYPE_PROPERTIES", None)  # it would change how characters are drawn
    os.chdir(folder)
    _seed(environment)
    sys.argv = [str(script), *arguments]
    sys.path.insert(0, str(script.parent))
    sys.dont_write_bytecode = True  # a __pycache__ beside a script would be the build's doing
    script_process = os.getpid()
    failure = _run_as_main(script)
    with suppress(OSError):  # a full disk has its own line
        sys.stdout.flush()
        sys.stderr.flush()
    if os.getpid() != script_process:  # a child that the script forked speaks for nobody else
        os._exit(0 if failure is None else 1)
    sender.send(failure)


def _seed(environment: Mapping[str, str]) -> None:
    """Let what a script draws by its own means be the same each time, too, unless it seeds otherwise."""
    from dlim.augment.operations import seed

    number = seed(environment.get("DLIM_SEED"), environment.get("DLIM_PROJECT"))
    random.seed(number)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(number)
    if "imgaug" in sys.modules:
        sys.modules["imgaug"].seed(number)


def _die_with_parent() -> None:
    """End, with all that the script started, when dlim has gone: nobody waits for the images any more."""
    import multiprocessing
    from multiprocessing import connection

    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)


def _redirect(log: Path) -> None:
    """Send all output to the log, also that of programs the script starts."""
    with log.open("wb") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115 - lives as long as the process
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115


def _run_as_main(script: Path) -> Failure | None:
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        if end.code in (None, 0):
            return None
        return Failure(f"ended with status {end.code}" if isinstance(end.code, int) else f"ended: {end.code}")
    except DlimError as error:
        return Failure(str(error), error)
    except BaseException as error:
        with suppress(OSError):
            traceback.print_exc()
        return Failure(_described(error, script))
    return None


def _described(error: BaseException, script: Path) -> str:
    """The error in a line, with the line of the script, or of a module beside it, that it came from."""
    if isinstance(error, SyntaxError):
        return f"{Path(error.filename or script).name} line {error.lineno}: {type(error).__name__}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent == script.parent]
    place = f"{Path(own[-1].filename).name} line {own[-1].lineno}: " if own else ""
    text = " ".join(str(error).split())
    return f"{place}{type(error).__name__}: {text}" if text else f"{place}{type(error).__name__}"
