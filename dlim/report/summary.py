"""What a report says first: whether all is well, and what isn't, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dlim.report.facts import Facts, Service, TaskState
from dlim.report.finding import Finding, Grade

GRADES: tuple[Grade, ...] = ("fault", "warning", "note")
"""The worst first."""


class Problem(NamedTuple):
    """Something that somebody should see to. anchor: where the page tells more."""

    grade: Grade
    place: str
    told: str
    anchor: str


class Cause(NamedTuple):
    """Why tasks are failing or to run, and which these are by themselves; what depends on them isn't named."""

    told: str
    failed: bool
    tasks: tuple[str, ...]


def problems(facts: Facts) -> list[Problem]:
    """All that isn't as it should be."""
    found = [
        *(Problem("fault", "files", line, "summary") for line in facts.unread),
        *_of_tasks(facts),
        *_of_learners(facts),
        *_of_courses(facts),
        *(problem for service in facts.known.services for problem in _of_service(service)),
    ]
    return sorted(found, key=lambda problem: GRADES.index(problem.grade))


def verdict(found: Sequence[Problem], facts: Facts) -> str:
    """The report in a sentence."""
    built = [each.name for each in facts.learners if each.mix]
    if not found:
        return "All is well" if built else "No dataset is built yet"
    counts = [
        _counted(sum(problem.grade == grade for problem in found), f"{grade}", f"{grade}s") for grade in GRADES[:2]
    ]
    return " and ".join(count for count in counts if count)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if count else ""


def causes(tasks: Sequence[TaskState]) -> list[Cause]:
    """All reasons that tasks have, each once, faults first."""
    found: dict[tuple[bool, str], list[str]] = {}
    for reason in dict.fromkeys(reason for task in tasks for reason in task.reasons):
        found.setdefault((reason.failed, reason.told), []).append(reason.task)
    return [
        Cause(told, failed, tuple(names))
        for (failed, told), names in sorted(found.items(), key=lambda item: not item[0][0])
    ]


def _of_tasks(facts: Facts) -> Iterator[Problem]:
    found = causes(facts.known.tasks)
    for cause in found:
        if cause.failed:
            yield Problem("fault", cause.tasks[0], cause.told, "tasks")
    waiting = [cause for cause in found if not cause.failed]
    if waiting and any(each.mix for each in facts.learners):
        what = f"{waiting[0].tasks[0]}: {waiting[0].told}" if len(waiting) == 1 else f"{len(waiting):,} reasons"
        yield Problem("warning", "datasets", f"are to be made anew ({what})", "changes")


def _of_learners(facts: Facts) -> Iterator[Problem]:
    for learner in facts.learners:
        name, anchor = learner.name, f"learner:{learner.name}"
        if learner.fault:
            yield Problem("fault", name, learner.fault, anchor)
        elif learner.mix is None:
            yield Problem("warning", name, f"no dataset yet; doit dataset:{name} makes it", anchor)
        for shown in learner.findings:
            check = shown.finding.check
            if shown.finding.cases and check.grade != "note":
                told = f"{shown.finding.title}{_where(shown.finding)}"
                yield Problem(check.grade, name, told, f"{anchor}:{check.key}")


def _where(finding: Finding) -> str:
    """The only place where something was found."""
    return f" ({finding.cases[0].where})" if len(finding.cases) == 1 else ""


def _of_courses(facts: Facts) -> Iterator[Problem]:
    newest = next((course for course in facts.courses if course.ended), None)
    for number, course in enumerate(facts.courses, 1):
        if course.ended and course is not newest:
            continue  # what came of it is past mending
        for part in course.parts:
            where, anchor = f"{course.name}, {part.learner}", f"learning-{number}"
            if part.grade and part.grade != "note" and not course.ended:
                yield Problem(part.grade, where, part.told, anchor)
            yield from (Problem("warning", where, told, anchor) for told in part.troubles)


def _of_service(service: Service) -> Iterator[Problem]:
    if service.fault:
        yield Problem("warning", f"{service.server} of {service.learner}", service.fault, "deployments")
    elif service.current and service.current.fault:
        name = f"{service.current.name}:" if service.current.output else "the weight"
        yield Problem("warning", f"service of {service.learner}", f"{name} {service.current.fault}", "deployments")
