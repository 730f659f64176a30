"""From shots to an evaluation, as people type it: what is judged, by what, and what a wrong program can't lose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from dlim import shots
from dlim.geometry import Box, Object
from dlim.runs import record
from dlim.runs.evaluation import from_json
from dlim.runs.record import Judged
from tests import learners
from tests.conftest import Workspace
from tests.learners import LEARNER, lines, only, refused
from tests.sites import Site, machines, site
from tests.test_shots import shot

built, here = learners.built, learners.here
__all__ = ["built", "here", "machines", "site"]

PREDICT = """import json, os, pathlib
folder = pathlib.Path(os.environ["DLIM_SHOTS"])
names = sorted(path.name for path in folder.iterdir())
pathlib.Path("seen.txt").write_text(" ".join(names))
box = {"label": "close_btn", "bbox": [10, 20, 20, 20], "score": 0.9}
found = [{"file_name": name, **box} for name in names]
pathlib.Path("results/predictions.json").write_text(json.dumps(found))
"""

SETTINGS = 'predict = "python3 predict.py"\npredictions = "results/predictions.json"\n[service]\n'

CLOSE = Object("close_btn", Box(10, 20, 30, 40))


@pytest.fixture
def judged(here: Workspace) -> Workspace:
    """That workspace, whose SSD predicts the same box on every shot, right on one of three; a fourth is open."""
    text = LEARNER.format(canvas="[400, 400]", dataset="VOCdevkit/BCCD").replace("[service]\n", SETTINGS)
    here.learner("ssd", text)
    (here.folder / "program/predict.py").write_text(PREDICT)
    folder = here.folder / "shots"
    shot(folder, "a.png", (CLOSE, Object("other", Box(0, 0, 9, 9))), "red")
    shot(folder, "b.png", (Object("close_btn", Box(35, 60, 55, 80)),), "green")
    shot(folder, "c.jpg", (), "blue")
    shot(folder, "open.png", None, "white")
    return here


def evaluation(workspace: Workspace, name: str) -> Judged | None:
    return record.read(workspace.folder / "output" / name).learners["ssd"].evaluation


def test_a_weight_is_judged_by_shots(judged: Workspace) -> None:
    """Shots go to the server without boxes, each once; the record has the figures, the output pictures of the worst.

    What is judged is what the shots said when the task began.
    """
    said = lines(judged, "task", "--name", "first")
    only(said, "ssd: 4 of 4 shots sent")
    only(said, "ssd: on 3 shots: AP50 50.5, 1 of 2 found, 0.67 false finds a shot")
    only(said, "ssd: results/predictions.json: shots show other, which it doesn't learn")
    found = evaluation(judged, "first")
    assert found is not None
    assert found.shots.digest == shots.digest(shots.read(judged.folder / "shots"))
    assert [one.shot for one in from_json(found).false] == ["b.png", "c.jpg"]
    assert found.labels["close_btn"].objects == 2
    for one in (*found.missed, *found.false):
        with Image.open(judged.folder / "output/first" / one.picture) as image:
            image.load()
    server = judged.folder / ".dlim/servers/ssd"
    assert (server / "seen.txt").read_text() == "a.png b.png c.jpg open.png"

    shot(judged.folder / "shots", "c.jpg", (CLOSE,), "blue")
    (judged.folder / "shots/open.png").unlink()
    said = lines(judged, "task:ssd", "--name", "second")
    assert "sent" not in "".join(line for line in said if "shots" in line)
    only(said, "ssd: on 3 shots: AP50")
    assert (server / "seen.txt").read_text() == "a.png b.png c.jpg"
    second = evaluation(judged, "second")
    assert second is not None
    assert second.shots.digest != found.shots.digest
    assert second.total.found == 2


@pytest.mark.parametrize(
    ("program", "said"),
    {
        "it fails": ("raise SystemExit(3)", "predict failed with status 3"),
        "it leaves nothing": ("", "results/predictions.json is not there"),
        "no list": (
            'open("results/predictions.json", "w").write("{}")',
            "results/predictions.json: is no list of predictions",
        ),
        "too large": (
            'open("results/predictions.json", "w").write(" " * (1 << 26) + "[]")',
            "results/predictions.json is larger than 67.1 MB",
        ),
        "a link": (
            'import os; os.symlink("/nowhere", "results/predictions.json")',
            "results/predictions.json is a link to /nowhere, and no file",
        ),
        "a folder": ('import os; os.mkdir("results/predictions.json")', "results/predictions.json is a folder"),
    }.values(),
)
def test_a_wrong_program_loses_nothing(judged: Workspace, program: str, said: str) -> None:
    """Whatever predict does, the weight comes back; why it isn't judged is said at once, and kept."""
    (judged.folder / "program/predict.py").write_text(program)
    only(lines(judged, "task:ssd", "--name", "first"), f"ssd: not judged on shots: {said}")
    assert evaluation(judged, "first") is None
    only(lines(judged, "output", "first"), f"    not judged on shots: {said}")
    assert any(f"not judged: {said}"[:40] in line for line in lines(judged, "outputs"))
    assert len(record.read(judged.folder / "output/first").learners["ssd"].weights) == 1


