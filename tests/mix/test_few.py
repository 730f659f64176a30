"""few: long lists of labels are cut alike, in the table and in the report."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dlim.mix.account import LabelRow, Mix, Numbers
from dlim.mix.few import SHOWN, alone
from dlim.mix.table import lines
from dlim.report.counts import Row, parted


@pytest.mark.parametrize(
    ("images", "shown"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([500, 1, 1, 1], 4, id="a few, however small"),
        pytest.param([10] * (SHOWN + 1), SHOWN + 1, id="one more, which takes no more room than its number"),
        pytest.param([10] * (SHOWN + 2), SHOWN, id="two more"),
        pytest.param([500, 400] + [1] * 1000, 2, id="a thousand small ones"),
        pytest.param([100] + [2] * 1000, SHOWN, id="just large enough"),
        pytest.param([0] * 20, SHOWN, id="nothing in any"),
    ],
)
def test_a_few_stand_by_themselves(images: Sequence[int], shown: int) -> None:
    """Of a long list the largest have a row each, and are as many in the table of a mix as in the report."""
    assert alone(images) == shown
    assert len(parted([Row(str(number), count, 0, count) for number, count in enumerate(images)]).shown) == shown
    rows = [LabelRow(f"l{number}", Numbers(count, count, count, 0), 1, 2) for number, count in enumerate(images)]
    total = sum(images)
    table = list(lines(Mix("ssd", (), tuple(rows), Numbers(total, total, total, 0))))
    assert len([line for line in table if line.split("  ")[0].strip() in {row.name for row in rows}]) == shown
