"""What a stage left: written whole or not at all, and sealed by a manifest of names, sizes, digests and facts."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from dlim.errors import DatasetError, WorkspaceError

MANIFEST = "manifest.json"
"""Seals the folder that it lies in; any other manifest seals the files that it names, beside it."""

FRESH = ".fresh-"
"""How a folder begins that is still being written, and OLD one that was replaced: both are left only by a kill."""
OLD = ".old-"

SEALED = 0o444
"""The mode of a build's files: several builds share a file, so that a change in place would be one of all of them."""


class Entry(NamedTuple):
    """A sealed file: its size in bytes and the SHA-256 of its contents."""

    size: int
    sha256: str


Manifest = dict[str, Entry]
"""Sealed files by their path below the manifest's folder, with / and sorted."""


class Part(NamedTuple):
    """What of another build is in a folder as a whole: the SHA-256 of its manifest, and the folder for each suffix."""

    sha256: str
    folders: dict[str, str]


UNREADABLE = msgspec.DecodeError, UnicodeDecodeError, RecursionError
"""What msgspec raises for a file that isn't what was written."""


class DamageError(DatasetError):
    """A file of a build isn't what its manifest says: it must not be passed on to what depends on it."""


def damaged(path: object) -> DamageError:
    """The error for such a file."""
    return DamageError(path, "is damaged", "doit verify finds all that is; the next run makes it anew")


# filling a folder


class Staging:
    """A folder that is being filled, to take the place of a build when it is whole.

    path: the folder. facts: what its manifest is to say of it beside its files; images and bytes are counted.
    Digests are worked out where the bytes are written, and travel with links: no file is read for them again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: dict[str, Any] = {}
        self.files: Manifest = {}
        self._root = str(path)
        self._folders = {""}

    def write(self, name: str, data: bytes) -> Entry:
        """A new file of these bytes; name may be a path with /."""
        write_sealed(self._place(name), data)
        entry = self.files[name] = Entry(len(data), hashlib.sha256(data).hexdigest())
        return entry

    def stream(self, name: str, pieces: Iterable[bytes]) -> None:
        """A new file of these bytes, which need not be in memory at once."""
        digest, size = hashlib.sha256(), 0
        with open(_created(self._place(name)), "wb", buffering=0) as file:
            for data in pieces:
                file.write(data)
                digest.update(data)
                size += len(data)
        self.files[name] = Entry(size, digest.hexdigest())

    def link(self, source: str, name: str, entry: Entry) -> None:
        """A sealed file of another build under a second name. entry: as that build's manifest has it."""
        link(source, self._place(name))
        self.files[name] = entry

    def add(self, name: str, entry: Entry) -> None:
        """A file that lies there already; the stage has read it, and says what it is."""
        os.chmod(f"{self._root}/{name}", SEALED)  # noqa: PTH101 - as everywhere here, a Path a file would take longer
        self.files[name] = entry

    def _place(self, name: str) -> str:
        folder = name.rpartition("/")[0]
        if folder not in self._folders:
            os.makedirs(f"{self._root}/{folder}", exist_ok=True)  # noqa: PTH103 - most names have been there before
            self._folders.add(folder)
        return f"{self._root}/{name}"

    def seal(self) -> None:
        """Write the manifest; files of which nothing was said are read for it. Raises WorkspaceError for no file."""
        unknown = set(_listing(self._root)) - self.files.keys()
        for name in unknown:
            path = f"{self._root}/{name}"
            found = os.lstat(path)
            if not stat.S_ISREG(found.st_mode):
                raise WorkspaceError(path, "is no file of its own", "write a file there, and no link")
            self.add(name, Entry(found.st_size, sha256(path)))
        write_manifest(self.path / MANIFEST, self.files, self.facts)


@contextmanager
def staging(folder: Path) -> Iterator[Staging]:
    """A new folder to fill, which takes the place of `folder` at the end, sealed; or vanishes with an error."""
    sweep(folder)
    making = Staging(folder.with_name(FRESH + folder.name))
    making.path.mkdir(parents=True)
    try:
        yield making
        making.seal()
        _replace(making.path, folder)
    finally:
        with suppress(OSError):
            sweep(folder)


@contextmanager
def fresh(folder: Path) -> Iterator[Path]:
    """As `staging`, for who knows the path alone: what lies there is read for its digests."""
    with staging(folder) as made:
        yield made.path


