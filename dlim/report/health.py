"""The health of a dataset: what is wrong in it, what asks for a second look, and what is merely to be known."""

from __future__ import annotations

from dlim.report.checks import boxes, files, images, labels
from dlim.report.dataset import Dataset
from dlim.report.finding import Case, Finding, Thresholds

CHECKS = (
    images.LEAKS,
    images.CONTRADICTIONS,
    files.LISTS,
    files.MISSING,
    images.UNREADABLE,
    boxes.UNREADABLE,
    images.SIZES,
    labels.ODD,
    labels.MERGED,
    boxes.OUTSIDE,
    boxes.BLANK,
    images.REPEATS,
    files.CHANGED,
    boxes.OVERLAPPING,
    boxes.TINY,
    boxes.SMALL,
    labels.UNSEEN,
    files.NAMES,
    files.STRAYS,
    boxes.CLIPPED,
    images.MASTERS,
    images.LEFT_OUT,
    labels.UNVALIDATED,
)
"""Everything that is looked for: faults, then warnings, then notes."""


def judged(dataset: Dataset, thresholds: Thresholds) -> tuple[Finding, ...]:
    """What every check finds, in the order of CHECKS; a finding without a case says that all is well."""
    totals = {
        "": 0,
        "images": len(dataset.examples),
        "boxes": sum(len(example.objects) for example in dataset.examples.values()),
    }
    # sorting is stable: the rest stays in the check's own order
    return tuple(
        Finding(check, tuple(sorted(check.find(dataset, thresholds), key=_is_as_packed)), totals[check.of])
        for check in CHECKS
    )


def _is_as_packed(case: Case) -> bool:
    return not (case.example and case.example.changed)
