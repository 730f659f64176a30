"""The machines behind a workspace: `doit config:push`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dlim import progress
from dlim.commands.base import Command
from dlim.errors import ConfigError
from dlim.runs import server_list
from dlim.servers import connect
from dlim.workspace import STANDING, Workspace

SERVERS = Path("config/servers.toml")


class ConfigPush(Command):
    """`doit config:push`: the list of servers, without secrets, to each of them."""

    name = "config:push"
    doc_purpose = "hand the list of servers, without secrets, to each of them"

    def answer(self, workspace: Workspace, words: Sequence[str]) -> None:  # type: ignore[override]
        servers = workspace.config.servers
        reached = [name for name, server in servers.items() if server.host]
        if not reached:
            raise ConfigError(SERVERS, "names no server with a host", "there is nothing to hand over")
        for name in reached:
            with connect(name, servers, STANDING) as transport:
                new = server_list.push(transport, servers)
                told = "brought" if new else "there already"
                progress.current().line(f"{name}: {transport.address}: {server_list.THERE} {told}")
