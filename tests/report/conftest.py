"""A workspace that is built once, for the tests that look at builds."""

from __future__ import annotations

import pytest

from dlim import config, projects
from dlim.geometry import canvas_name
from dlim.projects import Project
from dlim.report.samples import Built
from tests.conftest import Workspace, new_workspace

MOVED = """from dlim.augment import Augmentation
from dlim.augment.imgaug import augmenters
variations = Augmentation(count=12)
variations.height()
variations.brightness()
variations.mix6()
variations.imgaug(augmenters().Fliplr(1.0), "turned", count=1)
"""

OWN = """import os
from PIL import Image
master = Image.open(os.environ["DLIM_MASTER"])
canvas = os.environ["DLIM_CANVAS"]
for number in range(8):
    image = master.resize((32 + number, 24))
    if canvas != "native":
        image = Image.new("RGB", (400, 400), "white")
        image.paste(master, (number * 9, number * 2))
    image.save(f"mine_{number}.jpg")
"""

DRAWN = """import numpy as np
from dlim.augment import Augmentation
drawing = Augmentation()
for number in range(120):
    pixels = np.full((20, 20, 3), 255, np.uint8)
    pixels[4:16, 2 : 3 + number % 16] = number
    drawing.image(pixels, f"sign_{number:03d}", (2, 4, 3 + number % 16, 16), f"sign_{number:03d}")
"""

TWO = """<object><name>Skip It</name><truncated>0</truncated><difficult>0</difficult>
<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>6</xmax><ymax>24</ymax></bndbox></object></annotation>
"""

SSD = 'canvas = [400, 400]\n[labels]\n"sign_*" = "sign"\n"Skip It" = "skip"\nmoved = "close"\n'
RESNET34 = 'canvas = "native"\n[labels]\n"Skip It" = "skip"\n'


@pytest.fixture(scope="session")
def built_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with four projects, all built; nothing in it may be changed."""
    made = new_workspace(tmp_path_factory.mktemp("built"))
    made.learner("ssd", SSD)
    made.learner("resnet34", RESNET34)
    moved = made.project("moved", MOVED, settings='placement = "right-upper"\n')
    xml = moved / "master/image_extended.xml"
    xml.write_text(xml.read_text().replace("</annotation>\n", TWO))
    made.project("own", OWN)
    made.project("far", MOVED, size=(120, 60), label="far")
    drawn = made.project("drawn", DRAWN, settings="generator = true\n")
    for name in ("image.jpg", "image_extended.xml"):
        (drawn / "master" / name).unlink()
    done = made.doit("build")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def built(workspace: Workspace, name: str, learner: str) -> Built:
    """What is built there of a project for a learner."""
    chosen = config.load(workspace.folder / "config").learners[learner]
    project = projects.load(workspace.folder / "projects")[name]
    assert isinstance(project, Project)
    variations = project.build / ".variations" / canvas_name(chosen.size)
    return Built(project, learner, chosen, project.build / ".objects", variations, project.build / learner)
