"""Logging in: with the keys that are named, those of an agent, and a password where there is one."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import paramiko

from dlim.errors import LoginError, shown
from dlim.servers.faults import Scene
from dlim.servers.password import variable
from dlim.servers.route import PORT

_ANY = ("publickey", "password")
"""What is tried where a machine doesn't say what it wants."""


class Login:
    """How to log in to one machine, as paramiko takes an "auth_strategy". Its password is shown to nobody else."""

    def __init__(self, scene: Scene, password: str | None) -> None:
        self._server, self._who, self._hop = scene.server, scene.who, scene.hop
        self._password = password
        self._tried: list[str] = []
        self._useless: list[tuple[str, str]] = []

    def authenticate(self, transport: paramiko.Transport) -> None:
        """Log in. Raises LoginError where all that there is was refused; what breaks the link comes as it is."""
        wanted = _attempt(transport, lambda: transport.auth_none(self._hop.user))
        wanted = _ANY if wanted is None else wanted
        if "publickey" in wanted:
            wanted = self._with_keys(transport, wanted)
        if wanted and self._password is not None:
            wanted = self._with_password(transport, wanted, self._password)
        if wanted:
            raise self._refused(wanted)

    def _with_keys(self, transport: paramiko.Transport, wanted: Sequence[str]) -> Sequence[str]:
        """Try the keys; what the machine wants then, which is nothing if we are in."""
        with closing(_agent()) as agent:
            for title, key in self._keys(agent.get_keys()):
                self._tried.append(title)
                left = _attempt(transport, partial(transport.auth_publickey, self._hop.user, key))
                if left is not None:
                    return left
        return wanted

    def _keys(self, held: Sequence[paramiko.AgentKey]) -> Iterator[tuple[str, paramiko.PKey]]:
        """The keys to try, the most likely one first. held: the agent's."""
        others = list(held)
        for path in self._hop.keys:
            public = _public(path)
            same = next((key for key in others if key.asbytes() == public), None)
            if same:
                others.remove(same)
            key = same or self._loaded(path)
            if key:
                yield _short(path), key
        if not self._hop.only_keys:
            yield from ((shown(f"{key.comment} of the agent"), key) for key in others)

    def _loaded(self, path: Path) -> paramiko.PKey | None:
        if not path.exists():
            return None
        if path.suffix == ".pub":
            self._useless.append((f"no agent holds the key {_short(path)}", f"ssh-add {_short(path.with_suffix(''))}"))
            return None
        try:
            return paramiko.PKey.from_path(path)
        except TypeError:  # so the library underneath puts it that no passphrase was given
            self._useless.append(
                (f"the key {_short(path)} is encrypted, and no agent holds it", f"ssh-add {_short(path)}")
            )
        except (paramiko.SSHException, paramiko.pkey.UnknownKeyType, OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "of no kind that is known"
            self._useless.append((f"the key {_short(path)} can't be read ({why})", "name another as identity_file"))
        return None

    def _with_password(self, transport: paramiko.Transport, wanted: Sequence[str], password: str) -> Sequence[str]:
        user = self._hop.user
        if "password" in wanted:
            left = _attempt(transport, lambda: transport.auth_password(user, password, fallback=False))
        elif "keyboard-interactive" in wanted:
            left = _attempt(transport, lambda: transport.auth_interactive(user, _answers(password)))
        else:
            return wanted
        if left is None:
            raise LoginError(self._server, f"{self._who}refuses the password of {user}", "correct it")
        return left

    def _refused(self, wanted: Sequence[str]) -> LoginError:
        user = self._hop.user
        port = "" if self._hop.port == PORT else f"-p {self._hop.port} "
        remedies = [f"ssh-copy-id {port}{user}@{self._hop.name}"]
        if not self._hop.jump:
            remedies.append("name the right key as identity_file in config/servers.toml")
        if {"password", "keyboard-interactive"} & set(wanted):
            remedies.append(f"set {variable(self._hop.name if self._hop.jump else self._server)}")
        remedy = ", or ".join(remedies)
        if "publickey" not in wanted:
            fault, remedy = f"takes {' or '.join(wanted)} and nothing else from {user}", remedies[-1]
        elif self._tried:
            fault = f"takes none of these keys from {user}: {', '.join(self._tried)}"
        elif self._useless:
            fault, remedy = self._useless[0]
        else:
            fault = f"wants a key of {user}, and there is none"
        return LoginError(self._server, self._who + fault, remedy)


def _attempt(transport: paramiko.Transport, step: Callable[[], Sequence[str]]) -> Sequence[str] | None:
    """What a machine still wants after a step of the login, nothing if we are in; None where it refused the step.

    Raises what broke the link: paramiko calls that a refusal, too.
    """
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


def _agent() -> paramiko.Agent:
    try:
        return paramiko.Agent()
    except (paramiko.SSHException, OSError):  # what SSH_AUTH_SOCK names is no agent
        return paramiko.agent.AgentSSH()


def _public(path: Path) -> bytes | None:
    """The public half of a key, if it lies beside it."""
    file = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    try:
        return base64.b64decode(file.read_text(encoding="utf-8").split()[1])
    except (OSError, ValueError, IndexError):
        return None


def _short(path: Path) -> str:
    home = Path.home()
    return shown(f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path))
