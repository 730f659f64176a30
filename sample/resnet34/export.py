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
from model import Classifier
from torch import Tensor, nn


class Answers(nn.Module):
    """The probability of each label, and at the end that of none of them."""

    def __init__(self, network: Classifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        said: Tensor = self.network(pixels)
        return said.softmax(1)


def main() -> None:
    options = program.parser("Write a weight as ONNX.")
    options.add_argument("--weight", type=Path, default=Path("weights/best_weight.pth"), help="read")
    options.add_argument("--out", type=Path, default=None, help="written; the weight's name with .onnx")
    chosen = options.parse_args()
    network = model.load(chosen.weight, torch.device("cpu"))
    out = chosen.out or chosen.weight.with_suffix(".onnx")
    onnx_file.write(out, Answers(network), model.SIDE, ("scores",), {"labels": json.dumps(network.labels)})


if __name__ == "__main__":
    program.run(main)
