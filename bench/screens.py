"""What a small detector learns from scenes of several kinds, judged on real screenshots with boxes.

python bench/screens.py --real ../shared/real/screens

Without such a folder it judges on drawn screens that no row learns from, and leaves out rows that learn from real ones.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from dlim import projects, store, variation
from dlim.augment import images
from dlim.formats import voc
from dlim.geometry import Box, Object, Size
from dlim.runs.evaluation import MOST, Prediction, evaluate, false_at_recall, iou
from dlim.scenes import backgrounds, masks, screens
from dlim.stages import augment, boxes, compose
from dlim.stages.backgrounds import pictures as found_in
from dlim.stages.compose import Settings, Source

SIDE = 400
"""The learner's canvas: it looks at a 400x400 part of a screenshot."""

WIDE = 864
"""To how many pixels across a screenshot is brought."""

LABELS = {"close_btn": "close"}
"""What the learner calls the masters' labels; the characters are all ja_char."""

STEPS, BATCH, PART, SEED = 600, 12, 256, 1
"""PART: the side of the part of an image that it learns from at a time: twice the steps in the same time."""


REAL = Settings((SIDE, SIDE), SEED, drawn=0)
"""The scenes of which the rows are variations."""


@dataclass(frozen=True)
class Row:
    """Training data of one kind. screenshots: how many there are as backgrounds; mask: or the whole crop."""

    name: str
    mark: str
    screenshots: int = 24
    scene: Settings | None = REAL
    mask: bool = True

    @property
    def learns_from_real(self) -> bool:
        return self.scene is not None and self.scene.drawn < 1

    def met(self, points: float) -> bool:
        return not self.mark or eval(f"{points} {self.mark}")


ROWS = (
    Row("as was", "< 5", 0, None),
    Row("drawn", ">= 60", 0, replace(REAL, drawn=1)),
    Row("half", ">= 80", 8, replace(REAL, drawn=0.5)),
    Row("real", ">= 90"),
    Row("one object", "", scene=replace(REAL, objects=(1, 1))),
    Row("fixed scale", "", scene=replace(REAL, scale=(1, 1))),
    Row("no mask", "", mask=False),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, default=Path("../shared/real/screens"), help="backgrounds and shots")
    parser.add_argument("--shots", default="shots", help="the folder of labelled shots there")
    parser.add_argument("--projects", type=Path, default=Path("projects"))
    parser.add_argument("--work", type=Path, help="a folder that keeps what was made, for the next time")
    parser.add_argument("--rows", nargs="*", default=[row.name for row in ROWS], help="only these rows")
    parser.add_argument("--seeds", type=int, nargs="*", default=[SEED], help="of the detector")
    parser.add_argument("--speed", action="store_true", help="how fast scenes are composed, beside encoding alone")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for weights, and pictures of what is found and missed")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    if arguments.speed:
        with tempfile.TemporaryDirectory() as folder:
            speed(arguments.projects, Path(folder))
        return
    real = (arguments.real / arguments.shots).is_dir()
    shots = read_shots(arguments.real / arguments.shots) if real else drawn_shots(arguments.projects)
    print(f"judged on {len(shots)} {'real' if real else 'drawn'} screens")
    head = f"{'row':12} {'mark':>6} {'corners':>8} {'tiles':>7} {'false@80%':>9} {'val':>6} {'images':>7} {'CPU s':>6}"
    print(f"{head}   by label")
    for row in ROWS:
        if row.name not in arguments.rows or (row.learns_from_real and not real):
            continue
        with tempfile.TemporaryDirectory() as folder:
            data = dataset(row, arguments.real, arguments.projects, arguments.work or Path(folder))
        for seed in arguments.seeds:
            _judge(row, data, shots, seed, arguments.keep)


