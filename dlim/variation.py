"""The record of one augmented image: what was done to the master, and where its content went."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlim.annotation import Box, Object
from dlim.errors import AugmentError
from dlim.frame import Size
from dlim.mesh import Mesh, mesh_of

RECORDS = "variations.jsonl"
"""The file of records in a folder of variations: a JSON object a line, in the order of making."""


@dataclass(frozen=True, slots=True)
class Variation:
    """One image in a folder of variations.

    filename: its name in that folder.
    operation: what made it, a word for people; parameters: what was drawn for it.
    size: of the image, in pixels; crop: of the part that shows the master; origin: where that part begins.
    mesh: where the master's points went, measured in the crop.
    objects: what it shows, in the crop's frame, where that isn't the master's objects (a generator's).
    sha256: of the file as it was written; a script may have changed it since.
    """

    filename: str
    operation: str
    size: Size
    crop: Size
    origin: tuple[int, int]
    mesh: Mesh
    parameters: Mapping[str, float] = field(default_factory=dict)
    objects: tuple[Object, ...] | None = None
    sha256: str = ""


def to_line(variation: Variation) -> str:
    """One line of JSON without its end, the same for the same variation."""
    record = {
        "filename": variation.filename,
        "sha256": variation.sha256,
        "operation": variation.operation,
        "parameters": dict(variation.parameters),
        "size": variation.size,
        "crop": variation.crop,
        "origin": variation.origin,
        "master": [variation.mesh.width, variation.mesh.height],
        "mesh": [[round(x, 4), round(y, 4)] for x, y in variation.mesh.points],
    }
    if variation.objects is not None:
        record["objects"] = [object_record(thing) for thing in variation.objects]
    return json.dumps(record, ensure_ascii=False)


def from_line(line: str) -> Variation:
    """The variation of such a line. Raises ValueError, KeyError, TypeError or AttributeError for any other text."""
    record = json.loads(line)
    objects = record.get("objects")
    return Variation(
        filename=record["filename"],
        sha256=record["sha256"],
        operation=record["operation"],
        parameters=record["parameters"],
        size=tuple(record["size"]),
        crop=tuple(record["crop"]),
        origin=tuple(record["origin"]),
        mesh=mesh_of(record["master"], record["mesh"]),
        objects=None if objects is None else tuple(object_from(item) for item in objects),
    )


def object_record(thing: Object) -> dict[str, object]:
    """An object as JSON has it."""
    box = thing.box
    return {
        "label": thing.label,
        "box": [box.x1, box.y1, box.x2, box.y2],
        "truncated": thing.truncated,
        "difficult": thing.difficult,
        "pose": thing.pose,
    }


def object_from(record: Mapping[str, Any]) -> Object:
    """An object from JSON. Raises KeyError, TypeError or AttributeError where it isn't one."""
    fields = {key: value for key, value in record.items() if key != "box"}
    return Object(box=Box(*record["box"]), **fields)


def labels(folder: Path) -> tuple[set[str], bool]:
    """The labels that a folder's records name themselves, and whether there is a record that names none."""
    path = folder / RECORDS
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n") if path.exists() else []
    # asked for on every run: a line is parsed only where it may have an answer
    named = [json.loads(line).get("objects", []) for line in lines if '"objects"' in line]
    return {thing["label"] for things in named for thing in things}, len(named) < len(lines)


def append(folder: Path, variations: Iterable[Variation]) -> None:
    """Add records to a folder's file of records."""
    with (folder / RECORDS).open("a", encoding="utf-8", newline="\n") as file:
        file.writelines(to_line(variation) + "\n" for variation in variations)


def read(folder: Path) -> Iterator[Variation]:
    """A folder's records, in their order; none where there is no file of records."""
    path = folder / RECORDS
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                yield from_line(line)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise AugmentError(
                    f"{path}:{number}",
                    "is no record of a variation",
                    "leave that file to dlim.augment, or don't write one",
                ) from error
