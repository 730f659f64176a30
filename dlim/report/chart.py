"""A line chart of metrics as geometry: its lines, their legend, and the same in numbers. The page draws it as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dlim.report import metrics
from dlim.report.metrics import LOSS, SCORE, Series, is_number
from dlim.report.plot import Plot, short, steps

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
    values = _numbers(group)
    first, last = min(places), max(places)
    across = [step for step in steps(first, last, whole=True) if first <= step <= last]
    plot = Plot(HEIGHT, TOP, first, last, across, steps(min(values), max(values)))
    title = {LOSS: "loss", SCORE: "score"}.get(metrics.kind(group[0].name), group[0].name)
    lines = tuple(_line(each, number, plot) for number, each in enumerate(group))
    return Chart(title, group[0].by, plot, lines, _rows(group))


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


def chosen(count: int, most: int) -> list[int]:
    """The numbers of so many things of a row at most, evenly from its first to its last."""
    if count <= most:
        return list(range(count))
    return [number * (count - 1) // max(1, most - 1) for number in range(most)]


def _rows(group: Sequence[Series]) -> tuple[tuple[str, ...], ...]:
    values = [dict(each.points) for each in group]
    places = sorted({place for each in values for place in each})
    shown = [places[index] for index in chosen(len(places), ROWS)]
    return tuple((str(place), *(_told(each[place]) if place in each else "" for each in values)) for place in shown)


def _told(value: float) -> str:
    return short(value) if is_number(value) else f"{value:g}"
