"""warnings: what in a mix is worth a thought, in words."""

from __future__ import annotations

from dlim.mix.account import LabelRow, Mix, Numbers, ProjectRow
from dlim.mix.warnings import some, warnings


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
