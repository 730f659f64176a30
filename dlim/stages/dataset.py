"""dataset: a learner's builds become its dataset: a shard a project, the folder of all, and the archive."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from dlim import archive, store
from dlim.errors import DatasetError
from dlim.formats import FORMATS, Format
from dlim.store import MANIFEST, Build, Entry, Part, Staging, damaged

SHARD = "shard.gz"

TABLE = ".csv"
"""The suffix of the tables that a generator's build may have."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a learner wants of its dataset."""

    learner: str
    class_lists: bool = True
    format: str = "voc"
    trainval: str = "all"


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into a dataset. builds: the folder of each project's images and annotations, by project.

    train, val: ids. labels: the ids in train and in val that show each. taken: the ids that a project gives, where
    that isn't all of them.
    """

    builds: Mapping[str, Path]
    train: Sequence[str]
    val: Sequence[str]
    labels: Mapping[str, tuple[Sequence[str], Sequence[str]]]
    taken: Mapping[str, Collection[str]] = field(default_factory=dict)


# one project's share, as a piece of a .tar.gz that can be joined to others


def shard(build: Path, out: Staging, form: str, taken: Collection[str] | None = None) -> None:
    """Write shard.gz: the annotations and images of a build, where the dataset has them.

    form: the dataset's format. taken: the ids of those that the dataset has; None where it has all. Every file is
    read here, and must be the one that was sealed.
    """
    made = Build(build)
    folders = _folders(FORMATS[form])
    kept = made.files if taken is None else _names(made.files, folders, taken)
    entries = (
        archive.entry(f"{folder}/{name}", made.read(name))
        for suffix, folder in folders.items()
        for name in sorted(name for name in kept if name.endswith(suffix))
    )
    crc = 0

    def checked() -> Iterator[bytes]:
        nonlocal crc
        for data in archive.members(entries):
            crc = archive.checksum(data, crc)
            yield data

    out.stream(SHARD, checked())
    out.facts |= {"images": sum(name.endswith(".jpg") for name in kept), "crc32": crc}


def _folders(form: Format) -> dict[str, str]:
    """The folder of the dataset for each suffix of a build's files."""
    return {form.SUFFIX: form.ANNOTATIONS, ".jpg": form.IMAGES}


def _names(names: Iterable[str], suffixes: Iterable[str], taken: Collection[str]) -> list[str]:
    """The files, of those, that belong to the ids that are taken."""
    there = set(names)
    return [name for image in taken for suffix in suffixes if (name := f"{image}{suffix}") in there]


# the folder


def pack(content: Content, folder: Path, settings: Settings, *, intact: bool = False) -> None:
    """Bring the dataset's folder up to date: what isn't there yet is linked, and what is too much goes.

    Meanwhile it has no manifest, so that what a killed run leaves doesn't pass for a dataset. A folder that is a link
    stays one. intact: whether nothing has come, gone or been replaced there since it was sealed; then only projects
    that have changed since are looked at. Raises DatasetError where a part of the dataset would be empty, or one file
    stands for two.
    """
    _require(content, settings)
    form = FORMATS[settings.format]
    place = _opened(folder)
    images = {*content.train, *content.val}
    before = store.parts(place / MANIFEST)
    # two files of one name are found where all are looked at
    sound = intact and len(images) == len(content.train) + len(content.val)
    wanted = _wanted(content, form, before, os.stat(place).st_dev, before.keys() if sound else ())
    lists = form.lists(
        content.train, content.val, content.labels, class_lists=settings.class_lists, trainval=settings.trainval
    )
    own = {name: text.encode() for name, text in lists.items()} | _joined(wanted.tables)
    folders = {"": {PurePosixPath(name).parts[0] for name in (*wanted.links, *own)} | {MANIFEST}}
    folders |= {below: {f"{image}{suffix}" for image in images} for suffix, below in _folders(form).items()}
    for name in own:
        if "/" in name:
            folders.setdefault(name.rpartition("/")[0], set()).add(name.rpartition("/")[2])
    extra = {path for below, names in folders.items() for path in _extra(place, below, names)}
    if extra and folder.is_symlink() and not (place / MANIFEST).exists():
        fault = f"is a link to a folder that has other files, such as {min(extra)}"
        raise DatasetError(folder, fault, "link it to an empty folder")

    (place / MANIFEST).unlink(missing_ok=True)
    for name in extra:
        store.discard(place / name)
    for below, names in wanted.links.items():
        _bring(f"{place}/{below}", names)
    files = wanted.files | {name: _written(place / name, data) for name, data in own.items()}
    facts = _facts(content, wanted.bytes + sum(len(data) for data in own.values()))
    store.write_manifest(place / MANIFEST, files, facts, wanted.parts)


