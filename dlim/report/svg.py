"""Charts as geometry, which the page draws as SVG: metrics by epoch, boxes by size, and where boxes lie."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from dlim.mix.table import alone
from dlim.report import metrics
from dlim.report.checks import Thresholds, side_at_input
from dlim.report.dataset import Dataset
from dlim.report.metrics import LOSS, SCORE, Series, is_number

WIDTH = 420
"""Of a drawing, in its own units; letters are some 12 of them high, so that a phone's width leaves them readable."""

RIGHT, BOTTOM = 12, 42
"""Around a plot: beside it, and the room below for the numbers and the name of the axis."""

TITLE, LETTER = 26, 7.4
"""At the left: the room for the axis's title, and for each letter of its numbers."""


class Tick(NamedTuple):
    """A number on an axis: where it stands, and how it is written."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot in a drawing. height: of the drawing; top: the room above. across, up: the numbers on the axes.

    first, last: the ends of the axis across; low, high: those of the axis up.
    """

    height: int
    top: int
    first: float
    last: float
    low: float
    high: float
    across: Sequence[float]
    up: Sequence[float]
    width: int = WIDTH

    @property
    def left(self) -> int:
        """The left edge of the plot: the numbers stand before it, and before them the axis's title."""
        return round(TITLE + 7 + LETTER * max(3, *(len(short(value)) for value in self.up)))

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
        share = (value - self.low) / (self.high - self.low)
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
    rough = (high - low or max(abs(high), 1)) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    step = max(1.0, step) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    # what rounding has added is cut off again
    return [float(f"{number * step:.12g}") for number in range(first, max(last, first + 1) + 1)]


