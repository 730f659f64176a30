#!/usr/bin/env python3
"""Train a ResNet34 on the boxes of a Pascal VOC dataset of dlim's, each cut out.

python3 train.py --dataset data_set --minutes 10
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import program  # before torch

# isort: split
import boxes
import model
import numpy as np
import torch
import training
import voc
from model import Batch, Classifier
from torch import Tensor, nn
from torch.nn import functional
from training import Course
from voc import Box, Example

GLANCE = 400
"""Images of val that are looked at after an epoch; test.py looks at all."""


def main() -> None:
    found = program.parser("Train a ResNet34 on the boxes of a Pascal VOC dataset.")
    chosen = training.options(found, epochs=30, rate=1e-3).parse_args()
    folder = program.folder(chosen.dataset, "DLIM_DATASET")
    program.say(f"reading {program.shown(folder)}")
    data = voc.read(folder)
    torch.manual_seed(chosen.seed)
    network = Classifier(data.labels, shapes(data.train))
    if chosen.pretrained:
        program.say(program.start(network, chosen.pretrained))
    train = CutOuts(data.train, len(data.labels), chosen.seed)
    val = CutOuts(data.val[:: math.ceil(len(data.val) / GLANCE)], len(data.labels))
    program.say(f"{len(data.labels)} labels; {len(train)} cut-outs of train, {len(val)} of val")
    course = Course(
        network,
        train,
        model.loss,
        lambda network: judged(network, val, chosen.batch),
        "accuracy",
        {"dataset": data.digest},
    )
    training.learn(course, chosen, lambda state: model.contents(network, state))


def shapes(examples: Sequence[Example]) -> tuple[tuple[float, float], ...]:
    """Widths and heights, ten at most, with one of which nearly every object has two thirds in common."""
    sizes = torch.tensor([(right - left, low - top) for one in examples for left, top, right, low in one.boxes])
    sizes = sizes[:: math.ceil(len(sizes) / 2000)]
    corner = torch.zeros_like(sizes)
    near = boxes.overlaps(*[torch.cat([corner, sizes], 1)] * 2) > 2 / 3
    chosen: list[tuple[float, float]] = []
    while len(chosen) < 10 and near.any(0).sum() > len(sizes) / 20:
        best = int(near.sum(1).argmax())
        wide, high = sizes[best].tolist()
        chosen.append((wide, high))
        near &= ~near[best]
    return tuple(chosen)


class CutOuts(torch.utils.data.Dataset[tuple[Tensor, int]]):
    """Each box cut out and, of each image, a window without an object, whose class is behind the labels.

    With a seed, every epoch cuts elsewhere around a box, as the boxes that a detector finds do.
    """

    def __init__(self, examples: Sequence[Example], labels: int, seed: int | None = None) -> None:
        self.seed, self.epoch, self.nothing = seed, 0, labels
        each = [(example, place) for example in examples for place in range(len(example.boxes))]
        self.items = [*each, *((example, None) for example in examples)]

    def begin(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        example, number = self.items[place]
        image = program.opened(example.path)
        # of its own: which process draws, and after what, changes nothing
        chance = random.Random(f"{self.seed} {self.epoch} {place}")  # noqa: S311 - no secret
        if number is None:
            there = _empty(example.boxes, image.width, image.height, chance)
            pixels = _plain(chance) if there is None else model.cut(image, there)
        else:
            there = example.boxes[number] if self.seed is None else _near(example.boxes[number], chance)
            pixels = model.cut(image, there)
        if self.seed is not None:
            pixels = training.lit(pixels, chance)
        known = self.nothing if number is None else example.labels[number]
        return torch.from_numpy(pixels.copy()).permute(2, 0, 1), known

    @staticmethod
    def collate(items: Sequence[tuple[Tensor, int]]) -> Batch:
        images, classes = zip(*items, strict=True)
        return Batch(torch.stack(images), torch.tensor(classes))


def _near(box: Box, chance: random.Random) -> Box:
    """A box about another."""
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    moved = [chance.uniform(-0.12, 0.12) for _ in range(4)]
    return left + wide * moved[0], top + high * moved[1], right + wide * moved[2], bottom + high * moved[3]


def _empty(objects: Sequence[Box], width: int, height: int, chance: random.Random) -> Box | None:
    """A window of an image that shows no object, or only part of one; None where 20 draws find none."""
    there = torch.tensor(objects).reshape(-1, 4)
    for _ in range(20):
        wide, high = (min(12, end) * (max(end, 12) / 12) ** chance.random() for end in (width, height))
        wide, high = min(wide, high * 3), min(high, wide * 3)
        x, y = chance.uniform(0, width - wide), chance.uniform(0, height - high)
        window = torch.tensor([[x, y, x + wide, y + high]])
        if not len(there) or float(boxes.overlaps(window, there).max()) < 0.25:
            return x, y, x + wide, y + high
    return None


def _plain(chance: random.Random) -> np.ndarray:
    """One colour, with some noise."""
    colour = [chance.randrange(256) for _ in "rgb"]
    noise = np.random.default_rng(chance.randrange(1 << 30)).normal(
        0, chance.uniform(0, 12), (model.SIDE, model.SIDE, 3)
    )
    return np.clip(noise + colour, 0, 255).astype(np.uint8)


def looked(network: nn.Module, val: CutOuts, batch: int) -> tuple[float, Tensor, Tensor]:
    """The loss over val, the classes there, and those that it is taken for."""
    assert isinstance(network, Classifier)  # noqa: S101
    lost, truth, said = 0.0, [], []
    for start in range(0, len(val), batch):
        part = val.collate([val[place] for place in range(start, min(start + batch, len(val)))])
        logits = network(network.tensor(part.images)).cpu()
        lost += float(functional.cross_entropy(logits, part.classes, reduction="sum"))
        truth.append(part.classes)
        said.append(logits.argmax(1))
    return lost / len(val), torch.cat(truth), torch.cat(said)


def judged(network: nn.Module, val: CutOuts, batch: int) -> dict[str, float]:
    """The numbers of an epoch. accuracy: of what shows an object."""
    lost, truth, said = looked(network, val, batch)
    something = truth < val.nothing
    return {"val_loss": lost, "accuracy": float((truth == said)[something].float().mean())}


if __name__ == "__main__":
    program.run(main)
