"""The servers: a shell on each, by ssh or on this machine, and files put there and fetched from there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dlim.config import Server
from dlim.errors import ConfigError
from dlim.names import nearest

if TYPE_CHECKING:
    from dlim.servers.contract import Transport

PLACE = "config/servers.toml"


def connect(name: str, servers: Mapping[str, Server], standing: Path) -> Transport:
    """The transport to the server of a name; there is no link before it is used.

    standing: the folder of those that stand for servers that have no home of their own. Raises ConfigError where
    other servers are named and this one is not.
    """
    if servers and name not in servers:
        near = nearest(name, servers)
        way_out = (
            near if near.startswith("did you mean") else f"write [{name}] there, without a host if it is this machine"
        )
        raise ConfigError(PLACE, f"names no server {name}", way_out)
    server = servers.get(name, Server())
    if server.host:
        from dlim.servers.ssh import Ssh

        return Ssh(name, server)
    from dlim.servers.local import Local

    return Local(name, Path.home() / Path(server.home).expanduser() if server.home else standing / name)
