#!/usr/bin/env python3
"""Judge a weight by the val images of a Pascal VOC dataset: a table to read, and a report for programs.

python3 test.py --dataset data_set
"""

from __future__ import annotations

import json
from pathlib import Path

import program  # before torch

# isort: split
import boxes
import model
import torch
import voc
from train import Windows, looked


def main() -> None:
    found = program.parser("Judge a weight by the val images of a Pascal VOC dataset.")
    found.add_argument("--dataset", metavar="DIR", help="the dataset's folder; what DLIM_DATASET says")
    found.add_argument("--weight", type=Path, default=Path("weights/best_weight.pth"), help="judged")
    found.add_argument("--report", type=Path, default=Path("results/report.json"), help="written")
    chosen = found.parse_args()
    data = voc.read(program.folder(chosen.dataset, "DLIM_DATASET"))
    network = model.load(chosen.weight, program.device(chosen.device))
    if network.labels != data.labels:
        raise program.Fault(f"{chosen.weight} knows {', '.join(network.labels)}, and the dataset has other labels")
    with torch.inference_mode():
        lost, truth, answers = looked(network, Windows(data.val, network.side), chosen.batch)
    classes = {label: boxes.judged(truth, answers, number) for number, label in enumerate(data.labels)}
    known = [one.ap50 for one in classes.values() if one.ap50 is not None]
    report = {
        "map50": sum(known) / len(known),
        "val_loss": lost,
        "images": len(data.val),
        "boxes": sum(one.boxes for one in classes.values()),
        "classes": {label: one._asdict() for label, one in classes.items()},
    }
    program.write(chosen.report, json.dumps(report, indent=1) + "\n")
    width = max(len(label) for label in ("label", *classes))
    program.say("label".ljust(width) + "".join(name.rjust(11) for name in boxes.Judged._fields))
    for label, one in classes.items():
        program.say(label.ljust(width) + "".join(shown(value).rjust(11) for value in one))
    program.say(f"map50 {report['map50']:.4f} val_loss {lost:.4f} images {len(data.val)} boxes {report['boxes']}")


def shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    program.run(main)
