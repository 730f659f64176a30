"""table: a mix in lines that a terminal and a log show alike."""

from __future__ import annotations

from dlim.mix.account import LabelRow, Mix, Numbers, ProjectRow
from dlim.mix.table import has_blocks, lines
from dlim.text import width

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
