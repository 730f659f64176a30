"""A .tar.gz in pieces: gzip members that hold whole tar entries, and can be joined in any number.

Each piece ends without the zero blocks at which every tar stops reading; the last member brings them. GNU tar,
bsdtar, busybox and Python's tarfile ("r:gz") read the joined members as one archive.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator

ROOT = "data_set"
"""The folder inside every archive."""

TIME = 315_532_800
"""1980-01-01, the time of every entry: GNU tar complains of 1970, and zip knows nothing older."""

LEVEL = 6

MEMBER = 8 << 20
"""Bytes of entries from which on a member is closed: a project may have more images than memory has room for."""


def members(entries: Iterable[bytes]) -> Iterator[bytes]:
    """Tar entries as gzip members."""
    waiting, size = [], 0
    for entry in entries:
        waiting.append(entry)
        size += len(entry)
        if size >= MEMBER:
            yield member(waiting)
            waiting, size = [], 0
    if waiting:
        yield member(waiting)


def member(entries: Iterable[bytes]) -> bytes:
    """Tar entries as one gzip member.

    Compressed by libdeflate, whose version is pinned: the machine's zlib would decide the bytes.
    """
    import deflate

    return bytes(deflate.gzip_compress(b"".join(entries), LEVEL))


def checksum(data: bytes, before: int = 0) -> int:
    """The CRC-32 of what came before and of data."""
    import deflate

    return int(deflate.crc32(data, before))


def end() -> bytes:
    """The last member: the two zero blocks that end a tar."""
    return member([b"\0" * 2 * tarfile.BLOCKSIZE])


def entry(name: str, data: bytes) -> bytes:
    """One file as tar has it: header, contents, and zeros up to the next block."""
    return _header(name, len(data), tarfile.REGTYPE, 0o644) + data + b"\0" * (-len(data) % tarfile.BLOCKSIZE)


def folder_entry(name: str) -> bytes:
    """One folder as tar has it."""
    return _header(name, 0, tarfile.DIRTYPE, 0o755)


def _header(name: str, size: int, kind: bytes, mode: int) -> bytes:
    path = f"{ROOT}/{name}" if name else ROOT
    if kind == tarfile.REGTYPE and len(path) < LENGTH and path.isascii() and size < 8**11:
        return _filled(path.encode(), size)
    return _made(path, size, kind, mode)


def _made(path: str, size: int, kind: bytes, mode: int) -> bytes:
    info = tarfile.TarInfo(path)
    info.size, info.type, info.mode, info.mtime = size, kind, mode, TIME
    return info.tobuf(tarfile.USTAR_FORMAT)


def _filled(path: bytes, size: int) -> bytes:
    """A file's header as tarfile makes it, ten times as fast: all but name, size and checksum is the same in each."""
    digits = b"%011o" % size
    total = _SUM + sum(path) + sum(digits)
    return b"".join((path.ljust(LENGTH, b"\0"), _OWNER, digits, _TIMES, b"%06o\0 " % total, _REST))


LENGTH = 100
_EMPTY = _made(".", 0, tarfile.REGTYPE, 0o644)
_OWNER, _TIMES, _REST = _EMPTY[100:124], _EMPTY[135:148], _EMPTY[156:]
_SUM = sum(_OWNER) + sum(_TIMES) + sum(_REST) + sum(b" " * 8)
"""The parts of a header that every file has, and the sum of their bytes."""
