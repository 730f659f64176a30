"""Learning tasks and outputs as they lie in a workspace, for reports on them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from dlim.runs import record, unfinished
from dlim.runs.record import (
    Dataset,
    Figures,
    File,
    Find,
    Judged,
    Judges,
    Learned,
    Missed,
    Origin,
    Ran,
    Record,
    Where,
)
from dlim.runs.unfinished import Unfinished

LOG = "".join(
    f"epoch {number}/4 loss {1 / number:.4f} val_accuracy {0.5 + number / 10:.4f}\n" for number in range(1, 5)
)


def file(data: bytes) -> File:
    return File(len(data), hashlib.sha256(data).hexdigest())


def learned(
    log: str = LOG,
    *,
    projects: dict[str, dict[str, str]] | None = None,
    settings: dict[str, Any] | None = None,
    dataset: str = "ab",
    test: int | None = None,
    evaluation: Judged | None = None,
) -> Learned:
    """What a learner brought back."""
    origin = Origin(Dataset(File(5, dataset), {}, 8, 2), projects or {}, settings or {}, {}, {})
    return Learned(
        origin,
        Where("ssd", "trainer@gpu", "."),
        Ran("python3 train.py", 0, "2026-01-02T03:04:05Z", "2026-01-02T04:04:05Z", "python3 test.py", test),
        {"weights/old.pth": file(b"old"), "weights/best.pth": file(b"best")},
        file(b"archive"),
        file(b"snapshot"),
        file(log.encode()),
        {"val_accuracy": 0.875, "images": 512},
        evaluation=evaluation,
    )


def judged(points: float = 61.3, shots: str = "ab" * 32, picture: str = "") -> Judged:
    """An evaluation of two labels, with that AP50, of 100. picture: of the worst, in the output's folder."""
    labels = {"close": Figures(0.9, 0.6, 9, 8, 0.5), "skip_btn": Figures(points / 100, 0.2, 3, 1, 0.25)}
    return Judged(
        Judges(shots, 18, 12),
        0.41,
        Figures(points / 100, 0.4, 12, 9, 0.75),
        labels,
        (Missed("shot_00.jpg", "skip_btn", (1, 2, 30, 20), picture),) * 2,
        (Find("shot_01.jpg", "close", (1, 2, 30, 20), 0.93, picture),),
        (("skip_btn", "close", 2),),
    )


def output(
    outputs: Path, name: str, ended: str = "2026-01-02T05:00:00Z", memo: str = "", log: str = LOG, **parts: Learned
) -> None:
    """An output of learners by their names, of ssd where none is given."""
    folder = outputs / name
    folder.mkdir(parents=True)
    parts = parts or {"ssd": learned(log)}
    for learner in parts:
        (folder / f"{learner}.log").write_text(log, encoding="utf-8")
    whole = Record(name, memo, "ann@here", "2026-01-02T03:00:00Z", ended, parts)
    (folder / record.RECORD).write_bytes(record.write(whole))


def at_work(outputs: Path, name: str, memo: str = "", log: str = LOG) -> Unfinished:
    """A learning task of resnet34, which has learned, and of ssd, whose log has begun."""
    task = unfinished.begin(outputs, name, memo, ["resnet34", "ssd"])
    task.keep("resnet34", learned())
    for learner in task.task.learners:
        (task.folder / f"{learner}.log").write_text(log, encoding="utf-8")
    return task
