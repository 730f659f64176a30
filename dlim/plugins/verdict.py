"""What would happen to each task now, and what that comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

from doit.dependency import Dependency
from doit.task import Task

from dlim.plugins.meta import FAULT
from dlim.plugins.reason import Inputs, makers_of, reasons, told
from dlim.plugins.state import FAILED, known_files

Outlook = Literal["up to date", "will run", "may run", "will fail", "can't run", "on demand", "ignored"]

MOVES: tuple[Outlook, ...] = ("will run", "may run")
STOPS: tuple[Outlook, ...] = ("will fail", "can't run")


class Verdict(NamedTuple):
    """What would happen to a task.

    outlook: it "will run" as what it is made from itself has changed, and "may run" where only what it depends on
    runs, which may leave the same as before. It "will fail" as it says itself, and "can't run" behind one that will.
    It is "on demand" where it runs whenever it is asked for, and "ignored" because of `doit ignore`.
    reasons: its own, in words. failed: the line that it failed with when it last ran, or will fail with.
    causes: of the tasks that it depends on, those that its outlook comes from. fault: the first line that it, or one
    that it depends on, failed with.
    """

    outlook: Outlook
    reasons: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    failed: str = ""
    fault: str = ""

    @property
    def state(self) -> str:
        """The outlook as one looks at it from afar: "up to date", "to run", "failing", "on demand" or "ignored"."""
        if self.outlook == "on demand":
            return self.outlook
        return "failing" if self.fault else "to run" if self.outlook in MOVES else self.outlook

    @property
    def why(self) -> str:
        """The fault, or else its own reasons, in a line."""
        return self.fault or told(self.reasons)


def verdicts(tasks: Mapping[str, Task], manager: Dependency, names: Iterable[str] | None = None) -> dict[str, Verdict]:
    """What would happen now to those tasks, or to all, and to each that they depend on; each is looked at once."""
    found: dict[str, Verdict] = {}
    judge = _Judge(tasks, manager, makers_of(tasks.values()))

    def walk(name: str) -> None:
        if name not in found:
            found[name] = _STILL  # against a circle, which doit reports itself
            for dep in tasks[name].task_dep:
                walk(dep)
            deps = {dep: found[dep] for dep in tasks[name].task_dep}
            verdict = judge.verdict(tasks[name], deps)
            fault = verdict.failed or next((found[cause].fault for cause in verdict.causes if found[cause].fault), "")
            found[name] = verdict._replace(fault=fault)

    for name in tasks if names is None else names:
        walk(name)
    return found


_STILL = Verdict("up to date")


def on_demand(task: Task) -> bool:
    """Whether a task runs whenever it is asked for."""
    return any(check is False for check, *_ in task.uptodate)


@dataclass(frozen=True)
class _Judge:
    """Says what would happen to a task. makers: the tasks that leave files, by file."""

    tasks: Mapping[str, Task]
    manager: Dependency
    makers: Mapping[str, str]

    def verdict(self, task: Task, deps: Mapping[str, Verdict]) -> Verdict:
        """Of a task, from what would happen to those that it depends on."""
        ignored = _those(deps, ["ignored"])
        if ignored or self.manager.status_is_ignore(task):
            return Verdict("ignored", causes=ignored)
        stops = _those(deps, STOPS)
        if stops:
            return Verdict("can't run", causes=stops)
        if not task.actions:
            return _of_group(deps)
        if on_demand(task):
            return Verdict("on demand", causes=_those(deps, MOVES))
        fault = (task.meta or {}).get(FAULT)
        return Verdict("will fail", failed=fault) if fault else self._of_step(task, deps)

    def _of_step(self, task: Task, deps: Mapping[str, Verdict]) -> Verdict:
        """Of a task that is made from files: what its own inputs say, and those that tasks before it may change."""
        causes = _those(deps, MOVES)
        failed = self.manager.backend.get(task.name, FAILED)
        if failed:
            return Verdict("will run", (failed,), causes, failed)
        moving = {path for path in task.file_dep if deps.get(self.makers.get(path, ""), _STILL).outlook in MOVES}
        why = self._reasons(task, moving, unsettled=bool(causes))
        if why is not None:
            return Verdict("will run", tuple(why), causes)
        return Verdict("may run", causes=causes) if causes else _STILL

    def _reasons(self, task: Task, moving: set[str], *, unsettled: bool) -> list[str] | None:
        """Why a task must run however the files come out that are still to be made; None where it need not."""
        with _unsettled(task, unsettled):
            log = dict(self.manager.get_status(task, self.tasks, get_log=True).reasons)
        changed = {*log.pop("changed_file_dep", ()), *log.pop("missing_file_dep", ())} - moving
        task.dep_changed = sorted(changed | {*log.get("added_file_dep", ())})
        return reasons(task, known_files(self.manager, task), self.makers) if log or changed else None


@contextmanager
def _unsettled(task: Task, moving: bool) -> Iterator[None]:
    """While what a task depends on is still to move, leave out those settings that come from it."""
    inputs = [check for check, *_ in task.uptodate if isinstance(check, Inputs)]
    for check in inputs:
        check.settled = not moving
    try:
        yield
    finally:
        for check in inputs:
            check.settled = True


def _those(deps: Mapping[str, Verdict], outlooks: Sequence[Outlook]) -> tuple[str, ...]:
    return tuple(name for name, verdict in deps.items() if verdict.outlook in outlooks)


def _of_group(deps: Mapping[str, Verdict]) -> Verdict:
    """Of a group: what only may run does so because of something that will."""
    causes = _those(deps, MOVES)
    if causes:
        return Verdict("will run", causes=causes)
    return _STILL if _those(deps, ["up to date"]) else Verdict("on demand")


def in_turn(tasks: Sequence[Task]) -> None:
    """Let each task depend on those whose files it reads, in the order in which the tasks are defined.

    doit would find them by itself, but in another order each time.
    """
    makers = makers_of(tasks)
    place = {task.name: number for number, task in enumerate(tasks)}
    for task in tasks:
        found = {makers[path] for path in task.file_dep if path in makers} - {*task.task_dep}
        task.task_dep.extend(sorted(found, key=place.__getitem__))
