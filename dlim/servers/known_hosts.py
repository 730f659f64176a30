"""known_hosts files: whether a host has shown a key before, and how a key is added."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, NamedTuple

from dlim import builds
from dlim.errors import HostKeyError
from dlim.servers.route import Hop

State = Literal["known", "unknown", "changed", "revoked", "hidden"]
"""What is thought of a key; hidden is that of a host which can't be looked at before another one is trusted."""


class HostKey(NamedTuple):
    """What a host shows: the type, such as ssh-ed25519, and the public key."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As ssh-keygen -l writes it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    def __str__(self) -> str:
        kind = self.type.removeprefix("ssh-").removeprefix("ecdsa-sha2-")
        return f"{'ECDSA' if kind.startswith('nistp') else kind.upper()} {self.fingerprint}"


class _Line(NamedTuple):
    revoked: bool
    names: str
    key: HostKey


def state(hop: Hop, key: HostKey) -> State:
    """What the known_hosts files say of a key that a host shows."""
    lines, others = _of(hop, hop.known_as), _of(hop, hop.also_known_as)
    if any(line.revoked and line.key == key for line in (*lines, *others)):
        return "revoked"
    known = {line.key for line in lines if not line.revoked}
    if key in (known or {line.key for line in others}):
        return "known"
    return "changed" if known else "unknown"


def types(hop: Hop) -> list[str]:
    """The types of the keys that a host is known by: it is to be asked for one of these."""
    lines = [*_of(hop, hop.known_as), *_of(hop, hop.also_known_as)]
    return list(dict.fromkeys(line.key.type for line in lines if not line.revoked))


def _of(hop: Hop, name: str) -> list[_Line]:
    """The lines that speak of a host by that name."""
    lines = (line for path in (*hop.own_hosts, *hop.global_hosts) for line in _lines(path))
    return [line for line in lines if name and _named(line.names, name)]


def _lines(path: Path) -> Iterator[_Line]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise HostKeyError(path, f"can't be read ({error.strerror})", "see to that, and run again") from error
    for text in data.decode(errors="surrogateescape").split("\n"):
        line = _line(text)
        if line:
            yield line


def _line(text: str) -> _Line | None:
    """A line that speaks of a plain key; None for others: remarks, certificate authorities, what is no such line."""
    marker, *words = text.split() or ["#"]
    if marker != "@revoked":
        words.insert(0, marker)
    if len(words) < 3 or words[0].startswith(("#", "@")):
        return None
    try:
        key = HostKey(words[1], base64.b64decode(words[2]))
    except ValueError:
        return None
    return _Line(marker == "@revoked", words[0], key)


def _named(names: str, host: str) -> bool:
    """Whether the first word of a line means a host: names, patterns, patterns with a ! before, or a hash."""
    if names.startswith("|1|"):
        return hmac.compare_digest(names.encode(), _hashed(host, names).encode())
    patterns = names.lower().split(",")
    if any(_fits(pattern[1:], host) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(_fits(pattern, host) for pattern in patterns)


def _fits(pattern: str, host: str) -> bool:
    return fnmatchcase(host.lower(), re.sub(r"\[", "[[]", pattern))  # a [ is no pattern here but the host's own


def _hashed(host: str, like: str = "") -> str:
    """A host's name as HashKnownHosts has it. like: such a name, whose salt is taken."""
    try:
        salt = base64.b64decode(like.split("|")[2]) if like else os.urandom(20)
    except (ValueError, IndexError):
        return ""
    digest = hmac.new(salt, host.encode(), "sha1").digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def record(hop: Hop, key: HostKey) -> None:
    """Let a host be known by this key, and in the user's own file by no other. Raises HostKeyError if it can't be."""
    if state(hop, key) == "revoked":
        raise HostKeyError(hop.name, f"its host key {key} is revoked", "ask the one who looks after that machine")
    if not hop.own_hosts:
        raise HostKeyError(hop.name, "has no file to be recorded in", "see UserKnownHostsFile in ~/.ssh/config")
    path = Path(os.path.realpath(hop.own_hosts[0]))  # it may be a link into a folder that is kept elsewhere
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        former = path.read_bytes().decode(errors="surrogateescape") if path.exists() else ""
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        lines = [kept for text in former.split("\n") if (kept := _without(text, hop.known_as)) is not None]
        builds.write_file(path, lambda making: _write(making, _with(lines, hop, key), mode))
    except OSError as error:
        raise HostKeyError(path, f"can't be written ({error.strerror})", "see to that, and run again") from error


def _with(lines: list[str], hop: Hop, key: HostKey) -> str:
    name = _hashed(hop.known_as) if hop.hashed else hop.known_as
    line = f"{name} {key.type} {base64.b64encode(key.blob).decode()}"
    return "\n".join([*(lines[:-1] if lines[-1:] == [""] else lines), line, ""])


def _without(text: str, host: str) -> str | None:
    """A line of a file without a host's name; None where it names no other."""
    line = _line(text)
    if line is None or line.revoked or not _named(line.names, host):
        return text
    hashed = line.names.startswith("|")
    others = [name for name in line.names.split(",") if name.lower() != host.lower() and not hashed]
    return text.replace(line.names, ",".join(others), 1) if others else None


def _write(path: Path, text: str, mode: int) -> None:
    with path.open("wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text.encode(errors="surrogateescape"))
