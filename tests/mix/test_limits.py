"""limits: exact, fair, and steady: what a greater one adds, it adds to what was there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim.config import Limit
from dlim.errors import ConfigError
from dlim.mix.limits import Limits, Share, in_turn, limited, ranked, require, train_count


def share(project: str, count: int = 10, *labels: str, each: Sequence[Sequence[str]] = ()) -> Share:
    """A project's images, which all show the same labels, or what each says in turn."""
    images = {f"{project}_{n:04d}": hashlib.sha256(f"{project} {n}".encode()).hexdigest() for n in range(count)}
    shown = each or [labels or [project]]
    return Share(project, "m", images, {image: shown[n % len(shown)] for n, image in enumerate(images)})


def taken(shares: Sequence[Share], projects: Mapping[str, int] | None = None, **labels: int) -> dict[str, set[str]]:
    """The images that limits leave, by project."""
    left = limited(shares, Limits(projects or {}, Limit(labels=labels)), 1, 80)
    return {share.project: set(share.images) for share in left}


def counts(found: Mapping[str, set[str]]) -> dict[str, int]:
    return {project: len(images) for project, images in found.items()}


SHOWN = [[["a"]], [["a"], ["b"]], [["a", "b"], ["b"], ["b", "c"]], [[f"ja_{number}"] for number in range(99)]]
"""What images show in turn: one label, two, some both, and each its own."""


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(1, 99), st.integers(), st.sampled_from(SHOWN))
def test_any_number_of_images_in_turn_is_divided_like_all(
    count: int, percent: int, seed: int, labels: Sequence[Sequence[str]]
) -> None:
    """Taken in turn, each number of images has the exact share of train, and each image its side."""
    made = share("a", count, each=labels)
    images = made.images
    order = in_turn(made, seed, percent)
    assert sorted(order) == sorted(images)
    ranked = sorted(images, key=lambda image: hashlib.sha256(f"{seed}\0{images[image]}".encode()).hexdigest())
    train = set(ranked[: train_count(count, percent)])
    for number in range(count + 1):
        assert len(train & set(order[:number])) == train_count(number, percent)


def test_images_of_one_kind_are_in_turn_by_rank() -> None:
    """Where all show one label, or each its own, those of a side come in the order that the seed draws."""
    for labels in ([["a"]], [[f"ja_{number}"] for number in range(99)]):
        made = share("a", 99, each=labels)
        order = in_turn(made, 1, 80)
        whole = ranked(made.images, 1)
        assert [image for image in order if image in whole[:79]] == whole[:79]
        assert [image for image in order if image in whole[79:]] == whole[79:]


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(1, 99), st.integers())
def test_each_label_of_a_project_keeps_its_share(sizes: list[int], percent: int, seed: int) -> None:
    """The first images of a label are train and val as all of it are, to two images, and half one a further label."""
    each = [[f"l{number}"] for number, size in enumerate(sizes) for _ in range(size)]
    made = share("a", len(each), each=each)
    train = set(ranked(made.images, seed)[: train_count(len(each), percent)])
    order = in_turn(made, seed, percent)
    for number, size in enumerate(sizes):
        sides = [image in train for image in order if made.labels[image] == [f"l{number}"]]
        off = [abs(sum(sides[:count]) - count * sum(sides) / size) for count in range(size + 1)]
        assert max(off) <= 1.5 + len(sizes) / 2


def test_a_limit_of_a_project_is_exact() -> None:
    """A project gives as many images as its limit says, and one without a limit all it has."""
    shares = [share("a", 100), share("b", 100), share("c", 5)]
    assert counts(taken(shares, {"a": 30, "c": 9})) == {"a": 30, "b": 100, "c": 5}


def test_a_limit_of_a_project_knows_of_no_other() -> None:
    """Which images a project gives is the same whatever else a learner takes."""
    alone = taken([share("a", 100)], {"a": 30})["a"]
    assert taken([share("0", 50), share("a", 100), share("z", 7)], {"a": 30, "z": 2})["a"] == alone


def test_names_decide_nothing() -> None:
    """A renumbered build gives the same images: those that show the same."""
    one = share("a", 40)
    other = Share(
        "a", "m", {f"x{image}": digest for image, digest in one.images.items()}, {f"x{i}": ["a"] for i in one.images}
    )
    assert {f"x{image}" for image in taken([one], {"a": 9})["a"]} == taken([other], {"a": 9})["a"]


