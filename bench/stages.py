"""What each stage takes of one project, next to encoding the same images once more.

python bench/stages.py close
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import masters

# dlim is imported where it is used: every process that runs a daug.py imports this module once more
STAGES = ("locate", "augment", "annotate", "split", "shard", "pack", "tarball")


def main() -> None:
    from encoding import encoding

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", nargs="?", default="close", choices=list(masters.CASES))
    parser.add_argument("--masters", type=Path, default=masters.MASTERS, help="the real masters")
    parser.add_argument("--within", type=Path, help="a folder for the workspace, instead of the usual temporary one")
    parser.add_argument("--runs", type=int, default=3, help="do it all so often; the least of each figure counts")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    took: dict[str, dict[str, float]] = {learner: {} for learner in masters.LEARNERS}
    counts = {}
    with tempfile.TemporaryDirectory(dir=arguments.within) as folder:
        workspace = Path(folder, "workspace")
        for run in range(arguments.runs):
            masters.make(workspace, arguments.masters.resolve(), [arguments.project])
            os.chdir(workspace)
            if not run:
                _warm_up(workspace)
            for learner, least in took.items():
                seconds = _stages(learner)
                counts[learner], seconds["encoding"] = encoding(workspace / "data_set" / learner)
                least.update({name: min(value, least.get(name, value)) for name, value in seconds.items()})
        os.chdir("/")

    for least in took.values():
        least["all"] = sum(least[stage] for stage in STAGES)
    print(f"{arguments.project:10}" + "".join(f"{learner:>20}" for learner in took))
    for name in (*STAGES, "all", "encoding"):
        cells = (f"{1000 * least[name]:11.0f} ms {least[name] / least['encoding']:5.2f}" for least in took.values())
        print(f"{name:10}" + "".join(cells))
    rates = (f"{counts[learner] / least['all']:14,.0f}      " for learner, least in took.items())
    print((f"{'images/s':10}" + "".join(rates)).rstrip())


def _warm_up(folder: Path) -> None:
    """Let the imports be made of which the first script of a run waits for."""
    from dlim.augment import worker

    script = folder / "nothing.py"
    script.touch()
    worker.run(script, [], folder, {}, folder / "nothing.log")


def _stages(learner: str) -> dict[str, float]:
    """The seconds of each stage on the way to one learner's dataset, with sealing what it left."""
    from dlim.tasks import Datasets, Workspace

    everything = Workspace.here()
    config = everything.config
    one = Datasets(Workspace(type(config)(config.settings, {learner: config.learners[learner]}), everything.projects))
    took = {}
    for stage in STAGES:
        began = time.perf_counter()
        for task in getattr(one, stage)():
            for action in task["actions"]:
                done = action()
                if not isinstance(done, dict):
                    sys.exit(f"{task['basename']}:{task['name']}: {done}")
        took[stage] = time.perf_counter() - began
    return took


if __name__ == "__main__":
    main()
