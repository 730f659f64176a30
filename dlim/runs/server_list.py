"""The list of servers, handed to the servers themselves for those who work from there: without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from dlim.config import Server
from dlim.runs import files
from dlim.runs.place import OWN
from dlim.servers.contract import Transport

THERE = f"{OWN}/servers.toml"
"""Where the list lies, below a server's home."""

_TOLD = ("host", "user", "port", "home")
"""What is told of a server: where keys and passwords lie on this machine is nobody else's business."""


def text(servers: Mapping[str, Server]) -> str:
    """The list as a servers.toml; machines that are only folders here mean nothing elsewhere, and are left out."""
    lines = ["# The servers, as dlim knew them where it was set up. Copy this to config/servers.toml of a workspace."]
    for name, server in servers.items():
        if server.host:
            told = {key: getattr(server, key) for key in _TOLD}
            lines += ["", f"[{name}]"]
            # a JSON string is a TOML string as well
            lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in told.items() if value]
    return "\n".join(lines) + "\n"


def push(transport: Transport, servers: Mapping[str, Server]) -> bool:
    """Bring the list to a server; whether it wasn't there already."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "servers.toml")
        file.write_text(text(servers), encoding="utf-8")
        return bool(files.bring(transport, ".", {THERE: file}))
