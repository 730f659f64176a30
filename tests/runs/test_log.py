"""A log that is followed comes whole, byte for byte and line by line, over whatever link."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from dlim.errors import LearningError, Unreachable
from dlim.runs import job, log
from dlim.runs.log import Lines
from dlim.runs.place import Place
from dlim.runs.state import State
from dlim.servers.contract import Done
from dlim.servers.local import Local
from dlim.store import sha256
from tests.runs.conftest import EVERYWHERE, until
from tests.runs.jobs import WAITS, begin, ended, file_of, learned, text_of


def follow(place: Place, file: Path, **more: float) -> tuple[State, list[str]]:
    lines: list[str] = []
    state = log.follow(place, "first", file, lines.append, **more)
    return state, lines


@EVERYWHERE
def test_following(place: Place, home: Path, tmp_path: Path) -> None:
    """Each line is handed over as it comes, and in the end the copy is the log."""
    begin(place, "echo one; echo two >&2; until [ -e go ]; do sleep 0.01; done; printf three", test="echo four; exit 1")
    lines: list[str] = []

    def line(text: str) -> None:
        lines.append(text)
        if text == "two":
            (home / "go").touch()

    state = log.follow(place, "first", tmp_path / "deep/log", line)
    assert (state.kind, state.test_exit_code) == ("succeeded", 1)
    assert lines == ["one", "two", "three", "== test: echo four; exit 1 ", "four", "== archive"]
    assert (tmp_path / "deep/log").read_bytes() == file_of(home, "log").read_bytes()


HOSTILE = (
    b"plain\n\xe3\x81\x82\xe3\x81\x84\r\n\xff\xfe broken \xe3\x81\n\n\x1b[31mred\x1b[0m\x07\x00 a\tb\n"
    b"10%\r20%\r\xe3\x81\x82 100%\nend"
)

SHOWN = ["plain", "あい", "\ufffd\ufffd broken \ufffd", "", "red a\tb", "あ 100%", "end"]


@EVERYWHERE
def test_going_on_from_anywhere(place: Place, home: Path, tmp_path: Path) -> None:
    """Wherever a copy broke off, even within a character, it gets the rest and not a byte twice; lines come whole."""
    (home / "says").write_bytes(HOSTILE)
    begin(place, "cat says; exit 1")
    ended(place)
    assert file_of(home, "log").read_bytes() == HOSTILE
    for offset in range(0, len(HOSTILE) + 1, 3):
        (tmp_path / "log").write_bytes(HOSTILE[:offset])
        state, lines = follow(place, tmp_path / "log")
        assert state.kind == "failed"
        assert (tmp_path / "log").read_bytes() == HOSTILE
        assert lines == SHOWN[len(SHOWN) - len(lines) :]
        assert len(lines) == len(SHOWN) - HOSTILE[:offset].count(b"\n")


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_lines_of_any_pieces(step: int) -> None:
    """However a log is cut into pieces, its lines are the same; what would move the cursor is left out."""
    found: list[str] = []
    lines = Lines(found.append, every=1000)
    for start in range(0, len(HOSTILE), step):
        lines.take(HOSTILE[start : start + step])
    lines.close()
    assert [line for line in found if line not in ("10%", "20%")] == SHOWN


def test_a_progress_bar_does_not_flood() -> None:
    """A line that is redrawn is shown now and then, and its last state once."""
    found: list[str] = []
    lines = Lines(found.append, every=1000)
    for percent in range(100):
        lines.take(b"\r%d%%" % percent)
    assert found == ["0%"]
    lines.take(b"\r100%\nnext\n")
    assert found == ["0%", "100%", "next"]
    often = Lines(found.append, every=0)
    for part in (b"\r1%", b"\r1%", b"\r2", b"%\r", b"3%", b"\n"):
        often.take(part)
    assert found[3:] == ["1%", "2%", "3%"]


def test_a_line_without_end() -> None:
    """A line that doesn't end is handed over in parts, and doesn't fill the memory."""
    found: list[str] = []
    lines = Lines(found.append, every=0)
    for _ in range(100):
        lines.take(b"x" * 10000)
    lines.close()
    assert "".join(found) == "x" * 1000000
    assert len(found) > 10


def test_a_huge_log(place: Place, home: Path, tmp_path: Path) -> None:
    """A log of many pieces comes whole, and every line of it once."""
    begin(place, "yes 'epoch 1: loss 0.123456789, accuracy 0.987654321' | head -n 400000")
    ended(place)
    state, lines = follow(place, tmp_path / "log")
    assert state.log == (tmp_path / "log").stat().st_size > 19_000_000
    assert len(lines) == 400_001
    assert sha256(tmp_path / "log") == sha256(file_of(home, "log"))


def test_a_copy_of_another_log(place: Place, home: Path, tmp_path: Path) -> None:
    """A file that is longer than the log isn't touched."""
    learned(place, home, "true")
    (tmp_path / "log").write_text("something else, and longer than the log is")
    with pytest.raises(LearningError, match="is no beginning of the log of first"):
        follow(place, tmp_path / "log")
    assert (tmp_path / "log").read_text() == "something else, and longer than the log is"