def _require(content: Content, settings: Settings) -> None:
    for name, ids in (("train", content.train), ("val", content.val)):
        if not ids:
            raise DatasetError(
                f"dataset of {settings.learner}",
                f"{name} is empty",
                "take more projects or a greater limit, or change train_percent or by in config/dlim.toml",
            )


def _opened(folder: Path) -> Path:
    """The dataset's folder, where it really is."""
    place = folder.resolve() if folder.is_symlink() else folder
    if os.path.lexists(place) and not place.is_dir():
        raise DatasetError(folder, "is no folder", "move it away")
    if folder.is_symlink() and not place.exists():
        raise DatasetError(folder, "is a link to nothing", "make the folder that it names, or delete the link")
    store.sweep(folder)  # what the first version's killed runs left
    place.mkdir(parents=True, exist_ok=True)
    return place


ANY = -1
"""In place of an inode: whichever file is there already is the right one."""


@dataclass(slots=True)
class _Wanted:
    """What projects give. links: by folder of the dataset, by name, the build's folder and the file's inode.

    files: with their digests, of builds that are there in part. parts: the other builds. tables: the paths of each.
    """

    links: dict[str, dict[str, tuple[str, int]]]
    files: dict[str, Entry] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)
    tables: dict[str, list[str]] = field(default_factory=dict)
    bytes: int = 0


def _wanted(
    content: Content, form: Format, before: Mapping[str, Part], device: int, linked: Collection[str]
) -> _Wanted:
    """What projects give. linked: the builds before that need not be looked at where they are still the same."""
    folders = _folders(form)
    found = _Wanted({below: {} for below in folders.values()})
    for title, folder in content.builds.items():
        build, taken = folder.as_posix(), content.taken.get(title)
        if taken is None and build in linked:
            digest, facts = store.head(folder / MANIFEST)
            if before[build] == Part(digest, folders) and not facts.get("tables"):
                found.parts[build] = before[build]
                found.bytes += int(facts["bytes"])
                continue
        there = _inodes(build)
        for name in [name for name in there if name.endswith(TABLE)]:
            found.tables.setdefault(name, []).append(f"{build}/{name}")
        mine = {suffix: {name: there[name] for name in there if name.endswith(suffix)} for suffix in folders}
        if taken is None:
            digest, facts = store.head(folder / MANIFEST)
            if any(len(names) != facts["images"] for names in mine.values()):
                raise damaged(build)
            part = found.parts[build] = Part(digest, folders)
            found.bytes += int(facts["bytes"])
            # on another disk there is a copy in place of each link, which no inode tells from an older one
            if before.get(build) == part and os.stat(build).st_dev != device:
                mine = {suffix: dict.fromkeys(names, ANY) for suffix, names in mine.items()}
        elif taken:
            made = Build(folder)
            for suffix, below in folders.items():
                mine[suffix] = {name: there[name] for name in _names(there, [suffix], taken)}
                entries = {f"{below}/{name}": made.files[name] for name in mine[suffix]}
                found.files |= entries
                found.bytes += sum(entry.size for entry in entries.values())
        else:
            continue
        for suffix, below in folders.items():
            _add(found.links[below], build, mine[suffix])
    return found


def _add(links: dict[str, tuple[str, int]], build: str, names: Mapping[str, int]) -> None:
    name = next((name for name in names if name in links), None)
    if name is not None:
        fault = f"is in the dataset already, from {links[name][0]}"
        raise DatasetError(f"{build}/{name}", fault, "rename one of the two projects")
    links.update({name: (build, inode) for name, inode in names.items()})


def _inodes(folder: str) -> dict[str, int]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.inode() for entry in entries}


def _extra(place: Path, below: str, names: Collection[str]) -> list[str]:
    """The paths of what is in a folder of the dataset and shouldn't be."""
    if (place / below).is_symlink() or not (place / below).is_dir():
        return [below] if os.path.lexists(place / below) else []
    there = os.listdir(place / below)  # noqa: PTH208 - names are all it takes
    return [f"{below}/{name}".lstrip("/") for name in there if name not in names]


