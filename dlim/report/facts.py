"""What a report tells, as values: all that was found out before a page is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from dlim.report.checks import Finding, Grade, Thresholds
from dlim.report.dataset import Counts
from dlim.report.svg import Chart, Histogram, Map
from dlim.report.thumbnails import Thumbnail
from dlim.runs import history, scores
from dlim.runs.history import Deployed
from dlim.runs.record import Judged
from dlim.runs.scores import Baseline

# what only its caller can know


class Reason(NamedTuple):
    """Why a step isn't up to date: the step that this comes from, it or one before it, and what that says."""

    step: str
    told: str
    failed: bool = False


class Standing(NamedTuple):
    """A step of the build, and what would happen to it. state: up to date, to run, failing or ignored.

    roots: where that comes from; none of a step that is up to date.
    """

    name: str
    state: str
    roots: tuple[Reason, ...] = ()


class Job(NamedTuple):
    """What a server says of a learner's part in a learning task.

    kind: as runs.state has it, or cancelled, or unreachable. told: in words that can follow its name.
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
    """What no file of the workspace says. jobs: by learning task and learner. thresholds, baselines: by learner.

    now: the time, as people write it.
    """

    now: str
    steps: tuple[Standing, ...] = ()
    services: tuple[Service, ...] = ()
    jobs: Mapping[tuple[str, str], Job] = field(default_factory=dict)
    thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    baselines: Mapping[str, Baseline] = field(default_factory=dict)


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


class Sample(NamedTuple):
    """Pictures of one project's images, from its first to its last. images: how many it has."""

    project: str
    images: int
    pictures: tuple[Thumbnail, ...]


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
    maps: tuple[Map, ...] = ()
    samples: tuple[Sample, ...] = ()
    legend: Mapping[str, str] = field(default_factory=dict)
    since: Since | None = None
    fault: str = ""


class LabelNumbers(NamedTuple):
    """What a learner's test found of one label: values by the names of the columns, as they are written."""

    label: str
    values: tuple[str, ...]


class ByLabel(NamedTuple):
    """A learner's results by label, the worst first. by: the column that says which is the worst."""

    by: str
    columns: tuple[str, ...]
    rows: tuple[LabelNumbers, ...]


@dataclass(frozen=True)
class OnShots:
    """How a weight does on shots. figures: of all labels, by name. labels: rows of figures, the worst first.

    confusions: which label is taken for which. beside: what template matching finds. newest: whether nothing newer was
    judged; missed, false: pictures of the worst, then.
    """

    count: int
    digest: str
    figures: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, ...], ...]
    confusions: tuple[str, ...]
    beside: str
    newest: bool
    missed: tuple[Thumbnail, ...] = ()
    false: tuple[Thumbnail, ...] = ()


class Part(NamedTuple):
    """A learner's part in a learning task. told: how it stands; grade: how bad that is, None where it isn't.

    results: names and values; val: what these are worth. troubles: what its metrics came to. end: the last lines of its
    log.
    """

    learner: str
    told: str
    grade: Grade | None
    results: tuple[tuple[str, str], ...]
    charts: tuple[Chart, ...]
    troubles: tuple[str, ...]
    end: tuple[str, ...]
    labels: ByLabel | None = None
    shots: OnShots | None = None
    val: str = ""


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
    """A learner's part of an output. serving: whether it is in service.

    change: of its result, from the output before. differs: how its dataset differs from the one before, in words.
    judged: how it did on shots.
    """

    learner: str
    images: int
    dataset: str
    result: str
    weight: str
    size: int
    serving: bool
    change: str = ""
    differs: str = ""
    judged: Judged | None = None

    @property
    def points(self) -> str:
        """Its AP50 on shots; nothing where it wasn't judged."""
        return f"AP50 {scores.points(self.judged.total.ap50)}" if self.judged else ""

    def than(self, other: OutputPart | None) -> str:
        """By how much its AP50 differs from another's on the same shots; nothing where that can't be told."""
        if other is None or not self.judged or not other.judged:
            return ""
        one, two = self.judged, other.judged
        if one.shots.digest != two.shots.digest:
            return "other shots"
        if one.total.ap50 is None or two.total.ap50 is None:
            return ""
        return f"{100 * (one.total.ap50 - two.total.ap50):+.1f}"


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

    def part_of(self, output: str, learner: str) -> OutputPart | None:
        """A learner's part of an output; None where there is none of that name."""
        parts = (part for each in self.outputs if each.name == output for part in each.parts)
        return next((part for part in parts if part.learner == learner), None)

    def part_before(self, output: str, learner: str) -> OutputPart | None:
        """That of the output before, of those that have this learner."""
        names = [each.name for each in self.outputs if any(part.learner == learner for part in each.parts)]
        at = names.index(output) + 1 if output in names else len(names)
        return self.part_of(names[at], learner) if at < len(names) else None

    def replaced(self, service: Service) -> OutputPart | None:
        """What the weight in service took the place of."""
        stood = history.stack(service.history)
        return self.part_of(stood[-2].output, service.learner) if len(stood) > 1 else None
