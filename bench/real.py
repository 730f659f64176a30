"""Build the datasets of the real masters, and check all that must hold without a line of dlim.

    python -m bench.real

A workspace is made beside the repository and stays there, to be looked at. Then it runs again, which must do nothing,
and again after one master was changed, where nothing of the other projects may run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import masters, workspaces
from bench.checks import faults
from bench.clock import run

DOIT = (sys.executable, "-m", "doit", "dataset")

CHANGED = "close"


def main() -> int:
    """Print the faults that were found."""
    parser = argparse.ArgumentParser(prog="python -m bench.real", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--masters", type=Path, default=masters.MASTERS, help="the real masters")
    parser.add_argument("--folder", type=Path, default=masters.ROOT.parent / "real-workspace", help="of the workspace")
    arguments = parser.parse_args()
    workspace = arguments.folder.resolve()
    masters.make(workspace, arguments.masters.resolve())
    found = list(_found(workspace))
    for fault in found:
        print(f"FAULT {fault}")
    print(f"{len(found)} faults" if found else "every check holds")
    return 1 if found else 0


def _found(workspace: Path) -> Iterator[str]:
    run(DOIT, workspace)
    for learner in masters.LEARNERS:
        yield from (f"{learner}: {fault}" for fault in faults(workspace, learner))
    said = run(DOIT, workspace).said
    if "nothing to do" not in said:
        yield f"the second run did something: {said}"
    workspaces.change_a_master(workspace, CHANGED)
    tasks = list(_tasks(run(DOIT, workspace).said))
    yield from (f"{task} ran after a change of {CHANGED}" for task in tasks if not _depends(task))
    if not {f"augment:{CHANGED}@400x400", f"augment:{CHANGED}@native"} < set(tasks):
        yield f"a change of {CHANGED}'s master did not bring new images of it"


def _tasks(said: str) -> Iterator[str]:
    """The tasks that ran, from what doit printed."""
    names = (line.partition(": ")[0] for line in said.splitlines())
    return (name for name in names if ":" in name)


def _depends(task: str) -> bool:
    return task.partition(":")[2].partition("@")[0] in (CHANGED, *masters.LEARNERS)


if __name__ == "__main__":
    sys.exit(main())
