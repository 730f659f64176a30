"""A sheet for a notebook is that of the build, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dlim
from dlim import variation
from dlim.augment import images, jpeg, operations
from dlim.augment.api import Augmentation
from dlim.augment.imgaug import Custom, augmenters
from dlim.errors import DlimError
from dlim.geometry import Box
from dlim.report.preview import BUILT_IN, tried
from dlim.report.samples import contact_sheet
from dlim.report.sheet import WIDTH
from tests.conftest import FEW, Workspace, draw_master
from tests.report.conftest import built
from tests.report.pictures import Shown, coloured, edges, framed


@pytest.mark.parametrize(
    ("name", "learner", "worst"), [("moved", "ssd", True), ("own", "resnet34", False), ("drawn", "ssd", False)]
)
def test_same_as_of_the_build(
    built_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, learner: str, worst: bool
) -> None:
    """A preview is, pixel by pixel, the sheet of what doit has built, from anywhere in the workspace."""
    monkeypatch.chdir(built_workspace.folder / "projects")
    shown = dlim.preview(name, worst=worst, learner=learner)
    assert shown == contact_sheet(built(built_workspace, name, learner), worst=worst)


@pytest.mark.parametrize("worst", [False, True])
def test_scenes(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, worst: bool) -> None:
    """Of a learner with scenes the sheet shows scenes, whole; doit's is the same as the notebook's."""
    project = workspace.project("cross")
    (workspace.folder / "pictures").mkdir()
    Image.effect_noise((200, 150), 60).convert("RGB").save(workspace.folder / "pictures/noise.png")
    workspace.learner("ssd", 'canvas = [160, 160]\n[scene]\nbackgrounds = "pictures"\ndrawn = 0\n')
    done = workspace.doit("preview:cross", *(["--worst"] if worst else []))
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(project / f"build/.preview/{'ssd.worst' if worst else 'ssd'}.png") as file:
        sheet = file.convert("RGB")
    monkeypatch.chdir(workspace.folder)
    assert dlim.preview("cross", worst=worst, learner="ssd") == sheet
    pictures = framed(sheet)
    assert {picture.shape for picture in pictures[1:]} == {(160, 160, 3)}
    assert len(pictures) == 1 + (15 if worst else 10)


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
        "cross: height: 1 images instead of 5: every further draw repeats one of them",
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


SIZE = (32, 24)
BOX = Box(8, 6, 24, 18)


@pytest.fixture
def master(tmp_path: Path) -> Path:
    """The master of a project: grey, with a white rectangle where BOX is."""
    path = tmp_path / "cross/master/image.jpg"
    path.parent.mkdir(parents=True)
    draw_master(path, SIZE, (8, 6, 24, 18))
    return path


def pictures(sheet: Image.Image, count: int) -> list[Shown]:
    """The pictures on a sheet as they are shown, the master's first: as many as that, and it."""
    found = framed(sheet)
    assert len(found) == count + 1
    return found


@pytest.mark.parametrize("name", BUILT_IN)
def test_pictures_are_the_operations(master: Path, name: str) -> None:
    """A sheet's pictures are the master and what the operation makes of it for the keys of a build, enlarged."""
    keys = [(1, "cross", name, 0, index, 0) for index in range(7)]
    operation = BUILT_IN[name](SIZE)
    expected = [images.read(master), *(crop.pixels for crop in operation.vary(images.read(master), keys, 60))]
    shown = pictures(tried(master, name, 7, cval=60), 7)
    for picture, pixels in zip(shown, expected, strict=True):
        assert np.array_equal(picture, pixels.repeat(4, axis=0).repeat(4, axis=1))