def chosen(count: int, most: int) -> list[int]:
    """The numbers of so many things of a row at most, evenly from its first to its last."""
    if count <= most:
        return list(range(count))
    return [number * (count - 1) // max(1, most - 1) for number in range(most)]


# metrics

HEIGHT, TOP = 220, 10
"""Of the drawing, and the room above the plot."""

MOST = 240
"""So many points of a line are drawn; of more, evenly chosen ones, the last among them."""

DOTTED = 30
"""Up to so many points each has a dot."""

ROWS = 40
"""Rows of a chart in numbers."""

KINDS = 6
"""How many kinds of line the page's style tells apart."""


class Line(NamedTuple):
    """A metric. kind: of line, from 0. path: as SVG has it. dots: its points, where they are few enough to be shown.

    last, best: as they are written; no best where it isn't known whether more is better.
    """

    name: str
    kind: int
    path: str
    dots: tuple[tuple[float, float], ...]
    last: str
    best: str


class Chart(NamedTuple):
    """Lines that share their axes. rows: the same in numbers, the place first, then each line's value there."""

    title: str
    by: str
    plot: Plot
    lines: tuple[Line, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def told(self) -> str:
        """The chart in a sentence, for those who don't see it."""
        ends = "; ".join(f"{line.name} ends at {line.last}{line.best and f', best {line.best}'}" for line in self.lines)
        return f"{self.title} by {self.by}: {ends}"


def charts(found: Sequence[Series]) -> tuple[Chart, ...]:
    """A chart for each group of metrics that can share an axis; none of a group without a value that is a number."""
    return tuple(_chart(group[:KINDS]) for group in metrics.panels(found) if _numbers(group[:KINDS]))


def _chart(group: Sequence[Series]) -> Chart:
    places = [place for each in group for place, _ in each.points]
    first, last = min(places), max(places)
    across = [step for step in steps(first, last, whole=True) if first <= step <= last]
    plot = Plot(HEIGHT, TOP, first, last, *_ends(_numbers(group)), across, _ticks(_numbers(group)))
    title = {LOSS: "loss", SCORE: "score"}.get(metrics.kind(group[0].name), group[0].name)
    lines = tuple(_line(each, number, plot) for number, each in enumerate(group))
    return Chart(title, group[0].by, plot, lines, _rows(group))


def _is_flat(values: Sequence[float]) -> bool:
    """Whether values don't differ in the twelve digits that tell an axis's numbers apart."""
    return max(values) - min(values) <= max(1e-9 * max(map(abs, values)), 1e-30)


def _ticks(values: Sequence[float]) -> list[float]:
    """The numbers beside an axis: of a flat line its own value, and no other."""
    return [values[0]] if _is_flat(values) else steps(min(values), max(values))


def _ends(values: Sequence[float]) -> tuple[float, float]:
    if _is_flat(values):
        room = abs(values[0]) / 10 if abs(values[0]) > 1e-30 else 1
        return values[0] - room, values[0] + room
    up = steps(min(values), max(values))
    return up[0], up[-1]


def _numbers(group: Sequence[Series]) -> list[float]:
    return [value for each in group for _, value in each.points if is_number(value)]


def _line(each: Series, number: int, plot: Plot) -> Line:
    points = [(place, value) for place, value in each.points if is_number(value)]
    drawn = [each.points[index] for index in chosen(len(each.points), MOST)]
    dots = tuple((plot.x(place), plot.y(value)) for place, value in points) if len(points) <= DOTTED else ()
    best = _best(each.name, points)
    told = f"{short(best[1])} at {each.by} {best[0]}" if best else ""
    return Line(each.name, number, _path(drawn, plot), dots, _told(each.points[-1][1]), told)


def _path(points: Sequence[tuple[int, float]], plot: Plot) -> str:
    """A line through the points, broken where a value is no number."""
    parts = []
    pen = "M"
    for place, value in points:
        if is_number(value):
            parts.append(f"{pen}{plot.x(place):g} {plot.y(value):g}")
            pen = "L"
        else:
            pen = "M"
    return "".join(parts)


def _best(name: str, points: Sequence[tuple[int, float]]) -> tuple[int, float] | None:
    """The first of the best points."""
    sort = metrics.kind(name)
    if not points or not sort:
        return None
    sign = 1 if sort == LOSS else -1
    return min(points, key=lambda point: (sign * point[1], point[0]))


def _rows(group: Sequence[Series]) -> tuple[tuple[str, ...], ...]:
    values = [dict(each.points) for each in group]
    places = sorted({place for each in values for place in each})
    shown = [places[index] for index in chosen(len(places), ROWS)]
    return tuple((str(place), *(_told(each[place]) if place in each else "" for each in values)) for place in shown)


def _told(value: float) -> str:
    return short(value) if is_number(value) else f"{value:g}"


# boxes

BARS = 24
"""Bars of a histogram, at most about so many."""


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
        for _, thing, size in dataset.boxes()
    ]
    if not sides:
        return None
    across = steps(0, max(*sides, smallest, 1))
    width = max(1, round(across[-1] / BARS))
    counts = Counter(int(side // width) for side in sides)
    up = steps(0, max(counts.values()), whole=True)
    plot = Plot(180, 20, 0, across[-1], 0, up[-1], across, up)
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


CELLS = 12
"""Cells, each way, of a map of where boxes lie."""


class Map(NamedTuple):
    """Where the middles of a label's boxes lie on their images, and how large they are.

    cells: (column, row, share of the fullest cell). least, middle, most: sides of a square as large, in pixels.
    """

    label: str
    boxes: int
    cells: tuple[tuple[int, int, float], ...]
    least: int
    middle: int
    most: int


def maps(dataset: Dataset) -> tuple[Map, ...]:
    """Where boxes lie and how large they are, by label: those with the most boxes first."""
    sides: dict[str, list[float]] = {}
    cells: dict[str, Counter[tuple[int, int]]] = {}
    for _, thing, (width, height) in dataset.boxes():
        box = thing.box
        sides.setdefault(thing.label, []).append(sqrt(box.area))
        at = (_cell(box.x1 + box.x2, width), _cell(box.y1 + box.y2, height))
        cells.setdefault(thing.label, Counter())[at] += 1
    names = sorted(sides, key=lambda label: (-len(sides[label]), label))
    shown = names[: alone([len(sides[name]) for name in names])]
    return tuple(_map(name, sorted(sides[name]), cells[name]) for name in shown)


def _cell(twice: float, side: int) -> int:
    return min(max(int(twice * CELLS / (2 * max(side, 1))), 0), CELLS - 1)


def _map(label: str, sides: Sequence[float], cells: Counter[tuple[int, int]]) -> Map:
    most = max(cells.values())
    found = tuple((column, row, round(count / most, 2)) for (column, row), count in sorted(cells.items()))
    return Map(label, len(sides), found, round(sides[0]), round(sides[len(sides) // 2]), round(sides[-1]))
