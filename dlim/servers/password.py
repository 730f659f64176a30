"""A server's password: from the environment, or from a file that only its owner can read; never from elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from dlim.errors import LoginError

_PREFIX = "DLIM_PASSWORD_"


def variable(name: str) -> str:
    """The environment variable for the password of a server."""
    return _PREFIX + "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name.upper())


def without(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for other programs, in which there is no password."""
    return {name: value for name, value in environment.items() if not name.startswith(_PREFIX)}


def password_of(server: str, file: str) -> str | None:
    """The password of a server, or None where there is none. A jump host is never shown it.

    file: where it is kept, below the user's home. Raises LoginError where that can't be read, or others can read it.
    """
    given = os.environ.get(variable(server))
    return given or (_kept(server, Path.home() / Path(file).expanduser()) if file else None)


def _kept(name: str, path: Path) -> str:
    try:
        # what was looked at is what is read, and a FIFO can't make it wait
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
            _check(name, path, os.fstat(descriptor))
            text = file.readline().rstrip("\r\n")
    except OSError as error:
        raise LoginError(
            # what it names may be the password itself: it isn't shown
            name,
            f"its password_file can't be read ({error.strerror})",
            "name a file there in config/servers.toml",
        ) from error
    except UnicodeDecodeError:
        raise LoginError(name, f"its password_file {path} is no text", "write the password into it") from None
    if not text:
        raise LoginError(name, f"its password_file {path} is empty", "write the password into it")
    return text


def _check(name: str, path: Path, stat_result: os.stat_result) -> None:
    if not stat.S_ISREG(stat_result.st_mode):
        raise LoginError(name, f"its password_file {path} is no file", "correct it in config/servers.toml")
    if stat_result.st_uid != os.getuid():
        raise LoginError(name, f"its password_file {path} belongs to another user", "make one of your own")
    if stat_result.st_mode & 0o077:
        raise LoginError(name, f"its password_file {path} can be read by others", f"chmod 600 {path}")
