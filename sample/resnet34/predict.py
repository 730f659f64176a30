#!/usr/bin/env python3
"""Say what the boxes on screenshots hold: those that a detector found, or windows all over the screen.

python3 predict.py --shots shots --boxes ../ssd/results/predictions.json
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
from model import Classifier
from PIL import Image

LEAST = 0.3
"""Scores below are not told: windows are many."""

Window = tuple[float, float, float, float]


def main() -> int:
    found = program.parser("Say what the boxes on screenshots hold.")
    found.add_argument("--shots", metavar="DIR", help="the folder of screenshots; what DLIM_SHOTS says")
    found.add_argument("--boxes", type=Path, metavar="FILE", help="a detector's predictions; windows without it")
    found.add_argument("--weight", type=Path, default=Path("weights/best_weight.pth"), help="read")
    found.add_argument("--out", type=Path, default=Path("results/predictions.json"), help="written")
    chosen = found.parse_args()
    folder = program.folder(chosen.shots, "DLIM_SHOTS")
    given = _given(chosen.boxes) if chosen.boxes else None
    network = model.load(chosen.weight, program.device(chosen.device))
    pictures = program.pictures(folder)
    predictions: list[dict[str, Any]] = []
    failed = 0
    for path in pictures:
        try:
            picture = program.opened(path)
            answer = look(network, picture) if given is None else judged(network, picture, given.get(path.name, []))
        except program.Fault as fault:
            print(fault, file=sys.stderr, flush=True)
            failed = 1
            continue
        predictions += boxes.told(path.name, answer, network.labels)
    program.write(chosen.out, json.dumps(predictions, indent=1) + "\n")
    program.say(f"{program.shown(chosen.out)}: {len(predictions)} predictions on {len(pictures)} shots")
    return failed


def _given(path: Path) -> dict[str, list[tuple[Window, float]]]:
    """The boxes of a file of predictions, with their scores, by picture."""
    found: dict[str, list[tuple[Window, float]]] = {}
    try:
        for one in json.loads(path.read_bytes()):
            x, y, width, height = map(float, one["bbox"])
            box = x, y, x + width, y + height
            found.setdefault(str(one["file_name"]), []).append((box, float(one["score"])))
    except FileNotFoundError as error:
        raise program.Fault(f"{program.shown(path)} is missing; a detector's predict.py writes such a file") from error
    except (ValueError, KeyError, TypeError) as error:
        raise program.Fault(f"{program.shown(path)} holds no predictions ({error})") from error
    return found


@torch.inference_mode()
def judged(network: Classifier, picture: Image.Image, given: list[tuple[Window, float]]) -> Found:
    """What boxes hold that a detector found; a score is the detector's times the classifier's."""
    found = _classified(network, picture, [box for box, _ in given])
    scores = found.scores * torch.tensor([score for _, score in given])
    known = found.labels < len(network.labels)
    return boxes.suppressed(Found(found.boxes, scores, found.labels).at(known))


@torch.inference_mode()
def look(network: Classifier, picture: Image.Image) -> Found:
    """What windows hold all over a picture, of the shapes that objects had in the dataset: slow without a GPU."""
    nothing = len(network.labels)
    found = _classified(network, picture, list(_windows(picture, network.shapes)))
    found = boxes.suppressed(found.at((found.labels < nothing) & (found.scores > LEAST)), 200, 0.6)
    # again around each, as a window of the first look is at most near
    near = [box for one in found.boxes.tolist() for box in _around(one) if _shows(box, *picture.size)]
    closer = boxes.joined([found, _classified(network, picture, near)])
    return boxes.suppressed(closer.at((closer.labels < nothing) & (closer.scores > LEAST)), overlap=0.2)


def _classified(network: Classifier, picture: Image.Image, windows: list[Window]) -> Found:
    """What each of some windows holds; the number behind the labels is nothing."""
    answers = [Found(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.long))]
    for start in range(0, len(windows), 512):
        part = windows[start : start + 512]
        scores, labels = model.chances(network, [model.cut(picture, box) for box in part]).max(1)
        answers.append(Found(torch.tensor(part), scores, labels))
    return boxes.joined(answers)


def _windows(picture: Image.Image, shapes: tuple[tuple[float, float], ...]) -> Iterator[Window]:
    """Windows half of which overlaps the next one, where the picture isn't plain."""
    pixels = np.asarray(picture.convert("L"), np.float64)
    sums = [np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0))) for values in (pixels, pixels**2)]
    for wide, high in shapes:
        for y in np.arange(0, picture.height - high + 1, high / 2):
            for x in np.arange(0, picture.width - wide + 1, wide / 2):
                left, top, right, bottom = int(x), int(y), int(x + wide), int(y + high)
                area = (right - left) * (bottom - top)
                mean, square = (
                    (s[bottom, right] - s[top, right] - s[bottom, left] + s[top, left]) / area for s in sums
                )
                if square - mean**2 > 25:
                    yield float(x), float(y), float(x + wide), float(y + high)


def _around(box: list[float]) -> Iterator[Window]:
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    for size in (0.8, 1, 1.25):
        for over in (-0.2, 0, 0.2):
            for down in (-0.2, 0, 0.2):
                x, y = (left + right) / 2 + over * wide, (top + bottom) / 2 + down * high
                half_wide, half_high = wide * size / 2, high * size / 2
                yield x - half_wide, y - half_high, x + half_wide, y + half_high


def _shows(box: Window, width: int, height: int) -> bool:
    """Whether a window lies on the picture."""
    return min(box[2], width) - max(box[0], 0) >= 4 and min(box[3], height) - max(box[1], 0) >= 4


if __name__ == "__main__":
    program.run(main)
