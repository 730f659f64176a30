"""What a weight found on shots, judged against their boxes: average precision as COCO counts it, and its faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dlim.geometry import Box, Object
from dlim.runs.record import Edges, Figures, Find, Judged, Judges, Missed

Floats = npt.NDArray[np.float64]

OVERLAPS = tuple(0.5 + 0.05 * step for step in range(10))
"""The shares of overlap (intersection over union) at which COCO counts, from the most lenient."""

MOST = 100
"""How many predictions of a label count on a shot, the best by score."""

RECALLS = np.linspace(0, 1, 101)

WORST = 20
"""How many of the missed and of the false a record keeps."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a weight found on a shot: a label, a box in the shot's pixels, and a score; the higher, the surer."""

    shot: str
    label: str
    box: Box
    score: float


Truth = Mapping[str, Sequence[Object]]
"""The objects of each shot. Difficult ones are not asked for, and finding them is no fault."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Predictions judged.

    labels: the figures by label, sorted; total: their mean, and the sums. score: what a prediction needs to count as
    found or false: where precision and recall together (F1) are best. missed: objects that nothing found, largest
    first. false: predictions that are none, surest first. confused: how often an object of the first label was taken
    for the second.
    """

    labels: Mapping[str, Figures]
    total: Figures
    score: float
    missed: tuple[tuple[str, Object], ...]
    false: tuple[Prediction, ...]
    confused: Mapping[tuple[str, str], int]


def evaluate(truth: Truth, predictions: Sequence[Prediction]) -> Evaluation:
    """Judge what was found on some shots; all of them are in truth, also those without an object."""
    known = sorted({thing.label for things in truth.values() for thing in things})
    strange = sorted({one.label for one in predictions} - set(known))
    matched = {label: _Matched.of(label, truth, predictions) for label in [*known, *strange]}
    score = _best(list(matched.values()))
    labels = {label: found.judged(score, len(truth)) for label, found in matched.items()}
    missed = [item for found in matched.values() for item in found.missed(score, truth)]
    false = [one for found in matched.values() for one in found.false(score)]
    return Evaluation(
        labels=labels,
        total=_total(list(labels.values())),
        score=score,
        missed=tuple(sorted(missed, key=lambda item: -item[1].box.area)),
        false=tuple(sorted(false, key=lambda one: -one.score)),
        confused=_confused(missed, false),
    )


def to_json(evaluation: Evaluation, digest: str, count: int) -> Judged:
    """An evaluation as the record of an output has it. digest, count: of the labelled shots."""
    return Judged(
        shots=Judges(digest, count, evaluation.total.objects),
        score=evaluation.score,
        total=evaluation.total,
        labels=dict(evaluation.labels),
        missed=tuple(Missed(shot, thing.label, _edges(thing.box)) for shot, thing in evaluation.missed[:WORST]),
        false=tuple(Find(one.shot, one.label, _edges(one.box), one.score) for one in evaluation.false[:WORST]),
        confused=tuple((*pair, number) for pair, number in evaluation.confused.items()),
    )


def from_json(judged: Judged) -> Evaluation:
    """The evaluation that a record tells; of what was missed or false it has the worst."""
    return Evaluation(
        labels=judged.labels,
        total=judged.total,
        score=judged.score,
        missed=tuple((one.shot, Object(one.label, _box(one.box))) for one in judged.missed),
        false=tuple(Prediction(one.shot, one.label, _box(one.box), one.score) for one in judged.false),
        confused={(first, second): number for first, second, number in judged.confused},
    )


def _edges(box: Box) -> Edges:
    return box.x1, box.y1, box.width, box.height


def _box(edges: Edges) -> Box:
    x, y, width, height = edges
    return Box(x, y, x + width, y + height)


def false_at_recall(truth: Truth, predictions: Sequence[Prediction], recall: float) -> float | None:
    """The false finds a shot when just so much is found, all labels together; None where that is never reached."""
    labels = {thing.label for things in truth.values() for thing in things}
    matched = [_Matched.of(label, truth, predictions) for label in sorted(labels)]
    scores, right, wrong = _pooled(matched)
    wanted = recall * sum(found.objects for found in matched)
    reached = np.flatnonzero(np.cumsum(right) >= wanted)
    return float(np.cumsum(wrong)[reached[0]] / len(truth)) if len(scores) and len(reached) else None


