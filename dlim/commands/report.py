"""The page that tells of everything: `doit report`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from dlim import console, store
from dlim.commands import baseline
from dlim.commands.base import Command, Option, option
from dlim.errors import DlimError, TransportError
from dlim.runs import account, deploy, history, job, unfinished
from dlim.runs.course import Course
from dlim.runs.record import local_time, now
from dlim.workspace import DATA_SET, OUTPUT, Workspace

if TYPE_CHECKING:
    from dlim.build.status import Root, Verdicts
    from dlim.report.facts import Job, Known, Service, Standing

PAGE = OUTPUT / "report.html"


class Report(Command):
    """`doit report`: all that is known of the workspace and of its servers, on one page."""

    name = "report"
    doc_purpose = f"one HTML page of all of it: {PAGE}"
    options: ClassVar[Sequence[Option]] = (option("open", "show it in the browser", flag=True, key="opened"),)

    def answer(self, workspace: Workspace, words: Sequence[str], *, opened: bool) -> None:  # type: ignore[override]
        # the page needs a template engine and reads pictures: nobody else should wait for their import
        from dlim.report.gather import Sources, gather
        from dlim.report.page import page

        shown = console.current()
        taken = {name: workspace.taken(name) for name in workspace.config.learners}
        sources = Sources(Path.cwd().name, workspace.config, taken, DATA_SET, OUTPUT)
        with shown.working("report"):
            text = page(gather(sources, known(workspace)))
            store.write_file(PAGE, lambda making: making.write_text(text, encoding="utf-8"))
        shown.line(f"{PAGE}: {console.megabytes(len(text.encode()))}")
        if opened:
            from dlim.labelling.browser import show

            show(PAGE.resolve().as_uri())


def known(workspace: Workspace) -> Known:
    """What the files of the workspace don't say by themselves."""
    from dlim.report.checks import Thresholds
    from dlim.report.facts import Known

    learners = workspace.config.learners
    thresholds = {
        name: Thresholds(input_size=learner.learning.input_size, smallest_prior=learner.learning.smallest_prior)
        for name, learner in learners.items()
    }
    with ThreadPoolExecutor(max(1, len(learners))) as pool:
        services = tuple(pool.map(lambda name: _service(workspace, name), learners))
    baselines = baseline.known(workspace, learners)
    return Known(local_time(now()), tuple(standings(workspace)), services, _jobs(workspace), thresholds, baselines)


def standings(workspace: Workspace) -> Iterator[Standing]:
    """How each step of the build stands; `doit list` counts the same."""
    from dlim.build.status import told
    from dlim.commands.status import status_of
    from dlim.report.facts import Reason, Standing

    status = status_of(workspace)
    names = list(status.pipeline.closure(["extend", "build", "dataset"]))
    found = status.verdicts(names)
    for name in names:
        yield Standing(
            name,
            found[name].status,
            tuple(Reason(root.task, told(root.reasons), root.failed) for root in _roots(name, found)),
        )


def _roots(name: str, found: Verdicts) -> list[Root]:
    """Where the status of a step comes from; of one that fails, the faults alone."""
    from dlim.build.status import Root, roots

    if not found[name].fault:
        return roots(name, found)
    seen, waiting = {name}, [name]
    for each in waiting:
        more = [cause for cause in found[each].causes if found[cause].fault and cause not in seen]
        seen.update(more)
        waiting.extend(more)
    return [Root(each, (found[each].failed,), failed=True) for each in waiting if found[each].failed]


def _service(workspace: Workspace, name: str) -> Service:
    from dlim.report.facts import Service

    learner = workspace.config.learners[name]
    server = learner.service.server or learner.learning.server or name
    try:
        with Course(workspace, name).serving() as place:
            past = tuple(history.read(place))
            return Service(name, server, deploy.current(place, learner.service), past)
    except DlimError as error:
        return Service(name, server, fault=str(error))


def _jobs(workspace: Workspace) -> dict[tuple[str, str], Job]:
    """How the jobs of learning tasks stand that aren't outputs yet."""
    return {
        (each.task.name, name): _job(workspace, each.task.job, name)
        for each in unfinished.load(OUTPUT).values()
        for name in each.task.learners
        if name in workspace.config.learners
    }


def _job(workspace: Workspace, name: str, learner: str) -> Job:
    from dlim.report.facts import Job

    course = Course(workspace, learner)
    try:
        with course.connect() as transport:
            state = job.state(course.place(transport), name)
            return Job("cancelled" if account.is_cancelled(state) else state.kind, state.told)
    except TransportError as error:
        return Job("unreachable", str(error))
