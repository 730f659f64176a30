"""The promise behind all the others: however one got there, a build is what a build from nothing would be."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Workspace, draw_master
from tests.test_tasks import digests

SCRIPT = """import beside
from dlim.augment import Augmentation
variations = Augmentation(count=beside.COUNT)
variations.mix()
variations.brightness()
"""


def paint(workspace: Workspace, project: Path, dice: random.Random) -> None:
    draw_master(project / "master/image.jpg", (32, 24), (8, 6, 24, 18), colour=dice.randrange(150))


def move_box(workspace: Workspace, project: Path, dice: random.Random) -> None:
    path = project / "master/image_extended.xml"
    before, _, after = path.read_text().partition("<xmax>")
    path.write_text(f"{before}<xmax>{dice.randrange(20, 33)}</xmax>{after.partition('</xmax>')[2]}")


def change_module(workspace: Workspace, project: Path, dice: random.Random) -> None:
    (project / "data_augmentation/beside.py").write_text(f"COUNT = {dice.randrange(2, 6)}\n")


def place(workspace: Workspace, project: Path, dice: random.Random) -> None:
    corner = dice.choice(["left-upper", "right-upper", "centre"])
    (project / "project.toml").write_text(f'placement = "{corner}"\n')


def settle(workspace: Workspace, project: Path, dice: random.Random) -> None:
    text = f"seed = {dice.randrange(3)}\n[split]\ntrain_percent = {dice.choice([60, 75, 80])}\n"
    (workspace.folder / "config/dlim.toml").write_text(text)


def relabel(workspace: Workspace, project: Path, dice: random.Random) -> None:
    labels = f'[labels]\n{project.name} = "{dice.choice(["one", "two"])}"\n'
    workspace.learner("ssd", f"canvas = [{dice.choice([64, 400])}, 400]\n{labels}")


def limit(workspace: Workspace, project: Path, dice: random.Random) -> None:
    """At most so many images of each project, and of each label; relabel takes the limits away again."""
    limits = f'[limit.projects]\n"*" = {dice.randrange(3, 9)}\n[limit.labels]\n"*" = {dice.randrange(4, 12)}\n'
    workspace.learner("ssd", f"canvas = [400, 400]\n{limits}")


def add(workspace: Workspace, project: Path, dice: random.Random) -> None:
    change_module(workspace, workspace.project(f"new{dice.randrange(10**6)}", SCRIPT), dice)


def remove(workspace: Workspace, project: Path, dice: random.Random) -> None:
    if len(list(project.parent.iterdir())) > 2:
        shutil.rmtree(project)


def harm(workspace: Workspace, project: Path, dice: random.Random) -> None:
    images = sorted(project.glob("build/*/*.jpg")) + sorted(project.glob("build/.variations/*/*.jpg"))
    for image in dice.sample(images, min(3, len(images))):
        dice.choice([image.unlink, lambda image=image: image.write_bytes(b"harmed")])()


def fail(workspace: Workspace, project: Path, dice: random.Random) -> None:
    """A run that fails in between leaves nothing that a later one could take for good."""
    script = project / "data_augmentation/daug.py"
    script.write_text(SCRIPT + "raise ValueError\n")
    assert workspace.doit("--continue", "dataset").returncode != 0
    script.write_text(SCRIPT)


EDITS: list[Callable[[Workspace, Path, random.Random], None]] = [
    *(paint, move_box, change_module, place, settle, relabel, limit, add, remove, harm, fail)
]


@pytest.mark.parametrize(
    ("seed", "count"),
    [(3, 4), pytest.param(1, None, marks=pytest.mark.long), pytest.param(2, None, marks=pytest.mark.long)],
)
def test_any_way_leads_to_the_same(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory, seed: int, count: int | None
) -> None:
    """After any edits, each followed by a run, the archives are those of a first build, and nothing is left to do."""
    dice = random.Random(seed)
    for name in ("alpha", "beta"):
        change_module(workspace, workspace.project(name, SCRIPT), dice)
    edits = EDITS[:]
    dice.shuffle(edits)
    for edit in edits[:count]:
        project = dice.choice(sorted((workspace.folder / "projects").iterdir()))
        edit(workspace, project, dice)
        done = workspace.doit("-n", "2", "dataset")
        assert done.returncode == 0, f"{edit.__name__}: {done.stdout}{done.stderr}"
    assert workspace.ran("dataset") == set()
    afresh = Workspace(tmp_path_factory.mktemp("afresh") / "workspace")
    shutil.copytree(workspace.folder, afresh.folder, ignore=shutil.ignore_patterns("build", ".dlim", "data_set"))
    assert afresh.doit("dataset").returncode == 0
    assert digests(afresh) == digests(workspace)
