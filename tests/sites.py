"""A site for tests: a workspace, a person who works there, and real ssh servers, one for each role."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Workspace
from tests.sshd import Client, Relay, SshServer, User, relay, ssh_server

PASSWORD = "Geheim-47-nie-zeigen"
ROLES = ("ssd", "resnet34", "imglabeling")


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SshServer]]:
    """Three servers, each with its user: the first one's logs in with a password, the others' with a key."""
    with ExitStack() as stack:
        yield {
            role: stack.enter_context(
                ssh_server(tmp_path_factory.mktemp(role), User(role, PASSWORD if role == "ssd" else ""))
            )
            for role in ROLES
        }


@dataclass(frozen=True)
class Site:
    """A workspace and its servers. Its servers' homes are of this test alone."""

    here: Workspace
    machines: dict[str, SshServer]
    client: Client
    homes: dict[str, Path]

    @property
    def home(self) -> Path:
        """The first server's home."""
        return self.homes["ssd"]

    def configure(self, here: Workspace | None = None, **ports: int) -> None:
        """Write config/servers.toml, here or in another workspace; some servers may be reached over another port."""
        text = "".join(
            f'[{role}]\nhost = "127.0.0.1"\nuser = "{role}"\nport = {ports.get(role, machine.port)}\n'
            f'home = "{self.homes[role]}"\n\n'
            for role, machine in self.machines.items()
        )
        ((here or self.here).folder / "config/servers.toml").write_text(text)

    def trust(self, *ports: int) -> None:
        """Know the servers' keys, on their own ports, or the first one's on further ones."""
        for machine in self.machines.values():
            self.client.trust(machine.known())
        for port in ports:
            self.client.trust(self.machines["ssd"].known(f"[127.0.0.1]:{port}"))


@pytest.fixture
def site(
    here: Workspace,
    machines: dict[str, SshServer],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    """A workspace, a person with a key and a password, and three servers that they know."""
    client = Client(tmp_path_factory.mktemp("person") / "home", monkeypatch)
    for role in ROLES[1:]:
        machines[role].authorize(role, client.key)
    monkeypatch.setenv("DLIM_PASSWORD_SSD", PASSWORD)
    homes = {role: tmp_path_factory.mktemp("home") / role for role in ROLES}
    made = Site(here, machines, client, homes)
    made.configure()
    made.trust()
    return made


@pytest.fixture
def relayed(site: Site) -> Iterator[Relay]:
    """A relay on the way to the first server."""
    with relay(site.machines["ssd"].port) as made:
        site.configure(ssd=made.port)
        site.trust(made.port)
        yield made


def weight(site: Site) -> str:
    """What is in service on the first server."""
    return (site.home / "weights/latest_weight.pth").read_text().strip()


def started(here: Workspace, *arguments: str) -> subprocess.Popen[str]:
    """doit, begun in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "doit", *arguments],
        cwd=here.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
