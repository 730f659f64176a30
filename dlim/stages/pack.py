"""pack: a learner's builds, laid out as the dataset that its readers expect."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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

    labels: of each image, by id. train, val: ids.
    """

    builds: Mapping[str, Path]
    labels: Mapping[str, Iterable[str]]
    train: Sequence[str]
    val: Sequence[str]


def pack(content: Content, out: Path, settings: Settings) -> None:
    """Lay the dataset out in the empty folder out. Raises DatasetError where a part of it would be empty."""
    for name, ids in (("train", content.train), ("val", content.val)):
        if not ids:
            raise DatasetError(
                f"dataset of {settings.learner}",
                f"{name} is empty",
                "take more projects, or change train_percent or by in config/dlim.toml",
            )
    form = FORMATS[settings.format]
    for folder in (form.ANNOTATIONS, form.IMAGES, form.LISTS):
        (out / folder).mkdir(parents=True)
    for build in content.builds.values():
        _link_all(build, out, form)
    lists = form.lists(content.train, content.val, content.labels, class_lists=settings.class_lists)
    for name, text in lists.items():
        (out / name).write_text(text, encoding="utf-8", newline="\n")


def _link_all(build: Path, out: Path, form: Format) -> None:
    folders = {form.SUFFIX: f"{out}/{form.ANNOTATIONS}", ".jpg": f"{out}/{form.IMAGES}", ".csv": str(out)}
    for name in sorted(os.listdir(build)):  # noqa: PTH208 - names are all it takes
        folder = folders.get(os.path.splitext(name)[1])  # noqa: PTH122
        if folder is None:
            continue
        if os.path.exists(f"{folder}/{name}"):  # noqa: PTH110
            raise DatasetError(build / name, "is in the dataset already, from another project", "rename one of the two")
        builds.link(f"{build}/{name}", f"{folder}/{name}")
