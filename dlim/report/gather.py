"""A workspace's facts, read from its files: its datasets, its learning tasks, its outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from dlim import progress
from dlim.config import Config
from dlim.errors import DlimError
from dlim.projects import Project
from dlim.report import courses
from dlim.report.facts import Facts, Known, LearnerFacts
from dlim.report.finding import Thresholds
from dlim.report.learner_facts import archive, learner_facts
from dlim.report.since import since
from dlim.runs import record, unfinished
from dlim.runs.outputs import Output
from dlim.runs.unfinished import Unfinished

PAST = 6
"""Past learning tasks whose logs are told; the outputs' table has all of them."""


@dataclass(frozen=True)
class Sources:
    """A workspace, to be read. taken: the projects of each learner by title. data_set, output: folders.

    name: of the workspace.
    """

    name: str
    config: Config
    taken: Mapping[str, Mapping[str, Project]]
    data_set: Path
    output: Path


def gather(sources: Sources, known: Known) -> Facts:
    """All that a report tells. What can't be read is told, and stops nothing."""
    unread: list[str] = []
    found = list(_outputs(sources.output, unread))
    growing = list(_growing(sources.output, unread))
    learners = tuple(_learner(sources, known, name, found) for name in sources.config.learners)
    newest = found[::-1]
    return Facts(
        workspace=sources.name,
        version=_version(),
        known=known,
        learners=learners,
        courses=(
            *(courses.at_work(each, known) for each in growing[::-1]),
            *(courses.past(each) for each in newest[:PAST]),
        ),
        past=max(0, len(found) - PAST),
        outputs=tuple(courses.output(each, known) for each in newest),
        unread=tuple(unread),
    )


def _version() -> str:
    try:
        return metadata.version("dlim")
    except metadata.PackageNotFoundError:
        return ""


def _outputs(folder: Path, unread: list[str]) -> Iterator[Output]:
    """The outputs, the newest last."""
    read = []
    for path in sorted(folder.glob(f"[!.]*/{record.RECORD}")):
        try:
            read.append(Output(path.parent, record.read(path.parent)))
        except DlimError as error:
            unread.append(str(error))
    yield from sorted(read, key=lambda each: (each.record.ended, each.name))


def _growing(folder: Path, unread: list[str]) -> Iterator[Unfinished]:
    try:
        yield from unfinished.load(folder).values()
    except DlimError as error:
        unread.append(str(error))


def _learner(sources: Sources, known: Known, name: str, found: list[Output]) -> LearnerFacts:
    progress.current().note("report", f"reading the dataset of {name}")
    folder, projects = sources.data_set / name, sources.taken[name]
    return learner_facts(
        name,
        sources.config.learners[name],
        projects,
        folder,
        known.thresholds.get(name, Thresholds()),
        since(name, sources.config, projects, folder, archive(folder), found),
    )
