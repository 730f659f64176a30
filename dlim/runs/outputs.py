"""The outputs: what learning tasks brought back, to be listed, looked at, traced, and deleted."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from dlim import config, console, store
from dlim.errors import OutputError, shown
from dlim.names import nearest
from dlim.runs import record
from dlim.runs.record import File, Learned, Record

UNPACKED = ".unpacked-"
"""How a folder begins, beside the outputs, of what is unpacked while it is deployed."""


@dataclass(frozen=True)
class Output:
    """A folder below output/ with its record."""

    folder: Path
    record: Record

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def archive(self, learner: str) -> Path:
        """What a learner's folder held after the learning."""
        return self.folder / f"{learner}.tar.gz"

    def snapshot(self, learner: str) -> Path:
        """The workspace, as it was, with the dataset."""
        return self.folder / f"{learner}_dlim.tar.gz"


def load(outputs: Path) -> dict[str, Output]:
    """The outputs by name, the newest last; one whose record can't be read is said and left out."""
    found = []
    for folder in folders(outputs):
        try:
            found.append(_one(folder))
        except OutputError as error:
            console.current().line(str(error))
    return {output.name: output for output in sorted(found, key=lambda output: (output.record.ended, output.name))}


def folders(outputs: Path) -> list[Path]:
    """The folders of all outputs, sorted, those whose record can't be read among them."""
    return sorted(path.parent for path in outputs.glob(f"[!.]*/{record.RECORD}"))


def _one(folder: Path) -> Output:
    """An output, with the memo as it stands in its file now: a person may have changed that."""
    found = record.read(folder)
    try:
        memo = " ".join((folder / record.MEMO).read_text(encoding="utf-8").split())
    except (OSError, ValueError):
        return Output(folder, found)
    return Output(folder, msgspec.structs.replace(found, memo=shown(memo[:MEMO])))


MEMO = 1000
"""Characters of a memo that are shown."""


def find(outputs: Path, name: str) -> Output:
    """The output of that name. Raises OutputError, with the nearest, where there is none."""
    folder = outputs / name
    if not _is_output(folder, name):
        there = [path.name for path in folders(outputs)]
        raise OutputError(f'"{name}"', "is no output", nearest(name, there))
    return _one(folder)


def _is_output(folder: Path, name: str) -> bool:
    return bool(name) and "/" not in name and not name.startswith(".") and (folder / record.RECORD).is_file()


def damaged(outputs: Path, name: str) -> Path | None:
    """The folder of an output whose record can't be read; None where it is sound, or there is none."""
    if not _is_output(outputs / name, name):
        return None
    try:
        record.read(outputs / name)
    except OutputError:
        return outputs / name
    return None


def delete(folder: Path) -> None:
    """Delete a folder of outputs. A kill in the middle leaves nothing under its name."""
    doomed = folder.with_name(f".deleted-{folder.name}")
    folder.rename(doomed)
    shutil.rmtree(doomed)


def remove(output: Output) -> int:
    """Delete an output; the bytes that this frees."""
    size = output.size
    delete(output.folder)
    return size


def sweep(outputs: Path) -> None:
    """Delete what a killed deletion left, and what a killed deployment had unpacked, unless one is at it now."""
    for path in outputs.glob(".deleted-*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in outputs.glob(f"{UNPACKED}*"):
        with suppress(OSError), _locked(path):
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def unpacking(outputs: Path) -> Iterator[Path]:
    """A folder to unpack in, which goes afterwards; what a kill leaves of it, sweep removes."""
    folder = Path(tempfile.mkdtemp(prefix=UNPACKED, dir=outputs))
    try:
        with _locked(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder. Raises OSError where another process does."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def damage(output: Output) -> Iterator[str]:
    """What of an output isn't as its record says: a line each. All of it is read."""
    if record.is_changed(output.folder):
        yield f"{output.folder / record.RECORD}: was changed since it was written"
    for learner, learned in output.record.learners.items():
        files = {
            output.archive(learner): learned.archive,
            output.snapshot(learner): learned.snapshot,
            output.folder / f"{learner}.log": learned.log,
        }
        yield from (f"{path}: {found}" for path, file in files.items() if (found := fault(path, file)))


def fault(path: Path, file: File) -> str:
    """What is wrong with a file of an output, all of which is read; nothing where it is as its record says."""
    if not path.is_file():
        return "is missing"
    if path.stat().st_size != file.size or store.sha256(path) != file.sha256:
        return "is damaged"
    return ""


class Trace(NamedTuple):
    """Where a file comes from: the record, the learner, and what of it the file is: a weight's path, or its kind."""

    record: Record
    learner: str
    path: str

    @property
    def learned(self) -> Learned:
        return self.record.learners[self.learner]


def trace(file: Path, records: Iterable[Record]) -> list[Trace]:
    """All that some records say of a file with these bytes, in their order; the same training gives the same bytes.

    file: a weight, a learner's archive, its snapshot, or a dataset. Raises OutputError where none of them knows it.
    """
    if not file.is_file():
        raise OutputError(file, "is no file", "name a weight")
    digest = store.sha256(file)
    known = list(records)
    found = [
        Trace(one, learner, path)
        for one in known
        for learner, learned in one.learners.items()
        for path, there in _traced(learned)
        if there.sha256 == digest
    ]
    if not found:
        names = ", ".join(dict.fromkeys(one.name for one in known)) or "no output"
        raise OutputError(
            file, f"is nothing that {names} knows (sha256 {digest[:12]})", "name the record of its own with --record"
        )
    return found


def _traced(learned: Learned) -> Iterator[tuple[str, File]]:
    yield from learned.weights.items()
    yield from (("the archive", learned.archive), ("the snapshot", learned.snapshot))
    yield "the dataset", learned.origin.dataset.archive


def changed(
    trace: Trace,
    now: Mapping[str, Mapping[str, str]],
    settings: Mapping[str, Any] | None = None,
    program: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """What differs between what a weight was learned from and the workspace now, a line each.

    now: the hand-made files' digests by path, by project. settings: what the configuration says, seeds, label maps and
    limits among it; program: the digests of the learner's program; neither is compared where it is None.
    """
    origin = trace.learned.origin
    if settings is not None:
        then_said, now_said = (dict(_flat(each)) for each in (origin.settings, settings))
        # a record of an earlier version lacks what nobody could say then
        then_said = {key: value for key, value in _defaults().items() if key in now_said} | then_said
        for key in sorted({*then_said, *now_said}):
            if then_said.get(key) != now_said.get(key) and not key.startswith("files."):
                yield f"{key}: was {_said(then_said, key)}, is {_said(now_said, key)}"
    if program is not None:
        yield from _differing("program", origin.program, program)
    then = trace.learned.origin.projects
    for name in sorted({*then, *now}):
        if name not in now:
            yield f"{name}: is gone"
        elif name not in then:
            yield f"{name}: is new"
        else:
            yield from _differing(name, then[name], now[name])


def _defaults() -> dict[str, object]:
    """What the configuration says where nothing is written."""
    said = {"workspace": config.Settings(), "learner": config.Learner(canvas="native")}
    return dict(_flat({name: msgspec.to_builtins(each) for name, each in said.items()}))


def _differing(what: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """The files whose digests differ, a line each."""
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            yield f"{what}: {path} {'is gone' if path not in after else 'is new' if path not in before else 'changed'}"


def _flat(value: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Settings by their dotted names; lists as they are."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else key)
    elif prefix:
        yield prefix, list(value) if isinstance(value, tuple) else value


def _said(settings: Mapping[str, object], key: str) -> str:
    return str(settings[key]) if key in settings else "not said"
