#!/usr/bin/env python3
"""Find objects on screenshots of any size: in tiles that overlap, of several sizes.

python3 predict.py --shots shots
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import program  # before torch

# isort: split
import boxes
import model
import numpy as np
import torch
from boxes import Found
from model import Detector
from PIL import Image

SIZES = (0.5, 1, 2)
"""The sides of tiles, in sides of the dataset's images: what is small on a large screen fills a small tile."""


def main() -> int:
    found = program.parser("Find objects on screenshots.")
    found.add_argument("--shots", metavar="DIR", help="the folder of screenshots; what DLIM_SHOTS says")
    found.add_argument("--weight", type=Path, default=Path("weights/best_weight.pth"), help="read")
    found.add_argument("--out", type=Path, default=Path("results/predictions.json"), help="written")
    chosen = found.parse_args()
    folder = program.folder(chosen.shots, "DLIM_SHOTS")
    network = model.load(chosen.weight, program.device(chosen.device))
    pictures = program.pictures(folder)
    predictions: list[dict[str, Any]] = []
    failed = 0
    for path in pictures:
        try:
            answer = look(network, program.opened(path), chosen.batch)
        except program.Fault as fault:
            print(fault, file=sys.stderr, flush=True)
            failed = 1
            continue
        predictions += boxes.told(path.name, answer, network.labels)
    program.write(chosen.out, json.dumps(predictions, indent=1) + "\n")
    program.say(f"{program.shown(chosen.out)}: {len(predictions)} predictions on {len(pictures)} shots")
    return failed


@torch.inference_mode()
def look(network: Detector, picture: Image.Image, batch: int = 16) -> Found:
    """What is found on a picture of any size, in its pixels, the surest first."""
    width, height = picture.size
    looks = list(_tiles(network.canvas, width, height))
    answers = [Found(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.long))]
    for start in range(0, len(looks), batch):
        part = looks[start : start + batch]
        images = [_cut(picture, corner, side, network.side) for corner, side in part]
        said = network(network.tensor(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)))
        for (corner, side), one in zip(part, model.found(network, *said), strict=True):
            there = one.boxes.cpu() * (side / network.side) + torch.tensor([*corner, *corner])
            whole = boxes.uncut(there, corner, side, width, height)
            whole &= (there[:, 0] < width) & (there[:, 1] < height)
            edges = torch.tensor([width, height, width, height])
            answers.append(Found(there.minimum(edges), one.scores.cpu(), one.labels.cpu()).at(whole))
    return boxes.suppressed(boxes.joined(answers))


def _tiles(canvas: int, width: int, height: int) -> Iterator[tuple[tuple[int, int], int]]:
    """Tiles with their sides: those of a size, and larger ones while they show more than one of it does."""
    for size in SIZES:
        side = round(canvas * size)
        yield from ((corner, side) for corner in boxes.tiles(width, height, side))
        if side >= max(width, height):
            return


def _cut(picture: Image.Image, corner: tuple[int, int], side: int, to: int) -> np.ndarray:
    x, y = corner
    return np.asarray(picture.crop((x, y, x + side, y + side)).resize((to, to)))


if __name__ == "__main__":
    program.run(main)
