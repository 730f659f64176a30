"""The workspace's lock: who has it, and who waits for whom."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from dlim import console
from dlim.build.lock import locked, unlocked
from dlim.errors import WorkspaceError

HOLD = """import sys
from pathlib import Path
from dlim.build.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

Another = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def another(lock: Path) -> Iterator[Another]:
    """Begins a process that has the workspace until its input ends."""
    command = [sys.executable, "-c", HOLD, str(lock)]

    def begin() -> subprocess.Popen[str]:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        begun.enter_context(process)
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        return process

    with ExitStack() as begun:
        yield begin


def holder(lock: Path) -> str:
    """Who is said to have the workspace."""
    with pytest.raises(WorkspaceError) as caught, locked(lock):
        pass
    return caught.value.fault.removeprefix("is being built already, by ").partition(" since ")[0]


def test_who_is_interrupted_leaves_another_run_its_name(lock: Path, another: Another) -> None:
    """A run that ends while another has the workspace takes nothing from that: a third is told which it is."""
    with suppress(KeyboardInterrupt), locked(lock), unlocked():
        process = another()
        raise KeyboardInterrupt
    assert holder(lock) == f"process {process.pid}"
    process.communicate()
    with locked(lock):
        pass


def test_who_leaves_it_again_leaves_another_run_its_name(lock: Path, another: Another) -> None:
    """So does a thread that leaves the workspace to others, as another thread of the run has done already."""
    with suppress(KeyboardInterrupt), locked(lock), unlocked():
        process = another()
        with unlocked():
            assert holder(lock) == f"process {process.pid}"
            raise KeyboardInterrupt


def test_who_comes_back_says_for_whom_it_waits(lock: Path, another: Another, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another run has the workspace, it is named before it is waited for; then the workspace is one's own."""
    lines = []

    class Listening(console.Console):
        def line(self, text: str) -> None:
            lines.append(text)
            process.communicate()  # now it may end

    monkeypatch.setattr(console, "_current", [Listening(sys.stdout)])
    with locked(lock):
        with unlocked():
            process = another()
        mine = holder(lock)
    assert [line.partition(" since ")[0] for line in lines] == [f"waits for process {process.pid}"]
    assert mine not in ("another process", f"process {process.pid}")


def test_who_comes_back_to_an_empty_workspace(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nobody else wants the workspace by then, nothing is said."""
    monkeypatch.setattr(console, "_current", [])
    with locked(lock):
        mine = holder(lock)
        with unlocked(), locked(lock):
            pass
        assert holder(lock) == mine
    assert lock.read_text() == ""
    assert capsys.readouterr().out == ""
