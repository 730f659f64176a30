"""A folder of this machine that stands for a server."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, cast

from dlim.errors import CommandError
from dlim.servers.contract import Transport
from dlim.servers.password import without
from dlim.servers.shell import COMMAND, Shell

_PIECE = 1 << 18


class Local(Transport):
    """Runs scripts in a folder, which is made when it is first needed."""

    def __init__(self, server: str, home: Path) -> None:
        self.server = server
        self.address = str(home)
        self.home = str(home.absolute())

    def close(self) -> None:
        """There is nothing to end."""

    def _shell(self, within: float | None) -> Shell:
        try:
            return _Process()
        except OSError as error:  # no memory, no more processes, no sh
            raise CommandError(self.server, f"a shell can't be started ({error.strerror})", "see to that") from error


class _Process(Shell):
    """A shell in a session of its own: Ctrl-C is for dlim, which then ends what it wants ended."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", COMMAND],
            bufsize=0,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        streams = cast(tuple[IO[bytes], ...], (self._process.stdin, self._process.stdout, self._process.stderr))
        self._in, self._out, self._err = streams
        os.set_blocking(self._in.fileno(), False)
        self._killed, self._killing = os.pipe()

    def write(self, data: bytes) -> None:
        while data:
            self._wait(self._in, select.POLLOUT)
            data = data[os.write(self._in.fileno(), data[:_PIECE]) :]

    def end(self) -> None:
        self._in.close()

    def read(self) -> bytes:
        return self._piece(self._out)

    def complaint(self) -> bytes:
        return self._piece(self._err)

    def kill(self) -> None:
        with suppress(OSError):
            os.write(self._killing, b".")
        with suppress(ProcessLookupError, PermissionError):
            if self._process.returncode is None:  # not waited for yet, so that its number is still its own
                os.killpg(self._process.pid, signal.SIGKILL)

    def status(self) -> int:
        return self._process.wait()

    def close(self) -> None:
        self._process.wait()
        for file in (self._in, self._out, self._err):
            file.close()
        os.close(self._killed)
        os.close(self._killing)

    def _piece(self, stream: IO[bytes]) -> bytes:
        with suppress(BrokenPipeError):
            self._wait(stream, select.POLLIN)
            return os.read(stream.fileno(), _PIECE)
        return b""

    def _wait(self, stream: IO[bytes], event: int) -> None:
        """Wait until a stream is ready. Raises BrokenPipeError where the shell was killed meanwhile."""
        poll = select.poll()
        poll.register(stream, event)
        poll.register(self._killed, select.POLLIN)
        if any(ready == self._killed for ready, _ in poll.poll()):
            raise BrokenPipeError


def _environment() -> dict[str, str]:
    """What scripts see: the Python that runs dlim is in front, as it has the packages that a server would have."""
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    return {**without(os.environ), "PATH": path}
