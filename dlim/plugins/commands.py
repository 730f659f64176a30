"""doit's commands as dlim has them: `run` under a lock, `list` with what each task would do and why."""

from __future__ import annotations

import inspect
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from doit import cmd_clean, cmd_list, cmd_run
from doit.control import TaskControl
from doit.dependency import Dependency
from doit.exceptions import InvalidCommand
from doit.task import Task

from dlim import builds
from dlim.augment import worker
from dlim.config import nearest
from dlim.errors import DlimError
from dlim.plugins.reason import reason
from dlim.plugins.state import FAILED, State, known_files, locked
from dlim.plugins.work import unusable

LOCK = "lock"
"""The lock file's name, beside the state file."""

STAGE = "stage"
"""The key, in a task's meta, of those that nobody types: they are steps of a task that people know."""

FAULT = "fault"
"""The key, in a task's meta, of why it can only fail."""


class Run(cmd_run.Run):  # type: ignore[misc]
    """`doit run`: one at a time in a workspace; an interrupt is one line and loses nothing."""

    name = "run"

    def _execute(self, **options: Any) -> int:
        if not isinstance(self.dep_manager.backend, State):  # a dodo.py that isn't dlim's
            return int(super()._execute(**options))
        try:
            with _stopping(), _held(self.dep_manager):
                self._sweep()
                return int(super()._execute(**options))
        except InvalidCommand as error:
            if error.not_found is None:
                raise
            return _unknown(error.not_found, self.task_list)
        except DlimError as error:
            print(error, file=sys.stderr)
            return 3
        except BrokenPipeError:
            return _unheard()
        except OSError as error:
            print(unusable(error), file=sys.stderr)
            return 3
        except KeyboardInterrupt:
            print("interrupted: what was finished is kept; the same command goes on", file=sys.stderr)
            return 130
        finally:
            worker.stop()

    def _sweep(self) -> None:
        """Remove what a killed run left half-made, also where nothing is to be made now."""
        for task in self.task_list:
            for target in task.targets:
                builds.sweep(Path(target).parent)

    # doit asks for this method's parameters, to know which options to hand over
    _execute.__signature__ = inspect.signature(cmd_run.Run._execute)  # type: ignore[attr-defined]


class Clean(cmd_clean.Clean):  # type: ignore[misc]
    """`doit clean`, but not while a run is at work."""

    name = "clean"

    def _execute(self, **options: Any) -> int:
        if not isinstance(self.dep_manager.backend, State):
            return int(super()._execute(**options) or 0)
        try:
            with _held(self.dep_manager):
                return int(super()._execute(**options) or 0)
        except DlimError as error:
            print(error, file=sys.stderr)
            return 3

    _execute.__signature__ = inspect.signature(cmd_clean.Clean._execute)  # type: ignore[attr-defined]


def _held(manager: Dependency) -> AbstractContextManager[None]:
    """The workspace's lock."""
    return locked(Path(manager.name).with_name(LOCK))


def _unknown(name: str, tasks: Sequence[Task]) -> int:
    """Say that there is no such task, with the nearest; the status of that."""
    print(f'doit: "{name}" is no task; {nearest(name, [task.name for task in tasks])}', file=sys.stderr)
    return 3


def _unheard() -> int:
    """The status of a command whose reader has gone (`doit list | head`), as a shell counts it."""
    # Python would flush what is left into the broken pipe at its end, and complain
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


@contextmanager
def _stopping() -> Iterator[None]:
    """Let a hang-up or a termination end the run as Ctrl-C does, so that what was finished is kept."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Verdict(NamedTuple):
    """What would happen to a task, the task that it comes from, and why.

    state: "up to date", "to run", "failing" (it did when it last ran), or "on demand" (it runs whenever asked for).
    """

    state: str
    root: str = ""
    why: str = ""


def verdicts(tasks: dict[str, Task], manager: Dependency) -> dict[str, Verdict]:
    """What would happen to each task now. What depends on a task that is to run is to run, too.

    A task whose steps come out the same as before may turn out to have nothing to do after all.
    """
    found: dict[str, Verdict] = {}

    def judge(name: str) -> Verdict:
        if name not in found:
            found[name] = Verdict("up to date")  # against a circle, which doit reports itself
            causes = [judge(dep) for dep in tasks[name].task_dep]
            found[name] = _verdict(tasks, tasks[name], manager, causes)
        return found[name]

    for name in tasks:
        judge(name)
    return found


def _verdict(tasks: dict[str, Task], task: Task, manager: Dependency, causes: Sequence[Verdict]) -> Verdict:
    if any(check is False for check, *_ in task.uptodate):
        return Verdict("on demand")
    failed = (task.meta or {}).get(FAULT) or manager._get(task.name, FAILED)
    if task.actions and failed:
        return Verdict("failing", task.name, failed)
    for state in ("failing", "to run"):
        for cause in causes:
            if cause.state == state:
                return cause
    if task.actions and manager.get_status(task, tasks).status != "up-to-date":
        return Verdict("to run", task.name, reason(task, known_files(manager, task)))
    return Verdict("up to date")


class List(cmd_list.List):  # type: ignore[misc]
    """`doit list`: every task that people type, what would happen to it, and why. --all shows the steps, too."""

    name = "list"

    def _execute(self, **options: Any) -> int:
        if not isinstance(self.dep_manager.backend, State):
            return int(super()._execute(**options))
        tasks = TaskControl(self.task_list).tasks
        unknown = [name for name in options["pos_args"] if name not in tasks]
        if unknown:
            return _unknown(unknown[0], self.task_list)
        try:
            found = verdicts(tasks, self.dep_manager)
        except OSError as error:
            print(unusable(error), file=sys.stderr)
            return 3
        shown = [task for task in self.task_list if _is_shown(task, tasks, options["subtasks"], options["pos_args"])]
        width = max((len(task.name) for task in shown), default=0)
        lines = [f"{task.name:{width}}  {_told(task, found[task.name])}".rstrip() for task in shown]
        try:
            self.outstream.write("".join(f"{line}\n" for line in lines))
            self.outstream.flush()
        except BrokenPipeError:
            return _unheard()
        return 0

    _execute.__signature__ = inspect.signature(cmd_list.List._execute)  # type: ignore[attr-defined]


def _told(task: Task, verdict: Verdict) -> str:
    why = verdict.why if verdict.root in ("", task.name) else f"{verdict.root}: {verdict.why}"
    return f"{verdict.state:10}  {why or task.doc}"


def _is_shown(task: Task, tasks: dict[str, Task], all_of_them: bool, wanted: Sequence[str]) -> bool:
    """Whether a task is among those asked for; where none is named, those that people type."""
    if wanted:
        return task.name in wanted or task.subtask_of in wanted
    if task.has_subtask:
        # the group of a stage says nothing that its steps don't
        return not any((tasks[name].meta or {}).get(STAGE) for name in task.task_dep)
    return all_of_them or not (task.meta or {}).get(STAGE)
