"""Words in columns: what a terminal shows as a table, and a log as plain lines."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import TextIO


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


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> Iterator[str]:
    """Rows below their heads, a line each. A column in which nothing stands is left out; a line's end is a space.

    right: the columns whose cells stand at the right edge.
    """
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    used = [number for number in range(len(heads)) if any(row[number] for row in cells)]
    lines = [[row[number] for number in used] for row in ([heads, *cells] if cells else [])]
    found = columns(lines, [place for place, number in enumerate(used) if number in right])
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


def megabytes(number: float) -> str:
    """So many bytes, in megabytes."""
    return f"{number / 1e6:,.1f} MB"
