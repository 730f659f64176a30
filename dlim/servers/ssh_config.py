"""~/.ssh/config and the machine's own, as one configuration that knows Include."""

from __future__ import annotations

import glob
import re
import shlex
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from dlim.errors import ConfigError

if TYPE_CHECKING:
    from paramiko import SSHConfig

SYSTEM = Path("/etc/ssh/ssh_config")

_DEEPEST = 16

_SETTING = re.compile(r"(\w+)(?:\s*=\s*|\s+)(.+)")

_EVERY = "Host *"


def read() -> SSHConfig:
    """The user's and the machine's configuration. Raises ConfigError where it can't be followed."""
    import paramiko

    config = paramiko.SSHConfig()
    for path in (Path.home() / ".ssh/config", SYSTEM):
        if path.is_file():
            try:
                config.parse(StringIO("\n".join(_lines(path, path.parent))))
            except (paramiko.SSHException, OSError, ValueError) as error:
                raise ConfigError(path, f"can't be followed ({error})", "correct it") from error
    return config


def _lines(path: Path, base: Path, block: str = _EVERY, deep: int = 0) -> Iterator[str]:
    """A file's lines with those of the files that it includes, each in the block that it stands in.

    base: where relative names of included files begin. block: the Host or Match line above.
    """
    if deep > _DEEPEST:
        raise ValueError(f"{path} is included by itself")
    outer = block
    yield block
    for line in path.read_text(encoding="utf-8").splitlines():
        key, value = _setting(line)
        if key in ("host", "match"):
            block = _both(outer, key, value)
            yield block
        elif key == "include":
            for pattern in shlex.split(value):
                for included in sorted(glob.glob(str(base / Path(pattern).expanduser()))):  # noqa: PTH207 - absolute, too
                    yield from _lines(Path(included), base, block, deep + 1)
            yield block
        else:
            yield line


def _setting(line: str) -> tuple[str, str]:
    match = _SETTING.match(line.strip())
    return (match[1].lower(), match[2]) if match else ("", "")


def _both(outer: str, key: str, value: str) -> str:
    """A block inside another one: it counts where both do."""
    if outer.lower() in (_EVERY.lower(), "match all"):
        return f"{key} {value}"
    return f"Match {_conditions(*_setting(outer))} {_conditions(key, value)}"


def _conditions(key: str, value: str) -> str:
    return value if key == "match" else f"originalhost {','.join(shlex.split(value))}"
