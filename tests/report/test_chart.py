"""A chart's lines go through their points, its axes have round numbers, and what is no number is left out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlim.report import chart, plot
from dlim.report.chart import charts
from dlim.report.metrics import Series

NAN = float("nan")


def series(*values: float, name: str = "loss") -> Series:
    return Series(name, "epoch", tuple(enumerate(values, 1)))


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def test_lines_go_through_their_points() -> None:
    """The first value stands at the left, the highest at the top, and equal steps are equally far apart."""
    [made] = charts([series(1.0, 0.5, 0.0)])
    [line] = made.lines
    assert points(line.path) == [
        (made.plot.left, made.plot.top),
        ((made.plot.left + made.plot.right) / 2, (made.plot.top + made.plot.lower) / 2),
        (made.plot.right, made.plot.lower),
    ]
    assert list(line.dots) == points(line.path)
    assert [tick.text for tick in made.plot.ticks_up()] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert [tick.text for tick in made.plot.ticks_across()] == ["1", "2", "3"]


def test_the_best_is_told() -> None:
    """The lowest loss and the highest score, at their first place; of what is neither, none."""
    found = charts([series(3, 1, 1, 2), series(0.1, 0.9, 0.9, name="val_acc"), series(3, 2, name="momentum")])
    assert [(one.title, line.last, line.best) for one in found for line in one.lines] == [
        ("loss", "2", "1 at epoch 2"),
        ("score", "0.9", "0.9 at epoch 2"),
        ("momentum", "2", ""),
    ]
    assert found[0].told == "loss by epoch: loss ends at 2, best 1 at epoch 2"


def test_what_is_no_number_breaks_the_line() -> None:
    """A line has a gap there, and says how it ended; without any number there is no chart."""
    [made] = charts([series(3, 2, NAN, 1, float("inf"))])
    [line] = made.lines
    assert line.path.count("M") == 2
    assert line.last == "inf"
    assert [row[1] for row in made.rows] == ["3", "2", "nan", "1", "inf"]
    assert charts([series(NAN, NAN)]) == ()
    assert charts([]) == ()


def test_long_lines_are_thinned() -> None:
    """Thousands of points are drawn by some hundred, the first and the last among them, and so are the numbers."""
    [made] = charts([series(*(1 / number for number in range(1, 20_001)))])
    drawn = points(made.lines[0].path)
    assert len(drawn) == chart.MOST
    assert (drawn[0][0], drawn[-1][0]) == (made.plot.left, made.plot.right)
    assert made.lines[0].dots == ()
    assert (len(made.rows), made.rows[0][0], made.rows[-1][0]) == (chart.ROWS, "1", "20000")


def test_lines_have_kinds_of_their_own() -> None:
    """Lines of one chart differ; there are no more of them than the page can tell apart."""
    [made] = charts([series(3, 2, name=f"loss_{number}") for number in range(20)])
    assert [line.kind for line in made.lines] == list(range(chart.KINDS))


def test_places_that_only_one_line_has() -> None:
    """A validation every other epoch leaves its cells empty in between."""
    [made] = charts([series(3, 2, 1), Series("val_loss", "epoch", ((1, 5.0), (3, 4.0)))])
    assert made.rows == (("1", "3", "5"), ("2", "2", ""), ("3", "1", "4"))


VALUES = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(VALUES, min_size=2, max_size=40), st.integers(0, 10**9), st.integers(1, 10**7))
def test_any_values(values: list[float], first: int, step: int) -> None:
    """Whatever a program prints, all that is drawn lies inside the plot."""
    given_points = tuple((first + number * step, value) for number, value in enumerate(values))
    for made in charts([Series("loss", "step", given_points)]):
        for x, y in [*points(made.lines[0].path), *made.lines[0].dots]:
            assert made.plot.left <= x <= made.plot.right
            assert made.plot.top <= y <= made.plot.lower
        assert 2 <= len(made.plot.up) <= 8
        assert 1 <= len(made.plot.across) <= 8


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (3, 3, [3, 3.1]), (0, 0, [0, 0.2]), (-3, 12, [-5, 0, 5, 10, 15])],
)
def test_round_numbers(low: float, high: float, wanted: list[float]) -> None:
    """The numbers of an axis are round, and enclose all values."""
    assert plot.steps(low, high) == wanted


def test_numbers_in_a_few_signs() -> None:
    """Whole numbers are written in full, others in four digits."""
    assert [plot.short(value) for value in (0, 1500, 0.123456, 1e-7, 2e12, -3.0)] == [
        "0",
        "1,500",
        "0.1235",
        "1e-07",
        "2e+12",
        "-3",
    ]
