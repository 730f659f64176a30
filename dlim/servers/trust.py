"""Host keys: what known_hosts files say of one, as ssh-keygen finds it there, and how it is recorded."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from dlim import store
from dlim.errors import HostKeyError
from dlim.servers import openssh
from dlim.servers.openssh import Host

State = Literal["known", "unknown", "changed", "revoked", "hidden"]
"""What is thought of a key; hidden is that of a host which can't be looked at before another one is trusted."""

_CERTIFIED = re.compile(
    r"Server host certificate: \S+ (SHA256:[^\s,]+)(?s:.*) is known and matches the \S+ host certificate"
)


class HostKey(NamedTuple):
    """What a host shows: the type, such as ssh-ed25519, and the public key."""

    type: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As ssh-keygen -l writes it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def text(self) -> str:
        """As known_hosts has it, behind the names."""
        return f"{self.type} {base64.b64encode(self.blob).decode()}"

    def __str__(self) -> str:
        kind = self.type.removeprefix("ssh-").removeprefix("ecdsa-sha2-")
        return f"{'ECDSA' if kind.startswith('nistp') else kind.upper()} {self.fingerprint}"


class _Line(NamedTuple):
    """A line of a known_hosts file: its number, from 0, what stands in front of its names, those, and its key."""

    number: int
    marker: str
    names: str
    key: str


class Known:
    """What the known_hosts files say of a host. Raises HostKeyError where one can't be read."""

    def __init__(self, host: Host) -> None:
        self._host = host
        files = [*host.own_hosts, *host.global_hosts]
        self._named = [line for file in files for line in _found(file, host.known_as)]
        self._others = [line for file in files for line in _found(file, host.also_known_as)]

    @property
    def types(self) -> list[str]:
        """The types of the keys that the host is known by: it is to be asked for one of these."""
        return list(dict.fromkeys(line.key.split()[0] for line in (*self._named, *self._others) if not line.marker))

    def state(self, key: HostKey) -> State:
        """What is to be thought of a key that the host shows."""
        lines = [*self._named, *self._others]
        if any(line.marker == "@revoked" and line.key == key.text for line in lines) or self._is_revoked(key):
            return "revoked"
        known = {line.key for line in self._named if not line.marker}
        if key.text in (known or {line.key for line in self._others if not line.marker}):
            return "known"
        if any(line.marker == "@cert-authority" for line in lines) and self._is_certified(key):
            return "known"
        return "changed" if known else "unknown"

    def _is_revoked(self, key: HostKey) -> bool:
        """Whether the file that RevokedHostKeys names has it, a list or a KRL; one that can't be read has all."""
        file = self._host.revoked
        if file is None:
            return False
        try:
            if key.text in file.read_bytes().decode(errors="replace"):
                return True
        except OSError:
            return True
        with tempfile.NamedTemporaryFile("w", suffix=".pub") as public:
            public.write(f"{key.text}\n")
            public.flush()
            return "REVOKED" in openssh.run(["ssh-keygen", "-Q", "-f", str(file), public.name]).stdout

    def _is_certified(self, key: HostKey) -> bool:
        """Whether an authority that is trusted has signed it: ssh itself is asked, as paramiko knows no such keys."""
        settings = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "PreferredAuthentications": "none",
            "ControlPath": "none",
            "ConnectTimeout": "15",
        }
        done = openssh.run([*openssh.options(self._host, settings), "-v", "--", self._host.name, "true"])
        certified = _CERTIFIED.search(done.stderr)
        return bool(certified and certified[1] == key.fingerprint)


def _found(file: Path, name: str) -> Iterator[_Line]:
    """The lines of a file that speak of a name, by ssh-keygen's judgement."""
    if not name or not os.path.lexists(file):
        return
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise HostKeyError(file, f"can't be read ({error.strerror})", "see to that, and run again") from error
    said = openssh.run(["ssh-keygen", "-F", name, "-f", str(file)]).stdout.splitlines()
    for head, line in pairwise(said):
        number = re.search(r": line (\d+)\b", head) if head.startswith("# Host ") else None
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if number and len(words) > 2:
            yield _Line(int(number[1]) - 1, marker, words[0], " ".join(words[1:3]))


def record(host: Host, key: HostKey) -> None:
    """Let a host be known by this key, and in the user's own file by no other. Raises HostKeyError if it can't be."""
    if Known(host).state(key) == "revoked":
        raise HostKeyError(host.name, f"its host key {key} is revoked", "ask the one who looks after that machine")
    if not host.own_hosts:
        raise HostKeyError(host.name, "has no file to be recorded in", "see UserKnownHostsFile in ~/.ssh/config")
    path = Path(os.path.realpath(host.own_hosts[0]))  # it may be a link into a folder that is kept elsewhere
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        lines = path.read_bytes().decode(errors="surrogateescape").split("\n") if path.exists() else []
        lines = [*_without(lines, _found(path, host.known_as), host.known_as), *_new(host, key), ""]
        text = "\n".join(lines).encode(errors="surrogateescape")
        store.write_file(path, lambda making: _write(making, text, mode))
    except OSError as error:
        raise HostKeyError(path, f"can't be written ({error.strerror})", "see to that, and run again") from error


def _without(lines: list[str], found: Iterable[_Line], name: str) -> Iterator[str]:
    """A file's lines without a host's name; those that name no other are left out, and an empty one at the end."""
    plain = {line.number: line.names for line in found if not line.marker}
    for number, line in enumerate(lines[:-1] if lines[-1:] == [""] else lines):
        names = plain.get(number)
        if names is None:
            yield line
        elif others := [each for each in names.split(",") if each.lower() != name.lower() and each[0] != "|"]:
            yield line.replace(names, ",".join(others), 1)


def _new(host: Host, key: HostKey) -> list[str]:
    """The line that lets a host be known by a key; ssh-keygen hashes the name, where names are hashed."""
    line = f"{host.known_as} {key.text}"
    if not host.hashed:
        return [line]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "known_hosts")
        file.write_text(f"{line}\n")
        openssh.run(["ssh-keygen", "-q", "-H", "-f", str(file)])
        return file.read_text().splitlines()


def _write(path: Path, text: bytes, mode: int) -> None:
    with path.open("wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)


class Seen(NamedTuple):
    """What a machine on the way shows. key: none where it is hidden behind one that isn't trusted yet."""

    host: Host
    key: HostKey | None
    state: State

    def __str__(self) -> str:
        if self.key is None:
            return f"{self.host.address} can be looked at when the jump host before it is trusted"
        thought = {"changed": "not the key that was recorded"}.get(self.state, self.state)
        return f"{self.host.address} {self.key} {thought}"


def record_all(seen: Iterable[Seen]) -> list[Seen]:
    """Trust the keys that were looked at, and are not known yet: these. Raises HostKeyError for one that is revoked."""
    new = [one for one in seen if one.key is not None and one.state != "known"]
    for one in new:
        if one.key is not None:
            record(one.host, one.key)
    return new
