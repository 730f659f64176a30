"""Learning tasks, at work and past, with what their logs tell; and the outputs that they became."""

from __future__ import annotations

from dlim.errors import DlimError
from dlim.report import chart, metrics
from dlim.report.clock import wall
from dlim.report.facts import Course, Job, Known, OutputFacts, OutputPart, Part
from dlim.report.finding import Grade
from dlim.runs import account
from dlim.runs.outputs import Output
from dlim.runs.record import Learned
from dlim.runs.unfinished import Unfinished

END = 12
"""Lines of a log's end."""

GRADES: dict[str, Grade] = {"failed": "fault", "lost": "fault", "unreachable": "warning", "cancelled": "note"}
"""How bad it is how a job stands; that somebody cancelled it was meant."""

OVER = ("failed", "lost", "cancelled")
"""How a job stands that won't go on by itself."""


def at_work(each: Unfinished, known: Known) -> Course:
    task = each.task
    parts = tuple(_part_at_work(each, name, known.jobs.get((task.name, name))) for name in task.learners)
    return Course(task.name, task.memo, task.by, wall(task.began), "", parts)


def _part_at_work(each: Unfinished, learner: str, job: Job | None) -> Part:
    log = metrics.read(each.folder / f"{learner}.log")
    try:
        learned = each.learned(learner)
    except DlimError as error:
        return _part(learner, str(error), "fault", log, None)
    if learned:
        return _part(learner, "has learned, and was brought back", None, log, learned)
    if job is None or job.kind == "none":
        return _part(learner, "isn't brought back yet" if log else "not yet", None, log, None)
    told = f"{job.told}; {account.way_on(each)}" if job.kind in OVER else job.told
    return _part(learner, told, GRADES.get(job.kind), log, None)


def past(each: Output) -> Course:
    whole = each.record
    parts = tuple(
        _part(name, _ended(learned), "warning" if learned.job.test_exit_code else None, _log(each, name), learned)
        for name, learned in whole.learners.items()
    )
    lasted = account.lasted(whole.began, whole.ended)
    return Course(whole.name, whole.memo, whole.by, wall(whole.began), wall(whole.ended), parts, lasted)


def _log(each: Output, name: str) -> str:
    return metrics.read(each.folder / f"{name}.log")


def _ended(learned: Learned) -> str:
    test = learned.job.test_exit_code
    where = f"on {learned.where.address}" if learned.where.address else ""
    return f"has learned {where}".rstrip() + (f", but its test ended with status {test}" if test else "")


def _part(learner: str, told: str, grade: Grade | None, log: str, learned: Learned | None) -> Part:
    found = metrics.series(log)
    results = tuple((name, f"{value:.4g}") for name, value in learned.metrics.items()) if learned else ()
    end = metrics.end(log, END)
    return Part(learner, told, grade, results, chart.charts(found), tuple(metrics.troubles(found)), end)


def output(each: Output, known: Known) -> OutputFacts:
    serving = {one.learner for one in known.services if one.current and one.current.output == each.name}
    parts = tuple(_output_part(name, learned, name in serving) for name, learned in each.record.learners.items())
    return OutputFacts(each.name, wall(each.record.ended), each.record.memo, parts)


def _output_part(name: str, learned: Learned, serving: bool) -> OutputPart:
    dataset = learned.origin.dataset
    return OutputPart(
        name,
        dataset.train + dataset.val,
        dataset.archive.sha256,
        account.result(learned),
        next(reversed(learned.weights), ""),
        sum(file.size for file in (learned.archive, learned.snapshot, learned.log)),
        serving,
    )
