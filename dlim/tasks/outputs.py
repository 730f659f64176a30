"""What learning brought back, as doit's tasks: outputs, trace, deploy, undeploy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from dlim import progress
from dlim.config import Learner
from dlim.errors import ConfigError, DeploymentError, DlimError, OutputError, TransportError
from dlim.names import nearest
from dlim.projects import Project
from dlim.runs import account, deployment, job, outputs, record, service, unfinished
from dlim.runs.history import Deployed
from dlim.runs.origin import made_by_hand
from dlim.runs.outputs import Output
from dlim.runs.place import Place
from dlim.runs.record import Record
from dlim.runs.state import State
from dlim.runs.task import ship_to
from dlim.runs.unfinished import Task, Unfinished
from dlim.servers.contract import Transport
from dlim.tasks.asking import Row, asked, option
from dlim.tasks.learning import Learning
from dlim.tasks.workspace import OUTPUT
from dlim.text import megabytes, table


@dataclass(frozen=True)
class Outputs:
    """The tasks of a workspace that need what learning tasks brought back."""

    learning: Learning

    # what there is

    def outputs(self) -> Iterator[Row]:
        """What learning tasks brought back, and where it is in service."""
        yield asked("outputs", self._list, "what learning brought back: a table")
        yield asked("output", self._show, "all that is known of one: doit output NAME", [CHECK], names="names")
        yield asked("output:rm", self._remove, "delete outputs: doit output:rm NAME", [FORCE], names="names")
        yield asked("trace", self._trace, "where a weight comes from: doit trace FILE", [RECORD], names="names")

    def _list(self) -> None:
        found = outputs.load(OUTPUT)
        growing = unfinished.load(OUTPUT)
        if not found and not growing:
            progress.current().line("there is no output yet; doit task makes one")
            return
        where = self._where(self._in_service())
        rows = [row for name, output in found.items() for row in account.rows(output, where.get(name, ()))]
        jobs = self._jobs(growing.values())
        rows += [row for name, each in growing.items() for row in account.growing(each, jobs[name])]
        for line in table(account.HEADS, rows):
            progress.current().line(line)

    def _jobs(self, growing: Iterable[Unfinished]) -> dict[str, dict[str, State]]:
        """How the learning stands of what isn't an output yet, by task and learner; all servers are asked at once."""
        waiting = [
            (each.task, name)
            for each in growing
            for name in each.task.learners
            if name in self.learning.learners and each.learned(name) is None
        ]
        found: dict[str, dict[str, State]] = {each.task.name: {} for each in growing}
        with ThreadPoolExecutor(max(1, len(waiting))) as pool:
            for (task, name), state in zip(waiting, pool.map(self._state, waiting), strict=True):
                if state:
                    found[task.name][name] = state
        return found

    def _state(self, asked: tuple[Task, str]) -> State | None:
        """How a learner's part in a learning task stands; None where its server can't say."""
        task, learner = asked
        course = self.learning.course(learner)
        try:
            with course.connect() as transport:
                return job.state(course.place(transport), task.job)
        except (ConfigError, TransportError):
            return None

    def _show(self, names: Sequence[str], check: bool) -> None:
        for output in _chosen("output", names):
            for line in [] if check else account.told(output.record):
                progress.current().line(line)
            if check:
                damage = list(outputs.damage(output))
                if damage:
                    raise OutputError(damage[0].partition(": ")[0], damage[0].partition(": ")[2], "restore it")
                progress.current().line(f"{output.name}: all its files are as its record says")

    def _remove(self, names: Sequence[str], force: bool) -> None:
        outputs.sweep(OUTPUT)
        growing = unfinished.load(OUTPUT)
        doomed = [
            growing[name] if name in growing else outputs.find(OUTPUT, name) for name in _some("output:rm", names)
        ]
        for each in doomed:
            if isinstance(each, Unfinished):
                self._discard(each)
                continue
            if not force:
                self._refuse_deployed(each)
            freed = outputs.remove(each)
            progress.current().line(f"{each.name}: deleted; {megabytes(freed)} are free again")

    def _discard(self, growing: Unfinished) -> None:
        with unfinished.followed(growing):
            for name in growing.task.learners:
                if name in self.learning.learners:
                    self._refuse_running(growing, name)
            unfinished.discard(growing)
        progress.current().line(f"{growing.task.name}: deleted; it was not whole yet")

    def _refuse_running(self, growing: Unfinished, learner: str) -> None:
        course = self.learning.course(learner)
        with course.connect() as transport:
            if job.state(course.place(transport), growing.task.job).kind == "running":
                raise OutputError(
                    growing.task.name, f"{learner} is learning for it", f"doit cancel:{learner} ends that"
                )

    def _refuse_deployed(self, output: Output) -> None:
        for learner, found in self._in_service().items():
            if isinstance(found, DlimError):
                raise OutputError(
                    output.name, f"whether {learner} has it in service can't be told ({found.fault})", "say --force"
                )
            if found and found.output == output.name and learner in output.record.learners:
                raise OutputError(
                    output.name, f"is in service for {learner}", "deploy another output there, or say --force"
                )

    # what is in service

    def _in_service(self) -> dict[str, Deployed | DlimError | None]:
        """What is in service, by learner; why that can't be told, where it can't. All servers are asked at once."""

        def ask(name: str) -> Deployed | DlimError | None:
            try:
                with self.server(name) as transport:
                    return deployment.current(self.place(transport, name), self._learner(name).service)
            except (ConfigError, TransportError) as error:
                return error

        names = list(self.learning.learners)
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(ask, names), strict=True))

    def _where(self, found: Mapping[str, Deployed | DlimError | None]) -> dict[str, list[str]]:
        """The learners for which each output is in service, by the output's name."""
        told: dict[str, list[str]] = {}
        for learner, each in found.items():
            if isinstance(each, DlimError):
                progress.current().line(f"{learner}: {each}")
            elif each:
                told.setdefault(each.output, []).append(learner)
        return told

    # deploy, undeploy

    def deploy(self) -> Iterator[Row]:
        """Put weights into service."""
        yield asked(
            "deploy",
            self._deploy,
            "put an output's newest weights into service: doit deploy NAME",
            [LEARNER, option("dataset", "the dataset that it was trained on, too", flag=True)],
            names="names",
        )
        yield asked("undeploy", self._undeploy, "go back to the weights that were in service before", [LEARNER])

    def _deploy(self, names: Sequence[str], learner: str, dataset: bool) -> None:
        [output] = _chosen("deploy", names, 1)
        chosen = self._learners(learner)
        if not set(chosen) & set(output.record.learners):
            raise DeploymentError(output.name, f"holds nothing of {' or '.join(chosen)}", "choose another output")
        for name in chosen:
            if name not in output.record.learners:
                progress.current().line(f"{name}: skipped, as {output.name} has no archive of it")
                continue
            with self.server(name) as transport:
                place = self.place(transport, name)
                if dataset:
                    course = self.learning.course(name)
                    with service.dataset(output, name) as shipment:
                        ship_to(place, course, shipment)
                self._put(place, output, name)

    def _put(self, place: Place, output: Output, name: str) -> None:
        learner = self._learner(name)
        weight = service.newest(output, name, learner.learning.weights)
        service.deploy(place, learner.service, output, weight)
        where = f"{place.transport.address}: {learner.service.weight}"
        progress.current().line(f"{name}: {weight.path} of {output.name} is in service: {where}")

    def _undeploy(self, learner: str) -> None:
        done: list[str] = []
        refused: list[DeploymentError] = []
        for name in self._learners(learner):
            try:
                with self.server(name) as transport:
                    settings = self._learner(name).service
                    back = deployment.undeploy(self.place(transport, name), settings, record.person(), _shown(name))
                done.append(name)
                progress.current().line(
                    f"{name}: {back.name} is in service again{back.fault and f', but {back.fault}'}"
                )
            except DeploymentError as error:
                refused.append(error)
        if refused and not done:
            raise refused[0]
        for each in refused:
            progress.current().line(str(each))

    def _learners(self, learner: str) -> list[str]:
        if learner and learner not in self.learning.learners:
            raise ConfigError("--learner", f'"{learner}" is no learner', nearest(learner, self.learning.learners))
        return [learner] if learner else list(self.learning.learners)

    def _learner(self, name: str) -> Learner:
        return self.learning.learners[name]

    def server(self, name: str) -> Transport:
        """A link to the server on which a learner's weights are in service."""
        learner = self._learner(name)
        return self.learning.connect(learner.service.server or learner.learning.server or name)()

    def place(self, transport: Transport, name: str) -> Place:
        """Where on that server they are."""
        return Place(transport, name, self._learner(name).service.folder)

    # where it comes from

    def _trace(self, names: Sequence[str], record_file: str) -> None:
        if len(names) != 1:
            raise OutputError("trace", "wants one file", "doit trace weights/latest_weight.pth")
        weight = Path(names[0])
        found, *others = outputs.trace(weight, _records(weight, record_file))
        console = progress.current()
        console.line(f"{weight}: {found.path} of {found.learner}, from {found.record.name}")
        same = sorted({each.record.name for each in others} - {found.record.name})
        if same:
            console.line(f"  the same bytes are in {', '.join(same)}")
        for line in account.told(found.record, [found.learner]):
            console.line(line)
        now = {title: made_by_hand(project) for title, project in self._taken(found.learner).items()}
        differing = list(outputs.changed(found, now))
        for line in differing:
            console.line(f"since then: {line}")
        if not differing:
            console.line("since then: nothing that it was learned from has changed here")

    def _taken(self, learner: str) -> dict[str, Project]:
        return self.learning.workspace.taken(learner) if learner in self.learning.learners else {}


