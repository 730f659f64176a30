"""How a weight did is told in words: on shots, by label, beside template matching, beside another weight."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from dlim.runs import account, scores
from dlim.runs.outputs import Output
from dlim.runs.record import Dataset, Figures, File, Judged, Judges, Learned, Origin, Ran, Record, Where
from dlim.runs.scores import Baseline
from tests.conftest import Workspace
from tests.learners import refused

SHOTS = "ab" * 32


def judged(points: float, shots: str = SHOTS, **labels: float) -> Judged:
    """An evaluation with AP50s of 100; of one object a label, found where it has at least 50."""
    each = {label: Figures(own / 100, own / 200, 1, int(own >= 50), 0.25) for label, own in labels.items()}
    found = sum(one.found for one in each.values())
    strange = {"skip": Figures(None, None, 0, 0, 0.5)}
    total = Figures(points / 100, points / 200, len(each), found, 0.75)
    return Judged(Judges(shots, 18, len(each)), 0.4, total, each | strange, confused=(("a", "b", 1), ("b", "a", 3)))


def output(name: str, evaluation: Judged | None, **more: object) -> Output:
    part = File(5, "cd" * 32)
    settings = {"workspace": {"seed": 1}, "learner": {"canvas": [400, 400]}}
    origin = Origin(
        Dataset(part, {"close_btn": part}, 8, 2), {"close_btn": {"a": "1"}}, settings, {"python": "3.11"}, {}
    )
    learned = Learned(
        origin,
        Where("ssd", "here", "."),
        Ran("python3 train.py", 0, test="python3 test.py"),
        {"weights/best.pth": part},
        part,
        part,
        part,
        {"val_accuracy": 0.875},
        evaluation=evaluation,
    )
    learned = replace(learned, **more)
    return Output(Path(name), Record(name, "", "ann@here", "", "", {"ssd": learned}))


def told(found: Output, **baselines: Baseline) -> list[str]:
    return [line.strip() for line in account.told(found.record, baselines=baselines)]


def test_an_output_that_was_judged() -> None:
    """The figures of all, by label with the worst first, confusions, and what the numbers of val are worth."""
    lines = told(output("first", judged(60, a=90, b=30)))
    at = lines.index("test python3 test.py: status None") + 1
    figures = "AP50 60.0, AP50:95 30.0, found 1 of 2 (50 %), false finds a shot 0.75, score used 0.40"
    assert lines[at] == f"judged on 18 shots ({SHOTS[:12]}): {figures}"
    assert lines[at + 1 : at + 10] == [
        "label  AP50  AP50:95  objects  found  false a shot",
        "b      30.0     15.0        1      0          0.25",
        "a      90.0     45.0        1      1          0.25",
        "skip      –        –        0      0          0.50",
        "b is taken for a 3 times",
        "a is taken for b once",
        "doit baseline:ssd tells what plain template matching finds on them",
        "results, as of val: it shows variations of masters it was trained on, and no real screen",
        "result val_accuracy 0.875",
    ]


def test_one_shot_is_one() -> None:
    """A number of shots and its word agree."""
    for count, said in ((1, "1 shot ("), (2, "2 shots (")):
        one = replace(judged(50), shots=Judges("ab" * 32, count, 1))
        assert next(scores.told(one)).startswith(f"judged on {said}")


def test_beside_template_matching() -> None:
    """A weight that does worse than that is told so; where that was judged on other shots, nothing is compared."""
    found = output("first", judged(60, a=60))

    def beside(baseline: Judged, *, stale: bool = False) -> str:
        least = Baseline("", 1, (), baseline, stale)
        [line] = [line for line in told(found, ssd=least) if "template" in line]
        return line

    assert beside(judged(50, a=50)) == "template matching on the same shots: AP50 50.0"
    assert beside(judged(70, a=70)) == "template matching on the same shots: AP50 70.0; this weight does worse"
    anew = "masters or shots have changed since, doit baseline:ssd judges it anew"
    assert beside(judged(50, a=50), stale=True) == f"template matching on the same shots: AP50 50.0; {anew}"
    other = "template matching was judged on other shots; doit baseline:ssd judges it on those of now"
    assert beside(judged(50, "ef" * 32, a=50)) == other


def test_two_on_the_same_shots() -> None:
    """The change of each figure, the label that lost most first, and what differs in dataset, settings and makers."""
    one = output("first", judged(60, a=90, b=30))
    learned = one.record.learners["ssd"]
    other = File(6, "ee" * 32)
    origin = Origin(
        Dataset(other, {"close_btn": other}, 9, 2),
        {"close_btn": {"a": "2"}},
        {"workspace": {"seed": 2}, "learner": {"canvas": [400, 400]}},
        {"python": "3.12"},
        {"train.py": "1"},
        learned.origin.revision,
    )
    two = output("second", judged(65, a=60, b=70), origin=origin, metrics={"val_accuracy": 0.9})
    lines = list(scores.difference(one, two))
    assert [line.split() for line in lines[2:9]] == [
        ["first", "second", "change"],
        ["AP50", "60.0", "65.0", "+5.0"],
        ["AP50:95", "30.0", "32.5", "+2.5"],
        ["found", "of", "2", "1", "2", "+1"],
        ["false", "a", "shot", "0.75", "0.75", "+0.00"],
        ["AP50", "of", "a", "90.0", "60.0", "-30.0"],
        ["AP50", "of", "b", "30.0", "70.0", "+40.0"],
    ]
    assert lines[:2] == ["ssd", f"  on the same 18 shots ({SHOTS[:12]}):"]
    assert lines[9].startswith(
        "  val differs with the dataset, so these numbers can't be compared (it shows variations"
    )
    assert lines[10:] == [
        "    val_accuracy 0.875, then 0.9",
        "  dataset: +1 images; changed: close_btn",
        "  workspace.seed: was 1, is 2",
        "  program: train.py is new",
        "  close_btn: a changed",
        "  python: was 3.11, is 3.12",
    ]


def test_two_on_other_shots() -> None:
    """Figures stand beside each other, and no change is told; of the same val it is."""
    one, two = output("first", judged(60, a=60)), output("second", judged(65, "ef" * 32, a=65))
    lines = list(scores.difference(one, two))
    assert lines[1] == "  shots differ, so these figures can't be compared:"
    assert lines[2].startswith(f"    first judged on 18 shots ({SHOTS[:12]}): AP50 60.0")
    assert lines[3].startswith("    second judged on 18 shots (efefefefefef): AP50 65.0")
    assert lines[4].startswith("  on the same val (")
    assert lines[5:] == ["    one number is the same, to four digits", "  dataset: the same as before"]


def test_two_that_are_equal() -> None:
    """What is the same is counted, however many numbers by label there are: the totals alone are told."""
    details = {f"classes.{label}.recall": 0.5 for label in "abcdefgh"}
    one, two = (output(name, judged(60, a=90, b=30), details=details) for name in ("first", "second"))
    lines = [" ".join(line.split()) for line in scores.difference(one, two)]
    assert lines[3:] == [
        "AP50 60.0 60.0 +0.0",
        "AP50:95 30.0 30.0 +0.0",
        "found of 2 1 1 +0",
        "false a shot 0.75 0.75 +0.00",
        "AP50 of 2 labels is the same",
        "on the same val (it shows variations of masters it was trained on, and no real screen):",
        "9 numbers are the same, to four digits",
        "dataset: the same as before",
    ]


def test_one_that_was_not_judged() -> None:
    """It is named, and the other's figures are told; a learner that only one has is named, too."""
    one, two = output("first", None), output("second", judged(65, a=65))
    lines = list(scores.difference(one, two))
    assert lines[1] == "  shots: first was not judged on shots"
    assert lines[2].startswith("    second judged on 18 shots")
    more = Output(two.folder, replace(two.record, learners=two.record.learners | {"own": two.record.learners["ssd"]}))
    assert list(scores.difference(one, more))[-1] == "own: in second alone"


def test_another_label_makes_no_weight_worse() -> None:
    """Two weights are compared by the labels that both learn, which are told where one learns more."""
    found = scores.versus(judged(50, a=90, b=10), "first", judged(91, a=91))
    assert found == scores.Versus(worse=True, told="AP50 90.0 on 18 shots, of a, 91.0 of first")
    assert not scores.versus(judged(50, a=92, b=10), "first", judged(91, a=91)).worse
    assert "no shot shows an object that both learn" in scores.versus(judged(9, a=9), "first", judged(9, b=9)).told


def test_what_diff_wants(workspace: Workspace) -> None:
    """Two outputs that are there; and without it, doit outputs takes no name."""
    assert refused(workspace, "outputs", "--diff", "first").startswith(
        "outputs: --diff wants the names of two outputs;"
    )
    assert refused(workspace, "outputs", "--diff", "first", "second").startswith('"first": is no output')
    assert refused(workspace, "outputs", "first") == 'outputs: takes no "first"; doit output first shows one'
