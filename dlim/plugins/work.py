"""What a task does: a stage's folder filled and sealed, faults in one line, and its inputs watched meanwhile."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from doit.exceptions import TaskFailed
from doit.globals import Globals

from dlim import builds, progress
from dlim.errors import DlimError
from dlim.plugins.reason import SEAL
from dlim.store import Staging, staging


@dataclass(frozen=True)
class Fill:
    """Fills a stage's folder, and seals it."""

    name: str
    run: Callable[[Staging], list[str] | None]
    manifest: Path

    def __call__(self) -> dict[str, Any]:
        with staging(self.manifest.parent) as out:
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
            return TaskFailed(unusable(error))
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


def unusable(error: OSError, place: Path | None = None) -> str:
    """A line for what the operating system refuses: no right to read or write, a full disk.

    place: what it is about, where the error knows only a part of that.
    """
    return f"{place or error.filename or 'the workspace'}: {error.strerror or error}; see to that, and run again"


@dataclass
class Seals:
    """Reads every build. As a doit check it learns their seals, which doit gives to its own thread only.

    rows: the tasks that leave builds; they are asked for when the check is, for no other task needs them twice.
    """

    rows: Callable[[], Iterable[dict[str, Any]]]
    found: dict[Path, builds.Seal] = field(default_factory=dict, init=False)

    def __call__(self) -> None:
        """Learn how each task's build was left."""
        for row in self.rows():
            seal = Globals.dep_manager.get_values(f"{row['basename']}:{row['name']}").get(SEAL)
            if seal is not None:
                self.found[Path(row["targets"][0])] = builds.Seal(*seal)

    def verify(self) -> TaskFailed | None:
        """Read all, say what is damaged, and take its manifest away, so that it is built anew."""
        try:
            faults = {manifest: _fault(manifest, seal) for manifest, seal in self.found.items()}
            damaged = {manifest: fault for manifest, fault in faults.items() if fault}
        except OSError as error:
            return TaskFailed(unusable(error))
        if damaged:
            told = [f"{manifest.parent}: {fault}" for manifest, fault in damaged.items()]
            kept = [fault for manifest in damaged if (fault := _deleted(manifest, _unlink))]
            return TaskFailed("; ".join([*told, *(kept or ["run doit dataset to build that anew"])]))
        progress.current().line(f"{len(faults)} builds were read, and all are as they were made")
        return None


def _fault(manifest: Path, seal: builds.Seal) -> str:
    """What is wrong with a build that was made once."""
    return builds.fault(manifest, seal) if manifest.exists() else "its manifest is missing"


class Unremoved(TaskFailed):  # type: ignore[misc]
    """What could not be removed: a line, which doit's `clean` writes as it is."""

    def __str__(self) -> str:
        return str(self.message)


def remove(paths: Iterable[Path], dryrun: bool) -> Unremoved | None:
    """Delete files and folders, saying which; only say it in a dry run. What can't be deleted keeps no other."""
    faults = [fault for path in paths if (fault := _removed(path, f"remove {path}", _delete, dryrun))]
    return Unremoved(faults[0]) if faults else None


def unseal(manifest: Path, dryrun: bool) -> Unremoved | None:
    """Delete a build, saying so; only say it in a dry run."""
    fault = _removed(manifest, f"remove what {manifest} seals", _delete_sealed, dryrun)
    return Unremoved(fault) if fault else None


def _removed(path: Path, text: str, delete: Callable[[Path], object], dryrun: bool) -> str:
    """Delete what is there, saying so; a line for what stands in the way."""
    if not os.path.lexists(path):
        return ""
    print(text)
    return "" if dryrun else _deleted(path, delete)


def _deleted(path: Path, delete: Callable[[Path], object]) -> str:
    try:
        delete(path)
    except OSError as error:
        return unusable(error, path)
    except ValueError:
        return f"{path}: can't be read; delete it, and what is beside it"
    return ""


def _delete(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _delete_sealed(manifest: Path) -> None:
    shutil.rmtree(manifest.parent) if manifest.name == builds.MANIFEST else builds.remove(manifest)


def _unlink(manifest: Path) -> None:
    manifest.unlink(missing_ok=True)
