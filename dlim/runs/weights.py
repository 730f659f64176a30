"""The weights in an archive of a learner's folder: which there are, which is the newest, and one of them taken out."""

from __future__ import annotations

import gzip
import hashlib
import math
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from dlim import store
from dlim.errors import OutputError
from dlim.names import matches

_PIECE = 1 << 20


class Weight(NamedTuple):
    """A file that holds what was learned.

    path: below the learner's folder. size: in bytes. time: when it was written, in seconds since 1970. sha256: of its
    contents.
    """

    path: str
    size: int
    time: float
    sha256: str


def find(archive: Path, pattern: str, leave_out: Iterable[str] = ()) -> list[Weight]:
    """The weights in a `<learner>.tar.gz` whose path matches the pattern, the newest last.

    leave_out: names and patterns of what is none, such as the file in service. The archive is read once, and to its
    end. Raises OutputError where it is damaged.
    """
    passed_over = tuple(leave_out)
    found: dict[str, Weight] = {}
    with _reading(archive) as tar:
        for path, member in _files(tar):
            if matches(path, (pattern,)) and not matches(path, passed_over):
                # tar can hold a path twice: the later one is what it unpacks
                found[path] = Weight(path, member.size, _time(member), _sha256(_pieces(tar, member)))
    return sorted(found.values(), key=lambda weight: (weight.time, weight.path))


def newest(archive: Path, pattern: str, leave_out: Iterable[str] = ()) -> Weight:
    """The weight that was written last; of several at one time, the one whose path sorts last.

    Raises OutputError where none matches, or the archive is damaged.
    """
    found = find(archive, pattern, leave_out)
    if not found:
        raise OutputError(
            archive, f"holds no weight that matches {pattern}", "correct learning.weights, or deploy another"
        )
    return found[-1]


def take(archive: Path, weight: Weight, target: Path) -> None:
    """Write one weight of an archive to a file, whole or not at all.

    Raises OutputError where the archive is damaged or has no such weight, or the file can't be written.
    """

    def fill(making: Path) -> None:
        with _reading(archive) as tar:
            for path, member in _files(tar):
                if path == weight.path and _write(_pieces(tar, member), making) == weight.sha256:
                    return
        raise OutputError(archive, f"has no longer the {weight.path} that was found in it", "restore it")

    try:
        store.write_file(target, fill)
    except OSError as error:
        raise OutputError(target, f"can't be written ({error.strerror})", "make room, or get the right to") from error


@contextmanager
def _reading(archive: Path) -> Iterator[tarfile.TarFile]:
    """The archive, to be read from front to end; what is damaged in it is an OutputError."""
    try:
        file = archive.open("rb")
    except OSError as error:
        raise OutputError(archive, f"can't be read ({error.strerror})", "restore it, or delete that output") from error
    with file, gzip.GzipFile(fileobj=file) as stream:
        try:
            # not "r|gz", which reads the first gzip member alone
            with tarfile.open(fileobj=stream, mode="r:") as tar:
                yield tar
        except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError, ValueError) as error:
            raise OutputError(archive, f"is damaged ({error})", "restore it, or delete that output") from error


def _files(tar: tarfile.TarFile) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Each file that may be a weight, with its path: no link, no folder, nothing empty, nothing outside."""
    for member in tar:
        path = PurePosixPath(member.name)
        inside = not path.is_absolute() and ".." not in path.parts and str(path).isprintable()
        if member.isreg() and member.size and inside:
            yield str(path), member
    _require_end(tar)


def _require_end(tar: tarfile.TarFile) -> None:
    """Read what is left, which must be zeros: tarfile takes for the end whatever it can't make sense of.

    Raises ReadError otherwise; gzip itself compares its checksum at the very end.
    """
    left = 0
    while tar.fileobj and (data := tar.fileobj.read(_PIECE)):
        left += len(data)
        if data.strip(b"\0"):
            raise tarfile.ReadError("it goes on behind its end")
    if left < tarfile.BLOCKSIZE:
        raise tarfile.ReadError("its end is missing")


def _time(member: tarfile.TarInfo) -> float:
    return float(member.mtime) if math.isfinite(member.mtime) else 0.0


def _pieces(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    file: IO[bytes] | None = tar.extractfile(member)
    while file and (data := file.read(_PIECE)):
        yield data


def _sha256(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for data in pieces:
        digest.update(data)
    return digest.hexdigest()


def _write(pieces: Iterable[bytes], path: Path) -> str:
    """Write a file; its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for data in pieces:
            digest.update(data)
            file.write(data)
    return digest.hexdigest()
