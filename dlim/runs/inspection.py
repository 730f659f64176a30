"""What is to be known of a server at a glance: whether it is there, its disk, its programs, what it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dlim.servers.contract import Transport

TOOLS = ("cat", "cut", "df", "find", "flock", "gzip", "mktemp", "mv", "readlink", "setsid", "sha256sum", "tail", "tar")
"""The programs that dlim uses on a server; all are in a plain Debian or Ubuntu, and in busybox."""

_LOOK = """for tool; do command -v "$tool" >/dev/null || echo "lacks $tool"; done
echo "machine $(uname -n)"
echo "free $(df -Pk . | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)"
echo "home $(pwd)"
"""

WITHIN = 5.0
"""Seconds after which a server that doesn't answer is called silent."""


class Look(NamedTuple):
    """A server as it is now. free: bytes on the disk of its home. lacking: programs that it should have."""

    machine: str
    home: str
    free: int
    lacking: tuple[str, ...]


def look(transport: Transport, tools: Sequence[str] = TOOLS) -> Look:
    """Look at a server. Raises TransportError where that can't be done."""
    lines = [line.partition(" ") for line in transport.ask(_LOOK, *tools, within=WITHIN).splitlines()]
    told = {key: value for key, _, value in lines if key != "lacks"}
    lacking = tuple(value for key, _, value in lines if key == "lacks")
    return Look(told["machine"], told["home"], int(told["free"] or 0) * 1024, lacking)
