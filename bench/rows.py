"""What dlim takes, row by row, through its commands alone: any version of it can be measured.

Figures are seconds on the clock; ratios are those of seconds of processors, of all processes that had a part in it, as
the clock's are everyone else's as well. Only what two cores do for one is told by the clock.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import masters, workspaces
from bench.clock import Command, Cost, FailedError, best, pair, run, say, took
from bench.encoding import encoding
from bench.table import Row

FLOOR = "import doit.doit_cmd"


@dataclass(frozen=True)
class Bench:
    """What is measured, and how thoroughly.

    python: that of the environment in which dlim is installed. dodo: the dodo.py of that version. folder: where the
    workspaces are made. projects: of the great workspace. times: of each quick command, of which the fastest counts.
    images: of the rows that are about many. quick: as small as can be; large: as large as is promised. built: a great
    workspace that an earlier run of that version has built, to begin with.
    """

    python: Path
    dodo: Path
    folder: Path
    projects: int
    times: int
    images: int
    quick: bool = False
    large: bool = False
    built: Path | None = None

    def doit(self, *words: str) -> Command:
        return (self.python, "-m", "doit", *words)

    def workspace(self, name: str, projects: int, **settings: bool | int) -> Path:
        """A new workspace, not yet built."""
        say(f"a workspace of {projects:,} projects")
        return workspaces.make(self.folder / name, projects, dodo=self.dodo, **settings)  # type: ignore[arg-type]

    def floor(self) -> Cost:
        """Python with doit in it."""
        return run((self.python, "-c", FLOOR), self.folder)


def rows(bench: Bench, only: Sequence[str] = ()) -> Iterator[Row]:
    """All rows, those of one workspace after each other; or those of some workspaces alone."""
    for name, part in PARTS.items():
        if name in only or not only:
            yield from part(bench)


def _compared(bench: Bench, what: str, words: tuple[str, ...], folder: Path, mark: float | None) -> Row:
    """A command beside `import doit.doit_cmd`."""
    say(f"{what}: doit {' '.join(words)}")
    mine, floor = pair(lambda: run(bench.doit(*words), folder), bench.floor, bench.times)
    return Row(what, mine.wall, "s", mine.cpu / floor.cpu, FLOOR, mark, memory=mine.memory)


def _few(bench: Bench) -> Iterator[Row]:
    """Five projects and two learners: the repository's own where they are there."""
    folder = bench.workspace("few", 5, learners=2)
    own = bench.dodo.parent
    if (own / "projects").is_dir():
        for part in ("projects", "config"):
            shutil.rmtree(folder / part)
            shutil.copytree(own / part, folder / part, ignore=shutil.ignore_patterns("build"))
    run(bench.doit("dataset"), folder)
    yield _compared(bench, "nothing to do, five projects", ("dataset",), folder, 2)
    shutil.rmtree(folder)


def _images(bench: Bench) -> Iterator[Row]:
    """Images a second on one core, beside encoding alone; what a run takes for four images is taken off."""
    one = bench.workspace("one", 1, images=4, learners=2)
    start = run(bench.doit("-n", "1", "dataset"), one, cores=1).cpu
    shutil.rmtree(one)
    if (masters.MASTERS / masters.CORPUS).is_file() and not bench.quick:
        folder, learners = bench.folder / "real", tuple(masters.LEARNERS)
        masters.make(folder, masters.MASTERS, dodo=bench.dodo)
        name = "images a second, one core, real masters"
    else:
        folder, learners = bench.workspace("drawn", min(40, bench.projects)), ("ssd",)
        name = "images a second, one core, drawn masters"
    say(name)

    def whole() -> Cost:
        for made in (folder / "data_set", folder / ".dlim", *folder.glob("projects/*/build")):
            shutil.rmtree(made, ignore_errors=True)
        return run(bench.doit("-n", "1", "dataset"), folder, cores=1)

    fastest = best(whole, min(bench.times, 3))
    found = [encoding(folder / "data_set" / learner) for learner in learners]
    count, alone = sum(count for count, _ in found), sum(seconds for _, seconds in found)
    rate = count / (fastest.cpu - start)
    yield Row(name, rate, "images/s", rate * alone / count, "encoding alone", 0.55, at_least=True, goal=2000)
    shutil.rmtree(folder)


