"""What a step does: its work, done in a process of its own, and what it made."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import util
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from dlim import console, store
from dlim.errors import DlimError, WorkspaceError
from dlim.store import Staging, staging


class Made(NamedTuple):
    """What a step left.

    digest: of all of it. looks: the files, and the folders with a / at their end, whose stamps show at a glance that
    it is there. images, size: how many images and bytes. notes: lines to be said of it. summary: one for the end of a
    run.
    """

    digest: str
    looks: tuple[str, ...]
    images: int = 0
    size: int = 0
    notes: tuple[str, ...] = ()
    summary: str = ""


FEW = 16
"""How many files a folder may have of which a run looks at each; of others at the folder alone."""

Told = Callable[[int], None]
"""Is told now and then how many images there are."""


class Work(Protocol):
    """What makes a step's output; it can be sent to another process. Raises DlimError, OSError."""

    def __call__(self, told: Told) -> Made:
        """Do it."""


@dataclass(frozen=True)
class Fill:
    """Fills a folder and seals it. stage: gets the folder, and returns what is to be said."""

    manifest: str
    stage: Callable[[Staging, Told], list[str] | None]

    def __call__(self, told: Told) -> Made:
        """Do it in a staging folder, which then takes the place of the one before."""
        manifest = Path(self.manifest)
        with staging(manifest.parent) as out:
            notes = self.stage(out, told)
        return sealed(manifest, notes or ())


def sealed(manifest: Path, notes: Sequence[str] = (), folders: Sequence[str] | None = None) -> Made:
    """What a folder's manifest says was made. folders: those in it; all there are unless given."""
    facts = store.facts(manifest)
    if folders is None:
        folders = [folder for folder, *_ in os.walk(manifest.parent)]
    looks = [str(manifest)]
    for folder in sorted(folders):
        looks.append(f"{folder}/")
        with os.scandir(folder) as entries:
            files = (entry.path for entry in entries if not entry.is_dir(follow_symlinks=False))
            names = list(islice(files, FEW + 1))
        looks += [path for path in sorted(names) if len(names) <= FEW and path != looks[0]]
    return Made(store.sha256(manifest), tuple(looks), facts["images"], facts["bytes"], tuple(notes))


class Pool:
    """As many processes as there is work at once, each with what stages need loaded already.

    A process that is killed takes its own step down and no other; all of them end with the one that started them.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()
        self._context = multiprocessing.get_context("forkserver")
        self._told: Any = None
        # of its writing end nobody else has a copy: it is closed when this process ends, however it does
        self._alive = self._context.Pipe(duplex=False)

    def run(self, name: str, work: Work) -> Made:
        """Do a step's work in one of the processes. Raises DlimError, OSError."""
        try:
            return self._submit(name, work).result()
        except BrokenProcessPool as error:
            with self._lock:
                self._pool = None
            fault = "its process was killed, as happens where memory is short"
            raise WorkspaceError(name, fault, "run it again, with -n 1 where it happens again") from error

    def _submit(self, name: str, work: Work) -> Future[Made]:
        with self._lock, _shielded():
            if self._pool is None:
                self._pool = self._opened()
            return self._pool.submit(_done, name, work)

    def _opened(self) -> ProcessPoolExecutor:
        sockets()
        # the fork server imports once what each of its children needs
        self._context.set_forkserver_preload(["dlim.build.preload"])
        if self._told is None:
            self._told = self._context.SimpleQueue()
            threading.Thread(target=_tell, args=(self._told,), daemon=True).start()
        return ProcessPoolExecutor(self._count, self._context, _begin, (self._told, self._alive[0]))

    def close(self, *, now: bool = False) -> None:
        """End the processes. now: without waiting for what they do."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        if now:
            for process in list((pool._processes or {}).values()):
                process.terminate()
        pool.shutdown(wait=not now, cancel_futures=True)


PLACES = ("/tmp", "/dev/shm", "/var/tmp")  # noqa: S108 - multiprocessing makes a folder of its own there
"""Where sockets may lie, if TMPDIR is none for them."""

_SHORT = 70  # the system takes 107 bytes for a socket's path; multiprocessing adds up to 36


def sockets() -> str:
    """The folder in which multiprocessing has its sockets, made where the path is short enough for one.

    It goes with the process; what a killed one left goes with `sweep_sockets`, to which a file says where it is.
    """
    given = tempfile.gettempdir()
    if len(os.fsencode(given)) > _SHORT:
        place = next((each for each in PLACES if os.access(each, os.W_OK | os.X_OK)), None)
        if place is None:
            raise WorkspaceError(given, "has a path too long for a socket", "set TMPDIR to a shorter one")
        tempfile.tempdir = place
    try:
        return str(util.get_temp_dir())
    finally:
        tempfile.tempdir = given


def sweep_sockets(file: Path) -> None:
    """Remove the folder of sockets that a killed run left, which wrote down in a file where that is."""
    with suppress(OSError, ValueError):
        left = Path(file.read_text(encoding="utf-8"))
        if left.name.startswith("pymp-") and not left.is_symlink() and left.stat().st_uid == os.getuid():
            shutil.rmtree(left)


@contextmanager
def _shielded() -> Iterator[None]:
    """While processes start, an interrupt is not theirs: it is kept from what this thread starts."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_queue: Any = None


def _begin(queue: Any, alive: Connection) -> None:
    """What a new process of the pool does first."""
    global _queue
    _queue = queue
    # an interrupt is the run's to handle, which ends its processes
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()


def _end_with(alive: Connection) -> None:
    """End this process when that of the run has ended, however it has."""
    with suppress(EOFError, OSError):
        alive.recv_bytes()
    os._exit(1)


def _done(name: str, work: Work) -> Made:
    return work(partial(_report, name))


def _report(name: str, count: int) -> None:
    _queue.put((name, count))


def _tell(queue: Any) -> None:
    """Show what the processes report."""
    while True:
        name, count = queue.get()
        console.current().note(name, f"{count:,} images")


@dataclass(frozen=True)
class Refused:
    """The work of what can only fail."""

    error: DlimError

    def __call__(self, told: Told) -> Made:
        """Raise what is wrong."""
        raise self.error
