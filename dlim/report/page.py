"""The page itself: facts in, one HTML text out, with its style inside and the policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from dlim.console import megabytes
from dlim.mix.table import alone
from dlim.report.checks import GRADES, Finding, Grade
from dlim.report.dataset import Row
from dlim.report.facts import Facts, Reason, Service, Standing
from dlim.report.gather import wall
from dlim.runs import scores

if TYPE_CHECKING:
    from jinja2 import Environment

LISTED = 400
"""Cases of a finding that are listed; more of them tell nobody more."""

EVENTS = 12
"""The newest lines of a deployment's history that are shown."""


class Problem(NamedTuple):
    """Something that somebody should see to. places: where. anchor: where the page tells more.

    remedy: what mends it. stops: what it keeps from being made.
    """

    grade: Grade
    places: tuple[str, ...]
    told: str
    anchor: str
    remedy: str = ""
    stops: str = ""

    @property
    def place(self) -> str:
        return few(self.places)


def few(names: Sequence[str], most: int = 3) -> str:
    """Names in a line: all, or the first few."""
    rest = len(names) - most
    return ", ".join(names) if rest < 2 else f"{', '.join(names[:most])} and {rest:,} more"


def page(facts: Facts) -> str:
    """The page that tells these facts; the same text for the same facts. It needs nothing from anywhere."""
    found = problems(facts)
    return (
        _environment()
        .get_template("page.html")
        .render(
            facts=facts,
            problems=found,
            verdict=verdict(found, facts),
            causes=causes(facts.known.steps),
            style=_text("page.css"),
            policy=_policy(),
            listed=LISTED,
            events=EVENTS,
        )
    )


# what comes first


def verdict(found: Sequence[Problem], facts: Facts) -> str:
    """The report in a sentence."""
    if not found:
        return "All is well" if any(each.mix for each in facts.learners) else "No dataset is built yet"
    counts = [(sum(problem.grade == grade for problem in found), grade) for grade in GRADES[:2]]
    return " and ".join(f"{count:,} {grade}{'s' * (count != 1)}" for count, grade in counts if count)


def problems(facts: Facts) -> list[Problem]:
    """All that isn't as it should be, the worst first; what has one cause is one problem."""
    found = [
        *(Problem("fault", ("files",), line, "summary") for line in facts.unread),
        *_of_steps(facts),
        *_of_learners(facts),
        *_of_courses(facts),
        *(problem for service in facts.known.services for problem in _of_service(service)),
    ]
    return sorted(found, key=lambda problem: GRADES.index(problem.grade))


