"""A server by its name: the one that config/servers.toml describes, or a folder of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dlim.config import Server
from dlim.errors import ConfigError
from dlim.names import nearest
from dlim.servers.contract import Transport
from dlim.servers.local import Local

PLACE = "config/servers.toml"


def connect(name: str, servers: Mapping[str, Server], standing: Path) -> Transport:
    """The transport to a server; there is no link before it is used.

    standing: the folder of those that stand for servers that have no home of their own. Raises ConfigError where
    other servers are named and this one is not.
    """
    if servers and name not in servers:
        way_out = f"write [{name}] there, without a host if it is this machine" if not _near(name, servers) else ""
        raise ConfigError(PLACE, f"names no server {name}", way_out or nearest(name, servers))
    server = servers.get(name, Server())
    if server.host:
        from dlim.servers.ssh import Ssh

        return Ssh(name, server)
    return Local(name, Path.home() / Path(server.home).expanduser() if server.home else standing / name)


def _near(name: str, servers: Mapping[str, Server]) -> bool:
    return nearest(name, servers).startswith("did you mean")
