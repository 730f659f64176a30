"""The log of a job: copied here as it grows on the server, and shown line by line."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from io import SEEK_END, FileIO
from pathlib import Path

from dlim.errors import LearningError, Unreachable
from dlim.runs import job
from dlim.runs.place import Place
from dlim.runs.state import State

Show = Callable[[str], object]
"""Takes a line."""

_PIECE = 1 << 20  # bytes of a log in one round trip
_PAUSES = 0.1, 1.0  # seconds between two looks at a job: at first, and at most
_LINK_PAUSES = 0.5, 10.0  # the same between two tries of a link that is lost

_LONGEST = 1 << 16  # bytes of what is taken for one line
_MOVES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def follow(place: Place, name: str, file: Path, show: Show, *, patience: float = 120, every: float = 5) -> State:
    """Copy a job's log, as it grows, to the end of a file, until the job has ended; how it ended.

    A file that has part of the log gets the rest, byte for byte. show: gets each line once it is whole, and one that
    a progress bar redraws every so many seconds. Raises LearningError where there is no such job, or the file holds
    another's log; Unreachable where the link is lost for longer than patience seconds. Neither these nor Ctrl-C do
    anything to the job: the same call goes on.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    pause, longest = _PAUSES
    with file.open("a+b", buffering=0) as copy:
        lines = Lines(show, every, _begun_line(copy))
        while True:
            found, piece = _look(place, name, copy.tell(), show, patience)
            if found.log < copy.tell():
                raise LearningError(file, f"is no beginning of the log of {name}", "move it out of the way")
            _append(copy, piece)
            lines.take(piece)
            if found.kind != "running" and copy.tell() >= found.log:
                lines.close()
                return found
            if len(piece) < _PIECE:
                time.sleep(pause)
                pause = min(longest, pause * 1.5)


def _look(place: Place, name: str, offset: int, show: Show, patience: float) -> tuple[State, bytes]:
    """A job's state, and a piece of its log. A link that is lost is tried again, which is said once."""
    pause, longest = _LINK_PAUSES
    lost = 0.0
    while True:
        try:
            return job.look(place, name, offset, _PIECE)
        except Unreachable as error:
            if not lost:
                lost = time.monotonic()
                show(f"{place.transport.server}: link lost; trying again")
            if time.monotonic() + pause > lost + patience:
                raise Unreachable(
                    place.transport.server,
                    f"link lost ({error.fault}); the learning goes on there",
                    "the same command attaches to it again",
                ) from error
            time.sleep(pause)
            pause = min(longest, pause * 2)


def _append(copy: FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    try:
        while rest:
            rest = rest[copy.write(rest) :]
    except OSError as error:
        raise LearningError(
            copy.name, f"can't be written ({error.strerror})", "make room; the same command attaches again"
        ) from error


def _begun_line(copy: FileIO) -> bytes:
    """The end of a log's copy that has no line's end yet; what is read next comes behind it."""
    size = copy.seek(0, SEEK_END)
    copy.seek(max(0, size - _LONGEST))
    return copy.read(_LONGEST).rpartition(b"\n")[2]


class Lines:
    """Lines of a log, out of pieces that end anywhere.

    Of a line that is redrawn, as progress bars are, the last state counts; before its end it is shown every so many
    seconds. What would move a terminal's cursor is left out.
    """

    def __init__(self, show: Show, every: float, begun: bytes = b"") -> None:
        self._show = show
        self._every = every
        self._rest = begun
        self._shown: str | None = None  # of the line that isn't whole yet
        self._next = 0.0

    def take(self, piece: bytes) -> None:
        *whole, rest = (self._rest + piece).split(b"\n")
        for line in whole:
            self._end(line)
        state, drawn, begun = rest.rpartition(b"\r")
        state = state[state.rfind(b"\r") + 1 :]
        if state.strip() and time.monotonic() >= self._next:
            self._draw(state)
        self._rest = state + drawn + begun
        if len(self._rest) > _LONGEST:
            self.close()

    def close(self) -> None:
        """There is no more: what there is of a last line is one."""
        if self._rest:
            self._end(self._rest)
        self._rest = b""

    def _end(self, line: bytes) -> None:
        if b"\r" in line:
            line = next((state for state in reversed(line.split(b"\r")) if state.strip()), b"")
        text = _text(line)
        if text != self._shown:
            self._show(text)
        self._shown = None

    def _draw(self, state: bytes) -> None:
        text = _text(state)
        if text != self._shown:
            self._show(text)
            self._shown = text
            self._next = time.monotonic() + self._every


def _text(line: bytes) -> str:
    text = line.decode(errors="replace")
    return text if text.isprintable() else _MOVES.sub("", text)
