"""doit's commands as dlim has them: `run` and `clean` under a lock; `list`, `why` and `plan`, which change nothing."""

from __future__ import annotations

import inspect
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from doit import cmd_clean, cmd_list, cmd_run
from doit.cmd_base import DoitCmdBase
from doit.control import TaskControl
from doit.dependency import Dependency
from doit.exceptions import InvalidCommand
from doit.task import Task

from dlim import builds
from dlim.augment import worker
from dlim.config import nearest
from dlim.errors import DlimError
from dlim.plugins import standing
from dlim.plugins.columns import columns, cut, room
from dlim.plugins.memory import Memory
from dlim.plugins.meta import ANSWER, ORDER, STAGE
from dlim.plugins.overview import overview, row
from dlim.plugins.plan import plan
from dlim.plugins.state import State, locked
from dlim.plugins.verdict import in_turn, verdicts
from dlim.plugins.why import why
from dlim.plugins.work import unusable
from dlim.progress import Console

LOCK = "lock"
"""The lock file's name, beside the state file."""


class Run(cmd_run.Run):  # type: ignore[misc]
    """`doit run`: one at a time in a workspace; an interrupt is one line and loses nothing."""

    name = "run"

    def _execute(self, **options: Any) -> int:
        if not isinstance(self.dep_manager.backend, State):  # a dodo.py that isn't dlim's
            return int(super()._execute(**options))
        in_turn(self.task_list)
        standing.keep(self.task_list)
        try:
            with _stopping():
                if self._only_answers():
                    return int(super()._execute(**options))
                with _held(self.dep_manager):
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

    def _only_answers(self) -> bool:
        """Whether nothing that was asked for builds anything. What stands behind a task's name may be its own."""
        tasks = {task.name: task for task in self.task_list}
        first, *rest = self.sel_tasks or [""]
        return _answers(tasks.get(first)) and all(_answers(tasks[name]) for name in rest if name in tasks)

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


def _turn(task: Task) -> int:
    name = task.name.partition(":")[0]
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _answers(task: Task | None) -> bool:
    return task is not None and bool((task.meta or {}).get(ANSWER))


def _held(manager: Dependency) -> AbstractContextManager[None]:
    """The workspace's lock."""
    return locked(Path(manager.name).with_name(LOCK))


def _unknown(name: str, tasks: Sequence[Task]) -> int:
    """Say that there is no such task, with the nearest; the status of that."""
    near = nearest(name, [task.name for task in tasks])
    # all there are would fill a screen
    remedy = near if near.startswith("did you") else "doit list shows those there are"
    print(f'doit: "{name}" is no task; {remedy}', file=sys.stderr)
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


class _Asking:
    """What asks and changes nothing: it needs no lock, and no right to write."""

    task_list: list[Task]
    sel_tasks: list[str] | None
    outstream: TextIO

    def get_backends(self) -> dict[str, Any]:
        """doit's, but dlim's own is only read."""
        found: dict[str, Any] = super().get_backends()  # type: ignore[misc]
        return {name: Memory if backend is State else backend for name, backend in found.items()}

    def _control(self) -> TaskControl:
        in_turn(self.task_list)
        return TaskControl(self.task_list)

    def _answer(self, lines: Callable[[], Iterable[str]]) -> int:
        """Write lines, or what stands in the way of them; the status of that."""
        try:
            text = "\n".join(line.rstrip() for line in lines())
            if text:
                Console(self.outstream).line(text)
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
            return 130
        return 0


class List(_Asking, cmd_list.List):  # type: ignore[misc]
    """`doit list`: every task that people type, what would happen to it, and why. --all shows the steps, too."""

    name = "list"

    def _execute(self, **options: Any) -> int:
        if not isinstance(self.dep_manager.backend, State):  # a dodo.py that isn't dlim's
            return int(super()._execute(**options))
        return self._answer(lambda: self._lines(options["pos_args"], options["subtasks"]))

    def _lines(self, wanted: Sequence[str], all_of_them: bool) -> list[str]:
        tasks = self._control().tasks
        for name in wanted:
            if name not in tasks:
                raise InvalidCommand(not_found=name)
        shown = [task for task in self.task_list if _is_shown(task, tasks, all_of_them, wanted)]
        found = verdicts(tasks, self.dep_manager, [task.name for task in shown])
        # doit's own order is that of line numbers in dlim's modules
        rows = [row(task, tasks, found, self.dep_manager) for task in sorted(shown, key=_turn)]
        return overview(rows, time.time(), room(self.outstream))

    _execute.__signature__ = inspect.signature(cmd_list.List._execute)  # type: ignore[attr-defined]


class Why(_Asking, DoitCmdBase):  # type: ignore[misc]
    """`doit why`: the state of a task, and the chain down to what it comes from."""

    name = "why"
    doc_purpose = "why tasks would run, down to what has changed; or from what they were made"
    doc_usage = "[TASK ...]"
    doc_description = None

    def _execute(self) -> int:
        return self._answer(self._lines)

    def _lines(self) -> Iterator[str]:
        control = self._control()
        names = [name for asked in self.sel_tasks or control.tasks for name in _selected(control, [asked])]
        found = verdicts(control.tasks, self.dep_manager, names)
        for name in names:
            yield from why(name, found, control, self.dep_manager, time.time())


class Plan(_Asking, DoitCmdBase):  # type: ignore[misc]
    """`doit plan`: what a run would run, in its order, and why; nothing is run."""

    name = "plan"
    doc_purpose = "what a run of these tasks would run, and why, without running it"
    doc_usage = "[TASK ...]"
    doc_description = None

    def _execute(self) -> int:
        return self._answer(self._lines)

    def _lines(self) -> Iterator[str]:
        control = self._control()
        names = _selected(control, self.sel_tasks)
        made = plan(control, verdicts(control.tasks, self.dep_manager, names))
        limit = room(self.outstream)
        yield from (cut(line.rstrip(), limit) for line in columns(made.steps))
        yield made.account


def _selected(control: TaskControl, asked: list[str] | None) -> list[str]:
    """The tasks that a run of those words would select: by their names, by patterns, or by a file that they leave."""
    control.process(asked)
    return list(control.selected_tasks)


def _is_shown(task: Task, tasks: Mapping[str, Task], all_of_them: bool, wanted: Sequence[str]) -> bool:
    """Whether a task is among those asked for; where none is named, those that people type."""
    if wanted:
        return task.name in wanted or task.subtask_of in wanted
    if task.has_subtask:
        # the group of a stage says nothing that its steps don't
        return not any((tasks[name].meta or {}).get(STAGE) for name in task.task_dep)
    return all_of_them or not (task.meta or {}).get(STAGE)
