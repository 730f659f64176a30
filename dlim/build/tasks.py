"""The table of tasks as doit has it: the steps and groups of the pipeline, and what runs whenever a person asks."""

from __future__ import annotations

import inspect
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, partial, wraps
from pathlib import Path
from typing import Any

from doit.cmdparse import CmdOption, CmdParse, CmdParseError
from doit.exceptions import InvalidDodoFile, TaskFailed
from doit.globals import Globals

from dlim import console, shots, store
from dlim.build import look
from dlim.build.lock import unlocked
from dlim.build.look import Memo
from dlim.build.options import option, said
from dlim.build.pipeline import KINDS, Group, Pipeline, Step
from dlim.build.reporter import ASKED, FAULT, REASONS, SUMMARY, Reporter, nothing_to_do
from dlim.build.state import STATE
from dlim.build.status import Status
from dlim.build.work import Pool
from dlim.config import Learner
from dlim.errors import DlimError, ProjectError, unusable
from dlim.geometry import Canvas, canvas_name, too_large
from dlim.projects import Project
from dlim.shots import SHOTS
from dlim.store import DamageError
from dlim.workspace import Workspace, has_master, objects, scenes, variations

Row = dict[str, Any]
"""A task as doit has it."""

DOIT_CONFIG = {
    "backend": "dlim",
    "dep_file": str(STATE),
    "reporter": Reporter,
    # what must not be interrupted or take doit down with it has a process of its own
    "par_type": "thread",
    "num_process": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
    # a project's fault is its own: the others build
    "continue": True,
    "default_tasks": ["dataset"],
}

IO = {"capture": False}
"""doit's capturing would mix the output of tasks that run side by side."""


