"""The process from which scripts are forked: it has the heavy imports, and each script finds a Python like its own.

`serve` waits for requests, and forks for each a keeper that forks the script. The script is `__main__` of a Python that
ends as any Python does, with its atexit functions and threads. The keeper waits for it and for dlim, whichever ends
first, and ends all that the script has started: processes that lose their parents become the keeper's children.

This is not multiprocessing's fork server: in one of its children a script's own Pool, start method and end differ from
what they are by hand, and its hash seed is that of dlim.
"""

from __future__ import annotations

import builtins
import ctypes
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import sys
import time
import traceback
import types
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, TypedDict

from dlim.errors import DlimError

HEAVY = ("dlim.augment.api", "cv2", "PIL.JpegImagePlugin")
"""What nearly every script imports; Pillow would load its reader of JPEG at the first image."""

_SUBREAPER = 36  # prctl's PR_SET_CHILD_SUBREAPER
_LONGEST = 4000  # characters of an error that are told


class Request(TypedDict):
    """A script to run: its path, what follows it on the command line, where, with which environment, and its seed.

    imports: modules that the script will import, and that are worth importing once.
    """

    script: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    seed: int
    imports: list[str]


def serve(control: int) -> None:
    """Fork for every request that comes, until dlim has gone. Returns in a script's process, once for each script."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers end without being waited for
    for name in HEAVY:
        _imported(name)
    if "cv2" in sys.modules:
        # threads of OpenCV don't survive a fork, and small images gain nothing from them
        sys.modules["cv2"].setNumThreads(1)
    gc.collect()
    gc.freeze()  # so that a collection in a child doesn't copy every page
    requests = socket.socket(fileno=control)
    while True:
        data, descriptors, _, _ = socket.recv_fds(requests, 1, 3)
        if not data:
            os._exit(0)
        with os.fdopen(descriptors[0], "r+", encoding="utf-8") as file:
            file.seek(0)
            request: Request = json.load(file)
        for name in request["imports"]:
            _imported(name)
        if os.fork() == 0:
            requests.close()
            _keep(request, *descriptors[1:])
            return
        for descriptor in descriptors[1:]:
            os.close(descriptor)


def _imported(name: str) -> None:
    # a script that needs what can't be imported meets the same error, and tells it with its place
    with suppress(Exception):
        importlib.import_module(name)


def _keep(request: Request, log: int, dlim: int) -> None:
    """Fork the script, and return in it; in the keeper, wait for its end, tell dlim, and end."""
    os.setsid()
    _adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    report = TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - a file, as an error may be longer than a pipe
    script = os.fork()
    if script == 0:
        for descriptor in (dlim, woken, wake):
            os.close(descriptor)
        _become(request, log, report)
        return
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        status = _waited(script, woken, dlim)
        _end_children(script)
        report.seek(0)
        told = report.read()
        line = json.dumps({"status": status, "report": json.loads(told) if told else None})
        with socket.socket(fileno=dlim) as answer, suppress(OSError):  # nobody may listen any more
            answer.sendall(line.encode())
    finally:
        os._exit(0)


def _adopt_orphans() -> None:
    """Let processes that lose their parents become children of this one."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _waited(script: int, woken: int, dlim: int) -> int | None:
    """The exit status of a script, negative for a signal; None where dlim gave it up."""
    while True:
        ready, _, _ = select.select([woken, dlim], [], [], 1)  # a second: a signal may come before its handler
        process, status = os.waitpid(script, os.WNOHANG)
        if process:
            return os.waitstatus_to_exitcode(status)
        if dlim in ready:  # it has closed its end, or has gone
            return None
        if woken in ready:
            os.read(woken, 512)


