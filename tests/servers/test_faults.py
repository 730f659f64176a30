"""Every error that paramiko, fabric and the kernel can raise on the way to a server has its words."""

from __future__ import annotations

import inspect
import math
import socket
from dataclasses import replace

import paramiko
import pytest
from fabric import exceptions as fabric_exceptions

from dlim.config import Server
from dlim.errors import CommandError, DlimError, LoginError, TransportError, Unreachable
from dlim.servers.faults import Scene, told
from dlim.servers.link import Stream
from dlim.servers.openssh import way
from tests.sshd import Client


@pytest.fixture
def scene(client: Client) -> Scene:
    """On the way to a server of no jump hosts."""
    [host] = way(Server("box.example", user="me"))
    return Scene("ssd", host)


def made(kind: type[BaseException]) -> BaseException:
    """An error of a kind, whatever it takes to make one."""
    if kind is paramiko.ssh_exception.NoValidConnectionsError:
        return kind({("127.0.0.1", 22): OSError(111, "refused")})
    if kind is paramiko.BadHostKeyException:
        key = paramiko.RSAKey.generate(1024)
        return kind("box", key, key)
    names = list(inspect.signature(kind.__init__).parameters)[1:]
    if names[:1] in (["args"], ["kwargs"]):
        return kind("some words")
    return kind(*["some words"] * len(names))


PARAMIKO = [
    kind
    for _, kind in sorted(inspect.getmembers(paramiko.ssh_exception, inspect.isclass))
    if issubclass(kind, Exception)
]


@pytest.mark.parametrize("kind", [*PARAMIKO, EOFError, OSError, TimeoutError, UnicodeError, ValueError, KeyError])
def test_each_error_has_its_words(scene: Scene, kind: type[BaseException]) -> None:
    """Whatever is raised becomes one line about the server."""
    error = told(made(kind), scene)
    assert isinstance(error, TransportError)
    assert error.place == "ssd"
    assert error.fault
    assert error.remedy
    assert "\n" not in str(error)


WORDS = [
    pytest.param(
        ConnectionRefusedError(111, "refused"), Unreachable, "nothing listens at box.example:22", id="refused"
    ),
    pytest.param(TimeoutError(), Unreachable, "box.example:22 doesn't answer", id="no answer"),
    pytest.param(OSError(113, "No route to host"), Unreachable, "can't be reached (No route to host)", id="no way"),
    pytest.param(OSError(101, "Network is unreachable"), Unreachable, "(Network is unreachable)", id="no network"),
    pytest.param(
        socket.gaierror(-2, "Name or service not known"), Unreachable, "box.example is not known", id="no name"
    ),
    pytest.param(socket.gaierror(-3, "Temporary failure"), Unreachable, "can't be looked up", id="no name server"),
    pytest.param(EOFError(), Unreachable, "the link broke", id="the end"),
    pytest.param(ConnectionResetError(104, "reset"), Unreachable, "can't be reached (reset)", id="reset at once"),
    pytest.param(paramiko.SSHException("Channel closed."), Unreachable, "the link broke", id="a channel's end"),
    pytest.param(
        paramiko.ssh_exception.IncompatiblePeer("Incompatible ssh peer (no acceptable host key)"),
        Unreachable,
        "offers nothing that is safe: no acceptable host key",
        id="nothing in common",
    ),
]


@pytest.mark.parametrize(("error", "kind", "words"), WORDS)
def test_what_is_said(scene: Scene, error: BaseException, kind: type[DlimError], words: str) -> None:
    """Each error is told for what it is."""
    found = told(error, scene)
    assert type(found) is kind
    assert words in found.fault


def test_a_farewell_is_told(scene: Scene) -> None:
    """What a machine says when it closes the link is passed on, and too many keys are told as such."""
    left = replace(scene, farewell="Idle\x1b too long")
    assert told(EOFError(), left).fault == "the link broke: Idle\\x1b too long"
    many = replace(scene, farewell="Too many authentication failures")
    found = told(paramiko.AuthenticationException("Authentication failed."), many)
    assert isinstance(found, LoginError)
    assert found.fault == "refuses so many keys of me"


def test_a_stall_is_no_refusal(scene: Scene) -> None:
    """What paramiko calls a failed authentication is a link that was given up, if it was."""
    stream = Stream(replace(scene.host, link="exec cat"), math.inf)
    try:
        stream.first, stream.lost = b"SSH-2.0-x", True
        lost = replace(scene, stream=stream)
        assert told(paramiko.AuthenticationException(), lost).fault == "gave no sign of life for 15 s"
        stream.until = 0.0
        assert told(paramiko.AuthenticationException(), lost).fault == "box.example:22 doesn't answer"
    finally:
        stream.end()


def test_an_error_of_ours_stays(scene: Scene) -> None:
    """What has its words already keeps them."""
    error = CommandError("ssd", "some", "thing")
    assert told(error, scene) is error


def test_fabric_adds_no_error_that_is_not_known(scene: Scene) -> None:
    """fabric's own errors are about what we don't use, and have words all the same."""
    for _, kind in inspect.getmembers(fabric_exceptions, inspect.isclass):
        if issubclass(kind, Exception):
            assert isinstance(
                told(kind("x") if kind is not fabric_exceptions.GroupException else kind({}), scene), Unreachable
            )
