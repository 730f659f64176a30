#!/usr/bin/env python3
"""Say what cut-outs show, by the weight in service: a line of JSON each.

python3 serve.py screenshot.jpg --box 12,8,32,32
python3 serve.py --check
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import program  # before torch

# isort: split
import model
import torch
from PIL import Image

Box = tuple[float, float, float, float]


def main() -> int:
    options = program.parser("Say what cut-outs show, by the weight in service.")
    options.add_argument("images", type=Path, nargs="*", metavar="IMAGE", help="an image file")
    options.add_argument("--box", type=box, metavar="X,Y,W,H", help="the part to look at; all of the image without it")
    options.add_argument("--check", action="store_true", help="see whether the weight is of use, and say ok")
    in_service = Path(os.environ.get("DLIM_WEIGHT") or "weights/latest_weight.pth")
    options.add_argument("--weight", type=Path, default=in_service, help="read")
    chosen = options.parse_args()
    if chosen.check == bool(chosen.images):
        options.error("give images, or --check alone")
    device = program.device(chosen.device)
    network = model.load(chosen.weight, device)
    if chosen.check:
        began = time.monotonic()
        answer(network, Image.new("RGB", (model.SIDE, model.SIDE), "white"), None)
        took = time.monotonic() - began
        labels = f"{len(network.labels)} labels: {', '.join(network.labels)}"
        program.say(f"ok: resnet34 on {device}, {took:.2f} s a cut-out; {labels}")
        return 0
    failed = 0
    for path in chosen.images:
        try:
            label, score = answer(network, program.opened(path), chosen.box)
        except program.Fault as fault:
            print(f"{program.shown(path)}: {fault}", file=sys.stderr, flush=True)
            failed = 1
            continue
        program.say(json.dumps({"image": str(path), "label": label, "score": round(score, 5)}))
    return failed


def box(text: str) -> Box:
    x, y, width, height = (float(number) for number in text.split(","))
    return x, y, x + width, y + height


@torch.inference_mode()
def answer(network: model.Classifier, image: Image.Image, where: Box | None) -> tuple[str | None, float]:
    """The likeliest label and its probability; None where a cut-out shows none of them."""
    patch = model.cut(image, where or (0, 0, image.width, image.height))
    score, number = model.chances(network, [patch])[0].max(0)
    return (*network.labels, None)[int(number)], float(score)


if __name__ == "__main__":
    program.run(main)
