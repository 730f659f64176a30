"""The table of what was measured: printed, kept as data, and laid into docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench.clock import Cost
from bench.peers import Taken

DOCS = Path(__file__).parents[1] / "docs"
DATA, PAGE = DOCS / "performance.json", DOCS / "performance.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


class Row(NamedTuple):
    """One figure. ratio: to what it is set against, in the same run; mark: what that may be at most, or at least.

    goal: what the figure itself has to reach; memory: MB of the largest process, most: what that may be.
    """

    what: str
    figure: float
    unit: str
    ratio: float | None
    against: str
    mark: float | None = None
    at_least: bool = False
    goal: float | None = None
    memory: float | None = None
    most: float | None = None


def machine() -> dict[str, str]:
    """What it was measured on; its name is nobody's business."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{len(os.sched_getaffinity(0))} cores of {models[0] if models else platform.machine()}",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def kept(name: str, rows: Sequence[Row], peers: Sequence[Taken]) -> dict[str, Any]:
    """Put a run under its name into the data, and return all of that."""
    found: dict[str, Any] = json.loads(DATA.read_text()) if DATA.exists() else {}
    found[name] = {
        **machine(),
        "rows": [{key: value for key, value in row._asdict().items() if value not in (None, False)} for row in rows],
        "peers": [{key: _data(value) for key, value in peer._asdict().items()} for peer in peers],
    }
    DATA.write_text(json.dumps(found, indent=1) + "\n")
    return found


def _data(value: Cost | str) -> dict[str, float] | str:
    return value if isinstance(value, str) else {"wall": round(value.wall, 3), "cpu": round(value.cpu, 3)}


def shown(rows: Sequence[Row], peers: Sequence[Taken], floor: float) -> str:
    """The table as Markdown, which reads well in a terminal, too."""
    lines: list[tuple[str, ...]] = [("what", "measured", "ratio", "to", "mark", "memory")]
    lines += [_cells(row) for row in rows]
    text = _table(lines)
    if peers:
        text += "\n" + _table(
            [("", "nothing to do", "ratio", "one chain", "ratio"), *(_peer(peer, floor) for peer in peers)]
        )
    return text


def _cells(row: Row) -> tuple[str, ...]:
    sign = "≥" if row.at_least else "≤"
    mark = [f"{sign} {row.mark:.2g}"] if row.mark is not None else []
    mark += [f"{'≥' if row.at_least else '≤'} {row.goal:,g} {row.unit}"] if row.goal is not None else []
    mark += [f"≤ {row.most:g} MB"] if row.most is not None else []
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    memory = "" if row.memory is None else f"{row.memory:.0f} MB"
    return row.what, f"{_figure(row.figure)} {row.unit}", ratio, row.against, ", ".join(mark), memory


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"


def _peer(peer: Taken, floor: float) -> tuple[str, ...]:
    found = (peer.null, peer.change)
    said = [each if isinstance(each, str) else f"{_figure(each.wall)} s" for each in found]
    ratios = ["" if isinstance(each, str) else f"{each.cpu / floor:.1f}" for each in found]
    return peer.name, said[0], ratios[0], said[1], ratios[1]


def _table(lines: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rule = tuple("-" * width for width in widths)
    rows = (lines[0], rule, *lines[1:])
    cells = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def laid(text: str) -> None:
    """Put the table into docs/performance.md, where its marks are."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")
