"""The learners in torch, as a server runs them: they learn, come back, deploy, predict, and say what is wrong."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT, XML, Workspace, new_workspace
from tests.learners import lines, only
from tests.test_sample_learner import clean

pytestmark = pytest.mark.torch

QUICK = {
    "ssd": "--epochs 3 --steps 4 --batch 4",
    "resnet34": "--epochs 3 --steps 4 --batch 16 --precision mixed",
}


def run(folder: Path, *words: str | Path, status: int = 0, **environment: str) -> str:
    """What a program prints, in its folder; where it has to fail, its one line on stderr."""
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env=clean({"OMP_NUM_THREADS": "1", **environment}),
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if status:
        assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr if status else done.stdout


def copied(name: str, to: Path) -> Path:
    """A learner's program in a folder of its own."""
    return shutil.copytree(ROOT / "sample" / name, to, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with two of the repository's buttons, their datasets for both learners, and a shot."""
    workspace = new_workspace(tmp_path_factory.mktemp("built"))
    for name in ("close_btn", "install_btn"):
        folder = workspace.project(name)
        shutil.copytree(ROOT / "projects" / name / "master", folder / "master", dirs_exist_ok=True)
    for name, options in QUICK.items():
        text = (ROOT / f"sample/{name}/{name}.toml").read_text().replace("drawn = 1 ", "drawn = 1\nobjects = [1, 2] ")
        text = re.sub(r"python3 (train\.py)( --model \w+)?", rf"python3 \1\2 {options}", text)
        workspace.learner(name, text.replace("python3", f"OMP_NUM_THREADS=1 {sys.executable}"))
        copied(name, workspace.folder / "sample" / name)
    shots = workspace.folder / "shots"
    shots.mkdir()
    shot = Image.effect_noise((300, 200), 40).convert("RGB")
    shot.paste(Image.open(ROOT / "projects/close_btn/master/image.jpg"), (40, 50))
    shot.save(shots / "one.png")
    (shots / "one.xml").write_text(XML.format(width=300, height=200, label="close", box=(41, 51, 72, 82)))
    lines(workspace, "dataset")
    return workspace


@pytest.fixture(scope="module")
def learned(built: Workspace) -> Workspace:
    """The same after both have learned for a few steps."""
    lines(built, "task", "--name", "first")
    return built


def place(workspace: Workspace, learner: str) -> Path:
    return workspace.folder / ".dlim/servers" / learner


@pytest.mark.xdist_group("loop")  # with one `learned` for all of them
def test_the_loss_falls_and_the_numbers_come_back(learned: Workspace) -> None:
    """Each epoch is a line, the loss falls, and the record has the weight and its numbers, those of each label too."""
    record = json.loads((learned.folder / "output/first/record.json").read_bytes())["learners"]
    for learner, number in (("ssd", "map50"), ("resnet34", "accuracy")):
        log = (learned.folder / f"output/first/{learner}.log").read_text()
        epochs = re.findall(
            rf"^epoch (\d)/3 loss ([\d.]+) val_loss [\d.]+ {number} [01]\.\d{{4}} seconds [\d.]+$", log, re.MULTILINE
        )
        assert [epoch for epoch, _ in epochs] == ["1", "2", "3"]
        losses = [float(loss) for _, loss in epochs]
        assert losses[-1] < 0.9 * losses[0]
        one = record[learner]
        assert list(one["weights"]) == ["weights/best_weight.pth"]
        assert one["metrics"]["loss"] == losses[-1]
        assert 0 <= one["metrics"][number] <= 1
        assert one["metrics"]["epochs"] in (1, 2, 3)
        if learner == "ssd":
            assert one["evaluation"]["total"]["objects"] == 1
        assert {"classes.close_btn.recall", "classes.close.recall"} & one["details"].keys()


@pytest.mark.xdist_group("loop")  # with one `learned` for all of them
def test_a_weight_deploys_and_predicts(learned: Workspace, tmp_path: Path) -> None:
    """The check looks at a picture and says what is served; predict.py leaves COCO's results with names for ids."""
    told = lines(learned, "deploy", "first")
    assert re.search(
        r"ok: ssdlite320 on c\w+, [\d.]+ s a picture; 2 labels: close, install_btn", only(told, "ssd | ok")
    )
    assert only(told, "resnet34 | ok").endswith("2 labels: close_btn, install_btn")
    shots = tmp_path / "shots"
    shots.mkdir()
    for name, size in {"wide.png": (900, 300), "tiny.jpg": (90, 40)}.items():
        Image.effect_noise(size, 60).convert("RGB").save(shots / name)
    (shots / "wide.xml").write_text("no picture")
    ssd, resnet34 = place(learned, "ssd"), place(learned, "resnet34")
    said = run(ssd, "predict.py", DLIM_SHOTS=str(shots))
    assert said.endswith("predictions on 2 shots\n")
    found = json.loads((ssd / "results/predictions.json").read_bytes())
    assert found
    boxes = ("--boxes", ssd / "results/predictions.json")
    run(resnet34, "predict.py", *boxes, DLIM_SHOTS=str(shots))
    for one in found + json.loads((resnet34 / "results/predictions.json").read_bytes()):
        assert one.keys() == {"file_name", "label", "bbox", "score"}
        x, y, width, height = one["bbox"]
        wide, high = {"wide.png": (900, 300), "tiny.jpg": (90, 40)}[one["file_name"]]
        assert 0 <= x < x + width <= wide + 0.02
        assert 0 <= y < y + height <= high + 0.02
        assert 0 < one["score"] <= 1
    (shots / "wide.png").unlink()
    run(resnet34, "predict.py", DLIM_SHOTS=str(shots))  # in windows
    answer = json.loads(run(resnet34, "serve.py", shots / "tiny.jpg", "--box", "3,4,30,30"))
    assert answer["label"] in ("close_btn", "install_btn", None)
    (shots / "broken.jpg").write_text("text")
    assert "broken.jpg is no image that can be read" in run(ssd, "predict.py", "--shots", shots, status=1)
    tiny = [one for one in found if one["file_name"] == "tiny.jpg"]
    assert json.loads((ssd / "results/predictions.json").read_bytes()) == tiny


@pytest.mark.xdist_group("loop")  # with one `learned` for all of them
def test_onnx_says_what_torch_says(learned: Workspace) -> None:
    """export.py leaves a file of which onnxruntime says the same, with the labels in it."""
    onnx = pytest.importorskip("onnx")
    for learner, labels in (("ssd", ["close", "install_btn"]), ("resnet34", ["close_btn", "install_btn"])):
        folder = place(learned, learner)
        said = run(folder, "export.py").splitlines()[-1]
        match = re.fullmatch(r"weights/best_weight\.onnx: .* MB; .* differ from torch's by (.*)", said)
        assert match
        assert float(match[1]) < 1e-3
        file = onnx.load(folder / "weights/best_weight.onnx")
        assert json.loads({one.key: one.value for one in file.metadata_props}["labels"]) == labels


@pytest.mark.xdist_group("alone")
def test_the_other_ssd_and_pretrained_weights(built: Workspace, tmp_path: Path) -> None:
    """SSD300 learns and answers; a weight, or a file of torchvision's backbone, is a beginning instead of chance."""
    data, folder = built.folder / "data_set/ssd", copied("ssd", tmp_path / "ssd")
    few = ("--dataset", data, "--epochs", "1", "--steps", "1", "--batch", "2")
    run(folder, "train.py", "--model", "ssd300", *few, "--precision", "mixed")
    assert "ok: ssd300" in run(folder, "serve.py", "--check", "--weight", "weights/best_weight.pth")
    code = """if True:
        import program, torch, torchvision
        backbone = torchvision.models.mobilenet_v3_large(reduced_tail=True)
        torch.save(backbone.state_dict(), "mobilenet.pth")
        import model
        network = model.Detector("ssdlite320", ("a",), 400)
        print(program.start(network, program.Path("mobilenet.pth")))
        ours = [v for n, v in network.state_dict().items() if n.startswith("net.backbone.features")]
        theirs = [v for n, v in backbone.state_dict().items() if n.startswith("features")]
        print(len(ours) <= len(theirs) and all(map(torch.equal, ours, theirs)))
    """
    assert run(folder, "-c", code).endswith("True\n")
    own = ("--model", "ssd300", *few, "--pretrained", "weights/best_weight.pth", "--weight", "weights/next.pth")
    assert re.search(r": (\d+) of the network's \1 tensors", run(folder, "train.py", *own))
    (folder / "text.pth").write_text("text")
    assert "text.pth is broken" in run(folder, "train.py", *few, "--pretrained", "text.pth", status=1)


@pytest.mark.xdist_group("alone")
def test_a_training_that_was_cut_off_goes_on(built: Workspace, tmp_path: Path) -> None:
    """After a kill the same command goes on from the last whole epoch; it ends early where nothing gets better."""
    data, folder = built.folder / "data_set/resnet34", copied("resnet34", tmp_path / "resnet34")
    words = ("--dataset", data, "--epochs", "30", "--steps", "2", "--batch", "4", "--patience", "2", "--rate", "1e-3")
    with subprocess.Popen(
        [sys.executable, "train.py", *map(str, words)], cwd=folder, stdout=subprocess.PIPE, text=True, env=clean({})
    ) as training:
        assert training.stdout
        while not training.stdout.readline().startswith("epoch 2/"):
            assert training.poll() is None
        training.send_signal(signal.SIGKILL)
    assert not (folder / "weights/best_weight.pth").exists()
    said = run(folder, "train.py", *words)
    on = re.search(r"goes on after epoch (\d)", said)
    first = re.search(r"^epoch (\d+)/30", said, re.MULTILINE)
    assert on
    assert first
    assert int(first[1]) == int(on[1]) + 1
    assert "nothing got better in 2 epochs: it ends here" in said
    assert not list((folder / "checkpoint").iterdir())
    assert "checkpoint" not in run(folder, "train.py", *words[:2], "--epochs", "1", "--steps", "1")


@pytest.mark.xdist_group("alone")
def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    """Without torch a line says what to install; a broken weight, no dataset and no such device are a line as well."""
    for name in QUICK:
        folder = copied(name, tmp_path / name)
        said = run(folder, "-S", "train.py", status=1)
        assert said.rstrip().endswith("; python3 -m pip install -r requirements.txt")
    assert "set DLIM_DATASET" in run(folder, "train.py", status=1)
    (folder / "weights").mkdir()
    (folder / "weights/latest_weight.pth").write_bytes(b"half")
    assert "latest_weight.pth is broken" in run(folder, "serve.py", "--check", status=1)
    assert "say cpu" in run(folder, "serve.py", "--check", "--device", "cuda:77", status=1)


@pytest.mark.xdist_group("alone")
def test_boxes_are_judged_and_tiled(tmp_path: Path) -> None:
    """Average precision is dlim's own, and a 32 px button at any place of a large screen is whole on a small tile."""
    folder = copied("ssd", tmp_path / "ssd")
    code = """if True:
        import random, program, torch, boxes
        from boxes import Found
        from dlim.geometry import Box, Object
        from dlim.runs.evaluation import Prediction, evaluate
        torch.manual_seed(3)
        truth, found, things, predictions = [], [], {}, []
        for shot in range(20):
            there = torch.rand(4, 2) * 200
            there = torch.cat([there, there + 20 + torch.rand(4, 2) * 60], 1)
            labels = torch.randint(0, 2, (4,))
            near = torch.cat([there + torch.randn(4, 4) * 8, there + 30])
            answer = Found(near, torch.rand(8), torch.cat([labels, labels]))
            truth.append((there, labels)); found.append(answer)
            things[str(shot)] = [Object("ab"[n], Box(*b)) for b, n in zip(there.tolist(), labels.tolist())]
            predictions += [Prediction(str(shot), "ab"[n], Box(*b), s)
                            for b, s, n in zip(*(part.tolist() for part in answer))]
        judged = evaluate(things, predictions)
        for label in (0, 1):
            assert abs(boxes.judged(truth, found, label).ap50 - judged.labels["ab"[label]].ap50) < 1e-6
        for _ in range(500):
            x, y = random.randrange(1080 - 32), random.randrange(2400 - 32)
            button = torch.tensor([[x, y, x + 32, y + 32]], dtype=torch.float)
            assert any(
                left <= x and top <= y and x + 32 <= left + 200 and y + 32 <= top + 200
                and boxes.uncut(button, (left, top), 200, 1080, 2400).all()
                for left, top in boxes.tiles(1080, 2400, 200)
            ), (x, y)
    """
    run(folder, "-c", code, PYTHONPATH=str(ROOT))
