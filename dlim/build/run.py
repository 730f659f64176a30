"""What changes the workspace: `doit run` and `doit clean`, one at a time, and never left half-way without a word."""

from __future__ import annotations

import inspect
import io
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from doit import cmd_clean, cmd_info, cmd_run
from doit.cmdparse import CmdParseError, DefaultUpdate
from doit.task import Task

from dlim.build.ending import FAULTY, require, told
from dlim.build.look import Memo, forget
from dlim.build.options import Understood

if TYPE_CHECKING:
    from dlim.build.tasks import Tasks

INTERNAL = Path(".dlim")

LOCK = INTERNAL / "lock"

MEMO = INTERNAL / "seen"

RUNNING = INTERNAL / "running"
"""There while a run is at work: one that finds it at its beginning sweeps up what another left that was killed."""

MOST = 512
"""How many steps may be done at once."""


class Run(Understood, cmd_run.Run):  # type: ignore[misc]
    """`doit run`: one at a time in a workspace; an interrupt is one line and loses nothing.

    Tasks are made for what has to run, not for what is up to date.
    """

    name = "run"
    cmd_options = (
        *cmd_run.Run.cmd_options,
        {
            "name": "strict",
            "long": "strict",
            "type": bool,
            "default": False,
            "help": "take a project that has no image or no boxes yet for a fault, instead of leaving it out",
        },
    )

    def __init__(self, *, cmds: Any = None, **kwargs: Any) -> None:
        super().__init__(cmds=cmds, **kwargs)
        self._cmds = cmds
        self.tasks: Tasks | None = None

    # What else is installed is looked for when it is needed: a run with nothing to do isn't to pay for it.

    def get_backends(self) -> dict[str, Any]:
        """None yet."""
        return {}

    def get_reporters(self) -> dict[str, Any]:
        """None yet."""
        return {}

    def parse_execute(self, in_args: Sequence[str]) -> int:
        """Run tasks; or do what a command says that stands behind options, or has something behind its colon."""
        try:
            given, words = self.cmdparser.parse_only(in_args)
        except CmdParseError:
            given, words = {}, list(in_args)
        name, _, of = (words[0] if words else "").partition(":")
        whole = bool(words) and words[0] in (self._cmds or ())
        if not whole and name not in (self._cmds or ()):
            return super().parse_execute(in_args)
        command = self._cmds.get_plugin(words[0] if whole else name)
        if not hasattr(command, "answer") or not (whole or command.of is not None):
            return super().parse_execute(in_args)
        made = command(
            task_loader=self.loader,
            cmds=self._cmds,
            config=self.config,
            bin_name=self.bin_name,
            opt_vals=self.opt_vals | {key: given[key] for key in _PLACE & given.keys()},
        )
        if not whole:
            made.of = of
        return int(made.parse_execute(words[1:]))

    def execute(self, params: DefaultUpdate, args: Sequence[str]) -> int:
        """Called with the options and the words behind them."""
        return told(lambda: self._asked(params, args), self._names)

    def _names(self) -> Iterable[str]:
        return [task.name for task in self.task_list]

    def _asked(self, params: DefaultUpdate, args: Sequence[str]) -> int:
        count = params["num_process"]
        if not (isinstance(count, int) and 0 <= count <= MOST):
            print(f"doit: -n {count}: say a number from 1 to {MOST}", file=sys.stderr)
            return FAULTY
        whole = list(args) in ([], ["dataset"]) and not (params._non_default_keys - _HARMLESS)
        lines = Memo(MEMO, args).answer() if whole else None
        if lines is not None:
            print("\n".join(lines))
            return 0
        self._backends, self.reporters = super().get_backends(), super().get_reporters()
        self.loader.setup(params)
        self.tasks = _tasks(self.loader.namespace)
        if self.tasks is None:  # a dodo.py that isn't dlim's
            return int(super().execute(params, args))
        from dlim.build.lock import locked

        with _stopping(), locked(LOCK):
            return self._locked(self.tasks, params, args, whole)

    def _locked(self, tasks: Tasks, params: DefaultUpdate, args: Sequence[str], whole: bool) -> int:
        from doit.dependency import Dependency, JSONCodec
        from doit.globals import Globals

        from dlim.build.reporter import Reporter
        from dlim.build.state import STATE, State
        from dlim.build.work import sockets, sweep_sockets
        from dlim.store import discard

        params.update_defaults(self.loader.load_doit_config())
        tasks.strict, tasks.processes = params["strict"], max(params["num_process"], 1)
        self.dep_manager = Globals.dep_manager = Dependency(State, str(STATE), codec_cls=JSONCodec)
        if self.dep_manager.backend.earlier:
            print(f"{STATE}: is of an earlier version of dlim, and set aside: everything is built anew")
        words = list(args) or list(params.get("default_tasks") or ())
        names = tasks.choose(words, always=params["always"] or params["single"])
        forget(MEMO)
        if RUNNING.exists():
            tasks.sweep()
            sweep_sockets(RUNNING)
            discard(RUNNING)
        notes = [*tasks.notes(words), *tasks.too_large()]
        if names is not None and not (tasks.wanted or ()) and tasks.pipeline.closure(names):
            lines = [*notes, *tasks.nothing_to_do(names)]
            self.dep_manager.close()
            if whole:
                tasks.remember(Memo(MEMO, args), lines)
            print("\n".join(lines))
            return 0
        if isinstance(params["outfile"], str):
            params["outfile"] = open(params["outfile"], "w", encoding="utf-8")  # noqa: PTH123, SIM115 - to the end
        reporter = Reporter(params["outfile"], {}, notes=notes, up_to_date=tasks.up_to_date)
        if "reporter" not in params._non_default_keys:
            params["reporter"] = reporter
        discard(RUNNING)
        RUNNING.write_text(sockets(), encoding="utf-8")
        try:
            status = int(super().execute(params, args))
            # what could not run because another failed is no error of its own
            return 1 if status == _ERROR and reporter.failed and not reporter.broken else status
        except BaseException:
            tasks.pool.close(now=True)
            raise
        finally:
            tasks.pool.close()
            RUNNING.unlink(missing_ok=True)

    def _execute(self, **options: Any) -> int:
        if self.tasks is not None and self.tasks.wanted is not None:
            made = {task.name for task in self.task_list}
            for task in self.task_list:
                # another task in dodo.py may come after one that isn't wanted now, and isn't itself
                task.task_dep = [name for name in task.task_dep if name in made or not self.tasks.knows(name)]
        return int(super()._execute(**options))

    # doit asks for this method's parameters, to know which options to hand over
    _execute.__signature__ = inspect.signature(cmd_run.Run._execute)  # type: ignore[attr-defined]


