"""Which pixels of a master belong to its object: drawn by a person, the picture's own alpha, or suggested."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dlim.augment.images import size_of
from dlim.errors import ProjectError
from dlim.geometry import Box, Mesh, canvas_name, still
from dlim.scenes import Raster

INK = 128
"""From which value on, of 0 to 255, a pixel counts as the object's: those that have this bit."""

_ALIKE = 24
"""How far, in one channel, the colours of a border may differ that is all of one colour."""


def read(path: Path, size: tuple[int, int]) -> Raster:
    """A mask file as height x width, 255 where the object is. Raises ProjectError where it is no mask of a master."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            mask = np.asarray(
                image.convert("RGBA").getchannel("A") if image.mode in ("RGBA", "LA") else image.convert("L")
            )
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ProjectError(path, "is no image that can be read", "save it again as PNG, or delete it") from error
    if size_of(mask) != size:
        fault = f"is {canvas_name(size_of(mask))}, and the master {canvas_name(size)}"
        raise ProjectError(path, fault, "draw it again on the master, or delete it")
    if not (mask >= INK).any():
        raise ProjectError(path, "marks no pixel", "paint the object white, or delete it")
    return mask


def suggested(master: Raster, boxes: Sequence[Box]) -> Raster:
    """A mask from the boxes and what the crop shows around them: a suggestion, which a person may correct."""
    mask = np.zeros(master.shape[:2], np.uint8)
    for box in boxes:
        mask |= _suggested(master, box.clipped(*size_of(master)).rounded(*size_of(master)))
    return mask


def _suggested(master: Raster, box: Box) -> Raster:
    """The object in one box: what differs from the border's colour, or what GrabCut tells from the border; else all."""
    x1, y1, x2, y2 = (int(value) for value in (box.x1, box.y1, box.x2, box.y2))
    whole = np.zeros(master.shape[:2], np.uint8)
    whole[y1:y2, x1:x2] = 255
    border = _border(master, whole)
    if not len(border):
        return whole
    colour = np.median(border, axis=0)
    if np.percentile(np.abs(border - colour).max(axis=1), 80) <= _ALIKE:
        found = _differs(master, colour.astype(np.int16), whole)
    else:
        found = _grabbed(master, whole)
    found = _solid(found)
    # a suggestion that loses most of what a person has framed has misread the border
    inside = found[y1:y2, x1:x2] >= INK
    return found if inside.mean() > 0.3 else whole


def _border(master: Raster, whole: Raster) -> Raster:
    """The colours just outside the box, and of its corners where the box reaches the crop's edge."""
    outside = master[whole == 0]
    if len(outside) >= 0.02 * whole.size:
        near = cv2.dilate(whole, np.ones((9, 9), np.uint8)) & ~whole
        ring = master[near > 0]
        return (ring if len(ring) else outside).astype(np.int16)
    return np.empty((0, 3), np.int16)


def _differs(master: Raster, colour: np.ndarray, whole: Raster) -> Raster:
    """How much of each pixel is another colour than the border's."""
    distance = np.abs(master.astype(np.int16) - colour).max(axis=2)
    inside = distance[whole > 0]
    strong = max(int(np.percentile(inside, 60)) // 2, 10)
    return np.where((distance >= strong) & (whole > 0), 255, 0).astype(np.uint8)


def _grabbed(master: Raster, whole: Raster) -> Raster:
    labels = np.where(whole > 0, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    models: list[Any] = [np.zeros((1, 65)), np.zeros((1, 65))]
    cv2.setRNGSeed(1)  # it draws where it begins: the same each time
    bgr: Any = cv2.cvtColor(master, cv2.COLOR_RGB2BGR)
    cv2.grabCut(bgr, labels, None, *models, 5, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload] # None is no stub's
    return np.where((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD), 255, 0).astype(np.uint8)


def _solid(mask: Raster) -> Raster:
    """Its largest parts with their holes filled: what lies inside a button's outline is the button."""
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max((cv2.contourArea(one) for one in outlines), default=0)
    filled = np.zeros_like(mask)
    for one in outlines:
        if cv2.contourArea(one) >= largest * 0.1:
            cv2.drawContours(filled, [one], -1, 255, -1)
    return filled


def followed(mask: Raster, mesh: Mesh, crop: tuple[int, int], scale: float = 1) -> Raster:
    """A master's mask on a variation's crop, of that size, enlarged by a scale: it moves as the boxes do."""
    size = max(1, int(crop[0] * scale + 0.5)), max(1, int(crop[1] * scale + 0.5))
    if size == crop == size_of(mask) and mesh == still(*crop):
        return mask
    stretch = size[0] / crop[0], size[1] / crop[1]
    if mesh.side == 2:
        (x0, y0), (x1, y1), (x2, y2) = mesh.points[:3]
        # from pixel centres to pixel centres: the mesh counts from pixels' edges
        a, b = (x1 - x0) / mesh.width * stretch[0], (x2 - x0) / mesh.height * stretch[0]
        c, d = (y1 - y0) / mesh.width * stretch[1], (y2 - y0) / mesh.height * stretch[1]
        matrix = np.array(
            [
                [a, b, x0 * stretch[0] + (a + b) / 2 - 0.5],
                [c, d, y0 * stretch[1] + (c + d) / 2 - 0.5],
            ]
        )
        return cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR)
    outlines, _ = cv2.findContours((mask >= INK).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    moved = np.zeros((size[1], size[0]), np.uint8)
    points = [
        np.array([mesh.moved(float(x) + 0.5, float(y) + 0.5) for x, y in one[:, 0]]) * stretch - 0.5 for one in outlines
    ]
    cv2.fillPoly(moved, [np.round(one * 16).astype(np.int32) for one in points], 255, cv2.LINE_AA, 4)
    return moved


def seen(mask: Raster, x: int = 0, y: int = 0) -> Box | None:
    """The smallest box around what a mask shows, shifted; None where it shows nothing of an object's size."""
    left, top, width, height = cv2.boundingRect(mask & INK)
    return Box(x + left, y + top, x + left + width, y + top + height) if width > 1 and height > 1 else None
