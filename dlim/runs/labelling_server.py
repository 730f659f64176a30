"""The server where people label: masters on their canvas go there, boxes come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dlim import store
from dlim.errors import AnnotationError
from dlim.formats import voc
from dlim.geometry import Annotation, Object
from dlim.projects import Project
from dlim.runs import files
from dlim.servers.contract import Transport

SERVER = "imglabeling"
"""What that server is called in config/servers.toml."""


def push(transport: Transport, projects: Mapping[str, Project]) -> list[str]:
    """Bring each project's labelling image there; the projects whose image wasn't there already."""
    images = {project.extended.as_posix(): project.extended for project in projects.values()}
    sent = set(files.bring(transport, ".", images))
    return [title for title, project in projects.items() if project.extended.as_posix() in sent]


class Pulled(NamedTuple):
    """What became of a project's boxes. state: "new", "same", "differs", "taken" or "broken"; why: in words."""

    state: str
    why: str = ""


def pull(transport: Transport, projects: Mapping[str, Project], take: bool = False) -> dict[str, Pulled]:
    """Bring boxes here, for the projects that have some there.

    Boxes that differ from those here stay there, unless take: then they replace these. A file that can't be read is
    left alone.
    """
    found = files.fetch(transport, ".", [project.boxes.as_posix() for project in projects.values()])
    return {
        title: _pulled(project, found[project.boxes.as_posix()], take)
        for title, project in projects.items()
        if project.boxes.as_posix() in found
    }


def _pulled(project: Project, data: bytes, take: bool) -> Pulled:
    beside = project.boxes.with_name(f"{store.FRESH}pulled.xml")
    try:
        beside.write_bytes(data)
        theirs = voc.read(beside)
        if not project.boxes.exists():
            beside.replace(project.boxes)
            return Pulled("new", told(theirs))
        ours = _ours(project)
        if ours is not None and _frame_and_objects(ours) == _frame_and_objects(theirs):
            return Pulled("same")
        if take:
            beside.replace(project.boxes)
        here = "a file that can't be read" if ours is None else told(ours)
        return Pulled("taken" if take else "differs", f"here {here}; there {told(theirs)}")
    except AnnotationError as error:
        return Pulled("broken", f"{error.fault}; nothing is changed")
    finally:
        beside.unlink(missing_ok=True)


def _ours(project: Project) -> Annotation | None:
    try:
        return voc.read(project.boxes)
    except AnnotationError:
        return None


def _frame_and_objects(annotation: Annotation) -> tuple[int, int, tuple[Object, ...]]:
    """What a box file says; its names of files and programs say nothing."""
    return annotation.width, annotation.height, annotation.objects


def told(annotation: Annotation) -> str:
    """Boxes in words: label; left, top, right and lower pixel of the image that was labelled, from 1 as in the file."""
    words = (
        f"{thing.label} {thing.box.x1 + 1:g},{thing.box.y1 + 1:g} to {thing.box.x2:g},{thing.box.y2:g}"
        for thing in annotation.objects
    )
    return ", ".join(words) or "no box"