@pytest.mark.parametrize(
    ("sizes", "limit", "left"),
    [
        pytest.param((100, 100), 50, (25, 25), id="equally"),
        pytest.param((792, 594, 99), 500, (201, 200, 99), id="the smallest whole, the others equally"),
        pytest.param((5, 5, 5), 15, (5, 5, 5), id="just all"),
        pytest.param((5, 5, 5), 999, (5, 5, 5), id="more than there are"),
        pytest.param((5, 5, 5), 2, (1, 1, 0), id="fewer than projects"),
        pytest.param((1, 100), 60, (1, 59), id="what one lacks, the other gives"),
    ],
)
def test_a_label_is_shared_fairly(sizes: Sequence[int], limit: int, left: Sequence[int]) -> None:
    """A label's images come from its projects as evenly as these have them, and are exactly as many as it may have."""
    shares = [share(name, size, "close") for name, size in zip("abc", sizes, strict=False)]
    assert tuple(counts(taken(shares, close=limit)).values()) == left


def test_a_pattern_limits_each() -> None:
    """A pattern's number holds for each label that it fits, and a label's own number counts before it."""
    shares = [share("a", 50), share("ab", 50), share("b", 50)]
    found = limited(shares, Limits(labels=Limit(labels={"a*": 20, "ab": 30})), 1, 80)
    assert [len(share.images) for share in found] == [20, 30, 50]


def test_a_project_s_limit_comes_first() -> None:
    """What its own limit leaves of a project is what it can give for a label."""
    shares = [share("a", 100, "close"), share("b", 100, "close")]
    assert counts(taken(shares, {"a": 10}, close=50)) == {"a": 10, "b": 40}


def test_a_generator_is_limited_by_what_its_labels_are_mapped_to() -> None:
    """Images of one label each are limited by each label: mapped to one, they are limited as a whole."""
    single = share("ja", 100, each=[[f"ja_{n}"] for n in range(100)])
    assert counts(taken([single, share("a")], {}, ja=9)) == {"ja": 100, "a": 10}
    assert counts(taken([share("ja", 100, "ja"), share("a")], {}, ja=9)) == {"ja": 9, "a": 10}


def test_an_image_with_two_labels_counts_for_both() -> None:
    """It stays out where one of its labels has its number without it, so neither has more than it may."""
    both = share("both", 50, "a", "b")
    found = taken([both, share("a", 50), share("b", 50)], a=40, b=10)
    assert counts(found) == {"both": 5, "a": 20, "b": 5}


LABELS = st.lists(st.sampled_from([["a"], ["b"], ["a", "b"], ["c"]]), min_size=1, max_size=3)
PROJECTS = st.lists(st.tuples(st.integers(1, 60), LABELS), min_size=1, max_size=5)


def made(projects: Sequence[tuple[int, Sequence[Sequence[str]]]]) -> list[Share]:
    return [share(f"p{n}", count, each=labels) for n, (count, labels) in enumerate(projects)]


@settings(deadline=None)
@given(PROJECTS, st.integers(1, 70), st.integers(1, 70), st.integers(0, 30))
def test_limits_hold_and_growth_only_adds(
    projects: list[tuple[int, list[list[str]]]], a: int, b: int, more: int
) -> None:
    """Whatever shows what, no label has more than its number; greater ones only add; the rest isn't touched."""
    shares = made(projects)
    found, grown = taken(shares, a=a, b=b), taken(shares, a=a + more, b=b)
    labels = {image: share.labels[image] for share in shares for image in share.images}
    seen = Counter(label for images in found.values() for image in images for label in labels[image])
    assert seen["a"] <= a
    assert seen["b"] <= b
    assert all(found[share.project] <= grown[share.project] for share in shares)
    assert all("c" not in labels[image] for share in shares for image in set(share.images) - found[share.project])


