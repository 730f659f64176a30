"""What a script's complaint means to a person: the fault in plain words, and what to do about it."""

from __future__ import annotations

import re
from typing import NamedTuple

from dlim.errors import CommandError, shown

_LONGEST = 300

_PREFIX = re.compile(r"^(dlim|sh): (line )?(\d+: )?(eval: )?(line )?(\d+: )?")
"""How shells begin a complaint: dash says `dlim: 3: `, bash `dlim: line 3: `."""

_MISSING = re.compile(r"([^\s:'‘]+)['’]?: (?:(?:command |applet )?not found|No such file or directory)$")

_PACKAGES = {
    "cat": "coreutils",
    "dd": "coreutils",
    "find": "findutils",
    "flock": "util-linux",
    "ln": "coreutils",
    "mkdir": "coreutils",
    "mv": "coreutils",
    "python": "python-is-python3",
    "setsid": "util-linux",
    "sha256sum": "coreutils",
    "tail": "coreutils",
    "wc": "coreutils",
}
"""The Debian package of a program; the others are in one of their own name."""


class _Meaning(NamedTuple):
    pattern: str
    fault: str
    remedy: str


_MEANINGS = (
    _Meaning("No space left on device", "its disk is full", "make room there, and run again"),
    _Meaning("Disk quota exceeded", "its user has used up the disk quota", "make room there, and run again"),
    _Meaning("Read-only file system", "{line}", "name a folder that can be written as home in config/servers.toml"),
    _Meaning(
        "(Permission denied|Operation not permitted)",
        "{line}",
        "give its user the right to that, or name another home in config/servers.toml",
    ),
    _Meaning("Cannot allocate memory", "it has no memory left", "end something there, and run again"),
    _Meaning("Too many open files|Resource temporarily unavailable", "{line}", "end something there, and run again"),
)


def meaning(server: str, status: int, err: str) -> CommandError:
    """The error that says why a script ended with that status and these complaints."""
    lines = [_plain(line) for line in err.splitlines() if line.strip() and not line.startswith("Try '")]
    for known in _MEANINGS:
        told = [line for line in lines if re.search(known.pattern, line)]
        if told:
            return CommandError(server, known.fault.format(line=told[-1]), known.remedy)
    last = lines[-1] if lines else _silent(status)
    missing = _MISSING.search(last)
    if missing and (status == 127 or "not found" in missing[0]):
        program = missing[1]
        return CommandError(server, f"{program} is missing there", f"install it: {_PACKAGES.get(program, program)}")
    return CommandError(server, last, "see to that, and run again")


def _plain(line: str) -> str:
    """A complaint without the shell's beginning, and as it can stand in a line of ours."""
    return shown(_PREFIX.sub("", line.strip()))[:_LONGEST].rstrip(".")


def not_begun(server: str, status: int, said: str) -> CommandError:
    """The error that says why a script couldn't even begin. said: all that the login shell said."""
    if said.strip():
        return meaning(server, status, said)
    return CommandError(server, "its user has no shell that runs a script", "give that user one, with chsh")


def _silent(status: int) -> str:
    return "a script was killed there" if status < 0 else f"a script ended with status {status}"