@dataclass
class Tasks:
    """The tasks of a workspace, a method for each that dodo.py names.

    wanted: the names of those that a run needs; all of them where that is None. strict: whether what is unfinished is
    a fault. processes: how many steps are done at once.
    """

    workspace: Workspace = field(default_factory=Workspace)
    wanted: frozenset[str] | None = None
    strict: bool = False
    processes: int = 1
    up_to_date: int = 0

    @cached_property
    def pipeline(self) -> Pipeline:
        """The steps; a fault in the files that decide them is one line that doit shows."""
        try:
            self.workspace.projects  # noqa: B018 - read now
        except DlimError as error:
            raise InvalidDodoFile(str(error)) from error
        except OSError as error:
            raise InvalidDodoFile(unusable(error)) from error
        return Pipeline(self.workspace, self.strict)

    @cached_property
    def status(self) -> Status:
        """The status of the steps."""
        return Status(self.pipeline, Globals.dep_manager.backend)

    @cached_property
    def pool(self) -> Pool:
        """The processes in which steps are done."""
        return Pool(self.processes)

    # what a run needs

    def choose(self, words: Sequence[str], *, always: bool) -> list[str] | None:
        """Find what a run of those words needs, and want no other task; the steps and groups that it comes from.

        None where the words name what isn't dlim's: then all tasks are wanted. always: whether what is up to date is
        run as well.
        """
        names: list[str] = []
        others: list[str] = []
        for word in words:
            found = self.pipeline.resolve([word]) if not word.startswith("-") else None
            before = None if found else self.before(word)
            if found:
                names += found
            elif before is not None:
                others.append(word)
                names += before
            elif not others:  # what stands behind a name that takes words may be one of these
                return None
        steps = self.pipeline.closure(names)
        found_now = self.status.verdicts(names)
        moving = {name for name in steps if always or found_now[name].outlook != "up to date"}
        self.up_to_date = len(steps) - len(moving)
        if moving or others:
            self.wanted = frozenset({*moving, *others, *self._reached(names)})
        else:
            self.wanted = frozenset()
        return names

    def _reached(self, names: Iterable[str]) -> Iterator[str]:
        """The groups among those, and in them."""
        for name in names:
            group = None if self.pipeline.step(name) else self.pipeline.group(name)
            if group is not None:
                yield name
                yield from self._reached(group.members)

    def notes(self, words: Sequence[str]) -> list[str]:
        """What is left out of a run of those words, a line each."""
        whole = {"build", "dataset"} & {word.partition(":")[0] for word in words if "*" not in word}
        named = {word.partition(":")[2] for word in words}
        if not whole and not {"task", "ship"} & {word.partition(":")[0] for word in words}:
            return []
        left = {title: why for title, why in self.pipeline.unfinished.items() if title not in named}
        return [f"{title}: left out: {why}" for title, why in left.items()]

    def too_large(self) -> list[str]:
        """The masters without room on a canvas that wanted steps would put them on, a line each.

        All of them are told before anything runs, and not each after what took minutes.
        """
        wanted = self.pipeline.steps if self.wanted is None else self.wanted
        titles = {name.partition(":")[2] for name in wanted if name.startswith("augment:")}
        found: list[str] = []
        for title, project in self.pipeline.workspace.everything() if titles else ():
            canvases = {
                learner.size
                for _, learner in self.pipeline.workspace.takers_of(project)
                if learner.fit == "refuse" and f"{title}@{canvas_name(learner.size)}" in titles
            }
            if canvases - {None} and has_master(project):
                found += _too_large(title, project, canvases)
        return found

    def nothing_to_do(self, names: Iterable[str]) -> list[str]:
        """What a run says that has nothing to do."""
        steps = self.pipeline.closure(names)
        summaries = [line for name in steps if (line := self._summary(name))]
        return [*summaries, nothing_to_do(len(steps))]

    def remember(self, memo: Memo, lines: Sequence[str]) -> None:
        """Remember what a run looked at that had nothing to do, unless it is too young to be told from another."""
        now = time.time_ns()
        seen = {path: look.look(path) if path.endswith("/") else look.stamp(path) for path in self.pipeline.seen()}
        seen |= self.status.seen
        if all(
            look.settled(found, now) for path, found in seen.items() if not path.startswith("=") and path[-1] != "/"
        ):
            memo.keep(seen, lines)

    def sweep(self) -> None:
        """Remove what a killed run left half-made."""
        for folder in {Path(step.target).parent for step in self.pipeline.steps.values()}:
            store.sweep(folder)

    # masters and datasets

    def extend(self) -> Iterator[Row]:
        """Put each master on the labelling canvas."""
        yield {"name": None, "doc": "masters on the labelling canvas"}
        yield from self._steps("extend")

    def build(self) -> Iterator[Row]:
        """Bring each project to its images, for every learner that takes it."""
        yield from self._groups("build")

    def dataset(self) -> Iterator[Row]:
        """Bring each learner to its dataset."""
        yield from self._groups("dataset")

    def steps(self) -> Iterator[Row]:
        """The steps of a dataset, which nobody types: locate, augment, compose and so on."""
        for kind in KINDS:
            if kind != "extend":
                yield from self._steps(kind)

    # what runs whenever it is asked for

    def label(self) -> Iterator[Row]:
        """Draw the boxes."""
        if self._makes("label"):
            doc = "draw the boxes of all that have none yet, one after the other, or --auto"
            yield asked("label", self._label_all, doc, LABEL, after=self._after("label"))
        for title, project in self.workspace.mastered().items() if self._makes("label:") else ():
            name, doc = f"label:{title}", f"draw the box of {title} in the browser, or --auto"
            if self._is_wanted(name):
                yield asked(name, partial(self._label, project), doc, LABEL, after=self._after(name))
        if self._makes("label:shots"):
            doc = "draw the boxes of the shots that are open, one after the other"
            yield asked("label:shots", self._label_shots, doc, LABEL)
        for name in sorted(self.wanted or ()):
            picture = shots.picture(name.removeprefix("label:")) if name.startswith("label:") else None
            if picture is not None and name.removeprefix("label:") not in self.workspace.mastered():
                action = partial(self._label_shots, only=picture)
                yield asked(name, action, f"draw the boxes of {picture}", LABEL)

    def _label_shots(self, auto: bool, replace: bool, port: str, only: Path | None = None) -> None:
        from dlim.labelling import label, server

        shown = console.current()
        if auto:
            raise ProjectError("--auto", "takes the whole crop of a master", "a shot's boxes are drawn by a person")
        found = shots.read()
        known = {
            *label.known(self.workspace.mastered().values()),
            *(each.label for one in found for each in one.objects),
        }
        waiting = [one for one in found if one.image == only or (only is None and (replace or not one.labelled))]
        for number, shot in enumerate(waiting, 1):
            if len(waiting) > 1:
                shown.line(f"{shot.image}: {number} of {len(waiting)}")
            # a person takes their time
            with unlocked():
                server.serve(shot, sorted(known), shot.size, port=_port(port), say=shown.line)
        if not waiting:
            none = "there is no shot yet; doit shots --from-folder DIR brings screenshots in"
            shown.line("every shot is labelled; doit label:shots/NAME opens one's page" if found else none)

    def _label_all(self, auto: bool, replace: bool, port: str) -> None:
        masters = [project for project in self.workspace.mastered().values() if project.image.exists()]
        waiting = [project for project in masters if replace or not project.boxes.exists()]
        for project in waiting:
            self._label(project, auto, replace, port)
        if not waiting:
            done = "every master has its boxes; doit label:NAME opens one's page"
            none = "there is no project with an image yet; doit new NAME --image crop.png begins one"
            console.current().line(done if masters else none)

    def _label(self, project: Project, auto: bool, replace: bool, port: str) -> None:
        # the page needs a server and a browser: nobody else should wait for their import
        from dlim.labelling import box_file, label, server

        canvas = self.workspace.config.settings.labelling_canvas
        shown = console.current()
        if auto:
            name = label.suggested(project, [])
            changed = box_file.auto(project, name, canvas, replace=replace)
            shown.line(f"{project.boxes}: {f'one box around the whole crop, {name}' if changed else 'as it was'}")
            return
        known = label.known(self.workspace.mastered().values())
        # a person takes their time
        with unlocked():
            server.serve(project, known, canvas, port=_port(port), say=shown.line)

    def preview(self) -> Iterator[Row]:
        """Draw a sheet of each project's images, a file for every learner that takes it."""
        yield {"basename": "preview", "name": None, "doc": "sheets of all projects' images, to look at"}
        for title, project, takers in self.workspace.takers() if self._makes("preview") else ():
            name, where = f"preview:{title}", project.folder / "build" / ".preview"
            if self._is_wanted(name) or self._is_wanted("preview"):
                action = partial(self._preview, project, takers)
                row = asked("preview", action, f"a sheet of its images: {where}", PREVIEW, after=self._after(name))
                yield {**row, "name": title}

    def _preview(self, project: Project, takers: Sequence[tuple[str, Learner]], count: str, worst: bool) -> None:
        from dlim.report import samples
        from dlim.report.samples import Built

        if count and not (count.isdecimal() and int(count)):
            raise ProjectError("--count", f'"{count}" is no number of images', "say one such as 16")
        for name, learner in takers:
            drawn = scenes(project, name) if learner.scene else variations(project, learner.size)
            made = Built(project, name, learner, objects(project), drawn, project.build / name)
            console.current().line(str(samples.written(made, int(count) if count else None, worst=worst)))

    def ship(self) -> Iterator[Row]:
        """Send datasets to the servers that learn: what they lack, verified, then switched to."""
        yield {"basename": "ship", "name": None, "doc": "all datasets, to the servers that learn"}
        for name in self.workspace.config.learners if self._makes("ship") else ():
            after = self._after(f"ship:{name}")
            row = asked("ship", partial(self._ship, name), f"the dataset of {name}, to its server", after=after)
            yield {**row, "name": name}

    def _ship(self, name: str) -> None:
        from dlim.runs.course import ship

        ship(self.workspace, name)

    def task(self) -> Iterator[Row]:
        """Learn."""
        learners = list(self.workspace.config.learners) if self._makes("task") else []
        doc = "dataset, ship, learn, bring back, for every learner: --name N --memo TEXT"
        yield asked("task", partial(self._learn, learners), doc, TASK, after=self._after("task"))
        for name in learners:
            action, after = partial(self._learn, [name]), self._after(f"task:{name}")
            yield asked(f"task:{name}", action, f"the same for {name} alone", TASK, after=after)

    def _learn(self, learners: Sequence[str], name: str, memo: str) -> None:
        from dlim.runs.learn import learn

        learn(self.workspace, learners, name, memo, unlocked)

    def before(self, name: str) -> list[str] | None:
        """The steps and groups that come before what runs whenever it is asked for; None of what is no such task."""
        kind, colon, what = name.partition(":")
        learners, mastered = self.workspace.config.learners, self.workspace.mastered()
        match kind:
            case "label":
                if what not in mastered and (what == str(SHOTS) or shots.picture(what)):
                    return []
                found = [title for title, project in mastered.items() if project.image.exists()]
                chosen = [what] if colon else found
                return [f"extend:{title}" for title in chosen] if set(chosen) <= mastered.keys() else None
            case "preview":
                chosen = [what] if colon else [title for title, *_ in self.workspace.takers()]
                return [f"build:{title}" for title in chosen] if all(map(self.pipeline.of_project, chosen)) else None
            case "ship" | "task" if what in learners or not colon:
                return [f"dataset:{what}" if colon else "dataset"]
        return None

    def knows(self, name: str) -> bool:
        """Whether a name is that of one of these tasks, wanted or not."""
        return bool(self.pipeline.step(name) or self.pipeline.group(name)) or self.before(name) is not None

    def _after(self, name: str) -> list[str]:
        return [each for each in self.before(name) or () if self._is_wanted(each)]

    def _makes(self, start: str) -> bool:
        """Whether any task is wanted whose name begins so."""
        return self.wanted is None or any(name.startswith(start) for name in self.wanted)

    # rows

    def _steps(self, kind: str) -> Iterator[Row]:
        names = self.pipeline.steps if self.wanted is None else sorted(self.wanted)
        for name in names:
            step = self.pipeline.step(name) if name.startswith(f"{kind}:") else None
            if step is not None:
                yield self._row(step)

    def _row(self, step: Step) -> Row:
        kind, _, name = step.name.partition(":")
        check = _Check(self, step)
        meta: dict[str, Any] = {REASONS: lambda: check.reasons, SUMMARY: lambda: self._summary(step.name)}
        if step.fault:
            meta[FAULT] = step.fault
        return {
            "basename": kind,
            "name": name,
            "doc": step.target if kind == "extend" else None,
            "actions": [_Do(self, step)],
            "task_dep": [before for before in step.before if self._is_wanted(before)],
            "targets": [step.target],
            "uptodate": [check],
            "clean": [] if kind == "extend" else [(unseal, [Path(step.target)])],
            "io": IO,
            "meta": meta,
        }

    def _summary(self, name: str) -> str:
        record = self.status.state.records.get(name)
        return record.summary if record else ""

    def _is_up_to_date(self, name: str) -> bool:
        return self.status.verdict(name).outlook == "up to date"

    def _is_wanted(self, name: str) -> bool:
        return self.wanted is None or name in self.wanted

    def _groups(self, kind: str) -> Iterator[Row]:
        for name, group in self.pipeline.groups.items() if self.wanted is None else self._wanted_groups():
            if name.partition(":")[0] == kind:
                yield self._group(group)

    def _wanted_groups(self) -> Iterator[tuple[str, Group]]:
        for name in sorted(self.wanted or ()):
            group = None if self.pipeline.step(name) else self.pipeline.group(name)
            if group is not None:
                yield name, group

    def _group(self, group: Group) -> Row:
        kind, colon, name = group.name.partition(":")
        row: Row = {"basename": kind, "name": name if colon else None, "doc": group.doc}
        if not colon:
            # its members are its own; it says of itself only that they are as they should be
            return row | ({"uptodate": [partial(self._is_up_to_date, kind)]} if self.wanted is None else {})
        return {
            **row,
            "actions": None,
            "task_dep": [each for each in group.members if self._is_wanted(each)],
            "uptodate": [partial(self._is_up_to_date, group.name)] if self.wanted is None else [],
            "clean": [(remove, [group.removes])] if group.removes else [],
        }


