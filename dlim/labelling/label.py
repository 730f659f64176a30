"""Labels: which ones a workspace uses, and why a text can't be one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dlim.config import LABEL, LONGEST_LABEL
from dlim.errors import AnnotationError, DlimError, ProjectError, shown
from dlim.formats import voc
from dlim.names import strangers
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
    raise error(
        place, f'"{shown(label[:LONGEST_LABEL])}" is no label', f"use a-z, 0-9, _ and -, up to {LONGEST_LABEL} of them"
    )


def check_suggested(project: Project, label: str) -> None:
    """Raise ProjectError where a label that nobody typed can't be one."""
    if label:
        check(project.title, label, ProjectError)
        return
    rule = f"at most {LONGEST_LABEL} of a-z, 0-9, _ and -"
    raise ProjectError(
        project.title, "no label fits its name", f'set label = "..." ({rule}) in {project.folder}/project.toml'
    )


def unmatched(
    labels: Mapping[str, str], projects: Iterable[Project], drawn: Iterable[str] | None, place: object
) -> Iterator[str]:
    """What is to be said of a learner's names of labels that no master has, a line each: they may be yet to come.

    labels: its label map. projects: what it takes. drawn: the labels that its generators' images show, as it calls
    them; None where those aren't built, so that nothing can be said.
    """
    if drawn is None:
        return
    shown_by_generators = set(drawn)
    own = {label for project in projects if not project.settings.generator for label in _labels(project)}
    sources = [source for source, to in labels.items() if to not in shown_by_generators]
    for line in strangers(sources, own, "label"):
        yield f"{place}: labels: {line}"
