"""A dataset's archive as pieces that are named by their digests: its lists, one shard a project, its end."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from dlim import archive, store
from dlim.errors import DatasetError

LISTS = "(lists)"
END = "(end)"
"""What the first and the last piece are called; every other has its project's name, which holds no such sign."""

_READ = 1 << 20


class Piece(NamedTuple):
    """A part of an archive: what it is, where it begins, its size in bytes, and its SHA-256."""

    name: str
    offset: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Shipment:
    """An archive, its SHA-256, and the pieces that it is joined from, in order and without gaps."""

    archive: Path
    sha256: str
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(piece.size for piece in self.pieces)

    def read(self, pieces: Sequence[Piece]) -> Iterator[bytes]:
        """Those pieces as an uncompressed tar, a file each, called by its digest."""
        with self.archive.open("rb") as file:
            for piece in pieces:
                info = tarfile.TarInfo(piece.sha256)
                info.size = piece.size
                yield info.tobuf(tarfile.USTAR_FORMAT)
                yield from _range(file, piece)
                yield b"\0" * (-piece.size % tarfile.BLOCKSIZE)
        yield b"\0" * 2 * tarfile.BLOCKSIZE


def shipment(file: Path, manifest: Path, shards: Mapping[str, Path]) -> Shipment:
    """A learner's archive with its pieces.

    manifest: of the archive. shards: by project, each shard's manifest, in the archive's order. Raises DatasetError
    where they don't make up the archive, which then isn't theirs.
    """
    whole = store.read(manifest)[file.name]
    middle = [(name, *entry) for name, path in shards.items() for entry in store.read(path).values()]
    first = whole.size - sum(size for _, size, _ in middle) - len(archive.end())
    if first <= 0:
        raise DatasetError(file, "isn't the one that its shards make", "run doit dataset again")
    return Shipment(file, whole.sha256, placed(file, first, middle))


def placed(file: Path, first: int, shards: Sequence[tuple[str, int, str]]) -> tuple[Piece, ...]:
    """The pieces of an archive. first: the bytes of its lists. shards: each one's name, size and SHA-256."""
    with file.open("rb") as opened:
        lists = hashlib.sha256(opened.read(first)).hexdigest()
    end = archive.end()
    sizes = [(LISTS, first, lists), *shards, (END, len(end), hashlib.sha256(end).hexdigest())]
    offsets = accumulate((size for _, size, _ in sizes), initial=0)
    return tuple(
        Piece(name, offset, size, digest) for offset, (name, size, digest) in zip(offsets, sizes, strict=False)
    )


def _range(file: object, piece: Piece) -> Iterator[bytes]:
    file.seek(piece.offset)  # type: ignore[attr-defined]
    left = piece.size
    while left:
        data: bytes = file.read(min(left, _READ))  # type: ignore[attr-defined]
        if not data:
            raise DatasetError(piece.name, "is cut off in the archive", "run doit dataset again")
        left -= len(data)
        yield data
