"""dlim stopped at the N-th change that it makes to a folder, and what is there then.

The seam is the C library, by a preloaded library of our own (stop.c): Python, OpenCV, sqlite, and the shells, tar and
mv of a server's side all pass it, and what lies above is what users run. An audit hook would see Python alone, and no
write; ptrace sees all, and is forbidden in many containers.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("stop.c")


def library(folder: Path) -> Path:
    """stop.c, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("a C compiler isn't installed")
    made = folder / "stop.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", made, SOURCE, "-ldl"], check=True)
    return made


@dataclass(frozen=True)
class Ran:
    """How a command ended. calls: the changes that were counted; stopped: whether it was stopped at one of them."""

    status: int
    calls: int
    stopped: bool
    text: str


@dataclass(frozen=True)
class Stopper:
    """Runs doit in a workspace, of which the changes are counted."""

    library: Path
    folder: Path
    state: Path

    def run(self, *words: str, at: int = 0, log: Path | None = None) -> Ran:
        """Run doit; at: the change at which everything that it has started is stopped."""
        self.state.write_bytes(struct.pack("qqq", 0, at, 0))
        temporary = self.state.with_name("tmp")
        temporary.mkdir(exist_ok=True)
        environment = {
            **os.environ,
            "LD_PRELOAD": str(self.library),
            "DLIM_STOP_FILE": str(self.state),
            "DLIM_STOP_ROOT": str(self.folder),
            "TMPDIR": str(temporary),
            **({"DLIM_STOP_LOG": str(log)} if log else {}),
        }
        done = subprocess.Popen(
            [sys.executable, "-m", "doit", *words],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        while True:
            try:
                text, _ = done.communicate(timeout=0.05 if at else 300)
                break
            except subprocess.TimeoutExpired:
                if struct.unpack("qqq", self.state.read_bytes())[2]:
                    self.end()
        self.end()
        calls, _, stopped = struct.unpack("qqq", self.state.read_bytes())
        return Ran(done.returncode, calls, bool(stopped), text)

    def end(self) -> None:
        """Kill whatever was started with this library and still runs, such as a job."""
        mark = f"DLIM_STOP_FILE={self.state}\0".encode()
        while True:
            found = [number for number in _processes() if mark in _environment(number)]
            if not found:
                return
            for number in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.005)


def _processes() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc").glob("[0-9]*") if int(path.name) != os.getpid())


def _environment(number: int) -> bytes:
    try:
        return Path(f"/proc/{number}/environ").read_bytes() + b"\0"
    except OSError:
        return b""


def tree(folder: Path, passed_over: Sequence[str] = ()) -> dict[str, str]:
    """All below a folder by path: a file's digest, where a link leads to, or that it is a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(name.startswith(prefix) for prefix in passed_over):
            continue
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = "a folder"
    return found
