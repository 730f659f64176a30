"""The sheet of a build: its master, then samples of every operation, or the images that ask for a second look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dlim.errors import AugmentError
from dlim.frame import canvas_name
from dlim.names import nearest
from dlim.report import sheet, words
from dlim.report.built import Built, Sample
from dlim.report.layout import Section
from dlim.report.worst import worst_of
from dlim.variation import Variation

if TYPE_CHECKING:
    from PIL import Image

COUNT = 16
DRAWN = 96
WORST = 15
"""How many images a sheet shows unless told otherwise, of what a generator draws, and of the worst: as many a kind."""

FOLDER = ".preview"
"""The folder, in a project's build/, of its sheets, and of what its script printed for one in a notebook."""


def written(built: Built, n: int | None = None, operations: Sequence[str] | None = None, worst: bool = False) -> Path:
    """Save the sheet of a build as <learner>.png in FOLDER, or <learner>.worst.png, and return that path."""
    path = built.project.build / FOLDER / f"{built.name}{'.worst' if worst else ''}.png"
    sheet.save(contact_sheet(built, n, operations, worst), path)
    return path


def contact_sheet(
    built: Built, n: int | None = None, operations: Sequence[str] | None = None, worst: bool = False
) -> Image.Image:
    """The sheet of a build: its master first, then n of its images with their boxes and what was drawn for them.

    n: 16 unless given, or 96 of a generator, or 15 of the worst; at least one of every operation is shown.
    operations: only of these; of all where there are none. worst: instead of samples of each operation, those of
    their images that have the smallest boxes, the most cut off, and the darkest.
    Raises AugmentError where there is nothing of what was asked for.
    """
    project = built.project
    usual = WORST if worst else DRAWN if project.settings.generator else COUNT
    count = usual if n is None else n
    if count < 1:
        raise AugmentError("the sheet", f"has {count} variations", "say how many to show, 1 or more")
    found = built.samples()
    chosen = _chosen(project.name, found, operations)
    title = f"{project.name} for {built.name}: {len(found):,} images, {canvas_name(built.learner.size)}"
    first = [*built.master(), *built.whole(found[0])]
    sections = worst_of(built, _all(chosen), count) if worst else _spread(built, chosen, count)
    return sheet.draw(title, [Section("", first), *sections] if first else sections)


def _chosen(project: str, samples: Sequence[Sample], operations: Sequence[str] | None) -> dict[str, list[Sample]]:
    """The images of each operation asked for."""
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(sample.record.operation, []).append(sample)
    for name in operations or ():
        if name not in found:
            raise AugmentError(project, f'"{name}" made none of its images', nearest(name, found))
    return {name: group for name, group in found.items() if not operations or name in operations}


def _all(chosen: dict[str, list[Sample]]) -> list[Sample]:
    return [sample for group in chosen.values() for sample in group]


def _spread(built: Built, chosen: dict[str, list[Sample]], count: int) -> list[Section]:
    """A section for each operation."""
    shares = shared_out(count, [len(group) for group in chosen.values()])
    return [
        Section(
            f"{name}: {len(group):,} images",
            [built.picture(sample, _told(sample.record)) for sample in evenly(group, share)],
        )
        for (name, group), share in zip(chosen.items(), shares, strict=True)
    ]


def shared_out(count: int, sizes: Sequence[int]) -> list[int]:
    """How many images each group gets on a sheet: one at least, and no fewer than another unless it has no more."""
    shares = [1] * len(sizes)
    while sum(shares) < min(count, sum(sizes)):
        for number, size in enumerate(sizes):
            if shares[number] < size and sum(shares) < count:
                shares[number] += 1
    return shares


def evenly(group: Sequence[Sample], count: int) -> list[Sample]:
    """So many images of an operation, from one end of what was drawn for it to the other."""
    ranked = sorted(group, key=lambda sample: tuple(sample.record.parameters.values()))
    return [ranked[number * (len(ranked) - 1) // max(1, count - 1)] for number in range(count)]


def _told(record: Variation) -> list[str]:
    """What was drawn; where nobody noted that, the image's own name, and how far it moved."""
    return words.drawn(record.parameters) or [Path(record.filename).stem, *words.moved(record.mesh, record.crop)]
