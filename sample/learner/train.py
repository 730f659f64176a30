#!/usr/bin/env python3
"""Train a network on the boxes of a Pascal VOC dataset.

python3 train.py --dataset data_set --epochs 20
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import program  # before numpy

# isort: split
import dataset
import model
import numpy as np
from dataset import Array, Part
from model import Layers, Network

SIDE = 24
"""Pixels: what a box is brought to, in width and height."""

BATCH = 32

RATE = 0.02
"""How far a batch moves the network in the first epoch; in the last, hardly at all."""

MOMENTUM = 0.9


class Epoch(NamedTuple):
    """The network after an epoch. val_loss: over the boxes of val whose label is in train, None without any."""

    number: int
    loss: float
    val_loss: float | None
    val_accuracy: float
    network: Network

    def rank(self) -> tuple[float, int]:
        """The best is highest. Among equals it is the last: that has learned more of what val doesn't show."""
        return self.val_accuracy, self.number


def main() -> None:
    arguments = parser().parse_args()
    folder, weight = program.dataset_folder(arguments.dataset), arguments.weight
    weight.parent.mkdir(parents=True, exist_ok=True)  # if it can't be made, better known before than after
    began = time.monotonic()
    say(f"reading {program.shown(folder)}")
    train, val = dataset.read(folder, "train", SIDE), dataset.read(folder, "val", SIDE)
    say(f"{len(train.labels)} boxes to learn, of {len(set(train.labels))} labels; {len(val.labels)} to validate")
    epochs = learned(train, val, arguments.epochs, arguments.seed)
    best = max(told(epochs, arguments.epochs), key=Epoch.rank)
    model.save(best.network, weight)
    took = time.monotonic() - began
    say(f"{program.shown(weight)}: the network after epoch {best.number}, the best by val_accuracy; {took:.1f} s")


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description="Train a network on the boxes of a Pascal VOC dataset.")
    found.add_argument("--dataset", metavar="DIR", help="the dataset's folder (what DLIM_DATASET says)")
    found.add_argument("--epochs", type=count, default=20, help="how often all of train is seen (%(default)s)")
    found.add_argument("--seed", type=count, default=1, help="another seed draws anew (%(default)s)")
    found.add_argument("--weight", type=Path, default=Path("weights/best_weight.pth"), help="written (%(default)s)")
    return found


def count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def learned(train: Part, val: Part, epochs: int, seed: int) -> Iterator[Epoch]:
    """Learn train by mini-batch SGD with momentum, and look at val after each epoch.

    Raises Fault where the loss is beyond all numbers.
    """
    random = np.random.default_rng(seed)
    network = model.new(tuple(sorted(set(train.labels))), SIDE, random)
    wanted = model.classes(network, train.labels)
    speed = Layers(*(np.zeros_like(layer) for layer in network.layers))
    for number in range(1, epochs + 1):
        rate = np.float32(RATE * (1 - (number - 1) / epochs))
        total = 0.0
        for batch in np.array_split(random.permutation(len(wanted)), math.ceil(len(wanted) / BATCH)):
            loss, slopes = model.slopes(network, train.patches[batch], wanted[batch])
            network, speed = moved(network, speed, slopes, rate)
            total += loss * len(batch)
        if not math.isfinite(total):
            raise program.Fault(f"epoch {number}: the loss is no number any more; lower RATE in train.py")
        yield Epoch(number, total / len(wanted), *validated(network, val), network)


def moved(network: Network, speed: Layers, slopes: Layers, rate: np.float32) -> tuple[Network, Layers]:
    """The network a step further down, and its speed."""
    momentum = np.float32(MOMENTUM)
    speed = Layers(*(momentum * old - rate * slope for old, slope in zip(speed, slopes, strict=True)))
    layers = Layers(*(layer + step for layer, step in zip(network.layers, speed, strict=True)))
    return replace(network, layers=layers), speed


def validated(network: Network, val: Part) -> tuple[float | None, float]:
    """The loss over the boxes whose label can be known, and the accuracy over all."""
    wanted, chances = model.classes(network, val.labels), model.probabilities(network, val.patches)
    known: Array = wanted >= 0
    loss = model.loss(chances[known], wanted[known]) if known.any() else None
    return loss, float((chances.argmax(axis=1) == wanted).mean())


def told(found: Iterable[Epoch], epochs: int) -> Iterator[Epoch]:
    """The same epochs, each printed as a line of names and values when it ends."""
    for epoch in found:
        losses = {"loss": epoch.loss, "val_loss": epoch.val_loss, "val_accuracy": epoch.val_accuracy}
        values = [f"{name} {value:.4f}" for name, value in losses.items() if value is not None]
        say(" ".join([f"epoch {epoch.number}/{epochs}", *values]))
        yield epoch


def say(text: str) -> None:
    print(text, flush=True)  # a log is read while it grows


if __name__ == "__main__":
    program.run(main)
