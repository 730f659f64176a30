"""What a learner's predict left: read with care, judged by the shots, and the worst of it kept as pictures."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeGuard, TypeVar

import msgspec

from dlim import shots, store
from dlim.errors import DlimError, shown
from dlim.geometry import Box
from dlim.names import nearest
from dlim.runs import evaluation
from dlim.runs.evaluation import Prediction
from dlim.runs.record import Edges, Find, Judged, Missed
from dlim.runs.shots import Frozen

MOST = 1 << 26
"""Bytes that a file of predictions may have, and COUNT how many predictions."""
COUNT = 500_000

_FAR = 1e6  # pixels: no box goes there
_ROUNDING = 1e-5  # by which a likeness in single precision may lie above 1
_FAULTS = 5  # kinds of faults that are told


def read(data: bytes, frozen: Frozen) -> tuple[list[Prediction], list[str]]:
    """The predictions in a file, and what is wrong with others, which are left out: a line each kind of fault."""
    try:
        found = json.loads(data, parse_int=float)  # Python's own limit of digits is none here
    except (ValueError, RecursionError) as error:
        return [], [f"is no JSON ({shown(str(error)[:80])})"]
    if not isinstance(found, list):
        return [], ["is no list of predictions"]
    if len(found) > COUNT:
        return [], [f"has {len(found):,} predictions, more than {COUNT:,}: let predict keep the surest"]
    sizes = {shot.name: shot.size or (_FAR, _FAR) for shot in frozen.shots}
    good: list[Prediction] = []
    faults: Counter[str] = Counter()
    for one in found:
        read_one = _prediction(one, sizes, frozen.labels)
        if isinstance(read_one, Prediction):
            good.append(read_one)
        else:
            faults[read_one] += 1
    lines = [f"{count:,} prediction{'s' * (count > 1)} left out: {fault}" for fault, count in faults.most_common()]
    return good, [*lines[:_FAULTS], *([f"and {len(lines) - _FAULTS} other faults"] if len(lines) > _FAULTS else [])]


def _prediction(one: object, sizes: Mapping[str, tuple[float, float]], labels: Sequence[str]) -> Prediction | str:
    """A prediction, or what is wrong with it."""
    if not isinstance(one, dict):
        return "it is no object with file_name, label, bbox and score"
    name, label, box, score = (one.get(key) for key in ("file_name", "label", "bbox", "score"))
    lacking = next((key for key in ("file_name", "label", "score", "bbox") if one.get(key) is None), "")
    if lacking:
        return f"{lacking} is missing"
    if not isinstance(name, str) or name not in sizes:
        return f"file_name {_said(name)} is not that of a shot"
    if not isinstance(label, str) or label not in labels:
        near = f"; {nearest(label, labels)}" if isinstance(label, str) else ""
        return f"label {_said(label)} is none that it learns{near}"
    if not _is_number(score):
        return f"score {_said(score)} {'is not finite' if isinstance(score, float) else 'is no number'}"
    if not -_ROUNDING <= score <= 1 + _ROUNDING:
        return "score is below 0 or above 1"
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        whole = isinstance(box, list) and len(box) == 4 and all(isinstance(each, float) for each in box)
        return f"bbox {_said(box)} is not {'finite' if whole else '[x, y, width, height]'}"
    x, y, width, height = box
    if width <= 0 or height <= 0 or max(map(abs, box)) > _FAR:
        return "bbox has no area, or lies far outside"
    if x + width <= 0 or y + height <= 0 or x >= sizes[name][0] or y >= sizes[name][1]:
        return "bbox lies wholly beside its shot"
    return Prediction(name, label, Box(x, y, x + width, y + height), score)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, float) and math.isfinite(value)  # whole ones are read as such, too


def _said(value: object) -> str:
    return shown(json.dumps(value, ensure_ascii=False)[:60])


def judge(data: bytes, frozen: Frozen, pictures: Mapping[str, Path], into: Path) -> tuple[Judged | None, list[str]]:
    """What the predictions are worth, and what is to be said of them; None where nothing can be judged.

    pictures: of the shots, by name. into: the folder, below that of the output, that gets crops of the worst.
    """
    predictions, faults = read(data, frozen)
    truth = frozen.truth
    if not truth or (faults and not predictions):
        return None, [*faults, *([] if truth else ["no shot is labelled: nothing is judged"])]
    if frozen.unlearned:
        faults.append(shots.unasked(frozen.unlearned))
    found = evaluation.evaluate(truth, [one for one in predictions if one.shot in truth])
    judged = evaluation.to_json(found, frozen.digest, len(truth))
    try:
        return _pictured(judged, pictures, into), faults
    except (DlimError, OSError) as error:
        return judged, [*faults, f"the worst of them can't be shown: {error}"]


T = TypeVar("T", Missed, Find)

MARGIN, LEAST, SIDE = 1.0, 60, 240
"""What a crop shows around a box, in the box's longer side and in pixels at least; and how large it is at most."""

FRAME = 3
"""Pixels of a crop that the frame around the box is thick."""


def _pictured(judged: Judged, pictures: Mapping[str, Path], into: Path) -> Judged:
    """Keep a crop around each of the missed and the false."""
    return msgspec.structs.replace(
        judged,
        missed=tuple(_crop(one, pictures, into / f"missed-{n:02}.jpg") for n, one in enumerate(judged.missed, 1)),
        false=tuple(_crop(one, pictures, into / f"false-{n:02}.jpg") for n, one in enumerate(judged.false, 1)),
    )


def _crop(one: T, pictures: Mapping[str, Path], to: Path) -> T:
    from PIL import ImageDraw

    from dlim.augment import images

    path = pictures[one.shot]
    with images.opened(path) as image:
        picture = images.upright(path, image)
    left, top, right, bottom = _around(one.box, picture.size)
    x, y, width, height = one.box
    part = picture.crop((left, top, right, bottom))
    scale = min(SIDE / max(part.size), 4)
    part = part.resize((max(1, round(part.width * scale)), max(1, round(part.height * scale))))
    edges = [(x - left) * scale, (y - top) * scale, (x + width - left) * scale, (y + height - top) * scale]
    sides: tuple[int, int] = part.size
    pen = ImageDraw.Draw(part)
    for out, thick, colour in (
        (FRAME + 1, 1, "white"),
        (FRAME, FRAME, "#16a34a" if "missed" in to.name else "#dc2626"),
    ):
        apart = zip(edges, (-out, -out, out - 1, out - 1), sides * 2, strict=True)
        frame = [max(0.0, min(at + by, side - 1)) for at, by, side in apart]
        pen.rectangle(frame, outline=colour, width=thick)
    store.write_file(to, lambda making: part.save(making, "JPEG", quality=80))
    return msgspec.structs.replace(one, picture=f"{to.parent.name}/{to.name}")


def _around(box: Edges, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of a picture around a box, all of it inside."""
    x, y, width, height = box
    margin = max(MARGIN * max(width, height), LEAST)
    left, top = (int(min(max(at - margin, 0), limit - 1)) for at, limit in zip((x, y), size, strict=True))
    ends = zip((x + width, y + height), size, (left, top), strict=True)
    right, bottom = (int(min(max(at + margin, low + 1), limit)) for at, limit, low in ends)
    return left, top, right, bottom