@dataclass
class _Check:
    """A doit check: whether a step is up to date, when its turn has come."""

    tasks: Tasks
    step: Step
    reasons: tuple[str, ...] = ()

    def __call__(self) -> bool:
        try:
            self.reasons = self.tasks.status.now(self.step)
        except OSError as error:
            self.reasons = (unusable(error),)  # what is done about it says it again
        return not self.reasons


@dataclass(frozen=True)
class _Do:
    """Does a step's work in a process of the pool, and keeps what it was made from and what it left.

    Its faults are one line. What the step was made from must not change meanwhile: what was saved into it would count
    as built.
    """

    tasks: Tasks
    step: Step

    def __call__(self) -> TaskFailed | None:
        status, step = self.tasks.status, self.step
        try:
            inputs = status.inputs(step)
            work = step.again if step.again and status.intact(step) else step.work
            made = self.tasks.pool.run(step.name, work())
            changed = status.changed_meanwhile(step)
            if changed:
                return TaskFailed(f"{changed}: was changed while it was being built from; run again")
            for note in made.notes:
                console.current().line(f"{step.name}: {note}")
            status.succeeded(step, inputs, made)
        except DamageError as error:
            status.forget_damaged(step)
            return TaskFailed(str(error))
        except DlimError as error:
            return TaskFailed(str(error))
        except OSError as error:
            return TaskFailed(unusable(error))
        except MemoryError:
            return TaskFailed(f"{step.name}: memory is short; run it again, with -n 1")
        return None


