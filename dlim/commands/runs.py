"""What learning brought back, and where it is in service: outputs, output, trace, deploy, undeploy; and cancel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

from dlim import console
from dlim.commands import baseline
from dlim.commands.base import Command, Option, option
from dlim.console import megabytes, table
from dlim.errors import ConfigError, DeploymentError, DlimError, LearningError, OutputError, TransportError
from dlim.names import nearest
from dlim.runs import account, deploy, job, outputs, record, scores, service, unfinished
from dlim.runs.course import Course
from dlim.runs.history import Deployed
from dlim.runs.origin import image, made_by_hand, said
from dlim.runs.outputs import Output
from dlim.runs.program import digests
from dlim.runs.record import Record
from dlim.runs.state import State
from dlim.runs.unfinished import Task, Unfinished
from dlim.workspace import OUTPUT, Workspace

LEARNER = option("learner", "for this learner alone")


class Outputs(Command):
    """`doit outputs`: a line for each learner of each output, and of what isn't one yet; --diff A B compares two."""

    name = "outputs"
    doc_purpose = "what learning brought back: a table"
    doc_usage = "[--diff A B]"
    words = True
    options: ClassVar[Sequence[Option]] = (
        option("diff", "two outputs instead: how they do on shots and on val, and what differs", flag=True),
    )

    def answer(self, workspace: Workspace, words: Sequence[str], *, diff: bool) -> None:  # type: ignore[override]
        if diff:
            if len(words) != 2:
                raise OutputError(
                    "outputs", "--diff wants the names of two outputs", "doit outputs --diff first second"
                )
            for line in scores.difference(*_chosen("outputs", words)):
                console.current().line(line)
            return
        if words:
            raise ConfigError("outputs", f'takes no "{words[0]}"', f"doit output {words[0]} shows one")
        found, growing = outputs.load(OUTPUT), unfinished.load(OUTPUT)
        if not found and not growing:
            console.current().line("there is no output yet; doit task makes one")
            return
        where = _where(in_service(workspace, workspace.config.learners))
        rows = [row for name, output in found.items() for row in account.rows(output, where.get(name, ()))]
        jobs = _jobs(workspace, growing.values())
        rows += [row for name, each in growing.items() for row in account.growing(each, jobs[name])]
        for line in table(account.HEADS, rows):
            console.current().line(line)
        if any(learned.metrics for output in found.values() for learned in output.record.learners.values()):
            console.current().line(f"results are of val: {scores.VAL}")


class ShowOutput(Command):
    """`doit output NAME`: all that is known of it."""

    name = "output"
    doc_purpose = "all that is known of one: doit output NAME"
    doc_usage = "NAME ..."
    words = True
    options: ClassVar[Sequence[Option]] = (
        option("check", "read all its files, and compare them with its record instead", flag=True),
    )

    def answer(self, workspace: Workspace, words: Sequence[str], *, check: bool) -> None:  # type: ignore[override]
        for output in _chosen("output", words):
            baselines = {} if check else baseline.known(workspace, output.record.learners)
            for line in [] if check else account.told(output.record, baselines=baselines):
                console.current().line(line)
            if check:
                damage = list(outputs.damage(output))
                if damage:
                    raise OutputError(damage[0].partition(": ")[0], damage[0].partition(": ")[2], "restore it")
                console.current().line(f"{output.name}: all its files are as its record says")


class RemoveOutput(Command):
    """`doit output:rm NAME`: delete outputs, and what isn't one yet."""

    name = "output:rm"
    doc_purpose = "delete outputs: doit output:rm NAME"
    doc_usage = "NAME ..."
    words = True
    options: ClassVar[Sequence[Option]] = (option("force", "also what is in service", flag=True),)

    def answer(self, workspace: Workspace, words: Sequence[str], *, force: bool) -> None:  # type: ignore[override]
        outputs.sweep(OUTPUT)
        growing = unfinished.load(OUTPUT)
        words = _some("output:rm", words)
        damaged = [folder for name in words if name not in growing and (folder := outputs.damaged(OUTPUT, name))]
        names = [name for name in words if OUTPUT / name not in damaged]
        doomed = [growing[name] if name in growing else outputs.find(OUTPUT, name) for name in names]
        for folder in damaged:
            if not force:
                fault = "its record can't be read, so whether it is in service can't be told"
                raise OutputError(folder, fault, "say --force to delete it all the same")
            outputs.delete(folder)
            console.current().line(f"{folder.name}: deleted")
        for each in doomed:
            if isinstance(each, Unfinished):
                _discard(workspace, each)
                continue
            if not force:
                _refuse_deployed(workspace, each)
            freed = outputs.remove(each)
            console.current().line(f"{each.name}: deleted; {megabytes(freed)} are free again")


