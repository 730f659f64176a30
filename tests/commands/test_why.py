"""`doit why`: a task's state, and the chain down to what it comes from."""

from __future__ import annotations

import re
import shutil

from tests.build.conftest import MODULE
from tests.conftest import Workspace, draw_master
from tests.in_process import doit


def why(workspace: Workspace, *names: str) -> list[str]:
    """What is said of tasks, whenever they ran and however large they are."""
    answer = doit(workspace.folder, "why", *names)
    assert (answer.status, answer.err) == (0, "")
    lines = [
        re.sub(r"it last ran (just now|\d+ (s|min) ago), at [\d :-]+,", "it last ran AGO,", line)
        for line in answer.lines
    ]
    return [re.sub(r"[\d.]+ [kM]B", "SIZE", line) for line in lines]


def test_the_chain_to_a_change(two: Workspace) -> None:
    """What has changed is reached step by step, each a little further to the right."""
    draw_master(two.folder / "projects/alpha/master/image.jpg", (32, 24), (8, 6, 24, 18), colour=90)
    assert why(two, "dataset:ssd") == [
        "dataset:ssd would run, because",
        "  tarball:ssd may run, because",
        "    pack:ssd may run, because",
        "      annotate:alpha@ssd may run, because",
        "        augment:alpha@400x400 would run: projects/alpha/master/image.jpg changed",
    ]


def test_all_that_it_comes_from(two: Workspace) -> None:
    """Every cause has its chain, and is told once; a task's own cause stands before those of the tasks behind it."""
    (two.folder / "projects/alpha/data_augmentation/shift.py").write_text("ZOOM = 0.7, 1.1\n")
    (two.folder / "projects/alpha/data_augmentation/more.py").touch()
    (two.folder / "config/dlim.toml").write_text("[split]\ntrain_percent = 60\n")
    shutil.rmtree(two.folder / "projects/beta/build/ssd")
    box = two.folder / "projects/alpha/master/image_extended.xml"
    box.write_text(box.read_text().replace("<xmax>24</xmax>", "<xmax>23</xmax>"))
    assert why(two, "dataset:ssd") == [
        "dataset:ssd would run, because",
        "  tarball:ssd may run, because",
        "    pack:ssd may run, because",
        "      split:ssd would run: train_percent changed from 80 to 60",
        "      annotate:beta@ssd would run: was never built",
        "      annotate:alpha@ssd may run, because",
        "        augment:alpha@400x400 would run, because",
        "          projects/alpha/data_augmentation/more.py is new",
        "          projects/alpha/data_augmentation/shift.py changed",
        "        locate:alpha would run: projects/alpha/master/image_extended.xml changed",
    ]


def test_more_causes_than_a_run_tells(two: Workspace) -> None:
    """A run names the first few files that changed, and says how many more; `why` names all."""
    folder = two.folder / "projects/alpha/data_augmentation"
    for number in range(5):
        (folder / f"more{number}.py").touch()
    new = [f"projects/alpha/data_augmentation/more{number}.py is new" for number in range(5)]
    assert why(two, "augment:alpha@native") == [
        "augment:alpha@native would run, because",
        *(f"  {text}" for text in new),
    ]
    ran = doit(two.folder, "run", "augment:alpha@native")
    assert ran.lines[0] == f"augment:alpha@native: {', '.join(new[:3])}, and 2 more"


def test_a_setting_of_all_projects_is_told_once(two: Workspace) -> None:
    """What makes many tasks run is told of one of them."""
    (two.folder / "config/dlim.toml").write_text("[augment]\ncval = 9\n")
    assert why(two, "build") == [
        "build would run, because",
        "  build:beta would run, because",
        "    annotate:beta@ssd may run, because",
        "      augment:beta@400x400 would run: cval changed from 125 to 9",
    ]


def test_a_cause_of_its_own_is_told_of_the_task_itself(two: Workspace) -> None:
    """What makes the task itself run is told of it, though tasks before it run for the same thing."""
    (two.folder / "config/dlim.toml").write_text("seed = 2\n")
    assert why(two, "split:ssd") == ["split:ssd would run: seed changed from 1 to 2"]