def test_pictures_are_the_builds(master: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a project's master a sheet shows the very images that daug.py writes."""
    out = tmp_path / "out"
    out.mkdir()
    told = {"PROJECT": "cross", "MASTER": master, "OUT": out, "CANVAS": "native", "PLACEMENT": "left-upper"}
    for name, value in {**told, "SEED": 3, "COUNT": 99, "CVAL": 60}.items():
        monkeypatch.setenv(f"DLIM_{name}", str(value))
    monkeypatch.setattr(sys, "argv", ["daug.py", "cross"])
    blur = augmenters().GaussianBlur((0.2, 1.2))
    variations = Augmentation()
    variations.mix(count=6)
    variations.rotation(20, count=6)
    variations.imgaug(blur, "soft", count=6)
    sheets = {
        "mix": tried(master, "mix", 6, 60, seed=3),
        "rotation": tried(master, operations.rotation(20), 6, 60, seed=3),
        "soft": tried(master, blur, 6, 60, seed=3, name="soft"),
    }
    for record in variation.read(out):
        name, _, number = record.filename.removesuffix(".jpg").partition("-")
        picture = pictures(sheets[name], 6)[int(number)]
        assert jpeg.encode(np.ascontiguousarray(picture[::4, ::4])) == (out / record.filename).read_bytes()


def test_same_call_same_sheet(master: Path) -> None:
    """The same call gives the same sheet to the pixel, and another seed another one."""
    sheet = tried(master, "mix", boxes=[BOX])
    assert sheet == tried(str(master), "mix", boxes=[BOX])
    assert sheet != tried(master, "mix", boxes=[BOX], seed=2)


def test_more_variations_begin_with_the_same(master: Path) -> None:
    """Asking for more variations leaves the first ones as they were."""
    few, more = pictures(tried(master, "mix", 3), 3), pictures(tried(master, "mix", 9), 9)
    assert all(np.array_equal(one, other) for one, other in zip(few, more, strict=False))


@pytest.mark.parametrize("operation", ["height", "zoom", "mix", operations.rotation(0.5)])
def test_box_follows(master: Path, operation: object) -> None:
    """The line stands around the thing, wherever the variation took it."""
    plain = pictures(tried(master, operation, 12), 12)
    boxed = pictures(tried(master, operation, 12, boxes=[BOX]), 12)
    for without, picture in zip(plain, boxed, strict=True):
        thing = edges(without[..., 0] > 147)  # half way from grey to white
        assert np.abs(np.subtract(edges(coloured(picture)), thing)).max() <= 4  # a pixel of the master


def test_box_out_of_sight_is_not_drawn(master: Path) -> None:
    """A thing that has left the picture has no line."""
    away = operations.Operation(shift_x=(30, 31))
    shown = pictures(tried(master, away, 2, boxes=[BOX]), 2)
    assert [coloured(picture).any() for picture in shown] == [True, False, False]


def test_custom_augmenter(master: Path) -> None:
    """An augmenter of imgaug is tried as it is or as a Custom, and its box follows."""
    flip = augmenters().Fliplr(1.0)
    narrow = Box(8, 6, 12, 18)
    sheet = tried(master, flip, 2, boxes=[narrow])
    assert sheet == tried(master, Custom(flip), 2, boxes=[narrow])
    assert edges(coloured(pictures(sheet, 2)[1])) == (80, 24, 96, 72)


@pytest.mark.parametrize(("size", "shown"), [((300, 100), (300, 100)), ((1600, 900), (400, 225))])
def test_large_image(tmp_path: Path, size: tuple[int, int], shown: tuple[int, int]) -> None:
    """A large image is not enlarged, and a very large one is shown smaller."""
    draw_master(tmp_path / "large.png", size, (10, 10, 60, 60))
    sheet = tried(tmp_path / "large.png", "height", 3, boxes=[Box(10, 10, 60, 60)])
    assert all(picture.shape[1::-1] == shown for picture in pictures(sheet, 3))
    assert sheet.width <= WIDTH


def test_pictures_in_the_order_of_the_draws(tmp_path: Path) -> None:
    """The brightness drawn for a picture is the one that it has."""
    Image.new("RGB", SIZE, "white").save(tmp_path / "white.png")
    keys = [(1, "white", "brightness", 0, index, 0) for index in range(5)]
    drawn = [crop.parameters for crop in operations.brightness().vary(images.read(tmp_path / "white.png"), keys, 125)]
    shown = pictures(tried(tmp_path / "white.png", "brightness", 5), 5)[1:]
    assert [picture.mean() / 255 for picture in shown] == pytest.approx([one["brightness"] for one in drawn], abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"operation": "mxi"}, '"mxi": is no operation; did you mean "mix"?'),
        ({"operation": 5}, "5: is no operation; give an augmenter of imgaug, or a name: "),
        ({"n": 0}, "the sheet: has 0 variations; say how many to show, 1 or more"),
        ({"cval": 256}, "the sheet: cval is 256; say a grey from 0 to 255"),
        ({"image": "nothing.jpg"}, "nothing.jpg: is missing; "),
        ({"image": __file__}, f"{__file__}: is no image that can be read; "),
    ],
)
def test_wrong_input(master: Path, arguments: dict[str, object], message: str) -> None:
    """Wrong input is told in one line, with the right word where there is one."""
    with pytest.raises(DlimError) as caught:
        tried(**{"image": master, "operation": "mix", **arguments})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_nothing_is_written(master: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying writes no file, neither by the master nor where one stands."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    tried(master, "mix", boxes=[BOX])
    assert sorted(tmp_path.rglob("*")) == before
