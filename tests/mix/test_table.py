"""A mix in lines: its tables, how long lists are cut, and what is worth a thought."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from dlim.console import width
from dlim.mix.account import LabelRow, Mix, Numbers, ProjectRow
from dlim.mix.table import SHOWN, alone, has_blocks, lines, some, warnings
from dlim.report.dataset import Row
from dlim.report.page import parted

CLOSE = ProjectRow("close_btn", ("close",), "built", Numbers(396, 396, 317, 79))
JA = ProjectRow("ja_char", ("ja_char",), "built", Numbers(1000, 99, 79, 20), 99)
MIX = Mix(
    "ssd",
    (CLOSE, JA),
    (LabelRow("close", Numbers(396, 396, 317, 79), 1, 2), LabelRow("ja_char", Numbers(1000, 99, 79, 20), 1, 0)),
    Numbers(1396, 495, 396, 99),
)


def text(mix: Mix, *, blocks: bool = True) -> str:
    return "\n".join(lines(mix, blocks=blocks))


def test_a_mix_with_limits() -> None:
    """Numbers stand to the right, bars compare, and what a limit leaves stands beside what there is."""
    assert text(MIX) == (
        "ssd: 495 of 1,396 images, 396 train and 99 val\n"
        "\n"
        "project    label    images  limit  taken  train  val  share\n"
        "close_btn  close       396           396    317   79  80.0%  ██████████\n"
        "ja_char    ja_char   1,000     99     99     79   20  20.0%  ██▌\n"
        "\n"
        "label    projects  images  taken  train  val  share\n"
        "close           1     396    396    317   79  80.0%  ██████████\n"
        "ja_char         1   1,000     99     79   20  20.0%  ██▌"
    )


def test_a_mix_without_limits_has_no_columns_for_them() -> None:
    """Where all is taken, nothing stands there twice."""
    found = text(Mix("ssd", (CLOSE,), (), CLOSE.numbers), blocks=False)
    assert found == (
        "ssd: 396 images, 317 train and 79 val\n"
        "\n"
        "project    label  images  train  val   share\n"
        "close_btn  close     396    317   79  100.0%  ##########"
    )


def test_what_is_not_there_yet() -> None:
    """A project that isn't built, or is as it was, says so, and so does the first line."""
    rows = (
        ProjectRow("a", ("close",), "missing", Numbers(), 50),
        ProjectRow("b", ("close",), "outdated", Numbers(10, 10, 8, 2)),
        ProjectRow("c", (), "failing", Numbers(), why="c: is broken"),
    )
    assert text(Mix("ssd", rows, (), Numbers(10, 10, 8, 2))) == (
        "ssd: 10 images, 8 train and 2 val; 2 of 3 projects not built yet; 1 shown as last built\n"
        "\n"
        "project  label  images  limit  taken  train  val   share\n"
        "a        close             50                                         not built yet\n"
        "b        close      10            10      8    2  100.0%  ██████████  to be built anew\n"
        "c                                                                     fails\n"
        "\n"
        "- can't be built: c: is broken"
    )


def test_nothing_is_built() -> None:
    """Before the first run it is known which projects there are, and nothing is divided by nought."""
    rows = (ProjectRow("a", (), "missing", Numbers()), ProjectRow("b", (), "missing", Numbers()))
    assert text(Mix("ssd", rows, (), Numbers())) == (
        "ssd: none of its 2 projects is built yet\n\nproject\na        not built yet\nb        not built yet"
    )
    assert text(Mix("ssd", rows[:1], (), Numbers())).startswith("ssd: its project is not built yet\n")


def test_many_labels() -> None:
    """A label a character makes a line together with the others of its kind, and is counted in its project's."""
    labels = tuple(f"ja_{number}" for number in range(1000))
    ja = ProjectRow("ja_char", labels, "built", Numbers(1000, 1000, 800, 200))
    rows = [LabelRow("close", CLOSE.numbers, 1, 2)]
    rows += [LabelRow(name, Numbers(1, 1, 1, 0), 1, 0) for name in labels]
    found = text(Mix("ssd", (CLOSE, ja), tuple(rows), Numbers(1396, 1396, 1117, 279))).splitlines()
    assert "ja_char    1,000 labels   1,000    800  200  71.6%  ██████████" in found
    assert "1,000 more             1,000  1,000    0         1 each" in found
    assert len(found) < 16


