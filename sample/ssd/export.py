#!/usr/bin/env python3
"""Write a weight as ONNX, and hold what onnxruntime says of some images against what torch says.

python3 export.py --weight weights/best_weight.pth --out weights/best_weight.onnx
"""

from __future__ import annotations

import json
from pathlib import Path

import program  # before torch

# isort: split
import model
import onnx_file
import torch
from model import Detector
from torch import Tensor, nn


class Answers(nn.Module):
    """Boxes and scores of all prior boxes; whoever serves it takes the best of those that overlap."""

    def __init__(self, network: Detector) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        return model.decoded(self.network, *self.network(pixels))


def main() -> None:
    options = program.parser("Write a weight as ONNX.")
    options.add_argument("--weight", type=Path, default=Path("weights/best_weight.pth"), help="read")
    options.add_argument("--out", type=Path, default=None, help="written; the weight's name with .onnx")
    chosen = options.parse_args()
    network = model.load(chosen.weight, torch.device("cpu"))
    out = chosen.out or chosen.weight.with_suffix(".onnx")
    about = {"model": network.name, "labels": json.dumps(network.labels), "canvas": str(network.canvas)}
    onnx_file.write(out, Answers(network), network.side, ("boxes", "scores"), about)


if __name__ == "__main__":
    program.run(main)