def test_what_is_damaged_is_named_with_its_path(two: Workspace) -> None:
    """A damaged file is named so that one can look at it."""
    image = min((two.folder / "projects/alpha/build/ssd").glob("*.jpg"))
    image.unlink()
    path = image.relative_to(two.folder)
    assert why(two, "annotate:alpha@ssd") == [f"annotate:alpha@ssd would run: {path} is missing"]
    assert doit(two.folder, "run", "annotate:alpha@ssd").lines[0] == f"annotate:alpha@ssd: {path} is missing"
    manifest = two.folder / "projects/alpha/build/ssd/manifest.json"
    manifest.write_text("{}")
    assert why(two, "annotate:alpha@ssd") == [
        "annotate:alpha@ssd would run: projects/alpha/build/ssd/manifest.json was changed"
    ]


def test_a_new_project(two: Workspace) -> None:
    """What is new only because something before it is new isn't told of."""
    two.project("gamma", MODULE)
    assert why(two, "dataset:ssd") == [
        "dataset:ssd would run, because",
        "  tarball:ssd would run, because",
        "    pack:ssd would run, because",
        "      annotate:gamma@ssd would run: was never built",
    ]


def test_up_to_date(two: Workspace) -> None:
    """It says so, what is there, when it last ran, and from which files; a step also with which settings."""
    assert why(two, "build:alpha", "augment:alpha@native") == [
        "build:alpha is up to date, 8 images, SIZE",
        "  it last ran AGO, from",
        "    projects/alpha/data_augmentation/daug.py",
        "    projects/alpha/data_augmentation/shift.py",
        "    projects/alpha/master/image.jpg",
        "    projects/alpha/master/image_extended.xml",
        "augment:alpha@native is up to date, 4 images, SIZE",
        "  it last ran AGO, from",
        "    projects/alpha/data_augmentation/daug.py",
        "    projects/alpha/data_augmentation/shift.py",
        "    projects/alpha/master/image.jpg",
        "    with canvas native, placement left-upper, seed 1, count 99, cval 125",
    ]


def test_up_to_date_from_many_files(two: Workspace) -> None:
    """Of very many files, the first are named, and the others counted."""
    for number in range(30):
        (two.folder / f"projects/alpha/data_augmentation/glyph{number:02}.txt").touch()
    assert doit(two.folder, "run", "augment:alpha@native").status == 0
    lines = why(two, "augment:alpha@native")
    assert len(lines) == 2 + 20 + 2
    assert lines[-2] == "    and 13 files more"


def test_failing(two: Workspace) -> None:
    """What failed is told with the fault's line, once, though it failed for each canvas."""
    (two.folder / "projects/beta/data_augmentation/shift.py").write_text("1 / 0\n")
    assert doit(two.folder, "run", "build:beta").status != 0
    fault = (
        "beta: daug.py failed: shift.py line 1: ZeroDivisionError: division by zero; "
        "mend it; what it printed is in .dlim/logs/beta@400x400.log"
    )
    assert why(two, "dataset:ssd") == [
        "dataset:ssd is failing, because",
        "  tarball:ssd is failing, because",
        "    pack:ssd is failing, because",
        "      annotate:beta@ssd is failing, because",
        f"        augment:beta@400x400 failed when it last ran, and would run again: {fault}",
    ]


def test_what_can_only_fail(two: Workspace) -> None:
    """A refused project is told with what is wrong with it."""
    (two.folder / "projects/beta/project.toml").write_text("label = 1\n")
    head, line = why(two, "build:beta")
    assert head == "build:beta can't run, because"
    assert line.startswith("  annotate:beta@ssd will fail: projects/beta/project.toml: label: ")


def test_ignored(two: Workspace) -> None:
    """What doit was told to ignore is told, with all that this keeps from running."""
    doit(two.folder, "ignore", "annotate:alpha@ssd")
    assert why(two, "build:alpha", "annotate:alpha@ssd") == [
        "build:alpha is ignored, because",
        "  annotate:alpha@ssd is ignored, as `doit ignore` said",
        "annotate:alpha@ssd is ignored, as `doit ignore` said",
    ]


def test_without_a_name(two: Workspace) -> None:
    """Where no task is named, those are meant that a run without names would run."""
    assert why(two)[0] == "dataset is up to date, 16 images, SIZE"