def _bring(folder: str, wanted: Mapping[str, tuple[str, int]]) -> None:
    """Link what isn't in a folder yet."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    there = _inodes(folder) if len(wanted) > _SOME else {name: _inode(f"{folder}/{name}") for name in wanted}
    for name, (build, inode) in wanted.items():
        found = there.get(name)
        if found is not None:
            if inode in (found, ANY) and found:
                continue
            store.discard(Path(folder, name))
        store.link(f"{build}/{name}", f"{folder}/{name}")


_SOME = 10_000
"""Files up to which it is quicker to ask for each than to read what may be a folder of 100,000."""


def _inode(path: str) -> int | None:
    try:
        return os.lstat(path).st_ino
    except FileNotFoundError:
        return None


def _joined(tables: Mapping[str, Sequence[str]]) -> dict[str, bytes]:
    """Each table by its name: where several projects have one of that name, all their rows under one head."""
    found = {}
    for name, paths in tables.items():
        heads, rows = zip(*(_table(path) for path in paths), strict=True)
        for path, head in zip(paths, heads, strict=True):
            if head != heads[0]:
                fault = f"has other columns than {paths[0]}"
                raise DatasetError(path, fault, "give the two the same columns, or another name")
        found[name] = heads[0] + b"".join(rows)
    return found


def _table(path: str) -> tuple[bytes, bytes]:
    folder, _, name = path.rpartition("/")
    head, end, rows = Build(Path(folder)).read(name).partition(b"\n")
    return head + end, rows if not rows or rows.endswith(b"\n") else rows + b"\n"


def _written(path: Path, data: bytes) -> Entry:
    """A file of these bytes; one that has them already is left alone."""
    entry = Entry(len(data), hashlib.sha256(data).hexdigest())
    if path.is_symlink() or not path.is_file() or path.stat().st_size != len(data) or path.read_bytes() != data:
        store.discard(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        store.write_sealed(str(path), data)
    return entry


def _facts(content: Content, size: int) -> dict[str, Any]:
    return {
        "images": len(content.train) + len(content.val),
        "train": len(content.train),
        "val": len(content.val),
        "bytes": size,
        "labels": {label: len(train) + len(val) for label, (train, val) in sorted(content.labels.items())},
    }


# the archive


def tarball(folder: Path, shards: Iterable[Path], file: Path, manifest: Path, settings: Settings) -> None:
    """Write a learner's archive: folders and lists of the packed dataset, then the shards, in the order given.

    It is read and digested once, while it is copied. Between two archives there is no manifest: so no archive is ever
    beside the manifest of another. What a manifest says of the dataset, that of the archive says too.
    """
    made = Build(folder)
    manifest.unlink(missing_ok=True)
    digest, size, pieces = hashlib.sha256(), 0, []

    def write(making: Path) -> None:
        nonlocal size
        with making.open("wb") as out:
            for piece in _pieces(made, shards, FORMATS[settings.format]):
                began = size
                for data in piece:
                    digest.update(data)
                    out.write(data)
                    size += len(data)
                pieces.append(size - began)
        making.chmod(store.SEALED)

    store.write_file(file, write)
    facts = {**made.facts, "bytes": size, "lists": pieces[0]}
    store.write_manifest(manifest, {file.name: Entry(size, digest.hexdigest())}, facts)


def _pieces(made: Build, shards: Iterable[Path], form: Format) -> Iterator[Iterable[bytes]]:
    yield archive.members(_head(made, form))
    for folder in shards:
        yield _shard_bytes(folder)
    yield [archive.end()]


def _shard_bytes(folder: Path) -> Iterator[bytes]:
    """A shard as it was sealed: a checksum is enough to tell, and costs a tenth of a digest."""
    path, crc = f"{folder}/{SHARD}", 0
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a str
            while data := file.read(store.CHUNK):
                crc = archive.checksum(data, crc)
                yield data
    except FileNotFoundError as error:
        raise damaged(path) from error
    if crc != store.facts(folder / MANIFEST).get("crc32"):
        raise damaged(path)


def _head(made: Build, form: Format) -> Iterator[bytes]:
    """What no project has to itself: the folders, the lists, and the tables."""
    above = [parent.as_posix() for parent in reversed(PurePosixPath(form.LISTS).parents) if parent.name]
    for name in ("", form.ANNOTATIONS, form.IMAGES, *above, form.LISTS):
        yield archive.folder_entry(name)
    for name in sorted(made.files):
        if not name.startswith((f"{form.ANNOTATIONS}/", f"{form.IMAGES}/")):
            yield archive.entry(name, made.read(name))