@dataclass(frozen=True, slots=True)
class _Matched:
    """One label's predictions by falling score, and what each of them is at every overlap.

    right: it found an object, by overlap and prediction; passed: it found a difficult one, and doesn't count.
    taken: the objects found at an overlap of 0.5, each with its shot, its place there, and the score that found it.
    """

    objects: int
    predictions: list[Prediction]
    right: npt.NDArray[np.bool_]
    passed: npt.NDArray[np.bool_]
    taken: Mapping[tuple[str, int], float]
    label: str

    @classmethod
    def of(cls, label: str, truth: Truth, predictions: Sequence[Prediction]) -> _Matched:
        ordered = sorted((one for one in predictions if one.label == label), key=lambda one: -one.score)
        by_shot: dict[str, list[int]] = {}
        for place, one in enumerate(ordered):
            if one.shot in truth and len(by_shot.setdefault(one.shot, [])) < MOST:
                by_shot[one.shot].append(place)
        kept = sorted(place for places in by_shot.values() for place in places)
        row = {place: number for number, place in enumerate(kept)}
        chosen = [ordered[place] for place in kept]
        right = np.zeros((len(OVERLAPS), len(chosen)), bool)
        passed = np.zeros_like(right)
        taken: dict[tuple[str, int], float] = {}
        for shot, places in by_shot.items():
            things = [(n, thing) for n, thing in enumerate(truth[shot]) if thing.label == label]
            # difficult ones last: an object that is asked for goes before them
            things.sort(key=lambda item: item[1].difficult)
            overlaps = iou([ordered[place].box for place in places], [thing.box for _, thing in things])
            for level, least in enumerate(OVERLAPS):
                for place, thing in _pairs(overlaps, [thing.difficult for _, thing in things], least):
                    number, found = things[thing]
                    (passed if found.difficult else right)[level, row[places[place]]] = True
                    if not level:
                        taken[shot, number] = ordered[places[place]].score
        objects = sum(thing.label == label and not thing.difficult for things in truth.values() for thing in things)
        return cls(objects, chosen, right, passed, taken, label)

    def judged(self, score: float, shots: int) -> Figures:
        sure = np.array([one.score >= score for one in self.predictions], bool)
        false = int((sure & ~self.right[0] & ~self.passed[0]).sum())
        found = int((sure & self.right[0]).sum())
        levels = [self._precision(level) for level in range(len(OVERLAPS))] if self.objects else None
        mean = float(np.mean(levels)) if levels else None
        return Figures(levels[0] if levels else None, mean, self.objects, found, false / max(shots, 1))

    def _precision(self, level: int) -> float:
        """The average precision at an overlap: of 101 recalls, the best precision at that recall or a higher one."""
        counted = ~self.passed[level]
        right = self.right[level][counted]
        hits = np.cumsum(right)
        recall = hits / self.objects
        precision = hits / np.arange(1, len(right) + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        place = np.searchsorted(recall, RECALLS, side="left")
        return float(np.where(place < len(best), np.append(best, 0)[np.minimum(place, len(best))], 0).mean())

    def missed(self, score: float, truth: Truth) -> Iterator[tuple[str, Object]]:
        for shot, things in truth.items():
            for number, thing in enumerate(things):
                asked = thing.label == self.label and not thing.difficult
                if asked and self.taken.get((shot, number), -np.inf) < score:
                    yield shot, thing

    def false(self, score: float) -> list[Prediction]:
        wrong = ~self.right[0] & ~self.passed[0]
        return [one for one, no in zip(self.predictions, wrong, strict=True) if no and one.score >= score]


def _pairs(overlaps: Floats, difficult: Sequence[bool], least: float) -> Iterator[tuple[int, int]]:
    """Which prediction finds which object: by falling score, each the free object that it covers best."""
    free = [True] * overlaps.shape[1]
    for place, row in enumerate(overlaps):
        best, reached = -1, min(least, 1 - 1e-10)
        for thing, share in enumerate(row):
            if best >= 0 and not difficult[best] and difficult[thing]:
                break
            if free[thing] and share >= reached:
                best, reached = thing, share
        if best >= 0:
            free[best] = False
            yield place, best


def iou(first: Sequence[Box], second: Sequence[Box]) -> Floats:
    """By how much each of some boxes overlaps each of others: intersection over union."""
    a, b = (
        np.array([[box.x1, box.y1, box.x2, box.y2] for box in boxes], float).reshape(-1, 4) for boxes in (first, second)
    )
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = np.prod(np.clip(sides, 0, None), axis=2)
    area_a, area_b = (np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1) for boxes in (a, b))
    union = area_a[:, None] + area_b[None] - shared
    share: Floats = np.divide(shared, union, out=np.zeros_like(union), where=union > 0)
    return share


def _pooled(matched: Sequence[_Matched]) -> tuple[Floats, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The scores of all labels' predictions, falling, and whether each is right, and whether it is wrong."""
    scores = np.array([one.score for found in matched for one in found.predictions], float)
    right = np.concatenate([found.right[0] for found in matched]) if matched else np.zeros(0, bool)
    passed = np.concatenate([found.passed[0] for found in matched]) if matched else np.zeros(0, bool)
    order = np.argsort(-scores, kind="stable")
    return scores[order], right[order], ~right[order] & ~passed[order]


def _best(matched: Sequence[_Matched]) -> float:
    """The score at which F1 over all labels is best, the highest of them; 0 where nothing right was found."""
    scores, right, wrong = _pooled(matched)
    objects = sum(found.objects for found in matched)
    if not right.any() or not objects:
        return 0.0
    hits, faults = np.cumsum(right), np.cumsum(wrong)
    last = np.append(scores[1:] != scores[:-1], True)  # predictions of one score count together
    f1 = np.where(last, 2 * hits / (hits + faults + objects), -1)
    return float(scores[int(np.argmax(f1))])


def _total(labels: Sequence[Figures]) -> Figures:
    asked = [one for one in labels if one.objects]
    return Figures(
        ap50=float(np.mean([one.ap50 for one in asked])) if asked else None,
        ap=float(np.mean([one.ap for one in asked])) if asked else None,
        objects=sum(one.objects for one in labels),
        found=sum(one.found for one in labels),
        false=sum(one.false for one in labels),
    )


def _confused(missed: Sequence[tuple[str, Object]], false: Sequence[Prediction]) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for shot, thing in missed:
        others = [one for one in false if one.shot == shot and one.label != thing.label]
        overlaps = iou([thing.box], [one.box for one in others])[0]
        if len(overlaps) and overlaps.max() >= OVERLAPS[0]:
            pair = thing.label, others[int(np.argmax(overlaps))].label
            counts[pair] = counts.get(pair, 0) + 1
    return dict(sorted(counts.items()))
