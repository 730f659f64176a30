"""What the page is told and what it sends: the objects on one picture as JSON, in VOC's names and pixels."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from dlim.config import LABEL
from dlim.errors import AnnotationError
from dlim.geometry import Box, Object
from dlim.labelling import box_file
from dlim.labelling import label as labels
from dlim.labelling import mask as masks
from dlim.labelling.box_file import Picture

POSE = re.compile(r"[A-Za-z0-9 _.-]{1,40}")
"""A pose that another program gave is kept; nothing here reads it."""

NO_POSE = "Unspecified"


class Thing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object: its box as VOC counts, from 1 and with both ends inside."""

    name: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int
    difficult: bool
    truncated: bool
    pose: str = NO_POSE


class Known(msgspec.Struct, frozen=True):
    """What the page starts from.

    crop: where the crop stands on the image, as a box. label: what a new box is called; rule: what a label must
    match. mended: whether the objects differ from those in the file, as notes say. version: that of the file. shot:
    whether it is one, which has no crop and may show nothing.
    """

    project: str
    shot: bool
    file: str
    width: int
    height: int
    crop: tuple[int, int, int, int]
    labels: list[str]
    label: str
    rule: str
    most: int
    objects: list[Thing]
    notes: list[str]
    mended: bool
    version: str


class Save(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the page sends. version: of the file that its objects come from, or None to save over any other."""

    objects: list[Thing]
    version: str | None


class Saved(msgspec.Struct, frozen=True):
    """The answer. written: whether the file changed."""

    version: str
    written: bool


class StaleError(AnnotationError):
    """The file is no longer the one that the page has seen: another program, or another page, saved it."""


@dataclass(frozen=True)
class Drawing:
    """The objects of one picture, for one page or several at a time."""

    on: Picture
    labels: Sequence[str]
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while the file is looked at and written, so that who holds it finds no half of a save."""

    def known(self) -> Known:
        """What the page starts from. Raises AnnotationError where the box file can't be read."""
        project = self.on.project
        with self.lock:
            drawn = box_file.read(self.on)
        notes = list(drawn.notes)
        offered = [label for label in self.labels if LABEL.fullmatch(label)]
        first = offered[0] if len(offered) == 1 else ""  # a shot's name says nothing of what it shows
        if project and project.settings.label is not None:
            notes.append(f'project.toml calls every object here "{project.settings.label}"')
        return Known(
            project=self.on.name,
            shot=project is None,
            file=str(self.on.boxes),
            width=self.on.size[0],
            height=self.on.size[1],
            crop=_edges(self.on.crop),
            labels=offered,
            label=labels.suggested(project, (thing.label for thing in drawn.objects)) if project else first,
            rule=LABEL.pattern,
            most=box_file.MOST,
            objects=[_thing(thing) for thing in drawn.objects],
            notes=notes,
            mended=bool(drawn.notes),
            version=drawn.version,
        )

    def save(self, body: bytes) -> Saved:
        """Check and write what the page sent. Raises AnnotationError, with nothing written, and OSError."""
        sent = _decoded(body, Save)
        objects = [_object(thing) for thing in sent.objects]
        with self.lock:
            # saved twice, as by a double click, it isn't stale: the file says so already
            stale = sent.version not in (None, box_file.version(self.on))
            if stale and not box_file.says(self.on, tuple(objects)):
                raise StaleError(
                    self.on.name,
                    f"{self.on.boxes.name} was changed since this page read it",
                    "load it again, or save over it",
                )
            box_file.check(self.on, objects)
            written = box_file.write(self.on, objects)
            return Saved(box_file.version(self.on), written)

    def mask(self) -> masks.Drawn:
        """The mask's file, or what the saved boxes suggest. Raises DlimError where one of them can't be read."""
        with self.lock:
            return masks.read(self.on, box_file.read(self.on).objects)

    def suggestion(self, body: bytes) -> masks.Drawn:
        """What the boxes on the page suggest."""
        return masks.suggested(self.on, [_object(thing) for thing in _decoded(body, Save).objects])

    def save_mask(self, body: bytes) -> Saved:
        """Write the mask that the page sent. Raises AnnotationError, with nothing written, and OSError."""
        drawn = _decoded(body, masks.Drawn)
        with self.lock:
            return Saved("", masks.write(self.on, drawn))


T = TypeVar("T")


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        fault, _, where = str(error).partition(" - at `$.")
        fault = fault[:1].lower() + fault[1:].replace("`", "")
        raise AnnotationError(
            where.rstrip("`") or "the request", fault, "send whole pixels, texts and flags"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AnnotationError("the request", "is no JSON", "send it as the page does") from error


def _object(thing: Thing) -> Object:
    pose = thing.pose if POSE.fullmatch(thing.pose) else NO_POSE
    box = Box(thing.xmin - 1, thing.ymin - 1, thing.xmax, thing.ymax)
    return Object(thing.name, box, thing.truncated, thing.difficult, pose)


def _thing(thing: Object) -> Thing:
    return Thing(thing.label, *_edges(thing.box), thing.difficult, thing.truncated, thing.pose)


def _edges(box: Box) -> tuple[int, int, int, int]:
    """A box of whole pixels as VOC has it: xmin, ymin, xmax, ymax."""
    return int(box.x1) + 1, int(box.y1) + 1, int(box.x2), int(box.y2)
