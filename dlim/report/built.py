"""A build as one looks at it: its images with their records, and a picture of each with its boxes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from dlim import variation
from dlim.annotation import Box, Object
from dlim.augment import images
from dlim.augment.images import Pixels, size_of
from dlim.config import Learner
from dlim.formats import voc
from dlim.frame import Size
from dlim.names import mapped
from dlim.projects import Project
from dlim.report.layout import Mark, Picture
from dlim.stages import annotate, locate
from dlim.variation import Variation

CANVAS = 120
"""The longer side, as shown, of the picture that tells where on the canvas the crop stands."""

DOT, SEEN = 6, 14
"""A crop that has fewer pixels there, either way, is no more than a dot; what the frame around it has."""

WHITE = 208
"""What is darker than this is no white of a canvas, nor what JPEG makes of it beside an edge."""


class Sample(NamedTuple):
    """One image of a build: its stem there, and its variation's record."""

    stem: str
    record: Variation


@dataclass(frozen=True, slots=True)
class Built:
    """A project's images for one learner: the folders that locate, augment and annotate left.

    name: the learner's. A generator has no objects, and that folder isn't looked at.
    """

    project: Project
    name: str
    learner: Learner
    objects: Path
    variations: Path
    build: Path

    def samples(self) -> list[Sample]:
        """All images of the build, in the order of their making."""
        stems = {filename: stem for stem, (_, filename) in annotate.read_index(self.build).images.items()}
        records = variation.read(self.variations)
        return [Sample(stems[record.filename], record) for record in records if record.filename in stems]

    def image(self, sample: Sample) -> Path:
        return self.build / f"{sample.stem}.jpg"

    def boxes(self, sample: Sample) -> tuple[Object, ...]:
        """What the learner is told to be on an image, in the image's frame."""
        return voc.read(self.build / f"{sample.stem}{voc.SUFFIX}").objects

    def things(self) -> tuple[Object, ...]:
        """The master's objects, in its own frame; a generator has none."""
        return () if self.project.settings.generator else locate.read(self.objects)[2]

    def picture(self, sample: Sample, caption: list[str]) -> Picture:
        """The part of an image that isn't the canvas's white, with its boxes; a label isn't said twice."""
        pixels = images.read(self.image(sample))
        part = _part(pixels, sample.record)
        marks = [Mark(thing.box.shifted(-part.x1, -part.y1), thing.label) for thing in self.boxes(sample)]
        rows, columns = slice(int(part.y1), int(part.y2)), slice(int(part.x1), int(part.x2))
        labels = {mark.label for mark in marks}
        return Picture(pixels[rows, columns], marks, [line for line in caption if line not in labels])

    def master(self) -> list[Picture]:
        """The master with its boxes, as the learner calls them; nothing of a generator."""
        if self.project.settings.generator:
            return []
        pixels = images.read(self.project.image)
        marks = [Mark(thing.box, mapped(thing.label, self.learner.labels)) for thing in self.things()]
        width, height = size_of(pixels)
        return [Picture(pixels, marks, ["master", f"{width}x{height} px"])]

    def whole(self, sample: Sample) -> list[Picture]:
        """Where on the canvas a crop stands, as a small picture; nothing where there is no canvas around it."""
        record = sample.record
        if record.size == record.crop:
            return []
        x, y = record.origin
        crop, scale = Box(x, y, x + record.crop[0], y + record.crop[1]), min(1, CANVAS / max(record.size))
        mark = Mark(framed(crop, record.size, scale))
        return [Picture(images.read(self.image(sample)), [mark], ["on the canvas", f"at {x}, {y}"], scale)]


def framed(crop: Box, canvas: Size, scale: float) -> Box:
    """The frame that shows where on a canvas a crop stands: its own edges, or what is around a dot."""
    if min(crop.width, crop.height) * scale >= DOT:
        return crop
    x1, x2 = _widened(crop.x1, crop.x2, SEEN / scale, canvas[0])
    y1, y2 = _widened(crop.y1, crop.y2, SEEN / scale, canvas[1])
    return Box(x1, y1, x2, y2)


def _widened(low: float, high: float, least: float, end: float) -> tuple[float, float]:
    """A span with its middle where that is, at least so long if there is room, and between 0 and the end."""
    length = min(max(high - low, least), end)
    begin = min(max(0.0, (low + high - length) / 2), end - length)
    return begin, begin + length


def _part(pixels: Pixels, record: Variation) -> Box:
    """The part of an image worth a look: the crop, and what else of a canvas some script has drawn on."""
    import numpy as np

    x, y = record.origin
    drawn = pixels.min(axis=2) < WHITE
    columns, rows = np.nonzero(drawn.any(axis=0))[0], np.nonzero(drawn.any(axis=1))[0]
    crop = Box(x, y, x + record.crop[0], y + record.crop[1])
    if not len(columns):
        return crop
    return Box(
        min(crop.x1, int(columns[0])),
        min(crop.y1, int(rows[0])),
        max(crop.x2, int(columns[-1]) + 1),
        max(crop.y2, int(rows[-1]) + 1),
    )
