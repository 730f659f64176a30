"""Logging in: with the keys that are named, those of an agent, and a password where there is one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paramiko.pkey import PublicBlob

from dlim.errors import LoginError, shown
from dlim.servers.faults import Scene
from dlim.servers.openssh import PORT
from dlim.servers.password import variable

_ANY = ("publickey", "password")
"""What is tried where a machine doesn't say what it wants."""

Tried = Sequence[str] | None
"""What a machine still wants after a step of the login, nothing if we are in; None where it refused the step."""


class Login:
    """How to log in to one machine, as paramiko takes an "auth_strategy". Its password is shown to nobody else."""

    def __init__(self, scene: Scene, password: str | None) -> None:
        self._server, self._host = scene.server, scene.host
        self._password = password
        self._tried: list[str] = []
        self._useless: list[tuple[str, str]] = []

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Log in. Raises LoginError where all that there is was refused; what breaks the link comes as it is."""
        wanted = _attempt(transport, lambda: transport.auth_none(self._host.user))
        wanted = _ANY if wanted is None else wanted
        if "publickey" in wanted:
            wanted = self._with_keys(transport, wanted)
        if wanted and self._password is not None:
            wanted = self._with_password(transport, wanted, self._password)
        if wanted:
            raise self._refused(wanted)

    def _with_keys(self, transport: paramiko.Transport, wanted: Sequence[str]) -> Sequence[str]:
        with closing(_Agent(self._host.agent)) as agent:
            for title, key in self._keys(agent.get_keys()):
                self._tried.append(title)
                left = _attempt(transport, partial(transport.auth_publickey, self._host.user, key))
                if left is not None:
                    return left
        return wanted

    def _keys(self, held: Sequence[paramiko.AgentKey]) -> Iterator[tuple[str, paramiko.PKey]]:
        """The keys to try, the most likely one first. held: the agent's."""
        others = list(held)
        certificates = [found for path in self._host.certificates if (found := _public(path))]
        for path in self._host.keys:
            public = _public(path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub"))
            same = next((key for key in others if public and key.asbytes() == public.key_blob), None)
            if same:
                others.remove(same)
            key = same or self._loaded(path)
            if key:
                _certify(key, [*([beside] if (beside := _public(Path(f"{path}-cert.pub"))) else []), *certificates])
                yield _short(path), key
        if not self._host.only_keys:
            yield from ((shown(f"{key.comment} of the agent"), key) for key in others)

    def _loaded(self, path: Path) -> paramiko.PKey | None:
        if not path.exists():
            return None
        if path.suffix == ".pub":
            self._useless.append((f"no agent holds the key {_short(path)}", f"ssh-add {_short(path.with_suffix(''))}"))
            return None
        try:
            return _read(path.read_bytes())
        except TypeError:  # so the library underneath puts it that no passphrase was given
            self._useless.append(
                (f"the key {_short(path)} is encrypted, and no agent holds it", f"ssh-add {_short(path)}")
            )
        except (paramiko.SSHException, OSError, ValueError, KeyError) as error:
            why = error.strerror if isinstance(error, OSError) else "of no kind that is known"
            self._useless.append((f"the key {_short(path)} can't be read ({why})", "name another as identity_file"))
        return None

    def _with_password(self, transport: paramiko.Transport, wanted: Sequence[str], password: str) -> Sequence[str]:
        user = self._host.user
        if "password" in wanted:
            left = _attempt(transport, lambda: transport.auth_password(user, password, fallback=False))
        elif "keyboard-interactive" in wanted:
            left = _attempt(transport, lambda: transport.auth_interactive(user, _answers(password)))
        else:
            return wanted
        if left is None:
            raise LoginError(self._server, f"refuses the password of {user}", "correct it")
        return left

    def _refused(self, wanted: Sequence[str]) -> LoginError:
        user = self._host.user
        port = "" if self._host.port == PORT else f"-p {self._host.port} "
        remedies = [f"ssh-copy-id {port}{user}@{self._host.name}"]
        remedies.append("name the right key as identity_file in config/servers.toml")
        if {"password", "keyboard-interactive"} & set(wanted):
            remedies.append(f"set {variable(self._server)}")
        remedy = ", or ".join(remedies)
        if "publickey" not in wanted:
            methods = shown(" or ".join(wanted))[:100]
            fault, remedy = f"takes {methods} and nothing else from {user}", remedies[-1]
        elif self._tried:
            fault = f"takes none of these keys from {user}: {', '.join(self._tried)}"
        elif self._useless:
            fault, remedy = self._useless[0]
        else:
            fault = f"wants a key of {user}, and there is none"
        return LoginError(self._server, fault, remedy)


def _attempt(transport: paramiko.Transport, step: Callable[[], Sequence[str]]) -> Tried:
    """Try a step of the login. Raises what broke the link: paramiko calls that a refusal, too."""
    try:
        return step()
    except paramiko.BadAuthenticationType as error:
        return list(error.allowed_types)
    except paramiko.AuthenticationException:
        if not transport.is_active():
            raise
        return None


def _answers(password: str) -> Callable[[str, str, Sequence[tuple[str, bool]]], list[str]]:
    """Answers the one question that a machine asks in place of taking a password, and no other."""

    def answers(title: str, instructions: str, questions: Sequence[tuple[str, bool]]) -> list[str]:
        asked = len(questions) == 1 and "password" in questions[0][0].lower() and not questions[0][1]
        return [password] if asked else [""] * len(questions)

    return answers


class _Agent(paramiko.agent.AgentSSH):  # type: ignore[misc]  # it has no types
    """The agent behind a socket; without keys where nobody is there, or somebody else is."""

    def __init__(self, path: str) -> None:
        super().__init__()
        link = socket.socket(socket.AF_UNIX)
        try:
            link.connect(path)
            self._connect(link)
        except (paramiko.SSHException, OSError):
            link.close()

    def close(self) -> None:
        self._close()


def _read(data: bytes) -> paramiko.PKey:
    """A private key in any format that ssh takes; paramiko itself reads the newest for each type."""
    try:
        loaded: Any = serialization.load_ssh_private_key(data, None)
    except ValueError:
        loaded = serialization.load_pem_private_key(data, None)
    text = loaded.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    kinds = (RSAPrivateKey, paramiko.RSAKey), (EllipticCurvePrivateKey, paramiko.ECDSAKey)
    kind = next((kind for own, kind in kinds if isinstance(loaded, own)), paramiko.Ed25519Key)
    return kind.from_private_key(StringIO(text))


def _public(path: Path) -> PublicBlob | None:
    """The public half of a key, or a certificate."""
    with suppress(OSError, ValueError, paramiko.SSHException):
        return PublicBlob.from_file(str(path))
    return None


def _certify(key: paramiko.PKey, certificates: Sequence[PublicBlob]) -> None:
    """Let a key be shown with the certificate that is its own, if there is one: that has the key in it."""
    own = key.asbytes()[4 + len(key.get_name()) :]
    key.public_blob = next((one for one in certificates if own in one.key_blob), None)


def _short(path: Path) -> str:
    home = Path.home()
    return shown(f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path))
