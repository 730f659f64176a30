"""`doit verify`: reads all that was built, and all that it was built from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from doit.dependency import JSONCodec

from dlim import console, store
from dlim.build.lock import locked
from dlim.build.look import forget, stamp
from dlim.build.pipeline import Pipeline, Step
from dlim.build.run import LOCK, MEMO
from dlim.build.state import STATE, Record, State
from dlim.commands.base import Command
from dlim.errors import OutputError, WorkspaceError
from dlim.runs import outputs
from dlim.workspace import OUTPUT, Workspace


class Fault(NamedTuple):
    """Something that isn't as it was made or read, of a step, and what is done about it."""

    step: Step
    place: Path
    fault: str


class Verify(Command):
    """`doit verify`: what is damaged is named; of builds, the next run makes it anew."""

    name = "verify"
    doc_purpose = (
        "read all that was built, what it was built from, and the outputs; the next run builds anew what is damaged"
    )

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
                forget(MEMO)
            for fault in found:
                _set_aside(fault, state)
            state.dump()
        shown = console.current()
        for fault in found:
            shown.line(f"{fault.place}: {fault.fault}")
        count, harmed = _outputs()
        if found:
            damaged = len({each.step.name for each in found})
            shown.line(f"{damaged:,} of {len(made):,} builds are damaged or stale; doit dataset builds them anew")
        else:
            shown.line(f"{len(made):,} builds and what they were built from were read, and all are as they were")
        if harmed:
            shown.line(f"{harmed:,} of {count:,} outputs are damaged; restore them, or doit output:rm NAME deletes one")
        elif count:
            shown.line(f"{count:,} outputs were read, and all are as they were brought back")
        return 1 if found or harmed else 0


def _outputs() -> tuple[int, int]:
    """How many outputs there are, and how many of them aren't as they were; each fault is told."""
    shown, harmed, folders = console.current(), 0, outputs.folders(OUTPUT)
    with shown.working("verify outputs"):
        for folder in folders:
            try:
                faults = list(outputs.damage(outputs.find(OUTPUT, folder.name)))
            except OutputError as error:
                faults = [str(error)]
            for line in faults:
                shown.line(line)
            harmed += bool(faults)
    return len(folders), harmed


def _set_aside(fault: Fault, state: State) -> None:
    """Let the next run build a step anew."""
    state.remove(fault.step.name)


def _faults(made: Sequence[tuple[Step, Record]]) -> Iterator[Fault]:
    """What isn't as it was."""
    sealed = {Path(step.target): record.output for step, record in made if step.target.endswith(".json")}
    with console.current().working("verify"):
        found = store.verify(sealed)
        digests = _digests({path for step, record in made for path in _single(step, record)})
    for step, record in made:
        target = Path(step.target)
        if found.get(target):
            yield Fault(step, target.parent, found[target])
        elif target not in sealed and digests[step.target] != record.output:
            yield Fault(step, target, "was changed" if target.exists() else "is missing")
        for path, source in record.sources.items():
            if source.sha256 and stamp(path) == source.stamp and digests[path] != source.sha256:
                yield Fault(step, Path(path), "was changed, with its size and its times kept")


def _single(step: Step, record: Record) -> Iterator[str]:
    """The files of a step that no manifest lists."""
    yield from record.sources
    if not step.target.endswith(".json"):
        yield step.target


def _digests(paths: Iterable[str]) -> dict[str, str]:
    ordered = sorted(paths)
    with ThreadPoolExecutor() as pool:
        return dict(zip(ordered, pool.map(_digest, ordered), strict=True))


def _digest(path: str) -> str:
    try:
        return store.sha256(path)
    except OSError:
        return ""
