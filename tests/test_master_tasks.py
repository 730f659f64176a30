"""What people do with masters: new projects, boxes and sheets, by doit's tasks and commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Workspace, draw_master
from tests.in_process import doit


def screenshot(path: Path, size: tuple[int, int] = (640, 480)) -> Path:
    """A screen of a game with a white button at 200,100."""
    draw_master(path, size, (204, 103, 228, 118))
    return path


def lines(workspace: Workspace, command: str, *arguments: str) -> list[str]:
    """What a command prints, which must succeed."""
    answer = doit(workspace.folder, command, *arguments)
    assert answer.status == 0, answer.out + answer.err
    return answer.lines


def test_from_a_screenshot_to_a_dataset(workspace: Workspace) -> None:
    """new, label, preview, dataset: a button that was cut out is in the dataset, with its box."""
    screenshot(workspace.folder / "screen.png")
    cut = ("--image", "screen.png", "--box", "200,100,32,24", "--label", "close", "--placement", "right-upper")
    assert lines(workspace, "new", "new_btn", *cut) == [
        "new_btn: begun in projects/new_btn; next: doit label:new_btn",
    ]
    assert "projects/new_btn/master/image_extended.xml: one box around the whole crop, close" in lines(
        workspace, "run", "label:new_btn", "--auto"
    )
    daug = workspace.folder / "projects/new_btn/data_augmentation/daug.py"
    daug.write_text(daug.read_text().replace("suite()", "suite(count=2)"))
    lines(workspace, "run", "preview:new_btn")
    with Image.open(workspace.folder / "projects/new_btn/build/.preview/ssd.png") as sheet:
        assert sheet.width > 400
    done = lines(workspace, "run", "dataset")
    assert sorted(line.split(",")[0] for line in done if ".tar.gz" in line) == [
        "data_set/resnet34.tar.gz: 18 images",
        "data_set/ssd.tar.gz: 18 images",
    ]


def test_a_folder_of_crops(workspace: Workspace) -> None:
    """Each new image becomes a project, and it is said which; one call labels all that have no box."""
    (workspace.folder / "in").mkdir()
    for number, name in enumerate(("Close Btn.png", "再生.png")):
        draw_master(workspace.folder / "in" / name, (32, 24), (4 + number, 6, 28, 20))
    assert lines(workspace, "new", "--from-folder", "in") == [
        "Close Btn.png: begun as close_btn, in projects/close_btn; next: doit label:close_btn",
        "再生.png: begun as crop, in projects/crop; next: doit label:crop",
    ]
    assert lines(workspace, "new", "--from-folder", "in") == [
        "Close Btn.png: is here already as close_btn; skipped",
        "再生.png: is here already as crop; skipped",
    ]
    told = lines(workspace, "run", "label", "--auto")
    assert [line for line in told if "one box" in line] == [
        f"projects/{name}/master/image_extended.xml: one box around the whole crop, {name}"
        for name in ("close_btn", "crop")
    ]
    assert "every master has its boxes; doit label:NAME opens one's page" in lines(workspace, "run", "label", "--auto")


def test_what_was_made_before_a_fault_is_told(workspace: Workspace) -> None:
    """A disk that is full in the middle of a folder of crops leaves whole projects, each of which was told."""
    (workspace.folder / "in").mkdir()
    for number, size in enumerate(((40, 30), (50, 40), (1200, 900))):
        Image.effect_noise(size, 100).convert("RGB").save(workspace.folder / f"in/c{number}.png")
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 200; exec "$0" -m doit new --from-folder in', sys.executable],
        cwd=workspace.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    told = [line for line in done.stdout.splitlines() if "begun as" in line]
    assert [line.split(":")[0] for line in told] == ["c0.png", "c1.png"]
    assert sorted(path.name for path in (workspace.folder / "projects").iterdir()) == ["c0", "c1"]
    assert "File too large" in done.stderr


NOTES = {
    "too large": ("canvas = [400, 400]\n", "big: is 640x480, larger than the canvas 400x400 of ssd; "),
    "not taken": ('canvas = [400, 400]\nexclude = ["b*"]\n', "big: no learner takes it: "),
}


@pytest.mark.parametrize("why", NOTES)
def test_what_stands_between_a_project_and_the_datasets(workspace: Workspace, why: str) -> None:
    """A crop that no canvas has room for, or that no learner takes, is told at once and not by a build."""
    settings, note = NOTES[why]
    workspace.project("other")
    workspace.learner("ssd", settings)
    (workspace.folder / "config/learners/resnet34.toml").unlink()
    screenshot(workspace.folder / "screen.png")
    told = lines(workspace, "new", "big", "--image", "screen.png")
    assert [line for line in told if line.startswith(note)]


def test_masters_without_room_are_told_before_anything_runs(workspace: Workspace) -> None:
    """All masters larger than a learner's canvas are named first; with fit = "shrink" they are made smaller."""
    workspace.project("one")
    workspace.project("two")
    (workspace.folder / "config/learners/resnet34.toml").unlink()
    workspace.learner("ssd", "canvas = [16, 16]\n")
    said = workspace.doit("dataset").stdout.splitlines()
    assert [line.partition(" has no room on the canvas 16x16;")[0][:4] for line in said[:2]] == ["one:", "two:"]
    workspace.learner("ssd", 'canvas = [16, 16]\nfit = "shrink"\n')
    done = workspace.doit("dataset")
    assert done.returncode == 0, done.stdout


def test_two_who_begin_one_project(workspace: Workspace) -> None:
    """One of them makes it, whole; the other is refused in a line."""
    screenshot(workspace.folder / "screen.png")
    command = [sys.executable, "-m", "doit", "new", "dup", "--image", "screen.png"]
    both = [
        subprocess.Popen(command, cwd=workspace.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert sorted(process.returncode != 0 for process in both) == [False, True]
    refused = next(text for text, process in zip(said, both, strict=True) if process.returncode)
    assert "exists already" in refused
    assert refused.count("\n") == 1
    assert [path.name for path in (workspace.folder / "projects").iterdir()] == ["dup"]
