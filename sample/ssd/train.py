#!/usr/bin/env python3
"""Train an SSD on a Pascal VOC dataset of dlim's.

python3 train.py --dataset data_set --model ssdlite320 --minutes 10
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence

import program  # before torch

# isort: split
import boxes
import model
import numpy as np
import torch
import training
import voc
from model import Batch, Detector
from torch import Tensor, nn
from training import Course
from voc import Example

RATES = {"ssdlite320": 2e-3, "ssd300": 1e-4}
"""Without normalised batches, as in VGG16, a network from random weights learns nothing at higher rates."""

GLANCE = 200
"""Images of val that are looked at after an epoch; test.py looks at all."""


def main() -> None:
    found = program.parser("Train an SSD on a Pascal VOC dataset.")
    found.add_argument("--model", choices=tuple(model.SIDES), default="ssdlite320", help="the network")
    chosen = training.options(found, epochs=60, rate=None).parse_args()
    chosen.rate = chosen.rate or RATES[chosen.model]
    folder = program.folder(chosen.dataset, "DLIM_DATASET")
    program.say(f"reading {program.shown(folder)}")
    data = voc.read(folder)
    torch.manual_seed(chosen.seed)
    network = Detector(chosen.model, data.labels, canvas(data.train))
    if chosen.pretrained:
        program.say(program.start(network, chosen.pretrained))
    counts = ", ".join(f"{len(part)} images of {name}" for name, part in (("train", data.train), ("val", data.val)))
    program.say(f"{chosen.model}, {len(data.labels)} labels; {counts}")
    val = Windows(data.val[:: math.ceil(len(data.val) / GLANCE)], network.side)
    course = Course(
        network,
        Windows(data.train, network.side, chosen.seed),
        model.loss,
        lambda network: judged(network, val, chosen.batch, len(data.labels)),
        "map50",
        {"dataset": data.digest},
    )
    training.learn(course, chosen, lambda state: model.contents(network, state))


def canvas(examples: Sequence[Example]) -> int:
    """The usual width of the images."""
    return Counter(program.opened(example.path).width for example in examples[:50]).most_common(1)[0][0]


class Windows(torch.utils.data.Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Images as the network sees them: with a seed a window of each, somewhere and of any size, else all of it."""

    def __init__(self, examples: Sequence[Example], side: int, seed: int | None = None) -> None:
        self.examples, self.side, self.seed, self.epoch = examples, side, seed, 0

    def begin(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor, Tensor]:
        example = self.examples[place]
        image = program.opened(example.path)
        # of its own: which process draws, and after what, changes nothing
        chance = random.Random(f"{self.seed} {self.epoch} {place}")  # noqa: S311 - no secret
        x, y, width, height = (0.0, 0.0, float(image.width), float(image.height))
        if self.seed is not None:
            x, y, width, height = _window(example, image.width, image.height, chance)
        small = image.resize((self.side, self.side), box=(x, y, x + width, y + height))
        pixels = np.asarray(small)
        if self.seed is not None:
            pixels = training.lit(pixels, chance)
        there = torch.tensor(example.boxes).reshape(-1, 4) - torch.tensor([x, y, x, y])
        there = there * torch.tensor([self.side / width, self.side / height] * 2)
        inside = there.clamp(0, self.side)
        kept = boxes_share(inside, there) > 0.5
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1), inside[kept], torch.tensor(example.labels).long()[kept]

    @staticmethod
    def collate(items: Sequence[tuple[Tensor, Tensor, Tensor]]) -> Batch:
        images, there, labels = zip(*items, strict=True)
        return Batch(torch.stack(images), list(there), list(labels))


def boxes_share(part: Tensor, whole: Tensor) -> Tensor:
    """How much of each box another one of the same place is."""
    return (part[:, 2:] - part[:, :2]).prod(1) / (whole[:, 2:] - whole[:, :2]).prod(1)


def _window(example: Example, width: int, height: int, chance: random.Random) -> tuple[float, float, float, float]:
    """Left, top, width and height: 0.35 to all of the image, nine times of ten with one of its objects in it."""
    share = 0.35 ** chance.random()
    wide, high = width * share, height * share
    x, y = chance.uniform(0, width - wide), chance.uniform(0, height - high)
    if example.boxes and chance.random() < 0.9:
        left, top, right, bottom = chance.choice(example.boxes)
        x, y = _around(left, right, wide, width, chance), _around(top, bottom, high, height, chance)
    return x, y, wide, high


def _around(low: float, high: float, length: float, end: int, chance: random.Random) -> float:
    """Where a window of a length begins that holds what lies from low to high, or as much of it as it can."""
    first, last = sorted((high - length, low))
    return min(max(chance.uniform(first, last), 0), end - length)


def looked(
    network: nn.Module, val: Windows, batch: int
) -> tuple[float, list[tuple[Tensor, Tensor]], list[boxes.Found]]:
    """The loss over val, its boxes and labels, and what is found there."""
    assert isinstance(network, Detector)  # noqa: S101
    lost, truth, found = 0.0, [], []
    for start in range(0, len(val), batch):
        part = val.collate([val[place] for place in range(start, min(start + batch, len(val)))])
        said: tuple[Tensor, Tensor] = network(network.tensor(part.images))
        lost += float(model.wrong(network, *said, part)) * len(part.boxes)
        truth += list(zip(part.boxes, part.labels, strict=True))
        found += [boxes.Found(*(each.cpu() for each in one)) for one in model.found(network, *said)]
    return lost / len(val), truth, found


def judged(network: nn.Module, val: Windows, batch: int, labels: int) -> dict[str, float]:
    """The numbers of an epoch."""
    lost, truth, found = looked(network, val, batch)
    known = [boxes.judged(truth, found, label).ap50 for label in range(labels)]
    asked = [one for one in known if one is not None]
    return {"val_loss": lost, "map50": sum(asked) / len(asked)}


if __name__ == "__main__":
    program.run(main)