def test_no_room_for_a_copy(place: Place, home: Path) -> None:
    """A full disk here is one line, and does nothing to the job."""
    learned(place, home, "echo one")
    with pytest.raises(LearningError) as caught:
        follow(place, Path("/dev/full"))
    assert str(caught.value) == (
        "/dev/full: can't be written (No space left on device); make room; the same command attaches again"
    )


class Breaking(Local):
    """A server whose link breaks: before a script is run, or when it was run and its answer is under way."""

    breaks: Iterator[str] = iter(())

    def run(
        self,
        script: str,
        *arguments: str,
        feed: Iterable[bytes] = (),
        sink: Callable[[bytes], object] | None = None,
        within: float | None = None,
    ) -> Done:
        how = next(self.breaks, "")
        if how == "before":
            raise Unreachable(self.server, "connection reset", "try again")
        done = super().run(script, *arguments, feed=feed, sink=sink, within=within)
        if how == "after":
            raise Unreachable(self.server, "connection reset", "try again")
        return done


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_LINK_PAUSES", (0.01, 0.05))


@pytest.mark.usefixtures("impatient")
def test_a_link_that_breaks(place: Place, home: Path, tmp_path: Path) -> None:
    """A lost link is said once, and not a byte of the log is lost or doubled by it."""
    transport = Breaking("ssd", home.parent)
    begin(place, f"echo 1; echo 2; printf 3; {WAITS}; echo 4; echo 5")
    transport.breaks = iter(["", "after", "before", "before", "", "", "after"])
    lines: list[str] = []

    def line(text: str) -> None:
        lines.append(text)
        if lines.count("ssd: link lost; trying again") == 2:
            (home / "go").touch()

    state = log.follow(Place(transport, "ssd", place.folder), "first", tmp_path / "log", line)
    assert state.kind == "succeeded"
    assert (tmp_path / "log").read_bytes() == b"1\n2\n34\n5\n== archive\n"
    assert [text for text in lines if "link" not in text] == ["1", "2", "34", "5", "== archive"]
    assert [text for text in lines if "link" in text] == ["ssd: link lost; trying again"] * 2


@pytest.mark.usefixtures("impatient")
def test_a_link_that_does_not_come_back(place: Place, home: Path, tmp_path: Path, go: Callable[[], None]) -> None:
    """After some time one is told that the learning goes on, and how to attach to it."""
    transport = Breaking("ssd", home.parent)
    begin(place, f"echo one; {WAITS}")
    until(lambda: text_of(home, "log") == "one\n")
    transport.breaks = iter(["", *["before"] * 1000])
    with pytest.raises(Unreachable) as caught:
        follow(Place(transport, "ssd", place.folder), tmp_path / "log", patience=0.2)
    assert str(caught.value) == (
        "ssd: link lost (connection reset); the learning goes on there; the same command attaches to it again"
    )
    assert job.state(place, "first").kind == "running"
    go()
    state, lines = follow(place, tmp_path / "log")
    assert (state.kind, lines) == ("succeeded", ["== archive"])
    assert (tmp_path / "log").read_bytes() == file_of(home, "log").read_bytes()
