"""JPEG encoding alone, by which everything else is measured: it is the one thing that can't be left out."""

from __future__ import annotations

import time
from pathlib import Path

import cv2

from dlim.augment import images, jpeg


def encoding(dataset: Path) -> tuple[int, float]:
    """How many images a dataset has, and the seconds it takes to encode their pixels again, from memory."""
    cv2.setNumThreads(1)
    count, took = 0, 0.0
    for path in sorted((dataset / "JPEGImages").iterdir()):
        pixels = images.read(path)
        began = time.perf_counter()
        jpeg.encode(pixels)
        took += time.perf_counter() - began
        count += 1
    return count, took
