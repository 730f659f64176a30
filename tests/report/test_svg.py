"""Charts: lines through their points, round numbers, boxes by size and by place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlim.geometry import Box, Object
from dlim.report import svg
from dlim.report.checks import Thresholds
from dlim.report.metrics import Series
from dlim.report.svg import charts, histogram, maps
from tests.report.datasets import TRAIN, VAL, made

NAN = float("nan")


def series(*values: float, name: str = "loss") -> Series:
    return Series(name, "epoch", tuple(enumerate(values, 1)))


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


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
    assert len(drawn) == svg.MOST
    assert (drawn[0][0], drawn[-1][0]) == (made.plot.left, made.plot.right)
    assert made.lines[0].dots == ()
    assert (len(made.rows), made.rows[0][0], made.rows[-1][0]) == (svg.ROWS, "1", "20000")


def test_lines_have_kinds_of_their_own() -> None:
    """Lines of one chart differ; there are no more of them than the page can tell apart."""
    [made] = charts([series(3, 2, name=f"loss_{number}") for number in range(20)])
    assert [line.kind for line in made.lines] == list(range(svg.KINDS))


def test_places_that_only_one_line_has() -> None:
    """A validation every other epoch leaves its cells empty in between."""
    [made] = charts([series(3, 2, 1), Series("val_loss", "epoch", ((1, 5.0), (3, 4.0)))])
    assert made.rows == (("1", "3", "5"), ("2", "2", ""), ("3", "1", "4"))


VALUES = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(VALUES, min_size=2, max_size=40), st.integers(0, 10**9), st.integers(1, 10**7))
def test_any_values(values: list[float], first: int, step: int) -> None:
    """Whatever a program prints, all that is drawn lies inside the plot."""
    given_points = tuple((first + number * step, value) for number, value in enumerate(values))
    for found in charts([Series("loss", "step", given_points)]):
        for x, y in [*points(found.lines[0].path), *found.lines[0].dots]:
            assert found.plot.left <= x <= found.plot.right
            assert found.plot.top <= y <= found.plot.lower
        assert 1 <= len(found.plot.up) <= 8
        assert 1 <= len(found.plot.across) <= 8


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-3, 12, [-5, 0, 5, 10, 15])],
)
def test_round_numbers(low: float, high: float, wanted: list[float]) -> None:
    """The numbers of an axis are round, and enclose all values."""
    assert svg.steps(low, high) == wanted


def test_a_flat_line_has_its_own_value() -> None:
    """Beside a line that never moves stands what it is, and no number above or below it."""
    [found] = charts([series(0.9713, 0.9713, 0.9713, name="val_acc")])
    assert [tick.text for tick in found.plot.ticks_up()] == ["0.9713"]
    assert found.plot.top < found.plot.ticks_up()[0].at < found.plot.lower


def test_large_numbers_have_room() -> None:
    """The axis's numbers stand beside its title, however many digits they have."""
    [small], [large] = charts([series(1, 2, 3)]), charts([series(1, 2_000_000, 3)])
    assert large.plot.left > small.plot.left + 30


def test_numbers_in_a_few_signs() -> None:
    """Whole numbers are written in full, others in four digits."""
    assert [svg.short(value) for value in (0, 1500, 0.123456, 1e-7, 2e12, -3.0)] == [
        "0",
        "1,500",
        "0.1235",
        "1e-07",
        "2e+12",
        "-3",
    ]


def test_boxes_by_size(tmp_path: Path) -> None:
    """Each box is in the bar of its side; the bars stand side by side on the axis, none higher than the plot."""
    packed = made(tmp_path / "ssd")
    packed.write("close_0001", Object("close", Box(0, 0, 10, 10)), Object("close", Box(0, 0, 60, 40)))
    found = histogram(packed.read(), Thresholds())
    assert found is not None
    # 10, sqrt(60 * 40) = 49, and nine of sqrt(32 * 24) = 27.7
    assert {(bar.low, bar.high, bar.boxes) for bar in found.bars} == {(10, 12, 1), (26, 28, 9), (48, 50, 1)}
    assert (found.unit, found.total, found.prior, found.below) == ("px", 11, None, 0)
    for bar in found.bars:
        assert found.plot.left <= bar.x <= bar.x + bar.width <= found.plot.right
        assert found.plot.top <= bar.y
        assert bar.y + bar.height == pytest.approx(found.plot.lower)


def test_boxes_beside_the_smallest_prior(tmp_path: Path) -> None:
    """At the learner's input, with where its smallest prior stands, and how many boxes are smaller."""
    packed = made(tmp_path / "ssd")
    packed.write("close_0001", Object("close", Box(0, 0, 8, 6)))
    # 8x6 of 64x48 px is an eighth of the side, the others' 32x24 half of it
    found = histogram(packed.read(), Thresholds(input_size=300, smallest_prior=150.1))
    assert found is not None
    assert (found.unit, found.below) == ("px at the input of 300", 10)
    found = histogram(packed.read(), Thresholds(input_size=300, smallest_prior=100))
    assert found is not None
    assert found.below == 1
    assert found.prior is not None
    assert found.prior.text == "100"
    assert [bar.below for bar in found.bars] == [True, False]


def test_a_prior_larger_than_all_boxes(tmp_path: Path) -> None:
    """It has room on the axis."""
    found = histogram(made(tmp_path / "ssd").read(), Thresholds(input_size=300, smallest_prior=900))
    assert found is not None
    assert found.prior is not None
    assert found.plot.left < found.prior.at <= found.plot.right


def test_no_boxes(tmp_path: Path) -> None:
    """Where nothing is labelled there is nothing to count."""
    packed = made(tmp_path / "ssd")
    for name in (*TRAIN, *VAL):
        packed.write(name)
    assert histogram(packed.read(), Thresholds()) is None


def test_where_boxes_lie(tmp_path: Path) -> None:
    """Of each label: how many boxes, where their middles are on the image, and how large they are."""
    packed = made(tmp_path / "ssd")
    packed.write("close_0001", Object("close", Box(0, 0, 4, 4)), Object("close", Box(0, 0, 4, 4)))
    close, skip = maps(packed.read())
    assert (close.label, close.boxes, skip.label, skip.boxes) == ("close", 7, "skip", 4)
    assert (close.least, close.middle, close.most) == (4, 28, 28)
    assert {(column, row) for column, row, _ in close.cells} == {(0, 0), (6, 6)}
