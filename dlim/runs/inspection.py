"""What is to be known of a server at a glance: whether it is there, its disk, its programs, what it does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dlim.errors import CommandError, shown
from dlim.runs import job
from dlim.runs.course import Course
from dlim.servers.contract import Transport
from dlim.workspace import Workspace

_TOOLS = """
cat chmod cp cut date dd df dirname env find flock grep gzip head ln ls mkdir mktemp mv readlink rm rmdir sed
setsid sha256sum sleep sort stat tail tar timeout touch tr wc xargs
"""
TOOLS = tuple(_TOOLS.split())
"""The programs that dlim's scripts use on a server, as a test finds them there; all are in a plain Debian or Ubuntu."""

_LOOK = """for tool; do command -v "$tool" >/dev/null || echo "lacks $tool"; done
if command -v df >/dev/null; then df -Pk . | { read -r _; read -r _ _ _ free _; echo "free $free"; }; fi
"""

WITHIN = 5.0
"""Seconds after which a server that doesn't answer is called silent."""


class Look(NamedTuple):
    """A server as it is now. free: bytes on the disk of its home. lacking: programs that it should have."""

    free: int
    lacking: tuple[str, ...]


def look(transport: Transport, tools: Sequence[str] = TOOLS) -> Look:
    """Look at a server. Raises TransportError where that can't be done."""
    said = transport.ask(_LOOK, *tools, within=WITHIN)
    free = re.search(r"^free (\d{1,15})$", said, re.MULTILINE)
    lacking = tuple(tool for tool in tools if f"lacks {tool}\n" in f"{said}\n")
    if free is None and "df" not in lacking:
        raise CommandError(transport.server, f'says "{shown(said)[:80]}" of its disk', "see what df says there")
    return Look(int(free[1]) * 1024 if free else 0, lacking)


def learning(workspace: Workspace, server: str, transport: Transport) -> Iterator[str]:
    """What learns on a server, a few words each."""
    for name in workspace.config.learners:
        course = Course(workspace, name)
        if course.server == server:
            busy = job.running(course.place(transport))
            if busy:
                yield f"{name}: {job.called(busy.name)} by {shown(busy.by)}, {shown(busy.step)}"