def _replace(making: Path, folder: Path) -> None:
    # a folder that holds files can't be renamed over: for a moment there is none, which the next run heals
    if os.path.lexists(folder):
        folder.rename(folder.with_name(OLD + folder.name))
    making.rename(folder)


def sweep(folder: Path) -> None:
    """Remove what a killed run left beside a build, half-made or already replaced, whatever it is."""
    for prefix in (FRESH, OLD):
        discard(folder.with_name(prefix + folder.name))


def discard(path: Path) -> None:
    """Delete a file, a link or a folder, if there is one; what a link leads to stays."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    except OSError:
        if path.is_symlink() or not path.is_dir():
            raise
        shutil.rmtree(path)


def write_sealed(path: str, data: bytes) -> None:
    """Write a new file that nobody changes any more."""
    descriptor = _created(path)
    try:
        written = os.write(descriptor, data)
        while written < len(data):
            written += os.write(descriptor, data[written:])
    finally:
        os.close(descriptor)


def _created(path: str) -> int:
    """The descriptor of a new file that can be written through it alone, and only read by its name."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, SEALED)
    os.fchmod(descriptor, SEALED)  # whatever the umask is
    return descriptor


def write_file(path: Path, fill: Callable[[Path], object]) -> None:
    """Make a file beside and rename it, so that the name never stands for half of it.

    Several who write one file do so one after the other: what only answers holds no lock of the workspace.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(FRESH + path.name)
    with held(making):
        try:
            fill(making)
            making.replace(path)
        except BaseException:
            making.unlink(missing_ok=True)
            raise


@contextmanager
def held(making: Path) -> Iterator[None]:
    """Have a file for oneself, to rename or delete; what a killed run, or anybody, left there isn't written through."""
    while True:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(making, flags, 0o666)
        except OSError:
            if not making.is_symlink() and not making.is_dir():
                raise
            discard(making)
            continue
        with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
            fcntl.flock(file, fcntl.LOCK_EX)
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and _is(found, making):
                yield
                return
            if found.st_nlink and _is(found, making):  # somebody else's file under a second name, or no file at all
                discard(making)


def _is(found: os.stat_result, path: Path) -> bool:
    """Whether an open file is still the one of that name: who held it before has renamed it, or given up."""
    try:
        return os.path.samestat(found, path.lstat())
    except FileNotFoundError:
        return False


def link(source: str | Path, target: str | Path) -> None:
    """The same file under a second name, without its bytes again; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target, follow_symlinks=False)
        shutil.copymode(source, target, follow_symlinks=False)


# manifests


def write_manifest(
    manifest: Path, files: Mapping[str, Entry], facts: Mapping[str, Any] = {}, parts: Mapping[str, Part] = {}
) -> None:
    """Write a manifest. facts: what it says beside names, sizes and digests; images and bytes are counted here.

    parts: the builds that are in the folder as a whole, by their folders as the workspace calls them.
    """
    counted = {
        "images": sum(name.endswith(".jpg") for name in files),
        "bytes": sum(entry.size for entry in files.values()),
    }
    head = f'{{"facts": {json.dumps({**counted, **facts}, ensure_ascii=False)},\n'

    def write(path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.write(head)
            if parts:
                file.write('"parts": {\n')
                file.writelines(_lines((name, json.dumps(parts[name])) for name in sorted(parts)))
                file.write("\n},\n")
            file.write('"files": {\n')
            file.writelines(_lines((name, f'[{files[name].size}, "{files[name].sha256}"]') for name in sorted(files)))
            file.write("\n}}\n")

    write_file(manifest, write)


def _lines(members: Iterable[tuple[str, str]]) -> Iterator[str]:
    """A JSON object's members, a line each: a person can read it, and grep finds a digest."""
    end = ""
    for name, value in members:
        yield f"{end}  {json.dumps(name)}: {value}"
        end = ",\n"


class _Read(msgspec.Struct):
    files: Manifest
    facts: dict[str, Any] = {}
    parts: dict[str, Part] = {}


_decode = msgspec.json.Decoder(_Read).decode


def _parsed(manifest: Path, data: bytes) -> _Read:
    try:
        return _decode(data)
    except UNREADABLE as error:
        raise ValueError(f"{manifest} is no manifest") from error


