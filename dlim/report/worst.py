"""The images of a build that ask for a second look: the smallest boxes, the most cut off, the darkest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from dlim.annotation import Box, Object
from dlim.report import words
from dlim.report.built import Built, Sample
from dlim.report.layout import Picture, Section

SLIGHT = 0.005
"""A smaller share of an object is no loss: a box of whole pixels is no more exact."""


class Look(NamedTuple):
    """What may be wrong with an image.

    box: its smallest one, in pixels. lost: the largest share of an object that was cut off, 0 to 1. light: the
    mean luminance inside its darkest box, 0 to 255.
    """

    sample: Sample
    box: Box
    lost: float
    light: float


class Kind(NamedTuple):
    """One way of being bad. rank: the lower the worse. told: the figure in words. bad: whether it is a fault at all."""

    heading: str
    rank: Callable[[Look], float]
    told: Callable[[Look], str]
    bad: Callable[[Look], bool] = lambda look: True


KINDS = (
    Kind("smallest", lambda look: look.box.area, lambda look: f"box {look.box.width:g}x{look.box.height:g} px"),
    Kind(
        "most cut off",
        lambda look: -look.lost,
        lambda look: f"{look.lost:.0%} cut off",
        lambda look: look.lost >= SLIGHT,
    ),
    Kind("darkest", lambda look: look.light, lambda look: f"luminance {look.light:.0f} of 255"),
)


def worst_of(built: Built, samples: Sequence[Sample], count: int) -> list[Section]:
    """A section for each kind, its worst images first; they share the count."""
    things = built.things()
    looks = [_look(built, things, sample) for sample in samples]
    return [
        _section(built, looks, kind, max(1, (count + len(KINDS) - 1 - number) // len(KINDS)))
        for number, kind in enumerate(KINDS)
    ]


def _section(built: Built, looks: Sequence[Look], kind: Kind, count: int) -> Section:
    found = sorted((look for look in looks if kind.bad(look)), key=kind.rank)[:count]
    return Section(kind.heading if found else f"{kind.heading}: none", [_picture(built, look, kind) for look in found])


def _picture(built: Built, look: Look, kind: Kind) -> Picture:
    record = look.sample.record
    told = words.drawn(record.parameters)
    operation = [] if any(line.startswith(record.operation) for line in told) else [record.operation]
    return built.picture(look.sample, [kind.told(look), look.sample.stem, *operation, *told])


def _look(built: Built, things: Sequence[Object], sample: Sample) -> Look:
    boxes = [thing.box for thing in built.boxes(sample)]
    smallest = min(boxes, key=lambda box: box.area)
    return Look(sample, smallest, _lost(built, things, sample), min(_lights(built.image(sample), boxes)))


def _lost(built: Built, things: Sequence[Object], sample: Sample) -> float:
    """The largest share of an object that lies outside the crop; an object that is gone has no box, and isn't meant."""
    record = sample.record
    boxes = [thing.box for thing in (things if record.objects is None else record.objects)]
    if built.learner.boxes == "follow":
        boxes = [record.mesh.followed(box) for box in boxes]
    seen = [box for box in boxes if box.seen(*record.crop)]
    return max((1 - box.clipped(*record.crop).area / box.area for box in seen), default=0)


def _lights(image: Path, boxes: Sequence[Box]) -> list[float]:
    """The mean luminance inside each box."""
    import numpy as np
    from PIL import Image

    with Image.open(image) as file:
        file.draft("L", file.size)  # a JPEG file has the luminance as it is; its colours need not be worked out
        grey = np.asarray(file.convert("L"))
    return [float(grey[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)].mean()) for box in boxes]
