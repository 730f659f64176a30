"""split: an exact share of each project, decided by what its images show and by nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim.stages import split
from dlim.stages.split import Parts, Settings, Share

HALF_UP = {1: (1, 0), 2: (2, 0), 3: (2, 1), 4: (3, 1), 5: (4, 1), 7: (6, 1), 8: (6, 2), 99: (79, 20), 1000: (800, 200)}
"""How many of so many images go to train and to val at 80 percent."""


def share(
    project: str, count: int = 10, *, master: str | None = None, shows: str | None = None, label: str = ""
) -> Share:
    """A project's images; shows names what they show, where that is another project's."""
    images = {
        f"{project}_{number:04d}": hashlib.sha256(f"{shows or project} {number}".encode()).hexdigest()
        for number in range(count)
    }
    return Share(project, f"master of {project}" if master is None else master, images, frozenset([label or project]))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path


def divided(
    out: Path, shares: Sequence[Share], percent: int = 80, seed: int = 1, by: str = "image"
) -> dict[str, Parts]:
    split.split(shares, out, Settings("ssd", seed, percent, by))
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
    found = divided(tmp_path_factory.getbasetemp(), [given_share], percent, seed)["a"]
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


# leaks


def test_identical_projects_go_the_same_way(out: Path) -> None:
    """A project that is another one's copy is divided like it, so that none of its images leaks."""
    found = divided(out, [share("a", 40), share("b", 40, shows="a")])
    assert [name.replace("b_", "a_") for name in found["b"].val] == found["a"].val


def test_a_leak_is_left_out_of_val(out: Path) -> None:
    """An image of val that is, byte for byte, in train as another project's is in no list, and that is said."""
    one = share("a", 10)
    alone = divided(out, [one])["a"]
    common = alone.val[0]
    other = Share("b", "another master", {"b_0001": one.images[common]}, frozenset("b"))
    notes = split.split([one, other], out, Settings("ssd", 1, 80))
    found = split.read(out)
    assert found == {"a": Parts(alone.train, alone.val[1:]), "b": Parts(["b_0001"], [])}
    assert notes == [f"a: 1 of 2 images of val are in train as another project's, and left out ({common} is b_0001)"]


@pytest.mark.parametrize("name", ["0_before", "zz_after"])
def test_a_copied_project_moves_no_image(out: Path, name: str) -> None:
    """A project with half of its images in common with another one's moves none of them between train and val."""
    one = share("a", 99)
    alone = divided(out, [one])["a"]
    half = {f"{name}-{image}": one.images[image] for image in sorted(one.images)[:50]}
    found = divided(out, [one, Share(name, "m", {**share(name, 49).images, **half}, frozenset("b"))])
    assert found["a"].train == alone.train
    assert set(found["a"].val) <= set(alone.val)
    digests = {**one.images, **share(name, 49).images, **half}
    sides = [{digests[image] for part in found.values() for image in getattr(part, side)} for side in ("train", "val")]
    assert not sides[0] & sides[1]


def test_by_master_a_leak_is_left_out_too(out: Path) -> None:
    """Where a project that is held out has an image of one that isn't, that image is in no list."""
    shares = [share(name, 4, label="close") for name in "abc"]
    sides = whole(divided(out, shares, by="master"))
    held_out, learned = (next(name for name in "abc" if sides[name] == side) for side in ("val", "train"))
    place = "abc".index(learned)
    common = next(iter(shares["abc".index(held_out)].images.values()))
    shares[place] = shares[place]._replace(images={**shares[place].images, f"{learned}_x": common})
    assert divided(out, shares, by="master")[held_out].val == [f"{held_out}_000{number}" for number in (1, 2, 3)]


def test_an_image_twice_on_one_side_is_no_leak(out: Path) -> None:
    """Two projects may have an image in common where both have it in train."""
    one = share("a", 10)
    shared = divided(out, [one])["a"].train[0]
    other = Share("b", "another master", {"b_0001": one.images[shared]}, frozenset(["b"]))
    assert divided(out, [one, other])["b"] == Parts(["b_0001"], [])


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
    notes = split.split(shares, out, Settings("ssd", 1, 80, "master"))
    assert notes == [
        "a: has the only master of its label; divided by image",
        "d: has the only master of its label; divided by image",
    ]
    sides = whole(split.read(out))
    assert (sides["a"], sides["d"]) == ("split", "split")
    assert {sides["b"], sides["c"]} == {"train", "val"}


def test_by_image_says_nothing(out: Path) -> None:
    """Dividing by image has nothing to tell."""
    assert split.split([share("a")], out, Settings("ssd", 1, 80)) == []
