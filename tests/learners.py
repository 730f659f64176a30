"""Learners that learn in no time: shell scripts that count their images, and wait where they are told to."""

from __future__ import annotations

from tests.conftest import Workspace

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


def lines(workspace: Workspace, *arguments: str, status: int = 0) -> list[str]:
    """What doit prints; it must end with that status, and without a traceback."""
    done = workspace.doit(*arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout.splitlines()


def only(found: list[str], text: str) -> str:
    """The one line that begins so."""
    [line] = [line for line in found if line.startswith(text)]
    return line


def refused(workspace: Workspace, *arguments: str) -> str:
    """The one line in which a command says why it does not do it."""
    done = workspace.doit(*arguments)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stderr.strip().splitlines()[-1]
