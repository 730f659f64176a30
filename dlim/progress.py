"""How a run tells what it does: plain lines, with a moving display under them where there is a terminal."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Console:
    """Plain lines, each whole, from any thread."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        """Write one line."""
        with self._lock:
            self.stream.write(text + "\n")
            self.stream.flush()

    def start(self, name: str) -> None:
        """A piece of work begins."""

    def images(self, name: str, count: int) -> None:
        """It has made so many images by now."""

    def end(self, name: str) -> None:
        """It has ended, well or not."""

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
        display = self._opened()
        with self._lock:
            self._rows[name] = display.add_task(name, total=None, note="")

    def images(self, name: str, count: int) -> None:
        if self._display is not None and name in self._rows:
            self._display.update(self._rows[name], note=f"{count:,} images")

    def end(self, name: str) -> None:
        with self._lock:
            row = self._rows.pop(name, None)
        if self._display is not None and row is not None:
            self._display.remove_task(row)

    def advance(self) -> None:
        self._done += 1
        if self._display is not None and self._bar is not None:
            self._display.update(self._bar, completed=self._done)

    def close(self) -> None:
        if self._display is not None:
            self._display.stop()
            self._display = None

    def _opened(self) -> Progress:
        """The display, which begins with the first work: a run that has none shows none."""
        if self._display is None:
            from rich.console import Console as RichConsole
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            self._display = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[note]}"),
                TimeElapsedColumn(),
                console=RichConsole(file=self.stream),
                transient=True,
            )
            self._bar = self._display.add_task("tasks", total=self._total, completed=self._done, note="")
            self._display.start()
        return self._display


def console(stream: TextIO) -> Console:
    """The console that suits a stream."""
    return Terminal(stream) if stream.isatty() else Console(stream)


_current: list[Console] = []


def use(chosen: Console) -> None:
    """From now on the work of this process speaks through that console."""
    _current[:] = [chosen]


def current() -> Console:
    """The console in use."""
    if not _current:
        import sys

        use(Console(sys.stdout))
    return _current[0]
