"""What OpenSSH's own programs say: who a host is, by `ssh -G`; and a socket to it that `ssh -W` or a program makes."""

from __future__ import annotations

import os
import pwd
import re
import shlex
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from dlim.config import Server
from dlim.errors import ConfigError, WorkspaceError, shown
from dlim.servers.password import without

PORT = 22

_PLACE = "~/.ssh/config"

_JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>.+)@)?(?:\[(?P<v6>[^]]+)\]|(?P<host>[^:/]+))(?::(?P<port>\d+))?/?")
"""A jump host, as ProxyJump names it."""

_LONGEST = 60.0
"""Seconds that a program of OpenSSH may take: `Match exec` may run anything."""

_STRICT = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "UpdateHostKeys": "no",
    "ControlMaster": "no",
    "LogLevel": "INFO",
}
"""How each jump host is passed: nobody is asked, and nobody is let in whose key isn't known."""


@dataclass(frozen=True)
class Host:
    """A machine on the way, the server itself or a jump host, as ssh would go to it.

    name: what it is called in ~/.ssh/config. jump: whether it is a jump host. known_as: its name in known_hosts files:
    own_hosts, of which the first is the one to write into, and global_hosts. also_known_as: its name without a port,
    by which it may have been recorded long ago. hashed: whether names are written there so that nobody can read them.
    revoked: a file of keys that are. keys: private keys to log in with, and their certificates. only_keys: whether an
    agent's other keys stay out of it. agent: its socket. link: the command that makes a socket to it, if there is one.
    """

    name: str
    jump: bool
    host: str
    port: int
    user: str
    known_as: str
    also_known_as: str
    own_hosts: tuple[Path, ...]
    global_hosts: tuple[Path, ...]
    hashed: bool
    revoked: Path | None
    keys: tuple[Path, ...]
    certificates: tuple[Path, ...]
    only_keys: bool
    agent: str
    link: str

    @property
    def address(self) -> str:
        """How messages name the machine: user@host:port."""
        return f"{self.user}@{self.at}"

    @property
    def at(self) -> str:
        """Where it listens: host:port."""
        return f"{in_brackets(self.host)}:{self.port}"


def in_brackets(host: str) -> str:
    """A host as it stands before a colon and a port."""
    return f"[{host}]" if ":" in host else host


def way(server: Server) -> tuple[Host, ...]:
    """The machines that lead to a server, itself the last. Raises ConfigError where ssh can't follow what is said."""
    options = [*(["-l", server.user] if server.user else []), *(["-p", str(server.port)] if server.port else [])]
    *jumps, last = _way([*options, "--", server.host], server.host, ())
    keys = (Path.home() / Path(server.identity_file).expanduser(),) if server.identity_file else last.keys
    return (*jumps, replace(last, jump=False, keys=keys))


def _way(arguments: Sequence[str], name: str, before: tuple[str, ...]) -> tuple[Host, ...]:
    """The hosts to one. arguments: how ssh is asked for it. before: the jumps that asked for this one."""
    said = _said(arguments)
    hosts: tuple[Host, ...] = ()
    jumps = said.get("proxyjump", ["none"])[-1]
    for jump in jumps.split(",") if jumps != "none" else ():
        to = _JUMP.fullmatch(jump)
        if jump in before or not to:
            raise ConfigError(_PLACE, f"the way to {name} comes to ProxyJump {jump} again", "say ProxyJump none there")
        asked = [*(["-l", to["user"]] if to["user"] else []), *(["-p", to["port"]] if to["port"] else [])]
        # the first is reached as its own settings say, each further one through those before it
        asked = [*(["-o", "ProxyJump=none"] if hosts else []), *asked, "--", to["v6"] or to["host"]]
        *found, last = _way(asked, to["v6"] or to["host"], (*before, jump))
        hosts = (*hosts, *found, replace(last, link=_through(hosts[-1], last)) if hosts else last)
    last = _host(arguments, said, name)
    return (*hosts, replace(last, link=_through(hosts[-1], last)) if hosts else last)


def _said(arguments: Sequence[str]) -> Mapping[str, list[str]]:
    """What `ssh -G` says: each setting with its values."""
    done = run(["ssh", *home(), "-G", *arguments])
    if done.returncode:
        last = next((line for line in done.stderr.splitlines() if line.strip() and "Pseudo-terminal" not in line), "")
        fault = f"ssh can't follow it ({shown(last.strip())[:200]})"
        if "hostname contains" in last or "Could not resolve" in last:
            raise ConfigError("config/servers.toml", f"host: {fault}", "correct it")
        raise ConfigError(_PLACE, fault, "correct it")
    said: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        said.setdefault(key, []).append(value)
    return said