def _end_children(script: int) -> None:
    """End all processes that descend from this one, and wait for them."""
    signal.set_wakeup_fd(-1)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(script, signal.SIGKILL)  # all at once, and where there is no /proc to find the others
    while True:
        for process in _children():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _children() -> list[int]:
    with suppress(OSError):
        return [int(text) for text in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            if int((folder / "stat").read_text().rpartition(") ")[2].split()[1]) == os.getpid():
                found.append(int(folder.name))
    return found


def _become(request: Request, log: int, report: IO[str]) -> None:
    """Run a script in this process, as Python would."""
    os.setsid()
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        signal.signal(number, handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.umask(0o022)
    os.chdir(request["folder"])
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    os.close(log)
    # no output may be lost where a script ends at once
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    script = request["script"]
    sys.argv = [script, *request["arguments"]]
    sys.path[0] = str(Path(script).parent)
    sys.dont_write_bytecode = True  # a __pycache__ beside a script would be the build's doing
    _seed(request["seed"])
    _sort_listings()
    main = types.ModuleType("__main__")
    main.__dict__.update(
        __file__=script, __cached__=None, __builtins__=builtins, __loader__=SourceFileLoader("__main__", script)
    )
    sys.modules["__main__"] = main
    _run(script, main.__dict__, report)


def _run(script: str, names: dict[str, Any], report: IO[str]) -> None:
    process = os.getpid()

    def tell(text: str, error: DlimError | None = None) -> None:
        if os.getpid() == process:  # a child that the script forked speaks for nobody else
            told = {"kind": type(error).__name__, "of": [error.place, error.fault, error.remedy]} if error else None
            json.dump({"text": text[:_LONGEST], "error": told}, report)
            report.flush()

    try:
        exec(compile(Path(script).read_bytes(), script, "exec", dont_inherit=True), names)  # noqa: S102 - it is its purpose
    except SystemExit as end:
        if end.code not in (None, 0):
            tell(f"ended with status {end.code}" if isinstance(end.code, int) else f"ended: {end.code}")
        raise
    except DlimError as error:
        tell(str(error), error)
        sys.exit(1)
    except BaseException as error:
        tell(_described(error, Path(script)))
        trace = error.__traceback__.tb_next if error.__traceback__ else None  # without this function
        with suppress(OSError):  # a full disk has its own line
            sys.excepthook(type(error), error.with_traceback(trace), trace)
        sys.exit(1)


def _described(error: BaseException, script: Path) -> str:
    """The error in a line, with the line of the script, or of a module beside it, that it came from."""
    if isinstance(error, SyntaxError):
        return f"{Path(error.filename or script).name} line {error.lineno}: {type(error).__name__}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent == script.parent]
    place = f"{Path(own[-1].filename).name} line {own[-1].lineno}: " if own else ""
    text = " ".join(str(error)[:_LONGEST].split())
    return f"{place}{type(error).__name__}: {text}" if text else f"{place}{type(error).__name__}"


def _sort_listings() -> None:
    """Have folders listed by name: their own order is that of a file system, and of how it came to be."""
    listdir, scandir = os.listdir, os.scandir

    class Scanned(list[Any]):
        """As os.scandir's iterator, which is closed where it is not read to its end."""

        def __init__(self, path: Any = ".") -> None:
            with scandir(path) as entries:
                super().__init__(sorted(entries, key=lambda entry: entry.name))
            self._rest = super().__iter__()

        def __iter__(self) -> Any:
            return self._rest

        def __next__(self) -> Any:
            return next(self._rest)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def close(self) -> None:
            pass

    os.listdir = lambda path=".": sorted(listdir(path))  # type: ignore[assignment]
    os.scandir = Scanned  # type: ignore[assignment]


def _seed(number: int) -> None:
    """Let what a script draws by its own means be the same each time, unless it seeds otherwise.

    That goes for generators that it makes without a seed as well. What draws from the system itself (os.urandom,
    secrets, uuid4), or hangs on the time, stays as it is.
    """
    drawn = random.Random(number)  # noqa: S311 - of images, and not of keys
    random.seed(number)
    seed = random.Random.seed

    def seeded(self: random.Random, a: Any = None, version: int = 2) -> None:
        seed(self, drawn.getrandbits(64) if a is None else a, version)

    random.Random.seed = seeded  # type: ignore[method-assign]
    if "numpy" in sys.modules:
        numpy = sys.modules["numpy"]
        numpy.random.seed(number)
        with suppress(AttributeError):
            numpy.random.bit_generator.randbits = drawn.getrandbits  # what numpy asks for where no seed is given
    if "imgaug" in sys.modules:
        sys.modules["imgaug"].seed(number)
