"""Names and patterns: what matches what, and which words are near to one another."""

from __future__ import annotations

import time

import pytest

from dlim.names import mapped, near, nearest, strangers

MAP = {"ja_char_*": "ja", "ja_char_3042": "a", "ja_*": "other", "close": "x"}


@pytest.mark.parametrize(
    ("label", "to"),
    [
        pytest.param("close", "x", id="its own entry"),
        pytest.param("ja_char_3042", "a", id="its own entry before a pattern that stands first"),
        pytest.param("ja_char_1", "ja", id="a pattern"),
        pytest.param("ja_x", "other", id="the next pattern"),
        pytest.param("closed", "closed", id="no entry"),
    ],
)
def test_label_maps(label: str, to: str) -> None:
    """A label's own entry counts before any pattern, then the first pattern that fits; else it stays."""
    assert mapped(label, MAP) == to


@pytest.mark.parametrize(
    ("word", "words", "way_out"),
    [
        pytest.param("clsoe", ["skip", "close"], 'did you mean "close"?', id="a near one"),
        pytest.param("x", ["skip", "close"], "say one of: close, skip", id="none near: all, sorted"),
        pytest.param("x", [], "there is none to choose from", id="none at all"),
        pytest.param("CLOSE", ["close", "black", "close"], 'did you mean "close"?', id="in upper case"),
        pytest.param("native", ["Native"], 'did you mean "Native"?', id="in lower case"),
        pytest.param("x", ["b", "a", "b"], "say one of: a, b", id="each once"),
        pytest.param("x" * 9, [f"close_{n}" for n in range(99)], "there are 99, and none is like it", id="too many"),
    ],
)
def test_the_way_out_after_a_wrong_word(word: str, words: list[str], way_out: str) -> None:
    """The nearest right word is offered, else all of them."""
    assert nearest(word, words) == way_out


@pytest.mark.parametrize(
    ("word", "words", "found"),
    [
        pytest.param("sdd", ["ssd", "resnet34"], "ssd", id="a letter of three"),
        pytest.param("vok", ["voc"], "voc", id="the last letter of three"),
        pytest.param("hots", ["host", "home"], "host", id="two letters changed over"),
        pytest.param("train_precent", ["by", "train_percent"], "train_percent", id="a long word"),
        pytest.param("build:close_button", ["build:close_btn", "build:skip"], "build:close_btn", id="a task"),
        pytest.param("biuld:alpha", ["build:alpha", "list"], "build:alpha", id="a task, before the colon"),
        pytest.param("clsoe*", ["close"], "close", id="a pattern"),
        pytest.param("limits", ["split", "seed"], None, id="letters here and there"),
        pytest.param("ssd", ["mix:ssd", "build"], None, id="a part of a task's name"),
        pytest.param("label:nonexist", ["label:x", "label:close"], None, id="another task of a group"),
        pytest.param("dataset:foo", ["dataset:ssd"], None, id="a long group, another name"),
        pytest.param("other/foo", ["other/ssd"], None, id="a long folder, another name"),
        pytest.param("nope", ["new"], None, id="two letters of four"),
        pytest.param("top-right", ["right-upper"], None, id="half a word"),
        pytest.param("", ["a", "b"], None, id="nothing"),
        pytest.param("a", [], None, id="among none"),
    ],
)
def test_what_is_near(word: str, words: list[str], found: str | None) -> None:
    """A slip of the hand is near to what was meant, and what only shares letters or a group is not."""
    assert near(word, words) == found


def test_near_among_many() -> None:
    """Among 20,000 names the nearest is there before a person wonders."""
    words = [f"build:ja_char_{number:05d}" for number in range(20_000)]
    before = time.monotonic()
    assert near("build:close", words) is None
    assert near("build:ja_cahr_00001", words[:500]) == "build:ja_char_00001"
    assert near("x" * 100_000, [*words, "x" * 99_999]) is None
    assert time.monotonic() - before < 5


@pytest.mark.parametrize(
    ("entries", "lines"),
    [
        pytest.param(["close", "skip"], [], id="names that are there"),
        pytest.param(["old_*", "?", "[ab]"], [], id="patterns that match nothing"),
        pytest.param(["clsoe"], ['"clsoe" matches no project so far; did you mean "close"?'], id="a slip"),
        pytest.param(["later"], ['"later" matches no project so far'], id="one to come"),
    ],
)
def test_entries_that_are_the_name_of_nothing(entries: list[str], lines: list[str]) -> None:
    """A name that nothing has is told, with the nearest one where it looks like a slip; a pattern never is."""
    assert list(strangers(entries, ["skip", "close"], "project")) == lines