LABEL = (
    option("auto", "a box around the whole crop, without a page", flag=True),
    option("replace", "with --auto: also where there are other boxes", flag=True),
    option("port", "the page's port on this machine; any that is free unless given"),
)
PREVIEW = (
    option("count", "how many images a sheet shows: 16 unless given, 96 of a generator, 15 of the worst"),
    option("worst", "the smallest, the most cut off and the darkest images", flag=True),
)
TASK = (
    option("name", "what the output will be called"),
    option("memo", "what you want to remember of it"),
)


# what `doit clean` removes


class Unremoved(TaskFailed):  # type: ignore[misc]
    """What could not be removed: a line, which doit's `clean` writes as it is."""

    def __str__(self) -> str:
        return str(self.message)


def _too_large(title: str, project: Project, canvases: Iterable[Canvas]) -> Iterator[str]:
    from dlim.augment import images

    with suppress(ProjectError):  # what is wrong with the master is its own step's to tell
        size = images.measured(project.image)
        yield from (str(error) for canvas in canvases if (error := too_large(title, size, canvas)))


def remove(paths: Iterable[Path], dryrun: bool) -> Unremoved | None:
    """Delete files and folders, saying which; only say it in a dry run. What can't be deleted keeps no other."""
    faults = [fault for path in paths if (fault := _removed(path, f"remove {path}", _delete, dryrun))]
    return Unremoved(faults[0]) if faults else None


