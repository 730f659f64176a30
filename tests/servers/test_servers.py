"""A server by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlim.config import Server
from dlim.errors import ConfigError
from dlim.servers import connect
from dlim.servers.local import Local
from dlim.servers.ssh import Ssh
from tests.sshd import Client

BOX = Server("box.example", "me", 2200)


def test_without_servers_each_is_a_folder_here(tmp_path: Path) -> None:
    """Where nothing is configured, a folder of this machine stands for every server."""
    made = connect("ssd", {}, tmp_path / "standing")
    assert isinstance(made, Local)
    assert (made.server, made.address) == ("ssd", f"{tmp_path}/standing/ssd")
    assert made.ask("pwd") == f"{tmp_path}/standing/ssd"


def test_a_relative_folder_is_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that stands for a server stays where it was when the link was made."""
    monkeypatch.chdir(tmp_path)
    made = connect("ssd", {}, Path(".dlim/servers"))
    monkeypatch.chdir("/")
    assert made.ask("pwd") == f"{tmp_path}/.dlim/servers/ssd"


HOMES = [
    pytest.param("", "{standing}/ssd", id="none"),
    pytest.param("{home}/absolute", "{home}/absolute", id="absolute"),
    pytest.param("below", "{home}/below", id="below the user's own"),
    pytest.param("~/below", "{home}/below", id="the same by its sign"),
]


@pytest.mark.parametrize(("home", "folder"), HOMES)
def test_a_server_without_a_host(client: Client, tmp_path: Path, home: str, folder: str) -> None:
    """A server that has a name and no host is a folder of this machine: its home."""
    places = {"home": str(client.home), "standing": str(tmp_path / "standing")}
    made = connect("ssd", {"ssd": Server(home=home.format(**places))}, tmp_path / "standing")
    assert made.ask("pwd") == folder.format(**places)


def test_a_server_with_a_host(client: Client, tmp_path: Path) -> None:
    """A server that has a host is reached by ssh; nothing is done before it is used."""
    made = connect("ssd", {"ssd": BOX}, tmp_path)
    assert isinstance(made, Ssh)
    assert (made.server, made.address) == ("ssd", "me@box.example:2200")


UNKNOWN = [
    pytest.param("sdd", 'names no server sdd; did you mean "ssd"?', id="a slip"),
    pytest.param(
        "resnet34", "names no server resnet34; write [resnet34] there, without a host if it is this machine", id="none"
    ),
]


@pytest.mark.parametrize(("name", "fault"), UNKNOWN)
def test_a_server_that_nobody_named(tmp_path: Path, name: str, fault: str) -> None:
    """Where servers are named, one that isn't is a mistake: it would silently be another machine."""
    with pytest.raises(ConfigError) as caught:
        connect(name, {"ssd": BOX}, tmp_path)
    assert str(caught.value) == f"config/servers.toml: {fault}"


def test_what_a_local_script_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that stands for a server has the Python that runs dlim, and nobody's password."""
    import sys

    monkeypatch.setenv("DLIM_PASSWORD_SSD", "Geheim-49")
    monkeypatch.setenv("SOMETHING", "else")
    told = connect("ssd", {}, tmp_path).ask("echo $PATH; env")
    assert told.split(":")[0] == str(Path(sys.executable).parent)
    assert "SOMETHING=else" in told
    assert "Geheim" not in told
