"""A dataset is counted as what a learner gets: images by label and project in train and val, and their boxes."""

from __future__ import annotations

from pathlib import Path

from dlim.annotation import Box, Object
from dlim.report import counts
from dlim.report.counts import Row
from tests.report.datasets import BOX, jpeg, made


def test_counts(tmp_path: Path) -> None:
    """An image counts for each of its labels, a box once, and what no list names not at all."""
    packed = made(tmp_path / "ssd")
    packed.write(
        "close_0001", Object("close", BOX), Object("close", Box(1, 1, 9, 9)), Object("skip", Box(50, 1, 60, 9))
    )
    packed.image("stray_0001").write_bytes(jpeg(40))
    packed.write("stray_0001", Object("close", BOX))
    (packed.folder / "characters.csv").write_text(
        "label,code_point,character,name\nskip,U+304D,き,KI\n", encoding="utf-8"
    )
    found = counts.counted(packed.read())
    assert found.labels == (Row("close", 4, 2, 7), Row("skip", 4, 1, 5, "き"))
    assert found.projects == (Row("close", 4, 2, 8), Row("skip", 3, 1, 4))
    assert found.total == Row("all", 7, 3, 12)
    assert found.total.images == 10


def test_few_rows_stand_by_themselves() -> None:
    """As many as have room do, however small some are."""
    rows = [Row(f"label_{number}", 1000 // (number + 1), 0, 0) for number in range(counts.SHOWN)]
    assert counts.parted(rows) == (rows, ())


def test_many_small_rows_stand_together() -> None:
    """A character a label makes a thousand rows of one image: they are one row, and the large ones stay."""
    large = [Row("close", 700, 90, 800), Row("skip", 400, 50, 450)]
    small = [Row(f"ja_char_{number:04x}", number % 2, 1 - number % 2, 1) for number in range(1000)]
    found = counts.parted([*large, *small])
    assert found.shown == large
    assert found.together == Row("", 500, 500, 1000)


def test_many_equal_rows() -> None:
    """Where none is larger than another, the first few are shown, and how many more there are."""
    found = counts.parted([Row(f"label_{number:03d}", 8, 2, 10) for number in range(300)])
    assert (len(found.shown), len(found.rest)) == (counts.SHOWN, 300 - counts.SHOWN)
