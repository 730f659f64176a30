"""A link that is cut, at twenty points of each step: one clear line, and the same call goes on to the same end."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dlim.config import Learning, Server, Service
from dlim.errors import DlimError
from dlim.runs import deploy as deployment
from dlim.runs import job
from dlim.runs.history import Deployed
from dlim.runs.job import Order
from dlim.runs.log import follow
from dlim.runs.place import Place
from dlim.runs.ship import release, ship
from dlim.servers import connect
from tests.runs.test_ship import dataset
from tests.sshd import Client, Relay, SshServer, User, relay, ssh_server

pytestmark = pytest.mark.long

POINTS = 20
SIZE = 400_000


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with ssh_server(tmp_path_factory.mktemp("machine"), User("ssd")) as server:
        yield server


@pytest.fixture
def relayed(machine: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    """A way to the server that can be cut, and a person who knows it."""
    client = Client(tmp_path / "person", monkeypatch)
    machine.authorize("ssd", client.key)
    with relay(machine.port) as made:
        client.trust(machine.known(f"[127.0.0.1]:{made.port}"))
        yield made


@pytest.fixture
def place(relayed: Relay, tmp_path: Path) -> Iterator[Place]:
    """A learner's folder behind that way."""
    with connect("ssd", {"ssd": Server("127.0.0.1", "ssd", relayed.port, str(tmp_path / "home"))}, Path()) as transport:
        transport.ask("true")
        yield Place(transport, "ssd")


def in_the_end(step: Callable[[], object], cut: Callable[[], object]) -> int:
    """Do a step over a link that is cut once on the way: how often it took. What fails is one of dlim's own errors."""
    cut()
    for number in range(1, 5):
        try:
            step()
        except DlimError:
            continue
        return number
    raise AssertionError("it didn't come to its end")


def points(size: int) -> list[int]:
    return [size * number // POINTS for number in range(POINTS)]


def test_ship(place: Place, relayed: Relay, tmp_path: Path) -> None:
    """Whatever arrives is a whole dataset, and the learner reads it."""
    learning = Learning(dataset_dir="reads", keep=2)
    took = []
    for point in points(SIZE):
        made = dataset(tmp_path / "made", {name: os.urandom(SIZE // 4) for name in "abcd"})
        took.append(
            in_the_end(
                lambda made=made: ship(place, made, learning), lambda point=point: relayed.cut_after(point, "up")
            )
        )
        found = {path.stem: path.read_bytes() for path in (tmp_path / "home/reads/JPEGImages").iterdir()}
        assert len(found) == 4
        assert (tmp_path / "home/reads").resolve() == (tmp_path / "home" / release(made, "ssd")).resolve()
    assert max(took) > 1, "no cut hit anything"


def order(name: str, command: str) -> Order:
    return Order(name, command, by="ann@here", dataset="data_set")


@pytest.fixture
def fed(tmp_path: Path) -> None:
    """A dataset, as far as a job looks at it."""
    (tmp_path / "home/data_set").mkdir(parents=True)


@pytest.mark.usefixtures("fed")
def test_log(place: Place, relayed: Relay, tmp_path: Path) -> None:
    """The copy of a log is the log, byte for byte."""
    job.start(place, order("talks", "seq 1 60000"))
    log = tmp_path / "home/.dlim/ssd/jobs/talks/log"
    follow(place, "talks", tmp_path / "whole", lambda line: None)
    for point in points(log.stat().st_size):
        copy = tmp_path / "copy"
        in_the_end(
            lambda copy=copy: follow(place, "talks", copy, lambda line: None),
            lambda point=point: relayed.cut_after(point, "down"),
        )
        assert copy.read_bytes() == log.read_bytes()
        copy.unlink()


@pytest.mark.usefixtures("fed")
def test_bringing_back(place: Place, relayed: Relay, tmp_path: Path) -> None:
    """The archive that arrives is the one that was made."""
    (tmp_path / "home/weight").write_bytes(os.urandom(SIZE))
    job.start(place, order("learns", "true"))
    state = follow(place, "learns", tmp_path / "log", lambda line: None)
    took = []
    for point in points(SIZE):
        archive = tmp_path / "archive.tar"
        took.append(
            in_the_end(
                lambda archive=archive: job.fetch(place, "learns", archive),
                lambda point=point: relayed.cut_after(point, "down"),
            )
        )
        assert hashlib.sha256(archive.read_bytes()).hexdigest() == state.digest
        archive.unlink()
    assert max(took) > 1, "no cut hit anything"


def test_deploy(place: Place, relayed: Relay, tmp_path: Path) -> None:
    """The weight in service is whole, and the one that was meant."""
    took = []
    for point in points(SIZE):
        weight = tmp_path / "weight"
        weight.write_bytes(os.urandom(SIZE))
        digest = hashlib.sha256(weight.read_bytes()).hexdigest()
        wanted = Deployed(by="ann@here", output=f"o{point}", learner="ssd", sha256=digest, path="weights/w.pth")
        took.append(
            in_the_end(
                lambda weight=weight, wanted=wanted: deployment.deploy(place, Service(), lambda: weight, wanted, b"{}"),
                lambda point=point: relayed.cut_after(point, "up"),
            )
        )
        assert (tmp_path / "home/weights/latest_weight.pth").read_bytes() == weight.read_bytes()
    assert max(took) > 1, "no cut hit anything"
