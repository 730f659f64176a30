"""A shell that waits for its script, and the talk with it: what goes in, what comes out, and for how long."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from itertools import chain
from typing import NamedTuple

from dlim.servers.script import Beginning

_PATIENCE = 1.0
"""Seconds that a shell's threads get to end after it was killed; a feed that never comes back is left behind."""


class Shell(ABC):
    """A shell that runs and waits for its script. Each of its streams has a thread of its own; any may call `kill`.

    leader: the process that leads the group of all that it starts; 0 before that is known.
    """

    leader = 0

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Give it input. Raises OSError where nobody reads that any more."""

    @abstractmethod
    def end(self) -> None:
        """There is no more input."""

    @abstractmethod
    def read(self) -> bytes:
        """The next piece of its standard output; b"" at the end."""

    @abstractmethod
    def complaint(self) -> bytes:
        """The next piece of its standard error; b"" at the end."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once, with all that it started and that didn't leave its session; whoever waits for it returns."""

    @abstractmethod
    def status(self) -> int:
        """Wait for its end: its exit status, negative where a signal ended it. Raises Unreachable after a cut link."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it, when nobody uses it any more."""


class Ended(NamedTuple):
    """How a shell ended. begun: whether it came to its script. noise: what it wrote before that."""

    status: int
    err: bytes
    begun: bool
    noise: bytes


def talk(
    shell: Shell,
    line: bytes,
    feed: Iterable[bytes],
    sink: Callable[[bytes], object],
    within: float | None = None,
) -> Ended:
    """Give a shell its script's line and a feed, take what the script writes, and wait for the end.

    What feed or sink raise ends it, as does Ctrl-C. Raises TimeoutError where it took longer than `within` seconds.
    """
    complaints: list[bytes] = []
    failures: list[BaseException] = []
    late = threading.Event()

    def too_late() -> None:
        late.set()
        shell.kill()

    others = [
        threading.Thread(target=_feed, args=(shell, chain([line], feed), failures), daemon=True),
        threading.Thread(target=lambda: complaints.extend(iter(shell.complaint, b"")), daemon=True),
    ]
    clock = threading.Timer(within or 0, too_late)
    clock.daemon = True
    patience: float | None = _PATIENCE
    beginning = Beginning()
    status = 0
    try:
        for thread in [*others, *([clock] if within is not None else [])]:
            thread.start()
        while data := shell.read():
            data = beginning.rest(data)
            shell.leader = beginning.leader
            if data:
                sink(data)
        if not failures and not late.is_set():
            status = shell.status()
            patience = None
    except BaseException:
        shell.kill()
        raise
    finally:
        clock.cancel()
        for thread in others:
            thread.join(patience)
        shell.close()
    if failures:
        raise failures[0]
    if late.is_set():
        raise TimeoutError
    return Ended(status, b"".join(complaints), beginning.leader > 0, beginning.noise)


def _feed(shell: Shell, feed: Iterable[bytes], failures: list[BaseException]) -> None:
    try:
        for piece in feed:
            try:
                shell.write(piece)
            except OSError:  # a script may end before it has read everything
                return
    except BaseException as error:
        failures.append(error)
        shell.kill()
    finally:
        shell.end()
