"""The sample learner, run as a server runs it: copied to a folder of its own, by its own Python."""

from __future__ import annotations

import ast
import json
import os
import pickle
import random
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.conftest import ROOT, Workspace

PROGRAM = ROOT / "sample/learner"
EPOCH = re.compile(r"epoch (\d+)/(\d+) loss (\d+\.\d{4})(?: val_loss (\d+\.\d{4}))? val_accuracy ([01]\.\d{4})")
WEIGHT = "weights/best_weight.pth"


@dataclass(frozen=True)
class Server:
    """A folder with the program in it."""

    folder: Path

    @property
    def weight(self) -> Path:
        return self.folder / WEIGHT

    def run(self, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=self.folder,
            env=clean(environment),
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def said(self, *words: str | Path, **environment: str) -> list[str]:
        """What a program says that must succeed."""
        done = self.run(*words, **environment)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    def fault(self, *words: str | Path, **environment: str) -> str:
        """What a program says that must fail: one line on stderr."""
        done = self.run(*words, **environment)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr.rstrip("\n")

    def report(self) -> Any:
        return json.loads((self.folder / "results/report.json").read_bytes())


def clean(environment: dict[str, str]) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name != "DLIM_DATASET"}
    return {**own, "PYTHONDONTWRITEBYTECODE": "1", **environment}


