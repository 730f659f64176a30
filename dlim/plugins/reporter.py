"""What a run prints: a line for each task that runs, with the reason; a line for each fault; a line at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from doit.exceptions import BaseFail, UnmetDependency
from doit.globals import Globals
from doit.task import Task

from dlim import progress
from dlim.plugins.facts import Facts, facts, give_back
from dlim.plugins.meta import ASKED, FAULT
from dlim.plugins.reason import makers_of, reason
from dlim.plugins.state import FAILED, known_files

SUMMARY = "summary"
"""The key, in a task's values, of the line that tells at the end what it left."""


class Reporter:
    """doit's reporter for dlim."""

    desc = "what runs and why, one line a fault"

    def __init__(self, outstream: TextIO, options: Mapping[str, Any]) -> None:
        self.console = progress.console(outstream)
        self.began = time.monotonic()
        self.ran = self.skipped = self.failed = self.unmet = 0
        self.summaries: dict[str, str] = {}
        self.errors: list[str] = []
        self.only_asked = False
        self.faults: set[str] = set()
        self.makers: Mapping[str, str] = {}
        self.known: dict[str, Facts] = {}

    def initialize(self, tasks: Mapping[str, Task], selected: Sequence[str]) -> None:
        """Called before the first task."""
        progress.use(self.console)
        self.makers = makers_of(tasks.values())
        acting = [tasks[name] for name in _reached(tasks, selected) if tasks[name].actions]
        self.only_asked = bool(acting) and all(_is_asked(task) for task in acting)
        self.console.total(len(acting))

    def get_status(self, task: Task) -> None:
        """Called when a task is looked at."""
        self.known[task.name] = facts(Globals.dep_manager.backend, task.name)

    def execute_task(self, task: Task) -> None:
        """Called when a task begins."""
        if task.actions and not _is_asked(task):
            if FAULT not in (task.meta or {}):
                self.console.line(f"{task.name}: {self._reason(task)}")
            self.console.start(task.name)

    def _reason(self, task: Task) -> str:
        if FAILED in self.known[task.name]:
            return "failed when it last ran"
        return reason(task, known_files(Globals.dep_manager, task), self.makers)

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """Called when a task has failed, or can't run because one has that it depends on."""
        self._ended(task)
        if isinstance(fail, UnmetDependency):
            self.unmet += bool(task.actions)
            # doit forgets it, but what it left is as good as it was
            give_back(Globals.dep_manager.backend, task.name, self.known[task.name])
            return
        self.failed += 1
        text = fail.get_msg().strip()
        Globals.dep_manager.backend.fail(task.name, text.splitlines()[0])
        if text not in self.faults:  # a project may fail in the same way for every learner
            self.faults.add(text)
            self.console.line(f"FAILED {text}")

    def add_success(self, task: Task) -> None:
        """Called when a task has succeeded."""
        self._ended(task)
        self.ran += bool(task.actions) and not _is_asked(task)
        self._summarize(task)

    def skip_uptodate(self, task: Task) -> None:
        """Called when a task has nothing to do."""
        self.skipped += 1
        self.console.advance()
        self._summarize(task)

    def skip_ignore(self, task: Task) -> None:
        """Called when a task is left out because the user said `doit ignore`."""
        self.console.advance()
        self.console.line(f"{task.name}: ignored, as `doit ignore` said")

    def cleanup_error(self, fail: BaseFail) -> None:
        """Called when a task's teardown failed."""
        self.console.line(f"FAILED {fail.get_msg().strip()}")

    def runtime_error(self, message: str) -> None:
        """Called when doit itself can't go on."""
        self.errors.append(message)

    def teardown_task(self, task: Task) -> None:
        """Called when a task's teardown begins."""

    def complete_run(self) -> None:
        """Called at the end."""
        self.console.close()
        account = [self._account()] if self._accounts() else []
        for line in [*self.errors, *self.summaries.values(), *account]:
            self.console.line(line)

    def _accounts(self) -> bool:
        """Whether there is something to account for: not where the answer, or why there is none, says it all."""
        broke_off = sys.exc_info()[0] is not None
        return not self.only_asked and not (broke_off and self._idle())

    def _idle(self) -> bool:
        return not (self.ran or self.failed or self.unmet)

    def _ended(self, task: Task) -> None:
        if task.actions:
            self.console.end(task.name)
            self.console.advance()

    def _summarize(self, task: Task) -> None:
        if SUMMARY in task.values:
            self.summaries[task.name] = task.values[SUMMARY]

    def _account(self) -> str:
        if self._idle():
            return f"nothing to do: {_counted(self.skipped)} up to date"
        parts = [f"{_counted(self.ran)} ran", f"{self.skipped:,} up to date"]
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.unmet:
            parts.append(f"{self.unmet:,} could not run because of that")
        return f"{', '.join(parts)}; {time.monotonic() - self.began:.1f} s"


def _is_asked(task: Task) -> bool:
    return bool((task.meta or {}).get(ASKED))


def _counted(number: int) -> str:
    return f"{number:,} task" if number == 1 else f"{number:,} tasks"


def _reached(tasks: Mapping[str, Task], selected: Sequence[str]) -> set[str]:
    """The tasks that were asked for, and all that these depend on."""
    reached: set[str] = set()
    pending = [name for name in selected if name in tasks]
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.add(name)
            pending += tasks[name].task_dep
    return reached
