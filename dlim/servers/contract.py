"""What every transport promises: `run`, and with it `put` and `get`, made once of the shell that each one starts."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import NamedTuple, Self

from dlim.errors import CommandError, Unreachable, shown
from dlim.servers import faults, files
from dlim.servers.files import STEP, File, Moved, Part, Source
from dlim.servers.shell import Shell, line, talk

MOST = 1 << 26
"""Bytes that a script may say where nobody takes them piece by piece."""


class Done(NamedTuple):
    """How a script ended. status: its exit status. out: what it wrote, unless a sink took that. err: its complaints."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """What it wrote, as text without white space around it."""
        return self.out.decode(errors="replace").strip()


class Transport(ABC):
    """A link to one server. It is made when it is first needed, and anew after it broke.

    server: the name in config/servers.toml. address: how messages name the machine, such as `trainer@host:22`, or
    the folder of this machine that stands for it. home: the folder there; what is not absolute is below the user's
    own. Every path is below the server's home, unless it is absolute. One thread at a time may use it.

    Raises Unreachable where there is no link, or no sign of life over it for `PATIENCE` seconds; HostKeyError,
    LoginError where the server is not what it should be, or doesn't let us in. What broke can be tried again with
    the same object.
    """

    server: str
    address: str
    home: str

    @abstractmethod
    def _shell(self, within: float | None) -> Shell:
        """Start script.COMMAND there. Raises Unreachable, too, where there is no link after so many seconds."""

    @abstractmethod
    def close(self) -> None:
        """End the link. It may be used again: then there is a new one."""

    def run(
        self,
        script: str,
        *arguments: str,
        feed: Iterable[bytes] = (),
        sink: Callable[[bytes], object] | None = None,
        within: float | None = None,
    ) -> Done:
        """Run a POSIX shell script in the server's home; how it ended, whatever its status.

        arguments: its $1, $2 ..., as they are. feed: its standard input, in pieces of any size. sink: takes its
        standard output piece by piece, as it comes. within: seconds after which Unreachable is raised. A script
        that has no end (killed by a signal) has a negative status; one whose link broke raises Unreachable, and may
        go on there. Ctrl-C, and what feed or sink raise, end it; what left its session by setsid stays alive.
        Raises CommandError where it can't even begin: the home can't be made, or the user has no shell; and where it
        says more than `MOST` without a sink.
        """
        out = bytearray()

        def keep(data: bytes) -> None:
            out.extend(data)
            if len(out) > MOST:
                raise CommandError(self.server, f"a script there says more than {MOST >> 20} MiB", "see what it does")

        began = time.monotonic()
        first = line(script, arguments, self.home)
        try:
            shell = self._shell(within)
            left = None if within is None else max(0, within - (time.monotonic() - began))
            ended = talk(shell, first, feed, sink or keep, left)
        except TimeoutError:
            raise Unreachable(self.server, f"a script there didn't end within {within:g} s", "run again") from None
        err = ended.err.decode(errors="replace")
        if not ended.begun:
            raise faults.not_begun(self.server, ended.status, f"{ended.noise.decode(errors='replace')}\n{err}")
        return Done(ended.status, bytes(out), err)

    def ask(self, script: str, *arguments: str, within: float | None = None) -> str:
        """What a script says, as text. Raises CommandError with its last complaint where its status isn't 0."""
        done = self.run(script, *arguments, within=within)
        self.require(done)
        return done.text

    def require(self, done: Done) -> None:
        """Raise CommandError, in words that help, unless it ended with 0."""
        if done.status:
            raise faults.meaning(self.server, done.status, done.err)

    def put(self, source: Path, target: str, moved: Moved | None = None) -> None:
        """Bring a file there, whole or not at all; on from where it broke off when it is called again.

        The file is written beside, compared by its SHA-256, and renamed; folders above it are made. Raises
        TransportError where it can't be read here.
        """
        sent = Source(source)
        part = str(PurePosixPath(target).parent / sent.file.part)
        begun = self._begun(sent, target, part)
        if begun is None:
            _tell(moved, sent.file.size)
            return
        for steps in sorted({begun // STEP, 0}, reverse=True):  # from the start, if what was there is of no use
            _tell(moved, steps * STEP)
            if self._send(sent, target, part, steps, moved):
                return
            _tell(moved, -sent.file.size)
        self.run(files.DROP, part)
        raise self._damaged(source)

    def _begun(self, sent: Source, target: str, part: str) -> int | None:
        """How many bytes of a file are there; None where it is there already. A small one is just sent again."""
        if sent.file.size <= STEP:
            return 0
        there = self.ask(files.BEGUN, target, part, str(sent.file.size), sent.file.ends)
        if re.fullmatch(files.DIGEST, there):
            return None if there == sent.digest() else 0
        if not re.fullmatch(files.SIZE, there):
            raise self._unclear(there)
        return min(int(there), sent.file.size)

    def _send(self, sent: Source, target: str, part: str, steps: int, moved: Moved | None) -> bool:
        """Send a file from a number of steps on; whether it is there then."""
        expected = sent.digest() if sent.file.size <= STEP else ""
        words = target, str(PurePosixPath(target).parent), part, str(steps), str(sent.file.size), expected
        done = self.run(files.PUT, *words, feed=sent.pieces(steps * STEP, moved))
        if done.status in (files.DAMAGED, files.SHORT):
            return False
        self.require(done)
        if expected:
            return True
        if done.text != sent.digest():
            return False
        self.ask(files.SEAL, target, part)
        return True

    def get(self, source: str, target: Path, moved: Moved | None = None) -> None:
        """Bring a file here, in the same way. Raises CommandError where there is none."""
        seen = self.run(files.SEEN, source)
        self.require(seen)
        head, _, small = seen.out.partition(b"\n")
        said = re.fullmatch(f"({files.SIZE}) ({files.DIGEST})(?: ({files.DIGEST}))?", head.decode(errors="replace"))
        if not said:
            raise self._unclear(head.decode(errors="replace"))
        size, ends, digest = said.groups()
        for _ in range(2):  # from the start, if what was here is of no use
            with Part(target, File(int(size), ends)) as part:
                _tell(moved, part.begun)
                if digest:
                    _tell(moved, part.write(small[part.begun :] + digest.encode()))
                else:
                    self._receive(source, part, moved)
                if part.finish():
                    return
            _tell(moved, -int(size))
        raise self._damaged(source)

    def _receive(self, source: str, part: Part, moved: Moved | None) -> None:
        """Fetch what a part lacks."""
        done = self.run(files.GET, source, str(part.begun), sink=lambda data: _tell(moved, part.write(data)))
        self.require(done)

    def _damaged(self, source: object) -> CommandError:
        return CommandError(self.server, f"{source} was changed on its way", "run again")

    def _unclear(self, said: str) -> CommandError:
        return CommandError(self.server, f'says "{shown(said)[:80]}" of a file', "see to its programs, and run again")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _tell(moved: Moved | None, count: int) -> None:
    if moved and count:
        moved(count)
