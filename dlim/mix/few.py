"""Few: how many rows of a long list stand by themselves, and how many in one together."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 12
"""How many rows stand by themselves at most, where there are more: a character a label makes a thousand of them."""

LEAST = 0.02
"""What part of the largest row's images a row has that stands by itself, where there are many."""


def alone(images: Sequence[int]) -> int:
    """How many rows stand by themselves, of rows with so many images each, the largest first."""
    # a single one in place of the others would take their row and say less
    if len(images) <= SHOWN + 1:
        return len(images)
    return sum(count >= images[0] * LEAST for count in images[:SHOWN])
