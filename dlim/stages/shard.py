"""shard: one project's share of a dataset, as a piece of a .tar.gz that can be joined to others."""

from __future__ import annotations

from pathlib import Path

from dlim import archive
from dlim.formats import voc

SHARD = "shard.gz"


def shard(build: Path, out: Path) -> None:
    """Write shard.gz into the folder out: the annotations and images of a build, where the dataset has them."""
    files = [
        (f"{folder}/{path.name}", path)
        for folder, pattern in ((voc.ANNOTATIONS, "*.xml"), (voc.IMAGES, "*.jpg"))
        for path in sorted(build.glob(pattern))
    ]
    (out / SHARD).write_bytes(archive.member(archive.entry(name, path.read_bytes()) for name, path in files))