def read(manifest: Path) -> Manifest:
    """The sealed files, those of builds that are in the folder as a whole among them.

    Raises ValueError where it is no manifest, or one of those builds is another by now; OSError where there is none.
    """
    found = _parsed(manifest, manifest.read_bytes())
    return {**_shared(manifest, found.parts), **found.files} if found.parts else found.files


def _shared(manifest: Path, parts: Mapping[str, Part]) -> Manifest:
    found: Manifest = {}
    for name, part in parts.items():
        data = Path(name, MANIFEST).read_bytes()
        if hashlib.sha256(data).hexdigest() != part.sha256:
            raise ValueError(f"{manifest} is of another {name}")
        for file, entry in _parsed(manifest, data).files.items():
            folder = part.folders.get(os.path.splitext(file)[1])  # noqa: PTH122
            if folder is not None:
                found[f"{folder}/{file}"] = entry
    return found


def parts(manifest: Path) -> dict[str, Part]:
    """The builds that are in a manifest's folder as a whole; none where there is no manifest that can be read."""
    try:
        return _parsed(manifest, manifest.read_bytes()).parts
    except (OSError, ValueError):
        return {}


def facts(manifest: Path) -> dict[str, Any]:
    """What a manifest says beside its files, of which none is looked at. Raises ValueError, OSError as `read`."""
    with manifest.open("rb") as file:
        return _facts(manifest, file.readline())


def head(manifest: Path) -> tuple[str, dict[str, Any]]:
    """A manifest's own SHA-256, and its facts. Raises ValueError, OSError as `read`."""
    data = read_bytes(str(manifest))
    return hashlib.sha256(data).hexdigest(), _facts(manifest, data[: data.find(b"\n") + 1])


