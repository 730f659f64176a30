"""What goes wrong on the way to a server and on it, told in words: the one border of paramiko, ssh and shells."""

from __future__ import annotations

import math
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from dlim.errors import CommandError, DlimError, HostKeyError, LoginError, Unreachable, shown

if TYPE_CHECKING:
    from dlim.servers.link import Stream
    from dlim.servers.openssh import Host
    from dlim.servers.trust import HostKey

LONGEST = 300
"""Characters of what a server says that stand in a line."""

GOES_ON = "what runs there goes on; run again when it is back"
NETWORK = "see whether it is switched on, and the network there"

# on the way


@dataclass(frozen=True)
class Scene:
    """Where something went wrong.

    server: whose errors they are. host: on the way to which machine. stream: the one to it, if there was one. farewell:
    what the machine said when it closed the link.
    """

    server: str
    host: Host
    stream: Stream | None = None
    farewell: str = ""

    @property
    def first(self) -> bytes:
        """What the machine said to begin with."""
        return self.stream.first if self.stream else b""

    @property
    def who(self) -> str:
        """How a message begins that is not about the server but about a jump host."""
        return f"its jump host {self.host.name} " if self.host.jump else ""

    def unreachable(self, fault: str, remedy: str) -> DlimError:
        return Unreachable(self.server, self.who + fault, remedy)


def told(error: BaseException, scene: Scene) -> DlimError:
    """The error that says what happened."""
    import paramiko

    if isinstance(error, DlimError):
        return error
    stream = scene.stream
    if stream and stream.lost:
        if stream.until == math.inf:
            from dlim.servers.link import PATIENCE

            return scene.unreachable(f"gave no sign of life for {PATIENCE:g} s", GOES_ON)
        return _other_than_ssh(scene) or _no_answer(error, scene)
    faults: tuple[tuple[type[BaseException], Callable[[BaseException, Scene], DlimError]], ...] = (
        # each kind of error, a special one before the one that it is a case of; any other is a link that broke
        (socket.gaierror, _no_name),
        (UnicodeError, _no_name),
        (ConnectionRefusedError, _refused),
        (paramiko.ssh_exception.NoValidConnectionsError, _refused),
        (TimeoutError, _no_answer),
        (paramiko.ssh_exception.IncompatiblePeer, _nothing_in_common),
        (paramiko.AuthenticationException, _no_login),
        (paramiko.SSHException, _no_ssh),
        (EOFError, _no_ssh),
        (OSError, _no_way),
    )
    make = next((make for kind, make in faults if isinstance(error, kind)), _broken)
    return make(error, scene)


def untrusted(
    scene: Scene, found: Literal["known", "unknown", "changed", "revoked", "hidden"], key: HostKey
) -> HostKeyError | None:
    """What is wrong with the host key that a machine shows; None where it is known."""
    trust = f"doit trust:{scene.server} --record"
    faults = {
        "unknown": (f"its host key is unknown ({key})", f"compare it, then {trust}"),
        "changed": (
            f"its host key is not the one that was recorded ({key}): this may be another machine in its place",
            f"find out why; if it was set up anew, compare the key, then {trust}",
        ),
        "revoked": (f"its host key is revoked ({key})", "ask the one who looks after that machine"),
    }
    return HostKeyError(scene.server, *faults[found]) if found in faults else None


def _no_name(error: BaseException, scene: Scene) -> DlimError:
    if scene.stream:  # what it said was no text
        return _broken(error, scene)
    unsure = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
    fault = "can't be looked up" if unsure else "is not known"
    return scene.unreachable(f"the name {scene.host.host} {fault}", "correct host, or see to the network")


def _refused(error: BaseException, scene: Scene) -> DlimError:
    return scene.unreachable(f"nothing listens at {scene.host.at}", "start its ssh server, or correct host and port")


def _no_answer(error: BaseException, scene: Scene) -> DlimError:
    return scene.unreachable(f"{scene.host.at} doesn't answer", NETWORK)


def _no_login(error: BaseException, scene: Scene) -> DlimError:
    if "too many" in scene.farewell.lower():
        remedy = "name the right key as identity_file in config/servers.toml"
        return LoginError(scene.server, f"refuses so many keys of {scene.host.user}", remedy)
    return _broken(error, scene)


def _other_than_ssh(scene: Scene) -> DlimError | None:
    if not scene.first or b"SSH-" in scene.first:
        return None
    said = shown(scene.first.split(b"\n")[0].decode(errors="replace").strip())[:80]
    return scene.unreachable(f'{scene.host.at} is no ssh server: it says "{said}"', "correct port")


