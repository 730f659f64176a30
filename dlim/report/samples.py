"""The sheet of a build: its master, then samples of every operation, or the images that ask for a second look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, hypot
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dlim import variation
from dlim.augment import images
from dlim.augment.images import Pixels, size_of
from dlim.config import Learner
from dlim.errors import AugmentError
from dlim.formats import voc
from dlim.geometry import Box, Mesh, Object, Size, canvas_name, grid
from dlim.names import mapped, nearest
from dlim.projects import Project
from dlim.report import sheet
from dlim.report.sheet import Mark, Picture, Section
from dlim.stages import annotate, boxes
from dlim.variation import Variation

if TYPE_CHECKING:
    from PIL import Image

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

    name: the learner's. variations: of a learner with scenes, what compose left. A generator has no objects, and that
    folder isn't looked at.
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
        return () if self.project.settings.generator else boxes.read(self.objects)[2]

    def picture(self, sample: Sample, caption: list[str]) -> Picture:
        """The part of an image that isn't the canvas's white, with its boxes; a label isn't said twice."""
        pixels = images.read(self.image(sample))
        part = _part(pixels, sample.record)
        marks = [Mark(thing.box.shifted(-part.x1, -part.y1), thing.label) for thing in self.boxes(sample)]
        rows, columns = slice(int(part.y1), int(part.y2)), slice(int(part.x1), int(part.x2))
        labels = {mark.label for mark in marks}
        return Picture(pixels[rows, columns], marks, [line for line in caption if line not in labels])

    def master(self) -> list[Picture]:
        """The master with its boxes, as the learner calls them; nothing of a generator.

        How large all pictures are shown is decided by it, or, where they are scenes, by those.
        """
        if self.project.settings.generator:
            return []
        pixels = images.read(self.project.image)
        marks = [Mark(thing.box, mapped(thing.label, self.learner.labels)) for thing in self.things()]
        width, height = size_of(pixels)
        longest = max(width, height)
        scale = (sheet.SMALL[1] // longest or 1 / ceil(longest / sheet.LARGE[0])) if self.learner.scene else 0
        return [Picture(pixels, marks, ["master", f"{width}x{height} px"], scale)]

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


# the sheet

COUNT = 16
DRAWN = 96
WORST = 15
"""How many images a sheet shows unless told otherwise, of crops that a generator draws, and of the worst: as many a
kind."""

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
    usual = WORST if worst else DRAWN if project.settings.generator and not built.learner.scene else COUNT
    count = usual if n is None else n
    if count < 1:
        raise AugmentError("the sheet", f"has {count} variations", "say how many to show, 1 or more")
    found = built.samples()
    chosen = _chosen(project.name, found, operations)
    what = "scenes" if built.learner.scene else "images"
    title = f"{project.name} for {built.name}: {len(found):,} {what}, {canvas_name(built.learner.size)}"
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
    return drawn(record.parameters) or [Path(record.filename).stem, *moved(record.mesh, record.crop)]


# the worst

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


CUT = Kind(
    "most cut off",
    lambda look: -look.lost,
    lambda look: f"{look.lost:.0%} cut off",
    lambda look: look.lost >= SLIGHT,
)
KINDS = (
    Kind("smallest", lambda look: look.box.area, lambda look: f"box {look.box.width:g}x{look.box.height:g} px"),
    CUT,
    Kind("darkest", lambda look: look.light, lambda look: f"luminance {look.light:.0f} of 255"),
)


def worst_of(built: Built, samples: Sequence[Sample], count: int) -> list[Section]:
    """A section for each kind, its worst images first; they share the count."""
    things = built.things()
    looks = [_look(built, things, sample) for sample in samples]
    # a scene's record has what is seen of its objects, and not what they were
    kinds = [kind for kind in KINDS if not (built.learner.scene and kind is CUT)]
    return [
        _section(built, looks, kind, max(1, (count + len(kinds) - 1 - number) // len(kinds)))
        for number, kind in enumerate(kinds)
    ]


def _section(built: Built, looks: Sequence[Look], kind: Kind, count: int) -> Section:
    found = sorted((look for look in looks if kind.bad(look)), key=kind.rank)[:count]
    return Section(kind.heading if found else f"{kind.heading}: none", [_picture(built, look, kind) for look in found])


def _picture(built: Built, look: Look, kind: Kind) -> Picture:
    record = look.sample.record
    told = drawn(record.parameters)
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


# words

TOLD = ("rotation", "shift_x", "shift_y", "zoom_x", "zoom_y", "brightness", "scale")
"""The parameters that there are words for; any other is told by its name."""


def drawn(parameters: Mapping[str, float]) -> list[str]:
    """What was drawn for a variation, a line each, such as `zoom 0.84 x 1.12`."""
    lines = []
    if "rotation" in parameters:
        lines.append(f"rotation {parameters['rotation']:z.1f}°")
    if {"shift_x", "shift_y"} & parameters.keys():
        lines.append(_shift(parameters))
    if {"zoom_x", "zoom_y"} & parameters.keys():
        lines.append(f"zoom {parameters.get('zoom_x', 1):.2f} x {parameters.get('zoom_y', 1):.2f}")
    if "brightness" in parameters:
        lines.append(f"brightness x{parameters['brightness']:.2f}")
    if "scale" in parameters:
        lines.append(f"scale {parameters['scale']:.2f}")
    return [*lines, *(f"{name} {value:g}" for name, value in parameters.items() if name not in TOLD)]


def _shift(parameters: Mapping[str, float]) -> str:
    ways = {"shift_x": ("left", "right"), "shift_y": ("up", "down")}
    told = [f"{ways[name][parameters[name] > 0]} {abs(parameters[name]):.1f}" for name in ways if name in parameters]
    return f"{', '.join(told)} px"


def moved(mesh: Mesh, crop: Size) -> list[str]:
    """How far a variation's points moved, in a line; none where they stand still."""
    points = zip(mesh.points, grid(*crop, mesh.side), strict=True)
    furthest = max(hypot(x - still_x, y - still_y) for (x, y), (still_x, still_y) in points)
    return [f"moved by up to {furthest:.1f} px"] if furthest >= 0.05 else []
