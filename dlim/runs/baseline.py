"""The least that a weight has to do: what plain template matching finds on the shots, with a learner's masters."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from dlim.augment import images
from dlim.geometry import Box, Object, Size
from dlim.names import mapped
from dlim.projects import Project
from dlim.runs import evaluation
from dlim.runs.evaluation import Prediction
from dlim.runs.record import Judged
from dlim.scenes import masks
from dlim.shots import Shot
from dlim.stages import boxes

Grey = npt.NDArray[np.float32]

SCALES = tuple(0.5 * 2 ** (step / 8) for step in range(17))
"""At which sizes a master is looked for, in those of its own."""

COARSE, FINE = 8, 32
"""Pixels of a template's shorter side as it is looked for everywhere, and at most as it is measured where it may be."""

LEAST = 0.4
"""How like its template a place must be, of 1, to be measured."""

PLACES = 12
"""How many places of a shot are measured for a template."""

EACH = 8
"""How many masters of one label are looked for."""

FLAT = 16.0
"""What has less variance than that is of one colour, and like anything."""


_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Template:
    """A master's object: its label, as the learner calls it, its pixels, and how much each belongs to it, 0 to 1."""

    label: str
    pixels: Grey
    mask: Grey

    @property
    def size(self) -> Size:
        return self.pixels.shape[1], self.pixels.shape[0]


def truth(shots: Sequence[Shot], labels: Mapping[str, str], learned: Collection[str]) -> dict[str, list[Object]]:
    """What is asked for on shots: objects of what a learner learns, as it calls them; others are left out."""
    named = {
        shot.image.name: [replace(each, label=mapped(each.label, labels)) for each in shot.objects] for shot in shots
    }
    return {name: [each for each in things if each.label in learned] for name, things in named.items()}


def templates(project: Project, labels: Mapping[str, str], canvas: Size) -> Iterator[Template]:
    """The objects of a master. canvas: of labelling. Raises ProjectError or AnnotationError where it has no boxes."""
    size, things, _ = boxes.objects_of(project, canvas)
    master = images.read(project.image)
    drawn = masks.read(project.mask, size) if project.mask.is_file() else None
    mask = masks.suggested(master, [thing.box for thing in things]) if drawn is None else drawn
    grey = _grey(cv2.cvtColor(master, cv2.COLOR_RGB2GRAY))
    for thing in things:
        box = thing.box.rounded(*size)
        part = np.s_[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)]
        inside = mask[part].astype(np.float32) / 255
        yield Template(mapped(thing.label, labels), grey[part], inside if inside.any() else np.ones_like(inside))


