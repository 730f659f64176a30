"""Words in columns: what a terminal shows as a table, and a log as plain lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence


def width(text: str) -> int:
    """The columns that a text takes: Japanese characters take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else not unicodedata.combining(sign) for sign in text)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows below their heads, a line each. A column in which nothing stands is left out; a line's end is a space."""
    cells = [[" ".join(cell.split()) for cell in row] for row in rows]
    used = [number for number in range(len(heads)) if any(row[number] for row in cells)]
    lines = [[row[number] for number in used] for row in ([list(heads), *cells] if cells else [])]
    widths = [max(width(line[number]) for line in lines) for number in range(len(used))] if lines else []
    for line in lines:
        padded = (cell + " " * (room - width(cell)) for cell, room in zip(line, widths, strict=True))
        yield "  ".join(padded).rstrip()
