"""The box file of a master, in the frame of its extended image, or of a shot: what a person draws on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dlim import store
from dlim.augment import images
from dlim.errors import AnnotationError, ProjectError
from dlim.formats import voc
from dlim.geometry import Annotation, Box, Object, Size, canvas_name, fits, origin
from dlim.labelling import label as labels
from dlim.projects import Project
from dlim.shots import Shot

MOST = 200
"""Objects on one master: more are no drawing by hand."""

ABSENT = ""
"""The version of a file that isn't there."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A project's extended image, or a shot.

    image, boxes: its files. size: its width and height. crop: where the crop stands on it; all of a shot. project: None
    of a shot.
    """

    name: str
    image: Path
    boxes: Path
    size: Size
    crop: Box
    project: Project | None = None

    @property
    def master(self) -> Project:
        """The project. Raises AnnotationError where it is a shot, which has no mask."""
        if self.project is None:
            raise AnnotationError(self.name, "is a shot", "masks are for masters")
        return self.project


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a box file says, as a page can show it: whole pixels inside the extended image.

    notes: what had to be changed for that, a line each. version: the file's digest, or ABSENT.
    """

    objects: tuple[Object, ...]
    notes: tuple[str, ...]
    version: str


def of_shot(shot: Shot) -> Picture:
    """A shot, to draw on."""
    return Picture(shot.name, shot.image, shot.image.with_suffix(voc.SUFFIX), shot.size, Box(0, 0, *shot.size))


def extended(project: Project, canvas: Size) -> Picture:
    """The frame of a project's extended image. canvas: the labelling canvas. Raises ProjectError without a master."""
    project.require_master()
    crop = images.crop_size(project.image)
    size = canvas if fits(crop, canvas) else crop  # as `extend` has it
    x, y = origin(crop, size, project.settings.placement)
    return Picture(project.name, project.extended, project.boxes, size, Box(x, y, x + crop[0], y + crop[1]), project)


def require_image(on: Picture) -> None:
    """Raise ProjectError unless the image is there, in the size that its frame has."""
    remedy = f"run doit extend:{on.project.title}" if on.project else "put it there again"
    if on.project:
        on.project.require(on.image, remedy)
    size = images.size_of(images.read(on.image))
    if size != on.size:
        raise ProjectError(on.image, f"is {canvas_name(size)}, and should be {canvas_name(on.size)}", remedy)


def read(on: Picture) -> Drawn:
    """The boxes there are so far; none where there is no file. Raises AnnotationError where it can't be read."""
    known = version(on)
    found, notes = [], []
    for thing in _said(on) if known != ABSENT else ():
        box = thing.box.seen(*on.size)
        if box is None:
            notes.append(f'the box of "{thing.label}" lies outside the image and is left out')
            continue
        if box != thing.box:
            notes.append(f'the box of "{thing.label}" is brought to whole pixels inside the image')
        found.append(replace(thing, box=box))
    return Drawn(tuple(found), tuple(notes), known)


def version(on: Picture) -> str:
    """The box file's digest, or ABSENT: what must be the same still when boxes drawn upon it are saved."""
    path = on.boxes
    try:
        return store.sha256(path)
    except FileNotFoundError:
        return ABSENT
    except OSError as error:
        raise AnnotationError(path, f"can't be read ({error.strerror})", "make it a file that you may read") from error


def _said(on: Picture) -> list[Object]:
    """The file's objects as they stand in it, on the extended image."""
    path = on.boxes
    try:
        annotation = voc.read(path)
    except AnnotationError as error:
        raise AnnotationError(path, error.fault, "mend it, or delete it and label anew") from error
    dx, dy = _corner(on, annotation)
    return [replace(thing, box=thing.box.shifted(dx, dy)) for thing in annotation.objects]


def _corner(on: Picture, annotation: Annotation) -> tuple[float, float]:
    """Where the image that the file's boxes were drawn on begins on the extended one."""
    crop = int(on.crop.width), int(on.crop.height)
    if on.project is None and not annotation.width:
        return 0, 0
    frame = voc.frame(annotation, crop, on.size)
    if frame == crop:
        return on.crop.x1, on.crop.y1
    if frame == on.size:
        return 0, 0
    said = f"says {canvas_name(frame)} for its image's size" if any(frame) else "doesn't say its image's size"
    # a crop with no room on the labelling canvas is its own extended image
    other = f" or the extended image's {canvas_name(on.size)}" if crop != on.size else ""
    fault = f"{said}, which is the crop's {canvas_name(crop)}{other}"
    raise AnnotationError(on.boxes, fault, "mend it, or delete it and label anew")


def check(on: Picture, objects: Iterable[Object]) -> None:
    """Raise AnnotationError, naming the object, where a build could not use these boxes; a shot may show nothing."""
    objects = list(objects)
    if not objects and on.project:
        raise AnnotationError(on.name, "there is no box", "draw one around the object")
    if len(objects) > MOST:
        raise AnnotationError(on.name, f"there are {len(objects)} boxes", f"draw up to {MOST}")
    for number, thing in enumerate(objects, 1):
        _check_one(on, f"object {number}", thing)
    if on.project and all(thing.difficult for thing in objects):
        raise AnnotationError(
            on.name, "all objects are difficult, and learners pass over those", "mark one as not difficult"
        )


def _check_one(on: Picture, place: str, thing: Object) -> None:
    labels.check(place, thing.label)
    box = thing.box
    if box.overhang(*on.size) > 0:
        raise AnnotationError(place, f"its box leaves the image of {canvas_name(on.size)}", "draw it inside")
    if min(box.width, box.height) < 2:
        raise AnnotationError(place, "its box is smaller than 2x2 pixels", "draw a larger one")
    if box.shifted(-on.crop.x1, -on.crop.y1).clipped(on.crop.width, on.crop.height).area < 1:
        raise AnnotationError(place, "its box lies outside the crop", "draw it around what the crop shows")


def write(on: Picture, objects: Iterable[Object]) -> bool:
    """Save checked boxes; whether the file changed. One that says the same already is left alone, to the byte."""
    things = tuple(objects)
    if says(on, things):
        return False
    annotation = Annotation(on.image.name, *on.size, things, folder=on.image.parent.name)
    data = voc.write(annotation).encode()
    store.write_file(on.boxes, lambda making: making.write_bytes(data))
    return True


def says(on: Picture, objects: tuple[Object, ...]) -> bool:
    """Whether the file says just these boxes already."""
    try:
        return version(on) != ABSENT and tuple(_said(on)) == objects
    except AnnotationError:
        return False


def auto(project: Project, label: str, canvas: Size, *, replace: bool = False) -> bool:
    """Save one box around the whole crop; whether the file changed. canvas: the labelling canvas.

    Raises ProjectError for a label that can't be one and, unless replace is set, where the file has other boxes.
    """
    on = extended(project, canvas)
    labels.check_suggested(project, label)
    things = (Object(label, on.crop),)
    if not replace and version(on) != ABSENT and tuple(_said(on)) != things:
        raise ProjectError(
            project.title,
            f"{project.boxes.name} has other boxes than one around the crop",
            "look at them, or say --replace",
        )
    return write(on, things)
