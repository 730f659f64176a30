"""account: a mix in numbers, with what limits leave and what isn't built."""

from __future__ import annotations

from collections.abc import Sequence

from dlim.config import Limit
from dlim.mix.account import LabelRow, Mix, Numbers, ProjectRow, Standing, Taken, mix
from dlim.mix.limits import Limits, Share, limited


def share(project: str, count: int, *labels: str, master: str = "") -> Share:
    images = {f"{project}_{number}": f"{project} {number}" for number in range(count)}
    return Share(project, master, images, dict.fromkeys(images, labels))


def made(standings: Sequence[Standing], limits: Limits | None = None) -> Mix:
    """The account of standings of which every fifth image, to the nearest below, is val."""
    limits = limits or Limits()
    left = limited([each.share for each in standings if each.share], limits, 1, 80)
    parts = {}
    for each in left:
        images = sorted(each.images)
        parts[each.project] = (images[len(images) // 5 :], images[: len(images) // 5])
    return mix("ssd", standings, Taken(left, parts, ["a note"]), limits, ["old"])


def built(found: Share) -> Standing:
    return Standing(found.project, "built", tuple(sorted(found.shown)), found)


def test_projects_labels_and_the_total() -> None:
    """Images are counted by project and by label, train and val apart; the labels with the most come first."""
    found = made([built(share("a", 10, "close", master="m")), built(share("b", 20, "close", "skip", master="n"))])
    assert found.projects == (
        ProjectRow("a", ("close",), "built", Numbers(10, 10, 8, 2)),
        ProjectRow("b", ("close", "skip"), "built", Numbers(20, 20, 16, 4)),
    )
    assert found.labels == (
        LabelRow("close", Numbers(30, 30, 24, 6), 2, 2),
        LabelRow("skip", Numbers(20, 20, 16, 4), 1, 1),
    )
    assert found.total == Numbers(30, 30, 24, 6)
    assert [found.share(row) for row in found.projects] == [1 / 3, 2 / 3]
    assert (found.learner, found.excluded, found.notes) == ("ssd", ("old",), ("a note",))


def test_limits_in_numbers() -> None:
    """What limits leave stands beside what there is, and whose limit it is that takes more away."""
    limits = Limits({"a": 8}, Limit(labels={"close": 12, "skip": 99}))
    found = made([built(share("a", 10, "close")), built(share("b", 20, "close", "skip"))], limits)
    rows = [(row.numbers.images, row.numbers.taken, row.limit, row.narrowed) for row in found.projects]
    assert rows == [(10, 6, 8, ("close",)), (20, 6, None, ("close", "skip"))]
    assert [(row.name, row.numbers.taken, row.limit) for row in found.labels] == [("close", 12, 12), ("skip", 6, 99)]
    assert found.total[:2] == (30, 12)


def test_a_project_at_its_own_limit_is_not_narrowed() -> None:
    """A label's limit that takes nothing more away isn't named."""
    limits = Limits({"a": 8}, Limit(labels={"close": 12}))
    assert made([built(share("a", 10, "close"))], limits).projects[0].narrowed == ()


def test_what_is_not_built_counts_for_nothing() -> None:
    """A project without a build has its row, with what is known of it, and no part in the mix."""
    missing = Standing("b", "missing", ("skip",))
    broken = Standing("c", "failing", why="c: is broken")
    found = made([built(share("a", 10, "close")), missing, broken], Limits({"b": 5}))
    assert found.projects[1:] == (
        ProjectRow("b", ("skip",), "missing", Numbers(), 5),
        ProjectRow("c", (), "failing", Numbers(), why="c: is broken"),
    )
    assert found.total == Numbers(10, 10, 8, 2)


def test_nothing_is_built() -> None:
    """Without a build there is a mix all the same, of nothing."""
    found = made([Standing("a", "missing")])
    assert (found.total, found.labels, found.share(found.projects[0])) == (Numbers(), (), 0)


def test_masters_are_counted_once() -> None:
    """Two projects of one master are one master of the label; a generator has none."""
    shares = [share("a", 5, "x", master="m"), share("b", 5, "x", master="m"), share("c", 5, "y")]
    rows = {row.name: (row.projects, row.masters) for row in made([built(each) for each in shares]).labels}
    assert rows == {"x": (2, 1), "y": (1, 0)}


def test_an_image_in_no_list_is_taken_all_the_same() -> None:
    """An image that the split leaves out of val counts as taken, and for neither side."""
    one = share("a", 5, "x")
    found = mix("ssd", [built(one)], Taken([one], {"a": (["a_0", "a_1"], ["a_2"])}), Limits())
    assert found.total == Numbers(5, 5, 2, 1)
