"""Draws: decided by the key, and by nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim.augment import operations as draw

KEYS = st.lists(st.integers() | st.text(max_size=9), min_size=1, max_size=4).map(tuple)


def test_a_draw_is_the_same_for_ever() -> None:
    """These numbers decide the bytes of every dataset: another draw would build them all anew."""
    assert draw.uniforms(3, 1, "close", "mix", 0, 0, 0) == [0.938089113390326, 0.441072897403194, 0.6639875270140355]
    assert draw.seed(1, "close", "video", 0, 0, 0) == 302486062


def test_a_draw_is_the_same_in_another_process() -> None:
    """Neither the process nor its hash seed has a part in a draw."""
    code = "import dlim.augment.operations as draw; print(draw.uniforms(8, 1, 'あ', 'mix'), draw.seed(1, 'あ', 'mix'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8")
    assert done.stdout == f"{draw.uniforms(8, 1, 'あ', 'mix')} {draw.seed(1, 'あ', 'mix')}\n"


@settings(deadline=None, max_examples=50)
@given(KEYS)
def test_a_draw_lies_in_its_range(key: tuple[object, ...]) -> None:
    """A draw is from 0 to below 1, a seed is one that imgaug takes."""
    numbers = draw.uniforms(8, *key)
    assert len(numbers) == 8
    assert all(0 <= number < 1 for number in numbers)
    assert 0 <= draw.seed(*key) < 2**31


@settings(deadline=None)
@given(KEYS, st.integers(1, 7))
def test_fewer_are_the_first_of_more(key: tuple[object, ...], count: int) -> None:
    """How many are drawn changes none of them."""
    assert draw.uniforms(count, *key) == draw.uniforms(8, *key)[:count]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("ab", "c"), ("a", "bc"), id="where a part ends"),
        pytest.param((1, 2), (2, 1), id="the order"),
        pytest.param((1,), (1, 0), id="how many parts"),
        pytest.param((1, "close", "mix", 0, 0), (1, "close", "mix", 0, 1), id="the last part"),
    ],
)
def test_other_keys_draw_other_numbers(one: tuple[object, ...], other: tuple[object, ...]) -> None:
    """Every part of a key counts, and where it stands."""
    assert draw.uniforms(1, *one) != draw.uniforms(1, *other)
    assert draw.seed(*one) != draw.seed(*other)


def test_draws_are_even() -> None:
    """Of 4,000 draws, each tenth of the range gets its share, in the first number and in the last."""
    for place in (0, 7):
        tenths = [0] * 10
        for index in range(4000):
            tenths[int(draw.uniforms(8, 1, "even", index)[place] * 10)] += 1
        assert 330 < min(tenths) <= max(tenths) < 470
