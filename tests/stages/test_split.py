"""split: an exact share of each project, decided by what its images show and by nothing else."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim.config import Limit
from dlim.errors import ConfigError, DatasetError
from dlim.mix.limits import Limits, Share, train_count
from dlim.stages import split
from dlim.stages.split import Parts, Settings
from dlim.store import staging

HALF_UP = {1: (1, 0), 2: (2, 0), 3: (2, 1), 4: (3, 1), 5: (4, 1), 7: (6, 1), 8: (6, 2), 99: (79, 20), 1000: (800, 200)}
"""How many of so many images go to train and to val at 80 percent."""


def share(
    project: str,
    count: int = 10,
    *,
    master: str | None = None,
    shows: str | None = None,
    label: str = "",
    each: Sequence[str] = (),
) -> Share:
    """A project's images; shows names what they show, where that is another project's. each: their labels, in turn."""
    images = {
        f"{project}_{number:04d}": hashlib.sha256(f"{shows or project} {number}".encode()).hexdigest()
        for number in range(count)
    }
    labels = each or [label or project]
    shown = {image: labels[number % len(labels)].split() for number, image in enumerate(images)}
    return Share(project, f"master of {project}" if master is None else master, images, shown)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "split"


def ran(shares: Sequence[Share], out: Path, settings: Settings) -> list[str]:
    """What is said of a split."""
    with staging(out) as made:
        return split.split(shares, made, settings)


def divided(
    out: Path, shares: Sequence[Share], percent: int = 80, seed: int = 1, by: str = "image"
) -> dict[str, Parts]:
    ran(shares, out, Settings("ssd", seed, percent, by))
    return split.read(out)


@pytest.mark.parametrize(("count", "parts"), HALF_UP.items(), ids=str)
def test_the_share_of_train_is_exact(out: Path, count: int, parts: tuple[int, int]) -> None:
    """Of each project, 80 percent go to train, to the nearest image."""
    found = divided(out, [share("a", count)])["a"]
    assert (len(found.train), len(found.val)) == parts


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 300), st.integers(1, 99), st.integers())
def test_every_image_goes_one_way(
    tmp_path_factory: pytest.TempPathFactory, count: int, percent: int, seed: int
) -> None:
    """Whatever is asked for, each image is in train or in val, once, and the share is right to half an image."""
    given_share = share("a", count)
    found = divided(tmp_path_factory.getbasetemp() / "split", [given_share], percent, seed)["a"]
    assert sorted([*found.train, *found.val]) == sorted(given_share.images)
    assert abs(len(found.train) - count * percent / 100) <= 0.5
    assert (found.train, found.val) == (sorted(found.train), sorted(found.val))


def test_adding_a_project_moves_no_other_image(out: Path) -> None:
    """What is in train stays there when projects come or go, and in whatever order they are."""
    alone = divided(out, [share("b", 99)])["b"]
    among = divided(out, [share("c", 50), share("b", 99), share("a", 7)])
    assert among["b"] == alone
    assert divided(out, [share("a", 7), share("b", 99), share("c", 50)]) == among


def test_names_decide_nothing(out: Path) -> None:
    """The same images under other names are divided alike: a renumbered build keeps its split."""
    renamed = share("b", 40, shows="a")
    first, second = divided(out, [share("a", 40)])["a"], divided(out, [renamed])["b"]
    assert [name.replace("b_", "a_") for name in second.train] == first.train


def test_another_seed_divides_anew(out: Path) -> None:
    """The seed decides which images go to val, and the same seed always the same ones."""
    found = [divided(out, [share("a", 99)], seed=seed)["a"].val for seed in (1, 2, 1)]
    assert found[0] == found[2]
    assert found[0] != found[1]


def test_a_greater_share_takes_more_and_gives_none_back(out: Path) -> None:
    """Raising train_percent moves images from val to train and none the other way."""
    found = [set(divided(out, [share("a", 99)], percent)["a"].train) for percent in (50, 70, 99)]
    assert found[0] < found[1] < found[2]


def test_the_file_is_the_same_bytes(out: Path) -> None:
    """The same shares in another order leave the same file."""
    divided(out, [share("a"), share("b")])
    text = (out / split.SPLIT).read_bytes()
    divided(out, [share("b"), share("a")])
    assert (out / split.SPLIT).read_bytes() == text


# one picture in several projects


def test_identical_projects_give_each_picture_once(out: Path) -> None:
    """Of a project that is another one's copy nothing is taken, which is said; the other is as it is alone."""
    shares = [share("a", 40), share("b", 40, shows="a", label="a")]
    notes = ran(shares, out, Settings("ssd", 1, 80))
    found = split.read(out)
    assert found == {"a": divided(out, shares[:1])["a"], "b": Parts([], [])}
    assert notes == ["b: 40 images are those of a as well; each is taken once"]


