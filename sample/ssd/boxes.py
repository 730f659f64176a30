"""Boxes as tensors: how they overlap, the best of those that do, tiles of a picture, and average precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

OVERLAP = 0.45
"""Of two boxes that overlap by more, the better one stays."""


class Found(NamedTuple):
    """What was found on a picture: boxes (n, 4) as left, top, right, bottom, their scores and labels' numbers."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor

    def at(self, chosen: Tensor) -> Found:
        return Found(self.boxes[chosen], self.scores[chosen], self.labels[chosen])


def joined(found: Sequence[Found]) -> Found:
    return Found(*(torch.cat(parts) for parts in zip(*found, strict=True)))


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """The intersection over union of each of some boxes with each of others."""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(1) for boxes in (first, second)]
    return shared / (areas[0][:, None] + areas[1][None] - shared).clamp(min=1e-9)


def suppressed(found: Found, most: int = 100, overlap: float = OVERLAP) -> Found:
    """The best of those that overlap and have one label, the surest first, without torchvision's operators."""
    found = found.at(found.scores.argsort(descending=True, stable=True)[: most * 4])
    rivals = (overlaps(found.boxes, found.boxes) > overlap) & (found.labels[:, None] == found.labels[None])
    gone, kept = torch.zeros(len(found.scores), dtype=torch.bool), []
    for place, near in enumerate(rivals.cpu()):
        if not gone[place]:
            kept.append(place)
            gone |= near
    return found.at(torch.tensor(kept[:most], dtype=torch.long, device=found.scores.device))


def tiles(width: int, height: int, side: int) -> Iterator[tuple[int, int]]:
    """Left upper corners of squares that cover a picture; neighbours share a third of their side."""
    step = side * 2 // 3
    for y in [*range(0, max(height - side, 0), step), max(height - side, 0)]:
        for x in [*range(0, max(width - side, 0), step), max(width - side, 0)]:
            yield x, y


def uncut(boxes: Tensor, corner: tuple[int, int], side: int, width: int, height: int) -> Tensor:
    """Which of the boxes found on a tile end on it: what its inner edge cuts, another tile shows whole."""
    (x, y), near = corner, side / 100
    cut = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    if x > 0:
        cut |= boxes[:, 0] < x + near
    if y > 0:
        cut |= boxes[:, 1] < y + near
    if x + side < width:
        cut |= boxes[:, 2] > x + side - near
    if y + side < height:
        cut |= boxes[:, 3] > y + side - near
    return ~cut


def told(name: str, found: Found, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """What was found on a picture as COCO has it, with names in place of ids."""
    rows = zip(found.boxes.tolist(), found.scores.tolist(), found.labels.tolist(), strict=True)
    return [
        {
            "file_name": name,
            "label": labels[label],
            "bbox": [round(left, 2), round(top, 2), round(right - left, 2), round(bottom - top, 2)],
            "score": round(score, 5),
        }
        for (left, top, right, bottom), score, label in rows
    ]


class Judged(NamedTuple):
    """How well one label was found. ap50 is None where nothing was to be found."""

    boxes: int
    ap50: float | None
    precision: float | None
    recall: float | None


def judged(truth: Sequence[tuple[Tensor, Tensor]], found: Sequence[Found], label: int, score: float = 0.5) -> Judged:
    """The average precision of a label at an overlap of half, and precision and recall from a score on.

    truth and found: boxes and labels' numbers of each image.
    """
    scores, right, objects = [], [], 0
    for (boxes, labels), one in zip(truth, found, strict=True):
        wanted, given = boxes[labels == label], one.at((one.labels == label).nonzero()[:, 0])
        objects += len(wanted)
        free = [True] * len(wanted)
        for row, sure in zip(overlaps(given.boxes, wanted), given.scores.tolist(), strict=True):
            best = max((place for place in range(len(wanted)) if free[place]), key=row.__getitem__, default=None)
            hit = best is not None and bool(row[best] >= 0.5)
            if hit and best is not None:
                free[best] = False
            scores.append(sure)
            right.append(hit)
    if not objects:
        return Judged(0, None, None, None)
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    hits = torch.tensor([right[place] for place in order], dtype=torch.float64).cumsum(0)
    precision = hits / torch.arange(1, len(order) + 1)
    best_from = precision.flip(0).cummax(0).values.flip(0) if len(order) else precision
    reached = torch.searchsorted(hits / objects, torch.linspace(0, 1, 101, dtype=torch.float64) - 1e-9)
    ap50 = float(torch.cat([best_from, torch.zeros(1)])[reached].mean())
    sure = sum(one >= score for one in scores)
    right_and_sure = sum(hit and one >= score for hit, one in zip(right, scores, strict=True))
    return Judged(objects, ap50, right_and_sure / sure if sure else None, right_and_sure / objects)
