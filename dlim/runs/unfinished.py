"""A learning task that isn't an output yet: the folder in which it grows, until it is whole and gets its name."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from dlim import store
from dlim.errors import LearningError, shown
from dlim.runs import record
from dlim.runs.record import Learned, Origin, Part, Record
from dlim.runs.shipment import Piece, Shipment

UNFINISHED = ".unfinished"
"""The folder, beside the outputs and on their file system, of what isn't one yet."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,47}")
"""What a learning task may be called: the name is a folder here, and begins one on the servers."""

_TASK = "task.json"
_ORIGIN = "origin.json"
_SHIPMENT = "shipment.json"
_LEARNED = "learned.json"

P = TypeVar("P", bound=Part)


class Task(Part, frozen=True):
    """What was asked for. learners: in the order in which they learn.

    job: what it is called on the servers, where others may have given the same name.
    """

    name: str
    memo: str
    by: str
    began: str
    learners: tuple[str, ...]
    job: str


@dataclass(frozen=True)
class Unfinished:
    """A learning task, and where it grows: below `output/.unfinished/<name>/` a folder for each learner."""

    task: Task
    folder: Path

    def of(self, learner: str, name: str) -> Path:
        """A file of one learner that the output won't have."""
        return self.folder / ".parts" / learner / name

    def learned(self, learner: str) -> Learned | None:
        """What a learner brought back; None as long as it hasn't."""
        return _read(self.of(learner, _LEARNED), Learned)

    def origin(self, learner: str) -> Origin:
        """What a learner's dataset came from, as it was frozen."""
        found = _read(self.of(learner, _ORIGIN), Origin)
        if found is None:
            raise LearningError(self.of(learner, _ORIGIN), "is gone", "delete that learning task, and begin another")
        return found

    def shipment(self, learner: str) -> Shipment:
        """A learner's dataset, as it was frozen."""
        origin = self.origin(learner)
        pieces = msgspec.json.decode(self.of(learner, _SHIPMENT).read_bytes(), type=tuple[Piece, ...])
        return Shipment(self.of(learner, "dataset.tar.gz"), origin.dataset.archive.sha256, pieces)

    def freeze(self, learner: str, shipment: Shipment, origin: Origin) -> None:
        """Keep a dataset, and what it came from, as they are now: what is built meanwhile doesn't touch them."""
        folder = self.of(learner, "")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        store.link(shipment.archive, self.of(learner, "dataset.tar.gz"))
        self.of(learner, _SHIPMENT).write_bytes(msgspec.json.encode(shipment.pieces))
        _write(self.of(learner, _ORIGIN), origin)

    def read(self, learner: str, name: str, kind: type[P]) -> P | None:
        """What was written down of a learner under a name; None where nothing was."""
        return _read(self.of(learner, name), kind)

    def write(self, learner: str, name: str, part: Part) -> None:
        """Write something down of a learner."""
        _write(self.of(learner, name), part)

    def keep(self, learner: str, learned: Learned) -> None:
        """Keep what a learner brought back; from then on it isn't asked to learn again."""
        _write(self.of(learner, _LEARNED), learned)

    def finish(self, outputs: Path) -> Path:
        """Make it an output, which appears under its name as a whole. All its learners must have learned."""
        learned = {name: self._require(name) for name in sorted(self.task.learners)}
        task = self.task
        whole = Record(task.name, task.memo, task.by, task.began, record.now(), learned)
        store.write_file(self.folder / record.RECORD, lambda path: path.write_bytes(record.write(whole)))
        record.seal(self.folder)
        memo = f"{task.memo}\n" if task.memo else ""
        store.write_file(self.folder / record.MEMO, lambda path: path.write_text(memo, encoding="utf-8"))
        shutil.rmtree(self.folder / ".parts")
        for left in (_TASK, ".lock"):
            (self.folder / left).unlink(missing_ok=True)
        return self.folder.rename(outputs / task.name)

    def _require(self, learner: str) -> Learned:
        learned = self.learned(learner)
        if learned is None:
            raise LearningError(self.task.name, f"{learner} hasn't learned yet", "run the same command again")
        return learned


def begin(outputs: Path, name: str, memo: str, learners: Sequence[str]) -> Unfinished:
    """Begin a learning task, or go on with it: the one that is there keeps its beginning, and gets a new memo.

    Raises LearningError for a name that can't be one, or that an output has.
    """
    check_name(outputs, name)
    folder = outputs / UNFINISHED / name
    task = Task(name, memo, record.person(), record.now(), tuple(learners), f"{name}.{secrets.token_hex(4)}")
    before = _read(folder / _TASK, Task)
    if before is not None:
        memo = task.memo or before.memo
        learners = (*before.learners, *(name for name in task.learners if name not in before.learners))
        task = msgspec.structs.replace(before, memo=memo, learners=learners)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / _TASK, task)
    return Unfinished(task, folder)


def check_name(outputs: Path, name: str) -> None:
    """Raise LearningError for a name that can't be a learning task's, or that an output has."""
    if not NAME.fullmatch(name):
        raise LearningError(f'"{name}"', "is no name for a learning task", "use at most 48 letters, digits, _, . and -")
    if (outputs / name).exists():
        raise LearningError(outputs / name, "is an output already", "give another --name")


def load(outputs: Path) -> dict[str, Unfinished]:
    """The learning tasks that aren't outputs yet, by name, the oldest first."""
    found = []
    for path in (outputs / UNFINISHED).glob(f"*/{_TASK}"):
        task = _read(path, Task)
        if task is not None:
            found.append(Unfinished(task, path.parent))
    return {each.task.name: each for each in sorted(found, key=lambda each: (each.task.began, each.task.name))}


def discard(task: Unfinished) -> None:
    """Delete a learning task that isn't to become an output."""
    shutil.rmtree(task.folder)


@contextmanager
def followed(task: Unfinished) -> Iterator[None]:
    """Be the one who brings a learning task forward. Raises LearningError where another process is at it."""
    with (task.folder / ".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise LearningError(
                task.task.name,
                f"is followed already, by process {file.read().strip() or 'unknown'}",
                "look there, or end that process: what it learns goes on",
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _write(path: Path, part: Part) -> None:
    store.write_file(path, lambda making: making.write_bytes(record.write(part)))


def _read(path: Path, kind: type[P]) -> P | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except store.UNREADABLE as error:
        fault = f"can't be read: {shown(str(error))}"
        raise LearningError(path, fault, "delete that folder, and begin anew") from error


__all__ = ["Task", "Unfinished", "begin", "check_name", "discard", "followed", "load"]
