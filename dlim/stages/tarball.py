"""tarball: a learner's dataset as one archive, its shards joined as they are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dlim import archive
from dlim.builds import MANIFEST
from dlim.formats import FORMATS, Format


@dataclass(frozen=True, slots=True)
class Settings:
    """What a learner wants of its dataset."""

    format: str = "voc"


def tarball(dataset: Path, shards: Sequence[Path], out: Path, settings: Settings) -> None:
    """Write the archive out: folders and lists of the packed dataset, then the shards, in the order given."""
    with out.open("wb") as file:
        file.write(_head(dataset, FORMATS[settings.format]))
        for shard in shards:
            with shard.open("rb") as piece:
                shutil.copyfileobj(piece, file)
        file.write(archive.end())


def _head(dataset: Path, form: Format) -> bytes:
    """What no project has to itself: the folders, the lists, and the tables."""
    above = [parent.as_posix() for parent in reversed(PurePosixPath(form.LISTS).parents) if parent.name]
    folders = ("", form.ANNOTATIONS, form.IMAGES, *above, form.LISTS)
    entries = [archive.folder_entry(name) for name in folders]
    beside = [path for path in dataset.iterdir() if path.is_file() and path.name != MANIFEST]
    files = sorted([*dataset.glob(f"{form.LISTS}/*"), *beside])
    entries += [archive.entry(path.relative_to(dataset).as_posix(), path.read_bytes()) for path in files]
    return archive.member(entries)
