"""The record of one augmented image: what was done to the master, and where its content went."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from dlim import store
from dlim.errors import AugmentError
from dlim.geometry import Box, Mesh, Object, Size
from dlim.store import Build

RECORDS = "variations.jsonl"
"""The file of records in a folder of variations: a JSON object a line, in the order of making."""


Number = int | float


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


_encode = json.JSONEncoder(ensure_ascii=False).encode  # made once: json.dumps would make one for each record


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
    return _encode(record)


class _Thing(msgspec.Struct, forbid_unknown_fields=True):
    label: str
    box: tuple[Number, Number, Number, Number]
    truncated: bool = False
    difficult: bool = False
    pose: str = "Unspecified"


class _Record(msgspec.Struct):
    filename: str
    sha256: str
    operation: str
    parameters: dict[str, Number]
    size: tuple[int, int]
    crop: tuple[int, int]
    origin: tuple[int, int]
    master: tuple[Number, Number]
    mesh: tuple[tuple[Number, Number], ...]
    objects: list[_Thing] | None = None


_decode = msgspec.json.Decoder(_Record).decode


def from_line(line: str | bytes) -> Variation:
    """The variation of such a line. Raises ValueError for any other text."""
    try:
        record = _decode(line)
    except store.UNREADABLE as error:
        raise ValueError(str(error)) from error
    things = record.objects
    return Variation(
        record.filename,
        record.operation,
        record.size,
        record.crop,
        record.origin,
        Mesh(*record.master, record.mesh),
        record.parameters,
        None
        if things is None
        else tuple(Object(each.label, Box(*each.box), each.truncated, each.difficult, each.pose) for each in things),
        record.sha256,
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


def facts(variations: Iterable[Variation]) -> dict[str, Any]:
    """What a manifest is to say of variations: the labels that they name, and whether there is one that names none."""
    named: set[str] = set()
    unnamed = False
    for each in variations:
        unnamed |= each.objects is None
        named.update(thing.label for thing in each.objects or ())
    return {"labels": sorted(named), "unnamed": unnamed}


def labels(folder: Path) -> tuple[set[str], bool]:
    """The labels that a folder's records name themselves, and whether there is a record that names none.

    Its manifest says so; none where there is no such folder yet.
    """
    try:
        known = store.facts(folder / store.MANIFEST)
        return set(known["labels"]), bool(known["unnamed"])
    except (OSError, ValueError, KeyError):
        return set(), False


def append(folder: Path, variations: Iterable[Variation]) -> None:
    """Add records to a folder's file of records."""
    with (folder / RECORDS).open("a", encoding="utf-8", newline="\n") as file:
        file.writelines(to_line(variation) + "\n" for variation in variations)


def read(folder: Path) -> Iterator[Variation]:
    """A folder's records, in their order; none where there is no file of records."""
    path = folder / RECORDS
    if path.exists():
        with path.open("rb") as file:
            yield from _parsed(path, file)


class _Name(msgspec.Struct):
    filename: str


_named = msgspec.json.Decoder(_Name).decode


def by_name(made: Build) -> dict[str, bytes]:
    """The lines of a build's records by their images' names, for who needs few of them; `from_line` reads each."""
    return {_named(line).filename: line for line in made.lines(RECORDS)}


def sealed(made: Build) -> Iterator[Variation]:
    """A build's records, in their order. Raises DamageError where they aren't those that were sealed."""
    return _parsed(Path(made.folder, RECORDS), made.lines(RECORDS))


def _parsed(path: Path, lines: Iterable[bytes]) -> Iterator[Variation]:
    for number, line in enumerate(lines, 1):
        try:
            yield from_line(line)
        except ValueError as error:
            raise AugmentError(
                f"{path}:{number}", "is no record of a variation", "leave that file to dlim.augment, or don't write one"
            ) from error
