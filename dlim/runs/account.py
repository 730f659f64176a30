"""Outputs in words: the lines of their table, and all that a record says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from dlim.console import cut, megabytes
from dlim.runs import scores
from dlim.runs.outputs import Output
from dlim.runs.record import REJUDGE, Learned, Record, local_time
from dlim.runs.scores import Baseline
from dlim.runs.state import State
from dlim.runs.unfinished import Unfinished

HEADS = ("name", "when", "learner", "dataset", "on shots", "result", "size", "", "memo")
"""What stands over the table's columns; the one without a head says what is in service."""

Row = tuple[str, ...]

_CELL = 50  # characters of why a weight was not judged
_SHORT = 12  # signs of a digest that tell it from others


def rows(output: Output, serving: Collection[str]) -> Iterator[Row]:
    """An output in the table, a line for each learner. serving: the learners for which it is in service."""
    record = output.record
    for number, (name, learned) in enumerate(record.learners.items()):
        dataset = learned.origin.dataset
        size = sum(file.size for file in (learned.archive, learned.snapshot, learned.log))
        yield (
            "" if number else output.name,
            "" if number else local_time(record.ended),
            name,
            f"{dataset.train + dataset.val:,} images, {dataset.archive.sha256[:_SHORT]}",
            on_shots(learned),
            result(learned),
            megabytes(size),
            "in service" if name in serving else "",
            "" if number else record.memo,
        )


def growing(task: Unfinished, jobs: Mapping[str, State] | None = None) -> Iterator[Row]:
    """A learning task that isn't an output yet, in the table. jobs: what servers say of it, by learner.

    Whether it was cancelled, failed or was lost only its server knows: without that, it says "not yet" of each.
    """
    for number, name in enumerate(task.task.learners):
        yield (
            "" if number else task.task.name,
            "" if number else local_time(task.task.began),
            name,
            "",
            "",
            "has learned" if task.learned(name) else _not_yet(task, (jobs or {}).get(name)),
            "",
            "",
            "" if number else task.task.memo,
        )


def _not_yet(task: Unfinished, job: State | None) -> str:
    if job is None or job.kind == "none":
        return "not yet"
    if job.kind == "succeeded":
        return "not yet brought back"
    if job.kind == "running":
        return f"not yet: at its {job.step}"
    return f"{'cancelled' if is_cancelled(job) else f'not yet: {job.told}'}; {way_on(task)}"


def is_cancelled(job: State) -> bool:
    """Whether a job has ended because somebody wanted it to."""
    return job.kind == "failed" and bool(job.cancelled)


def way_on(task: Unfinished) -> str:
    """What to do about a learning task that won't go on by itself."""
    return f"the same doit task begins it anew, doit output:rm {task.task.name} drops it"


def on_shots(learned: Learned) -> str:
    """How it does on shots, in a cell; why that isn't known, where it was to be."""
    if learned.evaluation:
        return f"AP50 {scores.points(learned.evaluation.total.ap50)}"
    return cut(f"not judged: {learned.unjudged}", _CELL) if learned.unjudged else ""


def result(learned: Learned) -> str:
    """The first number of a learner's results; and where its test failed, that."""
    number = next((f"{key} {value:.4g}" for key, value in learned.metrics.items()), "")
    code = learned.job.test_exit_code
    return "; ".join(filter(None, [f"test failed, status {code}" if code else "", number]))


def told(
    record: Record, learners: Iterable[str] = (), baselines: Mapping[str, Baseline] | None = None
) -> Iterator[str]:
    """All that a record says, of those learners or of all. baselines: to stand beside what was judged, if any."""
    yield f"{record.name}: {record.memo or 'no memo'}"
    yield f"  by {record.by}, {_span(record.began, record.ended)}"
    for name in learners or record.learners:
        yield f"  {name}"
        learned = record.learners[name]
        beside = (
            scores.beside_baseline(name, learned.evaluation, baselines.get(name))
            if (learned.evaluation and baselines is not None)
            else ""
        )
        yield from (f"    {line}" for line in _learned(learned, beside))


def _learned(learned: Learned, beside: str) -> Iterator[str]:
    origin, where, job = learned.origin, learned.where, learned.job
    yield f"learned on {where.address} ({where.machine}), {_span(job.since, job.ended)}"
    yield f"command {job.command}: status {job.exit_code}"
    if job.test:
        yield f"test {job.test}: status {job.test_exit_code}"
    if job.predict:
        yield f"predict {job.predict}: status {job.predict_exit_code}"
    if learned.evaluation:
        yield from scores.told(learned.evaluation)
    elif learned.unjudged:
        yield f"not judged on shots: {learned.unjudged}; {REJUDGE}"
    if beside:
        yield f"  {beside}"
    if learned.metrics or learned.details:
        yield f"results, as of val: {scores.of_val(learned)}"
    yield from (f"result {key} {value:g}" for key, value in learned.metrics.items())
    tables: dict[str, list[str]] = {}
    for key, value in learned.details.items():
        table, _, name = key.rpartition(".")
        tables.setdefault(table, []).append(f"{name} {value:g}")
    yield from (f"result {table}: {', '.join(values)}" for table, values in tables.items())
    for path, file in learned.weights.items():
        yield f"weight {path} {megabytes(file.size)}, sha256 {file.sha256}"
    dataset = origin.dataset
    yield f"dataset {dataset.train:,} train, {dataset.val:,} val, sha256 {dataset.archive.sha256}"
    for what, revision in (
        ("source", origin.revision),
        ("program", origin.program_revision),
        ("program on the server", learned.program),
    ):
        if revision:
            yield f"{what} {revision.commit}{', and files that differed from it' if revision.changed else ''}"
    yield from (f"settings {_short(path, digest)}" for path, digest in origin.settings.get("files", {}).items())
    yield from (f"program {_short(path, digest)}" for path, digest in origin.program.items())
    for project, files in origin.projects.items():
        yield f"project {project}: {', '.join(_short(path, digest) for path, digest in files.items())}"


def _span(began: str, ended: str) -> str:
    begin, end, duration = local_time(began), local_time(ended), lasted(began, ended)
    day, _, clock = end.partition(" ")
    return f"{begin} to {clock if begin.startswith(day) else end}{f', {duration}' if duration else ''}"


def lasted(began: str, ended: str) -> str:
    """How long it is from one time of a record to another: `33 s`, `47 min`, `5 h 20 min`; empty where it is unknown.

    It is where one of them is no time, or they go backwards.
    """
    try:
        seconds = round((datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds())
    except (ValueError, TypeError):
        return ""
    if seconds < 120:
        return f"{seconds} s" if seconds >= 0 else ""
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60:,} h {minutes % 60} min"


def _short(path: str, digest: str) -> str:
    return f"{path} {digest[:_SHORT]}"
