"""A .tar.gz in pieces: gzip members that hold whole tar entries, and can be joined in any number.

Each piece ends without the zero blocks at which every tar stops reading; the last member brings them. GNU tar,
bsdtar, busybox and Python's tarfile ("r:gz") read the joined members as one archive.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable

ROOT = "data_set"
"""The folder inside every archive."""

TIME = 315_532_800
"""1980-01-01, the time of every entry: GNU tar complains of 1970, and zip knows nothing older."""

LEVEL = 6


def member(entries: Iterable[bytes]) -> bytes:
    """Tar entries as one gzip member.

    Compressed by libdeflate, whose version is pinned: the machine's zlib would decide the bytes.
    """
    import deflate

    return bytes(deflate.gzip_compress(b"".join(entries), LEVEL))


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
    info = tarfile.TarInfo(f"{ROOT}/{name}" if name else ROOT)
    info.size, info.type, info.mode, info.mtime = size, kind, mode, TIME
    return info.tobuf(tarfile.USTAR_FORMAT)
