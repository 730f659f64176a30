"""Columns and their edges."""

from __future__ import annotations

import io

from dlim.plugins.columns import columns, cut, room


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


def test_a_line_is_cut_where_the_terminal_ends() -> None:
    """What has no room is left out at the end, and that is seen; no sign is cut in two."""
    assert cut("twelve signs", 12) == "twelve signs"
    assert cut("twelve signs", 11) == "twelve s..."
    assert cut("閉じる閉じる", 9) == "閉じる..."
    assert cut("twelve signs", None) == "twelve signs"


def test_only_a_terminal_has_an_edge() -> None:
    """What goes into a file or a pipe is whole."""
    assert room(io.StringIO()) is None
