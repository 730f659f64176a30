"""Make the report of the real masters' workspace, set it against reading the datasets, and find what is planted.

    python bench/report.py

The workspace is that of real.py; it is made where it isn't there. Defects are planted in a copy of a dataset.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import masters

SECONDS, BYTES = 10, 5_000_000
"""What a report of this workspace may take, and weigh."""

IMPORTS = "import dlim.tasks, dlim.report.gather, dlim.report.page, jinja2, PIL.Image"


class Report(NamedTuple):
    """A page, and the seconds of finding out what it tells, and of writing it."""

    html: str
    gathering: float
    writing: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--masters", type=Path, default=masters.MASTERS, help="the real masters")
    parser.add_argument("--folder", type=Path, default=masters.ROOT.parent / "real-workspace", help="of the workspace")
    parser.add_argument("--runs", type=int, default=3, help="do it so often; the fastest counts")
    arguments = parser.parse_args()
    workspace = arguments.folder.resolve()
    if not (workspace / "data_set").is_dir():
        masters.make(workspace, arguments.masters.resolve())
        _run([sys.executable, "-m", "doit", "dataset"], workspace)
    os.chdir(workspace)
    imports = min(_took(lambda: _run([sys.executable, "-c", IMPORTS], workspace)) for _ in range(arguments.runs))
    reading = min(_took(lambda: _read(workspace / "data_set")) for _ in range(arguments.runs))
    reports = [_report(workspace, workspace / "data_set") for _ in range(arguments.runs)]
    best = min(reports, key=lambda report: report.gathering + report.writing)
    whole, size = imports + best.gathering + best.writing, len(best.html.encode())

    rows = [
        ("reading the datasets, s", f"{reading:.2f}", ""),
        ("finding out, s", f"{best.gathering:.2f}", f"{best.gathering / reading:.1f} times reading"),
        ("writing the page, s", f"{best.writing:.2f}", f"{best.writing / reading:.1f} times reading"),
        ("with imports, s", f"{whole:.2f}", f"{imports:.2f} of them are imports"),
        ("the page, MB", f"{size / 1e6:.2f}", ""),
    ]
    for name, figure, ratio in rows:
        print(f"{name:25}{figure:>8}   {ratio}".rstrip())
    found = list(_planted(workspace))
    found += [f"it took {whole:.1f} s"] if whole > SECONDS else []
    found += [f"it weighs {size:,} bytes"] if size > BYTES else []
    for fault in found:
        print(f"FAULT {fault}")
    print(f"{len(found)} faults" if found else "every check holds")
    return 1 if found else 0


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _took(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _read(folder: Path) -> int:
    """All bytes of all datasets."""
    return sum(len(path.read_bytes()) for path in folder.rglob("*") if path.suffix in (".jpg", ".xml"))


def _report(workspace: Path, data_set: Path) -> Report:
    """The report of a workspace, without what servers and doit would say."""
    from dlim import config, projects
    from dlim.projects import Project
    from dlim.report.facts import Known
    from dlim.report.finding import Thresholds
    from dlim.report.gather import Sources, gather
    from dlim.report.page import page

    settings = config.load(workspace / "config")
    found = projects.load(workspace / "projects")
    taken = {name: project for name, project in found.items() if isinstance(project, Project)}
    sources = Sources("real", settings, dict.fromkeys(settings.learners, taken), data_set, workspace / "output")
    began = time.perf_counter()
    facts = gather(sources, Known("", thresholds={"ssd": Thresholds(input_size=300, smallest_prior=30)}))
    gathered = time.perf_counter()
    html = page(facts)
    return Report(html, gathered - began, time.perf_counter() - gathered)


def _planted(workspace: Path) -> Iterator[str]:
    """The planted defects that a report doesn't name."""
    with tempfile.TemporaryDirectory(dir=workspace) as folder:
        data_set = Path(folder, "data_set")
        # copies and no links: the files of a dataset are those of its builds
        shutil.copytree(workspace / "data_set/ssd", data_set / "ssd")
        planted = _plant(data_set / "ssd")
        html = _report(workspace, data_set).html
    for key, file in planted.items():
        _, _, section = html.partition(f'id="learner:ssd:{key}"')
        if file not in section.partition("</li>\n<li id=")[0]:
            yield f"the report names no {key} in {file}"


def _plant(dataset: Path) -> dict[str, str]:
    """Plant a defect of each kind; the file of each, by its check's key."""
    train, val = (
        [line for line in (dataset / f"ImageSets/Main/{part}.txt").read_text().split() if line.startswith("close")]
        for part in ("train", "val")
    )
    copied, leaked, tiny, label, clipped = train[10], val[10], train[20], train[30], train[40]
    shutil.copyfile(dataset / f"JPEGImages/{train[11]}.jpg", dataset / f"JPEGImages/{copied}.jpg")
    shutil.copyfile(dataset / f"JPEGImages/{train[12]}.jpg", dataset / f"JPEGImages/{leaked}.jpg")
    _edit(dataset, tiny, (2, 2, 5, 6), "close", truncated=0)
    _edit(dataset, label, (2, 2, 30, 30), "Close", truncated=0)
    _edit(dataset, clipped, (1, 2, 30, 30), "close", truncated=1)
    return {
        "repeat": f"JPEGImages/{copied}.jpg",
        "leak": f"JPEGImages/{leaked}.jpg",
        "tiny": f"Annotations/{tiny}.xml",
        "label": f"Annotations/{label}.xml",
        "clipped": f"Annotations/{clipped}.xml",
    }


def _edit(dataset: Path, name: str, box: tuple[int, int, int, int], label: str, truncated: int) -> None:
    """Let an image have that box alone; its edges as VOC has them."""
    path = dataset / f"Annotations/{name}.xml"
    head, _, _ = path.read_text().partition("\t<object>")
    edges = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    text = "".join(f"<{edge}>{value}</{edge}>" for edge, value in edges)
    path.write_text(
        f"{head}<object><name>{label}</name><pose>Unspecified</pose><truncated>{truncated}</truncated>"
        f"<difficult>0</difficult><bndbox>{text}</bndbox></object></annotation>\n"
    )


if __name__ == "__main__":
    sys.exit(main())