def test_lines_fit_a_terminal() -> None:
    """Long names of many labels, and long thoughts, leave lines of a terminal's width."""
    labels = tuple(f"a_label_of_some_length_{number}" for number in range(20))
    row = ProjectRow("a_project_of_some_length", labels, "built", Numbers(10**5, 99, 80, 19), 10**5, ("close",))
    rows = tuple(LabelRow(name, Numbers(10, 5, 5, 0), 1, 1) for name in labels)
    mix = Mix("ssd", (row,), rows, Numbers(10**5, 99, 80, 19), tuple(labels))
    assert max(width(line) for line in lines(mix)) <= 100


def test_a_bar_of_little() -> None:
    """What is little is still to be seen; what is nothing isn't."""
    counts = {"a": 9999, "b": 1, "c": 0}
    rows = tuple(ProjectRow(name, (), "built", Numbers(9999, n, n, 0), n) for name, n in counts.items())
    found = text(Mix("ssd", rows, (), Numbers(29997, 10000, 10000, 0))).splitlines()[3:]
    assert [line.partition("%")[2].strip() for line in found] == ["█" * 10, "▏", ""]


def test_what_a_stream_can_show() -> None:
    """Bars are drawn with blocks where the stream's encoding has them."""
    assert [has_blocks(name) for name in ("utf-8", "ascii", "latin-1", None, "no-such")] == [True, *[False] * 4]


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


def label(name: str, taken: int, *, val: int = 1, train: int | None = None, masters: int = 2) -> LabelRow:
    return LabelRow(name, Numbers(taken, taken, taken - val if train is None else train, val), 1, masters)


def told(*labels: LabelRow) -> list[str]:
    rows = tuple(sorted(labels, key=lambda row: -row.numbers.taken))
    return list(warnings(Mix("ssd", (), rows, Numbers())))


def test_an_even_mix_is_not_talked_about() -> None:
    """Labels of several masters with nearly as many images each give nothing to say."""
    assert told(label("a", 100), label("b", 21)) == []


def test_one_label_many_times_another() -> None:
    """Five times as many images of one label as of another are said, with the way out."""
    assert told(label("ja_char", 1000), label("close", 99)) == [
        "ja_char has 1,000 images; close has 99; a number for it under [limit.labels] evens that out"
    ]
    limited = label("ja_char", 1000)._replace(limit=1000)
    [line] = told(limited, label("close", 99))
    assert line.endswith("; a smaller number under [limit.labels] evens that out")
    [line] = told(label("ja_char", 1000), label("skip", 500), label("close", 99), label("ad", 90))
    assert line.startswith("ja_char has 1,000 images; 2 labels have a fifth of that or less, ad only 90; a number")


def test_one_master_alone() -> None:
    """Labels of a single master are named; what is drawn has none, and one image isn't divided."""
    assert told(label("a", 20, masters=1), label("b", 20, masters=0), label("c", 20)) == [
        "of one master, so that val shows nothing that train doesn't: a"
    ]


def test_labels_on_one_side() -> None:
    """Labels that are only in val can't be learned, those only in train are not measured."""
    assert told(label("a", 1, val=1), label("b", 1, val=0), label("c", 1, val=0)) == [
        "in val alone, so that they can't be learned: a",
        "in train alone, so that they are not measured: b, c",
    ]


def test_what_fails_and_what_is_excluded() -> None:
    """A project's fault comes first, as it is, and at the end what the learner doesn't take."""
    row = ProjectRow("x", (), "failing", Numbers(), why="x: master/image.jpg is missing; put the crop there")
    mix = Mix("ssd", (row, row._replace(state="missing")), (), Numbers(), ("old", "older"), ("a note",))
    assert list(warnings(mix)) == [
        "can't be built: x: master/image.jpg is missing; put the crop there",
        "a note",
        "not in it, as config/learners/ssd.toml says: old, older",
    ]


def test_many_names() -> None:
    """A thousand names make one line: the first few, and how many more there are."""
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcdef")) == "a, b, c, d, e, f"
    assert some([str(number) for number in range(1000)]) == "0, 1, 2, 3, 4 and 995 more"