class Trace(Command):
    """`doit trace FILE`: where a weight, or a single image, comes from."""

    name = "trace"
    doc_purpose = "where a weight or an image comes from: doit trace FILE"
    doc_usage = "FILE"
    words = True
    options: ClassVar[Sequence[Option]] = (
        option("record", "a record.json to ask, instead of the outputs here", key="record_file"),
    )

    def answer(self, workspace: Workspace, words: Sequence[str], *, record_file: str) -> None:  # type: ignore[override]
        if len(words) != 1:
            raise OutputError("trace", "wants one file", "doit trace weights/latest_weight.pth")
        weight = Path(words[0])
        shown = console.current()
        pictured = [] if record_file or not weight.is_file() else list(image(workspace, weight))
        if pictured:
            for line in pictured:
                shown.line(line)
            return
        found, *others = outputs.trace(weight, _records(weight, record_file))
        shown.line(f"{weight}: {found.path} of {found.learner}, from {found.record.name}")
        same = sorted({each.record.name for each in others} - {found.record.name})
        if same:
            shown.line(f"  the same bytes are in {', '.join(same)}")
        for line in account.told(found.record, [found.learner]):
            shown.line(line)
        taken = workspace.taken(found.learner) if found.learner in workspace.config.learners else {}
        now = {title: made_by_hand(project) for title, project in taken.items()}
        config = workspace.config
        known = found.learner in config.learners
        settings = said(config, found.learner) if known else None
        program = digests(config.learners[found.learner].learning) if known else None
        differing = list(outputs.changed(found, now, settings, program))
        for line in differing:
            shown.line(f"since then: {line}")
        if not differing:
            shown.line("since then: nothing that it was learned from has changed here")


class Deploy(Command):
    """`doit deploy NAME`: put an output's newest weights into service."""

    name = "deploy"
    doc_purpose = "put an output's newest weights into service: doit deploy NAME"
    doc_usage = "NAME"
    words = True
    options: ClassVar[Sequence[Option]] = (
        LEARNER,
        option("weight", "this file of its archive, instead of the newest weight"),
        option("dataset", "the dataset that it was trained on, too", flag=True),
        option("force", "also where it does worse on the same shots than what is in service", flag=True),
    )

    def answer(  # type: ignore[override]
        self, workspace: Workspace, words: Sequence[str], *, learner: str, weight: str, dataset: bool, force: bool
    ) -> None:
        [output] = _chosen("deploy", words, 1)
        chosen = _learners(workspace, learner)
        if not set(chosen) & set(output.record.learners):
            raise DeploymentError(output.name, f"holds nothing of {' or '.join(chosen)}", "choose another output")
        there = [name for name in chosen if output.archive(name).is_file() and name in output.record.learners]
        for name in chosen:
            if name not in there:
                console.current().line(f"{name}: skipped, as {output.name} has no archive of it")
        if not there:
            raise DeploymentError(output.name, f"has no archive of {' or '.join(chosen)}", "restore it")
        service.put(workspace, output, there, path=weight, dataset=dataset, force=force)


class Undeploy(Command):
    """`doit undeploy`: go back to the weights that were in service before."""

    name = "undeploy"
    doc_purpose = "go back to the weights that were in service before"
    options: ClassVar[Sequence[Option]] = (
        LEARNER,
        option("empty", "where nothing was in service before, take the weight away", flag=True),
    )

    def answer(self, workspace: Workspace, words: Sequence[str], *, learner: str, empty: bool) -> None:  # type: ignore[override]
        service.take_back(workspace, _learners(workspace, learner), empty=empty)


class Cancel(Command):
    """`doit cancel`: end what is learning, of all learners or of the one behind the colon."""

    name = "cancel"
    doc_purpose = "end what is learning: doit cancel, or doit cancel:LEARNER"
    of = ""

    def answer(self, workspace: Workspace, words: Sequence[str]) -> None:  # type: ignore[override]
        chosen = self.require_of(list(workspace.config.learners), "learner")
        ended, idle, failed = 0, [], []
        for name in chosen:
            try:
                _cancel(Course(workspace, name))
                ended += 1
            except LearningError as error:
                idle.append(error)
            except DlimError as error:
                failed.append(error)
        for each in idle if len(chosen) > 1 else []:
            console.current().line(str(each))
        if failed or (idle and len(chosen) == 1):
            raise [*failed, *idle][0]
        if not ended:
            raise LearningError("cancel", "nothing is learning", "doit servers shows what each server does")


