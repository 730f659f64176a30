"""shard: one project's share of a dataset, as a piece of a .tar.gz that can be joined to others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from dlim import archive
from dlim.formats import FORMATS

SHARD = "shard.gz"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a learner wants of its dataset."""

    format: str = "voc"


def shard(build: Path, out: Path, settings: Settings, taken: Collection[str] | None = None) -> None:
    """Write shard.gz into the folder out: the annotations and images of a build, where the dataset has them.

    taken: the ids of those that the dataset has; None where it has all.
    """
    form = FORMATS[settings.format]
    kept = None if taken is None else frozenset(taken)
    files = [
        (f"{folder}/{path.name}", path)
        for folder, suffix in ((form.ANNOTATIONS, form.SUFFIX), (form.IMAGES, ".jpg"))
        for path in sorted(build.glob(f"*{suffix}"))
        if kept is None or path.stem in kept
    ]
    (out / SHARD).write_bytes(archive.member(archive.entry(name, path.read_bytes()) for name, path in files))
