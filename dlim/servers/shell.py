"""A shell at a server: how a script gets to it, and the talk with it: what goes in, what comes out, for how long."""

from __future__ import annotations

import re
import shlex
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from itertools import chain
from typing import NamedTuple

COMMAND = """exec sh -c 'IFS= read -r dlim && eval "$(printf %b "$dlim")"' dlim"""
"""What a login shell is told. It means the same to bash, zsh, dash, fish and csh, and shows nothing to `ps`."""

_MARK = re.compile(rb"\0dlim (\d{1,10})\0")
"""What the shell says before the script begins, with its number; before it, a user's start-up files may have spoken."""

_NOISE = 1 << 16
"""Bytes that are kept of what is no output of a script."""

_PLAIN = {byte for byte in range(0x20, 0x7F) if byte != ord("\\")}

_BYTES = [chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in range(256)]
"""Each byte as printf's %b reads it."""


def line(script: str, arguments: tuple[str, ...], home: str) -> bytes:
    """The line that makes the shell of COMMAND enter the home, say that, and run a script.

    home: what is not absolute is below the user's own, which is also meant by "". Raises ValueError for what no shell
    can be given: a character NUL.
    """
    begun = f"unset dlim; {_entered(home)} && printf '\\000dlim %d\\000' $$ || exit"
    text = "\n".join([_ENGLISH + begun, shlex.join(["set", "--", *arguments]), script])
    if "\0" in text:
        raise ValueError("a script and its arguments can't have a NUL in them")
    return "".join(_BYTES[byte] for byte in text.encode(errors="surrogateescape")).encode() + b"\n"


_ENGLISH = """if [ -n "$LC_ALL" ]; then LANG=$LC_ALL; export LANG; unset LC_ALL; fi
LC_MESSAGES=C; export LC_MESSAGES
"""
"""Complaints are to be English, as they are read; all else is to be as the user has it."""


def _entered(home: str) -> str:
    if not home:
        return 'cd "$HOME"'
    folder = shlex.quote(home if home.startswith("/") else f"./{home}")  # ./, as a CDPATH is for people
    below = "" if home.startswith("/") else 'cd "$HOME" && '  # an account may have no home
    own = f'{{ [ ! . -ef "$HOME" ] || {{ echo {_OWN_HOME} >&2; false; }}; }}'
    return f"{below}mkdir -p {folder} && cd {folder} && {own}"


_OWN_HOME = "its home in config/servers.toml is the home of the account itself"


class Beginning:
    """Tells what a script writes from what came before it.

    leader: the number of the shell, which leads a group of processes; 0 before it has come to its script. noise: what
    came before that.
    """

    def __init__(self) -> None:
        self.leader = 0
        self.noise = b""

    def rest(self, data: bytes) -> bytes:
        """What of a piece of the shell's standard output is the script's own."""
        if self.leader:
            return data
        self.noise += data
        mark = _MARK.search(self.noise)
        if not mark:
            self.noise = self.noise[-_NOISE:]
            return b""
        rest = self.noise[mark.end() :]
        self.leader, self.noise = int(mark[1]), self.noise[: mark.start()]
        return rest


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
    complaints = bytearray()
    failures: list[BaseException] = []
    late = threading.Event()

    def too_late() -> None:
        late.set()
        shell.kill()

    others = [
        threading.Thread(target=_feed, args=(shell, chain([line], feed), failures), daemon=True),
        threading.Thread(target=_keep, args=(shell, complaints), daemon=True),
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
    return Ended(status, bytes(complaints), beginning.leader > 0, beginning.noise)


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


def _keep(shell: Shell, complaints: bytearray) -> None:
    """Keep the last of what it complains about."""
    while data := shell.complaint():
        complaints.extend(data)
        del complaints[:-_NOISE]
