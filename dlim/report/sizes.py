"""How large a learner's boxes are, in a histogram, beside the smallest prior that it has for them."""

from __future__ import annotations

from collections import Counter
from math import sqrt
from typing import NamedTuple

from dlim.report.checks.boxes import boxes, side_at_input
from dlim.report.dataset import Dataset
from dlim.report.finding import Thresholds
from dlim.report.plot import Plot, Tick, short, steps

HEIGHT, TOP = 180, 20
"""Of the drawing, and the room above the plot: for the prior's name."""

MOST = 24
"""Bars, at most about so many."""


class Bar(NamedTuple):
    """So many boxes with a side from low to below high. x, y, width, height: where the bar stands.

    below: whether they are all smaller than the smallest prior.
    """

    low: float
    high: float
    boxes: int
    x: float
    y: float
    width: float
    height: float
    below: bool


class Histogram(NamedTuple):
    """Bars of boxes by their side: of a square as large, in pixels, at the learner's input where that is known.

    prior: where the smallest prior stands; None where it isn't known. below: how many boxes are smaller.
    """

    unit: str
    plot: Plot
    bars: tuple[Bar, ...]
    prior: Tick | None
    below: int
    total: int


def histogram(dataset: Dataset, thresholds: Thresholds) -> Histogram | None:
    """The histogram of a dataset's boxes; None where it has none."""
    scaled = bool(thresholds.input_size)
    smallest = thresholds.smallest_prior if scaled else 0
    sides = [
        side_at_input(thing.box, size, thresholds) if scaled else sqrt(thing.box.area)
        for _, thing, size in boxes(dataset)
    ]
    if not sides:
        return None
    across = steps(0, max(*sides, smallest, 1))
    width = max(1, round(across[-1] / MOST))
    counts = Counter(int(side // width) for side in sides)
    plot = Plot(HEIGHT, TOP, 0, across[-1], across, steps(0, max(counts.values()), whole=True))
    return Histogram(
        f"px at the input of {thresholds.input_size}" if scaled else "px",
        plot,
        tuple(_bar(plot, number * width, (number + 1) * width, counts[number], smallest) for number in sorted(counts)),
        Tick(plot.x(smallest), short(smallest)) if smallest else None,
        sum(side < smallest for side in sides),
        len(sides),
    )


def _bar(plot: Plot, low: float, high: float, count: int, smallest: float) -> Bar:
    x, y = plot.x(low), plot.y(count)
    width = max(1.0, plot.x(high) - x - 1)
    return Bar(low, high, count, x, y, round(width, 1), round(plot.lower - y, 1), high <= smallest)
