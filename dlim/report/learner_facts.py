"""One learner's facts: its dataset read and judged, and pictures of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from dlim import builds
from dlim.annotation import Object
from dlim.config import Learner
from dlim.frame import canvas_name
from dlim.projects import Project
from dlim.report import counts, dataset, health, sizes
from dlim.report.chart import chosen
from dlim.report.dataset import Dataset, Example, Owners
from dlim.report.facts import Archive, LearnerFacts, Shown, Since
from dlim.report.finding import Case, Finding, Thresholds
from dlim.report.samples import shared_out
from dlim.report.thumbnail import Thumbnail, palette, thumbnail
from dlim.stages import annotate

SAMPLES = 36
"""Pictures of a learner's images."""

PICTURES = 6
"""Pictures of what a check found."""


def learner_facts(
    name: str,
    learner: Learner,
    projects: Mapping[str, Project],
    folder: Path,
    thresholds: Thresholds,
    since: Since | None,
) -> LearnerFacts:
    """All that is to be told of a learner's dataset. projects: by title. folder: of the dataset."""
    canvas = canvas_name(learner.size)
    try:
        found = dataset.read(folder, owners(name, projects))
    except OSError as error:
        return LearnerFacts(name, canvas, fault=f"{error.filename or folder}: {error.strerror or error}")
    if found is None:
        return LearnerFacts(name, canvas)
    labels = {label for example in found.examples.values() for label in example.labels}
    colours = palette(sorted(labels))
    return LearnerFacts(
        name,
        canvas,
        archive(folder),
        counts.counted(found),
        tuple(_shown(found, each, colours) for each in health.judged(found, thresholds)),
        sizes.histogram(found, thresholds),
        _samples(found, colours),
        colours if len(set(colours.values())) > 1 else {},
        since,
    )


def owners(name: str, projects: Mapping[str, Project]) -> Owners:
    """Which project made each of a learner's images; what isn't built any more made none."""
    made: dict[str, str] = {}
    masters: dict[str, str] = {}
    for title, project in projects.items():
        try:
            index = annotate.read_index(project.build / name)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        masters[title] = index.master
        made.update(dict.fromkeys(index.images, title))
    return Owners(made, masters)


def archive(folder: Path) -> Archive | None:
    """What is known of a dataset's archive; None where it is gone."""
    file, manifest = (folder.with_name(f"{folder.name}{suffix}") for suffix in (".tar.gz", ".manifest.json"))
    try:
        entry = builds.read(manifest)[file.name]
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
        if case.example and case.example.size and len(first) < PICTURES:
            first.setdefault(case.example.id, (case.example, case.things))
    return list(first.values())


def _samples(found: Dataset, colours: Mapping[str, str]) -> tuple[Thumbnail, ...]:
    """Pictures of all projects, each from its first image to its last, in the order in which they were made."""
    groups: dict[str, list[Example]] = {}
    for example in found.examples.values():
        if example.size:
            groups.setdefault(example.project, []).append(example)
    names = sorted(groups)
    some = [groups[names[index]] for index in chosen(len(names), SAMPLES)]
    shares = shared_out(SAMPLES, [len(group) for group in some])
    pictures = (
        thumbnail(found.folder / example.image, example.objects, colours, _caption(found, example))
        for group, share in zip(some, shares, strict=True)
        for example in (group[index] for index in chosen(len(group), share))
    )
    return tuple(picture for picture in pictures if picture)


def _caption(found: Dataset, example: Example) -> list[str]:
    signs = [found.signs[label] for label in example.labels if label in found.signs]
    return [" ".join([example.id, *signs]), " and ".join(example.parts) or "in no list"]
