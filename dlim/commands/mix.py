"""`doit mix`: what each dataset consists of, before anything runs: its builds as they are, and the split of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dlim import console, projects
from dlim.build.pipeline import division
from dlim.build.status import Status, Verdict
from dlim.commands.base import Command
from dlim.commands.status import status_of
from dlim.config import Learner
from dlim.console import room
from dlim.errors import ConfigError, DlimError
from dlim.formats import voc
from dlim.labelling import label
from dlim.mix import table
from dlim.mix.account import Mix, Standing, State, Taken, mix
from dlim.mix.limits import Share
from dlim.names import mapped
from dlim.projects import Broken, Project
from dlim.stages import split
from dlim.store import DamageError
from dlim.workspace import Workspace


class ShowMix(Command):
    """`doit mix`, `doit mix:ssd`: datasets in numbers, by project and by label."""

    name = "mix"
    doc_purpose = "what each dataset consists of, before anything runs (mix:LEARNER for one)"
    of = ""

    def answer(self, workspace: Workspace, words: Sequence[str]) -> None:  # type: ignore[override]
        names = self.require_of(list(workspace.config.learners), "learner")
        status = status_of(workspace)
        shown = console.current()
        blocks = table.has_blocks(getattr(shown.stream, "encoding", None))
        for number, name in enumerate(names):
            found = mixed(name, workspace, status)
            for line in [*([""] if number else []), *table.lines(found, blocks=blocks, room=room(shown.stream))]:
                shown.line(line)


def mixed(name: str, workspace: Workspace, status: Status) -> Mix:
    """What a learner's dataset consists of, as far as its projects are built."""
    learner = workspace.config.learners[name]
    standings = [
        _standing(title, project, name, learner, status.verdict(f"annotate:{title}@{name}"))
        for title, project in workspace.chosen(name)
    ]
    excluded = [project for project in workspace.projects[learner.projects] if not learner.takes(project)]
    settings = division(name, workspace.config.settings, workspace.limits(name))
    shares = [each.share for each in standings if each.share is not None]
    divided = split.divide(shares, settings)
    said = [*_strangers(name, workspace, standings), *_unknown(standings, settings), *divided.notes]
    return mix(name, standings, Taken(divided.shares, divided.parts, said), settings.limits, excluded)


def _standing(title: str, project: Project | Broken, name: str, learner: Learner, verdict: Verdict) -> Standing:
    """How far a project is for a learner."""
    found = _built(title, project.folder / "build" / name)
    state: State = "built" if verdict.status in ("up to date", "ignored") else "outdated"
    if found is None or verdict.status == "failing":
        state = "failing" if verdict.status == "failing" else "missing"
    labels = found.shown if found is not None else _marked(project, learner)
    waits = projects.unfinished(project)
    return Standing(title, state, tuple(sorted(labels)), found, verdict.why if state == "failing" else waits)


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


def _unknown(standings: Sequence[Standing], settings: split.Settings) -> Iterator[str]:
    """The limit of a label that isn't there, as the run would say it once all is built."""
    try:
        split.require_labels([each for standing in standings for each in standing.labels], settings)
    except ConfigError as error:
        waits = any(each.share is None for each in standings)
        yield f"{error.place}: {error.fault} so far" if waits else str(error)


def _strangers(name: str, workspace: Workspace, standings: Iterable[Standing]) -> list[str]:
    """The names in a learner's file that nothing is called so far, and that may be mistaken."""
    learner, taken = workspace.config.learners[name], workspace.taken(name)
    drawn = [each for each in standings if each.project in taken and taken[each.project].settings.generator]
    known = all(each.share is not None for each in drawn)
    labels = [text for each in drawn for text in each.labels] if known else None
    place = f"config/learners/{name}.toml"
    return [
        *projects.unmatched(workspace.projects[learner.projects], learner, place),
        *label.unmatched(learner.labels, taken.values(), labels, place),
    ]
