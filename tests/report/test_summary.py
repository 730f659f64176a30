"""What a report says first: the worst, each thing once, and whether all is well."""

from __future__ import annotations

from dlim.report import summary
from dlim.report.counts import Counts, Row
from dlim.report.facts import Course, Facts, Known, LearnerFacts, Part, Reason, Service, Shown, TaskState
from dlim.report.finding import Case, Check, Finding, Grade
from dlim.report.summary import Cause
from dlim.runs.history import Deployed

MIX = Counts((), (), Row("all", 8, 2, 10))


def finding(key: str, grade: Grade, *cases: Case) -> Shown:
    check = Check(key, grade, f"{key}s", f"{key} is there", f"{key}s are there", "", lambda dataset, thresholds: ())
    return Shown(Finding(check, cases), (), ())


def facts(
    *learners: LearnerFacts, courses: tuple[Course, ...] = (), unread: tuple[str, ...] = (), **known: object
) -> Facts:
    told = Known("now", **known)  # type: ignore[arg-type]
    return Facts("ws", "", told, learners, courses, unread=unread)


def said(found: Facts) -> list[str]:
    return [f"{problem.grade} {problem.place}: {problem.told} #{problem.anchor}" for problem in summary.problems(found)]


def test_all_is_well() -> None:
    """Notes are no problem, nor is a check that found nothing."""
    found = facts(
        LearnerFacts("ssd", "native", mix=MIX, findings=(finding("leak", "fault"), finding("edge", "note", Case("a")))),
        tasks=(TaskState("build:a", "up to date"), TaskState("verify", "on demand")),
        services=(Service("ssd", "gpu"),),
    )
    assert said(found) == []
    assert summary.verdict([], found) == "All is well"


def test_nothing_is_built_yet() -> None:
    """A workspace without a dataset isn't called well, and its tasks aren't counted as problems besides."""
    found = facts(
        LearnerFacts("ssd", "native"), tasks=(TaskState("build:a", "to run", (Reason("build:a", "was never built"),)),)
    )
    assert said(found) == ["warning ssd: no dataset yet; doit dataset:ssd makes it #learner:ssd"]


def test_the_worst_comes_first() -> None:
    """Faults of all kinds stand before warnings of all kinds, with the only place where there is one."""
    learner = LearnerFacts(
        "ssd",
        "native",
        mix=MIX,
        findings=(
            finding("tiny", "warning", Case("Annotations/a.xml"), Case("Annotations/b.xml")),
            finding("leak", "fault", Case("JPEGImages/a.jpg")),
        ),
    )
    part = Part("ssd", "its learning ended with status 1", "fault", (), (), ("loss is no number at epoch 2",), ())
    weight = Deployed(
        by="ann@here", output="first", learner="ssd", sha256="0" * 64, fault="its switch has not come to an end"
    )
    found = facts(
        learner,
        courses=(Course("third", "", "ann@here", "then", "", (part,)),),
        unread=("output/first/record.json: is no record; restore it",),
        tasks=(
            TaskState("augment:a", "failing", (Reason("augment:a", "a: daug.py raised", failed=True),)),
            TaskState("build:a", "failing", (Reason("augment:a", "a: daug.py raised", failed=True),)),
            TaskState("locate:b", "to run", (Reason("locate:b", "b.xml changed"),)),
        ),
        services=(Service("ssd", "gpu", weight), Service("resnet34", "gpu2", fault="gpu2: is silent; look there")),
    )
    assert said(found) == [
        "fault files: output/first/record.json: is no record; restore it #summary",
        "fault augment:a: a: daug.py raised #tasks",
        "fault ssd: 1 leak is there (JPEGImages/a.jpg) #learner:ssd:leak",
        "fault third, ssd: its learning ended with status 1 #learning-1",
        "warning datasets: are to be made anew (locate:b: b.xml changed) #changes",
        "warning ssd: 2 tinys are there #learner:ssd:tiny",
        "warning third, ssd: loss is no number at epoch 2 #learning-1",
        "warning service of ssd: first: its switch has not come to an end #deployments",
        "warning gpu2 of resnet34: gpu2: is silent; look there #deployments",
    ]
    assert summary.verdict(summary.problems(found), found) == "4 faults and 5 warnings"


def test_a_cancelled_learning_task_is_a_note() -> None:
    """It stands in its section; all is well without it."""
    part = Part("ssd", "was cancelled by ann@here", "note", (), (), (), ())
    found = facts(
        LearnerFacts("ssd", "native", mix=MIX), courses=(Course("third", "", "ann@here", "then", "", (part,)),)
    )
    assert said(found) == []
    assert summary.verdict(summary.problems(found), found) == "All is well"


def test_past_learning_is_no_problem_any_more() -> None:
    """Of what became an output, only the metrics of the newest are worth a word."""
    part = Part("ssd", "has learned, but its test ended with status 1", "warning", (), (), ("loss is no number",), ())
    past = tuple(Course(name, "", "", "then", "later", (part,)) for name in ("second", "first"))
    assert said(facts(courses=past)) == ["warning second, ssd: loss is no number #learning-1"]


def test_a_weight_that_dlim_knows_nothing_of() -> None:
    """It is told without a name."""
    weight = Deployed(by="", output="", learner="ssd", sha256="0" * 64, fault="was placed by hand, over first")
    found = facts(services=(Service("ssd", "gpu", weight),))
    assert said(found) == ["warning service of ssd: the weight was placed by hand, over first #deployments"]


def test_each_reason_once() -> None:
    """Many tasks that have one reason are one cause, with those that have it themselves."""
    code = "dlim's own code changed"
    tasks = (
        TaskState("augment:a", "to run", (Reason("augment:a", code),)),
        TaskState("augment:b", "to run", (Reason("augment:b", code),)),
        TaskState("build:a", "to run", (Reason("augment:a", code),)),
        TaskState(
            "build:c", "failing", (Reason("augment:a", code), Reason("augment:c", "c: daug.py raised", failed=True))
        ),
    )
    assert summary.causes(tasks) == [
        Cause("c: daug.py raised", True, ("augment:c",)),
        Cause(code, False, ("augment:a", "augment:b")),
    ]
