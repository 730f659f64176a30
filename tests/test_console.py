"""Words in columns: their widths and edges, tables, and sizes in words."""

from __future__ import annotations

import io
import os
import pty

import pytest

from dlim.console import columns, cut, megabytes, room, table, width


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """Every line has one width; a column says whether its cells stand left or right."""
    assert columns([("a", "1"), ("bcd", "20")], right=[1]) == ["a     1", "bcd  20"]


def test_japanese_takes_two_columns() -> None:
    """Wide signs are counted as what a terminal makes of them."""
    assert columns([("閉じる", "x"), ("close", "y")]) == ["閉じる  x", "close   y"]


def test_a_column_in_which_nothing_stands_is_left_out() -> None:
    """No room is kept for what nobody has."""
    assert columns([("a", "", "b"), ("c", "", "d")]) == ["a  b", "c  d"]
    assert columns([]) == []


def test_a_table() -> None:
    """Rows stand below their heads, numbers to the right, and no line ends in spaces."""
    rows = [("alpha", "1,000", "built"), ("閉じる", "20", "")]
    assert list(table(("project", "images", ""), rows, right=[1])) == [
        "project  images",
        "alpha     1,000  built",
        "閉じる       20",
    ]


def test_a_table_without_what_nobody_has() -> None:
    """A column without cells goes with its head, and the others stand to the side that is theirs."""
    assert list(table(("a", "limit", "n"), [("x", "", "1"), ("y", "", "20")], right=[1, 2])) == [
        "a   n",
        "x   1",
        "y  20",
    ]
    assert list(table(("a", "b"), [])) == []


def test_a_cell_is_one_line() -> None:
    """A line's end in a cell is a space."""
    assert list(table(("memo",), [("first\nsecond\t third",)])) == ["memo", "first second third"]


def test_a_line_is_cut_where_the_terminal_ends() -> None:
    """What has no room is left out at the end, and that is seen; no sign is cut in two."""
    assert cut("twelve signs", 12) == "twelve signs"
    assert cut("twelve signs", 11) == "twelve s..."
    assert cut("閉じる閉じる", 9) == "閉じる..."
    assert cut("twelve signs", None) == "twelve signs"


@pytest.mark.parametrize("limit", range(5))
def test_the_narrowest_terminal(limit: int) -> None:
    """However little room there is, a line is cut to it."""
    assert width(cut("閉じる signs", limit)) <= limit
    assert width(cut("twelve signs", limit)) == limit


def test_a_very_long_line() -> None:
    """A line is looked at once, however long it is, and a mark on a letter stays with it."""
    assert cut("x" * 100_000, 9) == "xxxxxx..."
    assert cut("e\u0301" * 9, 5) == "e\u0301e\u0301..."


def test_only_a_terminal_has_an_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes into a file or a pipe is whole."""
    assert room(io.StringIO()) is None
    monkeypatch.setenv("COLUMNS", "70")
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        assert room(terminal) == 70
    os.close(ours)


def test_megabytes() -> None:
    """Large sizes have commas."""
    assert [megabytes(number) for number in (0, 5_430_000, 1_234_560_000)] == ["0.0 MB", "5.4 MB", "1,234.6 MB"]
