"""What a stage left: written whole or not at all, and sealed by a manifest of names, sizes and digests."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

MANIFEST = "manifest.json"
"""Seals the folder that it lies in; any other manifest seals the files that it names, beside it."""

FRESH = ".fresh-"
"""How a folder begins that is still being written, and OLD one that was replaced: both are left only by a kill."""
OLD = ".old-"


class Entry(NamedTuple):
    """A sealed file: its size in bytes and the SHA-256 of its contents."""

    size: int
    sha256: str


Manifest = dict[str, Entry]
"""Sealed files by their path below the manifest's folder, with / and sorted."""


@contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of `folder` at the end, sealed; or vanishes with an error."""
    sweep(folder)
    making = folder.with_name(FRESH + folder.name)
    making.mkdir(parents=True)
    try:
        yield making
        seal(making / MANIFEST, list(_listing(str(making))))
        _replace(making, folder)
    finally:
        sweep(folder)


def _replace(making: Path, folder: Path) -> None:
    # a folder that holds files can't be renamed over: for a moment there is none, which the next run heals
    if folder.exists():
        folder.rename(folder.with_name(OLD + folder.name))
    making.rename(folder)


def sweep(folder: Path) -> None:
    """Remove what a killed run left beside a build, half-made or already replaced."""
    for prefix in (FRESH, OLD):
        shutil.rmtree(folder.with_name(prefix + folder.name), ignore_errors=True)


def write_file(path: Path, fill: Callable[[Path], object]) -> None:
    """Make a file beside and rename it, so that the name never stands for half of it.

    Several who write one file do so one after the other: what only answers holds no lock of the workspace.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(FRESH + path.name)
    with _held(making):
        try:
            fill(making)
            making.replace(path)
        except BaseException:
            making.unlink(missing_ok=True)
            raise


@contextmanager
def _held(making: Path) -> Iterator[None]:
    """Have a file for oneself, also where a killed run left one there."""
    while True:
        with making.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is(file.fileno(), making):
                yield
                return


def _is(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one of that name: who held it before has renamed it, or given up."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def seal(manifest: Path, names: list[str]) -> None:
    """Write the manifest of those files beside it."""
    root = str(manifest.parent)
    files = {name: Entry(os.stat(f"{root}/{name}").st_size, sha256(f"{root}/{name}")) for name in sorted(names)}
    # one file a line: a person can read it, and grep finds a digest
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in files.items())
    write_file(manifest, lambda path: path.write_text(f'{{"files": {{\n{lines}\n}}}}\n', encoding="utf-8"))


def read(manifest: Path) -> Manifest:
    """The sealed files. Raises ValueError where it is no manifest, OSError where there is none."""
    try:
        files = json.loads(manifest.read_bytes())["files"]
        return {name: Entry(int(size), str(digest)) for name, (size, digest) in files.items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{manifest} is no manifest") from error


def remove(manifest: Path) -> None:
    """Delete what a manifest seals, and the manifest."""
    if manifest.name == MANIFEST:
        shutil.rmtree(manifest.parent, ignore_errors=True)
        return
    if manifest.exists():
        for name in read(manifest):
            (manifest.parent / name).unlink(missing_ok=True)
        manifest.unlink()


_READ = 1 << 20


def sha256(path: Path | str) -> str:
    """The SHA-256 of a file's contents, in hexadecimal."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - called for every image, often with a str
        data = file.read(_READ)
        digest = hashlib.sha256(data)
        while data := file.read(_READ):
            digest.update(data)
        return digest.hexdigest()


class Seal(NamedTuple):
    """How a build looked when it was made: the digest of its manifest, and of its files' sizes and times."""

    manifest: str
    stat: str


def look(manifest: Path) -> Seal:
    """The build's seal now. Raises OSError or ValueError where something of it is gone."""
    return Seal(sha256(manifest), _stat_digest(manifest))


def looks_sound(manifest: Path, seal: Seal) -> bool:
    """Whether a build that was sealed so has its files still, with their sizes and times. None of them is read."""
    try:
        return look(manifest) == seal
    except (OSError, ValueError):
        return False


def fault(manifest: Path, seal: Seal | None) -> str:
    """What is wrong with a build that was sealed so, in a few words; empty where nothing is. All of it is read."""
    if seal is None or not manifest.exists():
        return "was never built"
    return "its manifest was changed" if sha256(manifest) != seal.manifest else _difference(manifest)


def _difference(manifest: Path) -> str:
    root, files = manifest.parent, read(manifest)
    for name, entry in files.items():
        path = root / name
        if not path.is_file():
            return f"{name} is missing"
        if path.stat().st_size != entry.size or sha256(path) != entry.sha256:
            return f"{name} is damaged"
    stray = sorted(set(_present(manifest)) - set(files))
    return f"{stray[0]} is a stray" if stray else ""


def _present(manifest: Path) -> list[str]:
    """The files that count as the build's: all in its own folder, or those that the manifest names."""
    return sorted(_listing(str(manifest.parent))) if manifest.name == MANIFEST else list(read(manifest))


def _stat_digest(manifest: Path) -> str:
    root = str(manifest.parent)
    found = []
    for name in _present(manifest):
        stat = os.stat(f"{root}/{name}")  # over 100,000 files a Path for each would cost more than all the rest
        found.append(f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n")
    return hashlib.sha256("".join(found).encode()).hexdigest()


def _listing(folder: str, prefix: str = "") -> Iterator[str]:
    """Every file below a folder but its manifest, as paths with /."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _listing(entry.path, f"{prefix}{entry.name}/")
            elif prefix or entry.name != MANIFEST:
                yield prefix + entry.name


def link(source: str | Path, target: str | Path) -> None:
    """The same file under a second name, without its bytes again; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
