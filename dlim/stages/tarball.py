"""tarball: a learner's dataset as one archive, its shards joined as they are."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from dlim import archive
from dlim.formats import voc


def tarball(dataset: Path, shards: Sequence[Path], out: Path) -> None:
    """Write the archive out: folders and lists of the packed dataset, then the shards, in the order given."""
    with out.open("wb") as file:
        file.write(_head(dataset))
        for shard in shards:
            with shard.open("rb") as piece:
                shutil.copyfileobj(piece, file)
        file.write(archive.end())


def _head(dataset: Path) -> bytes:
    """What no project has to itself: the folders, the lists, and the tables."""
    entries = [archive.folder_entry(name) for name in ("", voc.ANNOTATIONS, voc.IMAGES, "ImageSets", voc.LISTS)]
    files = sorted([*dataset.glob(f"{voc.LISTS}/*"), *(path for path in dataset.glob("*.*") if path.suffix != ".json")])
    entries += [archive.entry(path.relative_to(dataset).as_posix(), path.read_bytes()) for path in files]
    return archive.member(entries)