def test_one_picture_with_two_labels(out: Path) -> None:
    """It is an error that names both, and nothing is written; before anything runs, it is known as well."""
    shares = [share("a", 10), Share("b", "m", {"b_0001": share("a").images["a_0003"]}, {"b_0001": ["x"]})]
    with pytest.raises(DatasetError) as caught:
        ran(shares, out, Settings("ssd", 1, 80))
    assert str(caught.value) == (
        "dataset of ssd: a_0003 (a) of a and b_0001 (x) of b are one picture with two labels; "
        "label both alike, or leave one project out in config/learners/ssd.toml"
    )
    assert not out.exists()
    assert str(split.divide(shares, Settings("ssd", 1, 80)).conflict) == str(caught.value)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("by", ["image", "master"])
def test_a_copied_project_moves_no_image(out: Path, first: bool, by: str) -> None:
    """A project with half of its images in common with another one's moves none, and no picture is on both sides."""
    one = share("a", 99)
    alone = divided(out, [one], by=by)["a"]
    half = {f"b-{image}": one.images[image] for image in sorted(one.images)[:50]}
    images = {**share("b", 49).images, **half}
    other = Share("b", one.master, images, {image: ["a"] for image in images})
    found = divided(out, [other, one] if first else [one, other], by=by)
    assert set(found["a"].train) <= set(alone.train)
    assert set(found["a"].val) <= set(alone.val)
    digests = {**one.images, **images}
    taken = [digests[image] for part in found.values() for side in part for image in side]
    assert len(taken) == len(set(taken)) == 99 + 49


# by master


def whole(found: dict[str, Parts]) -> dict[str, str]:
    """On which side each project is, as a whole."""
    return {
        name: "split" if part.train and part.val else "train" if part.train else "val" for name, part in found.items()
    }


def test_by_master_each_project_is_on_one_side(out: Path) -> None:
    """Of five masters of one label, 80 percent are train as a whole, and one is val."""
    shares = [share(name, 10, label="close") for name in "abcde"]
    sides = whole(divided(out, shares, by="master"))
    assert sorted(sides.values()) == ["train"] * 4 + ["val"]
    assert divided(out, shares[::-1], by="master") == divided(out, shares, by="master")


@pytest.mark.parametrize(
    ("percent", "masters", "train"),
    [
        pytest.param(99, 2, 1, id="never all to train"),
        pytest.param(1, 2, 1, id="never all to val"),
        pytest.param(80, 3, 2, id="to the nearest"),
        pytest.param(50, 4, 2, id="half"),
    ],
)
def test_by_master_both_sides_have_some(out: Path, percent: int, masters: int, train: int) -> None:
    """Whatever the percentage, a label of several masters has one in train and one in val."""
    shares = [share(f"p{number}", 4, label="close") for number in range(masters)]
    assert sorted(whole(divided(out, shares, percent, by="master")).values()) == (
        ["train"] * train + ["val"] * (masters - train)
    )


def test_by_master_projects_of_one_master_stay_together(out: Path) -> None:
    """Two projects that vary the same master are on the same side, whatever their labels."""
    for seed in range(8):
        shares = [
            share("a", master="m", label="close"),
            share("b", master="m", label="shut"),
            share("c", label="close"),
            share("d", label="shut"),
        ]
        sides = whole(divided(out, shares, seed=seed, by="master"))
        assert sides["a"] == sides["b"] != "split"
        assert {"train", "val"} == set(sides.values())


def test_by_master_a_label_with_one_master_is_divided_by_image(out: Path) -> None:
    """Where a label has a single master there is nothing to hold out, which is said; a generator is its own."""
    shares = [share("a", 10), share("b", 10, label="close"), share("c", 10, label="close"), share("d", 10, master="")]
    notes = ran(shares, out, Settings("ssd", 1, 80, "master"))
    assert notes == [
        "a: has the only master of its label; divided by image",
        "d: has the only master of its label; divided by image",
    ]
    sides = whole(split.read(out))
    assert (sides["a"], sides["d"]) == ("split", "split")
    assert {sides["b"], sides["c"]} == {"train", "val"}


def test_by_image_says_nothing(out: Path) -> None:
    """Dividing by image has nothing to tell."""
    assert ran([share("a")], out, Settings("ssd", 1, 80)) == []


# limits


def narrowed(out: Path, shares: Sequence[Share], limits: Limits, percent: int = 80, by: str = "image") -> list[str]:
    """Divide what limits leave; the notes."""
    return ran(shares, out, Settings("ssd", 1, percent, by, limits))


