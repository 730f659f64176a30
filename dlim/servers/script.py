"""How a script gets to a POSIX shell: as the first line of its standard input, whatever login shell is in between."""

from __future__ import annotations

import re
import shlex

COMMAND = """exec sh -c 'IFS= read -r dlim && eval "$(printf %b "$dlim")"' dlim"""
"""What a login shell is told. It means the same to bash, zsh, dash, fish and csh, and shows nothing to `ps`."""

_MARK = re.compile(rb"\0dlim (\d+)\0")
"""What the shell says before the script begins, with its number; before it, a user's start-up files may have spoken."""

_NOISE = 1 << 16

_PLAIN = {byte for byte in range(0x20, 0x7F) if byte != ord("\\")}

_BYTES = [chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in range(256)]
"""Each byte as printf's %b reads it."""


def line(script: str, arguments: tuple[str, ...], home: str) -> bytes:
    """The line that makes the shell of COMMAND enter the home, say that, and run a script.

    home: what is not absolute is below the user's own, which is also meant by "". Raises ValueError for what no shell
    can be given: a character NUL.
    """
    begun = f"unset dlim; {_entered(home)} && printf '\\000dlim %d\\000' $$ || exit"
    text = "\n".join([_ENGLISH + begun, _given(arguments), script])
    if "\0" in text:
        raise ValueError("a script and its arguments can't have a NUL in them")
    return "".join(_BYTES[byte] for byte in text.encode(errors="surrogateescape")).encode() + b"\n"


_ENGLISH = """if [ -n "$LC_ALL" ]; then LANG=$LC_ALL; export LANG; unset LC_ALL; fi
LC_MESSAGES=C; export LC_MESSAGES
"""
"""Complaints are to be English, as they are read; all else is to be as the user has it."""


def _entered(home: str) -> str:
    if not home:
        return 'cd "$HOME"'
    folder = shlex.quote(home if home.startswith("/") else f"./{home}")  # ./, as a CDPATH is for people
    return f'cd "$HOME" && mkdir -p {folder} && cd {folder}'


def _given(arguments: tuple[str, ...]) -> str:
    return " ".join(["set --", *map(shlex.quote, arguments)])


class Beginning:
    """Tells what a script writes from what came before it.

    leader: the number of the shell, which leads a group of processes; 0 before it has come to its script. noise: what
    came before that.
    """

    def __init__(self) -> None:
        self.leader = 0
        self.noise = b""

    def rest(self, data: bytes) -> bytes:
        """What of a piece of the shell's standard output is the script's own."""
        if self.leader:
            return data
        self.noise += data
        mark = _MARK.search(self.noise)
        if not mark:
            self.noise = self.noise[-_NOISE:]
            return b""
        rest = self.noise[mark.end() :]
        self.leader, self.noise = int(mark[1]), self.noise[: mark.start()]
        return rest
