"""What a run prints: a line for each task that runs, with the reason; a line for each fault; a line at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from doit.exceptions import BaseFail, TaskFailed, UnmetDependency
from doit.globals import Globals
from doit.task import Task

from dlim import console
from dlim.build.status import told

REASONS = "reasons"
"""The key, in a task's meta, of what says why it runs: a function without arguments."""

SUMMARY = "summary"
"""The key, in a task's meta, of what says the line that tells at the end what it left."""

FAULT = "fault"
"""The key, in a task's meta, of why it can only fail: that is said once, as its failure."""

ASKED = "asked"
"""The key, in a task's meta, of those that run whenever a person asks for them: what there is to say they say."""


class Reporter:
    """doit's reporter for dlim."""

    desc = "what runs and why, one line a fault"

    def __init__(
        self, outstream: TextIO, options: Mapping[str, Any], *, notes: Sequence[str] = (), up_to_date: int = 0
    ) -> None:
        """Notes: what is to be said before anything runs. up_to_date: how many steps the run needn't even look at."""
        self.notes = notes
        self.up_to_date = up_to_date
        self.broken = False
        self.console = console.console(outstream)
        self.began = time.monotonic()
        self.ran = self.skipped = self.failed = self.unmet = 0
        self.summaries: dict[str, str] = {}
        self.errors: list[str] = []
        self.asked = False
        self.faults: set[str] = set()

    def initialize(self, tasks: Mapping[str, Task], selected: Sequence[str]) -> None:
        """Called before the first task."""
        console.use(self.console)
        for note in self.notes:
            self.console.line(note)
        acting = [tasks[name] for name in _reached(tasks, selected) if tasks[name].actions]
        self.asked = any(_is_asked(task) for task in acting)
        self.console.total(len(acting))

    def get_status(self, task: Task) -> None:
        """Called when a task is looked at."""

    def execute_task(self, task: Task) -> None:
        """Called when a task begins."""
        if task.actions and not _is_asked(task):
            if FAULT not in (task.meta or {}):
                reasons = (task.meta or {}).get(REASONS, tuple)()
                self.console.line(f"{task.name}: {told(reasons) or 'as you asked'}")
            self.console.start(task.name)

    def add_failure(self, task: Task, fail: BaseFail) -> None:
        """Called when a task has failed, or can't run because one has that it depends on."""
        self._ended(task)
        backend = Globals.dep_manager.backend
        if isinstance(fail, UnmetDependency):
            self.unmet += bool(task.actions)
            # doit forgets it, but what it left is as good as it was
            backend.restore(task.name)
            return
        text = " ".join(fail.get_msg().split()) if _is_line(fail) else fail.get_msg().strip()
        if REASONS in (task.meta or {}):
            backend.fail(task.name, text.splitlines()[0])
        self.broken = self.broken or not isinstance(fail, TaskFailed)
        self.failed += 1
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
        if task.actions:
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
        idle = not (self.ran or self.failed or self.unmet)
        return not (idle and (self.asked or sys.exc_info()[0] is not None))

    def _ended(self, task: Task) -> None:
        if task.actions:
            self.console.end(task.name)
            self.console.advance()

    def _summarize(self, task: Task) -> None:
        line = (task.meta or {}).get(SUMMARY, str)()
        if line:
            self.summaries[task.name] = line

    def _account(self) -> str:
        skipped = self.skipped + self.up_to_date
        if not (self.ran or self.failed or self.unmet):
            return nothing_to_do(skipped)
        parts = [f"{counted(self.ran)} ran", f"{skipped:,} up to date"]
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.unmet:
            parts.append(f"{self.unmet:,} could not run because of that")
        return f"{', '.join(parts)}; {time.monotonic() - self.began:.1f} s"


def nothing_to_do(count: int) -> str:
    """The last line of a run that had nothing to do."""
    return f"nothing to do: {counted(count)} up to date"


def counted(number: int) -> str:
    """So many tasks."""
    return f"{number:,} task" if number == 1 else f"{number:,} tasks"


def _is_line(fail: BaseFail) -> bool:
    return fail.traceback is None if hasattr(fail, "traceback") else True


def _is_asked(task: Task) -> bool:
    return bool((task.meta or {}).get(ASKED))


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
