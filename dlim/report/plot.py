"""The plot of a chart: how large it is drawn, the numbers on its axes, and where a value stands in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

WIDTH = 420
"""Of a drawing, in its own units; letters are some 12 of them high, so that a phone's width leaves them readable."""

LEFT, RIGHT, BOTTOM = 60, 12, 42
"""Around a plot: room for the numbers and the names of the axes."""


class Tick(NamedTuple):
    """A number on an axis: where it stands, and how it is written."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot in a drawing. height: of the drawing; top: the room above. across, up: the numbers on the axes.

    first, last: the ends of the axis across; those of the axis up are its first and its last number.
    """

    height: int
    top: int
    first: float
    last: float
    across: Sequence[float]
    up: Sequence[float]
    width: int = WIDTH
    left: int = LEFT

    @property
    def right(self) -> int:
        """The right edge of the plot."""
        return self.width - RIGHT

    @property
    def lower(self) -> int:
        """The lower edge of the plot."""
        return self.height - BOTTOM

    def x(self, value: float) -> float:
        share = (value - self.first) / (self.last - self.first or 1)
        return round(self.left + share * (self.right - self.left), 1)

    def y(self, value: float) -> float:
        share = (value - self.up[0]) / (self.up[-1] - self.up[0])
        return round(self.lower - share * (self.lower - self.top), 1)

    def ticks_across(self) -> list[Tick]:
        return [Tick(self.x(value), short(value)) for value in self.across]

    def ticks_up(self) -> list[Tick]:
        return [Tick(self.y(value), short(value)) for value in self.up]


def short(value: float) -> str:
    """A number in a few signs."""
    return f"{value:,.0f}" if value == int(value) and abs(value) < 1e9 else f"{value:.4g}"


def steps(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Two to seven round numbers, the first at or below low and the last at or above high."""
    rough = _span(low, high) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    step = max(1.0, step) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    # what rounding has added is cut off again
    return [float(f"{number * step:.12g}") for number in range(first, max(last, first + 1) + 1)]


def _span(low: float, high: float) -> float:
    """How much an axis has to show: more than there is where a number's twelve digits wouldn't tell its ends apart."""
    most = max(abs(low), abs(high))
    if high - low > max(most * 1e-9, 1e-30):
        return high - low
    return most / 10 if most > 1e-30 else 1
