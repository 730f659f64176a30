"""Signs of life of a link: a socket that knows when it last heard something, and a watch that ends a silent one."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any, Protocol

PATIENCE = 15.0
"""Seconds without a sign of life after which a link is given up; for the time of the login, twice as many."""

BEATS = 3
"""How often a peer that says nothing of its own is asked for a sign of life before that."""


class Stream(Protocol):
    """What a link runs over: a socket, or a channel of the link to a jump host."""

    def recv(self, count: int, /) -> bytes: ...
    def send(self, data: bytes, /) -> int: ...
    def close(self) -> None: ...


class Pulse:
    """A stream that tells when it was last heard. All else is the stream's own.

    first: the first bytes that came. until: the time at which it is given up whatever it says; None once it may stay.
    """

    def __init__(self, stream: Stream, until: float | None) -> None:
        self.stream = stream
        self.first = b""
        self.until = until
        self.heard = time.monotonic()

    def recv(self, count: int) -> bytes:
        """What the peer sends."""
        data = self.stream.recv(count)
        self.heard = time.monotonic()
        if len(self.first) < 200:
            self.first += data[:200]
        return data

    def close(self) -> None:
        """Let go of it. A channel says so to a jump host, which may not be there any more."""
        with suppress(Exception):
            self.stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def is_lost(self, now: float) -> bool:
        """Whether it has been silent for too long, or has had its time."""
        return now > self.until if self.until is not None else now - self.heard > PATIENCE


class Watch:
    """Looks at the pulses of a link now and then, and cuts the socket below them all when one is lost.

    lost: the pulse that was. The kernel's own timers don't help where a proxy answers for a server that is gone.
    """

    def __init__(self, below: socket.socket) -> None:
        self.lost: Pulse | None = None
        self.pulses: list[Pulse] = []
        self._below = below
        self._end = threading.Event()
        threading.Thread(target=self._look, daemon=True, name="dlim watch").start()

    def end(self) -> None:
        """Look no more."""
        self._end.set()

    def cut(self) -> None:
        """Break the link: whoever waits for it, in either direction, returns."""
        with suppress(OSError):
            self._below.shutdown(socket.SHUT_RDWR)

    def _look(self) -> None:
        tick = PATIENCE / 50
        looked = time.monotonic()
        while not self._end.wait(tick):
            now = time.monotonic()
            if now - looked > 10 * tick + 1:  # this process itself was stopped: what came meanwhile waits to be read
                for pulse in self.pulses:
                    pulse.heard = now
            looked = now
            self.lost = next((pulse for pulse in self.pulses if pulse.is_lost(now)), None)
            if self.lost:
                self.cut()
                return


def tuned(link: socket.socket) -> socket.socket:
    """A socket that sends at once, and that the kernel gives up when its bytes aren't acknowledged any more."""
    if link.family in (socket.AF_INET, socket.AF_INET6):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(PATIENCE * 1000))
    return link