def _cancel(course: Course) -> None:
    with course.connect() as transport:
        place = course.place(transport)
        busy = job.running(place)
        if busy is None:
            raise LearningError(course.name, f"learns nothing on {transport.address}", "there is nothing to end")
        job.cancel(place, busy.name)
        console.current().line(f"{course.name}: its learning on {transport.address} is ended")


# what is asked of servers


def in_service(workspace: Workspace, learners: Iterable[str]) -> dict[str, Deployed | DlimError | None]:
    """What is in service, by learner; why that can't be told, where it can't. All servers are asked at once."""

    def ask(name: str) -> Deployed | DlimError | None:
        course = Course(workspace, name)
        try:
            with course.serving() as place:
                return deploy.current(place, course.learner.service)
        except (ConfigError, TransportError) as error:
            return error

    names = list(learners)
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        return dict(zip(names, pool.map(ask, names), strict=True))


def _where(found: Mapping[str, Deployed | DlimError | None]) -> dict[str, list[str]]:
    """The learners for which each output is in service, by the output's name."""
    told: dict[str, list[str]] = {}
    for learner, each in found.items():
        if isinstance(each, DlimError):
            console.current().line(f"{learner}: {each}")
        elif each:
            told.setdefault(each.output, []).append(learner)
    return told


def _jobs(workspace: Workspace, growing: Iterable[Unfinished]) -> dict[str, dict[str, State]]:
    """How the learning stands of what isn't an output yet, by task and learner; all servers are asked at once."""
    waiting = [
        (each.task, name)
        for each in growing
        for name in each.task.learners
        if name in workspace.config.learners and each.learned(name) is None
    ]

    def ask(asked: tuple[Task, str]) -> State | None:
        course = Course(workspace, asked[1])
        try:
            with course.connect() as transport:
                return job.state(course.place(transport), asked[0].job)
        except (ConfigError, TransportError):
            return None

    found: dict[str, dict[str, State]] = {each.task.name: {} for each in growing}
    with ThreadPoolExecutor(max(1, len(waiting))) as pool:
        for (task, name), state in zip(waiting, pool.map(ask, waiting), strict=True):
            if state:
                found[task.name][name] = state
    return found


def _refuse_deployed(workspace: Workspace, output: Output) -> None:
    concerned = [name for name in output.record.learners if name in workspace.config.learners]
    for learner, found in in_service(workspace, concerned).items():
        if isinstance(found, DlimError):
            raise OutputError(
                output.name, f"whether {learner} has it in service can't be told ({found.fault})", "say --force"
            )
        if found and found.output == output.name:
            raise OutputError(
                output.name, f"is in service for {learner}", "deploy another output there, or say --force"
            )


def _discard(workspace: Workspace, growing: Unfinished) -> None:
    with unfinished.followed(growing):
        for name in growing.task.learners:
            if name in workspace.config.learners:
                course = Course(workspace, name)
                with course.connect() as transport:
                    if job.state(course.place(transport), growing.task.job).kind == "running":
                        fault = f"{name} is learning for it"
                        raise OutputError(growing.task.name, fault, f"doit cancel:{name} ends that")
        unfinished.discard(growing)
    console.current().line(f"{growing.task.name}: deleted; it was not whole yet")


# what the words mean


def _learners(workspace: Workspace, learner: str) -> list[str]:
    known = workspace.config.learners
    if learner and learner not in known:
        raise ConfigError("--learner", f'"{learner}" is no learner', nearest(learner, known))
    return [learner] if learner else list(known)


def _some(command: str, names: Sequence[str]) -> Sequence[str]:
    if not names:
        there = ", ".join(outputs.load(OUTPUT)) or "none yet"
        raise OutputError(command, "wants the name of an output", f"doit {command} NAME; there are: {there}")
    return names


def _chosen(command: str, names: Sequence[str], count: int = 0) -> list[Output]:
    if count and len(names) > count:
        raise OutputError(command, f'"{" ".join(names)}" is more than one name', "say one")
    return [outputs.find(OUTPUT, name) for name in _some(command, names)]


def _records(weight: Path, file: str) -> list[Record]:
    """The records to look a weight up in: that which was named, else that beside it, and those here, newest first."""
    if file:
        return [record.read_file(Path(file))]
    beside = weight.parent / f"{weight.name}.json"
    here = [output.record for output in reversed(outputs.load(OUTPUT).values())]
    return [record.read_file(beside), *here] if beside.is_file() else here
