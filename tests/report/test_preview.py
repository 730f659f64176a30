"""dlim.preview shows in a notebook what a build would be, without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

import dlim
from dlim.errors import DlimError
from dlim.report.samples import contact_sheet
from tests.conftest import FEW, Workspace
from tests.report.conftest import built
from tests.report.pictures import framed


@pytest.mark.parametrize(
    ("name", "learner"), [("moved", "ssd"), ("moved", "resnet34"), ("own", "ssd"), ("drawn", "ssd")]
)
@pytest.mark.parametrize("worst", [False, True])
def test_same_as_of_the_build(
    built_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, learner: str, worst: bool
) -> None:
    """A preview is, pixel by pixel, the sheet of what doit has built, from anywhere in the workspace."""
    monkeypatch.chdir(built_workspace.folder / "projects")
    shown = dlim.preview(name, worst=worst, learner=learner)
    assert shown == contact_sheet(built(built_workspace, name, learner), worst=worst)


def test_first_learner(built_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless told otherwise, a preview is for the first learner that takes the project."""
    monkeypatch.chdir(built_workspace.folder)
    shown = dlim.preview("moved", 4, "mix")
    assert shown == contact_sheet(built(built_workspace, "moved", "resnet34"), 4, ["mix"])


def test_without_a_build(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A project that nobody has built is shown as it is now, and again after a change; nothing else comes of it."""
    folder = workspace.project("cross")
    monkeypatch.chdir(workspace.folder)
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    assert len(framed(dlim.preview("cross"))) == 1 + 10
    (folder / "data_augmentation/daug.py").write_text(FEW.replace("variations.mix()", "print('no mix')"))
    assert len(framed(dlim.preview("cross"))) == 1 + 5
    # where this test is the first one to start it, Python's fork server has its socket there as long as it lives
    assert [path for path in temporary.iterdir() if not path.name.startswith("pymp-")] == []
    assert [str(path.relative_to(folder)) for path in (folder / "build").rglob("*")] == [
        "build/.preview",
        "build/.preview/daug.log",
    ]


def test_what_stages_say_is_printed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a script prints, and what a stage has to say, is printed under the project's name."""
    workspace.project("cross", "print('hello')\n" + FEW.replace("height()", "height(pixels=0)"))
    monkeypatch.chdir(workspace.folder)
    dlim.preview("cross")
    assert capsys.readouterr().out.splitlines() == [
        "cross: hello",
        "cross: height: 1 images instead of 5: it has no freedom left for one that differs",
    ]


def test_projects_of_another_folder(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project outside projects/ goes by the name that its tasks have."""
    workspace.project("cross")
    shutil.copytree(workspace.folder / "projects/cross", workspace.folder / "more_projects/star")
    workspace.learner("resnet34", 'canvas = "native"\nprojects = "more_projects"\n')
    monkeypatch.chdir(workspace.folder)
    assert len(framed(dlim.preview("more_projects/star"))) == 1 + 10
    assert len(framed(dlim.preview("cross"))) == 2 + 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "corss"}, 'corss: is no project that a learner takes; did you mean "cross"?'),
        ({"name": "../cross"}, "../cross: is no project that a learner takes; say one of: "),
        ({"name": "cross", "learner": "sdd"}, 'cross: learner: "sdd" is unknown; did you mean "ssd"?'),
        ({"name": "cross", "operations": ["hight"]}, 'cross: "hight" made none of its images; did you mean "height"?'),
        ({"name": "cross", "n": 0}, "the sheet: has 0 variations; say how many to show, 1 or more"),
        ({"name": "bad name"}, "projects/bad name: is no name for a project; rename the folder with "),
        ({"name": "unlabelled"}, "unlabelled: has no box yet; doit label:unlabelled draws it"),
        (
            {"name": "failing"},
            "failing: daug.py failed: daug.py line 1: ZeroDivisionError: division by zero; mend it; ",
        ),
    ],
)
def test_faults(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, object], message: str
) -> None:
    """What is wrong is one line, as doit would have it, with the way out."""
    workspace.project("cross")
    workspace.project("bad name")
    (workspace.project("unlabelled") / "master/image_extended.xml").unlink()
    workspace.project("failing", "1 / 0\n")
    monkeypatch.chdir(workspace.folder)
    with pytest.raises(DlimError) as caught:
        dlim.preview(**arguments)
    text = str(caught.value).replace(f"{workspace.folder}/", "")
    assert text.startswith(message)
    assert "\n" not in text


def test_what_a_failing_script_printed_can_be_read(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that the line about a failing script names is there."""
    workspace.project("failing", "print('so far')\n1 / 0\n")
    monkeypatch.chdir(workspace.folder)
    with pytest.raises(DlimError) as caught:
        dlim.preview("failing")
    assert "so far" in Path(str(caught.value).rpartition(" is in ")[2]).read_text()


def test_outside_of_a_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere, one line says where to go."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DlimError, match=r"is in no workspace of dlim; go to the folder with dodo\.py and config/"):
        dlim.preview("close_btn")


def test_no_room_for_temporary_files(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file can be written, one line says so."""
    workspace.project("cross")
    monkeypatch.chdir(workspace.folder)
    monkeypatch.setattr(tempfile, "tempdir", "/proc")
    with pytest.raises(DlimError, match=r"^/proc/dlim-\w+: .*; see to that, and try again$"):
        dlim.preview("cross")


def test_in_a_script(workspace: Workspace) -> None:
    """A script that previews need not guard its main part: it runs once."""
    workspace.project("cross")
    script = workspace.folder / "look.py"
    script.write_text("import dlim\nprint('once')\ndlim.preview('cross').save('cross.png')\nprint(__name__)\n")
    done = subprocess.run([sys.executable, script], cwd=workspace.folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "once\n__main__\n", "")
    with Image.open(workspace.folder / "cross.png") as sheet:
        assert len(framed(sheet.convert("RGB"))) == 1 + 10


def test_importing_dlim_is_light() -> None:
    """`import dlim` loads nothing else of it, nor Pillow, numpy or imgaug; what it doesn't offer is told as usual."""
    code = (
        "import sys, dlim\n"
        "print([name for name in sys.modules if name.startswith('dlim.') or name in ('PIL', 'numpy', 'imgaug')])\n"
        "print(dlim.preview.__module__)\n"
        "dlim.preveiw\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert done.stdout == "[]\ndlim.report.preview\n"
    assert done.stderr.endswith("AttributeError: module 'dlim' has no attribute 'preveiw'\n")