def new_server(folder: Path) -> Server:
    shutil.copytree(PROGRAM, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Server(folder)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """The program alone."""
    return new_server(tmp_path / "server")


Box = tuple[int, int, int, int]

PLACES = ((2, 3, 32, 33), (36, 25, 60, 45))
"""Left, top, right, bottom of the two boxes that a drawn image can have: half-open, from 0."""


def draw(image: ImageDraw.ImageDraw, label: str, box: Box, ink: tuple[int, ...]) -> None:
    left, top, right, bottom = box[0] + 3, box[1] + 3, box[2] - 4, box[3] - 4
    if label == "cross":
        image.line((left, top, right, bottom), ink, 3)
        image.line((left, bottom, right, top), ink, 3)
    elif label == "ring":
        image.ellipse((left, top, right, bottom), outline=ink, width=3)
    else:
        middle = (top + bottom) // 2
        image.rectangle((left, middle - 2, right, middle + 2), fill=ink)
        if label == "plus":
            image.rectangle(((left + right) // 2 - 2, top, (left + right) // 2 + 2, bottom), fill=ink)


def picture(shapes: Iterable[tuple[str, Box]], dice: random.Random) -> Image.Image:
    """An image of 64x48 with bright shapes on a dark ground, or the other way."""
    dark, bright = (tuple(dice.randrange(low, low + 70) for _ in "rgb") for low in (10, 180))
    ground, ink = (dark, bright) if dice.random() < 0.5 else (bright, dark)
    image = Image.new("RGB", (64, 48), ground)
    for label, box in shapes:
        shift_x, shift_y = dice.randrange(-2, 3), dice.randrange(-2, 3)
        shifted = (box[0] + shift_x, box[1] + shift_y, box[2] + shift_x, box[3] + shift_y)
        draw(ImageDraw.Draw(image), label, shifted, ink)
    return image


def xml(shapes: Iterable[tuple[str, Box]]) -> str:
    return "".join(
        [
            "<annotation><size><width>64</width><height>48</height><depth>3</depth></size>",
            *(
                f"<object><name>{label}</name><bndbox><xmin>{box[0] + 1}</xmin><ymin>{box[1] + 1}</ymin>"
                f"<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
                for label, box in shapes
            ),
            "</annotation>",
        ]
    )


Parts = dict[str, list[list[str]]]
"""For train and val, the labels on each image: one or two."""


def draw_dataset(folder: Path, parts: Parts) -> Path:
    """A Pascal VOC dataset."""
    dice = random.Random(7)
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    for part, images in parts.items():
        ids = [f"{'-'.join(labels)}_{part}-{number:03}" for number, labels in enumerate(images)]
        for image, labels in zip(ids, images, strict=True):
            shapes = list(zip(labels, PLACES, strict=False))
            picture(shapes, dice).save(folder / f"JPEGImages/{image}.jpg", quality=90)
            (folder / f"Annotations/{image}.xml").write_text(xml(shapes))
        (folder / f"ImageSets/Main/{part}.txt").write_text("".join(f"{image}\n" for image in ids))
    return folder


EASY: Parts = {
    "train": [["cross", "ring"], ["ring", "bar"], ["bar", "cross"], ["cross"], ["bar"]] * 14,
    "val": [["cross", "bar"], ["ring", "cross"], ["bar", "ring"], ["ring"]] * 4,
}
WITH_UNKNOWN: Parts = {"train": EASY["train"], "val": [*EASY["val"], ["cross", "plus"], ["plus", "plus"], ["plus"]]}


@pytest.fixture(scope="module")
def easy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of three labels that are easily told apart."""
    return draw_dataset(tmp_path_factory.mktemp("easy") / "data_set", EASY)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, easy: Path) -> Server:
    """The program after it has learned the easy dataset. Tests leave it as it is."""
    made = new_server(tmp_path_factory.mktemp("trained") / "server")
    lines = made.said("train.py", DLIM_DATASET=str(easy), OPENBLAS_NUM_THREADS="1")
    (made.folder / "log").write_text("\n".join(lines))
    return made


@pytest.fixture
def with_weight(server: Server, trained: Server) -> Server:
    """A server of the test's own with a trained weight, in service too."""
    server.weight.parent.mkdir()
    shutil.copy(trained.weight, server.weight)
    shutil.copy(trained.weight, server.folder / "weights/latest_weight.pth")
    return server


def test_the_loss_falls_and_an_easy_dataset_is_learned(trained: Server) -> None:
    """Every epoch is one line of names and values, from which one can see that it learns."""
    lines = (trained.folder / "log").read_text().splitlines()
    found = [EPOCH.fullmatch(line) for line in lines if line.startswith("epoch ")]
    epochs = [match.groups() for match in found if match]
    assert [(number, count) for number, count, *_ in epochs] == [(str(number), "20") for number in range(1, 21)]
    assert len(epochs) == len(found)
    first, last = epochs[0], epochs[-1]
    assert float(last[2]) < float(first[2]) / 5
    assert float(last[3]) < float(first[3])
    assert float(last[4]) > 0.9


def test_it_says_which_epoch_it_took(trained: Server) -> None:
    """The weight is that of the epoch with the best accuracy on val, the last of several, and the log says so."""
    lines = (trained.folder / "log").read_text().splitlines()
    epochs = [match.groups() for match in map(EPOCH.fullmatch, lines) if match]
    best = max(epochs, key=lambda found: (float(found[4]), int(found[0])))
    assert re.fullmatch(rf"{WEIGHT}: the network after epoch {best[0]}, the best by val_accuracy; \d+\.\d s", lines[-1])


def test_same_dataset_and_seed_same_bytes(trained: Server, server: Server, easy: Path, tmp_path: Path) -> None:
    """Neither the folder, nor the threads that BLAS is given, nor the day decide a byte; the seed does."""
    moved = shutil.copytree(easy, tmp_path / "elsewhere")
    outside = Server(tmp_path)
    outside.said(server.folder / "train.py", "--dataset", moved, OPENBLAS_NUM_THREADS="2")
    assert outside.weight.read_bytes() == trained.weight.read_bytes()
    with zipfile.ZipFile(outside.weight) as file:
        assert {entry.date_time for entry in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    server.said("train.py", "--dataset", easy, "--seed", "2")
    assert server.weight.read_bytes() != trained.weight.read_bytes()


def test_a_weight_is_arrays_without_pickles(trained: Server) -> None:
    """Anyone can open a weight with numpy, and nothing in it runs."""
    with np.load(trained.weight, allow_pickle=False) as arrays:
        assert arrays["labels"].tolist() == ["bar", "cross", "ring"]
        assert arrays["side"] == 24
        assert arrays["inner"].shape == (24 * 24 * 3, 64)
        assert arrays["outer"].shape == (64, 3)
    assert [path.name for path in trained.weight.parent.iterdir()] == [trained.weight.name]


def test_a_box_is_cut_out_to_the_pixel(server: Server) -> None:
    """VOC's xmin to xmax, counted from 1 with both ends inside, are the pixels that the network sees."""
    image = Image.new("RGB", (40, 40), "black")
    ImageDraw.Draw(image).rectangle((8, 16, 31, 39), fill="white")
    image.save(server.folder / "white.png")
    (server.folder / "white.xml").write_text(xml([("white", (8, 16, 32, 40))]))
    code = """if True:
        from pathlib import Path
        import dataset
        (label, box), = dataset._boxes(Path("white.xml"))
        picture = dataset.opened(Path("white.png"))
        print(label, dataset.cut(picture, box, 24, Path()).min())
        wider = box[0] - 1, box[1], box[2], box[3]
        print(dataset.cut(picture, wider, 24, Path())[:, 0].max() < 255)
    """
    assert server.said("-c", code) == ["white 255", "True"]


def test_the_report_agrees_with_the_service(with_weight: Server, tmp_path: Path) -> None:
    """Each number of the report follows from what serve.py says of each box of val."""
    folder = draw_dataset(tmp_path / "data_set", WITH_UNKNOWN)
    with_weight.said("test.py", "--dataset", folder)
    wanted, given, images = [], [], []
    for place, (x, y, x_end, y_end) in enumerate(PLACES):
        paths = [path for path in sorted((folder / "JPEGImages").glob("*_val-*.jpg")) if len(labels_of(path)) > place]
        box = f"{x},{y},{x_end - x},{y_end - y}"
        answers = [line.rsplit(" ", 2) for line in with_weight.said("serve.py", *paths, "--box", box)]
        assert [path for path, _, _ in answers] == [str(path) for path in paths]
        wanted += [labels_of(path)[place] for path in paths]
        given += [label for _, label, _ in answers]
        images += [path.name for path in paths]
    right = [label for label, answer in zip(wanted, given, strict=True) if label == answer]
    report = with_weight.report()
    assert report["val_accuracy"] == pytest.approx(len(right) / len(wanted))
    assert report["known_accuracy"] == pytest.approx(len(right) / (len(wanted) - wanted.count("plus")))
    assert (report["images"], report["boxes"], report["right"]) == (len(set(images)), len(wanted), len(right))
    assert sorted(report["classes"]) == sorted({*wanted, *given})
    for label, found in report["classes"].items():
        assert found["images"] == len({i for i, shown in zip(images, wanted, strict=True) if shown == label})
        assert (found["boxes"], found["right"]) == (wanted.count(label), right.count(label))
        assert found["recall"] == pytest.approx(right.count(label) / wanted.count(label))
        if label in given:
            assert found["precision"] == pytest.approx(right.count(label) / given.count(label))


def labels_of(path: Path) -> list[str]:
    return path.name.partition("_")[0].split("-")


def test_labels_in_val_alone_are_told(with_weight: Server, tmp_path: Path) -> None:
    """What nobody could have learned is counted, and there is an accuracy without it."""
    folder = draw_dataset(tmp_path / "data_set", WITH_UNKNOWN)
    lines = with_weight.said("test.py", DLIM_DATASET=str(folder))
    report = with_weight.report()
    assert (report["unknown_labels"], report["unknown_images"], report["unknown_boxes"]) == (1, 3, 4)
    assert report["val_accuracy"] < report["known_accuracy"] > 0.9
    plus = {"images": 3, "boxes": 4, "right": 0, "precision": None, "recall": 0, "learned": False}
    assert report["classes"]["plus"] == plus
    assert next(line for line in lines if line.startswith("plus")).endswith("never learned")
    assert lines[-1].startswith("3 images show labels that were never learned (1): ")


def test_val_may_show_nothing_that_is_learned(server: Server, tmp_path: Path) -> None:
    """Then there is no loss on val and no accuracy over what is known, and the rest goes on."""
    folder = draw_dataset(tmp_path / "data_set", {"train": [["ring"], ["cross"]], "val": [["plus"]]})
    lines = server.said("train.py", "--dataset", folder, "--epochs", "2")
    assert re.fullmatch(r"epoch 1/2 loss \d\.\d{4} val_accuracy 0\.0000", lines[2])
    assert "val_accuracy 0.0000 known_accuracy - images 1 boxes 1" in server.said("test.py", "--dataset", folder)
    assert server.report()["known_accuracy"] is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_training_that_is_ended_leaves_the_former_weight(server: Server, easy: Path, number: int) -> None:
    """Whatever ends it, there is a whole weight or none, and nothing that weights/*.pth would find."""
    server.weight.parent.mkdir()
    server.weight.write_bytes(b"the former")
    words = [sys.executable, "train.py", "--dataset", str(easy), "--epochs", "1000000"]
    with subprocess.Popen(
        words, cwd=server.folder, env=clean({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as training:
        assert training.stdout
        assert training.stderr
        while not training.stdout.readline().startswith("epoch 3/"):
            assert training.poll() is None
        training.send_signal(number)
        training.stdout.close()
        assert training.wait(60) == (130 if number == signal.SIGINT else -number)
        assert training.stderr.read() == ("interrupted\n" if number == signal.SIGINT else "")
    assert [path.name for path in server.weight.parent.iterdir()] == [server.weight.name]
    assert server.weight.read_bytes() == b"the former"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(("program", "left"), [("train.py", WEIGHT), ("test.py", "results/report.json")])
def test_a_full_disk(with_weight: Server, easy: Path, program: str, left: str) -> None:
    """Where there is no room for what a program leaves, the former one stays, and no half of the new one."""
    path = with_weight.folder / left
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"the former")
    part = path.with_name(f".{path.name}.part")
    part.symlink_to("/dev/full")
    assert "No space left on device" in with_weight.fault(program, "--dataset", easy)
    assert path.read_bytes() == b"the former"
    assert not part.is_symlink()


Spoil = Callable[[Path], object]
"""What is done to a good dataset, or to a good weight."""


def removed(pattern: str) -> Spoil:
    return lambda folder: min(folder.glob(pattern)).unlink()


def filled(pattern: str, data: str) -> Spoil:
    return lambda folder: min(folder.glob(pattern)).write_text(data)


BESIDE = xml([("ring", (64, 0, 70, 9))])
FAULTS: dict[str, tuple[Spoil, str]] = {
    "no folder": (shutil.rmtree, "there is no dataset"),
    "no list": (removed("ImageSets/Main/train.txt"), "train.txt is missing, so this is no Pascal VOC dataset"),
    "nothing to learn": (filled("ImageSets/Main/train.txt", "\n"), "train.txt: the dataset is empty"),
    "nothing to validate": (filled("ImageSets/Main/val.txt", "\n"), "val.txt: the dataset is empty"),
    "no image": (removed("JPEGImages/*.jpg"), ".jpg is missing"),
    "no annotation": (removed("Annotations/*.xml"), ".xml is missing"),
    "no jpeg": (filled("JPEGImages/*.jpg", "white"), "is no image that can be read"),
    "no xml": (filled("Annotations/*.xml", "<annotation>"), "is no annotation that can be read"),
    "no name": (filled("Annotations/*.xml", xml([("", PLACES[0])])), "an object has no name"),
    "no number": (filled("Annotations/*.xml", BESIDE.replace("65", "left")), "could not convert"),
    "box beside the image": (filled("Annotations/*.xml", BESIDE), "shows nothing of it"),
    "nan": (filled("Annotations/*.xml", BESIDE.replace("65", "nan")), "shows nothing of it"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_with_a_dataset_is_one_line(server: Server, tmp_path: Path, name: str) -> None:
    """Train names the file that is at fault, fails, and leaves no weight."""
    spoil, words = FAULTS[name]
    folder = draw_dataset(tmp_path / "data_set", {"train": [["ring"], ["bar"]], "val": [["ring"]]})
    spoil(folder)
    said = server.fault("train.py", "--dataset", folder)
    assert words in said
    assert str(folder) in said
    assert not server.weight.exists()


def test_an_image_without_a_box_is_passed_over(server: Server, tmp_path: Path) -> None:
    """It takes no image file, even, as it teaches nothing."""
    folder = draw_dataset(tmp_path / "data_set", {"train": [["ring"], ["bar"], ["bar"]], "val": [["ring"]]})
    filled("Annotations/*.xml", xml([]))(folder)
    removed("JPEGImages/*.jpg")(folder)
    lines = server.said("train.py", "--dataset", folder, "--epochs", "1")
    assert lines[1] == "2 boxes to learn, of 2 labels; 1 to validate"


def test_no_dataset_is_named(server: Server) -> None:
    """Without an argument and without DLIM_DATASET it doesn't guess."""
    assert server.fault("train.py") == "no dataset is named; give --dataset DIR, or set DLIM_DATASET"
    assert server.fault("train.py", DLIM_DATASET="") == server.fault("train.py")


def test_a_folder_that_can_not_be_made(server: Server, easy: Path) -> None:
    """It is known before the training, not after it, and said in a line."""
    server.weight.parent.write_text("in the way")
    assert server.fault("train.py", "--dataset", easy) == "weights: File exists"


def test_without_numpy(server: Server) -> None:
    """A server that lacks the packages is told so, and what to do."""
    said = server.fault("-S", "train.py")
    assert said.endswith("No module named 'numpy'; python3 -m pip install numpy pillow")


def test_the_service_names_the_label(with_weight: Server, tmp_path: Path) -> None:
    """A line an image: its path, its label, a probability; of all of it, or of a box in it."""
    dice = random.Random(11)
    for label in ("bar", "cross", "ring"):
        picture([(label, PLACES[1])], dice).save(tmp_path / f"{label}.png")
        picture([(label, PLACES[1])], dice).crop(PLACES[1]).save(tmp_path / f"cut {label}.jpg", quality=95)
    boxed = with_weight.said("serve.py", *sorted(tmp_path.glob("[!c]*.png")), "--box", "36,25,24,20")
    whole = with_weight.said("serve.py", *sorted(tmp_path.glob("cut *.jpg")))
    assert [line.rpartition(" ")[0] for line in boxed] == [f"{tmp_path}/bar.png bar", f"{tmp_path}/ring.png ring"]
    assert [line.rpartition(" ")[0] for line in whole] == [
        f"{tmp_path}/cut {label}.jpg {label}" for label in ("bar", "cross", "ring")
    ]
    assert all(0.34 < float(line.rpartition(" ")[2]) <= 1 for line in [*boxed, *whole])


def test_an_image_that_is_none_costs_the_others_nothing(with_weight: Server, tmp_path: Path) -> None:
    """The service says which it can't read, fails, and still answers for the rest, whatever they are called."""
    (tmp_path / "text.jpg").write_text("text")
    odd = tmp_path / "二\nlines é.png"
    picture([("ring", PLACES[0])], random.Random(3)).save(odd)
    done = with_weight.run("serve.py", tmp_path / "text.jpg", tmp_path / "none.jpg", odd, PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert [line.split(" ", 2)[:2] for line in done.stderr.splitlines()] == [
        [f"{tmp_path}/text.jpg", "is"],
        [f"{tmp_path}/none.jpg", "is"],
    ]
    assert done.stdout.startswith(f"{tmp_path}/\\u4e8c\\nlines \\xe9.png ")
    assert done.stdout.count("\n") == 1
    outside = with_weight.fault("serve.py", odd, "--box", "100,0,5,5")
    assert outside.endswith("is 64x48; a box (100.0, 0.0, 105.0, 5.0) shows nothing of it")


def test_a_weight_is_checked(with_weight: Server) -> None:
    """--check says that the weight in service is of use."""
    assert with_weight.said("serve.py", "--check") == ["ok: 3 classes"]
    assert with_weight.run("serve.py").returncode == 2
    assert with_weight.run("serve.py", "--check", "image.jpg").returncode == 2


class Harm:
    """What a pickle would do when it is loaded."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, ...]]:
        return os.mkdir, ("harm",)


def arrays_of(path: Path, **changed: Any) -> None:
    """Write a weight again with other arrays in it."""
    with np.load(path) as file:
        arrays = {**dict(file), **changed}
    with path.open("wb") as out:
        np.savez(out, **{name: array for name, array in arrays.items() if array is not None})


BROKEN: dict[str, tuple[Spoil, str]] = {
    "missing": (Path.unlink, "is missing; train first"),
    "empty": (lambda path: path.write_bytes(b""), "is broken"),
    "half": (lambda path: path.write_bytes(path.read_bytes()[:100_000]), "is broken"),
    "no end": (lambda path: path.write_bytes(path.read_bytes()[:-1]), "is broken"),
    "a bit": (lambda path: path.write_bytes(with_bit(path.read_bytes(), 200_000)), "is broken"),
    "text": (lambda path: path.write_text("weights"), "is broken"),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps(Harm())), "is broken"),
    "a pickle inside": (lambda path: arrays_of(path, labels=np.array([Harm()] * 3, object)), "is broken"),
    "one array": (lambda path: path.write_bytes(npy(np.zeros(3))), "is broken"),
    "another's": (lambda path: arrays_of(path, labels=None), "is broken"),
    "other labels": (lambda path: arrays_of(path, labels=np.array(["a", "b"])), "parts don't fit"),
    "no labels": (lambda path: arrays_of(path, labels=np.array([], "U1")), "parts don't fit"),
    "other size": (lambda path: arrays_of(path, side=np.array(25)), "parts don't fit"),
    "words": (lambda path: arrays_of(path, outer_bias=np.array(["a", "b", "c"])), "is broken"),
    "no numbers": (lambda path: arrays_of(path, outer_bias=np.array([0, np.nan, 0])), "not all of it is numbers"),
}


def with_bit(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def npy(array: np.ndarray[Any, Any]) -> bytes:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {array.shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + array.tobytes()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_weight_fails_the_check(with_weight: Server, name: str) -> None:
    """One line that names the weight, exit 1, and nothing in it has been run."""
    spoil, words = BROKEN[name]
    spoil(with_weight.folder / "weights/latest_weight.pth")
    said = with_weight.fault("serve.py", "--check")
    assert said.startswith("weights/latest_weight.pth ")
    assert words in said
    assert not (with_weight.folder / "harm").exists()


def test_no_bit_of_a_weight_can_turn_unseen(with_weight: Server) -> None:
    """Wherever a weight is damaged, loading it is a Fault, or it is the same network still."""
    path = with_weight.folder / "damaged.pth"
    data = with_weight.weight.read_bytes()
    path.write_bytes(data)
    dice = random.Random(5)
    # its directory, at the end, and the head of each array have what a zip file can be wrong in
    places = [*range(len(data) - 700, len(data)), *range(300), *(dice.randrange(len(data)) for _ in range(200))]
    code = f"""if True:
        from pathlib import Path
        import model, numpy, program
        path, seen = Path("damaged.pth"), 0
        data, whole = path.read_bytes(), model.load(path)
        for place in {places}:
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1:])
            try:
                found = model.load(path)
            except program.Fault as fault:
                assert "\\n" not in str(fault)
                seen += 1
            else:
                assert (found.labels, found.side) == (whole.labels, whole.side)
                assert all(map(numpy.array_equal, found.layers, whole.layers)), place
        print(seen)
    """
    assert int(with_weight.said("-c", code)[0]) > 500


def test_test_needs_a_weight(server: Server, easy: Path) -> None:
    """Without a weight there is nothing to report."""
    assert server.fault("test.py", "--dataset", easy).startswith(f"{WEIGHT} is missing; train first")
    assert not (server.folder / "results").exists()


def test_it_stands_on_numpy_and_pillow_alone() -> None:
    """A training server needs neither dlim nor anything else beside these two."""
    files = sorted(PROGRAM.glob("*.py"))
    found: Counter[str] = Counter()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            if isinstance(node, ast.ImportFrom):
                found.update([str(node.module).split(".")[0]])
    assert found.keys() - sys.stdlib_module_names - {file.stem for file in files} == {"numpy", "PIL"}


def test_the_programs_can_be_run_by_their_names() -> None:
    """As in `./train.py`, where a server's command says so."""
    assert all(os.access(PROGRAM / name, os.X_OK) for name in ("train.py", "test.py", "serve.py"))


def test_it_learns_what_doit_dataset_makes(workspace: Workspace, server: Server) -> None:
    """From masters to a weight that knows them: both usual learners' datasets are read as they are."""
    workspace.project("wide_btn", size=(60, 20))
    workspace.project("tall_btn", size=(16, 40))
    workspace.ran("dataset")
    for name in ("ssd", "resnet34"):
        folder = workspace.folder / "data_set" / name
        server.said("train.py", DLIM_DATASET=str(folder))
        server.said("test.py", DLIM_DATASET=str(folder))
        report = server.report()
        assert sorted(report["classes"]) == ["tall_btn", "wide_btn"]
        assert report["images"] == len((folder / "ImageSets/Main/val.txt").read_text().split())
