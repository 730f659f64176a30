"""tarball: a dataset and its shards as one archive that any tar reads."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dlim.stages import pack, shard, tarball
from tests.conftest import unpack

STEMS = {"close": ["close_0001", "close_0002"], "skip": ["skip_0001"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two builds with their shards, and the dataset that is packed of them."""
    for name, stems in STEMS.items():
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.shard").mkdir()
        for stem in stems:
            (tmp_path / name / f"{stem}.jpg").write_bytes(stem.encode() * 99)
            (tmp_path / name / f"{stem}.xml").write_text(f"<annotation>{stem}</annotation>")
        shard.shard(tmp_path / name, tmp_path / f"{name}.shard", shard.Settings())
    (tmp_path / "skip/characters.csv").write_text("label\n")
    labels = {stem: [name] for name, stems in STEMS.items() for stem in stems}
    content = pack.Content(
        {name: tmp_path / name for name in STEMS}, labels, ["close_0001", "skip_0001"], ["close_0002"]
    )
    (tmp_path / "dataset").mkdir()
    pack.pack(content, tmp_path / "dataset", pack.Settings("ssd"))
    (tmp_path / "dataset/manifest.json").write_text("{}")
    return tmp_path


def made(folder: Path, name: str = "ssd.tar.gz", projects: tuple[str, ...] = ("close", "skip")) -> Path:
    shards = [folder / f"{project}.shard" / shard.SHARD for project in projects]
    tarball.tarball(folder / "dataset", shards, folder / name, tarball.Settings())
    return folder / name


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def by_gnu_tar(path: Path, to: Path) -> None:
    done = subprocess.run(["tar", "xzf", path, "-C", to], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def by_shutil(path: Path, to: Path) -> None:
    shutil.unpack_archive(path, to)


@pytest.mark.parametrize("extract", [by_gnu_tar, unpack, by_shutil])
def test_an_archive_is_the_dataset(folder: Path, extract: Callable[[Path, Path], None]) -> None:
    """Whoever extracts it finds data_set/ with every file of the packed dataset but its manifest."""
    (folder / "extracted").mkdir()
    extract(made(folder), folder / "extracted")
    assert [path.name for path in (folder / "extracted").iterdir()] == ["data_set"]
    expected = contents(folder / "dataset")
    del expected["manifest.json"]
    assert len(expected) == 2 * 3 + 4 + 2 * 4 + 2
    assert contents(folder / "extracted/data_set") == expected


def test_gzip_finds_it_sound(folder: Path) -> None:
    """gzip's own check passes over all members."""
    assert subprocess.run(["gzip", "-t", made(folder)], check=False).returncode == 0


def test_the_order_in_an_archive(folder: Path) -> None:
    """Folders come first, then the lists and tables, then the shards in the order given."""
    with tarfile.open(made(folder), "r:gz") as tar:
        names = tar.getnames()
    assert names[:5] == [
        "data_set",
        "data_set/Annotations",
        "data_set/JPEGImages",
        "data_set/ImageSets",
        "data_set/ImageSets/Main",
    ]
    assert "data_set/ImageSets/Main/train.txt" in names[5:-6]
    assert {"data_set/characters.csv", "data_set/labelmap.txt"} <= set(names[5:-6])
    assert [name.rpartition("/")[2] for name in names[-6:]] == [
        *("close_0001.xml", "close_0002.xml", "close_0001.jpg", "close_0002.jpg"),
        *("skip_0001.xml", "skip_0001.jpg"),
    ]
    assert len(names) == len(set(names))


def test_times_and_owners_are_fixed(folder: Path) -> None:
    """Nothing in an archive tells of the machine or of the day."""
    with tarfile.open(made(folder), "r:gz") as tar:
        infos = tar.getmembers()
    assert {(info.mtime, info.uid, info.gid, info.uname, info.gname) for info in infos} == {(315532800, 0, 0, "", "")}
    assert {info.mode for info in infos} == {0o755, 0o644}


def test_an_archive_is_the_same_twice(folder: Path) -> None:
    """The same dataset is the same archive, whatever it is called."""
    assert made(folder, "one.tar.gz").read_bytes() == made(folder, "two.tar.gz").read_bytes()


def test_shards_are_in_it_as_they_are(folder: Path) -> None:
    """A shard that didn't change is copied: its bytes are in the archive, one after the other."""
    shards = b"".join((folder / f"{project}.shard" / shard.SHARD).read_bytes() for project in ("close", "skip"))
    assert made(folder).read_bytes().count(shards) == 1


def test_an_archive_ends_with_zero_blocks(folder: Path) -> None:
    """The two zero blocks of a tar are there, once, at the very end, so that no reader stops before."""
    data = subprocess.run(["gzip", "-dc", made(folder)], capture_output=True, check=True).stdout
    blocks = [data[start : start + 512] for start in range(0, len(data), 512)]
    assert [number for number, block in enumerate(blocks) if not block.strip(b"\0")] == [
        len(blocks) - 2,
        len(blocks) - 1,
    ]
