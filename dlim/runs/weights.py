"""The weights in an archive of a learner's folder: which there are, which is the newest, and one of them taken out."""

from __future__ import annotations

import gzip
import hashlib
import math
import posixpath
import tarfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from dlim import store
from dlim.console import megabytes
from dlim.errors import OutputError, shown
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

    A link stands for the file in the archive that it leads to. leave_out: names and patterns of what is none, such as
    the file in service. Raises OutputError where the archive is damaged.
    """
    return look(archive, pattern, leave_out).weights


class Look(NamedTuple):
    """What an archive has that matches. passed_over: what is no weight, and why. leads: where symbolic links lead."""

    weights: list[Weight]
    passed_over: dict[str, str]
    leads: dict[str, str]

    def without(self, paths: Collection[str], why: str) -> Look:
        """The same without the weights at those paths, and links to them. why: they are none."""
        none = {each.path for each in self.weights if {each.path, self.leads.get(each.path)} & set(paths)}
        kept = [each for each in self.weights if each.path not in none]
        return self._replace(weights=kept, passed_over={**self.passed_over, **dict.fromkeys(sorted(none), why)})


def look(archive: Path, pattern: str, leave_out: Iterable[str] = ()) -> Look:
    """The weights in an archive, and what matches the pattern and is none."""
    left_out = tuple(leave_out)

    def wanted(path: str) -> bool:
        return matches(path, (pattern,)) and not matches(path, left_out)

    found: dict[str, Weight] = {}
    passed_over: dict[str, str] = {}
    links: dict[str, tuple[str, float]] = {}
    leads: dict[str, str] = {}
    with _reading(archive) as tar:
        for path, member in _members(tar):
            if _is_file(member) and wanted(path):
                # tar can hold a path twice: the later one is what it unpacks
                found[path] = Weight(path, member.size, _time(member), _sha256(_pieces(tar, member)))
            elif (member.issym() or member.islnk()) and wanted(path):
                links[path] = _target(path, member), _time(member)
                leads |= {path: links[path][0]} if member.issym() else {}
            elif member.issym() and matches(f"{path}/x", (pattern, f"{PurePosixPath(pattern).parent}/x")):
                passed_over[path] = f"is a link to {shown(member.linkname)}, whose files are not archived"
            elif member.isreg() and member.size and wanted(path):
                passed_over[path] = "is a file with holes"
    if links:
        targets = _weights_of(archive, {target for target, _ in links.values()})
        for path, (target, time) in links.items():
            if target in targets:
                found[path] = targets[target]._replace(path=path, time=max(time, targets[target].time))
            else:
                passed_over[path] = f"is a link to {shown(target)}, which is not in the archive"
    return Look(sorted(found.values(), key=lambda weight: (weight.time, weight.path)), passed_over, leads)


def _weights_of(archive: Path, paths: Collection[str]) -> dict[str, Weight]:
    """Those files of an archive, by their paths."""
    found = {}
    with _reading(archive) as tar:
        for path, member in _members(tar):
            if path in paths and _is_file(member):
                found[path] = Weight(path, member.size, _time(member), _sha256(_pieces(tar, member)))
    return found


def _target(path: str, member: tarfile.TarInfo) -> str:
    """What a link in an archive leads to, as the archive has it; outside of that, what the link says."""
    folder = posixpath.dirname(path) if member.issym() else ""
    return posixpath.normpath(posixpath.join(folder, member.linkname))


def read(archive: Path, path: str, limit: int) -> bytes | str:
    """A small file of an archive, such as the results; in words what is wrong with it, where that can't be read."""
    fault = "is not there"
    with _reading(archive) as tar:
        for each, member in _members(tar):
            if each == path and _is_file(member):
                if member.size <= limit:
                    return b"".join(_pieces(tar, member))
                fault = f"is larger than {megabytes(limit)}, the most that is read"
            elif each == path:
                fault = _kind(member)
            elif member.issym() and path.startswith(f"{each}/"):
                fault = f"lies behind the link {shown(each)}, whose files are not archived"
    return fault


def _kind(member: tarfile.TarInfo) -> str:
    """What something is instead of a file with bytes."""
    if member.issym() or member.islnk():
        return f"is a link to {shown(member.linkname)}, and no file"
    if member.isdir():
        return "is a folder, and no file"
    return "is empty" if member.isreg() and not member.size else "is no plain file"


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
        wanted = weight.path
        for _ in range(2):  # a link leads to another of its files
            with _reading(archive) as tar:
                for path, member in _members(tar):
                    if path == wanted and _is_file(member):
                        if _write(_pieces(tar, member), making) == weight.sha256:
                            return
                    elif path == weight.path and (member.issym() or member.islnk()):
                        wanted = _target(path, member)
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
            with tarfile.open(fileobj=stream, mode="r:", tarinfo=_Member) as tar:
                yield tar
        except (gzip.BadGzipFile, EOFError, zlib.error, tarfile.TarError, ValueError) as error:
            raise OutputError(archive, f"is damaged ({error})", "restore it, or delete that output") from error


def _members(tar: tarfile.TarFile) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Each member with its path, but for those outside, or whose path can't be shown."""
    for member in tar:
        path = PurePosixPath(member.name)
        if not path.is_absolute() and ".." not in path.parts and str(path).isprintable():
            yield str(path), member
        tar.members = []  # type: ignore[attr-defined] # which tarfile would all keep
    _require_end(tar)


def _is_file(member: tarfile.TarInfo) -> bool:
    """Whether a member is a file with all of its bytes: one with holes can be of any size."""
    return member.isreg() and member.size > 0 and not member.issparse()


class _Member(tarfile.TarInfo):
    """A member whose name and attributes are no longer than a name can be: tarfile reads them at once."""

    def _proc_gnulong(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        self._require_short()
        return super()._proc_gnulong(tar)  # type: ignore[misc,no-any-return]

    def _proc_pax(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        self._require_short()
        return super()._proc_pax(tar)  # type: ignore[misc,no-any-return]

    def _require_short(self) -> None:
        if self.size > _PIECE:
            raise tarfile.ReadError("a name in it is longer than a name can be")


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
