"""A dataset's files are read as they lie there, and counted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from dlim import store
from dlim.geometry import Box, Object
from dlim.report import dataset
from dlim.report.dataset import Owners, Row, counted
from tests.report.datasets import BOX, SIZE, TRAIN, VAL, Made, jpeg, made


@pytest.fixture
def packed(tmp_path: Path) -> Made:
    return made(tmp_path / "ssd")


def test_all_of_it_is_read(packed: Made) -> None:
    """Every image with its project, its part, its size, its digest and its boxes."""
    found = packed.read()
    assert list(found.examples) == sorted([*TRAIN, *VAL])
    example = found.examples["close_0005"]
    assert (example.project, example.parts, example.size) == ("close", ("val",), SIZE)
    assert example.sha256 == store.sha256(packed.image("close_0005"))
    assert [(thing.label, thing.box) for thing in example.objects] == [("close", BOX)]
    assert not example.faults
    assert not example.changed
    assert found.lists["test"] == VAL
    assert not found.changed


def test_no_dataset(tmp_path: Path) -> None:
    """Where nothing was packed there is none, and that is no fault."""
    assert dataset.read(tmp_path, Owners({}, {})) is None


def test_changed_files_are_known(packed: Made) -> None:
    """A file that isn't as dlim packed it is told from all others, even where its size is the same."""
    packed.edit("close_0002", "<xmin>17<", "<xmin>18<")
    packed.image("close_0003").write_bytes(jpeg(99))
    packed.list("train").write_text("close_0001\n")
    found = packed.read()
    changed = {name: example.changed for name, example in found.examples.items() if example.changed}
    assert changed == {"close_0002": ("Annotations/close_0002.xml",), "close_0003": ("JPEGImages/close_0003.jpg",)}
    assert found.changed == ("ImageSets/Main/train.txt",)


@pytest.mark.parametrize("manifest", [None, "", "{}", "[1]", '{"files": 3}'])
def test_without_a_manifest_nothing_counts_as_changed(packed: Made, manifest: str | None) -> None:
    """Where nobody knows how it was packed, that everything was changed would tell nobody anything."""
    path = packed.folder / store.MANIFEST
    path.unlink() if manifest is None else path.write_text(manifest)
    assert not any(example.changed for example in packed.read().examples.values())


def test_sizes_are_those_of_the_images(packed: Made) -> None:
    """Of an image that dlim packed as well as of one that somebody has put there."""
    packed.image("close_0001").write_bytes(jpeg(50, (80, 30)))
    assert packed.read().examples["close_0001"].size == (80, 30)
    packed.seal()
    assert packed.read().examples["close_0001"].size == (80, 30)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("progressive", {"progressive": True}),
        ("grey", {}),
        ("exif", {"exif": b"Exif\0\0" + b"\xff\xda" * 40}),
        ("thumbnail", {"comment": b"\xff\xda\xff\xc0\0\x11\x08\0\1\0\1\3\1\x11\0\2\x11\1\3\x11\1"}),
    ],
)
def test_headers_of_every_kind(packed: Made, name: str, options: dict[str, object]) -> None:
    """A header that looks as if it ended early doesn't lie about the size."""
    image = Image.new("L" if name == "grey" else "RGB", (40, 24))
    image.save(packed.image("close_0001"), "JPEG", **options)
    packed.seal()
    example = packed.read().examples["close_0001"]
    assert example.size == (40, 24)
    assert not example.faults


def test_characters_are_known(packed: Made) -> None:
    """The sign that a label stands for is taken from the table, a comma as well as any other."""
    table = 'label,code_point,character,name\nclose,U+2C,",",COMMA\nskip,U+304D,き,KI\nbroken\n'
    (packed.folder / "characters.csv").write_text(table, encoding="utf-8")
    assert packed.read().signs == {"close": ",", "skip": "き"}


def test_odd_names(packed: Made) -> None:
    """Names that no reader expects are read, and told as they are."""
    for name in ("a b", "<b>", "é", os.fsdecode(b"\xff\xfe")):
        packed.image(name).write_bytes(jpeg(60))
    (packed.folder / "JPEGImages/Thumbs.db").write_bytes(b"")
    (packed.folder / "JPEGImages/.jpg").write_bytes(b"")
    found = packed.read()
    assert {"a b", "<b>", "é", "\udcff\udcfe"} <= set(found.examples)
    assert found.strays == ("JPEGImages/.jpg", "JPEGImages/Thumbs.db")


def test_folders_that_are_gone(packed: Made) -> None:
    """A dataset without images is read as one, and so is a folder in the place of a file."""
    for path in packed.image("a").parent.iterdir():
        path.unlink()
    packed.image("a").parent.rmdir()
    packed.xml("close_0001").unlink()
    packed.xml("close_0001").mkdir()
    found = packed.read()
    assert {example.size for example in found.examples.values()} == {None}
    assert found.examples["close_0001"].faults == {"Annotations/close_0001.xml": "can't be read (Is a directory)"}


def test_counts(tmp_path: Path) -> None:
    """An image counts for each of its labels, a box once, and what no list names not at all."""
    packed = made(tmp_path / "ssd")
    packed.write(
        "close_0001", Object("close", BOX), Object("close", Box(1, 1, 9, 9)), Object("skip", Box(50, 1, 60, 9))
    )
    packed.image("stray_0001").write_bytes(jpeg(40))
    packed.write("stray_0001", Object("close", BOX))
    (packed.folder / "characters.csv").write_text(
        "label,code_point,character,name\nskip,U+304D,き,KI\n", encoding="utf-8"
    )
    found = counted(packed.read())
    assert found.labels == (Row("close", 4, 2, 7), Row("skip", 4, 1, 5, "き"))
    assert found.projects == (Row("close", 4, 2, 8), Row("skip", 3, 1, 4))
    assert found.total == Row("all", 7, 3, 12)
    assert found.total.images == 10