class Cause(NamedTuple):
    """Why steps are failing or to run, the steps that say so themselves, and how many it keeps from being made.

    remedy: what mends it, where it says so. learners: those whose datasets wait for it.
    """

    told: str
    remedy: str
    failed: bool
    steps: tuple[str, ...]
    stops: int
    learners: tuple[str, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """What these steps are about: close_btn, of augment:close_btn@400x400 and augment:close_btn@native."""
        return tuple(dict.fromkeys(subject(step) for step in self.steps))


def subject(step: str) -> str:
    """What a step is about, by its name."""
    return step.partition(":")[2].partition("@")[0] or step


def causes(steps: Sequence[Standing]) -> list[Cause]:
    """All reasons that steps have, each once, faults first; a fault of a project is one, however many steps have it."""
    found: dict[tuple[bool, str, str], list[tuple[Standing, Reason]]] = {}
    for step in steps:
        for reason in step.roots:
            key = (reason.failed, subject(reason.step) if reason.failed else "", reason.told.partition("; ")[0])
            found.setdefault(key, []).append((step, reason))
    made = []
    for (failed, _, told), each in found.items():
        remedy = each[0][1].told.partition("; ")[2]
        own = tuple(dict.fromkeys(reason.step for _, reason in each))
        waiting = {step.name for step, _ in each}
        learners = sorted(name.partition(":")[2] for name in waiting if name.startswith("tarball:"))
        made.append(Cause(told, remedy, failed, own, len(waiting - {*own}), tuple(learners)))
    return sorted(made, key=lambda cause: not cause.failed)


def _of_steps(facts: Facts) -> Iterator[Problem]:
    found = causes(facts.known.steps)
    for cause in found:
        if cause.failed:
            stops = f"{cause.stops:,} step{'s' * (cause.stops != 1)} wait" + "s" * (cause.stops == 1)
            datasets = f", the dataset{'s' * (len(cause.learners) != 1)} of {few(cause.learners)} among them"
            told = f"{stops}{datasets if cause.learners else ''}" if cause.stops else ""
            yield Problem("fault", cause.places, _without(cause.told, cause.places), "steps", cause.remedy, told)
    waiting = [cause for cause in found if not cause.failed]
    if waiting and any(each.mix for each in facts.learners):
        what = f"{few(waiting[0].places)}: {waiting[0].told}" if len(waiting) == 1 else f"{len(waiting):,} reasons"
        yield Problem("warning", ("datasets",), f"are not up to date ({what})", "changes", "doit dataset")


def _without(told: str, places: Sequence[str]) -> str:
    """A fault without the project's name before it, which stands there already."""
    return told.removeprefix(f"{places[0]}: ") if len(places) == 1 else told


def _of_learners(facts: Facts) -> Iterator[Problem]:
    found: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
    failing = {learner for cause in causes(facts.known.steps) if cause.failed for learner in cause.learners}
    for learner in facts.learners:
        name = learner.name
        if learner.fault:
            yield Problem("fault", (name,), learner.fault, f"learner:{name}")
        elif learner.mix is None and name not in failing:
            yield Problem("warning", (name,), "no dataset yet", f"learner:{name}", f"doit dataset:{name}")
        for shown in learner.findings:
            if shown.finding.cases and shown.finding.check.grade != "note":
                told = f"{shown.finding.title}{_where(shown.finding)}"
                found.setdefault((shown.finding.check.key, told), []).append((name, shown.finding))
    for (key, told), each in found.items():
        names = tuple(name for name, _ in each)
        yield Problem(each[0][1].check.grade, names, told, f"learner:{names[0]}:{key}")


def _where(finding: Finding) -> str:
    """The only place where something was found."""
    return f" ({finding.cases[0].where})" if len(finding.cases) == 1 else ""


def _of_courses(facts: Facts) -> Iterator[Problem]:
    newest = next((course for course in facts.courses if course.ended), None)
    for number, course in enumerate(facts.courses, 1):
        if course.ended and course is not newest:
            continue  # what came of it is past mending
        for part in course.parts:
            where, anchor = (f"{course.name}, {part.learner}",), f"learning-{number}"
            if part.grade and part.grade != "note" and not course.ended:
                told, _, remedy = part.told.partition("; ")
                yield Problem(part.grade, where, told, anchor, remedy)
            yield from (Problem("warning", where, told, anchor) for told in part.troubles)


def _of_service(service: Service) -> Iterator[Problem]:
    if service.fault:
        told, _, remedy = service.fault.partition("; ")
        yield Problem("warning", (f"{service.server} of {service.learner}",), told, "deployments", remedy)
    elif service.current and service.current.fault:
        name = f"{service.current.name}:" if service.current.output else "the weight"
        told = f"{name} {service.current.fault}"
        yield Problem("warning", (f"service of {service.learner}",), told, "deployments")


# rows


class Rows(NamedTuple):
    """Rows as they are shown: some by themselves, and the rest in one."""

    shown: Sequence[Row]
    rest: Sequence[Row]

    @property
    def together(self) -> Row:
        """The rest in one row."""
        train, val, boxes = (sum(getattr(row, name) for row in self.rest) for name in ("train", "val", "boxes"))
        return Row("", train, val, boxes)


def parted(rows: Sequence[Row]) -> Rows:
    """A few rows by themselves: a character a label would make a thousand of them."""
    count = alone([row.images for row in rows])
    return Rows(rows[:count], tuple(rows[count:]))


# HTML


def _policy() -> str:
    """What a browser may do with the page: show its own style and its own pictures; no script runs at all."""
    digest = base64.b64encode(hashlib.sha256(_text("page.css").encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    """The templates. All that is put into them is escaped, and what they don't know is an error."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_printable,
    )
    made.filters["count"] = lambda number: f"{number:,}"
    made.filters["of"] = lambda number, what: f"{number:,} {what}{'s' * (number != 1)}"
    made.filters["size"] = megabytes
    made.filters["time"] = wall
    made.filters["parted"] = parted
    made.filters["few"] = few
    made.globals |= {"label_heads": scores.LABEL_HEADS, "val": scores.VAL}
    return made


@cache
def _text(name: str) -> str:
    return (resources.files(__package__) / "static" / name).read_text(encoding="utf-8")


_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""What no page may hold, or what would turn the text beside it around."""


def _printable(value: Any) -> Any:
    # what is marked as HTML is a template's own, and has been through here
    return _UNPRINTABLE.sub("\ufffd", value) if type(value) is str else value
