"""Learners that learn in no time: shell scripts that count their images, and wait where they are told to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Workspace, new_workspace
from tests.in_process import Answer, doit

LEARNER = """canvas = {canvas}
[learning]
program = "program"
dataset_dir = "{dataset}"
command = "sh train.sh"
test = "sh test.sh"
results = "results/report.json"
[service]
check = "sh check.sh"
"""

TRAIN = """set -e
echo "reads $DLIM_DATASET"
count=$(ls "$DLIM_DATASET/JPEGImages" | wc -l)
mkdir -p weights
for epoch in 1 2 3; do echo "epoch $epoch/3 loss 0.$epoch"; done
if [ -e slow ]; then echo waiting; while [ -e slow ]; do sleep 0.1; done; fi
if [ -e broken ]; then echo "no such GPU"; exit 3; fi
printf 'weight of %s images, %s\\n' "$count" "$(cat salt 2>/dev/null)" > weights/best_weight.pth
"""

TEST = """mkdir -p results
echo '{"val_accuracy": 0.875, "classes": {"close_btn": {"recall": 1}}}' > results/report.json
"""

CHECK = """grep -q '^weight of' "$DLIM_WEIGHT" && ! grep -q bad "$DLIM_WEIGHT" && echo fine
"""


def give_learners(workspace: Workspace) -> Workspace:
    """Give a workspace one project, and the two usual learners with such a program.

    In the learner's folder on the server, a file `slow` makes them wait, `broken` fail, and what `salt` holds gets into
    the weight.
    """
    workspace.project("close_btn")
    program = workspace.folder / "program"
    program.mkdir()
    for name, text in {"train.sh": TRAIN, "test.sh": TEST, "check.sh": CHECK}.items():
        (program / name).write_text(text)
    workspace.learner("ssd", LEARNER.format(canvas="[400, 400]", dataset="VOCdevkit/BCCD"))
    workspace.learner("resnet34", LEARNER.format(canvas='"native"', dataset="dataset/GAA_DATA/data_set"))
    return workspace


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one project and those learners, its datasets built."""
    workspace = give_learners(new_workspace(tmp_path_factory.mktemp("built")))
    lines(workspace, "dataset")
    return workspace.folder


@pytest.fixture
def here(built: Path, tmp_path: Path) -> Workspace:
    """A copy of that workspace, of the test's own."""
    return Workspace(shutil.copytree(built, tmp_path / "workspace", symlinks=True))


RUN = ("dataset", "ship", "task")
"""What doit runs as tasks; all else is a command."""


def answered(workspace: Workspace, *arguments: str) -> Answer:
    """What doit answers: never with a traceback, and on stderr where a command can't do what it is asked for."""
    run = arguments[0].partition(":")[0] in RUN
    answer = doit(workspace.folder, *(("run", *arguments) if run else arguments))
    assert "Traceback" not in answer.out + answer.err
    assert run or bool(answer.err) == bool(answer.status), answer
    return answer


def lines(workspace: Workspace, *arguments: str, status: int = 0) -> list[str]:
    """What doit prints; it must end with that status."""
    answer = answered(workspace, *arguments)
    assert answer.status == status, answer.out + answer.err
    return answer.lines


def only(found: list[str], text: str) -> str:
    """The one line that begins so."""
    [line] = [line for line in found if line.startswith(text)]
    return line


def refused(workspace: Workspace, *arguments: str) -> str:
    """The one line in which a task or a command says why it does not do it."""
    answer = answered(workspace, *arguments)
    if answer.status == 1:
        return only(answer.lines, "FAILED ").removeprefix("FAILED ")
    assert answer.status == 3, answer
    [line] = answer.err.splitlines()
    return line
