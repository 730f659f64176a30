"""Measure what dlim takes, beside other build systems and beside what can't be left out, in one run.

    python -m bench              # 1,000 projects: half an hour
    python -m bench --quick      # small workspaces, two minutes: whether it works, not how fast that is
    python -m bench --large      # 5,000 projects and 200,000 images of one project as well

Ratios hold, seconds drift with the machine: nothing here is a test, and no test has a time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from bench import peers, table, workspaces
from bench.clock import best, say
from bench.rows import PARTS, Bench, attempted
from bench.table import Row


def main() -> int:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small workspaces: whether it works, not how fast")
    parser.add_argument("--large", action="store_true", help="five times as many projects, and 200,000 images of one")
    parser.add_argument("--projects", type=int, default=1000, help="of the great workspace (%(default)s)")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="of another version's environment")
    parser.add_argument("--dodo", type=Path, default=workspaces.DODO, help="the dodo.py of that version")
    parser.add_argument("--within", type=Path, help="a folder for the workspaces, instead of the usual temporary one")
    parser.add_argument("--built", type=Path, help="begin with this great workspace, which that version has built")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=(), help="the rows of some workspaces alone")
    parser.add_argument("--no-peers", action="store_true", help="dlim alone")
    parser.add_argument("--keep", metavar="NAME", help="put it into docs/performance.json under this name")
    parser.add_argument("--document", action="store_true", help="and the table into docs/performance.md")
    given = parser.parse_args()
    projects = 20 if given.quick else given.projects
    rows: list[Row] = []
    failed = False
    with tempfile.TemporaryDirectory(dir=given.within) as name:
        folder = Path(name).resolve()
        images = 200 if given.quick else 20_000
        bench = Bench(
            python=given.python.absolute(),
            dodo=given.dodo.resolve(),
            folder=folder,
            projects=projects,
            times=1 if given.quick else 5,
            images=images,
            quick=given.quick,
            large=given.large,
            built=given.built and given.built.resolve(),
        )
        floor = best(bench.floor, bench.times).cpu
        for row in attempted(bench, given.only):
            if isinstance(row, str):
                say(row)
                failed = True
            else:
                rows.append(row)
        others = [] if given.no_peers else list(peers.measured(folder, projects, 300, bench.times))
    text = table.shown(rows, others, floor)
    print(text)
    if given.keep:
        table.kept(given.keep, rows, others)
    if given.document:
        table.laid(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
