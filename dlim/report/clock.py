"""Times of records as the clock on the wall has them."""

from __future__ import annotations

from dlim.runs.record import local_time


def wall(text: str) -> str:
    """A time such as a record has, as `2026-11-23 05:04`; what is none, as it stands there."""
    try:
        return local_time(text)
    except (ValueError, OverflowError, OSError):
        return text
