"""`doit list`: a line for each task, with its state, what is there of it, and why it would run."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dlim.commands.status import Row, Stock, age, images, overview, size
from tests.build.conftest import MODULE
from tests.conftest import Workspace, draw_master
from tests.in_process import doit


def told(workspace: Workspace, *names: str) -> list[str]:
    """What the list says of some tasks, however old and large what is there may be."""
    answer = doit(workspace.folder, "list", *names)
    assert (answer.status, answer.err) == (0, "")
    lines = [re.sub(r"(just now|\d+ (s|min) ago) +", "AGE  ", line) for line in answer.lines]
    return [re.sub(r" +[\d.]+ [kM]B", "  SIZE", line) for line in lines]


def test_what_is_up_to_date(two: Workspace) -> None:
    """Of what is there it says how old it is, how many images, how large, and what it is."""
    assert told(two, "build", "extend:alpha") == [
        "extend:alpha  up to date  AGE  projects/alpha/master/image_extended.jpg",
        "build         up to date  AGE  16 images  SIZE  all projects' images",
        "build:alpha   up to date  AGE  8 images  SIZE  images of alpha",
        "build:beta    up to date  AGE  8 images  SIZE  images of beta",
    ]


def test_a_dataset_says_how_many_images_it_has(two: Workspace) -> None:
    """An archive's images are those in it, which its own manifest doesn't show."""
    assert told(two, "dataset:ssd") == ["dataset:ssd  up to date  AGE  8 images  SIZE  data_set/ssd.tar.gz"]


def test_the_size_is_that_of_the_files(two: Workspace) -> None:
    """A project's size is that of all its builds' files, as their manifests have them."""
    [line] = doit(two.folder, "list", "build:alpha").lines
    folders = [two.folder / "projects/alpha/build" / name for name in ("ssd", "resnet34")]
    sizes = [path.stat().st_size for folder in folders for path in folder.iterdir() if path.name != "manifest.json"]
    assert f"  {sum(sizes) / 1e3:.1f} kB  " in line


def test_the_age_is_that_of_the_last_run(two: Workspace) -> None:
    """Touched and copied builds are as old as they are."""
    for path in two.folder.rglob("*"):
        os.utime(path, (0, 0))
    assert told(two, "build:alpha") == ["build:alpha  up to date  AGE  8 images  SIZE  images of alpha"]


def test_a_change_is_followed_to_all_that_depends_on_it(two: Workspace) -> None:
    """Whatever a change reaches is to run, for what has changed; what is there stays told."""
    shift = "projects/alpha/data_augmentation/shift.py"
    (two.folder / shift).write_text("ZOOM = 0.7, 1.1\n")
    assert told(two, "build", "dataset:ssd") == [
        f"build        to run      AGE  16 images  SIZE  augment:alpha@native: {shift} changed",
        f"build:alpha  to run      AGE  8 images  SIZE  augment:alpha@native: {shift} changed",
        "build:beta   up to date  AGE  8 images  SIZE  images of beta",
        f"dataset:ssd  to run      AGE  8 images  SIZE  augment:alpha@400x400: {shift} changed",
    ]


def test_several_causes_are_counted(two: Workspace) -> None:
    """The first cause is told, and how many others there are; that it makes several tasks run counts once."""
    draw_master(two.folder / "projects/alpha/master/image.jpg", (32, 24), (8, 6, 24, 18), colour=90)
    (two.folder / "config/dlim.toml").write_text("[split]\ntrain_percent = 60\n")
    shutil.rmtree(two.folder / "projects/beta/build/ssd")
    master = "projects/alpha/master/image.jpg changed"
    assert told(two, "build:alpha", "dataset:ssd") == [
        f"build:alpha  to run  AGE  8 images  SIZE  extend:alpha: {master}",
        f"dataset:ssd  to run  AGE  8 images  SIZE  extend:alpha: {master} (and 2 more)",
    ]


def test_what_never_was(two: Workspace) -> None:
    """A new project has neither age nor size, and is one cause for all behind it."""
    two.project("gamma", MODULE)
    assert told(two, "build:gamma", "dataset:ssd") == [
        "build:gamma  to run  extend:gamma: was never built",
        "dataset:ssd  to run  AGE  8 images  SIZE  extend:gamma: was never built",
    ]


def test_a_fault_is_told_before_all_else(two: Workspace) -> None:
    """What failed, and what depends on it, is failing with the fault's line, though other things have changed."""
    (two.folder / "projects/beta/data_augmentation/shift.py").write_text("1 / 0\n")
    doit(two.folder, "run", "augment:beta@native")
    draw_master(two.folder / "projects/alpha/master/image.jpg", (32, 24), (8, 6, 24, 18), colour=90)
    fault = (
        "beta: daug.py failed: shift.py line 1: ZeroDivisionError: division by zero; "
        "mend it; what it printed is in .dlim/logs/beta@native.log"
    )
    lines = told(two, "build:beta", "dataset:resnet34")
    assert lines[0].startswith(f"build:beta        failing  AGE  8 images  SIZE  augment:beta@native: {fault} (and")
    assert lines[1].startswith(f"dataset:resnet34  failing  AGE  8 images  SIZE  augment:beta@native: {fault} (and")


