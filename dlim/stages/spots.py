"""spots: where the boxes of labelled shots lie becomes where the objects of scenes may stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from dlim import shots
from dlim.errors import ConfigError
from dlim.scenes.choices import Spot
from dlim.shots import SHOTS, Shot
from dlim.store import Build, Staging

SPOTS = "spots.json"
"""What this stage leaves: of each box of a shot its middle, in shares of the shot's width and height."""


def spots(place: str, out: Staging, folder: Path = SHOTS) -> list[str]:
    """Write spots.json into out. place: the learner's file. Raises ConfigError where no shot has a box."""
    found = sorted({spot for shot in shots.read(folder) for spot in _of(shot)})
    if not found:
        fault = f'scene.position: is "shots", and no shot in {folder}/ has a box yet'
        raise ConfigError(place, fault, 'doit label:shots draws them, or say position = "anywhere"')
    out.write(SPOTS, f"{json.dumps(found, indent=0)}\n".encode())
    return []


def read(folder: Path) -> Sequence[Spot]:
    """What this stage left in a folder."""
    return [Spot(*one) for one in json.loads(Build(folder).read(SPOTS))]


def _of(shot: Shot) -> list[Spot]:
    width, height = shot.size
    boxes = [thing.box for thing in shot.objects]
    return [
        Spot(shot.name, round((box.x1 + box.x2) / 2 / width, 5), round((box.y1 + box.y2) / 2 / height, 5))
        for box in boxes
    ]
