"""A weight that was learned from crops on white does worse on screens than one from scenes, and isn't deployed."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Workspace, new_workspace
from tests.learners import lines, only, refused
from tests.runs.test_baseline import shot
from tests.sites import Site, machines, site

__all__ = ["machines", "site"]

pytestmark = pytest.mark.long

LEARNER = """canvas = [400, 400]
{scene}
[learning]
program = "program"
dataset_dir = "VOCdevkit/BCCD"
command = "{python} train.py"
weights = "weights/best_weight.pth"
predict = "{python} predict.py"
predictions = "predictions.json"
"""

DAUG = """from dlim.augment import Augmentation
variations = Augmentation(count=30)
variations.mix()
"""

TRAIN = """import os, pathlib, xml.etree.ElementTree as tree
import cv2, numpy
data = pathlib.Path(os.environ["DLIM_DATASET"])
patches, sizes = {}, {}
for name in (data / "ImageSets/Main/train.txt").read_text().split():
    picture = cv2.imread(str(data / f"JPEGImages/{name}.jpg"), cv2.IMREAD_GRAYSCALE)
    for thing in tree.parse(data / f"Annotations/{name}.xml").iter("object"):
        x1, y1, x2, y2 = (int(thing.find("bndbox").findtext(edge)) for edge in ("xmin", "ymin", "xmax", "ymax"))
        label = thing.findtext("name")
        patches.setdefault(label, []).append(cv2.resize(picture[y1 - 1 : y2, x1 - 1 : x2], (48, 48)))
        sizes.setdefault(label, []).append((x2 - x1 + 1, y2 - y1 + 1))
pathlib.Path("weights").mkdir(exist_ok=True)
learned = {}
for label in patches:
    print("learns", label, "of", len(patches[label]))
    learned[f"{label} patch"] = numpy.mean(patches[label], axis=0)
    learned[f"{label} sizes"] = numpy.percentile(sizes[label], [5, 95], axis=0)
numpy.savez(open("weights/best_weight.pth", "wb"), **learned)
"""
"""A detector as small as one can be: what a label looks like on the whole, and how small and large it was."""

PREDICT = """import json, os, pathlib
import cv2, numpy
weight, found = numpy.load("weights/best_weight.pth"), []
for path in pathlib.Path(os.environ["DLIM_SHOTS"]).iterdir():
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype("float32")
    for label in {name.split()[0] for name in weight.files}:
        best = []
        for width, height in numpy.linspace(*weight[f"{label} sizes"], 12).round().astype(int):
            patch = cv2.resize(weight[f"{label} patch"].astype("float32"), (int(width), int(height)))
            likeness = cv2.matchTemplate(picture, patch, cv2.TM_CCOEFF_NORMED)
            _, score, _, (x, y) = cv2.minMaxLoc(likeness)
            box = [x, y, int(width), int(height)]
            best.append({"file_name": path.name, "label": label, "bbox": box, "score": score})
        found.append(max(best, key=lambda each: each["score"]))
json.dump(found, open("predictions.json", "w"))
"""


@pytest.fixture
def here(tmp_path: Path) -> Workspace:
    """A workspace with two masters of the repository, six shots that show them at other sizes, and that detector."""
    (tmp_path / "workspace").mkdir()
    made = new_workspace(tmp_path / "workspace")
    (made.folder / "config/learners/resnet34.toml").unlink()
    for name in ("close_btn", "skip_btn"):
        shutil.copytree(
            ROOT / "projects" / name, made.folder / "projects" / name, ignore=shutil.ignore_patterns("build")
        )
        (made.folder / "projects" / name / "data_augmentation/daug.py").write_text(DAUG)
    for number in range(6):
        scale = (0.6, 0.8, 1, 1.3, 1.6, 1.9)[number]
        places = {"close_btn": (20 + 15 * number, 40, scale), "skip_btn": (60, 250 + 20 * number, 2.4 - scale)}
        shot(made.folder / "shots", f"shot_{number}", places)
    program = made.folder / "program"
    program.mkdir()
    (program / "train.py").write_text(TRAIN)
    (program / "predict.py").write_text(PREDICT)
    return made


def points(workspace: Workspace, name: str) -> float:
    record = json.loads((workspace.folder / "output" / name / "record.json").read_text())
    return 100 * float(record["learners"]["ssd"]["evaluation"]["total"]["ap50"])


def loop(here: Workspace, weight: Path) -> None:
    """Scenes are learned from and deployed; then crops on white, refused, forced, and taken back."""
    here.learner("ssd", LEARNER.format(python=sys.executable, scene="[scene]\ndrawn = 1"))
    lines(here, "task", "--name", "scenes")
    lines(here, "deploy", "scenes")
    good = weight.read_bytes()
    here.learner("ssd", LEARNER.format(python=sys.executable, scene=""))
    lines(here, "task", "--name", "crops")
    assert points(here, "scenes") > 60
    assert points(here, "crops") < points(here, "scenes") - 20
    said = refused(here, "deploy", "crops")
    told = r"ssd: AP50 [\d.]+ on 6 shots, [\d.]+ of scenes, which is in service"
    assert re.fullmatch(rf"crops: does worse than what is in service: {told}; deploy another, or say --force", said)
    assert weight.read_bytes() == good
    only(lines(here, "outputs", "--diff", "scenes", "crops"), "  on the same 6 shots")
    assert "; forced" in only(lines(here, "deploy", "crops", "--force"), "ssd: AP50")
    assert weight.read_bytes() != good
    only(lines(here, "undeploy"), "ssd: scenes is in service again")
    assert weight.read_bytes() == good


def test_a_worse_weight_is_refused(here: Workspace) -> None:
    """On this machine."""
    loop(here, here.folder / ".dlim/servers/ssd/weights/latest_weight.pth")


def test_a_worse_weight_is_refused_over_ssh(here: Workspace, site: Site) -> None:
    """On a real server."""
    loop(here, site.home / "weights/latest_weight.pth")
