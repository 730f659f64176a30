"""Build the datasets of the real masters, check all that must hold, and print what it took.

    python bench/real.py

A workspace is made beside the repository and stays there, to be looked at. All runs share one core.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import masters
from checks import faults
from encoding import encoding
from PIL import Image

DOIT = [sys.executable, "-m", "doit"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masters", type=Path, default=masters.MASTERS, help="the real masters")
    parser.add_argument("--folder", type=Path, default=masters.ROOT.parent / "real-workspace", help="of the workspace")
    parser.add_argument("--runs", type=int, default=1, help="build so often from nothing; the fastest one counts")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    workspace = arguments.folder.resolve()

    def build() -> float:
        masters.make(workspace, arguments.masters.resolve())
        return _run([*DOIT, "dataset"], workspace)[0]

    whole = min(build() for _ in range(arguments.runs))
    imports = _least([sys.executable, "-c", "import dlim.tasks, dlim.augment.warm"], workspace)
    found = [f"{learner}: {fault}" for learner in masters.LEARNERS for fault in faults(workspace, learner)]
    count, alone = _all_encoding(workspace, arguments.runs)

    _, said = _run([*DOIT, "dataset"], workspace)
    if "nothing to do" not in said:
        found.append(f"the second run did something: {said}")
    null = _least([*DOIT, "dataset"], workspace)
    floor = _least([sys.executable, "-c", "import doit"], workspace)
    one, said = _change_a_master(workspace)
    found += [f"{task} ran after a change of close" for task in _tasks(said) if not _depends_on_close(task)]
    if not {"augment:close@400x400", "augment:close@native"} < set(_tasks(said)):
        found.append("a change of close's master did not bring new images of it")

    work = whole - imports
    rows = [
        ("images, both learners", f"{count:,}", ""),
        ("seconds", f"{whole:.2f}", f"{imports:.2f} of them are imports"),
        ("images/s, one core", f"{count / whole:,.0f}", f"{count / work:,.0f} without imports"),
        ("JPEG encoding alone, s", f"{alone:.2f}", f"{alone / whole:.0%}, {alone / work:.0%} without imports"),
        ("second run, s", f"{null:.2f}", f"{null / whole:.1%}, {null / floor:.1f} times `import doit`"),
        ("one master changed, s", f"{one:.2f}", f"{one / whole:.0%}, {(one - imports) / work:.0%} without imports"),
    ]
    for name, figure, ratios in rows:
        print(f"{name:23}{figure:>8}   {ratios}".rstrip())
    for fault in found:
        print(f"FAULT {fault}")
    print(f"{len(found)} faults" if found else "every check holds")
    return 1 if found else 0


def _run(command: list[str], folder: Path) -> tuple[float, str]:
    """Seconds a command took, and what it printed; it must succeed."""
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: failed\n{done.stdout}{done.stderr}")
    return took, done.stdout


def _least(command: list[str], folder: Path) -> float:
    """Seconds of the fastest of five: the others waited for something else on this machine."""
    return min(_run(command, folder)[0] for _ in range(5))


def _all_encoding(workspace: Path, times: int) -> tuple[int, float]:
    """Images of all learners, and the seconds of encoding them once, the fastest time counting."""
    passes = [[encoding(workspace / "data_set" / learner) for learner in masters.LEARNERS] for _ in range(times)]
    return sum(count for count, _ in passes[0]), min(sum(seconds for _, seconds in one) for one in passes)


def _change_a_master(workspace: Path) -> tuple[float, str]:
    """Draw a dot on one master, and bring the datasets up to date."""
    path = workspace / "projects/close/master/image.jpg"
    with Image.open(path) as image:
        changed = image.convert("RGB")
    changed.putpixel((0, 0), (255, 0, 0))
    changed.save(path, quality=95)
    return _run([*DOIT, "dataset"], workspace)


def _tasks(said: str) -> list[str]:
    """The tasks that ran, from what doit printed."""
    names = (line.partition(": ")[0] for line in said.splitlines())
    return [name for name in names if ":" in name]


def _depends_on_close(task: str) -> bool:
    return task.partition(":")[2].partition("@")[0] in ("close", *masters.LEARNERS)


if __name__ == "__main__":
    sys.exit(main())