def _facts(manifest: Path, line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line.rstrip(b",\n") + b"}")["facts"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{manifest} is no manifest") from error


def seal(manifest: Path, names: list[str]) -> None:
    """Write the manifest of those files beside it; they are read for it."""
    root = str(manifest.parent)
    write_manifest(
        manifest, {name: Entry(os.stat(f"{root}/{name}").st_size, sha256(f"{root}/{name}")) for name in names}
    )


def remove(manifest: Path) -> None:
    """Delete what a manifest seals, and the manifest."""
    if manifest.name == MANIFEST:
        shutil.rmtree(manifest.parent, ignore_errors=True)
        return
    if manifest.exists():
        for name in read(manifest):
            (manifest.parent / name).unlink(missing_ok=True)
        manifest.unlink()


class Build:
    """A sealed folder, as what depends on it reads it: nothing damaged gets out.

    facts, files: as its manifest has them. digest: of the manifest.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        data = (folder / MANIFEST).read_bytes()
        try:
            found = _parsed(folder / MANIFEST, data)
        except ValueError as error:
            raise damaged(folder / MANIFEST) from error
        self.facts, self.files = found.facts, found.files
        self.digest = hashlib.sha256(data).hexdigest()

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises DamageError where they aren't those that were sealed."""
        try:
            data = read_bytes(f"{self.folder}/{name}")
        except FileNotFoundError as error:
            raise damaged(f"{self.folder}/{name}") from error
        entry = self.files.get(name)
        if entry is None or hashlib.sha256(data).hexdigest() != entry.sha256:
            raise damaged(f"{self.folder}/{name}")
        return data

    def lines(self, name: str) -> Iterator[bytes]:
        """A long file's lines. Raises DamageError, at the end, where they aren't those that were sealed."""
        path, digest = f"{self.folder}/{name}", hashlib.sha256()
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - a str
                for line in file:
                    digest.update(line)
                    yield line
        except FileNotFoundError as error:
            raise damaged(path) from error
        if name not in self.files or digest.hexdigest() != self.files[name].sha256:
            raise damaged(path)

    def link(self, name: str, into: Staging, new_name: str) -> None:
        """One of its files in another build, under a second name."""
        into.link(f"{self.folder}/{name}", new_name, self.files[name])


def read_bytes(path: str) -> bytes:
    """All of a file; in half the time of `open`, for those who read a hundred thousand."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        data = os.read(descriptor, _SMALL)
        if len(data) < _SMALL:
            return data
        pieces = [data]
        while data := os.read(descriptor, CHUNK):
            pieces.append(data)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


CHUNK = 1 << 20
"""Bytes that are read at once."""

_SMALL = 1 << 16
"""Most files of a build are smaller, and a buffer of a megabyte for each takes as long as reading it."""


LARGEST = 64 << 20
"""Bytes of a file that is read at once, such as a person writes."""


def read_small(path: Path) -> bytes:
    """All of a hand-made file. Raises OSError for what is no file, which might never end, and for one that is huge."""
    with open(path, "rb", opener=_at_once) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is no file", str(path))
        if found.st_size > LARGEST:
            raise OSError(errno.EFBIG, "is too large", str(path))
        return file.read()


def sha256(path: Path | str) -> str:
    """The SHA-256 of a file's contents, in hexadecimal. Raises OSError for what is no file: a pipe would never end."""
    with open(path, "rb", buffering=0, opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "is no file", str(path))
        data = file.read(CHUNK)
        digest = hashlib.sha256(data)
        while data := file.read(CHUNK):
            digest.update(data)
        return digest.hexdigest()


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


# what is wrong with a build


def fault(manifest: Path, digest: str) -> str:
    """What is wrong with a build whose manifest had that digest, in a few words; empty where nothing is."""
    return verify({manifest: digest}).get(manifest, "")


def _unexpected(manifest: Path, files: Collection[str]) -> str:
    unexpected = sorted(set(_present(manifest)) - set(files))
    return f"{unexpected[0]} is an unexpected file" if unexpected else ""


def _present(manifest: Path) -> list[str]:
    """The files that count as the build's: all in its own folder, or those that the manifest names."""
    return sorted(_listing(str(manifest.parent))) if manifest.name == MANIFEST else list(read(manifest))


def _listing(folder: str, prefix: str = "") -> Iterator[str]:
    """Every file below a folder but its manifest, as paths with /."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _listing(entry.path, f"{prefix}{entry.name}/")
            elif prefix or entry.name != MANIFEST:
                yield prefix + entry.name


def verify(builds: Mapping[Path, str]) -> dict[Path, str]:
    """What is wrong with each build, by its manifest, in a few words; those with nothing wrong aren't in it.

    builds: the digest that each manifest had. All files are read, each once under however many names, on all cores.
    """
    faults: dict[Path, str] = {}
    paths: dict[tuple[int, int], str] = {}
    expected: dict[tuple[int, int], list[tuple[Path, str, str]]] = {}
    for manifest, digest in builds.items():
        fault = "its manifest was changed"
        if not manifest.exists():
            fault = "its manifest is missing"
        elif _digest(manifest) == digest:
            try:
                files = read(manifest)
            except (OSError, ValueError):
                continue  # a build that is there as a whole is another by now, and so will the folder be
            fault = _unexpected(manifest, files)
            root = str(manifest.parent)
            for name, entry in files.items():
                found = _looked(f"{root}/{name}")
                if found is None or found.st_size != entry.size:
                    fault = f"{name} is {'missing' if found is None else 'damaged'}"
                    break
                key = found.st_dev, found.st_ino
                paths.setdefault(key, f"{root}/{name}")
                expected.setdefault(key, []).append((manifest, name, entry.sha256))
        if fault:
            faults[manifest] = fault
    for key, digest in zip(paths, _digests(list(paths.values())), strict=True):
        for manifest, name, sealed in expected[key]:
            if digest != sealed:
                faults.setdefault(manifest, f"{name} is damaged")
    return faults


def _digest(path: Path) -> str:
    """A file's digest; nothing of one that can't be read."""
    return _digested([str(path)])[0]


def _looked(path: str) -> os.stat_result | None:
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


_BATCH = 1000
"""Files that a process reads at a time; where there are fewer, it isn't worth one."""


def _digests(paths: list[str]) -> Iterator[str]:
    if len(paths) <= _BATCH:
        yield from _digested(paths)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    batches = [paths[start : start + _BATCH] for start in range(0, len(paths), _BATCH)]
    count = min(len(os.sched_getaffinity(0)), len(batches))
    with ProcessPoolExecutor(count, get_context("spawn")) as pool:
        for found in pool.map(_digested, batches):
            yield from found


def _digested(paths: list[str]) -> list[str]:
    """The digests of files; of one that can't be read, nothing."""
    found = []
    for path in paths:
        try:
            found.append(sha256(path))
        except OSError:
            found.append("")
    return found