def test_the_share_of_what_is_left_is_exact(out: Path) -> None:
    """A limited project is divided by the percentage of the images that it gives."""
    narrowed(out, [share("a", 1000), share("b", 99)], Limits({"a": 101}))
    found = split.read(out)
    assert [(len(part.train), len(part.val)) for part in found.values()] == [(81, 20), (79, 20)]
    assert split.taken(out, "a") == sorted([*found["a"].train, *found["a"].val])


@pytest.mark.parametrize("percent", [50, 80, 99])
def test_a_limit_makes_no_image_change_sides(out: Path, percent: int) -> None:
    """Whatever the limit, what is taken is on the side on which it is without one."""
    whole = divided(out, [share("a", 300)], percent)["a"]
    for limit in (1, 7, 99, 150, 299):
        narrowed(out, [share("a", 300)], Limits({"a": limit}), percent)
        found = split.read(out)["a"]
        assert set(found.train) <= set(whole.train)
        assert set(found.val) <= set(whole.val)


def test_a_label_s_limit_makes_no_image_change_sides(out: Path) -> None:
    """Where the labels of one project are cut differently, what is left is still on the side on which it was."""
    both = share("c", 100, each=["x", "y"])
    sides = [divided(out, [both])["c"]]
    for limit in (1, 2, 3, 4, 25, 49, 50):
        narrowed(out, [both], Limits(labels=Limit(labels={"x": limit})))
        sides.append(split.read(out)["c"])
    for fewer, more in itertools.pairwise([*sides[1:], sides[0]]):
        assert set(fewer.train) <= set(more.train)
        assert set(fewer.val) <= set(more.val)


def test_labels_cut_differently_are_divided_nearly_right(out: Path) -> None:
    """80 percent of each cut label are train, to an image, and of the project then as well."""
    shares = [share("c", 1000, each=["x", "y"])]
    for x, y in ((10, 100), (50, 200), (100, 30)):
        narrowed(out, shares, Limits(labels=Limit(labels={"x": x, "y": y})))
        train, val = split.read(out)["c"]
        assert len(train) + len(val) == x + y
        assert len(train) == pytest.approx(0.8 * (x + y), abs=2)


NUMBER = st.integers(1, 60)
EACH = st.lists(st.sampled_from(["x", "y", "x y", "z"]), min_size=1, max_size=4)
SEVERAL = st.lists(st.tuples(st.integers(1, 80), EACH), min_size=1, max_size=5)
OWN = st.dictionaries(st.sampled_from("abcde"), NUMBER)
OF_LABELS = st.dictionaries(st.sampled_from(["x", "y", "z"]), NUMBER)


def several(counts: Sequence[tuple[int, Sequence[str]]]) -> list[Share]:
    """Projects a, b and so on, of so many images that show labels in turn."""
    return [share(name, count, each=each) for name, (count, each) in zip("abcde", counts, strict=False)]


@settings(deadline=None)
@given(SEVERAL, OWN, OF_LABELS, st.integers(1, 99), st.sampled_from(["image", "master"]))
def test_limits_make_no_image_change_sides(
    counts: Sequence[tuple[int, Sequence[str]]], own: dict[str, int], labels: dict[str, int], percent: int, by: str
) -> None:
    """Whatever is limited, what is taken is on the side on which it is without any limit."""
    shares = several(counts)
    whole = split.divide(shares, Settings("ssd", 1, percent, by)).parts
    left = split.divide(shares, Settings("ssd", 1, percent, by, Limits(own, Limit(labels=labels))))
    for taken in left.shares:
        (train, val), (learned, measured) = left.parts[taken.project], whole[taken.project]
        assert set(train) == taken.images.keys() & set(learned)
        assert set(val) == taken.images.keys() & set(measured)


@settings(deadline=None)
@given(SEVERAL, OWN, NUMBER, st.integers(1, 99))
def test_what_one_number_leaves_of_a_project_is_divided_exactly(
    counts: Sequence[tuple[int, Sequence[str]]], own: dict[str, int], number: int, percent: int
) -> None:
    """Where a project is cut by its own limit, or by that of a label that all its images show, its share is exact."""
    shares = several([(count, [f"w {label}" for label in each]) for count, each in counts])
    for labels in ({}, {"w": number}):
        for train, val in split.divide(
            shares, Settings("ssd", 1, percent, limits=Limits(own, Limit(labels=labels)))
        ).parts.values():
            assert len(train) == train_count(len(train) + len(val), percent)