def speed(folder: Path, work: Path) -> None:
    """Composing on drawn screens beside encoding the same images alone, in CPU seconds of one core."""
    found = [project for project in projects.load(folder).values() if isinstance(project, projects.Project)]
    row = replace(ROWS[1], name="speed")
    sources = [_source(project, work, None, row) for project in found]
    windows = _windows(row, Path(), work)
    composing = encoding = count = 0.0
    for source in sources:
        began = time.process_time()
        with store.staging(work / "speed" / source.name) as out:
            compose.compose([source, *(other for other in sources if other is not source)], windows, out, REAL)
        composing += time.process_time() - began
        for one in variation.read(work / "speed" / source.name):
            pixels = cv2.imread(str(work / "speed" / source.name / one.filename))
            began = time.process_time()
            cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])
            encoding += time.process_time() - began
            count += 1
    print(
        f"composing {count / composing:.0f} images/s, encoding alone {count / encoding:.0f}: {encoding / composing:.2f}"
    )


def _judge(row: Row, data: Sequence[Image], shots: Sequence[Image], seed: int, keep: Path | None) -> None:
    began = time.process_time()
    labels = sorted({thing.label for image in data for thing in image.objects})
    order = random.Random(0).sample(range(len(data)), len(data))
    val = [data[place] for place in order[: len(data) // 5]]
    train = [data[place] for place in order[len(data) // 5 :]]
    model = learned(train, labels, seed)
    took = time.process_time() - began
    parts = [part for shot in shots for part in corners(shot)]
    truth, found = judged(model, parts, labels)
    result = evaluate(truth, found)
    false = false_at_recall(truth, found, 0.8)
    whole = evaluate(
        {shot.name: shot.objects for shot in shots}, [one for shot in shots for one in tiled(model, shot, labels)]
    )
    own = evaluate(*judged(model, val[:150], labels))
    points, tiles, vals = (100 * (each.total.ap50 or 0) for each in (result, whole, own))
    by_label = "  ".join(f"{name} {100 * one.ap50:.0f}" for name, one in result.labels.items() if one.ap50 is not None)
    often = "never" if false is None else f"{false:.2f}"
    met = " " if row.met(points) else "!"
    figures = f"{points:8.1f} {tiles:7.1f} {often:>9} {vals:6.1f} {len(data):7} {took:6.0f}"
    print(f"{row.name:12} {row.mark:>6}{met}{figures}   {by_label}", flush=True)
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        name = f"{row.name.replace(' ', '-')}-{seed}"
        torch.save({"labels": labels, "weights": model.state_dict()}, keep / f"{name}.pth")
        cv2.imwrite(str(keep / f"{name}.jpg"), sheet(parts, found), [cv2.IMWRITE_JPEG_QUALITY, 85])


# the images


@dataclass(frozen=True)
class Image:
    """An image file's bytes or its pixels, and what is on it."""

    name: str
    data: np.ndarray
    objects: tuple[Object, ...]

    @property
    def pixels(self) -> np.ndarray:
        return self.data if self.data.ndim == 3 else cv2.imdecode(self.data, cv2.IMREAD_COLOR_RGB)


def dataset(row: Row, real: Path, folder: Path, work: Path) -> list[Image]:
    """The images that a row learns from, of all projects in a folder."""
    found = {name: project for name, project in projects.load(folder).items() if isinstance(project, projects.Project)}
    canvas = (SIDE, SIDE) if row.scene is None else None
    sources = [_source(project, work, canvas, row) for project in found.values()]
    made = []
    if row.scene is None:
        for source in sources:
            made += _as_was(source)
        return made
    windows = _windows(row, real, work)
    for source in sources:
        others = [other for other in sources if other is not source]
        place = work / row.name.replace(" ", "-") / source.name
        with store.staging(place) as out:
            for line in compose.compose([source, *others], windows, out, row.scene, place):
                print(f"  {line}")
        made += [
            Image(f"{source.name}/{one.filename}", _bytes(place / one.filename), tuple(_called(one.objects or ())))
            for one in variation.read(place)
            if one.objects
        ]
    return made


def _windows(row: Row, real: Path, work: Path) -> Path:
    drawn = row.scene is not None and row.scene.drawn > 0
    windows = work / f"windows-{row.screenshots}-{drawn}"
    if not windows.exists():
        pictures = found_in(real / "backgrounds") if row.screenshots else []
        pictures = pictures[:: max(1, len(pictures) // max(1, row.screenshots))][: row.screenshots]
        with store.staging(windows) as out:
            settings = backgrounds.Settings((SIDE, SIDE), SEED, backgrounds.SCREENS * drawn, WIDE)
            backgrounds.fill(pictures, out, settings)
    return windows


def _source(project: projects.Project, work: Path, canvas: Size | None, row: Row) -> Source:
    place = work / ("native" if canvas is None else "placed") / project.name
    if not place.exists():
        settings = augment.Settings(canvas, project.settings.placement, SEED, 99, 125)
        with store.staging(place) as out:
            augment.augment(project, out.path, settings, work / f"{project.name}.log")
    if project.settings.generator:
        return Source(project.name, place)
    _, objects, _ = boxes.objects_of(project, (400, 400))
    if not row.mask:  # as if nobody knew what of the crop is the object
        whole = Box(0, 0, *images.crop_size(project.image))
        return Source(project.name, place, tuple(replace(thing, box=whole) for thing in objects), project.image)
    return Source(project.name, place, tuple(objects), project.image, project.folder / "master" / "mask.png")


def _as_was(source: Source) -> Iterator[Image]:
    for one in variation.read(source.variations):
        things = one.objects or [
            thing.at(one.mesh.followed(thing.box).clipped(*one.crop).shifted(*one.origin), truncated=False)
            for thing in source.objects
        ]
        yield Image(f"{source.name}/{one.filename}", _bytes(source.variations / one.filename), tuple(_called(things)))


def _called(things: Sequence[Object]) -> Iterator[Object]:
    for thing in things:
        label = "ja_char" if thing.label.startswith("ja_char") else LABELS.get(thing.label, thing.label)
        yield replace(thing, label=label)


def _bytes(path: Path) -> np.ndarray:
    return np.frombuffer(path.read_bytes(), np.uint8)


def read_shots(folder: Path) -> list[Image]:
    """Labelled shots, WIDE pixels across."""
    found = []
    for path in sorted(folder.glob("*.jpg")):
        pixels = images.read(path)
        factor = WIDE / pixels.shape[1]
        pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        objects = [
            replace(
                thing, box=Box(*(side * factor for side in (thing.box.x1, thing.box.y1, thing.box.x2, thing.box.y2)))
            )
            for thing in voc.read(path.with_suffix(".xml")).objects
        ]
        found.append(Image(path.stem, pixels, tuple(objects)))
    return found


def corners(shot: Image) -> Iterator[Image]:
    """The four corners of a shot, as the learner sees a screen; an object that is mostly cut off is not asked for."""
    height, width = shot.pixels.shape[:2]
    for number, (x, y) in enumerate(((0, 0), (width - SIDE, 0), (0, height - SIDE), (width - SIDE, height - SIDE))):
        objects = []
        for thing in shot.objects:
            moved = thing.box.shifted(-x, -y)
            inside = moved.clipped(SIDE, SIDE)
            if inside.area > 0.1 * moved.area:
                objects.append(replace(thing, box=inside, difficult=inside.area < 0.7 * moved.area))
        yield Image(f"{shot.name}-{number}", shot.pixels[y : y + SIDE, x : x + SIDE], tuple(objects))


def drawn_shots(folder: Path, count: int = 18) -> list[Image]:
    """Drawn screens of other keys than any row's, with one or two buttons near corners, as the real ones have them."""
    chance, cut = random.Random(7), []
    for project in projects.load(folder).values():
        if isinstance(project, projects.Project) and not project.settings.generator:
            _, objects, _ = boxes.objects_of(project, (SIDE, SIDE))
            pixels = images.read(project.image)
            cut.append((next(_called(objects)).label, pixels, masks.suggested(pixels, [one.box for one in objects])))
    made = []
    for number in range(count):
        width, height = WIDE, int(WIDE * chance.uniform(1.7, 2.2))
        pixels, found = screens.screen((width, height), 4711, 1000 + number).copy(), []
        for label, master, mask in chance.sample(cut, chance.randint(1, 2)):
            scale = chance.uniform(0.8, 1.6) * min(1, 200 / master.shape[1])
            size = int(master.shape[1] * scale), int(master.shape[0] * scale)
            x = chance.choice((chance.randint(8, 180), width - size[0] - chance.randint(8, 180)))
            y = chance.choice((chance.randint(8, 340), height - size[1] - chance.randint(8, 300)))
            alpha = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
            part = pixels[y : y + size[1], x : x + size[0]]
            share, over = alpha[..., None] / 255, cv2.resize(master, size, interpolation=cv2.INTER_AREA)
            part[:] = part * (1 - share) + over * share
            found.append(Object(label, seen if (seen := masks.seen(alpha, x, y)) else Box(x, y, x + 1, y + 1)))
        made.append(Image(f"drawn-{number:02d}", pixels, tuple(found)))
    return made


SURE = 0.6
"""From which score on a find is shown in pictures."""

GREEN, RED, ORANGE = (60, 170, 40), (40, 40, 230), (0, 150, 255)


def sheet(parts: Sequence[Image], found: Sequence[Prediction], count: int = 8) -> np.ndarray:
    """The parts that show most, in rows of four: what is missed, what is found falsely, what is found."""
    shown = []
    for part in parts:
        pixels, marked, right = part.pixels[..., ::-1].copy(), [], []
        sure = [one for one in found if one.shot == part.name and one.score >= SURE]
        for thing in (one for one in part.objects if not one.difficult):
            hits = [one for one in sure if one.label == thing.label and iou([one.box], [thing.box])[0][0] >= 0.5]
            right += hits
            marked += [(GREEN, one.box, f"{one.label} {one.score:.2f}") for one in hits[:1]]
            marked += [] if hits else [(ORANGE, thing.box, f"{thing.label} missed")]
        marked += [(RED, one.box, f"{one.label} {one.score:.2f}") for one in sure if one not in right]
        for colour, box, text in marked:
            cv2.rectangle(pixels, (int(box.x1) - 2, int(box.y1) - 2), (int(box.x2) + 2, int(box.y2) + 2), colour, 2)
            at = max(2, min(SIDE - 130, int(box.x1))), int(box.y2) + 20 if box.y2 < SIDE - 25 else int(box.y1) - 8
            for stroke, ink in ((4, (255, 255, 255)), (1, colour)):
                cv2.putText(pixels, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.55, ink, stroke, cv2.LINE_AA)
        rank = [any(one[0] == colour for one in marked) for colour in (ORANGE, RED, GREEN)]
        if any(rank):
            shown.append((rank, pixels))
    shown.sort(key=lambda one: one[0], reverse=True)
    tiles = [cv2.resize(pixels, (300, 300), interpolation=cv2.INTER_AREA) for _, pixels in shown[:count]]
    tiles += [np.full((300, 300, 3), 255, np.uint8)] * (-len(tiles) % 4 or 4 * (not tiles))
    tiles = [cv2.copyMakeBorder(one, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255, 255, 255)) for one in tiles]
    return np.vstack([np.hstack(tiles[start : start + 4]) for start in range(0, len(tiles), 4)])


# the detector


class Detector(nn.Module):
    """A detector of centre points: which label's middle lies in a cell of 8 pixels, and how far its sides are."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, 24, 6, 4), _conv(24, 48, 3, 2))
        self.down = nn.Sequential(_conv(48, 96, 3, 2), _conv(96, 96))
        self.deep = nn.Sequential(_conv(96, 128, 3, 2), _conv(128, 128))
        self.up_deep, self.up = nn.Conv2d(128, 96, 1), nn.Conv2d(96, 48, 1)
        self.join = _conv(48, 48)
        self.heat, self.sides = nn.Conv2d(48, labels, 1), nn.Conv2d(48, 4, 1)
        nn.init.constant_(self.heat.bias, -4)
        nn.init.constant_(self.sides.bias, 3)  # 20 pixels to each side, about where objects' sides are

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        fine = self.stem(pixels)
        middle = self.down(fine)
        deep = nn.functional.interpolate(self.up_deep(self.deep(middle)), size=middle.shape[2:])
        middle = nn.functional.interpolate(self.up(middle + deep), size=fine.shape[2:])
        joined = self.join(fine + middle)
        return self.heat(joined), self.sides(joined)


def _conv(first: int, last: int, kernel: int = 3, stride: int = 1) -> nn.Module:
    pad = (kernel - 1) // 2
    return nn.Sequential(nn.Conv2d(first, last, kernel, stride, pad, bias=False), nn.BatchNorm2d(last), nn.ReLU(True))


CELL = 8


def _tensor(pixels: Sequence[np.ndarray]) -> torch.Tensor:
    batch = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float().div_(255).sub_(0.45).div_(0.25)
    return batch.contiguous(memory_format=torch.channels_last)


def _targets(objects: Sequence[Object], labels: Sequence[str], cells: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Heat by label, the logarithms of the distances to an object's sides, and where those count."""
    rows, columns = cells
    heat = np.zeros((len(labels), rows, columns), np.float32)
    sides, counts = np.zeros((4, rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    ys, xs = (np.mgrid[:rows, :columns] + 0.5) * CELL
    for thing in sorted(objects, key=lambda one: -one.box.area):
        box = thing.box
        cx, cy, w, h = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2, box.width, box.height
        spread_x, spread_y = max(w * 0.15, CELL * 0.5), max(h * 0.15, CELL * 0.5)
        near = np.exp(-((xs - cx) ** 2) / (2 * spread_x**2) - ((ys - cy) ** 2) / (2 * spread_y**2))
        at = min(int(cy / CELL), rows - 1), min(int(cx / CELL), columns - 1)
        near[at] = 1
        heat[labels.index(thing.label)] = np.maximum(heat[labels.index(thing.label)], near)
        inside = (near > 0.4) & (xs > box.x1) & (xs < box.x2) & (ys > box.y1) & (ys < box.y2)
        inside[at] = True
        distances = np.stack([xs - box.x1, ys - box.y1, box.x2 - xs, box.y2 - ys])
        sides[:, inside] = np.log(np.maximum(distances[:, inside], 1))
        counts[inside] = 1
    return heat, sides, counts


def learned(data: Sequence[Image], labels: Sequence[str], seed: int) -> Detector:
    """A detector after STEPS steps of BATCH parts of images."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    model = Detector(len(labels)).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=STEPS, pct_start=0.2)
    order: list[int] = []
    cells = (PART // CELL, PART // CELL)
    for _ in range(STEPS):
        while len(order) < BATCH:
            order += chance.sample(range(len(data)), len(data))
        chosen = [_part(data[order.pop()], chance) for _ in range(BATCH)]
        targets = [_targets(one.objects, labels, cells) for one in chosen]
        heat, sides, counts = (torch.from_numpy(np.stack(each)) for each in zip(*targets, strict=True))
        said, reached = model(_tensor([one.pixels for one in chosen]))
        loss = _focal(said, heat) + 3 * _overlap(reached, sides, counts)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimiser.step()
        schedule.step()
    return model.eval()


def _part(image: Image, chance: random.Random) -> Image:
    """A part of an image, with one of its objects in it; an object that is mostly cut off is background there."""
    box = chance.choice(image.objects).box
    middle = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
    ranges = [(max(0, int(at) - PART + 20), min(SIDE - PART, int(at) - 20)) for at in middle]
    x, y = (chance.randint(low, high) if low < high else min(low, SIDE - PART) for low, high in ranges)
    moved = [(thing, thing.box.shifted(-x, -y)) for thing in image.objects]
    inside = [replace(thing, box=at.clipped(PART, PART)) for thing, at in moved if _left(at) > 0.35]
    return Image(image.name, image.pixels[y : y + PART, x : x + PART], tuple(inside))


def _left(box: Box) -> float:
    return box.clipped(PART, PART).area / box.area


def _focal(said: torch.Tensor, heat: torch.Tensor) -> torch.Tensor:
    share = said.sigmoid().clamp(1e-5, 1 - 1e-5)
    middle = heat.eq(1)
    found = (share.log() * (1 - share) ** 2)[middle].sum()
    rest = ((1 - share).log() * share**2 * (1 - heat) ** 4)[~middle].sum()
    return -(found + rest) / middle.sum().clamp(min=1)


def _overlap(reached: torch.Tensor, sides: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """1 less the generalised IoU of boxes that a cell says and those it should say: what a find is judged by."""
    said, true = reached.clamp(-2, 6.5).exp(), sides.exp()
    inner, outer = torch.minimum(said, true), torch.maximum(said, true)
    both, around = ((one[:, 0] + one[:, 2]) * (one[:, 1] + one[:, 3]) for one in (inner, outer))
    union = sum((one[:, 0] + one[:, 2]) * (one[:, 1] + one[:, 3]) for one in (said, true)) - both
    apart = 1 - both / union + (around - union) / around
    return (apart * counts).sum() / counts.sum().clamp(min=1)


@torch.inference_mode()
def predicted(
    model: Detector, pixels: Sequence[np.ndarray], labels: Sequence[str], least: float = 0.02
) -> list[list[Prediction]]:
    """What the detector finds on images of one size; the shots' names are left to the caller."""
    said, reached = model(_tensor(pixels))
    heat = said.sigmoid()
    top = nn.functional.max_pool2d(heat, 3, 1, 1)
    heat = torch.where(top == heat, heat, torch.zeros(()))
    found = []
    for one, sides in zip(heat, reached, strict=True):
        places = torch.nonzero(one > least).tolist()
        boxes = []
        for label, row, column in places:
            left, up, right, down = sides[:, row, column].exp().tolist()
            x, y = (column + 0.5) * CELL, (row + 0.5) * CELL
            score = float(one[label, row, column])
            boxes.append(Prediction("", labels[label], Box(x - left, y - up, x + right, y + down), score))
        found.append(_suppressed(boxes))
    return found


def _suppressed(found: Sequence[Prediction]) -> list[Prediction]:
    """The best of predictions of one label that overlap."""
    kept: list[Prediction] = []
    for label in sorted({one.label for one in found}):
        rest = sorted((one for one in found if one.label == label), key=lambda one: -one.score)[:MOST]
        overlaps = iou([one.box for one in rest], [one.box for one in rest])
        open_ = np.ones(len(rest), bool)
        for place, one in enumerate(rest):
            if open_[place]:
                kept.append(one)
                open_ &= overlaps[place] < 0.45
    return kept


def judged(
    model: Detector, parts: Sequence[Image], labels: Sequence[str]
) -> tuple[Mapping[str, Sequence[Object]], list[Prediction]]:
    """The truth of some images of the learner's size, and what the detector finds on them."""
    found = []
    for start in range(0, len(parts), 24):
        group = parts[start : start + 24]
        for part, ones in zip(group, predicted(model, [one.pixels for one in group], labels), strict=True):
            found += [replace(one, shot=part.name) for one in ones]
    return {part.name: part.objects for part in parts}, found


def tiled(model: Detector, shot: Image, labels: Sequence[str]) -> list[Prediction]:
    """What the detector finds on a whole shot, looked at in tiles that overlap."""
    height, width = shot.pixels.shape[:2]
    step = SIDE * 3 // 4
    places = [
        (x, y)
        for y in [*range(0, height - SIDE, step), height - SIDE]
        for x in [*range(0, width - SIDE, step), width - SIDE]
    ]
    tiles = [shot.pixels[y : y + SIDE, x : x + SIDE] for x, y in places]
    found = []
    for (x, y), ones in zip(places, predicted(model, tiles, labels), strict=True):
        for one in ones:
            box = one.box.clipped(SIDE, SIDE)
            cut = (
                (box.x1 < 2 and x)
                or (box.y1 < 2 and y)
                or (box.x2 > SIDE - 2 and x + SIDE < width)
                or (box.y2 > SIDE - 2 and y + SIDE < height)
            )
            if not cut:  # the next tile shows it whole
                found.append(replace(one, shot=shot.name, box=one.box.shifted(x, y)))
    return _suppressed(found)


if __name__ == "__main__":
    main()