def _nothing_in_common(error: BaseException, scene: Scene) -> DlimError:
    why = shown(str(error))[:LONGEST].partition("(")[2].rstrip(")")
    return scene.unreachable(f"offers nothing that is safe: {why}", "renew its ssh server")


def _no_ssh(error: BaseException, scene: Scene) -> DlimError:
    return _other_than_ssh(scene) or _broken(error, scene)


def _no_way(error: BaseException, scene: Scene) -> DlimError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else ""
    if not why or scene.first or scene.host.link:
        return _broken(error, scene)
    return scene.unreachable(f"{scene.host.at} can't be reached ({why})", NETWORK)


def _broken(error: BaseException, scene: Scene) -> DlimError:
    said = scene.stream.said() if scene.stream else ""
    if said and not scene.first:
        return _no_passage(said, scene)
    farewell = scene.farewell or said
    return scene.unreachable(f"the link broke{f': {shown(farewell)[:LONGEST]}' if farewell else ''}", GOES_ON)


_FOLLOWS = re.compile("stdio forwarding failed|Connection (closed|reset) by|kex_exchange_identification|Killed by")
"""What ssh says when it ends because of what it said before."""


def _no_passage(said: str, scene: Scene) -> DlimError:
    """What the ssh on a jump host, or a ProxyCommand, has against the way."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not _FOLLOWS.match(line)]
    last = shown(lines[-1] if lines else "")[:LONGEST].rstrip(".")
    untrusted = re.search(r"(?:host key is known for|Host key for) (\S+) .*strict checking", said)
    if untrusted:
        found = "not the one that was recorded" if "has changed" in untrusted[0] else "unknown"
        fault = f"its jump host {shown(untrusted[1])}: its host key is {found}"
        return HostKeyError(scene.server, fault, f"doit trust:{scene.server} shows it; compare it, then --record")
    refused = re.search(r"(\S+): Permission denied \((.*)\)", said)
    if refused:
        fault = f"its jump host {shown(refused[1])} takes no key of those that ssh has ({shown(refused[2])})"
        return LoginError(scene.server, fault, f"ssh-copy-id {shown(refused[1])}, or ssh-add the key for it")
    behind = re.search(r"open failed: (.*)", said)
    if behind:
        why = shown(behind[1].strip()).lower()[:LONGEST]
        return scene.unreachable(f"{scene.host.at} can't be reached from the jump host before it ({why})", NETWORK)
    return scene.unreachable(f"{scene.host.at} can't be reached ({last})", "see to that, and run again")


# on the server

_PREFIX = re.compile(r"^(dlim|sh): (line )?(\d+: )?(eval: )?(line )?(\d+: )?")
"""How shells begin a complaint: dash says `dlim: 3: `, bash `dlim: line 3: `."""

_MISSING = re.compile(r"([^\s:'‘]+)['’]?: (?:(?:command |applet )?not found|No such file or directory)$")

_CORE = """
cat chmod comm cp cut date dd df dirname env head ln ls mkdir mktemp mv readlink rm rmdir sha256sum sleep sort stat tail
timeout touch tr wc
"""

_PACKAGES = {
    **dict.fromkeys(_CORE.split(), "coreutils"),
    **dict.fromkeys(("find", "xargs"), "findutils"),
    **dict.fromkeys(("flock", "setsid"), "util-linux"),
    "python": "python-is-python3",
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
    silent = "a script was killed there" if status < 0 else f"a script ended with status {status}"
    last = lines[-1] if lines else silent
    missing = _MISSING.search(last)
    if missing and (status == 127 or "not found" in missing[0]):
        program = missing[1]
        return CommandError(server, f"{program} is missing there", f"install it: {_PACKAGES.get(program, program)}")
    return CommandError(server, last, "see to that, and run again")


def _plain(line: str) -> str:
    """A complaint without the shell's beginning, and as it can stand in a line of ours."""
    return shown(_PREFIX.sub("", line.strip()))[:LONGEST].rstrip(".")


def not_begun(server: str, status: int, said: str) -> CommandError:
    """The error that says why a script couldn't even begin. said: all that the login shell said."""
    remedy = "let them do nothing without a terminal"
    if not said.strip():
        fault = "its user has no shell that runs a script, or start-up files (~/.bashrc there) that swallow it"
        return CommandError(server, fault, f"give that user a shell, with chsh, or {remedy}")
    if _OTHER_SHELL.search(said):
        fault = "its user's start-up files (~/.bashrc there) put another program in the place of the shell"
        return CommandError(server, fault, remedy)
    return meaning(server, status, said)


_OTHER_SHELL = re.compile(r"^fish: |^\s*\^+~*\^?\s*$|\\0012", re.MULTILINE)
"""What another program than sh says to what was meant for sh: fish points at a place, others repeat the line."""