def wanted(found: Sequence[Template], labels: Iterable[str]) -> list[Template]:
    """Those of labels that shots show, of each label some evenly, as many as can be looked for in a bounded time."""
    chosen = []
    for label in sorted(set(labels)):
        own = [one for one in found if one.label == label]
        chosen += [own[place * len(own) // EACH] for place in range(EACH)] if len(own) > EACH else own
    return chosen


def judged(
    shots: Sequence[Shot],
    truth: evaluation.Truth,
    looked_for: Sequence[Template],
    digest: str,
    told: Callable[[int], object],
) -> Judged:
    """What the templates find on shots, judged. told: takes how many shots are looked through. All cores are used."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # a shot a core is faster than a core's share of each
    predictions: list[Prediction] = []
    try:
        with ThreadPoolExecutor(_CORES) as pool:
            try:
                for number, found in enumerate(pool.map(lambda shot: predicted(shot, looked_for), shots), 1):
                    predictions += found
                    told(number)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        cv2.setNumThreads(threads)
    return evaluation.to_json(evaluation.evaluate(truth, predictions), digest, len(shots))


def predicted(shot: Shot, looked_for: Sequence[Template]) -> list[Prediction]:
    """What the templates find on a shot: of each label what doesn't overlap what is more like it."""
    picture = _grey(cv2.cvtColor(images.read(shot.image), cv2.COLOR_RGB2GRAY))
    kept: list[Prediction] = []
    for label in sorted({one.label for one in looked_for}):
        found = [place for one in looked_for if one.label == label for place in _places(picture, one)]
        kept += [Prediction(shot.image.name, label, box, likeness) for likeness, box in _apart(found)]
    return kept


Place = tuple[float, Box]
"""How like its template a part of a shot is, and the part."""


def _places(picture: Grey, template: Template) -> list[Place]:
    """Where a template may be: looked for on small copies of the shot, measured on larger ones."""
    found: list[tuple[float, Box, float]] = []
    for scale in SCALES:
        share = min(1.0, COARSE / (min(template.size) * scale))
        found += [(likeness, box, scale) for likeness, box in _peaks(picture, template, scale, share)]
    found.sort(key=lambda place: -place[0])
    chosen = _apart([(likeness, box) for likeness, box, _ in found], PLACES)
    scales = {box: scale for _, box, scale in found}
    return [_measured(picture, template, scales[box], box) for _, box in chosen]


def _peaks(picture: Grey, template: Template, scale: float, share: float) -> Iterator[Place]:
    """The places of a shot that are most like a template of one size. share: by how much both are made smaller."""
    small, (across, down) = _resized(picture, share)
    likeness, (width, height) = _likeness(small, template, scale * across, scale * down)
    for _ in range(PLACES if likeness.size else 0):
        _, most, _, (x, y) = cv2.minMaxLoc(likeness)
        if most < LEAST:
            return
        yield most, Box(x / across, y / down, (x + width) / across, (y + height) / down)
        likeness[max(0, y - height // 2) : y + height // 2 + 1, max(0, x - width // 2) : x + width // 2 + 1] = -1


def _measured(picture: Grey, template: Template, scale: float, box: Box) -> Place:
    """The best of the sizes and places near one that was found on a small copy."""
    share = min(1.0, FINE / (min(template.size) * scale))
    room = max(box.width, box.height) / 4
    near = box.clipped(picture.shape[1], picture.shape[0])
    left, top = max(0, int(near.x1 - room)), max(0, int(near.y1 - room))
    part = picture[top : int(near.y2 + room) + 1, left : int(near.x2 + room) + 1]
    found = [
        (likeness, one.shifted(left, top))
        for step in range(-4, 5)
        for likeness, one in _best(part, template, scale * 2 ** (step / 24), share)
    ]
    return max(found, key=lambda place: place[0], default=(0.0, box))


def _best(part: Grey, template: Template, scale: float, share: float) -> Iterator[Place]:
    small, (across, down) = _resized(part, share)
    likeness, (width, height) = _likeness(small, template, scale * across, scale * down)
    if likeness.size:
        _, most, _, (x, y) = cv2.minMaxLoc(likeness)
        yield most, Box(x / across, y / down, (x + width) / across, (y + height) / down)


def _resized(picture: Grey, share: float) -> tuple[Grey, tuple[float, float]]:
    """A copy made smaller, and by how much across and down, in whole pixels."""
    height, width = picture.shape
    size = max(1, round(width * share)), max(1, round(height * share))
    small = picture if size == (width, height) else _grey(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    return small, (size[0] / width, size[1] / height)


def _likeness(picture: Grey, template: Template, across: float, down: float) -> tuple[Grey, Size]:
    """How like a template of another size each part of a picture is, -1 to 1, and that size; none where it is larger.

    It is the correlation of what differs from the mean, of the pixels in the mask alone: OpenCV's TM_CCOEFF_NORMED, but
    that this has no end where a picture is of one colour.
    """
    width, height = (max(4, round(side * by)) for side, by in zip(template.size, (across, down), strict=True))
    if width > picture.shape[1] or height > picture.shape[0]:
        return np.empty((0, 0), np.float32), (width, height)
    way = cv2.INTER_AREA if across * down < 1 else cv2.INTER_LINEAR
    mask = cv2.resize(template.mask, (width, height), interpolation=way)
    pixels = cv2.resize(template.pixels, (width, height), interpolation=way)
    count = float(mask.sum())
    differs = (pixels - float((pixels * mask).sum()) / count) * mask
    own = float((differs * differs / np.maximum(mask, 1e-6)).sum()) / count
    if own < FLAT:
        return np.zeros((1, 1), np.float32), (width, height)
    cross = cv2.matchTemplate(picture, differs, cv2.TM_CCORR) / count
    mean = cv2.matchTemplate(picture, mask, cv2.TM_CCORR) / count
    varies = cv2.matchTemplate(picture * picture, mask, cv2.TM_CCORR) / count - mean * mean
    found = np.divide(cross, np.sqrt(np.maximum(varies, FLAT) * own))
    found[varies < FLAT] = 0
    return _grey(found), (width, height)


def _apart(found: Iterable[Place], most: int = evaluation.MOST) -> list[Place]:
    """The places that overlap none that is more like its template, the best first."""
    kept: list[Place] = []
    for likeness, box in sorted(found, key=lambda place: -place[0]):
        if len(kept) == most:
            break
        if not kept or evaluation.iou([box], [one for _, one in kept]).max() < 0.3:
            kept.append((likeness, box))
    return kept


def _grey(pixels: npt.NDArray[np.generic] | cv2.typing.MatLike) -> Grey:
    """Pixels as numbers around 0, where sums of squares lose least."""
    return np.asarray(pixels, np.float32) - (128 if pixels.dtype == np.uint8 else 0)
