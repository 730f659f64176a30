"""The way to a server: each machine on it, as config/servers.toml and ~/.ssh/config describe it."""

from __future__ import annotations

import getpass
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlim.config import Server
from dlim.errors import ConfigError
from dlim.servers import ssh_config

if TYPE_CHECKING:
    from paramiko import SSHConfig

PORT = 22

_USUAL_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")

_GLOBAL = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
_OWN = "~/.ssh/known_hosts ~/.ssh/known_hosts2"

_JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>[^@]+)@)?(?:\[(?P<v6>[^]]+)\]|(?P<host>[^:/]+))(?::(?P<port>\d+))?/?")


@dataclass(frozen=True)
class Hop:
    """A machine on the way, the server itself or a jump host.

    name: what it is called in ~/.ssh/config. jump: whether it is a jump host. known_as: its name in known_hosts files:
    own_hosts, of which the first is the one to write into, and global_hosts. also_known_as: its name without a port,
    by which it may have been recorded long ago. hashed: whether names are written there so that nobody can read them.
    keys: private keys to log in with. only_keys: whether an agent's other keys stay out of it. command: a program that
    makes the link.
    """

    name: str
    jump: bool
    host: str
    port: int
    user: str
    known_as: str
    also_known_as: str
    own_hosts: tuple[Path, ...]
    global_hosts: tuple[Path, ...]
    hashed: bool
    keys: tuple[Path, ...]
    only_keys: bool
    command: str

    @property
    def address(self) -> str:
        """How messages name the machine: user@host:port."""
        return f"{self.user}@{in_brackets(self.host)}:{self.port}"


def in_brackets(host: str) -> str:
    """A host as it stands before a colon and a port."""
    return f"[{host}]" if ":" in host else host


def way(server: Server) -> tuple[Hop, ...]:
    """The machines that lead to a server, itself the last. Raises ConfigError where they lead nowhere."""
    *jumps, last = _way(ssh_config.read(), server.host, server.user, server.port, ())
    keys = (_below_home(server.identity_file),) if server.identity_file else last.keys
    return (*jumps, replace(last, jump=False, keys=keys))


def _way(config: SSHConfig, host: str, user: str, port: int | None, before: tuple[str, ...]) -> tuple[Hop, ...]:
    """The hops to a host. before: the jumps that asked for this one."""
    hops: tuple[Hop, ...] = ()
    for jump in _words(_entry(config, host).get("proxyjump"), ","):
        match = _JUMP.fullmatch(jump.strip())
        if not match or jump in before:
            raise ConfigError("~/.ssh/config", f"ProxyJump {jump} leads nowhere", "say ProxyJump none for that host")
        asked = match["v6"] or match["host"], match["user"] or "", int(match["port"]) if match["port"] else None
        # the first is reached as its own settings say, each further one through those before it
        hops = (*hops, _hop(config, *asked)) if hops else _way(config, *asked, (*before, jump))
    return (*hops, _hop(config, host, user, port, direct=not hops))


def _hop(config: SSHConfig, host: str, user: str, port: int | None, direct: bool = False) -> Hop:
    entry = _entry(config, host)
    name, number = entry["hostname"], port or _number(entry.get("port", str(PORT)))
    alias, lower = entry.get("hostkeyalias", ""), name.lower()
    return Hop(
        name=host,
        jump=True,
        host=name,
        port=number,
        user=user or entry.get("user") or getpass.getuser(),
        known_as=alias or (lower if number == PORT else f"[{lower}]:{number}"),
        also_known_as="" if alias or number == PORT else lower,
        own_hosts=_files(entry.get("userknownhostsfile", _OWN)),
        global_hosts=_files(entry.get("globalknownhostsfile", _GLOBAL)),
        hashed=entry.get("hashknownhosts", "").lower() == "yes",
        keys=_keys(entry.get("identityfile", [])),
        only_keys=entry.get("identitiesonly", "").lower() == "yes",
        command=(entry.get("proxycommand") or "") if direct else "",
    )


def _entry(config: SSHConfig, host: str) -> dict[str, Any]:
    try:
        return dict(config.lookup(host))
    except Exception as error:  # it also runs the programs that Match exec names
        why = f"{type(error).__name__}: {error}".split("\n")[0]
        raise ConfigError("~/.ssh/config", f"can't be followed for {host} ({why})", "correct it") from error


def _number(text: str) -> int:
    if not text.isdigit():
        raise ConfigError("~/.ssh/config", f"Port {text} is no number", "correct it")
    return int(text)


def _words(value: str | None, between: str | None = None) -> list[str]:
    if value is None or value.lower() == "none":
        return []
    return value.split(between) if between else shlex.split(value)


def _files(value: str) -> tuple[Path, ...]:
    return tuple(_below_home(name.replace("%d", "~", 1)) for name in _words(value))


def _keys(named: list[str]) -> tuple[Path, ...]:
    """The private keys that are named, or those with the usual names."""
    names = named or [f"~/.ssh/{name}" for name in _USUAL_KEYS]
    return tuple(_below_home(name) for name in names if name.lower() != "none")


def _below_home(name: str) -> Path:
    return Path.home() / Path(name).expanduser()
