"""What is said of what is there: how old, how many, how large."""

from __future__ import annotations

import pytest

from dlim.plugins.stock import age, images, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (-5, "just now"),
        (1, "1 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "1 d ago"),
        (400 * 86400, "400 d ago"),
    ],
)
def test_an_age_is_in_whole_units(seconds: float, text: str) -> None:
    """One unit is enough; a clock that was put back gives no nonsense."""
    assert age(seconds) == text


def test_numbers_of_images() -> None:
    """One is one, and none is nothing."""
    assert [images(number) for number in (0, 1, 1782)] == ["", "1 image", "1,782 images"]


def test_sizes() -> None:
    """Small builds have a size, too."""
    assert [size(number) for number in (0, 70, 99_900, 100_000, 5_430_000)] == [
        *("", "0.1 kB", "99.9 kB", "0.1 MB", "5.4 MB"),
    ]
