"""A server that is reached by ssh, through as many jump hosts as there are, each of them verified."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, NoReturn

import paramiko
from fabric import Config, Connection

from dlim.config import Server
from dlim.errors import CommandError, DlimError
from dlim.servers import faults, known_hosts, pulse, route
from dlim.servers.channel import BROKEN, Channel
from dlim.servers.contract import Transport
from dlim.servers.faults import Scene
from dlim.servers.known_hosts import HostKey
from dlim.servers.link import Link
from dlim.servers.login import Login
from dlim.servers.password import password_of, without
from dlim.servers.pulse import Stream, Watch
from dlim.servers.route import Hop
from dlim.servers.shell import Shell

Judge = Callable[[Hop, HostKey], None]
"""Is shown a host's key before anything else is said to that host, and raises what there is against it."""


class Ssh(Transport):
    """Runs scripts on a machine that an OpenSSH server lets us into."""

    def __init__(self, server: str, settings: Server) -> None:
        self.server = server
        self.home = settings.home.removeprefix("~").lstrip("/") if settings.home.startswith("~") else settings.home
        self._settings = settings
        self._passage: Passage | None = None

    @cached_property
    def _hops(self) -> tuple[Hop, ...]:
        return route.way(self._settings)

    @cached_property
    def address(self) -> str:  # type: ignore[override]
        """How messages name it: user@host:port."""
        return self._hops[-1].address

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
        self._passage = Passage(self.server, until)
        try:
            for hop in self._hops:
                secret = password_of(hop, self.server, self._settings.password_file)
                self._passage.open(hop, self._verified, secret)
            return self._passage.shell(until)
        except BaseException:
            self.close()
            raise

    def _verified(self, hop: Hop, key: HostKey) -> None:
        error = faults.untrusted(Scene(self.server, hop), known_hosts.state(hop, key), key)
        if error:
            raise error


class Passage:
    """The open links to a server, each through the one before, and the watch over them.

    until: the time at which all of them have to be open.
    """

    def __init__(self, server: str, until: float = math.inf) -> None:
        self._server = server
        self._end = until
        self._connections: list[Connection] = []
        self._links: list[Link] = []
        self._socket: socket.socket | None = None
        self._watch: Watch | None = None
        self._proxy: Proxy | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing is known against the link to the last machine."""
        return bool(self._connections) and self._connections[-1].is_connected

    def open(self, hop: Hop, judge: Judge, secret: str | None = None) -> None:
        """Go on to the next machine. secret: its password."""
        try:
            connection = self._connection(hop, judge, secret)
            self._connections.append(connection)
            connection.open()
            self._links[-1].settle()
        except DlimError:
            raise
        except Exception as error:
            raise faults.told(error, self._scene(hop)) from error

    def shell(self, until: float) -> Shell:
        """A shell on the last machine, which has to be there at that time."""
        link = self._links[-1]
        try:
            link.pulse.until = None if until == math.inf else until
            return Channel(link, self._broken)
        except BROKEN as error:
            if link.is_alive():
                fault = f"runs no command for {link.hop.user}"
                raise CommandError(self._server, fault, "see to the settings of its ssh server") from error
            raise faults.told(error, self._scene(link.hop)) from error
        finally:
            link.pulse.until = None

    def close(self) -> None:
        """End all of it, at once: a link that is stuck is not waited for."""
        if self._watch:
            self._watch.end()
            self._watch.cut()
        for connection in reversed(self._connections):
            connection.client.close()
        if self._socket:
            self._socket.close()
        if self._proxy:
            self._proxy.close()

    def _connection(self, hop: Hop, judge: Judge, secret: str | None) -> Connection:
        before = self._connections[-1] if self._connections else None
        settings: dict[str, Any] = {
            "auth_strategy": Login(self._scene(hop), secret),
            "channel_timeout": pulse.PATIENCE,
            "transport_factory": lambda stream, **others: self._link(stream, hop, others),
        }
        if before is None:
            self._socket = settings["sock"] = self._connected(hop)
            self._watch = Watch(self._socket)
        # what fabric would read of its own, and of ~/.ssh/config, has been read, and other hops may be meant there
        config = Config(ssh_config=paramiko.SSHConfig(), lazy=True)
        connection = Connection(
            hop.host, hop.user, hop.port, config=config, gateway=before or False, connect_kwargs=settings
        )
        connection.client.set_missing_host_key_policy(_Policy(lambda key: self._judged(hop, key, judge)))
        return connection

    def _connected(self, hop: Hop) -> socket.socket:
        if hop.command:
            self._proxy = Proxy(hop.command)
            return self._proxy.socket
        left = min(pulse.PATIENCE, self._end - time.monotonic())
        return pulse.tuned(socket.create_connection((hop.host, hop.port), timeout=max(left, 0.01)))

    def _link(self, stream: Stream, hop: Hop, settings: dict[str, Any]) -> Link:
        link = Link(stream, hop, self._until(1), **settings)
        self._links.append(link)
        if self._watch:
            self._watch.pulses.append(link.pulse)
        return link

    def _judged(self, hop: Hop, key: HostKey, judge: Judge) -> None:
        judge(hop, key)
        self._links[-1].pulse.until = self._until(2)  # from here on a slow machine looks for the user

    def _until(self, patiences: int) -> float:
        return min(self._end, time.monotonic() + patiences * pulse.PATIENCE)

    def _broken(self) -> NoReturn:
        raise faults.told(EOFError(), self._scene(self._links[-1].hop))

    def _scene(self, hop: Hop) -> Scene:
        """What is known of a machine where something went wrong, or of the one that gave up before."""
        lost = self._watch.lost if self._watch else None
        silent = [link for link in self._links if link.pulse is lost]
        link = next((link for link in [*silent, *self._links] if silent or link.hop is hop), None)
        said = self._proxy.said() if self._proxy else ""
        if link is None:
            return Scene(self._server, hop, farewell=said)
        return Scene(self._server, link.hop, link.pulse, lost is not None, link.farewell or said)


class Proxy:
    """A program that makes the link: a ProxyCommand of ~/.ssh/config. socket: our end of it."""

    def __init__(self, command: str) -> None:
        self.socket, theirs = socket.socketpair()
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - closed with it
        with theirs:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"],
                env=without(os.environ),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._err,
                start_new_session=True,
            )

    def said(self) -> str:
        """What it last complained about."""
        self._err.seek(0)
        lines = self._err.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def close(self) -> None:
        """End it."""
        self.socket.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._err.close()


class _Policy(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # it has no types
    """Lets a judge look at the key; paramiko knows no key of its own here, and asks this about each."""

    def __init__(self, judge: Callable[[HostKey], None]) -> None:
        self._judge = judge

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        self._judge(HostKey(key.get_name(), key.asbytes()))
