"""Labels: which ones a workspace uses, and why a text can't be one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dlim.config import LABEL
from dlim.errors import AnnotationError, DlimError, shown
from dlim.formats import voc
from dlim.projects import Broken, Project


def known(projects: Iterable[Project | Broken]) -> list[str]:
    """The labels in use, sorted: those of masters, and those that a project.toml sets.

    A box file that can't be read names none, and what can't be a label in a dataset isn't offered.
    """
    found = {label for project in projects if isinstance(project, Project) for label in _labels(project)}
    return sorted(label for label in found if LABEL.fullmatch(label))


def _labels(project: Project) -> Iterator[str]:
    if project.settings.label is not None:
        yield project.settings.label
    elif project.boxes.is_file():
        try:
            yield from (thing.label for thing in voc.read(project.boxes).objects)
        except AnnotationError:
            return  # whoever builds or labels that project is told; here another one is labelled


def suggested(project: Project, used: Iterable[str]) -> str:
    """What the first box of a project may be called; empty where only a person can know.

    used: the labels of its boxes so far.
    """
    choices = [project.settings.label or "", *used, project.name, project.name.lower()]
    return next((label for label in choices if LABEL.fullmatch(label)), "")


def check(place: object, label: str, error: type[DlimError] = AnnotationError) -> None:
    """Raise an error of that kind, for that place, where a text can't be a label."""
    if LABEL.fullmatch(label):
        return
    if not label:
        raise error(place, "has no label", "type one")
    if LABEL.fullmatch(label.lower()):
        raise error(
            place, f'"{label}" has upper-case letters, which SSD loaders lower-case', f'write "{label.lower()}"'
        )
    raise error(place, f'"{shown(label[:40])}" is no label', "use a-z, 0-9, _ and -, up to 40 of them")