def test_after_one_project_was_built(two: Workspace) -> None:
    """What it goes into is to run, and says which task output changed."""
    (two.folder / "projects/alpha/data_augmentation/shift.py").write_text("ZOOM = 0.7, 1.1\n")
    assert doit(two.folder, "run", "build").status == 0
    why = "split:ssd: annotate:alpha@ssd output changed"
    assert told(two, "dataset:ssd") == [f"dataset:ssd  to run  AGE  8 images  SIZE  {why}"]


def test_the_steps(two: Workspace) -> None:
    """--all shows the steps, with what they left."""
    lines = doit(two.folder, "list", "--all").lines
    [line] = [line for line in lines if line.startswith("augment:alpha@native ")]
    assert re.search(r"up to date .*  4 images +[\d.]+ kB$", line)


def test_a_list_fits_a_hundred_signs(two: Workspace) -> None:
    """What people see every day fits a terminal; what runs on demand has as many words as it needs."""
    lines = doit(two.folder, "list").lines
    assert max(len(line) for line in lines if "on demand" not in line) <= 100


def in_a_terminal(workspace: Workspace, width: int, *arguments: str) -> list[str]:
    """What a terminal of that width gets to see of a command."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "doit", *arguments],
        cwd=workspace.folder,
        stdout=theirs,
        env={**os.environ, "COLUMNS": str(width)},
    ) as command:
        os.close(theirs)
        data = b""
        while piece := read(ours):
            data += piece
    os.close(ours)
    assert command.returncode == 0
    return data.decode().splitlines()


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # its other end is closed
        return b""


def test_a_terminal_gets_the_short_reason(two: Workspace) -> None:
    """Where a reason has no room on a terminal, the project's name stands for its task and folder; then it is cut."""
    (two.folder / "projects/alpha/data_augmentation/shift.py").write_text("ZOOM = 0.7, 1.1\n")
    whole = doit(two.folder, "list", "dataset:ssd").lines[0]
    assert in_a_terminal(two, 200, "list", "dataset:ssd")[0].endswith(
        ": projects/alpha/data_augmentation/shift.py changed"
    )
    short = in_a_terminal(two, 100, "list", "dataset:ssd")[0]
    assert short.endswith("  alpha: data_augmentation/shift.py changed")
    assert len(short) < len(whole)
    [line] = in_a_terminal(two, 80, "list", "dataset:ssd")
    assert re.search(r"  alpha: data_augmentation/\w+\.\.\.$", line)
    assert len(line) == 80


def test_the_narrowest_terminal(two: Workspace) -> None:
    """A window of two columns has two of each line."""
    assert in_a_terminal(two, 2, "list", "dataset:ssd") == [".."]


def test_rows_and_columns() -> None:
    """What is known of some tasks stands in columns; a task of which nothing is there keeps no room for it."""
    now = time.time()
    rows = [
        Row("build:a", "to run", Stock(now - 7200, 1782, 5_400_000), ("a: x changed", "x")),
        Row("build:bcd", "up to date", Stock(now - 90, 8, 1000), ("images of bcd",)),
        Row("extend:a", "up to date", Stock(now - 90), ("projects/a/master/image_extended.jpg",)),
        Row("deploy", "on demand", None, ("put weights into service",)),
        Row("augment:a", "to run", None, ("",)),
    ]
    assert overview(rows, now, None) == [
        "build:a    to run      2 h ago    1,782 images  5.4 MB  a: x changed",
        "build:bcd  up to date  1 min ago      8 images  1.0 kB  images of bcd",
        "extend:a   up to date  1 min ago  projects/a/master/image_extended.jpg",
        "deploy     on demand   put weights into service",
        "augment:a  to run",
    ]


def test_nothing_to_show(tmp_path: Path) -> None:
    """No row is no line."""
    assert overview([], 0, None) == []


@pytest.mark.parametrize("name", ["build", "dataset"])
def test_a_name_behind_a_task_with_words_is_a_task(two: Workspace, name: str) -> None:
    """In a list every word is a task's name, also behind a task that in a run takes what follows as its own."""
    assert "no task" in doit(two.folder, "list", name, "nonsense").err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (-5, "just now"),
        (1, "1 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86399, "23 h ago"),
        (86400, "1 d ago"),
        (400 * 86400, "400 d ago"),
    ],
)
def test_an_age_is_in_whole_units(seconds: float, text: str) -> None:
    """One unit is enough; a clock that was put back gives no nonsense."""
    assert age(seconds) == text


def test_numbers_of_images() -> None:
    """One is one, and none is nothing."""
    assert [images(number) for number in (0, 1, 1782)] == ["", "1 image", "1,782 images"]


def test_sizes() -> None:
    """Small builds have a size, too."""
    assert [size(number) for number in (0, 70, 99_900, 100_000, 5_430_000)] == [
        *("", "0.1 kB", "99.9 kB", "0.1 MB", "5.4 MB"),
    ]
