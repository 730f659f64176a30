"""The report, as doit's task: what is known of the workspace and of its servers, on one page."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dlim import builds, progress
from dlim.errors import DlimError, TransportError
from dlim.plugins.reason import told
from dlim.plugins.standing import standings
from dlim.runs import account, deployment, history, job, unfinished
from dlim.runs.course import Course
from dlim.runs.record import local_time, now
from dlim.tasks.asking import Row, asked
from dlim.tasks.learning import Learning
from dlim.tasks.workspace import DATA_SET, OUTPUT
from dlim.text import megabytes

if TYPE_CHECKING:
    from dlim.report.facts import Job, Known, Service, TaskState

PAGE = OUTPUT / "report.html"


@dataclass(frozen=True)
class Reports:
    """The task that tells of everything."""

    learning: Learning

    def report(self) -> Iterator[Row]:
        """Tell of everything on one page."""
        yield asked("report", self._report, f"one HTML page of all of it: {PAGE}")

    def _report(self) -> None:
        # the page needs a template engine and reads pictures: nobody else should wait for their import
        from dlim.report.gather import Sources, gather
        from dlim.report.page import page

        learning = self.learning
        taken = {name: learning.workspace.taken(name) for name in learning.learners}
        sources = Sources(Path.cwd().name, learning.workspace.config, taken, DATA_SET, OUTPUT)
        console = progress.current()
        with console.working("report"):
            text = page(gather(sources, self._known()))
            builds.write_file(PAGE, lambda making: making.write_text(text, encoding="utf-8"))
        console.line(f"{PAGE}: {megabytes(len(text.encode()))}")

    def _known(self) -> Known:
        """What the files of the workspace don't say by themselves."""
        from dlim.report.facts import Known
        from dlim.report.finding import Thresholds

        learners = self.learning.learners
        thresholds = {
            name: Thresholds(input_size=learner.learning.input_size, smallest_prior=learner.learning.smallest_prior)
            for name, learner in learners.items()
        }
        with ThreadPoolExecutor(len(learners)) as pool:
            services = tuple(pool.map(self._service, learners))
        return Known(local_time(now()), tuple(_tasks()), services, self._jobs(), thresholds)

    def _service(self, name: str) -> Service:
        from dlim.report.facts import Service

        learner = self.learning.learners[name]
        server = learner.service.server or learner.learning.server or name
        try:
            with Course(self.learning.workspace, name).serving() as place:
                past = tuple(history.read(place))
                return Service(name, server, deployment.current(place, learner.service), past)
        except DlimError as error:
            return Service(name, server, fault=str(error))

    def _jobs(self) -> dict[tuple[str, str], Job]:
        """How the jobs of learning tasks stand that aren't outputs yet."""
        growing = unfinished.load(OUTPUT).values()
        known = self.learning.learners
        return {
            (each.task.name, name): self._job(each.task.job, name)
            for each in growing
            for name in each.task.learners
            if name in known
        }

    def _job(self, name: str, learner: str) -> Job:
        from dlim.report.facts import Job

        course = Course(self.learning.workspace, learner)
        try:
            with course.connect() as transport:
                state = job.state(course.place(transport), name)
                return Job("cancelled" if account.is_cancelled(state) else state.kind, state.told)
        except TransportError as error:
            return Job("unreachable", str(error))


def _tasks() -> Iterator[TaskState]:
    from dlim.report.facts import Reason, TaskState

    for each in standings():
        reasons = tuple(Reason(root.task, told(root.reasons), root.failed) for root in each.roots)
        yield TaskState(each.name, each.state, reasons)
