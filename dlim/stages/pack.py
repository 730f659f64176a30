"""pack: a learner's builds, laid out as the dataset that its readers expect."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dlim import builds
from dlim.errors import DatasetError
from dlim.formats import FORMATS, Format


@dataclass(frozen=True, slots=True)
class Settings:
    """What a learner wants of its dataset."""

    learner: str
    class_lists: bool = True
    format: str = "voc"


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into a dataset. builds: the folder of each project's images and annotations, by project.

    labels: of each image, by id. train, val: ids. taken: the ids that a project gives, where that isn't all of them.
    """

    builds: Mapping[str, Path]
    labels: Mapping[str, Iterable[str]]
    train: Sequence[str]
    val: Sequence[str]
    taken: Mapping[str, Collection[str]] = field(default_factory=dict)


def pack(content: Content, out: Path, settings: Settings) -> None:
    """Lay the dataset out in the empty folder out. Raises DatasetError where a part of it would be empty."""
    for name, ids in (("train", content.train), ("val", content.val)):
        if not ids:
            raise DatasetError(
                f"dataset of {settings.learner}",
                f"{name} is empty",
                "take more projects or a greater limit, or change train_percent or by in config/dlim.toml",
            )
    form = FORMATS[settings.format]
    for folder in (form.ANNOTATIONS, form.IMAGES, form.LISTS):
        (out / folder).mkdir(parents=True)
    for project, build in content.builds.items():
        _link_all(build, out, form, content.taken.get(project))
    lists = form.lists(content.train, content.val, content.labels, class_lists=settings.class_lists)
    for name, text in lists.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")


def _link_all(build: Path, out: Path, form: Format, taken: Collection[str] | None) -> None:
    folders = {form.SUFFIX: f"{out}/{form.ANNOTATIONS}", ".jpg": f"{out}/{form.IMAGES}", ".csv": str(out)}
    kept = None if taken is None else frozenset(taken)
    for name in sorted(os.listdir(build)):  # noqa: PTH208 - names are all it takes
        stem, suffix = os.path.splitext(name)  # noqa: PTH122
        folder = folders.get(suffix)
        if folder is None or (suffix != ".csv" and kept is not None and stem not in kept):
            continue
        if os.path.exists(f"{folder}/{name}"):  # noqa: PTH110
            raise DatasetError(build / name, "is in the dataset already, from another project", "rename one of the two")
        builds.link(f"{build}/{name}", f"{folder}/{name}")