@pytest.mark.parametrize("beside", ["", "os.chmod(best, 0o640)"])
def test_what_predict_writes_is_no_weight(judged: Workspace, beside: str) -> None:
    """What is judged is what was learned: a newer weight, a link to one and results of predict's are passed over."""
    program = judged.folder / "program"
    wrote = (
        "import os, pathlib, shutil; best = next(pathlib.Path('weights').glob('*.pth'))\n"
        "pathlib.Path('weights/zz.pth').write_text('another'); os.symlink('zz.pth', 'weights/zzz.pth')\n"
        f"os.link(best, 'weights/aa.pth')\n{beside}\n"
    )
    (program / "predict.py").write_text(PREDICT + wrote)
    said = lines(judged, "task:ssd", "--name", "first")
    only(said, "ssd: weights/zz.pth was written by predict; it is passed over")
    only(said, "ssd: weights/zzz.pth was written by predict; it is passed over")
    learned = record.read(judged.folder / "output/first").learners["ssd"]
    assert learned.evaluation is not None
    assert len(learned.weights) == 1
    assert not {"weights/zz.pth", "weights/zzz.pth", "weights/aa.pth"} & set(learned.weights)


def test_a_predict_that_overwrites_the_weight(judged: Workspace) -> None:
    """What was learned is gone then: a line says so, and nothing else is taken for it."""
    over = "for path in pathlib.Path('weights').glob('*.pth'): path.write_text('another')\n"
    (judged.folder / "program/predict.py").write_text(PREDICT + over)
    said = refused(judged, "task:ssd", "--name", "first")
    assert "left no new file that matches" in said
    assert "was written by predict; what came back is kept in " in said


def test_shots_that_cant_be_read_stop_a_task_before_it_learns(judged: Workspace) -> None:
    """Nobody learns for hours to be told that there is nothing to judge by."""
    data = (judged.folder / "shots/b.png").read_bytes()
    (judged.folder / "shots/b.png").write_bytes(data[: len(data) // 2])
    assert "shots/b.png: is a damaged image, or only part of one" in refused(judged, "task:ssd", "--name", "first")
    assert not (judged.folder / ".dlim/servers/ssd/weights").exists()
    assert not (judged.folder / "output/.unfinished/first").exists()
    shutil.rmtree(judged.folder / "shots")
    lines(judged, "task:ssd", "--name", "first")
    assert evaluation(judged, "first") is None


@pytest.mark.long
def test_shots_over_ssh(judged: Workspace, site: Site) -> None:
    """On a real server as on this machine; a second task sends the new shot alone."""
    only(lines(judged, "task:ssd", "--name", "first"), "ssd: on 3 shots: AP50 50.5")
    shot(judged.folder / "shots", "new.png", (CLOSE,), "gray")
    said = lines(judged, "task:ssd", "--name", "second")
    only(said, "ssd: 1 of 5 shots sent")
    only(said, "ssd: on 4 shots: AP50")
    assert (site.home / "seen.txt").read_text().split() == ["a.png", "b.png", "c.jpg", "new.png", "open.png"]
    assert msgspec.json.decode(json.dumps(msgspec.to_builtins(evaluation(judged, "second")))) is not None
    assert Path(judged.folder / "output/second/ssd_shots").is_dir()
