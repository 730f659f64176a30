"""What the tests of transports share: a real server, somebody who is let in there, and a link to it of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dlim.config import Server
from dlim.servers import connect
from dlim.servers.contract import Transport
from dlim.servers.local import Local
from tests.sshd import Client, Relay, SshServer, User, relay, ssh_server

PASSWORD = "Geheim-47"


@pytest.fixture(scope="session")
def trainer_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A server with a user trainer, started once."""
    with ssh_server(tmp_path_factory.mktemp("sshd"), User("trainer", PASSWORD, "/bin/bash")) as server:
        yield server


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The home of somebody who runs dlim, on a machine whose own ssh_config says nothing."""
    return Client(tmp_path / "client", monkeypatch)


@pytest.fixture
def server(trainer_server: SshServer, client: Client) -> SshServer:
    """That server, which knows this test's client and is known to it."""
    trainer_server.authorize("trainer", client.key)
    client.trust(trainer_server.known())
    return trainer_server


Links = Callable[..., Transport]


@pytest.fixture
def link() -> Iterator[Links]:
    """Makes links to an ssh server on some port of this machine, and ends them."""
    made: list[Transport] = []

    def link(port: int | None = None, name: str = "ssd", **settings: str) -> Transport:
        described = {"host": "127.0.0.1", "user": "trainer", **settings}
        transport = connect(name, {name: Server(port=port, **described)}, Path())
        made.append(transport)
        return transport

    yield link
    for transport in made:
        transport.close()


@pytest.fixture
def relayed(server: SshServer, client: Client) -> Iterator[Relay]:
    """A relay to the server, known by the server's key."""
    with relay(server.port) as made:
        client.trust(server.known(f"[127.0.0.1]:{made.port}"))
        yield made


@pytest.fixture(params=["local", "ssh"])
def transport(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Transport]:
    """A link of each kind, to an empty home."""
    home = tmp_path / "home it's"
    if request.param == "local":
        made: Transport = Local("ssd", home)
    else:
        port = request.getfixturevalue("server").port
        made = connect("ssd", {"ssd": Server("127.0.0.1", "trainer", port, str(home))}, Path())
    with made:
        yield made
