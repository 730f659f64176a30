"""The histogram counts every box once, at the size that the learner sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlim.annotation import Box, Object
from dlim.report.finding import Thresholds
from dlim.report.sizes import histogram
from tests.report.datasets import TRAIN, VAL, made


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
