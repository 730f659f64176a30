"""What a learner's mix would be: its builds as they are now, its limits, and the split that a run would make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from doit.control import TaskControl
from doit.globals import Globals
from doit.task import Task, dict_to_task

from dlim import progress
from dlim.config import Learner
from dlim.console import room
from dlim.errors import ConfigError, DlimError
from dlim.formats import voc
from dlim.mix import table
from dlim.mix.account import Mix, Standing, State, Taken, mix
from dlim.mix.limits import Share
from dlim.names import mapped
from dlim.plugins.verdict import Verdict, verdicts
from dlim.projects import Broken, Project
from dlim.stages import split
from dlim.store import DamageError
from dlim.tasks.asking import Row, asked


@dataclass
class Survey:
    """What would become of the tasks in some rows. It is a doit check, as doit tells that to its own thread only."""

    rows: Callable[[], Iterable[Row]]
    found: dict[str, Verdict] = field(default_factory=dict, init=False)

    def __call__(self) -> None:
        # two learners may have steps in common
        rows = {f"{row['basename']}:{row['name']}": row for row in self.rows()}
        tasks = TaskControl([_task(name, row) for name, row in rows.items()]).tasks
        self.found = verdicts(tasks, Globals.dep_manager)


def row(title: str, doc: str, steps: Callable[[], Iterable[Row]], mixes: Callable[[Survey], Iterable[Mix]]) -> Row:
    """The task that shows mixes. steps: the tasks that bring their projects to images."""
    survey = Survey(steps)
    return {**asked(title, lambda: _show(mixes(survey)), doc), "uptodate": [survey, False]}


def _show(mixes: Iterable[Mix]) -> None:
    console = progress.current()
    blocks = table.has_blocks(getattr(console.stream, "encoding", None))
    for number, each in enumerate(mixes):
        for line in [*([""] if number else []), *table.lines(each, blocks=blocks, room=room(console.stream))]:
            console.line(line)


def _task(name: str, row: Row) -> Task:
    return dict_to_task({**{key: value for key, value in row.items() if key != "basename"}, "name": name})


def standing(title: str, project: Project | Broken, name: str, learner: Learner, verdict: Verdict) -> Standing:
    """How far a project is for a learner."""
    found = _built(title, project.folder / "build" / name)
    state: State = "built" if verdict.state in ("up to date", "ignored") else "outdated"
    if found is None or verdict.state == "failing":
        state = "failing" if verdict.state == "failing" else "missing"
    labels = found.shown if found is not None else _marked(project, learner)
    return Standing(title, state, tuple(sorted(labels)), found, verdict.why if state == "failing" else "")


def _built(title: str, folder: Path) -> Share | None:
    try:
        return split.share(title, folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, DamageError):
        # not there or not whole, or a run is just replacing it
        return None


def _marked(project: Project | Broken, learner: Learner) -> set[str]:
    """The labels that a person gave a master, as the learner calls them; none where they can't be told."""
    if isinstance(project, Broken) or project.settings.generator:
        return set()
    if project.settings.label is not None:
        return {mapped(project.settings.label, learner.labels)}
    try:
        return {mapped(thing.label, learner.labels) for thing in voc.read(project.boxes).objects}
    except (DlimError, OSError):
        return set()


def account(
    standings: list[Standing], settings: split.Settings, excluded: Iterable[str], notes: Iterable[str] = ()
) -> Mix:
    """The mix that a run would make of projects as they are. notes: what is to be said before all else."""
    shares = [each.share for each in standings if each.share is not None]
    division = split.divide(shares, settings)
    conflict = [] if division.conflict is None else [str(division.conflict)]
    said = [*notes, *_unknown(standings, settings), *conflict, *division.notes]
    return mix(settings.learner, standings, Taken(division.shares, division.parts, said), settings.limits, excluded)


def _unknown(standings: list[Standing], settings: split.Settings) -> Iterator[str]:
    """The limit of a label that isn't there, as the run would say it once all is built."""
    try:
        split.require_labels([label for each in standings for label in each.labels], settings)
    except ConfigError as error:
        waits = any(each.share is None for each in standings)
        yield f"{error.place}: {error.fault} so far" if waits else str(error)