def _shown(name: str) -> Callable[[str], object]:
    """What shows the lines that a learner's check prints."""
    return lambda line: progress.current().line(f"{name} | {line}")


CHECK = option("check", "read all its files, and compare them with its record instead", flag=True)
FORCE = option("force", "also what is in service", flag=True)
LEARNER = option("learner", "for this learner alone")
RECORD = {**option("record", "a record.json to ask, instead of the outputs here"), "name": "record_file"}


def _some(task: str, names: Sequence[str]) -> Sequence[str]:
    if not names:
        there = ", ".join(outputs.load(OUTPUT)) or "none yet"
        raise OutputError(task, "wants the name of an output", f"doit {task} NAME; there are: {there}")
    return names


def _chosen(task: str, names: Sequence[str], count: int = 0) -> list[Output]:
    if count and len(names) > count:
        raise OutputError(task, f'"{" ".join(names)}" is more than one name', "say one")
    return [outputs.find(OUTPUT, name) for name in _some(task, names)]


def _records(weight: Path, file: str) -> list[Record]:
    """The records to look a weight up in: that which was named, else that beside it, and those here, newest first."""
    if file:
        return [record.read_file(Path(file))]
    beside = weight.with_name(f"{weight.name}.json")
    here = [output.record for output in reversed(outputs.load(OUTPUT).values())]
    return [record.read_file(beside), *here] if beside.is_file() else here