_ERROR = 2
"""doit's status where something else than a task's action has failed."""

_PLACE = {"dodoFile", "cwdPath", "seek_file"}
"""Options that say where the workspace is."""

_HARMLESS = {"num_process", "verbosity", "continue", "failure_verbosity", "par_type"}
"""Options that change nothing of what a run with nothing to do would say."""


class Clean(Understood, cmd_clean.Clean):  # type: ignore[misc]
    """`doit clean`, but not while a run is at work; what can't be removed is one line, and keeps nothing else."""

    name = "clean"

    def _execute(self, **options: Any) -> int:
        if _tasks(self.loader.namespace) is None:
            return int(super()._execute(**options) or 0)
        return told(lambda: self._clean(options), lambda: [task.name for task in self.task_list])

    def _clean(self, options: Mapping[str, Any]) -> int:
        named = [name for name in options["pos_args"] or () if "*" not in name]
        require(named, {task.name for task in self.task_list})
        self._faults: list[str] = []
        from dlim.build.lock import locked

        forget(MEMO)
        with _stopping(), locked(LOCK):
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
            for task in there:
                if not _is_there(task):  # what was meant to go isn't missing
                    self.dep_manager.remove(task.name)
            self.dep_manager.close()

    def _clean_one(self, task: Task, dryrun: bool) -> None:
        lines, fault = io.StringIO(), io.StringIO()
        # doit takes what goes wrong in an action for the action's fault, also where only nobody reads on
        with redirect_stdout(lines), redirect_stderr(fault):
            task.clean(lines, dryrun)
        # which function of dlim's does it is nobody's matter
        from dlim.console import console

        done = [line for line in lines.getvalue().splitlines() if not line.startswith(f"{task.name} - executing ")]
        if done:
            console(self.outstream).line("\n".join(done))
        if fault.getvalue():
            self._faults.append(fault.getvalue().rstrip("\n"))

    _execute.__signature__ = inspect.signature(cmd_clean.Clean._execute)  # type: ignore[attr-defined]


class Info(Understood, cmd_info.Info):  # type: ignore[misc]
    """`doit info`: a name that no task has is a line."""

    name = "info"

    def _execute(self, **options: Any) -> int:
        names = [task.name for task in self.task_list]

        def answer() -> int:
            require(options["pos_args"], names)
            return int(super(Info, self)._execute(**options) or 0)

        return told(answer, lambda: names)

    _execute.__signature__ = inspect.signature(cmd_info.Info._execute)  # type: ignore[attr-defined]


def _is_there(task: Task) -> bool:
    return any(Path(target).exists() for target in task.targets)


def _tasks(namespace: Mapping[str, Any]) -> Tasks | None:
    """The table of tasks that dodo.py made; None where it isn't dlim's."""
    from dlim.build.tasks import Tasks

    return next((each for each in namespace.values() if isinstance(each, Tasks)), None)


@contextmanager
def _stopping() -> Iterator[None]:
    """Let a hang-up or a termination end the work as Ctrl-C does, so that what was finished is kept; and say so."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except KeyboardInterrupt:
        from dlim.console import current

        with suppress(OSError):  # the terminal may be what has gone
            for line in current().elsewhere:
                current().line(line)
        print("interrupted: what was finished is kept; the same command goes on", file=sys.stderr)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
