"""From a dataset to a weight in service and back, as people type it, on folders of this machine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dlim.store import sha256
from tests import learners
from tests.conftest import ROOT, Workspace
from tests.in_process import doit
from tests.learners import lines, only, refused

built, here = learners.built, learners.here
"""The fixtures of this file: a workspace with one project, and two learners that learn in no time."""


def server(workspace: Workspace, name: str = "ssd") -> Path:
    """The folder that stands for a learner's server."""
    folder = workspace.folder / ".dlim/servers" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def weight(workspace: Workspace, name: str = "ssd") -> str:
    return (server(workspace, name) / "weights/latest_weight.pth").read_text().strip()


def test_the_whole_loop(here: Workspace) -> None:
    """Task, outputs, deploy, a second one, undeploy: each does what it says."""
    found = lines(here, "task", "--name", "first", "--memo", "a try")
    assert "ssd | epoch 3/3 loss 0.3" in found
    only(found, "output/first: whole;")
    names = [
        "memo.txt",
        "record.json",
        "record.json.sha256",
        *(f"{each}{end}" for each in ("resnet34", "ssd") for end in (".log", ".tar.gz")),
    ]
    names += ["resnet34_dlim.tar.gz", "ssd_dlim.tar.gz"]
    assert sorted(path.name for path in (here.folder / "output/first").iterdir()) == sorted(names)
    assert (here.folder / "output/first/memo.txt").read_text() == "a try\n"

    (server(here) / "salt").write_text("second")
    lines(here, "task", "--name", "second")
    table = lines(here, "outputs")
    assert [line.split()[0] for line in table if not line.startswith(" ")] == ["name", "first", "second", "results"]
    assert "val_accuracy 0.875" in only(table, "first")
    assert "in service" not in "".join(table)

    lines(here, "deploy", "first")
    assert weight(here) == "weight of 10 images,"
    lines(here, "deploy", "second")
    assert weight(here) == "weight of 10 images, second"
    assert "in service" in only(lines(here, "outputs"), "second")
    lines(here, "undeploy")
    assert weight(here) == "weight of 10 images,"
    assert "in service" in only(lines(here, "outputs"), "first")

    only(lines(here, "report"), "output/report.html: ")
    page = (here.folder / "output/report.html").read_text()
    assert all(told in page for told in ("first", "second", "a try", "val_accuracy", "tarball:ssd"))


def test_a_weight_answers_where_it_comes_from(here: Workspace) -> None:
    """Its bytes lead to dataset, masters, boxes, scripts, settings, program, server, times and results."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for command in (["init", "-q"], ["add", "config", "projects", "program", "dodo.py"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], cwd=here.folder, check=True, capture_output=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], cwd=here.folder, capture_output=True, text=True, check=True)
    lines(here, "task:ssd", "--name", "first")
    lines(here, "deploy", "first", "--learner", "ssd")

    latest = server(here) / "weights/latest_weight.pth"
    told = "\n".join(lines(here, "trace", str(latest)))
    project = here.folder / "projects/close_btn"
    for path in ("master/image.jpg", "master/image_extended.xml", "data_augmentation/daug.py"):
        assert f"{path} {sha256(project / path)[:12]}" in told
    assert f"config/learners/ssd.toml {sha256(here.folder / 'config/learners/ssd.toml')[:12]}" in told
    assert f"program train.sh {sha256(here.folder / 'program/train.sh')[:12]}" in told
    assert f"sha256 {sha256(here.folder / 'data_set/ssd.tar.gz')}" in told
    assert f"source {commit.stdout.strip()}" in told
    assert "result val_accuracy 0.875" in told
    assert "since then: nothing that it was learned from has changed here" in told

    # elsewhere there is the weight, and what lies beside it
    record = json.loads(latest.with_name("latest_weight.pth.json").read_bytes())
    assert record["learners"]["ssd"]["weights"]["weights/best_weight.pth"]["sha256"] == sha256(latest)
    (project / "data_augmentation/daug.py").write_text("print()")
    here.project("skip_btn")
    told = "\n".join(lines(here, "trace", str(latest)))
    assert "since then: close_btn: data_augmentation/daug.py changed" in told
    assert "since then: skip_btn: is new" in told
    for file, what in (("output/first/ssd.tar.gz", "the archive"), ("data_set/ssd.tar.gz", "the dataset")):
        assert lines(here, "trace", file)[0] == f"{file}: {what} of ssd, from first"
    latest.write_text("another")
    assert refused(here, "trace", str(latest)).startswith(f"{latest}: is nothing that first knows")


def test_an_image_answers_where_it_comes_from(here: Workspace) -> None:
    """The bytes of a single image lead to its project's files and to what was drawn for it."""
    project = here.folder / "projects/close_btn"
    image = "data_set/ssd/JPEGImages/close_btn_0007.jpg"
    what, drawn, files = lines(here, "trace", image)
    assert what == f"{image}: projects/close_btn/build/ssd/close_btn_0007.jpg, which shows close_btn"
    assert drawn.startswith("  made as projects/close_btn/build/.variations/400x400/mix-0002.jpg: mix, rotation ")
    assert f"master/image.jpg {sha256(project / 'master/image.jpg')[:12]}" in files
    project.joinpath("master/image.jpg").write_bytes(b"another")
    assert lines(here, "trace", image)[3].startswith("  since then: projects/close_btn/master/image.jpg changed")