def test_by_master_a_label_s_limit_makes_no_project_change_sides(out: Path) -> None:
    """A project is held out, or not, whether or not a limit leaves anything of the others."""
    shares = [share(name, 10, label="close") for name in "abcde"]
    sides = whole(divided(out, shares, by="master"))
    for limit in range(1, 50):
        narrowed(out, shares, Limits(labels=Limit(labels={"close": limit})), by="master")
        found = whole({name: part for name, part in split.read(out).items() if part.train or part.val})
        assert found.items() <= sides.items()


def test_what_is_taken_is_written_where_that_is_not_all(out: Path) -> None:
    """Only a project of which a limit leaves out something has a file of what it gives."""
    notes = narrowed(
        out, [share("a", 10), share("SSD_projects/b", 10), share("c", 10)], Limits({"SSD_projects/b": 4, "c": 10})
    )
    assert {path.name for path in (out / split.TAKEN).iterdir()} == {"b.txt"}
    assert (split.taken(out, "a"), split.taken(out, "c")) == (None, None)
    assert len(split.taken(out, "SSD_projects/b") or ()) == 4
    assert notes == ["limits leave 24 of 30 images; doit mix:ssd shows of which projects"]


def test_a_limit_that_leaves_all_changes_nothing(out: Path) -> None:
    """A limit above what there is leaves the same file as none, and nothing is said."""
    divided(out, [share("a", 10)])
    text = (out / split.SPLIT).read_bytes()
    assert narrowed(out, [share("a", 10)], Limits({"a": 10}, Limit(labels={"*": 11}))) == []
    assert (out / split.SPLIT).read_bytes() == text
    assert not (out / split.TAKEN).exists()


def test_by_master_projects_stay_whole_under_limits(out: Path) -> None:
    """With limits, too, a master is on the side on which it is without; one that gives nothing is on none."""
    shares = [share(name, 10, label="close") for name in "abcde"]
    narrowed(out, shares, Limits(dict.fromkeys("abcde", 3)), by="master")
    assert sorted(whole(split.read(out)).values()) == ["train"] * 4 + ["val"]
    assert {len(part.train) + len(part.val) for part in split.read(out).values()} == {3}
    narrowed(out, shares, Limits(labels=Limit(labels={"close": 2})), by="master")
    assert sorted(len(part.train) + len(part.val) for part in split.read(out).values()) == [0, 0, 0, 1, 1]


def test_a_limit_of_an_unknown_label(out: Path) -> None:
    """A limited label that no image shows is one line with the nearest, and nothing is written."""
    with pytest.raises(ConfigError) as caught:
        narrowed(out, [share("a", label="close")], Limits(labels=Limit(labels={"clsoe": 5})))
    assert str(caught.value) == (
        'config/learners/ssd.toml: limit.labels: "clsoe" matches no label; did you mean "close"?'
    )
    assert not out.exists()


# what others read


def test_a_share_is_what_a_manifest_says(tmp_path: Path) -> None:
    """A project's images are known from its build's manifest alone: digests, master, and the labels on each."""
    for facts, shown in (
        ({"labels": {"x": 2}}, {"p_1": ["x"], "p_2": ["x"]}),
        ({"labels": {"x": 1, "y": 1}, "shown": {"p_1": ["x"], "p_2": ["y"]}}, {"p_1": ["x"], "p_2": ["y"]}),
    ):
        with staging(tmp_path / "build") as made:
            for name in ("p_1.jpg", "p_1.xml", "p_2.jpg", "p_2.xml", "index.json"):
                made.write(name, name.encode())
            made.facts |= {"master": "m", **facts}
        digests = {name: hashlib.sha256(f"{name}.jpg".encode()).hexdigest() for name in ("p_1", "p_2")}
        assert split.share("p", tmp_path / "build") == Share("p", "m", digests, shown)


def test_the_images_of_each_label(out: Path) -> None:
    """What shows a label is known on both sides, of what is taken."""
    narrowed(out, [share("c", 10, each=["x", "x y"])], Limits({"c": 5}))
    found, shown = split.read(out)["c"], split.shown(out)
    assert shown["x"] == (found.train, found.val)
    assert {*shown["y"][0], *shown["y"][1]} == {image for image in (*found.train, *found.val) if int(image[-1]) % 2}


def test_a_thousand_masters_of_one_label_take_no_time(out: Path) -> None:
    """By master, what belongs together is found in one pass, and not by comparing all with all."""
    shares = [share(f"p{number}", 1, label="close") for number in range(3000)]
    found = split.divide(shares, Settings("ssd", 1, 80, "master")).parts
    assert sum(len(part.train) for part in found.values()) == 2400
