#!/usr/bin/env python3
"""Say what images show, by the weight in service: a line each, with the path, the label and its probability.

python3 serve.py screenshot.jpg --box 12,8,32,32
python3 serve.py --check
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import program  # before numpy

# isort: split
import dataset
import model
import numpy as np
from dataset import Array, Box
from model import Network


def main() -> int:
    options = parser()
    arguments = options.parse_args()
    if arguments.check == bool(arguments.images):
        options.error("give images, or --check alone")
    network = model.load(arguments.weight)
    if arguments.check:
        answer(network, np.full((network.side, network.side, 3), 255, np.uint8))
        print(f"ok: {len(network.labels)} classes")
        return 0
    return max([served(network, path, arguments.box) for path in arguments.images])


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description="Say what images show, by the weight in service.")
    found.add_argument("images", type=Path, nargs="*", metavar="IMAGE", help="an image file")
    found.add_argument("--box", type=box, metavar="X,Y,W,H", help="the part to look at (all of the image)")
    found.add_argument("--check", action="store_true", help="see whether the weight is of use, and say ok")
    found.add_argument("--weight", type=Path, default=Path("weights/latest_weight.pth"), help="read (%(default)s)")
    return found


def box(text: str) -> Box:
    x, y, width, height = (float(number) for number in text.split(","))
    return x, y, x + width, y + height


def served(network: Network, path: Path, where: Box | None) -> int:
    """Print what an image shows. One that can't be read is a line on stderr and a 1; the others have their answers."""
    try:
        image = dataset.opened(path)
        patch = dataset.cut(image, where or (0, 0, image.width, image.height), network.side, path)
    except program.Fault as fault:
        print(fault, file=sys.stderr)
        return 1
    label, probability = answer(network, patch)
    print(f"{program.shown(path)} {label} {probability:.4f}", flush=True)
    return 0


def answer(network: Network, patch: Array) -> tuple[str, float]:
    """The likeliest label and its probability."""
    chances = model.probabilities(network, patch[np.newaxis])[0]
    return network.labels[int(chances.argmax())], float(chances.max())


if __name__ == "__main__":
    program.run(main)
