"""Bring a large file to a server and back, and set that against scp: on loopback, and over a way of 20 ms.

    python bench/transport.py

The server is an OpenSSH server of its own on a loopback port; a relay in another process makes the way long.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
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


class Rates(NamedTuple):
    """Megabytes a second."""

    put: float
    get: float
    scp_put: float
    scp_get: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=300, help="of the file, in MB")
    parser.add_argument("--within", type=Path, default=Path("/dev/shm"), help="a folder in memory for the files")
    parser.add_argument("--runs", type=int, default=3, help="do it all so often; the fastest of each counts")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.within) as folder:
        found = list(_measured(Path(folder), arguments.size, arguments.runs))
    print(f"{'MB/s':22}" + "".join(f"{name:>10}" for name in (*Rates._fields, "put/scp", "get/scp")).replace("_", " "))
    for delay, rates in zip(WAYS, found, strict=True):
        cells = "".join(f"{rate:10,.0f}" for rate in rates)
        ratios = f"{rates.put / rates.scp_put:10.2f}{rates.get / rates.scp_get:10.2f}"
        print(f"{f'{delay} ms there and back' if delay else 'loopback':22}{cells}{ratios}")


def _measured(folder: Path, size: int, runs: int) -> Iterator[Rates]:
    from tests.servers import User, make_key, ssh_server

    os.environ["HOME"] = str(folder)
    os.environ.pop("SSH_AUTH_SOCK", None)
    (folder / ".ssh").mkdir()
    key = make_key(folder / ".ssh/id_ed25519")
    _write(folder / "file", size)
    settings = "Subsystem sftp internal-sftp\n"  # scp's own protocol
    with ssh_server(folder / "server", User("trainer"), settings=settings) as server:
        server.authorize("trainer", key)
        for delay in WAYS:
            with _way(server.port, delay / 2000) as port:
                (folder / ".ssh/known_hosts").write_text(server.known(f"[127.0.0.1]:{port}"))
                times = [_times(folder, server.home("trainer"), port) for _ in range(runs)]
                yield Rates(*(size / min(column) for column in zip(*times, strict=True)))


def _write(path: Path, size: int) -> None:
    """A file that nothing can make smaller."""
    with path.open("wb") as file:
        for _ in range(size):
            file.write(os.urandom(1_000_000))


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
    from tests.servers import Relay

    made = Relay(port)
    made.delay = delay
    told.send(made.port)
    told.recv()


def _times(folder: Path, home: Path, port: int) -> list[float]:
    """Seconds of put, get, and scp in both directions, each with its login."""
    from dlim.config import Server
    from dlim.transport.servers import connect

    server = Server("127.0.0.1", "trainer", port)

    def put() -> None:
        with connect("server", {"server": server}, folder) as transport:
            transport.put(folder / "file", "there")

    def get() -> None:
        with connect("server", {"server": server}, folder) as transport:
            transport.get("there", folder / "back")

    there = "trainer@127.0.0.1:there"
    options = ["-q", "-F", "none", "-P", str(port), "-o", f"UserKnownHostsFile={folder}/.ssh/known_hosts"]
    scp = ["scp", *options, "-i", str(folder / ".ssh/id_ed25519")]
    steps: list[tuple[Callable[[], object], Path]] = [
        (put, home / "there"),
        (get, folder / "back"),
        (lambda: subprocess.run([*scp, str(folder / "file"), there], check=True), home / "there"),
        (lambda: subprocess.run([*scp, there, str(folder / "back")], check=True), folder / "back"),
    ]
    return [_time(step, target) for step, target in steps]


def _time(step: Callable[[], object], target: Path) -> float:
    target.unlink(missing_ok=True)
    began = time.perf_counter()
    step()
    took = time.perf_counter() - began
    if not target.exists():
        sys.exit(f"{target} did not arrive")
    return took


if __name__ == "__main__":
    main()
