"""A shell at the other end of a link: one channel of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import paramiko

from dlim.servers.link import WINDOW, Link
from dlim.servers.script import COMMAND
from dlim.servers.shell import Shell

_SENT = (1 << 15) - 64
"""Bytes that are sent at once: what paramiko makes one packet of for an OpenSSH server."""

_ENDING = 2.0
"""Seconds that it may take to end a script on a link that works."""

BROKEN = (paramiko.SSHException, EOFError, OSError)
"""What a link raises that is no more."""


class Channel(Shell):
    """A shell that runs there. broken: raises what is to be said of a link that broke."""

    def __init__(self, link: Link, broken: Callable[[], NoReturn]) -> None:
        self._link = link
        self._broken = broken
        self._lock = threading.Lock()
        self._ending: threading.Thread | None = None
        self._channel = link.open_session()
        self._channel.exec_command(COMMAND)

    def write(self, data: bytes) -> None:
        for start in range(0, len(data), _SENT):
            piece = data[start : start + _SENT]
            while piece:
                piece = piece[self._sent(piece) :]

    def _sent(self, piece: bytes) -> int:
        try:
            return int(self._channel.send(piece))
        except BROKEN as error:
            raise BrokenPipeError from error

    def end(self) -> None:
        with suppress(*BROKEN):
            self._channel.shutdown_write()

    def read(self) -> bytes:
        # all that is there: paramiko moves what it keeps. A link that breaks ends the output, and `status` says why
        with suppress(*BROKEN):
            return bytes(self._channel.recv(WINDOW))
        return b""

    def complaint(self) -> bytes:
        with suppress(*BROKEN):
            return bytes(self._channel.recv_stderr(WINDOW))
        return b""

    def status(self) -> int:
        status = int(self._channel.recv_exit_status())
        # a killed script has no status, and neither has one whose link broke
        if status < 0 and not self._link.is_alive():
            self._broken()
        return status

    def kill(self) -> None:
        self._channel.in_buffer.close()
        self._channel.in_stderr_buffer.close()
        with self._lock:
            if self._ending is None:
                self._ending = threading.Thread(target=self._end, daemon=True)
                self._ending.start()

    def _end(self) -> None:
        """End the script and all that it started, through a channel of its own: the shell leads a group."""
        with suppress(*BROKEN):
            if self.leader:
                other = self._link.open_session()
                other.exec_command(f"exec sh -c 'kill -KILL -{self.leader} || kill -KILL {self.leader}'")
                other.recv_exit_status()
            self._channel.close()

    def close(self) -> None:
        with self._lock:
            ending = self._ending
        if ending:
            ending.join(_ENDING)
        else:
            with suppress(*BROKEN):
                self._channel.close()
