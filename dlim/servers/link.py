"""A link to one machine: paramiko's, made for large files, that asks for signs of life and is cut where none come."""

from __future__ import annotations

import logging
import math
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import paramiko
from paramiko.common import cMSG_GLOBAL_REQUEST

from dlim.servers.openssh import Host, Proxy

PATIENCE = 15.0
"""Seconds without a sign of life after which a link is given up; for the time of the login, twice as many."""

BEATS = 3
"""How often a peer that says nothing of its own is asked for a sign of life before that."""

WINDOW, PACKET = 1 << 24, 1 << 18
"""Bytes that may be on their way, and of one packet: with 20 ms there and back the usual ones are four times slower.
Raised together, as a larger window alone makes it slower."""

_FIRST = 200
"""Bytes of what came first that are kept, to say who it is."""

_RSA = ("rsa-sha2-512", "rsa-sha2-256")

logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)  # it writes tracebacks; what they say is in our errors


class Stream:
    """The socket to a machine, made by us or by a program, and what is known of the life at its other end.

    first: the first bytes that came. until: the time at which it is given up whatever it says; inf once it may stay,
    as long as it isn't silent. lost: whether it was given up. All else is the socket's own.
    """

    def __init__(self, host: Host, until: float) -> None:
        self.first = b""
        self.until = until
        self.lost = False
        self._host = host
        self._heard = time.monotonic()
        self._proxy = Proxy(host.link) if host.link else None
        self.socket = self._proxy.socket if self._proxy else _connected(host, until)
        self._ended = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="dlim watch").start()

    def settle(self) -> None:
        """From now on it may take as long as it shows signs of life."""
        self._heard, self.until = time.monotonic(), math.inf

    def recv(self, count: int) -> bytes:
        """What the peer sends."""
        data = self.socket.recv(count)
        self._heard = time.monotonic()
        self.first += data[: _FIRST - len(self.first)]
        return data

    def said(self) -> str:
        """What the program that makes the link complained about."""
        return self._proxy.said() if self._proxy else ""

    def cut(self) -> None:
        """Break it: whoever waits for it, in either direction, returns."""
        self._ended.set()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Let go of it, at once: one that is stuck is not waited for."""
        self.cut()
        self.socket.close()
        if self._proxy:
            self._proxy.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.socket, name)

    def _watch(self) -> None:
        """Cut it when it has been silent for too long: the kernel's timers don't help where a proxy answers."""
        tick = PATIENCE / 50
        looked = time.monotonic()
        while not self._ended.wait(tick):
            now = time.monotonic()
            if now - looked > 10 * tick + 1:  # this process itself was stopped: what came meanwhile waits to be read
                self._heard = now
            looked = now
            if now > self.until or (self.until == math.inf and now - self._heard > PATIENCE):
                self.lost = True
                self.cut()


def _connected(host: Host, until: float) -> socket.socket:
    """A socket that sends at once, and that the kernel gives up when its bytes aren't acknowledged any more."""
    left = min(PATIENCE, until - time.monotonic())
    link = socket.create_connection((host.host, host.port), timeout=max(left, 0.01))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(PATIENCE * 1000))
    return link


class Link(paramiko.Transport):  # type: ignore[misc]  # it has no types
    """A link that prefers the fast ciphers and the host keys that are known, and asks for signs of life.

    types: of the keys that the host is known by. farewell: what the machine said when it closed the link.
    """

    def __init__(self, stream: Stream, types: list[str], **settings: Any) -> None:
        self.stream = stream
        self.farewell = ""
        super().__init__(stream, default_window_size=WINDOW, default_max_packet_size=PACKET, **settings)
        options = self.get_security_options()
        options.ciphers = _first(options.ciphers, [name for name in options.ciphers if "gcm" in name])
        known = [name for kind in types for name in (_RSA if kind == "ssh-rsa" else (kind,))]
        options.key_types = _first(options.key_types, known)
        # the stream looks after the time, as paramiko would take an end of patience for a wrong password
        self.banner_timeout = self.handshake_timeout = 4 * PATIENCE
        self.auth_timeout = None
        self._ended = threading.Event()

    def settle(self) -> None:
        """The login is done: from now on it lives by its signs of life."""
        self.stream.settle()
        threading.Thread(target=self._beat, daemon=True, name="dlim beat").start()

    def is_alive(self) -> bool:
        """Ask the machine whether it is there still; it may be a moment until a link that broke is known to have."""
        try:
            self.open_session().close()
        except paramiko.ChannelException:
            return True
        except (paramiko.SSHException, EOFError, OSError):
            return False
        return True

    def _beat(self) -> None:
        """Ask for signs of life, with a request that the machine knows nothing of and has to say so.

        paramiko's own keepalive wants no answer, and isn't sent as long as there is anything else to send.
        """
        with suppress(paramiko.SSHException, EOFError, OSError):
            while not self._ended.wait(PATIENCE / BEATS) and self.is_active():
                request = paramiko.Message()
                request.add_byte(cMSG_GLOBAL_REQUEST)
                request.add_string("keepalive@openssh.com")
                request.add_boolean(True)
                self._send_user_message(request)

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        message.get_int()
        self.farewell = message.get_text()

    def close(self) -> None:
        """End it, at once."""
        self._ended.set()
        super().close()
        self.packetizer.complete_handshake()  # or a timer of it would keep the interpreter from ending


def _first(all_of_them: tuple[str, ...], these: list[str]) -> tuple[str, ...]:
    """All of them, these in front."""
    front = [name for name in dict.fromkeys(these) if name in all_of_them]
    return (*front, *(name for name in all_of_them if name not in front))
