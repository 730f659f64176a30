"""Template matching finds masters that a shot shows as they are, at any size, and judges itself on the shots."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from dlim import projects, shots
from dlim import workspace as dlim_workspace
from dlim.commands.baseline import known
from dlim.formats import voc
from dlim.geometry import Annotation, Box, Object
from dlim.projects import Project
from dlim.runs import baseline
from dlim.runs.baseline import Template
from dlim.stages import boxes
from tests.conftest import ROOT, Workspace, new_workspace
from tests.in_process import doit, inside

LABELS = {"close_btn": "close"}
SIZE, CANVAS = (300, 480), (400, 400)


PROJECTS = {name: each for name, each in projects.load(ROOT / "projects").items() if isinstance(each, Project)}


def templates(*names: str) -> list[Template]:
    return [one for name in names for one in baseline.templates(PROJECTS[name], LABELS, CANVAS)]


def shot(folder: Path, name: str, shown: dict[str, tuple[int, int, float]]) -> None:
    """A screen of blurred noise over half of it, with masters at places and scales, whose labels are its boxes."""
    noise = np.random.default_rng(len(shown)).integers(0, 256, (SIZE[1] // 8, SIZE[0] // 8, 3)).astype(np.uint8)
    picture = cv2.resize(noise, SIZE, interpolation=cv2.INTER_CUBIC)
    picture[: SIZE[1] // 2] = 200
    things = []
    for project, (x, y, scale) in shown.items():
        master = cv2.imread(str(ROOT / "projects" / project / "master/image.jpg"))
        _, [found], _ = boxes.objects_of(PROJECTS[project], CANVAS)
        small = cv2.resize(master, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        picture[y : y + small.shape[0], x : x + small.shape[1]] = small
        box = Box(*(scale * edge for edge in (found.box.x1, found.box.y1, found.box.x2, found.box.y2))).shifted(x, y)
        things.append(Object(found.label, box.rounded(*SIZE)))
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / f"{name}.png"), picture)
    (folder / f"{name}.xml").write_text(voc.write(Annotation(f"{name}.png", *SIZE, tuple(things))))


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    """A workspace with two masters of the repository and three shots, one of which shows neither."""
    made = new_workspace(tmp_path)
    made.learner("ssd", 'canvas = [400, 400]\n[labels]\nclose_btn = "close"\n')
    (tmp_path / "config/learners/resnet34.toml").unlink()
    for name in ("close_btn", "skip_btn"):
        shutil.copytree(ROOT / "projects" / name, tmp_path / "projects" / name, ignore=shutil.ignore_patterns("build"))
    shot(tmp_path / "shots", "a", {"close_btn": (20, 30, 0.6), "skip_btn": (150, 330, 1.4)})
    shot(tmp_path / "shots", "b", {"close_btn": (200, 300, 1.9)})
    shot(tmp_path / "shots", "c", {})
    return made


def test_masters_are_found_at_any_size(here: Workspace) -> None:
    """Each where it is and as large as it is, on one colour and on a picture; nothing where there is none."""
    chosen = templates("close_btn", "skip_btn")
    for one in shots.read(here.folder / "shots"):
        found = [each for each in baseline.predicted(one, chosen) if each.score > 0.9]
        assert {(each.label, each.shot) for each in found} == {
            (LABELS.get(thing.label, thing.label), one.image.name) for thing in one.objects
        }
        for thing in one.objects:
            [same] = [each for each in found if each.label == LABELS.get(thing.label, thing.label)]
            assert max(abs(same.box.x1 - thing.box.x1), abs(same.box.y2 - thing.box.y2)) <= 2


def test_what_is_looked_for_has_a_bound() -> None:
    """Labels that shots show, and of each some masters, evenly."""
    pixels = np.zeros((4, 4), np.float32)
    many = [Template(label, pixels + number, pixels) for label in ("close", "other") for number in range(20)]
    chosen = baseline.wanted(many, ["close"])
    assert [float(one.pixels[0, 0]) for one in chosen] == [0, 2, 5, 7, 10, 12, 15, 17]


def stale(here: Workspace) -> bool:
    """What is said of the baseline that is kept."""
    with inside(here.folder):
        return known(dlim_workspace.Workspace(), ["ssd"])["ssd"].stale


def test_the_command(here: Workspace) -> None:
    """It says the figures, keeps them, and looks again when a master, a box or a shot is another."""
    answer = doit(here.folder, "baseline")
    assert answer.lines[0] == "ssd: template matching with 2 masters"
    assert answer.lines[1].startswith("  judged on 3 shots (")
    assert "AP50 100.0" in answer.lines[1]
    assert "found 3 of 3 (100 %)" in answer.lines[1]
    assert [line.split()[0] for line in answer.lines[2:]] == ["label", "close", "skip_btn"]
    file = here.folder / ".dlim/baseline/ssd.json"
    before = file.stat().st_ino
    assert doit(here.folder, "baseline:ssd").lines == answer.lines
    assert file.stat().st_ino == before
    assert stale(here) is False
    classes = here.folder / "data_set/ssd/classes.txt"
    classes.parent.mkdir(parents=True)
    classes.write_text("close\nskip_btn\n")
    shutil.rmtree(here.folder / "projects/skip_btn")
    assert stale(here) is True
    answer = doit(here.folder, "baseline")
    assert answer.lines[0] == "ssd: template matching with one master; it has none of skip_btn"
    assert "AP50 50.0" in answer.lines[1]


UNASKED = (
    ", which it doesn't learn and isn't asked for; [labels] in config/learners/ssd.toml can call a master's label so"
)


def test_labels_that_are_left_out_are_named(here: Workspace) -> None:
    """A shot's label that no master has is in no figure, and is said each time."""
    file = here.folder / "shots/b.xml"
    file.write_text(file.read_text().replace("close_btn", "close_it"))
    for _ in range(2):
        answer = doit(here.folder, "baseline")
        assert "found 2 of 2 (100 %)" in answer.lines[1]
        assert answer.lines[-1] == f"ssd: shots show close_it{UNASKED}"


def test_nothing_to_look_at_or_for(here: Workspace) -> None:
    """Without labelled shots, or masters of their labels, it says so in a line."""
    for project in (here.folder / "projects").iterdir():
        shutil.rmtree(project)
    assert doit(here.folder, "baseline").lines == [
        "ssd: no shot shows what its masters are called",
        f"ssd: shots show close, skip_btn{UNASKED}",
    ]
    for path in (here.folder / "shots").glob("*.xml"):
        path.unlink()
    answer = doit(here.folder, "baseline")
    assert answer.status == 3
    assert answer.err.startswith("shots: there is no labelled shot; doit shots --from-folder DIR")