def _processes(bench: Bench) -> Iterator[Row]:
    """A build from nothing on one core and on two."""
    folder = bench.workspace("processes", max(4, bench.images // 99))
    seconds = []
    for count in (1, 2):
        for made in (folder / "data_set", folder / ".dlim", *folder.glob("projects/*/build")):
            shutil.rmtree(made, ignore_errors=True)
        say(f"doit -n {count} dataset")
        seconds.append(run(bench.doit("-n", str(count), "dataset"), folder, cores=count).wall)
    yield Row("two processes", seconds[1], "s", seconds[0] / seconds[1], "one, on one core", 1.8, at_least=True)
    shutil.rmtree(folder)


def _class_lists(bench: Bench) -> Iterator[Row]:
    """Bytes of class lists an image, with as many labels as projects."""
    labels = max(4, min(200, bench.projects // 5))
    folder = bench.workspace("labels", labels, class_lists=True, images=20)
    run(bench.doit("dataset"), folder)
    sizes = [path.stat().st_size for path in (folder / "data_set/ssd/ImageSets/Main").iterdir()]
    count = sum(1 for _ in (folder / "data_set/ssd/JPEGImages").iterdir())
    yield Row(f"class lists of {labels} labels", sum(sizes) / count, "bytes/image", None, "")
    shutil.rmtree(folder)


def _memory(bench: Bench) -> Iterator[Row]:
    """One project of many images."""
    count = 200_000 if bench.large else bench.images
    folder = bench.workspace("long", 1, images=count)
    cost = run(bench.doit("dataset"), folder)
    yield Row(f"one project of {count:,} images", cost.wall, "s", None, "", memory=cost.memory, most=400)
    shutil.rmtree(folder)


def _null(bench: Bench, folder: Path, projects: int) -> Iterator[Row]:
    """Building it, and then that there is nothing to do."""
    if folder != bench.built:
        began = run(bench.doit("dataset"), folder)
        images = projects * workspaces.IMAGES
        yield Row(f"first build, {projects:,} projects", images / began.wall, "images/s", None, "", memory=began.memory)
    what = f"nothing to do, {projects:,} projects"
    yield _compared(bench, what, ("dataset",), folder, 4)._replace(most=90)


def _many(bench: Bench, projects: int) -> Iterator[Row]:
    """The great workspace."""
    folder = bench.built or bench.workspace("many", projects)
    name = workspaces.names(projects)[projects // 2]
    yield from _null(bench, folder, projects)
    for words, mark in (((f"build:{name}",), 4.5), (("list",), 13.6), (("outputs",), 2.7)):
        yield _compared(bench, f"doit {words[0]}, {projects:,} projects", words, folder, mark)
    yield _new(bench, folder, projects)
    yield _changed(bench, folder, name)
    yield from _archive(bench, folder)
    yield from _reading(bench, folder)
    yield from _ship(bench, folder, name)
    if folder != bench.built:
        shutil.rmtree(folder)


def _new(bench: Bench, folder: Path, projects: int) -> Row:
    def new() -> Cost:
        cost = run(bench.doit("new", "bench_new"), folder)
        shutil.rmtree(folder / "projects/bench_new")
        return cost

    say("doit new")
    mine, floor = pair(new, bench.floor, bench.times)
    return Row(f"doit new, {projects:,} projects", mine.wall, "s", mine.cpu / floor.cpu, FLOOR, 4.5)


def _changed(bench: Bench, folder: Path, name: str) -> Row:
    """One master changed, to the finished archive; beside the null run, the project's own work, a copy and a digest."""
    alone = bench.workspace("alone", 1)
    run(bench.doit("dataset"), alone)

    def null(where: Path) -> float:
        return best(lambda: run(bench.doit("dataset"), where), bench.times).cpu

    def change(where: Path, which: str) -> Cost:
        workspaces.change_a_master(where, which)
        return run(bench.doit("dataset"), where)

    own = best(lambda: change(alone, "p0001"), bench.times).cpu - null(alone)
    say("one master changed")
    mine = best(lambda: change(folder, name), min(2, bench.times))
    archive = folder / "data_set/ssd.tar.gz"
    floor = null(folder) + own + took(lambda: _copied_and_read(archive))
    shutil.rmtree(alone)
    what = f"one master of {bench.projects:,} changed"
    parts = "null run + its own stages + copy and SHA-256"
    return Row(what, mine.wall, "s", mine.cpu / floor, parts, (floor + 1) / floor, memory=mine.memory)


def _copied_and_read(archive: Path) -> None:
    copy = archive.with_name("copy")
    shutil.copyfile(archive, copy)
    with copy.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    copy.unlink()


def _archive(bench: Bench, folder: Path) -> Iterator[Row]:
    """All shards and the archive anew, beside reading the files and the fastest deflate."""
    say("the archive anew")
    null = run(bench.doit("dataset"), folder).cpu
    shutil.rmtree(folder / ".dlim/shards", ignore_errors=True)
    (folder / "data_set/ssd.tar.gz").unlink()
    mine = run(bench.doit("dataset"), folder)
    seconds = _deflated(folder / "data_set/ssd")
    parts = "reading the files and deflate at level 1, one core"
    yield Row("the archive, all new", mine.wall, "s", (mine.cpu - null) / seconds, parts, 1.3, memory=mine.memory)


def _deflated(dataset: Path) -> float:
    import deflate

    def work() -> None:
        for part in sorted(dataset.iterdir()):
            for path in part.iterdir() if part.is_dir() else ():
                if path.is_file():
                    deflate.deflate_compress(path.read_bytes(), 1)

    return took(work)


def _reading(bench: Bench, folder: Path) -> Iterator[Row]:
    """`doit verify` beside reading and hashing all files of builds and datasets once; `doit report`."""
    say("doit verify, doit report")
    mine = run(bench.doit("verify"), folder)
    paths = [path for path in (folder / "projects").rglob("*") if path.is_file()]
    paths += [path for path in (folder / "data_set").rglob("*") if path.is_file()]
    unique = {path.stat().st_ino: path for path in paths}
    seconds = took(lambda: [_hash(path) for path in unique.values()])
    parts = "reading and SHA-256 of the same files"
    yield Row("doit verify", mine.wall, "s", mine.cpu / seconds, parts, memory=mine.memory)
    report = run(bench.doit("report"), folder)
    size = (folder / "output/report.html").stat().st_size / 1e6
    yield Row("doit report", report.wall, "s", None, f"{size:.1f} MB", goal=20, memory=report.memory)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _ship(bench: Bench, folder: Path, name: str) -> Iterator[Row]:
    """A dataset to a server that is a folder here: all of it, and again with one shard of all new."""
    say("doit ship")
    run(bench.doit("dataset"), folder)
    whole = run(bench.doit("ship:ssd"), folder).cpu
    workspaces.change_a_master(folder, name)
    run(bench.doit("dataset"), folder)
    again = run(bench.doit("ship:ssd"), folder)
    yield Row("ship, one shard new", again.wall, "s", again.cpu / whole, "all of it new")


def _great(bench: Bench) -> Iterator[Row]:
    yield from _many(bench, bench.projects)


def _larger(bench: Bench) -> Iterator[Row]:
    if bench.large:
        yield from _null(bench, bench.workspace("larger", 5 * bench.projects), 5 * bench.projects)
        shutil.rmtree(bench.folder / "larger")


PARTS = {
    "few": _few,
    "images": _images,
    "processes": _processes,
    "labels": _class_lists,
    "memory": _memory,
    "many": _great,
    "larger": _larger,
}
"""The rows by their workspace."""


def attempted(bench: Bench, only: Sequence[str] = ()) -> Iterator[Row | str]:
    """The rows, and a line for what failed, after which nothing more can be measured."""
    try:
        yield from rows(bench, only)
    except FailedError as failed:
        yield str(failed)
