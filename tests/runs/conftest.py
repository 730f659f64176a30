"""A learner's folder on a server, what of its jobs is still alive, and what is in service there."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import pytest

from dlim.config import Server
from dlim.runs.place import Place
from dlim.servers import connect
from dlim.servers.contract import Done, Transport
from dlim.servers.local import Local
from tests.runs.served import SERVICE, Served
from tests.sshd import Client, SshServer, User, ssh_server

FOLDER = "a learner's $HOME [1]"
"""The learner's folder: a name that no shell may read as anything else."""

TOOLS = [
    "cat",
    "comm",
    "cut",
    "date",
    "dd",
    "env",
    "find",
    "grep",
    "head",
    "mkdir",
    "mv",
    "rm",
    "sed",
    "setsid",
    "sha256sum",
]
TOOLS += ["sleep", "sort", "stat", "tail", "tr"]
"""What a job needs of a server beside flock and tar."""

Found = TypeVar("Found")

SECONDS = 120
"""How long a test waits for what must come."""


def until(look: Callable[[], Found | None]) -> Found:
    """Wait until a look finds what is true; that."""
    end = time.monotonic() + SECONDS
    while not (found := look()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.04)
    return found


def living(home: Path) -> dict[int, str]:
    """The processes that work in a folder, or have it in their environment, and their command lines."""
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and int(process.name) != os.getpid():
            try:
                within = str((process / "cwd").readlink()).startswith(str(home))
                if within or os.fsencode(home) in (process / "environ").read_bytes():
                    found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
    return found


def left_alive(home: Path) -> dict[int, str]:
    """What works in a folder, as `living` tells it, once the shells of jobs that have ended are gone.

    A job's last word is that it has ended; then its shell needs a moment. Nothing else is given one.
    """
    with suppress(AssertionError):
        until(lambda: not [line for line in living(home).values() if "/script learn " in line])
    return living(home)


class Through(Local):
    """A folder of this machine whose scripts are run by way of a command."""

    def __init__(self, server: str, home: Path, *command: str) -> None:
        super().__init__(server, home)
        self.command = command

    def run(
        self,
        script: str,
        *arguments: str,
        feed: Iterable[bytes] = (),
        sink: Callable[[bytes], object] | None = None,
        within: float | None = None,
    ) -> Done:
        whole = [*self.command, "sh", "-c", script, "dlim", *arguments]
        return super().run('exec "$@"', *whole, feed=feed, sink=sink, within=within)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The learner's folder, as its server sees it, with a dataset."""
    folder = tmp_path / "server" / FOLDER
    (folder / "data_set/JPEGImages").mkdir(parents=True)
    return folder


SERVERS = ["local", "bash", "busybox", "ssh"]
"""Servers that differ in their sh, in their tools, and in the way to them."""

EVERYWHERE = pytest.mark.parametrize("kind", SERVERS)
"""Marks a test that is to run on each of them."""

Link = Callable[[], Transport]


@pytest.fixture
def kind() -> str:
    """The server of tests that are not marked."""
    return "local"


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A real ssh server, started once, for a user trainer."""
    with ssh_server(tmp_path_factory.mktemp("sshd"), User("trainer")) as server:
        yield server


@pytest.fixture
def link(
    request: pytest.FixtureRequest, kind: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Link]:
    """Makes links to the server, each on its own, and ends them."""
    made: list[Transport] = []
    if kind in ("bash", "busybox"):
        _use(kind, tmp_path / "bin", monkeypatch)
    if kind == "ssh":
        server: SshServer = request.getfixturevalue("machine")
        client = Client(tmp_path / "client", monkeypatch)
        server.authorize("trainer", client.key)
        client.trust(server.known())
        described = {"ssd": Server("127.0.0.1", "trainer", server.port, str(home.parent))}

    def link() -> Transport:
        if kind == "ssh":
            made.append(connect("ssd", described, Path()))
        else:
            made.append(Local("ssd", home.parent) if kind == "local" else Through("ssd", home.parent))
        return made[-1]

    yield link
    for transport in made:
        transport.close()


@pytest.fixture
def place(link: Link, tmp_path: Path) -> Iterator[Place]:
    """The learner's place on its server; when the test is over, nothing of its jobs may be alive."""
    yield Place(link(), "ssd", FOLDER)
    left = left_alive(tmp_path)
    for process in left:
        os.kill(process, 9)
    assert left == {}


@pytest.fixture
def go(home: Path) -> Iterator[Callable[[], None]]:
    """Lets jobs.WAITS end."""
    yield (home / "go").touch
    if home.exists():
        (home / "go").touch()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A learner's folder, with a space in its name, in which nothing is in service yet."""
    with Local("local", tmp_path / "server home") as transport:
        place = Place(transport, "ssd", SERVICE.folder)
        yield Served(place, tmp_path / "server home/my learner", tmp_path / "made")


def _use(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program in the place of sh; of busybox also its tools, but tar, which may leave nothing out."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} isn't installed")
    folder.mkdir()
    for tool in ["sh", *TOOLS] if program == "busybox" else ["sh"]:
        (folder / tool).symlink_to(path)
    first_on_path(folder, monkeypatch)


def first_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let scripts find the programs of a folder before all others; Local puts that of its Python first."""
    (folder / "python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
