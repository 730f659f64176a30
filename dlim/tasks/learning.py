"""Learning, as doit's tasks: ship, task, cancel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dlim import progress
from dlim.config import Learner
from dlim.errors import DlimError, LearningError
from dlim.plugins.state import unlocked
from dlim.runs import job, task, unfinished
from dlim.runs.origin import origin
from dlim.runs.record import Origin
from dlim.runs.shipment import Shipment, shipment
from dlim.runs.snapshot import snapshot
from dlim.runs.task import Course
from dlim.servers.contract import Transport
from dlim.servers.servers import connect
from dlim.tasks.asking import Row, asked, option
from dlim.tasks.workspace import DATA_SET, OUTPUT, STANDING, Workspace


@dataclass(frozen=True)
class Learning:
    """The tasks of a workspace whose work is done on servers."""

    workspace: Workspace

    @property
    def learners(self) -> dict[str, Learner]:
        return self.workspace.config.learners

    def ship(self) -> Iterator[Row]:
        """Send datasets to the servers that learn: what they lack, verified, then switched to."""
        yield {"basename": "ship", "name": None, "doc": "all datasets, to the servers that learn"}
        for name in self.learners:
            row = asked(
                "ship",
                lambda name=name: self._ship(name),
                f"the dataset of {name}, to its server",
                after=[f"dataset:{name}"],
                answer=False,
            )
            yield {**row, "name": name}

    def _ship(self, name: str) -> None:
        course = self.course(name)
        with course.connect() as transport:
            task.ship_to(course.place(transport), course, self._shipment(name))

    def task(self) -> Iterator[Row]:
        """Learn."""
        options = [
            option("name", "what the output will be called"),
            option("memo", "what you want to remember of it"),
        ]
        yield asked(
            "task",
            lambda name, memo: self._learn(list(self.learners), name, memo),
            "dataset, ship, learn, bring back, for every learner: --name N --memo TEXT",
            options,
            after=["dataset"],
            answer=False,
        )
        for learner in self.learners:
            yield asked(
                f"task:{learner}",
                lambda name, memo, learner=learner: self._learn([learner], name, memo),
                f"the same for {learner} alone",
                options,
                after=[f"dataset:{learner}"],
                answer=False,
            )

    def _learn(self, names: Sequence[str], name: str, memo: str) -> None:
        courses = [self.course(each) for each in names]
        for course in courses:
            course.require()
        growing = unfinished.begin(OUTPUT, name or self._name(names), memo, names)
        console = progress.current()
        with unfinished.followed(growing):
            for course in courses:
                task.prepare(growing, course)
            # what is learned from is kept apart by now: others may build while it takes its hours
            with unlocked():
                for course in courses:
                    task.learn(growing, course)
                waiting = [each for each in growing.task.learners if growing.learned(each) is None]
                if waiting:
                    console.line(f"{growing.task.name}: is whole once {', '.join(waiting)} has learned, too")
                    return
                folder = growing.finish(OUTPUT)
        console.line(f"{folder}: whole; doit deploy {folder.name} puts it into service")

    def _name(self, names: Sequence[str]) -> str:
        """The name of a learning task that was given none: that which waits for these learners, else the time."""
        for growing in unfinished.load(OUTPUT).values():
            if set(growing.task.learners) == set(names):
                progress.current().line(f"{growing.task.name}: goes on, as it isn't whole yet")
                return growing.task.name
        stem = time.strftime("%Y-%m-%d_%H%M")
        taken = {path.name for path in OUTPUT.glob("*")}
        return next(each for each in [stem, *(f"{stem}-{n}" for n in range(2, 1000))] if each not in taken)

    def cancel(self) -> Iterator[Row]:
        """End what is learning."""
        yield asked("cancel", lambda: self._cancel_all(), "end what is learning, of all learners")
        for name in self.learners:
            yield asked(f"cancel:{name}", lambda name=name: self._cancel(name), f"end what {name} is learning")

    def _cancel_all(self) -> None:
        ended, refused = 0, []
        for name in self.learners:
            try:
                self._cancel(name)
                ended += 1
            except LearningError as error:
                progress.current().line(str(error))
            except DlimError as error:
                refused.append(error)
        if refused:
            raise refused[0]
        if not ended:
            raise LearningError("cancel", "nothing is learning", "doit servers shows what each server does")

    def _cancel(self, name: str) -> None:
        course = self.course(name)
        with course.connect() as transport:
            place = course.place(transport)
            busy = job.running(place)
            if busy is None:
                raise LearningError(name, f"learns nothing on {transport.address}", "there is nothing to end")
            job.cancel(place, busy.name)
            progress.current().line(f"{name}: its learning on {transport.address} is ended")

    # what a learner needs

    def course(self, name: str) -> Course:
        """A learner, with what it needs of this workspace."""
        learner = self.learners[name]
        secrets = [Path(path).expanduser() for path in self._secrets()]
        dataset = DATA_SET / f"{name}.tar.gz"
        return Course(
            name,
            learner,
            self.connect(learner.learning.server or name),
            lambda: self._frozen(name),
            lambda out: snapshot(Path(), dataset, out, secrets),
        )

    def _frozen(self, name: str) -> tuple[Shipment, Origin]:
        """A learner's dataset as it is now, and what it came from."""
        made = self._shipment(name)
        return made, origin(self.workspace.config, name, self.workspace.taken(name), DATA_SET / name, made)

    def _secrets(self) -> Iterator[str]:
        for server in self.workspace.config.servers.values():
            yield from (path for path in (server.password_file, server.identity_file) if path)

    def connect(self, server: str) -> Callable[[], Transport]:
        """What makes a link to a server."""
        return lambda: connect(server, self.workspace.config.servers, STANDING)

    def _shipment(self, name: str) -> Shipment:
        return shipment(*self.workspace.archive(name))
