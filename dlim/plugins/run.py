"""What changes the workspace: `doit run` and `doit clean`, one at a time, and never left half-way without a word."""

from __future__ import annotations

import inspect
import io
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any

from doit import cmd_clean, cmd_run
from doit.dependency import Dependency
from doit.task import Task

from dlim import builds
from dlim.augment import worker
from dlim.plugins.ending import FAULTY, require, told
from dlim.plugins.meta import ANSWER
from dlim.plugins.options import Understood
from dlim.plugins.reason import SEAL
from dlim.plugins.state import State, locked
from dlim.plugins.verdict import in_turn
from dlim.progress import console

LOCK = "lock"
"""The lock file's name, beside the state file."""


class Run(Understood, cmd_run.Run):  # type: ignore[misc]
    """`doit run`: one at a time in a workspace; an interrupt is one line and loses nothing."""

    name = "run"

    def __init__(self, *, cmds: Any = None, **kwargs: Any) -> None:
        super().__init__(cmds=cmds, **kwargs)
        self._cmds = cmds

    def parse_execute(self, in_args: Sequence[str]) -> int:
        """Run tasks; or do what a command with something behind its colon says (`doit trust:ssd`)."""
        name, colon, of = (in_args[0] if in_args else "").partition(":")
        if colon and name in (self._cmds or ()):
            command = self._cmds.get_plugin(name)
            if getattr(command, "of", None) is not None:
                made = command(config=self.config, bin_name=self.bin_name, opt_vals=self.opt_vals)
                made.of = of
                return int(made.parse_execute(in_args[1:]))
        return super().parse_execute(in_args)

    def _execute(self, **options: Any) -> int:
        if not isinstance(self.dep_manager.backend, State):  # a dodo.py that isn't dlim's
            return int(super()._execute(**options))
        in_turn(self.task_list)
        try:
            return told(lambda: self._run(options), self.task_list)
        finally:
            worker.stop()

    def _run(self, options: Mapping[str, Any]) -> int:
        with _stopping():
            if self._only_answers():
                return int(super()._execute(**options))
            with _held(self.dep_manager):
                self._sweep()
                return int(super()._execute(**options))

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


class Clean(Understood, cmd_clean.Clean):  # type: ignore[misc]
    """`doit clean`, but not while a run is at work; what can't be removed is one line, and keeps nothing else."""

    name = "clean"

    def _execute(self, **options: Any) -> int:
        if not isinstance(self.dep_manager.backend, State):
            return int(super()._execute(**options) or 0)
        return told(lambda: self._clean(options), self.task_list)

    def _clean(self, options: Mapping[str, Any]) -> int:
        named = [name for name in options["pos_args"] or () if "*" not in name]
        require(named, {task.name for task in self.task_list})
        self._faults: list[str] = []
        with _stopping(), _held(self.dep_manager):
            super()._execute(**options)
        if not self._faults:
            return 0
        first, *more = self._faults
        print(f"{first}{f' (and {len(more):,} more)' if more else ''}", file=sys.stderr)
        return FAULTY

    def clean_tasks(self, tasks: Iterable[Task], dryrun: bool, cleanforget: bool) -> None:
        """Clean each; doit calls it with those that were asked for, in their order."""
        there = [task for task in self.task_list if _is_there(task)]
        try:
            for task in {task.name: task for task in tasks}.values():
                self._clean_one(task, dryrun)
                if cleanforget and not dryrun:
                    self.dep_manager.remove(task.name)
        finally:
            self._unseal([task for task in there if not _is_there(task)])
            self.dep_manager.close()

    def _clean_one(self, task: Task, dryrun: bool) -> None:
        lines, fault = io.StringIO(), io.StringIO()
        # doit takes what goes wrong in an action for the action's fault, also where only nobody reads on
        with redirect_stdout(lines), redirect_stderr(fault):
            task.clean(lines, dryrun)
        # which function of dlim's does it is nobody's matter
        told = [line for line in lines.getvalue().splitlines() if not line.startswith(f"{task.name} - executing ")]
        if told:
            console(self.outstream).line("\n".join(told))
        if fault.getvalue():
            self._faults.append(fault.getvalue().rstrip("\n"))

    def _unseal(self, tasks: Iterable[Task]) -> None:
        """Forget how builds were left: those that were meant to go aren't missing."""
        for task in tasks:
            values = self.dep_manager.get_values(task.name)
            if SEAL in values:
                self.dep_manager.backend.renew(task.name, {key: values[key] for key in values if key != SEAL})

    _execute.__signature__ = inspect.signature(cmd_clean.Clean._execute)  # type: ignore[attr-defined]


def _is_there(task: Task) -> bool:
    return any(Path(target).exists() for target in task.targets)


def _answers(task: Task | None) -> bool:
    return task is not None and bool((task.meta or {}).get(ANSWER))


def _held(manager: Dependency) -> AbstractContextManager[None]:
    """The workspace's lock."""
    return locked(Path(manager.name).with_name(LOCK))


@contextmanager
def _stopping() -> Iterator[None]:
    """Let a hang-up or a termination end the work as Ctrl-C does, so that what was finished is kept; and say so."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except KeyboardInterrupt:
        print("interrupted: what was finished is kept; the same command goes on", file=sys.stderr)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