def _host(arguments: Sequence[str], said: Mapping[str, list[str]], name: str) -> Host:
    def one(key: str, usual: str = "") -> str:
        value = said.get(key, [usual])[-1]
        return "" if value.lower() == "none" else value

    def expanded(key: str) -> list[str]:
        """The values of a setting that ssh says as they are written, though it expands them where it uses them."""
        return [_expanded(arguments, value) if re.search(r"%|\$\{", value) else value for value in said.get(key, [])]

    host, port, user, alias = one("hostname"), int(one("port", "22")), one("user"), one("hostkeyalias")
    lower = host.lower()
    proxy = one("proxycommand")
    tokens = {"h": host, "n": name, "p": str(port), "r": user, "%": "%"}
    return Host(
        name=name,
        jump=True,
        host=host,
        port=port,
        user=user,
        known_as=alias or (lower if port == PORT else f"[{lower}]:{port}"),
        also_known_as="" if alias or port == PORT else lower,
        own_hosts=tuple(_files(_split(one("userknownhostsfile")))),
        global_hosts=tuple(_files(_split(one("globalknownhostsfile")))),
        hashed=one("hashknownhosts") == "yes",
        revoked=next(iter(_files(expanded("revokedhostkeys"))), None),
        keys=tuple(_files(expanded("identityfile"))),
        certificates=tuple(_files(expanded("certificatefile"))),
        only_keys=one("identitiesonly") == "yes",
        agent=_agent(said.get("identityagent", ["SSH_AUTH_SOCK"])[-1]),
        link="exec " + re.sub("%(.)", lambda token: tokens.get(token[1], token[0]), proxy) if proxy else "",
    )


def _expanded(arguments: Sequence[str], value: str) -> str:
    """A file's name with its tokens and variables resolved: ssh does that for this setting at once."""
    return _said(["-o", f'IdentityAgent="{value}"', *arguments])["identityagent"][-1]


def _split(names: str) -> list[str]:
    """The files of a setting, which ssh joins with spaces although names may hold some: each begins with a / or ~."""
    return re.split(r" (?=[/~])", names)


def _files(names: Iterable[str]) -> Iterable[Path]:
    """Files, as they lie for the one who runs dlim: what ssh takes for the account's home is $HOME."""
    account = _account()
    for name in names:
        if name and name.lower() != "none":
            path = Path.home() / Path(name).expanduser()
            yield Path.home() / path.relative_to(account) if path.is_relative_to(account) and account.name else path


def _agent(setting: str) -> str:
    if setting.lower() == "none":
        return ""
    if setting == "SSH_AUTH_SOCK" or setting.startswith("$"):
        return os.environ.get(setting.strip("${}"), "")
    return next((str(path) for path in _files([setting])), "")


def _account() -> Path:
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # ssh itself will say so
        return Path.home()


def home() -> list[str]:
    """What makes ssh look below $HOME, as all else does: ssh itself goes by the account's entry in passwd."""
    if Path.home() == _account():
        return []
    config = Path.home() / ".ssh/config"
    return ["-F", str(config) if config.exists() else "none"]


def options(host: Host, settings: Mapping[str, str]) -> list[str]:
    """The options with which ssh logs in to a host as it was found, by settings of ours."""
    words = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    if home():
        files = " ".join(f'"{path}"' for path in host.own_hosts) or "none"
        words += [
            "-o",
            f"UserKnownHostsFile={files}",
            *(word for key in host.keys for word in ("-o", f'IdentityFile="{key}"')),
        ]
    command = host.link.removeprefix("exec ").replace("%", "%%") or "none"
    return ["ssh", *home(), *words, "-o", f"ProxyCommand={command}", "-p", str(host.port), "-l", host.user]


def _through(gate: Host, host: Host) -> str:
    """The command that makes a socket to a host on a jump host: OpenSSH's own, with its own rules for each hop."""
    return f"exec {shlex.join([*options(gate, _STRICT), '-W', host.at, '--', gate.name])}"


def run(command: Sequence[str], feed: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a program of OpenSSH, which sees no password. Raises WorkspaceError where it isn't installed."""
    given = {"input": feed} if feed is not None else {"stdin": subprocess.DEVNULL}
    try:
        return subprocess.run(
            command,
            env=environment(),
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=_LONGEST,
            check=False,
            start_new_session=True,
            **given,
        )
    except FileNotFoundError as error:
        raise WorkspaceError(command[0], "is not installed on this machine", "install openssh-client") from error
    except subprocess.TimeoutExpired as error:
        fault = f"{command[0]} didn't end within {_LONGEST:g} s"
        raise ConfigError(_PLACE, fault, "see what Match exec runs there") from error


def environment() -> dict[str, str]:
    """What OpenSSH's programs see: no password, English, and nobody to ask."""
    return {**without(os.environ), "LC_MESSAGES": "C", "SSH_ASKPASS_REQUIRE": "never"}


class Proxy:
    """A program that makes the link: one of OpenSSH's own, or a ProxyCommand. socket: our end of it."""

    def __init__(self, command: str) -> None:
        self.socket, theirs = socket.socketpair()
        self._err = tempfile.TemporaryFile()  # noqa: SIM115 - closed with it
        with theirs:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", command],
                env=environment(),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._err,
                start_new_session=True,
            )

    def said(self) -> str:
        """What it complained about."""
        with suppress(subprocess.TimeoutExpired):  # it may be about to say why it ends
            self._process.wait(1.0)
        self._err.seek(0)
        return self._err.read(1 << 16).decode(errors="replace").strip()

    def close(self) -> None:
        """End it, and what it started."""
        self.socket.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._err.close()
