"""What goes wrong on the way to a server, as paramiko and the kernel raise it, told in words: the one border."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

import paramiko

from dlim.errors import DlimError, HostKeyError, LoginError, Unreachable, shown
from dlim.servers import pulse
from dlim.servers.known_hosts import HostKey, State
from dlim.servers.pulse import Pulse
from dlim.servers.route import Hop, in_brackets

GOES_ON = "what runs there goes on; run again when it is back"
NETWORK = "see whether it is switched on, and the network there"


@dataclass(frozen=True)
class Scene:
    """Where something went wrong.

    server: whose errors they are. hop: on the way to which machine. pulse: the stream to it, if there was one. lost:
    whether that was given up. farewell: what the machine said when it closed the link.
    """

    server: str
    hop: Hop
    pulse: Pulse | None = None
    lost: bool = False
    farewell: str = ""

    @property
    def first(self) -> bytes:
        """What the machine said to begin with."""
        return self.pulse.first if self.pulse else b""

    @property
    def who(self) -> str:
        """How a message begins that is not about the server but about a jump host."""
        return f"its jump host {self.hop.name} " if self.hop.jump else ""

    @property
    def at(self) -> str:
        return f"{in_brackets(self.hop.host)}:{self.hop.port}"


def told(error: BaseException, scene: Scene) -> DlimError:
    """The error that says what happened."""
    if isinstance(error, DlimError):
        return error
    if scene.lost and scene.pulse:
        return _silent(scene) if scene.pulse.until is None else (_other_than_ssh(scene) or _no_answer(error, scene))
    make = next((make for kind, make in _FAULTS if isinstance(error, kind)), _broken)
    return make(error, scene)


def _silent(scene: Scene) -> DlimError:
    return Unreachable(scene.server, f"{scene.who}gave no sign of life for {pulse.PATIENCE:g} s", GOES_ON)


def untrusted(scene: Scene, found: State, key: HostKey) -> HostKeyError | None:
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
    if found not in faults:
        return None
    fault, remedy = faults[found]
    return HostKeyError(scene.server, scene.who.rstrip() + (": " if scene.who else "") + fault, remedy)


def _no_name(error: BaseException, scene: Scene) -> DlimError:
    if scene.pulse:  # what it said was no text
        return _broken(error, scene)
    unsure = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
    fault = "can't be looked up" if unsure else "is not known"
    return Unreachable(
        scene.server, f"{scene.who}the name {scene.hop.host} {fault}", "correct host, or see to the network"
    )


def _refused(error: BaseException, scene: Scene) -> DlimError:
    return Unreachable(
        scene.server, f"{scene.who}nothing listens at {scene.at}", "start its ssh server, or correct host and port"
    )


def _no_answer(error: BaseException, scene: Scene) -> DlimError:
    return Unreachable(scene.server, f"{scene.who}{scene.at} doesn't answer", NETWORK)


def _no_passage(error: BaseException, scene: Scene) -> DlimError:
    why = shown(getattr(error, "text", "") or str(error)).lower()
    return Unreachable(scene.server, f"{scene.at} can't be reached from the jump host before it ({why})", NETWORK)


def _no_login(error: BaseException, scene: Scene) -> DlimError:
    if "too many" in scene.farewell.lower():
        remedy = "name the right key as identity_file in config/servers.toml"
        return LoginError(scene.server, f"{scene.who}refuses so many keys of {scene.hop.user}", remedy)
    return _broken(error, scene)


def _other_than_ssh(scene: Scene) -> DlimError | None:
    if not scene.first or b"SSH-" in scene.first:
        return None
    said = shown(scene.first.split(b"\n")[0].decode(errors="replace").strip())[:80]
    return Unreachable(scene.server, f'{scene.who}{scene.at} is no ssh server: it says "{said}"', "correct port")


def _no_ssh(error: BaseException, scene: Scene) -> DlimError:
    """It is no ssh server, or one that we have no algorithm in common with; or the link broke meanwhile."""
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        why = shown(str(error)).partition("(")[2].rstrip(")")
        return Unreachable(scene.server, f"{scene.who}offers nothing that is safe: {why}", "renew its ssh server")
    return _other_than_ssh(scene) or _broken(error, scene)


def _broken(error: BaseException, scene: Scene) -> DlimError:
    farewell = f": {shown(scene.farewell)[:200]}" if scene.farewell else ""
    return Unreachable(scene.server, f"{scene.who}the link broke{farewell}", GOES_ON)


def _unreachable(error: BaseException, scene: Scene) -> DlimError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else ""
    if not why or scene.first:
        return _broken(error, scene)
    return Unreachable(scene.server, f"{scene.who}{scene.at} can't be reached ({why})", NETWORK)


_FAULTS: tuple[tuple[type[BaseException], Callable[[BaseException, Scene], DlimError]], ...] = (
    (socket.gaierror, _no_name),
    (UnicodeError, _no_name),
    (ConnectionRefusedError, _refused),
    (paramiko.ssh_exception.NoValidConnectionsError, _refused),
    (TimeoutError, _no_answer),
    (paramiko.ChannelException, _no_passage),
    (paramiko.AuthenticationException, _no_login),
    (paramiko.SSHException, _no_ssh),
    (EOFError, _no_ssh),
    (OSError, _unreachable),
)
"""Each kind of error, a special one before the one that it is a case of; any other is a link that broke."""