def unseal(manifest: Path, dryrun: bool) -> Unremoved | None:
    """Delete a build, saying so; only say it in a dry run."""
    fault = _removed(manifest, f"remove what {manifest} lists", _delete_sealed, dryrun)
    return Unremoved(fault) if fault else None


def _removed(path: Path, text: str, delete: Callable[[Path], object], dryrun: bool) -> str:
    """Delete what is there, saying so; a line for what stands in the way."""
    if not os.path.lexists(path):
        return ""
    print(text)
    return "" if dryrun else _deleted(path, delete)


def _deleted(path: Path, delete: Callable[[Path], object]) -> str:
    try:
        delete(path)
    except OSError as error:
        return unusable(error, path)
    except ValueError:
        return f"{path}: can't be read; delete it, and what is beside it"
    return ""


def _delete(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _delete_sealed(manifest: Path) -> None:
    shutil.rmtree(manifest.parent) if manifest.name == store.MANIFEST else store.remove(manifest)


# what runs whenever a person asks for it


def _port(text: str) -> int:
    if text and not (text.isdecimal() and int(text) < 1 << 16):
        raise ProjectError("--port", f'"{text}" is no port', "say a number from 1024 to 65535")
    return int(text or 0)


def asked(
    name: str,
    action: Callable[..., object],
    doc: str,
    options: Sequence[dict[str, Any]] = (),
    *,
    names: str = "",
    after: Sequence[str] = (),
) -> Row:
    """A task that runs whenever a person asks for it.

    action: gets the options by name. names: the parameter of the action that gets the words behind the task's name.
    after: the tasks that come before it.
    """
    row: Row = {
        "basename": name,
        "actions": [_one_line(name, action, options, names)],
        "uptodate": [False],
        "params": list(options),
        "task_dep": list(after),
        "doc": doc,
        "io": IO,
        "meta": {ASKED: True},
    }
    if names:
        row["pos_arg"] = names
    return row


def _one_line(
    task: str, action: Callable[..., object], options: Sequence[dict[str, Any]], names: str
) -> Callable[..., object]:
    """An action whose faults are one line, and whose options may stand behind its names as well as before them."""

    @wraps(action)
    def told(**given: Any) -> object:
        try:
            if names:
                words, more = _parted(task, given.pop(names) or [], options)
                given = {**given, **more, names: words}
            return action(**given)
        except DlimError as error:
            return TaskFailed(str(error))
        except OSError as error:
            return TaskFailed(unusable(error))

    # doit asks for the parameters, to know which options to hand over
    told.__signature__ = inspect.signature(action)  # type: ignore[attr-defined]
    return told


def _parted(task: str, words: Sequence[str], options: Sequence[dict[str, Any]]) -> tuple[list[str], dict[str, Any]]:
    """The words that are names, and the options among them: doit itself stops looking for options at the first name."""
    parser = CmdParse([CmdOption(each) for each in options])
    found: list[str] = []
    given: dict[str, Any] = {}
    rest = list(words)
    while rest:
        if rest[0].startswith("-") and len(rest[0]) > 1:
            try:
                params, rest = parser.parse(rest)
            except CmdParseError as error:
                fault, _, remedy = said(error, task).partition("; ")
                raise DlimError(task, fault, remedy or f"doit help {task} shows its options") from error
            given |= {key: value for key, value in params.items() if key in params._non_default_keys}
        else:
            found.append(rest.pop(0))
    return found, given
