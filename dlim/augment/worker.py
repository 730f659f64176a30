"""Runs a daug.py as a person would, in a process of its own, with what decides its bytes held fast."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from dlim import errors
from dlim.errors import DlimError
from dlim.store import discard, read_small

TICK = 0.2
"""Seconds between two looks at a running script."""

SECRET = "DLIM_PASSWORD_"  # noqa: S105 - a name
"""How variables of the environment begin that hold passwords: no script sees one, and no log keeps one."""

SERVERS = Path("config/servers.toml")
"""Where the workspace's servers are; it names the files that passwords are in."""

FIXED = {
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
}
"""Variables that decide what a script's programs do, and have one value wherever it runs."""

DROPPED = {
    "FREETYPE_PROPERTIES",
    "LANG",
    "LANGUAGE",
    "PYTHONINSPECT",
    "PYTHONOPTIMIZE",
    "PYTHONSAFEPATH",
    "PYTHONSTARTUP",
}
"""Variables that would change what a script does, or how characters are drawn."""

_HEAVY = re.compile(rb"^\s*(?:import|from)\s+imgaug\b", re.MULTILINE)
_ROOT = str(Path(__file__).parents[2])
_MOST = 1 << 20  # bytes that are read of what is told of a script


@dataclass(frozen=True, slots=True)
class Failure:
    """How a script ended that didn't end well: in a few words, or with an error that says the way out itself.

    endless: whether it was ended for having run too long.
    """

    text: str
    error: DlimError | None = None
    endless: bool = False


def run(
    script: Path,
    arguments: list[str],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    on_tick: Callable[[], object] = lambda: None,
    limit: float = 3600,
    tick: float = TICK,
) -> Failure | None:
    """Run a script in a folder, its output going to the file log; None when it succeeded.

    All paths are absolute. on_tick is called now and then while it runs, and ends it where it returns True. limit: the
    seconds after which it is ended. With it ends all that it has started.
    """
    ours, theirs = socket.socketpair()
    with ours:
        discard(log)  # what a link there leads to isn't written to
        with theirs, log.open("xb") as output:
            _request(script, arguments, folder, environment, output.fileno(), theirs.fileno())
        _running.add(ours)
        try:
            ending, answer = _followed(ours, on_tick, time.monotonic() + limit, tick)
        finally:
            _running.discard(ours)
            with suppress(OSError):
                _end(ours)
            _hide(log)
    if ending == "endless":
        return Failure(f"ran for longer than {limit:,g} s", endless=True)
    return None if ending == "enough" else _failure(answer)


def _followed(ours: socket.socket, on_tick: Callable[[], object], end: float, tick: float) -> tuple[str, bytes]:
    """Wait for a script's end; why it was ended before, if it was, and what its keeper tells of it."""
    answer, ending = b"", ""
    while True:
        if select.select([ours], [], [], tick)[0]:
            data = ours.recv(1 << 16)
            if not data or len(answer) > _MOST:
                return ending, answer
            answer += data
        elif not ending:
            ending = "enough" if on_tick() is True else "endless" if time.monotonic() > end else ""
            if ending:
                ours.shutdown(socket.SHUT_WR)  # its keeper ends it


def _end(ours: socket.socket) -> None:
    """Have a script ended by its keeper, and wait until nothing of it is left to write."""
    ours.shutdown(socket.SHUT_WR)
    while ours.recv(1 << 16):
        pass


_running: set[socket.socket] = set()


def stop() -> None:
    """End every script that runs, with all that it has started: the run that waits for it is over."""
    for one in list(_running):
        with suppress(OSError):
            one.shutdown(socket.SHUT_WR)


def _failure(answer: bytes) -> Failure | None:
    """What is told of a script: nothing of one that ended well, and nothing can be of one that was killed with all."""
    if not answer:
        return Failure("was killed, and what watched it as well")
    told = json.loads(answer)
    status, report = told["status"], told["report"]
    if report is not None:
        error = report["error"]
        return Failure(_shown(report["text"]), error and getattr(errors, error["kind"], DlimError)(*error["of"]))
    if status is None:
        return Failure("was ended with the run")
    if status < 0:
        return Failure(f"was killed by {signal.Signals(-status).name}")
    return Failure(f"ended at once with status {status}") if status else None


class _Server:
    """The process that scripts of this one are forked from."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        code = (
            f"import sys; sys.path[0] = {_ROOT!r}; from dlim.augment.forkserver import serve; serve({theirs.fileno()})"
        )
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment({}),
                cwd="/",
                start_new_session=True,  # Ctrl-C is for dlim, which ends what runs
            )
        self.control = ours
        self.owner = os.getpid()


_server: _Server | None = None
_starting = threading.Lock()


def _request(
    script: Path, arguments: list[str], folder: Path, environment: Mapping[str, str], log: int, keeper: int
) -> None:
    """Ask the server for a script; it is started where there is none, or where it has ended."""
    global _server
    request = {
        "script": str(script),
        "arguments": arguments,
        "folder": str(folder),
        "environment": _environment(environment),
        "seed": _seed(environment),
        "imports": _imports(script),
    }
    with _starting, TemporaryFile("w+", encoding="utf-8") as file:
        json.dump(request, file)
        file.flush()
        for _ in range(2):
            if _server is None or _server.owner != os.getpid():
                _server = _Server()
            with suppress(BrokenPipeError, ConnectionResetError):
                socket.send_fds(_server.control, [b"."], [file.fileno(), log, keeper])
                return
            _server = None
        raise DlimError(sys.executable, "can't be started for scripts", "see whether this machine has memory left")


def _environment(told: Mapping[str, str]) -> dict[str, str]:
    """The environment of a script: this process's, without passwords, and with what must not differ held fast."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SECRET) and name not in DROPPED}
    return {**kept, **FIXED, **told}


def _seed(environment: Mapping[str, str]) -> int:
    from dlim.augment.operations import seed

    return seed(environment.get("DLIM_SEED"), environment.get("DLIM_PROJECT"))


def _imports(script: Path) -> list[str]:
    """What is worth importing once for all scripts that do: imgaug takes a second."""
    with suppress(OSError):
        if any(_HEAVY.search(path.read_bytes()) for path in script.parent.glob("*.py") if path.is_file()):
            return ["imgaug.augmenters", "imgaug.parameters"]
    return []


def _secrets() -> list[str]:
    found = [value for name, value in os.environ.items() if name.startswith(SECRET)]
    return [value for value in (*found, *_kept()) if len(value) > 3]


def _kept() -> Iterator[str]:
    """The passwords in the files that config/servers.toml names: a script can read them as dlim does."""
    try:
        servers = tomllib.loads(read_small(SERVERS).decode("utf-8-sig"))
    except (OSError, ValueError):
        return
    for server in servers.values():
        name = server.get("password_file") if isinstance(server, dict) else None
        if isinstance(name, str):
            with suppress(OSError, ValueError, RuntimeError):
                yield read_small(Path.home() / Path(name).expanduser()).decode().partition("\n")[0].rstrip("\r")


def _shown(text: str) -> str:
    """A text without passwords."""
    for secret in _secrets():
        text = text.replace(secret, "***")
    return text


def _hide(log: Path) -> None:
    """Take passwords out of what a script has printed: it may have read one from a file."""
    secrets = [secret.encode() for secret in _secrets()]
    if secrets:
        data = printed = log.read_bytes()
        for secret in secrets:
            data = data.replace(secret, b"***")
        if data != printed:
            log.write_bytes(data)
