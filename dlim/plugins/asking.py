"""What changes nothing: `doit list`, `doit why`, `doit plan` and `doit help`."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from doit import cmd_help, cmd_list
from doit.cmd_base import DoitCmdBase
from doit.control import TaskControl
from doit.task import Task

from dlim.plugins.ending import require, told
from dlim.plugins.memory import Memory
from dlim.plugins.meta import ORDER, STAGE
from dlim.plugins.options import Understood
from dlim.plugins.overview import overview, row
from dlim.plugins.plan import plan
from dlim.plugins.state import State
from dlim.plugins.verdict import in_turn, verdicts
from dlim.plugins.why import why
from dlim.progress import console
from dlim.text import columns, cut, room


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
        return told(lambda: self._write(lines()), self.task_list)

    def _write(self, lines: Iterable[str]) -> int:
        text = "\n".join(line.rstrip() for line in lines)
        if text:
            console(self.outstream).line(text)
        return 0


class List(Understood, _Asking, cmd_list.List):  # type: ignore[misc]
    """`doit list`: every task that people type, what would happen to it, and why. --all shows the steps, too."""

    name = "list"

    def _execute(self, **options: Any) -> int:
        if not isinstance(self.dep_manager.backend, State):  # a dodo.py that isn't dlim's
            return int(super()._execute(**options))
        return self._answer(lambda: self._lines(options["pos_args"], options["subtasks"]))

    def _lines(self, wanted: Sequence[str], all_of_them: bool) -> list[str]:
        tasks = self._control().tasks
        require(wanted, tasks)
        shown = [task for task in self.task_list if _is_shown(task, tasks, all_of_them, wanted)]
        found = verdicts(tasks, self.dep_manager, [task.name for task in shown])
        # doit's own order is that of line numbers in dlim's modules
        rows = [row(task, tasks, found, self.dep_manager) for task in sorted(shown, key=_turn)]
        return overview(rows, time.time(), room(self.outstream))

    _execute.__signature__ = inspect.signature(cmd_list.List._execute)  # type: ignore[attr-defined]


class Why(Understood, _Asking, DoitCmdBase):  # type: ignore[misc]
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


class Plan(Understood, _Asking, DoitCmdBase):  # type: ignore[misc]
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


class Help(Understood, cmd_help.Help):  # type: ignore[misc]
    """`doit help`: of our task called task, too, where doit's own would explain how a dodo.py is written."""

    name = "help"

    def execute(self, params: Mapping[str, Any], args: Sequence[str]) -> int:
        if list(args) == ["task"]:
            DoitCmdBase.execute(self, params, args)
            return 0
        return int(super().execute(params, args))


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


def _turn(task: Task) -> int:
    names = task.name, task.name.partition(":")[0]
    return next((ORDER.index(name) for name in names if name in ORDER), len(ORDER))
