"""The samples, run as people run them."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

import dlim
from dlim.report.sheet import COLOURS
from tests.conftest import ROOT, Workspace
from tests.report.pictures import framed

SCRIPT = ROOT / "sample/data_aug_sample.py"
NOTEBOOK = ROOT / "sample/data_aug_sample.ipynb"
CLOSE_BTN = ROOT / "projects/close_btn/jupyter_notebook/close_btn.ipynb"

SHEETS = {
    NOTEBOOK: dict.fromkeys(("height", "zoom", "brightness", "rotation", "ranges", "custom"), 12)
    | {"mix": 18, "preview": 17, "preview-mix": 13, "worst": 13},
    CLOSE_BTN: {"height": 12, "zoom": 12, "brightness": 12, "mix": 18},
}
"""How many pictures the sheet below a cell has, by the cell's id."""


def executed(notebook: Path, folder: Path, cells: Collection[str] = ()) -> dict[str, Image.Image]:
    """Run a notebook from a folder, or some of its cells; the picture below each, by the cell's id."""
    nodes = nbformat.read(notebook, as_version=4)
    if cells:
        nodes.cells = [cell for cell in nodes.cells if cell.id in cells]
    NotebookClient(nodes, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return {
        cell.id: Image.open(BytesIO(base64.b64decode(output.data["image/png"]))).convert("RGB")
        for cell in nodes.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    }


def script(*arguments: str | Path, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the sample script where there is no desktop."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "notebook", [pytest.param(NOTEBOOK, marks=pytest.mark.long), CLOSE_BTN], ids=lambda path: path.stem
)
def test_notebook_shows_its_sheets(notebook: Path) -> None:
    """A notebook runs from its folder to its end, and each sheet in it has as many pictures as it says."""
    shown = executed(notebook, notebook.parent)
    for cell, pictures in SHEETS[notebook].items():
        assert len(framed(shown.pop(cell))) == pictures, cell
    assert {cell: picture.size for cell, picture in shown.items()} == (
        {"master": (256, 256)} if notebook == CLOSE_BTN else {}
    )


def test_notebook_finds_the_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample notebook runs from the workspace's folder just as well as from its own, and shows previews."""
    shown = executed(NOTEBOOK, ROOT, ("workspace", "setup", "preview-mix"))
    monkeypatch.chdir(ROOT)
    assert shown["preview-mix"] == dlim.preview("close_btn", n=12, operations=["mix"])


@pytest.mark.parametrize("notebook", [NOTEBOOK, CLOSE_BTN], ids=lambda path: path.stem)
def test_notebook_is_kept_without_outputs(notebook: Path) -> None:
    """A notebook in git is of format 4.5 and holds no outputs and no counts, so its changes can be read."""
    nodes = nbformat.read(notebook, as_version=nbformat.NO_CONVERT)
    nbformat.validate(nodes)
    assert (nodes.nbformat, nodes.nbformat_minor) == (4, 5)
    code = [cell for cell in nodes.cells if cell.cell_type == "code"]
    assert all(cell.execution_count is None and not cell.outputs for cell in code)


def test_script_writes_a_sheet(tmp_path: Path) -> None:
    """The script puts the sheets of all named operations, one below the other, into one PNG file."""
    done = script("close_btn", "mix", "zoom", "--count", "5", "--out", tmp_path / "two.png")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "two.png") as sheet:
        assert sheet.format == "PNG"
        assert len(framed(sheet)) == 12


def test_script_draws_the_projects_boxes(tmp_path: Path) -> None:
    """The script draws a project's box where the build has it, though it was labelled on the right upper corner."""
    done = script("skip_btn", "height", "--count", "1", "--out", tmp_path / "skip.png")
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "skip.png") as sheet:
        master = framed(sheet)[0]
    # <bndbox> 330, 3, 399, 34 on a canvas where the crop begins at 328
    assert [tuple(master[down, across]) for across, down in [(2, 4), (141, 67)]] == [COLOURS[0], COLOURS[0]]


def test_script_takes_any_image(tmp_path: Path) -> None:
    """The script tries an image that belongs to no project, and writes sheet.png where there is no desktop."""
    Image.new("RGB", (20, 20), "red").save(tmp_path / "crop.png")
    done = script("crop.png", "height", "--count", "2", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "sheet.png\n"), done.stderr
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert len(framed(sheet)) == 3


def test_script_is_executable() -> None:
    """The sample scripts can be run by their names, as a copy of them can."""
    assert all(os.access(ROOT / "sample" / name, os.X_OK) for name in ("daug.py", "data_aug_sample.py"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("close_btm mix", 'close_btm: is no project, no image file and no operation; did you mean "close_btn"?'),
        ("close_btn mxi", 'mxi: is no project, no image file and no operation; did you mean "mix"?'),
        ("mix", "mix: has no master to vary; name a project or an image file too"),
        ("ja_char", "ja_char: draws its images itself and has no master; see them with doit preview:ja_char"),
        ("close_btn --count 0", "the sheet: has 0 variations; say how many to show, 1 or more"),
        ("README.md", "README.md: is no image that can be read; save it as PNG or JPEG"),
        ("close_btn height --out no/where.png", "no/where.png: can't be written (No such file or directory); "),
    ],
)
def test_script_tells_what_is_wrong(arguments: str, message: str) -> None:
    """A mistake on the script's command line is told in one line, and the exit status says so too."""
    done = script(*arguments.split())
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_sample_daug_makes_891_images(workspace: Workspace) -> None:
    """sample/daug.py, copied unchanged into a project, makes its 891 images."""
    (workspace.folder / "config/learners/ssd.toml").unlink()
    folder = workspace.project("close_new")
    # a drawn master has two greys only, of which brightness makes less than 99 different images
    shutil.copytree(ROOT / "projects/close_btn/master", folder / "master", dirs_exist_ok=True)
    shutil.copy(ROOT / "sample/daug.py", folder / "data_augmentation/daug.py")
    done = workspace.doit("build:close_new")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(folder.glob("build/resnet34/*.jpg"))) == 891
    assert len(list(folder.glob("build/resnet34/*.xml"))) == 891
