"""What a report tells, as values: all that was found out before a page is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dlim.report.chart import Chart
from dlim.report.counts import Counts
from dlim.report.finding import Finding, Grade, Thresholds
from dlim.report.sizes import Histogram
from dlim.report.thumbnail import Thumbnail
from dlim.runs.history import Deployed

# what only its caller can know


class Reason(NamedTuple):
    """Why a task isn't up to date: the task that this comes from, it or one before it, and what that says."""

    task: str
    told: str
    failed: bool = False


class TaskState(NamedTuple):
    """A task of doit's, and what would happen to it. state: up to date, to run, failing, ignored, or on demand."""

    name: str
    state: str
    reasons: tuple[Reason, ...] = ()


class Job(NamedTuple):
    """What a server says of a learner's part in a learning task.

    kind: as learning.state has it, or cancelled, or unreachable. told: in words that can follow its name.
    """

    kind: str
    told: str


class Service(NamedTuple):
    """What a server says of a learner's deployment. history: the oldest first. fault: why nothing is to be known."""

    learner: str
    server: str
    current: Deployed | None = None
    history: tuple[Deployed, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class Known:
    """What no file of the workspace says. jobs: by learning task and learner. thresholds: by learner.

    now: the time, as people write it.
    """

    now: str
    tasks: tuple[TaskState, ...] = ()
    services: tuple[Service, ...] = ()
    jobs: Mapping[tuple[str, str], Job] = field(default_factory=dict)
    thresholds: Mapping[str, Thresholds] = field(default_factory=dict)


# what the workspace says


class Archive(NamedTuple):
    """A dataset's archive, as its manifest has it. packed: when."""

    name: str
    size: int
    sha256: str
    packed: str


class Shown(NamedTuple):
    """A finding, with pictures of its first cases, and how many cases each project has, most first."""

    finding: Finding
    pictures: tuple[Thumbnail, ...]
    projects: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Since:
    """What differs from what a learner last learned from. output: the newest that has it.

    lines: each a difference. images: then and now. same: whether the dataset is byte for byte that of then.
    """

    output: str
    when: str
    lines: tuple[str, ...]
    images: tuple[int, int]
    same: bool


@dataclass(frozen=True)
class LearnerFacts:
    """A learner and its dataset; without one, all but its name and canvas are empty.

    legend: the colour of each label's boxes, as #rrggbb, where they have one each.
    fault: why the dataset can't be read.
    """

    name: str
    canvas: str
    archive: Archive | None = None
    mix: Counts | None = None
    findings: tuple[Shown, ...] = ()
    sizes: Histogram | None = None
    samples: tuple[Thumbnail, ...] = ()
    legend: Mapping[str, str] = field(default_factory=dict)
    since: Since | None = None
    fault: str = ""


class Part(NamedTuple):
    """A learner's part in a learning task. told: how it stands; grade: how bad that is, empty where it isn't.

    results: names and values. troubles: what its metrics came to. end: the last lines of its log.
    """

    learner: str
    told: str
    grade: Grade | None
    results: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    troubles: tuple[str, ...]
    end: tuple[str, ...]


@dataclass(frozen=True)
class Course:
    """A learning task, at work or past. ended: empty where it hasn't. lasted: from then to then, in words."""

    name: str
    memo: str
    by: str
    began: str
    ended: str
    parts: tuple[Part, ...]
    lasted: str = ""


class OutputPart(NamedTuple):
    """A learner's part of an output. serving: whether it is in service."""

    learner: str
    images: int
    dataset: str
    result: str
    weight: str
    size: int
    serving: bool


@dataclass(frozen=True)
class OutputFacts:
    """An output."""

    name: str
    when: str
    memo: str
    parts: tuple[OutputPart, ...]


@dataclass(frozen=True)
class Facts:
    """All that a page tells. workspace: its folder's name. unread: what can't be read, a line each."""

    workspace: str
    version: str
    known: Known
    learners: tuple[LearnerFacts, ...] = ()
    courses: tuple[Course, ...] = ()
    past: int = 0
    outputs: tuple[OutputFacts, ...] = ()
    unread: tuple[str, ...] = ()
