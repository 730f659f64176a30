#!/usr/bin/env python3
"""Say what is on pictures, by the weight in service: a line of JSON each.

python3 serve.py screenshot.jpg
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
import boxes
import model
import predict
from PIL import Image


def main() -> int:
    options = program.parser("Say what is on pictures, by the weight in service.")
    options.add_argument("images", type=Path, nargs="*", metavar="IMAGE", help="an image file")
    options.add_argument("--check", action="store_true", help="see whether the weight is of use, and say ok")
    in_service = Path(os.environ.get("DLIM_WEIGHT") or "weights/latest_weight.pth")
    options.add_argument("--weight", type=Path, default=in_service, help="read")
    options.add_argument("--score", type=float, default=0.5, help="what is less sure is not told")
    chosen = options.parse_args()
    if chosen.check == bool(chosen.images):
        options.error("give images, or --check alone")
    device = program.device(chosen.device)
    network = model.load(chosen.weight, device)
    if chosen.check:
        began = time.monotonic()
        predict.look(network, Image.new("RGB", (network.canvas, network.canvas), "white"))
        took = time.monotonic() - began
        labels = f"{len(network.labels)} labels: {', '.join(network.labels)}"
        program.say(f"ok: {network.name} on {device}, {took:.2f} s a picture; {labels}")
        return 0
    failed = 0
    for path in chosen.images:
        try:
            answer = predict.look(network, program.opened(path), chosen.batch)
        except program.Fault as fault:
            print(fault, file=sys.stderr, flush=True)
            failed = 1
            continue
        told = boxes.told(str(path), answer.at(answer.scores >= chosen.score), network.labels)
        program.say(json.dumps({"image": str(path), "found": told}))
    return failed


if __name__ == "__main__":
    program.run(main)
