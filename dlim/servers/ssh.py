"""A server that is reached by ssh: OpenSSH says who it is and makes the way to it, fabric carries the session."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, NoReturn

import paramiko
from fabric import Config, Connection

from dlim.config import Server
from dlim.errors import CommandError, DlimError, HostKeyError
from dlim.servers import faults, link, openssh
from dlim.servers.contract import Transport
from dlim.servers.faults import Scene
from dlim.servers.link import WINDOW, Link, Stream
from dlim.servers.login import Login
from dlim.servers.openssh import Host
from dlim.servers.password import password_of
from dlim.servers.shell import COMMAND, Shell
from dlim.servers.trust import HostKey, Known, Seen

_SENT = (1 << 15) - 64
"""Bytes that are sent at once: what paramiko makes one packet of for an OpenSSH server."""

_ENDING = 2.0
"""Seconds that it may take to end a script on a link that works."""

BROKEN = (paramiko.SSHException, EOFError, OSError)
"""What a link raises that is no more."""


class Ssh(Transport):
    """Runs scripts on a machine that an OpenSSH server lets us into."""

    def __init__(self, server: str, settings: Server) -> None:
        self.server = server
        self.home = settings.home.removeprefix("~").lstrip("/") if settings.home.startswith("~") else settings.home
        self._settings = settings
        self._passage: Passage | None = None

    @cached_property
    def _host(self) -> Host:
        return openssh.way(self._settings)[-1]

    @cached_property
    def address(self) -> str:  # type: ignore[override]
        """How messages name it: user@host:port."""
        return self._host.address

    def close(self) -> None:
        if self._passage:
            self._passage.close()
            self._passage = None

    def _shell(self, within: float | None) -> Shell:
        until = math.inf if within is None else time.monotonic() + within
        if self._passage and self._passage.is_open:
            with suppress(DlimError):  # it may have broken since it was last used: then there is a new one
                return self._passage.shell(until)
        self.close()
        secret = password_of(self.server, self._settings.password_file)
        self._passage = Passage(self.server, self._host, Known(self._host), until)
        try:
            self._passage.login(secret)
            return self._passage.shell(until)
        except BaseException:
            self.close()
            raise


def look(name: str, server: Server) -> list[Seen]:
    """What each machine on the way to a server shows, jump hosts first; none is logged in to but to go further.

    Raises Unreachable, LoginError where one of them can't be reached or passed.
    """
    seen: list[Seen] = []
    for host in openssh.way(server):
        if seen and seen[-1].state != "known":
            seen.append(Seen(host, None, "hidden"))
        else:
            known = Known(host)
            key = _shown_key(name, host, known)
            seen.append(Seen(host, key, known.state(key)))
    return seen


def _shown_key(server: str, host: Host, known: Known) -> HostKey:
    """The key that a host on the way to a server shows; it isn't logged in to."""
    passage = Passage(server, host, known)
    shown: list[HostKey] = []

    def keep(key: HostKey) -> None:
        shown.append(key)
        raise HostKeyError(server, "was looked at", "go no further")

    with suppress(HostKeyError):
        try:
            passage.login(None, keep)
        finally:
            passage.close()
    return shown[0]


class Passage:
    """The open link to a host. until: the time at which it has to be open."""

    def __init__(self, server: str, host: Host, known: Known, until: float = math.inf) -> None:
        self._server, self._host, self._known, self._end = server, host, known, until
        self._stream: Stream | None = None
        self._link: Link | None = None
        self._connection: Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is known against the link."""
        return bool(self._connection and self._connection.is_connected)

    def login(self, secret: str | None, judge: Callable[[HostKey], None] | None = None) -> None:
        """Go there. secret: a password. judge: is shown the host's key before anything else is said, and may raise."""

        def again() -> Passage:
            other = Passage(self._server, self._host, self._known)
            other.login(secret, judge)
            return other

        self._again = again
        try:
            stream = self._stream = Stream(self._host, self._until(1))

            def made(_: object, **settings: Any) -> Link:
                self._link = Link(stream, self._known.types, **settings)
                return self._link

            settings = {"auth_strategy": Login(self._scene, secret), "channel_timeout": link.PATIENCE}
            # what fabric would read of its own, and of ~/.ssh/config, has been read
            self._connection = Connection(
                self._host.host,
                self._host.user,
                self._host.port,
                config=Config(ssh_config=paramiko.SSHConfig(), lazy=True),
                gateway=False,
                connect_kwargs={**settings, "sock": stream, "transport_factory": made},
            )
            self._connection.client.set_missing_host_key_policy(_Policy(judge or self._judged))
            self._connection.open()
            if self._link:
                self._link.settle()
        except DlimError:
            raise
        except Exception as error:
            raise faults.told(error, self._scene) from error

    def shell(self, until: float) -> Shell:
        """A shell, which has to be there at that time."""
        link = self._link
        if link is None:
            self.broke()
        try:
            link.stream.until = until
            return _Channel(self, link)
        except BROKEN as error:
            if link.is_alive():
                fault = f"runs no command for {self._host.user}"
                raise CommandError(self._server, fault, "see to the settings of its ssh server") from error
            raise faults.told(error, self._scene) from error
        finally:
            link.stream.until = math.inf

    def close(self) -> None:
        """End it, at once: a link that is stuck is not waited for."""
        if self._stream:
            self._stream.cut()
        if self._connection:
            self._connection.client.close()
        if self._stream:
            self._stream.end()

    def _judged(self, key: HostKey) -> None:
        error = faults.untrusted(self._scene, self._known.state(key), key)
        if error:
            raise error
        if self._stream:
            self._stream.until = self._until(2)  # from here on a slow machine looks for the user

    def _until(self, patiences: int) -> float:
        return min(self._end, time.monotonic() + patiences * link.PATIENCE)

    def run(self, command: str) -> None:
        """Run a command beside what runs there already; over a link of its own, where one allows a single channel."""
        link = self._link
        try:
            channel = link.open_session() if link else None
        except paramiko.ChannelException:
            other = self._again()
            try:
                if other._link:
                    _ran(other._link.open_session(), command)
            finally:
                other.close()
            return
        if channel:
            _ran(channel, command)

    def broke(self) -> NoReturn:
        """Raise what is to be said of a link that broke."""
        raise faults.told(EOFError(), self._scene)

    @property
    def _scene(self) -> Scene:
        return Scene(self._server, self._host, self._stream, self._link.farewell if self._link else "")


def _ran(channel: paramiko.Channel, command: str) -> None:
    channel.exec_command(command)
    channel.recv_exit_status()


class _Policy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # it has no types
    """Lets a judge look at the key; paramiko knows no key of its own here, and asks this about each."""

    def __init__(self, judge: Callable[[HostKey], None]) -> None:
        self._judge = judge

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        self._judge(HostKey(key.get_name(), key.asbytes()))


class _Channel(Shell):
    """A shell at the other end of a passage: one channel of its link."""

    def __init__(self, passage: Passage, link: Link) -> None:
        self._passage = passage
        self._link = link
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
            self._passage.broke()
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
        with suppress(*BROKEN, DlimError):
            if self.leader:
                self._passage.run(f"exec sh -c 'kill -KILL -{self.leader} || kill -KILL {self.leader}'")
            self._channel.close()

    def close(self) -> None:
        with self._lock:
            ending = self._ending
        if ending:
            ending.join(_ENDING)
        else:
            with suppress(*BROKEN):
                self._channel.close()
