"""What a run says, and what it remembers of tasks that could not run."""

from __future__ import annotations

import io

from dlim.build.reporter import Reporter
from tests.conftest import Workspace
from tests.in_process import doit


def test_what_a_fault_kept_from_running_is_as_good_as_before(two: Workspace) -> None:
    """After a fault was mended, only what it was in runs again, not all that was behind it."""
    shift = two.folder / "projects/alpha/data_augmentation/shift.py"
    text = shift.read_text()
    shift.write_text("1 / 0\n")
    failed = doit(two.folder, "run", "dataset").lines
    assert failed[-1].startswith("0 tasks ran, 8 up to date, 2 failed, 12 could not run because of that; ")
    shift.write_text(text)
    assert [line for line in doit(two.folder, "run", "dataset").lines if ": failed" in line] == [
        "augment:alpha@native: failed when it last ran",
        "augment:alpha@400x400: failed when it last ran",
    ]
    assert doit(two.folder, "run", "dataset").lines[-1] == "nothing to do: 22 tasks up to date"


def test_a_fault_behind_a_fault_stays_told(two: Workspace) -> None:
    """What failed in one run, and could not run in the next, has failed still."""
    box = two.folder / "projects/alpha/master/image_extended.xml"
    box.write_text(box.read_text().replace("<name>beta</name>", "<name>No Label</name>"))
    assert doit(two.folder, "run", "annotate:alpha@ssd").status != 0
    (two.folder / "projects/alpha/data_augmentation/shift.py").write_text("1 / 0\n")
    assert doit(two.folder, "run", "annotate:alpha@ssd").status != 0
    assert '"No Label" is no label' in doit(two.folder, "why", "annotate:alpha@ssd").out


def test_a_refused_project_is_one_line(two: Workspace) -> None:
    """A project that dlim refuses has no line of its own for running, only that of its fault."""
    (two.folder / "projects/alpha/project.toml").write_text("label = 1\n")
    lines = doit(two.folder, "run", "build:alpha").lines
    assert lines[0].startswith("FAILED projects/alpha/project.toml: label: ")
    assert len(lines) == 2


def test_a_group_without_tasks(two: Workspace) -> None:
    """A run that finds nothing to look at says that there is nothing to do."""
    with (two.folder / "dodo.py").open("a") as file:
        file.write("\ndef task_none():\n    yield {'name': None, 'doc': 'nothing yet'}\n")
    assert doit(two.folder, "run", "none").lines == ["nothing to do: 0 tasks up to date"]


def test_a_step_says_which_one_came_out_otherwise(two: Workspace) -> None:
    """A step that runs because of another one names that, not the file between them."""
    (two.folder / "projects/alpha/data_augmentation/shift.py").write_text("ZOOM = 0.7, 1.1\n")
    lines = doit(two.folder, "run", "annotate:alpha@ssd").lines
    assert lines[1] == "annotate:alpha@ssd: augment:alpha@400x400 output changed"


def test_thousands_of_tasks() -> None:
    """The line at the end has its numbers as a plan has them."""
    stream = io.StringIO()
    reporter = Reporter(stream, {})
    reporter.ran, reporter.skipped, reporter.failed, reporter.unmet = 1000, 2000, 3000, 4000
    reporter.complete_run()
    account = "1,000 tasks ran, 2,000 up to date, 3,000 failed, 4,000 could not run because of that; "
    assert stream.getvalue().startswith(account)
