"""pack: builds laid out as a dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dlim.errors import DatasetError
from dlim.stages import pack
from dlim.stages.pack import Content, Settings

LABELS = {"close_0001": ["close"], "close_0002": ["close"], "skip_0001": ["skip"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The builds close and skip, and an empty folder out."""
    for name, stems in {"close": ["close_0001", "close_0002"], "skip": ["skip_0001"]}.items():
        (tmp_path / name).mkdir()
        for stem in stems:
            (tmp_path / name / f"{stem}.jpg").write_text(f"image {stem}")
            (tmp_path / name / f"{stem}.xml").write_text(f"annotation {stem}")
        for other in ("manifest.json", "index.json"):
            (tmp_path / name / other).write_text("{}")
    (tmp_path / "out").mkdir()
    return tmp_path


def content(
    folder: Path, train: tuple[str, ...] = ("close_0001", "skip_0001"), val: tuple[str, ...] = ("close_0002",)
) -> Content:
    return Content({name: folder / name for name in ("close", "skip")}, LABELS, train, val)


def files(folder: Path) -> dict[str, str]:
    out = folder / "out"
    return {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*") if path.is_file()}


def test_the_layout(folder: Path) -> None:
    """Annotations, images and lists lie where readers of VOC look, and nothing else does."""
    pack.pack(content(folder), folder / "out", Settings("ssd", class_lists=False))
    assert files(folder) == {
        "Annotations/close_0001.xml": "annotation close_0001",
        "Annotations/close_0002.xml": "annotation close_0002",
        "Annotations/skip_0001.xml": "annotation skip_0001",
        "JPEGImages/close_0001.jpg": "image close_0001",
        "JPEGImages/close_0002.jpg": "image close_0002",
        "JPEGImages/skip_0001.jpg": "image skip_0001",
        "ImageSets/Main/train.txt": "close_0001\nskip_0001\n",
        "ImageSets/Main/val.txt": "close_0002\n",
        "ImageSets/Main/trainval.txt": "close_0001\nclose_0002\nskip_0001\n",
        "ImageSets/Main/test.txt": "close_0002\n",
        "labelmap.txt": "# label:color_rgb:parts:actions\nclose:::\nskip:::\n",
    }


def test_class_lists(folder: Path) -> None:
    """Where a learner wants them, each label has a list for each part."""
    pack.pack(content(folder), folder / "out", Settings("ssd"))
    found = files(folder)
    lists = {name for name in found if name.startswith("ImageSets/Main/") and "_" in name}
    parts = ("train", "val", "trainval", "test")
    assert lists == {f"ImageSets/Main/{label}_{part}.txt" for label in ("close", "skip") for part in parts}
    assert found["ImageSets/Main/skip_train.txt"] == "close_0001 -1\nskip_0001  1\n"


def test_images_are_links(folder: Path) -> None:
    """A dataset costs no bytes for what the builds hold already."""
    pack.pack(content(folder), folder / "out", Settings("ssd"))
    assert (folder / "out/JPEGImages/skip_0001.jpg").samefile(folder / "skip/skip_0001.jpg")


def test_tables_lie_at_the_top(folder: Path) -> None:
    """A project's table comes to lie beside the dataset's folders."""
    (folder / "skip/characters.csv").write_text("label\n")
    pack.pack(content(folder), folder / "out", Settings("ssd"))
    assert files(folder)["characters.csv"] == "label\n"


def test_what_limits_leave(folder: Path) -> None:
    """Of a project that doesn't give all it has, only what is taken is laid out; its table is."""
    (folder / "close/characters.csv").write_text("label\n")
    given = content(folder, ("close_0002",), ("skip_0001",))
    pack.pack(replace(given, taken={"close": ["close_0002"]}), folder / "out", Settings("ssd"))
    names = {Path(name).name for name in files(folder) if not name.startswith("ImageSets")}
    assert names == {
        *("close_0002.xml", "close_0002.jpg", "skip_0001.xml", "skip_0001.jpg"),
        *("characters.csv", "labelmap.txt"),
    }


@pytest.mark.parametrize("name", ["close_0001.jpg", "close_0001.xml", "characters.csv"])
def test_a_name_in_two_projects(folder: Path, name: str) -> None:
    """Two files that would take each other's place are refused, with the second one's path."""
    for project in ("close", "skip"):
        (folder / project / name).write_text("x")
    with pytest.raises(DatasetError) as caught:
        pack.pack(content(folder), folder / "out", Settings("ssd"))
    assert str(caught.value) == (
        f"{folder}/skip/{name}: is in the dataset already, from another project; rename one of the two"
    )


@pytest.mark.parametrize(
    ("train", "val", "empty"),
    [
        pytest.param((), ("close_0001",), "train", id="no train"),
        pytest.param(("close_0001",), (), "val", id="no val"),
        pytest.param((), (), "train", id="nothing"),
    ],
)
def test_a_part_without_images(folder: Path, train: tuple[str, ...], val: tuple[str, ...], empty: str) -> None:
    """A dataset of which a part is empty is refused before anything is laid out: readers fail on it."""
    with pytest.raises(DatasetError) as caught:
        pack.pack(content(folder, train, val), folder / "out", Settings("ssd"))
    assert str(caught.value) == (
        f"dataset of ssd: {empty} is empty; take more projects or a greater limit, "
        "or change train_percent or by in config/dlim.toml"
    )
    assert files(folder) == {}
