"""boxes: the master's annotation, read in whichever frame it was drawn, becomes objects on the crop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from dlim import store, variation
from dlim.augment import images
from dlim.errors import AnnotationError, ProjectError
from dlim.formats import voc
from dlim.geometry import Annotation, Object, Size, canvas_name, fits, origin
from dlim.projects import Project
from dlim.store import Build, Staging

OBJECTS = "objects.json"
"""What this stage leaves: the master's digest, size and objects, boxes in the crop's own frame."""

SLIGHT = 2.0
"""Pixels by which a hand-drawn box may hang over the crop and still be taken for one around its edge."""

MOST = 10_000
"""Objects of a master: each of its images names them all."""


def locate(project: Project, out: Staging, canvas: Size) -> list[str]:
    """Write objects.json into out; what is to be said of it, a line each.

    canvas: the labelling canvas. Raises ProjectError or AnnotationError, in one line with the way out.
    """
    size, found, notes = objects_of(project, canvas)
    record = {
        "master": store.sha256(project.image),
        "size": size,
        "objects": [variation.object_record(thing) for thing in found],
    }
    out.write(OBJECTS, (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode())
    out.facts["labels"] = sorted({thing.label for thing in found})
    return notes


def objects_of(project: Project, canvas: Size) -> tuple[Size, list[Object], list[str]]:
    """The master's size, its objects in the crop's frame, and what is to be said of them.

    Raises ProjectError or AnnotationError as `locate` does.
    """
    project.require_master()
    _require_boxes(project)
    size = images.crop_size(project.image)
    annotation = voc.read(project.boxes)
    if not annotation.objects:
        raise AnnotationError(project.boxes, "marks no object", "draw a box around the object and save again")
    if len(annotation.objects) > MOST:
        fault = f"marks {len(annotation.objects):,} objects, more than {MOST:,}"
        raise AnnotationError(project.boxes, fault, "mark what a master shows once")
    if all(thing.difficult for thing in annotation.objects):
        raise AnnotationError(
            project.boxes, "marks difficult objects only, which learners pass over", "mark one as not difficult"
        )
    found, notes = _on_crop(project, annotation, size, canvas)
    return size, [_named(project, thing) for thing in found], notes


def read(folder: Path) -> tuple[str, Size, tuple[Object, ...]]:
    """What `locate` left in a folder: the master's digest, its size, and its objects. Raises DamageError."""
    record = json.loads(Build(folder).read(OBJECTS))
    width, height = record["size"]
    return record["master"], (width, height), tuple(variation.object_from(item) for item in record["objects"])


def labels(folder: Path) -> set[str]:
    """The labels of the objects that `locate` left in a folder; none before it has run."""
    try:
        return set(store.facts(folder / store.MANIFEST).get("labels", ()))
    except (OSError, ValueError):
        return set()


def _require_boxes(project: Project) -> None:
    if not project.boxes.is_file():
        label = f"doit label:{project.title}"
        raise ProjectError(project.title, "has no box yet", f"{label} draws it, {label} --auto takes the whole crop")


def _on_crop(project: Project, annotation: Annotation, size: Size, canvas: Size) -> tuple[list[Object], list[str]]:
    dx, dy = _offset(project, annotation, size, canvas)
    found, notes = [], []
    for thing in annotation.objects:
        box = thing.box.shifted(-dx, -dy)
        inside = box.clipped(*size)
        if inside.width < 1 or inside.height < 1:
            raise AnnotationError(
                project.boxes,
                f'the box of "{thing.label}" lies outside the crop, which stands {project.settings.placement}',
                f"correct the placement in project.toml, or the box: {_anew(project)}",
            )
        over = box.overhang(*size)
        if over:
            notes.append(f'{project.boxes}: the box of "{thing.label}" hangs over the crop by {over:g} px; clipped')
        found.append(thing.at(inside, truncated=over > SLIGHT))
    return found, notes


def _offset(project: Project, annotation: Annotation, size: Size, canvas: Size) -> tuple[int, int]:
    """Where the crop begins in the frame that the annotation's <size> names."""
    frame = voc.frame(annotation, size, canvas)
    if frame == size:
        return 0, 0
    if frame != canvas:
        raise AnnotationError(
            project.boxes,
            f"<size> says {canvas_name(frame)}, neither the crop's {canvas_name(size)} nor the labelling canvas's "
            f"{canvas_name(canvas)}",
            f"delete it and label the image again: {_anew(project)}",
        )
    if not fits(size, canvas):
        raise ProjectError(
            project.image,
            f"is {canvas_name(size)}, larger than the labelling canvas of {canvas_name(canvas)} that its box was "
            "drawn on",
            f"crop it smaller, or delete {project.boxes.name} and label it again: {_anew(project)}",
        )
    return origin(size, canvas, project.settings.placement)


def _anew(project: Project) -> str:
    return f"doit label:{project.title}, or with --auto --replace for the whole crop"


def _named(project: Project, thing: Object) -> Object:
    label = project.settings.label
    return thing if label is None else replace(thing, label=label)
