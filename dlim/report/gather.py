"""A workspace's facts, read from its files: its datasets, its learning tasks, its outputs."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from dlim import console, shots, store
from dlim.config import Config, Learner
from dlim.errors import DlimError
from dlim.geometry import Object, canvas_name
from dlim.projects import Project
from dlim.report import checks, dataset, metrics, seen, svg
from dlim.report.checks import Case, Finding, Grade, Thresholds
from dlim.report.dataset import TRAIN, VAL, Dataset, Example
from dlim.report.facts import (
    Archive,
    ByLabel,
    Course,
    Facts,
    Job,
    Known,
    LabelNumbers,
    LearnerFacts,
    OnShots,
    OutputFacts,
    OutputPart,
    Part,
    Sample,
    Shown,
    Since,
)
from dlim.report.seen import Candidate, Looks, Seen, shaped
from dlim.report.svg import chosen
from dlim.report.thumbnails import Thumbnail, kept, palette, thumbnail
from dlim.runs import account, outputs, record, scores, unfinished
from dlim.runs.origin import made_by_hand
from dlim.runs.outputs import Output, Trace
from dlim.runs.record import Judged, Learned, local_time
from dlim.runs.scores import Baseline
from dlim.runs.unfinished import Unfinished
from dlim.shots import SHOTS, Shot
from dlim.stages.backgrounds import pictures
from dlim.workspace import INTERNAL

PAST = 6
"""Past learning tasks whose logs are told; the outputs' table has all of them."""

SAMPLES = 320
"""Pictures of images in all of a report, shared by its learners."""

ROW = 8
"""Pictures of one project's images, at most."""

PICTURES = 6
"""Pictures of what a check found."""

WORST = 8
"""Pictures of what a weight missed on shots, and of what it found and isn't there."""

END = 12
"""Lines of a log's end."""


@dataclass(frozen=True)
class Sources:
    """A workspace, to be read. taken: the projects of each learner by title. data_set, output, shots: folders.

    name: of the workspace. looks: the folder of what is known of pictures that were compared with shots.
    """

    name: str
    config: Config
    taken: Mapping[str, Mapping[str, Project]]
    data_set: Path
    output: Path
    shots: Path = SHOTS
    looks: Path = INTERNAL / "looks"


def gather(sources: Sources, known: Known) -> Facts:
    """All that a report tells. What can't be read is told, and stops nothing."""
    unread: list[str] = []
    found = list(_outputs(sources.output, unread))
    growing = list(_growing(sources.output, unread))
    newest = found[::-1]
    return Facts(
        workspace=sources.name,
        version=_version(),
        known=known,
        learners=tuple(_learner(sources, known, name, found) for name in sources.config.learners),
        courses=(
            *(_at_work(each, known) for each in growing[::-1]),
            *(_past(each, _pictured_learners(newest, each), known) for each in newest[:PAST]),
        ),
        past=max(0, len(found) - PAST),
        outputs=tuple(_output(each, newest[number + 1 :], known) for number, each in enumerate(newest)),
        unread=tuple(unread),
    )


def _version() -> str:
    try:
        return metadata.version("dlim")
    except metadata.PackageNotFoundError:
        return ""


def wall(text: str) -> str:
    """A time such as a record has, as `2026-11-23 05:04`; what is none, as it stands there."""
    try:
        return local_time(text)
    except (ValueError, OverflowError, OSError):
        return text


# datasets


