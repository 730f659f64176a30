"""Lines in columns, as wide as a terminal shows them."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Sequence
from typing import TextIO

from dlim.text import width


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


def room(stream: TextIO) -> int | None:
    """How many columns a stream shows; None where it isn't a terminal, and nothing needs to be cut."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def cut(text: str, limit: int | None) -> str:
    """A text that is no wider than that; what is too much of it is left out at its end."""
    if limit is None or width(text) <= limit:
        return text
    while width(text) > limit - 3:
        text = text[:-1]
    return f"{text}..."
