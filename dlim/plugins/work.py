"""What a task does: a stage's folder filled and sealed, faults in one line, and its inputs watched meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doit.exceptions import TaskFailed

from dlim import builds, progress
from dlim.errors import DlimError
from dlim.plugins.reason import SEAL


@dataclass(frozen=True)
class Fill:
    """Fills a stage's folder, and seals it."""

    name: str
    run: Callable[[Path], list[str] | None]
    manifest: Path

    def __call__(self) -> dict[str, Any]:
        with builds.fresh(self.manifest.parent) as out:
            notes = self.run(out)
        _say(self.name, notes or ())
        return {SEAL: builds.look(self.manifest)}


@dataclass(frozen=True)
class Refusal:
    """Raises what is wrong with a project."""

    error: DlimError

    def __call__(self) -> None:
        raise self.error


@dataclass(frozen=True)
class Watched:
    """An action whose faults are one line, and whose inputs must not change while it works.

    doit records the inputs as they are at the end: what was saved into them meanwhile would count as built.
    """

    action: Callable[[], object]
    inputs: list[str]

    def __call__(self) -> object:
        before = _times(self.inputs)
        try:
            done = self.action()
        except DlimError as error:
            return TaskFailed(str(error))
        except OSError as error:
            place = error.filename or "the workspace"
            return TaskFailed(f"{place}: {error.strerror or error}; see to that, and run again")
        changed = [path for path, time in _times(self.inputs).items() if time != before[path]]
        if changed:
            return TaskFailed(f"{changed[0]}: was changed while it was being built from; run again")
        return done


def _times(paths: Iterable[str]) -> dict[str, tuple[int, int]]:
    found = {}
    for path in paths:
        try:
            stat = Path(path).stat()
            found[path] = stat.st_mtime_ns, stat.st_size
        except FileNotFoundError:
            found[path] = 0, 0
    return found


def _say(name: str, notes: Iterable[str]) -> None:
    for note in notes:
        progress.current().line(f"{name}: {note}")


def remove(paths: Iterable[Path], dryrun: bool) -> None:
    """Delete files and folders, saying which; only say it in a dry run."""
    for path in paths:
        if path.exists():
            print(f"remove {path}")
            if not dryrun:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def unseal(manifest: Path, dryrun: bool) -> None:
    """Delete a build, saying so; only say it in a dry run."""
    if manifest.exists():
        print(f"remove what {manifest} seals")
        if not dryrun:
            builds.remove(manifest)
