"""Outputs in words: the lines of their table, and all that a record says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from dlim.learning.outputs import Output
from dlim.learning.record import Learned, Record, local_time
from dlim.learning.unfinished import Unfinished

HEADS = ("name", "when", "learner", "dataset", "result", "size", "", "memo")
"""What stands over the table's columns; the one without a head says what is in service."""

Row = tuple[str, ...]

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
            result(learned),
            f"{size / 1e6:,.1f} MB",
            "in service" if name in serving else "",
            "" if number else record.memo,
        )


def growing(task: Unfinished) -> Iterator[Row]:
    """A learning task that isn't an output yet, in the table."""
    for number, name in enumerate(task.task.learners):
        yield (
            "" if number else task.task.name,
            "" if number else local_time(task.task.began),
            name,
            "",
            "has learned" if task.learned(name) else "not yet",
            "",
            "",
            "" if number else task.task.memo,
        )


def result(learned: Learned) -> str:
    """The first number of a learner's results."""
    return next((f"{key} {value:.4g}" for key, value in learned.metrics.items()), "")


def told(record: Record, learners: Iterable[str] = ()) -> Iterator[str]:
    """All that a record says, of those learners or of all."""
    yield f"{record.name}: {record.memo or 'no memo'}"
    yield f"  by {record.by}, {local_time(record.began)} to {local_time(record.ended)}"
    for name in learners or record.learners:
        yield f"  {name}"
        yield from (f"    {line}" for line in _learned(record.learners[name]))


def _learned(learned: Learned) -> Iterator[str]:
    origin, where, job = learned.origin, learned.where, learned.job
    yield f"learned on {where.address} ({where.machine}), {local_time(job.since)} to {local_time(job.ended)}"
    yield f"command {job.command}: status {job.exit_code}"
    if job.test:
        yield f"test {job.test}: status {job.test_exit_code}"
    yield from (f"result {key} {value:g}" for key, value in learned.metrics.items())
    for path, file in learned.weights.items():
        yield f"weight {path} {file.size / 1e6:,.1f} MB, sha256 {file.sha256}"
    dataset = origin.dataset
    yield f"dataset {dataset.train:,} train, {dataset.val:,} val, sha256 {dataset.archive.sha256}"
    if origin.revision:
        changed = ", and files that differed from it" if origin.revision.changed else ""
        yield f"source {origin.revision.commit}{changed}"
    yield from (f"settings {_short(path, digest)}" for path, digest in origin.settings.get("files", {}).items())
    yield from (f"program {_short(path, digest)}" for path, digest in origin.program.items())
    for project, files in origin.projects.items():
        yield f"project {project}: {', '.join(_short(path, digest) for path, digest in files.items())}"


def _short(path: str, digest: str) -> str:
    return f"{path} {digest[:_SHORT]}"