def test_damage_of_an_output_is_found(here: Workspace) -> None:
    lines(here, "task:ssd", "--name", "first")
    assert lines(here, "verify")[-1] == "1 outputs were read, and all are as they were brought back"
    archive = here.folder / "output/first/ssd.tar.gz"
    data = bytearray(archive.read_bytes())
    data[-20] ^= 1
    archive.write_bytes(data)
    (here.folder / "output/second").mkdir()
    (here.folder / "output/second/record.json").write_text("{")
    answer = doit(here.folder, "verify")
    assert answer.status == 1
    told = answer.lines
    assert told[0] == "output/first/ssd.tar.gz: is damaged"
    assert told[1].startswith("output/second/record.json: is no record of a learning task: ")
    assert told[-1] == "2 of 2 outputs are damaged; restore them, or doit output:rm NAME deletes one"


def test_an_outputs_snapshot_builds_the_same_dataset(here: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What an output keeps of the workspace is enough to make its dataset again, byte for byte."""
    lines(here, "task:ssd", "--name", "first")
    to = tmp_path_factory.mktemp("again")
    with tarfile.open(here.folder / "output/first/ssd_dlim.tar.gz") as tar:
        names = tar.getnames()
        tar.extractall(to)
    assert "data_set/ssd.tar.gz" in names
    assert not [name for name in names if name.startswith((".dlim", "output", "data_set/ssd/")) or "/build/" in name]
    was = sha256(to / "data_set/ssd.tar.gz")
    (to / "data_set/ssd.tar.gz").unlink()
    lines(Workspace(to), "dataset:ssd")
    assert sha256(to / "data_set/ssd.tar.gz") == was


def test_shipping_twice(here: Workspace) -> None:
    """The second time there is nothing to send; after a change of one project of three, its shard and the lists."""
    here.project("skip_btn")
    here.project("install_btn")
    assert "5 of 5 pieces" in only(lines(here, "ship:ssd"), "ship:ssd: .dlim")
    assert "nothing to send; the learner reads it already" in only(lines(here, "ship:ssd"), "ship:ssd: .dlim")
    script = here.folder / "projects/skip_btn/data_augmentation/daug.py"
    script.write_text(script.read_text().replace("height", "zoom"))
    assert "2 of 5 pieces" in only(lines(here, "ship:ssd"), "ship:ssd: .dlim")


def test_a_training_that_fails(here: Workspace) -> None:
    """One line with its status, its last words and its log; then the same command begins it again."""
    (server(here) / "broken").touch()
    failed = refused(here, "task:ssd", "--name", "first")
    assert failed == (
        'ssd: its learning ended with status 3, saying "no such GPU"; '
        "see output/.unfinished/first/ssd.log; the same command begins it again"
    )
    assert "no such GPU" in (here.folder / "output/.unfinished/first/ssd.log").read_text()
    assert not (here.folder / "output/first").exists()
    assert "not yet" in only(lines(here, "outputs"), "first")
    (server(here) / "broken").unlink()
    lines(here, "task:ssd")  # without its name: there is only one to go on with
    assert (here.folder / "output/first/ssd.tar.gz").exists()


def test_a_training_whose_weights_are_called_otherwise(here: Workspace) -> None:
    """What lies there from before is not what was learned; with another pattern it goes on, and learns no second time.

    A result from before isn't this one's either, and a test that fails is shown.
    """
    lines(here, "task:ssd", "--name", "first")
    (here.folder / "program/train.sh").write_text("echo loss 0.5; echo weight of $(cat $DLIM_CLASSES) >classes.pt")
    (here.folder / "program/test.sh").write_text("exit 7")
    failed = refused(here, "task:ssd", "--name", "second")
    assert failed.startswith("ssd: it ended well, but left no new file that matches weights/*.pth and isn't")
    assert "; name another pattern as learning.weights in config/learners/ssd.toml and run the same command" in failed
    file = here.folder / "config/learners/ssd.toml"
    added = 'weights = "*.pt"\nnumbers.loss = "loss ([0-9.]+)"\n[service]'
    file.write_text(file.read_text().replace("[service]", added))
    found = lines(here, "task:ssd", "--name", "second")
    assert not [line for line in found if line.startswith("ssd: learns on")]
    row = only(lines(here, "outputs"), "second")
    assert "test failed, status 7; loss 0.5" in row
    lines(here, "deploy", "second")
    assert weight(here) == "weight of close_btn"


def begun(here: Workspace, *arguments: str) -> subprocess.Popen[str]:
    """A task whose learner waits; it is followed from another process."""
    (server(here) / "slow").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "doit", *arguments],
        cwd=here.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line == "ssd | waiting\n":
            return process
    raise AssertionError("it ended before it learned")


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    assert process.stdout is not None
    with process:
        return process.wait(60), process.stdout.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whoever_follows_may_go(number: signal.Signals, here: Workspace) -> None:
    """However the one who looks on is ended, the learning goes on, and the same command attaches to it again."""
    process = begun(here, "task:ssd", "--name", "first")
    process.send_signal(number)
    status, text = ended(process)
    assert status in (130, -number)
    if number != signal.SIGKILL:
        assert "ssd: goes on learning; the same command attaches again, doit cancel:ssd ends it" in text
    assert "first" in only(lines(here, "servers"), "ssd")
    (server(here) / "slow").unlink()
    found = lines(here, "task:ssd", "--name", "first")
    assert not [line for line in found if line.startswith("ssd: learns on")]
    log = (here.folder / "output/first/ssd.log").read_text()
    assert log.count("epoch 1/3") == 1
    assert log.count("waiting") == 1


def test_a_second_task_is_refused(here: Workspace) -> None:
    """While one learns, another of the same learner is told by whom, and since when; the workspace is free to build."""
    process = begun(here, "task:ssd", "--name", "first")
    told = refused(here, "task:ssd", "--name", "second")
    assert re.match(r"ssd: learns already: first, by \S+@\S+ since \d{4}-\d\d-\d\d \d\d:\d\d UTC; wait", told)
    told = refused(here, "task:ssd", "--name", "first")
    assert told.startswith(f"first: is followed already, by process {process.pid}; ")
    here.project("skip_btn")
    lines(here, "dataset")
    told = refused(here, "ship:ssd")
    assert re.match(r"ssd: learns already: first, by \S+@\S+ since \d{4}-\d\d-\d\d \d\d:\d\d UTC; wait", told)
    (server(here) / "slow").unlink()
    status, text = ended(process)
    assert status == 0, text
    record = json.loads((here.folder / "output/first/record.json").read_bytes())
    assert list(record["learners"]["ssd"]["origin"]["projects"]) == ["close_btn"], (
        "what was learned from, not what is here"
    )


def test_cancelling(here: Workspace) -> None:
    """One line at either end; the same command begins it anew."""
    process = begun(here, "task:ssd", "--name", "first")
    assert only(lines(here, "cancel:ssd"), "ssd: ").startswith("ssd: its learning on .dlim/servers/ssd is ended")
    status, text = ended(process)
    assert status == 1
    assert re.search(r"FAILED ssd: was cancelled by \S+@\S+ at ", text)
    assert refused(here, "cancel:ssd") == ("ssd: learns nothing on .dlim/servers/ssd; there is nothing to end")
    assert refused(here, "cancel") == "cancel: nothing is learning; doit servers shows what each server does"
    process = begun(here, "task:ssd", "--name", "first")
    assert lines(here, "cancel") == [
        "ssd: its learning on .dlim/servers/ssd is ended",
        "resnet34: learns nothing on .dlim/servers/resnet34; there is nothing to end",
    ]
    assert ended(process)[0] == 1
    (server(here) / "slow").unlink()
    lines(here, "task:ssd", "--name", "first")


def test_a_lost_job(here: Workspace) -> None:
    """Killed with all that could tell how it ended: it is said to be lost, and the same command begins it anew."""
    process = begun(here, "task:ssd", "--name", "first")
    [job] = (server(here) / ".dlim/ssd/jobs").iterdir()
    os.killpg(os.getpgid(int((job / "pid").read_text())), signal.SIGKILL)
    (server(here) / "slow").unlink()
    status, text = ended(process)
    assert status == 1
    assert "FAILED ssd: was lost: it was killed, and nothing was left to say how it ended" in text
    lines(here, "task:ssd", "--name", "first")


def test_a_check_that_fails_switches_back(here: Workspace) -> None:
    """The weight that was in service is there again, and the line says what the check said last."""
    lines(here, "task:ssd", "--name", "good")
    lines(here, "deploy", "good", "--learner", "ssd")
    (server(here) / "salt").write_text("bad")
    lines(here, "task:ssd", "--name", "bad")
    before = weight(here)
    failed = refused(here, "deploy", "bad", "--learner", "ssd")
    assert failed.startswith("ssd: ")
    assert weight(here) == before
    assert "in service" in only(lines(here, "outputs"), "good")


def test_learners_without_an_archive_are_skipped(here: Workspace) -> None:
    """And said; an output that has nothing of what was asked for is an error."""
    lines(here, "task:ssd", "--name", "first")
    found = lines(here, "deploy", "first")
    only(found, "resnet34: skipped, as first has no archive of it")
    assert not (server(here, "resnet34") / "weights").exists()
    failed = refused(here, "deploy", "first", "--learner", "resnet34")
    assert failed == "first: holds nothing of resnet34; choose another output"


def test_a_damaged_archive_is_not_deployed(here: Workspace) -> None:
    """What is in service stays; the line names the file."""
    lines(here, "task:ssd", "--name", "first")
    archive = here.folder / "output/first/ssd.tar.gz"
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)
    failed = refused(here, "deploy", "first", "--learner", "ssd")
    assert failed.startswith("output/first/ssd.tar.gz: ")
    assert not (server(here) / "weights/latest_weight.pth").exists()
    assert refused(here, "output", "first", "--check") == ("output/first/ssd.tar.gz: is damaged; restore it")


def test_the_dataset_of_that_time_goes_along(here: Workspace) -> None:
    """With --dataset the server reads again what the weight was learned from."""
    lines(here, "task:ssd", "--name", "first")
    images = server(here) / "VOCdevkit/BCCD/JPEGImages"
    before = sorted(path.name for path in images.iterdir())
    here.project("skip_btn")
    lines(here, "ship:ssd")
    assert sorted(path.name for path in images.iterdir()) != before
    lines(here, "deploy", "first", "--dataset", "--learner", "ssd")
    assert sorted(path.name for path in images.iterdir()) == before


def test_deleting_outputs(here: Workspace) -> None:
    """What is in service stays unless it is forced; what isn't whole can go as well."""
    lines(here, "task:ssd", "--name", "first")
    lines(here, "deploy", "first")
    assert (
        refused(here, "output:rm", "first")
        == "first: is in service for ssd; deploy another output there, or say --force"
    )
    only(lines(here, "output:rm", "first", "--force"), "first: deleted;")
    assert not (here.folder / "output/first").exists()
    (server(here) / "broken").touch()
    lines(here, "task:ssd", "--name", "second", status=1)
    only(lines(here, "output:rm", "second"), "second: deleted; it was not whole yet")
    assert lines(here, "outputs") == ["there is no output yet; doit task makes one"]


Prepare = Callable[[Workspace], object]

SLIPS: dict[str, tuple[list[str], str]] = {
    "no name": (["deploy"], "deploy: wants the name of an output; doit deploy NAME; there are: none yet"),
    "no such output": (["deploy", "frist"], '"frist": is no output; there is none to choose from'),
    "a path for a name": (["output:rm", "../x"], '"../x": is no output; there is none to choose from'),
    "no such learner": (["deploy", "x", "--learner", "sdd"], '"x": is no output; there is none to choose from'),
    "undeploy of nothing": (
        ["undeploy", "--learner", "sdd"],
        '--learner: "sdd" is no learner; did you mean "ssd"?',
    ),
    "no such file": (["trace", "nothing.pth"], "nothing.pth: is no file; name a weight"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_slips_are_one_line(slip: str, here: Workspace) -> None:
    """Each names the place, the fault and the way out, and nothing is made."""
    arguments, expected = SLIPS[slip]
    assert refused(here, *arguments).startswith(expected)
    assert not (here.folder / "output").exists()


def test_a_name_that_no_output_can_have(here: Workspace) -> None:
    """It is refused before anything is made."""
    failed = refused(here, "task", "--name", "a/b")
    assert failed.startswith('"a/b": is no name for a learning task; use at most')
    assert not (here.folder / "output").exists()


def test_a_learner_that_doesnt_say_how_it_learns(here: Workspace) -> None:
    """Before anything is made or sent, the line names its file."""
    here.learner("ssd", "canvas = [400, 400]\n")
    failed = refused(here, "task:ssd")
    assert failed.startswith("config/learners/ssd.toml: learning.command: is missing; say there what")
    assert not (here.folder / "output").exists()


@pytest.mark.long
def test_the_sample_learner_learns(workspace: Workspace) -> None:
    """The program of this repository learns two buttons by itself, and its weight passes its own check in service."""
    (workspace.folder / "sample").mkdir()
    (workspace.folder / "sample/learner").symlink_to(ROOT / "sample/learner")
    for name in ("ssd", "resnet34"):
        text = (ROOT / f"config/learners/{name}.toml").read_text()
        workspace.learner(name, text.replace("train.py", "train.py --epochs 3"))
    workspace.project("close_btn", size=(32, 24))
    workspace.project("skip_btn", size=(60, 20))
    lines(workspace, "task", "--name", "first")
    for learned in json.loads((workspace.folder / "output/first/record.json").read_bytes())["learners"].values():
        assert 0 <= learned["metrics"]["val_accuracy"] <= 1
    assert "ssd | ok: 2 classes" in lines(workspace, "deploy", "first")
