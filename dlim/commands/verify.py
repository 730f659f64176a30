"""`doit verify`: reads all that was built, and all that it was built from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from doit.dependency import JSONCodec

from dlim import progress, store
from dlim.build.lock import locked
from dlim.build.look import Memo, stamp
from dlim.build.pipeline import Pipeline, Step
from dlim.build.run import LOCK, MEMO
from dlim.build.state import STATE, Record, State
from dlim.commands.base import Command
from dlim.errors import WorkspaceError
from dlim.workspace import Workspace


class Fault(NamedTuple):
    """Something that isn't as it was made or read, of a step, and what is done about it."""

    step: Step
    place: Path
    fault: str


class Verify(Command):
    """`doit verify`: what is damaged is named, and built anew by the next run."""

    name = "verify"
    doc_purpose = "read all that was built, and what it was built from; what is damaged is built anew by the next run"

    def answer(self, workspace: Workspace, words: Sequence[str]) -> int:  # type: ignore[override]
        if not STATE.exists():
            raise WorkspaceError(STATE, "is missing, so nothing is known of what was built", "doit dataset builds it")
        with locked(LOCK):
            state = State(str(STATE), JSONCodec())
            made = [
                (step, state.records[name])
                for name, step in Pipeline(workspace).steps.items()
                if name in state.records and state.records[name].output
            ]
            if all(step.kind == "extend" for step, _ in made):
                raise WorkspaceError(STATE, "knows of nothing but labelling images", "doit dataset builds the rest")
            found = list(_faults(made))
            if found:
                Memo(MEMO).forget()
            for fault in found:
                _set_aside(fault, state)
            state.dump()
        console = progress.current()
        for fault in found:
            console.line(f"{fault.place}: {fault.fault}")
        if found:
            damaged = len({each.step.name for each in found})
            console.line(f"{damaged:,} of {len(made):,} builds are damaged or stale; doit dataset builds them anew")
            return 1
        console.line(f"{len(made):,} builds and what they were built from were read, and all are as they were")
        return 0


def _set_aside(fault: Fault, state: State) -> None:
    """Let the next run build a step anew."""
    state.remove(fault.step.name)


def _faults(made: Sequence[tuple[Step, Record]]) -> Iterator[Fault]:
    """What isn't as it was. Files are read on all cores; those that are one, under several names, once."""
    digests = _Digests(made)
    for step, record in made:
        target = Path(step.target)
        try:
            fault = _of_output(step, record, digests)
            if fault:
                yield Fault(step, target.parent if target.suffix == ".json" else target, fault)
            for path, source in record.sources.items():
                if source.sha256 and stamp(path) == source.stamp and digests.of(path) != source.sha256:
                    yield Fault(step, Path(path), "was changed, with its size and its times kept")
        except OSError as error:
            yield Fault(step, target, str(error.strerror or error))


def _of_output(step: Step, record: Record, digests: _Digests) -> str:
    target = Path(step.target)
    if not target.exists():
        return "its manifest is missing" if target.suffix == ".json" else "is missing"
    if target.suffix != ".json":
        return "" if digests.of(step.target) == record.output else "was changed"
    return store.fault(target, record.output, digests.of)


class _Digests:
    """Digests of files by path, read beforehand in as many threads as there are cores, each inode once."""

    def __init__(self, made: Iterable[tuple[Step, Record]]) -> None:
        self._by_inode: dict[tuple[int, int], str] = {}
        paths: dict[tuple[int, int], str] = {}
        for step, record in made:
            for path in (*_files(step), *record.sources):
                try:
                    found = os.stat(path)
                except OSError:
                    continue
                paths.setdefault((found.st_dev, found.st_ino), path)
        console = progress.current()
        with console.working("verify"), ThreadPoolExecutor(os.cpu_count()) as pool:
            for number, (inode, digest) in enumerate(zip(paths, pool.map(_digest, paths.values()), strict=True)):
                self._by_inode[inode] = digest
                if number % 1000 == 0:
                    console.note("verify", f"{number:,} of {len(paths):,} files")

    def of(self, path: str | Path) -> str:
        """The SHA-256 of a file. Raises OSError."""
        found = os.stat(path)
        inode = found.st_dev, found.st_ino
        return self._by_inode.get(inode) or store.sha256(path)


def _files(step: Step) -> Iterator[str]:
    target = Path(step.target)
    yield step.target
    if target.suffix == ".json" and target.exists():
        try:
            yield from (f"{target.parent}/{name}" for name in store.read(target))
        except (OSError, ValueError):
            return


def _digest(path: str) -> str:
    try:
        return store.sha256(path)
    except OSError:
        return ""
