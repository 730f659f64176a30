"""What a terminal shows: plain lines, with a moving display under them while there is work; words in columns."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.progress import Progress, TaskID


class Console:
    """Plain lines, each whole, from any thread."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.elsewhere: list[str] = []
        """What an interrupt is to say: of each work that goes on elsewhere, and isn't ended by it."""
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not every terminal can show what a script prints
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        """Write one line."""
        with self._lock:
            self.stream.write(text + "\n")
            self.stream.flush()

    def start(self, name: str) -> None:
        """A piece of work begins."""

    def note(self, name: str, text: str) -> None:
        """How far it is, in a few words."""

    def end(self, name: str) -> None:
        """It has ended, well or not."""

    @contextmanager
    def working(self, name: str) -> Iterator[None]:
        """A piece of work, from its beginning to its end."""
        self.start(name)
        try:
            yield
        finally:
            self.end(name)

    @contextmanager
    def going_on(self, text: str) -> Iterator[None]:
        """While work goes on elsewhere: the line for whoever interrupts, which may be in another thread."""
        self.elsewhere.append(text)
        try:
            yield
        except Exception:
            self.elsewhere.remove(text)
            raise
        self.elsewhere.remove(text)

    def total(self, count: int) -> None:
        """How many pieces there may be in all."""

    def advance(self) -> None:
        """One piece needed no work, or is done."""

    def close(self) -> None:
        """The run is over."""


class Terminal(Console):
    """The same lines, and under them what is at work and how far all of it is."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._total = 0
        self._done = 0
        self._display: Progress | None = None
        self._rows: dict[str, TaskID] = {}
        self._bar: TaskID | None = None

    def total(self, count: int) -> None:
        self._total = count

    def line(self, text: str) -> None:
        if self._display is None:
            super().line(text)
        else:
            self._display.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def start(self, name: str) -> None:
        with self._lock:
            self._rows[name] = self._opened().add_task(name, total=None, note="")

    def note(self, name: str, text: str) -> None:
        if self._display is not None and name in self._rows:
            self._display.update(self._rows[name], note=text)

    def end(self, name: str) -> None:
        with self._lock:
            row = self._rows.pop(name, None)
        if self._display is not None and row is not None:
            self._display.remove_task(row)

    def advance(self) -> None:
        self._done += 1
        if self._display is not None and self._bar is not None:
            self._display.update(self._bar, completed=self._done, note=self._share())

    def close(self) -> None:
        if self._display is not None:
            self._display.stop()
            self._display = self._bar = None

    def _share(self) -> str:
        return f"{self._done} of {self._total} tasks"

    def _opened(self) -> Progress:
        """The display, which begins with the first work: a run that has none shows none."""
        if self._display is None:
            self._display = _display(self.stream)
            if self._total:  # a command is one piece of work, and counts no tasks
                self._bar = self._display.add_task("", total=self._total, completed=self._done, note=self._share())
            self._display.start()
        return self._display


def _display(stream: TextIO) -> Progress:
    """A row for all of it, with a bar, and one for each piece of work."""
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress, Task, TextColumn, TimeElapsedColumn

    class Bar(BarColumn):
        """The bar of the row that has a total."""

        def render(self, task: Task) -> RenderableType:  # type: ignore[override]
            return super().render(task) if task.total else task.description

    columns = Bar(bar_width=32), TextColumn("{task.fields[note]}"), TimeElapsedColumn()
    return Progress(*columns, console=RichConsole(file=stream), transient=True)


def console(stream: TextIO | None) -> Console:
    """The console that suits a stream; none, where a shell has closed it, takes everything and shows nothing."""
    if stream is None:
        stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    return Terminal(stream) if stream.isatty() else Console(stream)


_current: list[Console] = []


def use(chosen: Console) -> None:
    """From now on the work of this process speaks through that console."""
    _current[:] = [chosen]


def current() -> Console:
    """The console in use."""
    if not _current:
        use(Console(sys.stdout))
    return _current[0]


# words in columns


def width(text: str) -> int:
    """The columns that a text takes: Japanese characters take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else not unicodedata.combining(sign) for sign in text)


def columns(rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[str]:
    """Rows of cells as lines of one width: each column as wide as its widest cell; none where that is nothing.

    right: the columns whose cells stand at the right edge.
    """
    rooms = [max(width(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(_padded(row, rooms, right)) for row in rows]


def _padded(row: Sequence[str], rooms: Sequence[int], right: Collection[int]) -> Iterable[str]:
    for number, (cell, room) in enumerate(zip(row, rooms, strict=True)):
        space = " " * (room - width(cell))
        if room:
            yield space + cell if number in right else cell + space


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Collection[int] = (),
    *,
    room: int | None = None,
    spare: Sequence[int] = (),
) -> Iterator[str]:
    """Rows below their heads, a line each. A column in which nothing stands is left out; a line ends with no space.

    right: the columns whose cells stand at the right edge. room: the columns of a line, if there is a limit; spare:
    what is left out where all of it is wider, one after the other, before the longest texts are cut.
    """
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    lines = [list(heads), *cells] if cells else []
    used = [number for number in range(len(heads)) if any(row[number] for row in cells)]
    rooms = [max((width(row[number]) for row in lines), default=0) for number in range(len(heads))]
    for number in spare:
        if room is not None and sum(rooms[each] + 2 for each in used) - 2 > room:
            used = [each for each in used if each != number]
    over = sum(rooms[each] + 2 for each in used) - 2 - (room or sys.maxsize)
    if over > 0:
        longest = max((each for each in used if each not in right), key=rooms.__getitem__, default=used[0])
        lines = [
            [*row[:longest], cut(row[longest], max(4, rooms[longest] - over)), *row[longest + 1 :]] for row in lines
        ]
    found = columns(
        [[row[number] for number in used] for row in lines],
        [place for place, number in enumerate(used) if number in right],
    )
    yield from (line.rstrip() for line in found)


def room(stream: TextIO | None) -> int | None:
    """How many columns a stream shows; None where it isn't a terminal, and nothing needs to be cut."""
    return shutil.get_terminal_size().columns if stream is not None and stream.isatty() else None


def cut(text: str, limit: int | None) -> str:
    """A text that is no wider than that; what is too much of it is left out at its end."""
    if limit is None or width(text) <= limit:
        return text
    kept = sum(used <= limit - 3 for used in accumulate(width(sign) for sign in text))
    return f"{text[:kept]}{'...'[:limit]}"


def counted(count: int, word: str) -> str:
    """How many there are of what has that name: `1 shot`, `2,000 shots`."""
    return f"{count:,} {word}{'s' * (count != 1)}"


def megabytes(number: float) -> str:
    """So many bytes, in megabytes."""
    return f"{number / 1e6:,.1f} MB"
