#!/usr/bin/env python3
"""Judge a weight by the val images of a Pascal VOC dataset: a table to read, and a report for programs.

python3 test.py --dataset data_set
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import program  # before numpy

# isort: split
import dataset
import model
from dataset import Part

COLUMNS = ("images", "boxes", "right", "precision", "recall")


def main() -> None:
    arguments = parser().parse_args()
    folder = program.dataset_folder(arguments.dataset)
    network = model.load(arguments.weight)
    val = dataset.read(folder, "val", network.side)
    answers = [network.labels[place] for place in model.probabilities(network, val.patches).argmax(axis=1)]
    found = report(val, answers, network.labels)
    program.write_file(arguments.report, (json.dumps(found, indent=1) + "\n").encode())
    print(table(found["classes"]))
    print(summary(found))


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description="Judge a weight by the val images of a Pascal VOC dataset.")
    found.add_argument("--dataset", metavar="DIR", help="the dataset's folder (what DLIM_DATASET says)")
    found.add_argument("--weight", type=Path, default=Path("weights/best_weight.pth"), help="judged (%(default)s)")
    found.add_argument("--report", type=Path, default=Path("results/report.json"), help="written (%(default)s)")
    return found


def report(val: Part, answers: Sequence[str], learned: Sequence[str]) -> dict[str, Any]:
    """How many answers are right, one for each box: in all, among the labels that were learned, and by label.

    An image counts once, however many boxes it has. A share of nothing is None.
    """
    boxes, given = Counter(val.labels), Counter(answers)
    right = Counter(label for label, answer in zip(val.labels, answers, strict=True) if label == answer)
    pairs = set(zip(val.images, val.labels, strict=True))
    images = Counter(label for _, label in pairs)
    unknown = boxes.keys() - set(learned)
    unknown_boxes = sum(boxes[label] for label in unknown)
    return {
        "val_accuracy": share(right.total(), len(answers)),
        "known_accuracy": share(right.total(), len(answers) - unknown_boxes),
        "images": len(set(val.images)),
        "boxes": len(answers),
        "right": right.total(),
        "unknown_labels": len(unknown),
        "unknown_images": len({image for image, label in pairs if label in unknown}),
        "unknown_boxes": unknown_boxes,
        "classes": {
            label: {
                "images": images[label],
                "boxes": boxes[label],
                "right": right[label],
                "precision": share(right[label], given[label]),
                "recall": share(right[label], boxes[label]),
                "learned": label not in unknown,
            }
            for label in sorted(boxes.keys() | given.keys())
        },
    }


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def table(classes: dict[str, dict[str, Any]]) -> str:
    """The classes as lines of columns."""
    width = max(len(label) for label in ("label", *classes))
    lines = [row("label".ljust(width), COLUMNS)]
    for label, found in classes.items():
        note = "" if found["learned"] else "  never learned"
        lines.append(row(label.ljust(width), [shown(found[name]) for name in COLUMNS]) + note)
    return "\n".join(lines)


def row(label: str, cells: Sequence[str]) -> str:
    return "".join([label, *(cell.rjust(11) for cell in cells)])


def summary(found: dict[str, Any]) -> str:
    """The accuracies as names and values, and what they leave nobody to know."""
    names = ("val_accuracy", "known_accuracy", "images", "boxes")
    lines = [" ".join(f"{name} {shown(found[name])}" for name in names)]
    if found["unknown_labels"]:
        where = f"{found['unknown_images']} images show labels that were never learned ({found['unknown_labels']})"
        lines.append(f"{where}: val_accuracy counts them as wrong, known_accuracy leaves them out")
    return "\n".join(lines)


def shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    program.run(main)
