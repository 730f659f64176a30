"""Files over a link that is cut again and again: what has arrived is kept, and what comes together is whole."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from dlim.errors import Unreachable
from dlim.servers.contract import Transport
from dlim.servers.files import STEP
from tests.servers.conftest import Links
from tests.sshd import Client, Relay

MIB = 1 << 20

SIZE = 6 * MIB + 123


@pytest.fixture
def transport(client: Client, relayed: Relay, link: Links, tmp_path: Path) -> Transport:
    """A link through the relay."""
    return link(relayed.port, home=str(tmp_path / "home"))


def broken(transport: Transport, relayed: Relay, way: str, count: int, bring: object, moved: list[int]) -> bool:
    """Bring a file over a link that is cut after so many bytes; whether it was cut."""
    transport.run("true")
    relayed.cut_after(count, way)
    moved.clear()
    try:
        bring()
    except Unreachable:
        return True
    finally:
        relayed.carry_all()
    return False


# after the first bytes, in the middle of packets, just before and after the end
POINTS = [1, 40_000, MIB, 3_500_000, SIZE - 1, SIZE + 2000]


@pytest.mark.parametrize("point", POINTS)
def test_a_put_that_is_cut(transport: Transport, relayed: Relay, tmp_path: Path, point: int) -> None:
    """Wherever a put is cut, nothing but the part is there, and the next one brings the rest."""
    data = random.Random(point).randbytes(SIZE)
    (tmp_path / "file").write_bytes(data)
    moved: list[int] = []
    cut = broken(transport, relayed, "up", point, lambda: transport.put(tmp_path / "file", "file", moved.append), moved)
    there = tmp_path / "home/file"
    assert cut or there.read_bytes() == data
    assert not there.exists() or there.read_bytes() == data
    moved.clear()
    transport.put(tmp_path / "file", "file", moved.append)
    assert there.read_bytes() == data
    assert sum(moved) == SIZE
    # of what the relay had carried, what was still on its way is sent again: a busy server reads late
    assert moved[0] >= min(point, SIZE) // 2 // STEP * STEP - 2 * STEP
    assert [path.name for path in there.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("point", POINTS)
def test_a_get_that_is_cut(transport: Transport, relayed: Relay, tmp_path: Path, point: int) -> None:
    """Wherever a get is cut, nothing but the part is here, and the next one brings the rest."""
    data = random.Random(point).randbytes(SIZE)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/file").write_bytes(data)
    here = tmp_path / "here/file"
    moved: list[int] = []
    cut = broken(transport, relayed, "down", point, lambda: transport.get("file", here, moved.append), moved)
    assert cut or here.read_bytes() == data
    assert not here.exists() or here.read_bytes() == data
    before = sum(moved)
    moved.clear()
    transport.get("file", here, moved.append)
    assert here.read_bytes() == data
    assert sum(moved) == SIZE
    assert not cut or before == 0 or moved[0] == before
    assert [path.name for path in here.parent.iterdir()] == ["file"]


def test_a_link_that_is_cut_all_the_time(transport: Transport, relayed: Relay, tmp_path: Path) -> None:
    """A file comes through a link that never lives long, each time by some more."""
    data = os.urandom(12 * MIB)
    (tmp_path / "file").write_bytes(data)
    tries = 0
    for bring in (
        lambda: transport.put(tmp_path / "file", "file"),
        lambda: transport.get("file", tmp_path / "back"),
    ):
        for _ in range(60):
            tries += 1
            relayed.cut_after(4 * MIB, "up")
            relayed.cut_after(4 * MIB, "down")
            try:
                bring()
                break
            except Unreachable:
                continue
    assert (tmp_path / "back").read_bytes() == data
    assert 4 <= tries <= 40
