#!/usr/bin/env python3
"""Judge a weight by the boxes of val: a table to read, and a report for programs.

python3 test.py --dataset data_set
"""

from __future__ import annotations

import json
from pathlib import Path

import program  # before torch

# isort: split
import model
import torch
import voc
from train import CutOuts, looked

COLUMNS = ("boxes", "right", "precision", "recall")


def main() -> None:
    found = program.parser("Judge a weight by the boxes of val.")
    found.add_argument("--dataset", metavar="DIR", help="the dataset's folder; what DLIM_DATASET says")
    found.add_argument("--weight", type=Path, default=Path("weights/best_weight.pth"), help="judged")
    found.add_argument("--report", type=Path, default=Path("results/report.json"), help="written")
    chosen = found.parse_args()
    data = voc.read(program.folder(chosen.dataset, "DLIM_DATASET"))
    network = model.load(chosen.weight, program.device(chosen.device))
    if network.labels != data.labels:
        raise program.Fault(f"{chosen.weight} knows {', '.join(network.labels)}, and the dataset has other labels")
    nothing = len(data.labels)
    with torch.inference_mode():
        lost, truth, said = looked(network, CutOuts(data.val, nothing), chosen.batch)
    right = truth == said
    classes = {}
    for number, label in enumerate(data.labels):
        there, given = int((truth == number).sum()), int((said == number).sum())
        hits = int((right & (truth == number)).sum())
        row = (there, hits, hits / given if given else None, hits / there if there else None)
        classes[label] = dict(zip(COLUMNS, row, strict=True))
    report = {
        "accuracy": float(right[truth < nothing].float().mean()),
        "nothing_accuracy": float(right[truth == nothing].float().mean()),
        "val_loss": lost,
        "boxes": int((truth < nothing).sum()),
        "classes": classes,
    }
    program.write(chosen.report, json.dumps(report, indent=1) + "\n")
    width = max(len(label) for label in ("label", *classes))
    program.say("label".ljust(width) + "".join(name.rjust(11) for name in COLUMNS))
    for label, one in classes.items():
        program.say(label.ljust(width) + "".join(shown(one[name]).rjust(11) for name in COLUMNS))
    names = ("accuracy", "nothing_accuracy", "val_loss", "boxes")
    program.say(" ".join(f"{name} {shown(report[name])}" for name in names))


def shown(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    program.run(main)