def _learner(sources: Sources, known: Known, name: str, found: list[Output]) -> LearnerFacts:
    """All that is to be told of a learner's dataset."""
    console.current().note("report", f"reading the dataset of {name}")
    learner, projects, folder = sources.config.learners[name], sources.taken[name], sources.data_set / name
    canvas, packed = canvas_name(learner.size), archive(folder)
    since = _since(name, sources.config, projects, folder, packed, found)
    try:
        read = dataset.read(folder, dataset.owners(name, projects))
    except OSError as error:
        fault = f"{error.filename or folder}: {error.strerror or error}"
        return LearnerFacts(name, canvas, since=since, fault=fault)
    if read is None:
        return LearnerFacts(name, canvas, since=since)
    read = replace(read, seen=_seen(sources, name, read))
    thresholds = known.thresholds.get(name, Thresholds())
    colours = palette(sorted({label for example in read.examples.values() for label in example.labels}))
    findings = checks.judged(read, thresholds)
    return LearnerFacts(
        name,
        canvas,
        packed,
        dataset.counted(read),
        tuple(_shown(read, each, colours) for each in findings),
        svg.histogram(read, thresholds),
        svg.maps(read),
        _samples(read, _suspect(findings), colours, SAMPLES // len(sources.config.learners)),
        colours if len(set(colours.values())) > 1 else {},
        since,
    )


def _seen(sources: Sources, name: str, read: dataset.Dataset) -> tuple[Seen, ...]:
    """What of a dataset shows a shot: its images, the masters they are variations of, and the pictures behind them."""
    found = [(one.image, one.size) for one in shots.each(sources.shots) if isinstance(one, Shot)]
    if not found:
        return ()
    sizes = [size for _, size in found]
    digests = {store.sha256(path) for path, _ in found}
    fit = set(shaped({example.id: example.size for example in read.examples.values()}, sizes))
    candidates = [
        *(Candidate(str(path), path) for path in _backgrounds(sources.config.learners[name])),
        *(
            Candidate(f"{project.title}'s master", project.image)
            for project in sources.taken[name].values()
            if project.image.is_file()
        ),
        *(
            Candidate(example.image, read.folder / example.image, example.sha256)
            for example in read.examples.values()
            if example.sha256 and (example.id in fit or example.sha256 in digests)
        ),
    ]
    looks = Looks(sources.looks / name)
    shown = seen.seen(found, candidates, looks)
    looks.keep()
    return tuple(shown)


def _backgrounds(learner: Learner) -> list[Path]:
    folder = Path(learner.scene.backgrounds) if learner.scene and learner.scene.backgrounds else None
    return [] if folder is None or not folder.is_dir() else pictures(folder)


def archive(folder: Path) -> Archive | None:
    """What is known of a dataset's archive; None where it is gone."""
    file, manifest = (folder.with_name(f"{folder.name}{suffix}") for suffix in (".tar.gz", ".manifest.json"))
    try:
        entry = store.read(manifest)[file.name]
        packed = time.strftime("%Y-%m-%d %H:%M", time.localtime(file.stat().st_mtime))
    except (OSError, ValueError, KeyError):
        return None
    return Archive(file.name, entry.size, entry.sha256, packed)


def _shown(found: Dataset, finding: Finding, colours: Mapping[str, str]) -> Shown:
    pictures = (
        thumbnail(found.folder / example.image, things, colours, [example.id], close=bool(things))
        for example, things in _pictured(finding.cases)
    )
    projects = Counter(case.example.project for case in finding.cases if case.example and case.example.project)
    return Shown(finding, tuple(picture for picture in pictures if picture), tuple(projects.most_common()))


def _pictured(cases: Sequence[Case]) -> list[tuple[Example, tuple[Object, ...]]]:
    """The images of the first cases, each once, and what to show there."""
    first: dict[str, tuple[Example, tuple[Object, ...]]] = {}
    for case in cases:
        if case.example and case.example.size:
            first.setdefault(case.example.id, (case.example, case.things))
        if len(first) == PICTURES:
            break
    return list(first.values())


def _suspect(findings: Sequence[Finding]) -> set[str]:
    """The projects with a fault or a warning."""
    grave = (finding for finding in findings if finding.check.grade != "note")
    return {case.example.project for finding in grave for case in finding.cases if case.example}


def _samples(found: Dataset, suspect: set[str], colours: Mapping[str, str], room: int) -> tuple[Sample, ...]:
    """Pictures of every project, each from its first image to its last, in the order in which they were made.

    room: for how many pictures. Where there are more projects than that, those with a finding come first, and of the
    others some, evenly from the first name to the last.
    """
    groups: dict[str, list[Example]] = {}
    for example in found.examples.values():
        if example.size:
            groups.setdefault(example.project, []).append(example)
    first = [name for name in sorted(groups) if name in suspect]
    others = [name for name in sorted(groups) if name not in suspect]
    first = [first[index] for index in chosen(len(first), room if not others else max(room // 2, room - len(others)))]
    names = sorted([*first, *(others[index] for index in chosen(len(others), room - len(first)))])
    row = min(ROW, room // max(1, len(names)))
    return tuple(Sample(name, len(groups[name]), tuple(_pictures(found, groups[name], row, colours))) for name in names)


def _pictures(found: Dataset, group: Sequence[Example], count: int, colours: Mapping[str, str]) -> Iterator[Thumbnail]:
    for index in chosen(len(group), count):
        example = group[index]
        signs = [found.signs[label] for label in example.labels if label in found.signs]
        caption = [" ".join([example.id, *signs]), " and ".join(example.parts) or "in no list"]
        picture = thumbnail(found.folder / example.image, example.objects, colours, caption)
        if picture:
            yield picture


# since a learner last learned


def _since(
    name: str,
    config: Config,
    projects: Mapping[str, Project],
    folder: Path,
    packed: Archive | None,
    found: Sequence[Output],
) -> Since | None:
    """What differs from what a learner last learned from; None where it hasn't learned yet.

    projects: those that it takes, by title. folder: of the dataset; packed: its archive. found: the outputs, newest
    last.
    """
    last = next((each for each in reversed(found) if name in each.record.learners), None)
    if last is None:
        return None
    origin = last.record.learners[name].origin
    now = {title: made_by_hand(project) for title, project in projects.items()}
    settings = {
        "workspace": msgspec.to_builtins(config.settings),
        "learner": msgspec.to_builtins(config.learners[name]),
    }
    return Since(
        last.name,
        wall(last.record.ended),
        (*outputs.changed(Trace(last.record, name, ""), now), *_settings_changed(origin.settings, settings)),
        (origin.dataset.train + origin.dataset.val, sum(_count(folder, part) for part in (TRAIN, VAL))),
        packed is not None and packed.sha256 == origin.dataset.archive.sha256,
    )


def _count(folder: Path, part: str) -> int:
    try:
        return len((folder / dataset.list_path(part)).read_bytes().splitlines())
    except OSError:
        return 0


def _settings_changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """The settings that differ, a line each; one that only one of the two knows is no difference."""
    before, after = (dict(_flat(settings)) for settings in (then, now))
    for key in sorted(before.keys() & after.keys()):
        if before[key] != after[key]:
            yield f"{key}: {_said(before[key])} became {_said(after[key])}"


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and key not in _NAMED:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", list(value) if isinstance(value, tuple) else value


_NAMED = ("labels", "projects")
"""Tables whose keys are no settings, but names."""


def _said(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# learning tasks

_GRADES: dict[str, Grade] = {"failed": "fault", "lost": "fault", "unreachable": "warning", "cancelled": "note"}
"""How bad it is how a job stands; that somebody cancelled it was meant."""

_OVER = ("failed", "lost", "cancelled")
"""How a job stands that won't go on by itself."""


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


def _at_work(each: Unfinished, known: Known) -> Course:
    task = each.task
    parts = tuple(_part_at_work(each, name, known.jobs.get((task.name, name))) for name in task.learners)
    return Course(task.name, task.memo, task.by, wall(task.began), "", parts)


def _part_at_work(each: Unfinished, learner: str, job: Job | None) -> Part:
    log = metrics.read(each.folder / f"{learner}.log")
    try:
        learned = each.learned(learner)
    except DlimError as error:
        return _part(learner, str(error), "fault", log, None)
    if learned:
        return _part(learner, "has learned, and was brought back", None, log, learned)
    if job is None or job.kind == "none":
        return _part(learner, "isn't brought back yet" if log else "not yet", None, log, None)
    told = f"{job.told}; {account.way_on(each)}" if job.kind in _OVER else job.told
    return _part(learner, told, _GRADES.get(job.kind), log, None)


def _pictured_learners(newest: Sequence[Output], one: Output) -> set[str]:
    """The learners of which an output is the newest one that was judged: there the worst is shown, and nowhere else."""
    seen: set[str] = set()
    for each in newest:
        judged = {name for name, learned in each.record.learners.items() if learned.evaluation} - seen
        if each is one:
            return judged
        seen |= judged
    return set()


def _past(each: Output, pictured: Collection[str], known: Known) -> Course:
    """A learning task that is over. pictured: the learners whose worst finds on shots are shown."""
    whole = each.record
    parts = tuple(
        _part(
            name,
            _ended(learned),
            "warning" if learned.job.test_exit_code else None,
            metrics.read(each.folder / f"{name}.log"),
            learned,
            each.folder if name in pictured else None,
            known.baselines.get(name),
        )
        for name, learned in whole.learners.items()
    )
    lasted = account.lasted(whole.began, whole.ended)
    return Course(whole.name, whole.memo, whole.by, wall(whole.began), wall(whole.ended), parts, lasted)


def _ended(learned: Learned) -> str:
    test = learned.job.test_exit_code
    where = f"on {learned.where.address}" if learned.where.address else ""
    return f"has learned {where}".rstrip() + (f", but its test ended with status {test}" if test else "")


def _part(
    learner: str,
    told: str,
    grade: Grade | None,
    log: str,
    learned: Learned | None,
    folder: Path | None = None,
    least: Baseline | None = None,
) -> Part:
    """A learner's part. folder: of the output, where pictures of what it found are to be shown. least: its baseline."""
    found = metrics.series(log)
    end = metrics.end(log, END)
    results, labels = _results(learned) if learned else ((), None)
    troubles = list(metrics.troubles(found))
    shots, val = None, scores.of_val(learned) if learned else ""
    if learned and learned.evaluation:
        shots = _on_shots(learned.evaluation, scores.beside_baseline(learner, learned.evaluation, least), folder)
        if scores.loses(learned.evaluation, least):
            troubles.insert(0, "finds less on the shots than template matching does")
    elif learned and learned.unjudged:
        troubles.insert(0, f"was not judged on shots: {learned.unjudged}; {record.REJUDGE}")
    return Part(learner, told, grade, results, svg.charts(found), tuple(troubles), end, labels, shots, val)


def _on_shots(judged: Judged, beside: str, folder: Path | None) -> OnShots:
    """How a weight does on shots. folder: of its output, where pictures are to be shown."""
    missed = [(one.picture, [one.label, f"on {one.shot}"]) for one in judged.missed]
    false = [(one.picture, [one.label, f"{one.score:.2f} on {one.shot}"]) for one in judged.false]
    return OnShots(
        judged.shots.count,
        judged.shots.digest,
        tuple(scores.figures(judged)),
        tuple(scores.row(label, each) for label, each in scores.worst_first(judged.labels)),
        tuple(scores.confusions(judged)),
        beside,
        folder is not None,
        *(tuple(_worst(folder, found)) for found in (missed, false) if folder),
    )


def _worst(folder: Path, found: Sequence[tuple[str, list[str]]]) -> Iterator[Thumbnail]:
    for name, caption in found[:WORST]:
        path = folder / name
        if name and path.resolve().is_relative_to(folder.resolve()):
            picture = kept(path, caption)
            if picture:
                yield picture


def _results(learned: Learned) -> tuple[tuple[tuple[str, str], ...], ByLabel | None]:
    """A learner's numbers: those of all of it, and those by label."""
    whole = tuple((name, f"{value:.4g}") for name, value in learned.metrics.items() if name.count(".") < 2)
    return whole, by_label({**learned.metrics, **getattr(learned, "details", {})})


def by_label(numbers: Mapping[str, float]) -> ByLabel | None:
    """The numbers that results give of each label, such as `classes.close.recall`, the worst label first.

    None where there are none. Of several such tables the one with the most labels counts.
    """
    tables: dict[str, dict[str, dict[str, float]]] = {}
    for name, value in numbers.items():
        place, _, column = name.rpartition(".")
        table, dot, label = place.rpartition(".")
        if dot:
            tables.setdefault(table, {}).setdefault(label, {})[column] = value
    if not tables:
        return None
    rows = max(tables.values(), key=len)
    columns = tuple(dict.fromkeys(column for row in rows.values() for column in row))
    scores = [column for column in columns if metrics.kind(column) == metrics.SCORE]
    by = next((column for wanted in _WORST for column in scores if wanted in column.lower()), [*scores, *columns][0])
    counted = next((column for column in columns if column in _COUNTS), "")
    # a label without the number was never found, or never looked for; one that val doesn't show says nothing
    worst = sorted(rows, key=lambda label: (rows[label].get(counted) == 0, rows[label].get(by, -1.0), label))
    told = (LabelNumbers(label, tuple(_number(rows[label].get(each)) for each in columns)) for label in worst)
    return ByLabel(by, columns, tuple(told))


_WORST = ("recall", "ap", "f1", "acc")
"""What of a label's numbers says how well it is known, what says most first."""

_COUNTS = ("boxes", "objects", "support")
"""What of them says how often it was there to be found."""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _output(each: Output, before: Sequence[Output], known: Known) -> OutputFacts:
    serving = {one.learner for one in known.services if one.current and one.current.output == each.name}
    parts = tuple(
        _output_part(
            name,
            learned,
            next((older.record.learners[name] for older in before if name in older.record.learners), None),
            name in serving,
        )
        for name, learned in each.record.learners.items()
    )
    return OutputFacts(each.name, wall(each.record.ended), each.record.memo, parts)


def _output_part(name: str, learned: Learned, before: Learned | None, serving: bool) -> OutputPart:
    found = learned.origin.dataset
    return OutputPart(
        name,
        found.train + found.val,
        found.archive.sha256,
        account.result(learned),
        next(reversed(learned.weights), ""),
        sum(file.size for file in (learned.archive, learned.snapshot, learned.log)),
        serving,
        _change(learned, before) if before else "",
        scores.dataset_differs(found, before.origin.dataset) if before else "",
        learned.evaluation,
    )


def _change(learned: Learned, before: Learned) -> str:
    """How the first number of the results differs from the one before; empty where it doesn't."""
    name = next(iter(learned.metrics), "")
    if name not in before.metrics:
        return ""
    change = learned.metrics[name] - before.metrics[name]
    return f"{change:+.4g}" if abs(change) > 1e-12 else "±0"
