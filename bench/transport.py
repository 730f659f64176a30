"""Bring a dataset to a server and an archive back, and set both against scp: on loopback, and over a way of 20 ms.

    python bench/transport.py

The server is an OpenSSH server of its own on a loopback port; a relay in another process makes the way long. The
dataset is an archive of many shards of which the server has none. It is brought there by `ship`, which verifies, joins
and extracts it, and by what people do without dlim: scp, and then tar. Each figure has its login in it.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

WAYS = (0, 20)
"""Milliseconds there and back."""

SHARDS = 50
IMAGE = 20_000
"""Bytes of an image of the dataset; an image as large as a screenshot's crop."""


class Rates(NamedTuple):
    """Megabytes a second."""

    ship: float
    scp_and_tar: float
    put: float
    scp_put: float
    get: float
    scp_get: float


RATIOS = (("ship", "scp_and_tar"), ("ship", "scp_put"), ("put", "scp_put"), ("get", "scp_get"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=300, help="of the dataset, in MB")
    parser.add_argument("--within", type=Path, default=Path("/dev/shm"), help="a folder in memory for the files")
    parser.add_argument("--runs", type=int, default=3, help="do it all so often; the fastest of each counts")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.within) as folder:
        found = list(_measured(Path(folder), arguments.size, arguments.runs))
    for delay, rates in zip(WAYS, found, strict=True):
        print(f"{delay} ms there and back" if delay else "loopback")
        for name, rate in rates._asdict().items():
            print(f"  {name.replace('_', ' '):20}{rate:8,.0f} MB/s")
        for ours, theirs in RATIOS:
            ratio = getattr(rates, ours) / getattr(rates, theirs)
            print(f"  {ours} / {theirs.replace('_', ' '):{17 - len(ours)}}{ratio:8.2f}")


def _measured(folder: Path, size: int, runs: int) -> Iterator[Rates]:
    from tests.sshd import User, make_key, ssh_server

    os.environ["HOME"] = str(folder)
    os.environ.pop("SSH_AUTH_SOCK", None)
    (folder / ".ssh").mkdir()
    key = make_key(folder / ".ssh/id_ed25519")
    shards = _write(folder / "file", size)
    settings = "Subsystem sftp internal-sftp\n"  # scp's own protocol
    with ssh_server(folder / "server", User("trainer"), settings=settings) as server:
        server.authorize("trainer", key)
        for delay in WAYS:
            with _way(server.port, delay / 2000) as port:
                (folder / ".ssh/known_hosts").write_text(server.known(f"[127.0.0.1]:{port}"))
                times = [_times(folder, server.home("trainer"), port, shards) for _ in range(runs)]
                size = (folder / "file").stat().st_size / 1_000_000
                yield Rates(*(size / min(column) for column in zip(*times, strict=True)))


def _write(path: Path, size: int) -> list[tuple[str, int, str]]:
    """A dataset's archive that nothing can make smaller; its shards' names, sizes and digests."""
    from dlim import archive

    shards = []
    with path.open("wb") as file:
        file.write(archive.member([archive.folder_entry(""), archive.entry("train.txt", b"")]))
        for shard in range(SHARDS):
            names = (f"JPEGImages/{shard}_{number}.jpg" for number in range(size * 1_000_000 // SHARDS // IMAGE))
            data = archive.member([archive.entry(name, os.urandom(IMAGE)) for name in names])
            shards.append((str(shard), len(data), hashlib.sha256(data).hexdigest()))
            file.write(data)
        file.write(archive.end())
    return shards


@contextmanager
def _way(port: int, delay: float) -> Iterator[int]:
    """The port by which the server is reached with that delay, in seconds, in each direction."""
    if not delay:
        yield port
        return
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_relay, args=(port, delay, theirs), daemon=True)
    process.start()
    yield ours.recv()
    process.kill()
    process.join()


def _relay(port: int, delay: float, told: Connection) -> None:
    from tests.sshd import Relay

    made = Relay(port)
    made.delay = delay
    told.send(made.port)
    told.recv()


def _times(folder: Path, home: Path, port: int, shards: list[tuple[str, int, str]]) -> list[float]:
    """Seconds of each of the Rates."""
    from dlim.config import Learning, Server
    from dlim.runs.place import Place
    from dlim.runs.ship import ship
    from dlim.runs.shipment import Shipment, placed
    from dlim.servers.servers import connect

    server, learning, file = Server("127.0.0.1", "trainer", port), Learning(dataset_dir="data_set"), folder / "file"
    first = file.stat().st_size - sum(size for _, size, _ in shards) - len(_end())
    with file.open("rb") as opened:
        shipment = Shipment(file, hashlib.file_digest(opened, "sha256").hexdigest(), placed(file, first, shards))

    def shipped() -> None:
        with connect("server", {"server": server}, folder) as transport:
            ship(Place(transport, "ssd", "ssd"), shipment, learning)

    def put() -> None:
        with connect("server", {"server": server}, folder) as transport:
            transport.put(file, "there")

    def get() -> None:
        with connect("server", {"server": server}, folder) as transport:
            transport.get("there", folder / "back")

    there = "trainer@127.0.0.1"
    options = ["-q", "-F", "none", "-o", f"UserKnownHostsFile={folder}/.ssh/known_hosts"]
    options += ["-i", str(folder / ".ssh/id_ed25519")]

    def scp(source: object, target: object) -> None:
        subprocess.run(["scp", *options, "-P", str(port), str(source), str(target)], check=True)

    def scp_and_tar() -> None:
        scp(file, f"{there}:there")
        extract = "mkdir ssd && tar xzf there -C ssd"
        subprocess.run(["ssh", *options, "-p", str(port), there, extract], check=True)

    steps: list[tuple[Callable[[], object], Path]] = [
        (shipped, home / "ssd/data_set"),
        (scp_and_tar, home / "ssd/data_set"),
        (put, home / "there"),
        (lambda: scp(file, f"{there}:there"), home / "there"),
        (get, folder / "back"),
        (lambda: scp(f"{there}:there", folder / "back"), folder / "back"),
    ]
    return [_time(step, target) for step, target in steps]


def _end() -> bytes:
    from dlim import archive

    return archive.end()


def _time(step: Callable[[], object], target: Path) -> float:
    if target.name == "data_set":
        shutil.rmtree(target.parent, ignore_errors=True)
    else:
        target.unlink(missing_ok=True)
    began = time.perf_counter()
    step()
    took = time.perf_counter() - began
    if not target.exists():
        sys.exit(f"{target} did not arrive")
    return took


if __name__ == "__main__":
    main()