@settings(deadline=None)
@given(st.lists(st.integers(1, 80), min_size=1, max_size=5), st.integers(1, 300))
def test_one_label_an_image_is_filled_exactly(sizes: list[int], limit: int) -> None:
    """Where images have one label each, a label has exactly its number, or all there are."""
    found = counts(taken([share(f"p{n}", size, "a") for n, size in enumerate(sizes)], a=limit))
    assert sum(found.values()) == min(limit, sum(sizes))
    cut = [found[f"p{n}"] for n, size in enumerate(sizes) if found[f"p{n}"] < size]
    assert max(found.values()) - min(cut, default=max(found.values())) <= 1


NUMBER = st.integers(1, 70)
OWN = st.dictionaries(st.sampled_from([f"p{n}" for n in range(5)]), NUMBER)
OF_LABELS = st.dictionaries(st.sampled_from(["a", "b", "c", "*"]), NUMBER)


@settings(deadline=None)
@given(PROJECTS, OWN, OF_LABELS, st.integers(0, 30), st.data())
def test_a_greater_limit_of_a_label_only_adds(
    projects: list[tuple[int, list[list[str]]]],
    own: dict[str, int],
    labels: dict[str, int],
    more: int,
    data: st.DataObject,
) -> None:
    """Whatever else is limited, no project loses an image by it, and none where it is done away with."""
    shares = made(projects)
    name = data.draw(st.sampled_from(["a", "b", "c"]))
    number = labels.get(name, 9)
    before = taken(shares, own, **{**labels, name: number})
    for greater in (number + more, 10**6):
        after = taken(shares, own, **{**labels, name: greater})
        assert all(before[project] <= after[project] for project in before)


@settings(deadline=None)
@given(PROJECTS, OWN, OF_LABELS, st.integers(0, 30), st.data())
def test_a_greater_limit_of_a_project_adds_to_it(
    projects: list[tuple[int, list[list[str]]]],
    own: dict[str, int],
    labels: dict[str, int],
    more: int,
    data: st.DataObject,
) -> None:
    """The project loses none; another one does only where a label that both show is limited."""
    shares = made(projects)
    grown = data.draw(st.sampled_from(shares))
    number = own.get(grown.project, 9)
    before = taken(shares, {**own, grown.project: number}, **labels)
    after = taken(shares, {**own, grown.project: number + more}, **labels)
    assert before[grown.project] <= after[grown.project]
    full = {label for label in grown.shown if Limit(labels=labels).of_label(label) is not None}
    for share in shares:
        gone = before[share.project] - after[share.project]
        assert all(full.intersection(share.labels[image]) for image in gone)


def test_where_a_label_is_full_a_project_takes_from_the_others() -> None:
    """A label has its number whatever its projects' limits: what one gives more, the others give less."""
    shares = [share("a", 100, "close"), share("b", 100, "close")]
    before, after = (taken(shares, {"a": limit}, close=100) for limit in (20, 40))
    assert (counts(before), counts(after)) == ({"a": 20, "b": 80}, {"a": 40, "b": 60})
    assert before["a"] < after["a"]
    assert before["b"] > after["b"]


def test_the_order_of_projects_decides_nothing() -> None:
    """The same projects in another order give the same images."""
    shares = [share(name, 30, "close") for name in "abc"]
    assert taken(shares, close=50) == taken(shares[::-1], close=50)


def test_limits_in_words() -> None:
    """Limits say what they are, for a reason that a person reads."""
    assert str(Limits()) == "none"
    assert str(Limits({"b": 2, "a": 10}, Limit(labels={"x*": 5}))) == "a 10, b 2, label x* 5"


@pytest.mark.parametrize(
    ("pattern", "names", "way_out"),
    [
        pytest.param("clsoe", ["skip", "close"], 'did you mean "close"?', id="a near one"),
        pytest.param("x*", ["skip"], "say one of: skip", id="a pattern"),
        pytest.param("x", [f"ja_{n}" for n in range(1000)], "there are 1,000, and none is like it", id="a thousand"),
    ],
)
def test_a_limit_of_nothing_is_refused(pattern: str, names: list[str], way_out: str) -> None:
    """A name or pattern that fits nothing is one line, and never a page, with the way out."""
    with pytest.raises(ConfigError) as caught:
        require("ssd.toml", "limit.labels", [pattern], names, "label")
    assert str(caught.value) == f'ssd.toml: limit.labels: "{pattern}" matches no label; {way_out}'
