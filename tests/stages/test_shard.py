"""shard: a project's share of a dataset, as a piece of an archive."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from dlim import archive
from dlim.stages import shard

FILES = {"close_0002.jpg": b"j" * 700, "close_0001.jpg": b"i", "close_0001.xml": b"<a/>", "close_0002.xml": b"<b/>"}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build of two images, with what else lies in one."""
    folder = tmp_path / "build"
    folder.mkdir()
    for name, data in {**FILES, "index.json": b"{}", "manifest.json": b"{}", "characters.csv": b"label"}.items():
        (folder / name).write_bytes(data)
    return folder


def made(build: Path, name: str) -> bytes:
    out = build.parent / name
    out.mkdir()
    shard.shard(build, out, shard.Settings())
    assert [path.name for path in out.iterdir()] == [shard.SHARD]
    return (out / shard.SHARD).read_bytes()


def test_a_shard_holds_annotations_and_images(build: Path) -> None:
    """Its entries lie where the dataset has them, sorted; the build's own files are not in it."""
    with tarfile.open(fileobj=io.BytesIO(made(build, "out") + archive.end()), mode="r:gz") as tar:
        found = {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]
    assert list(found) == [
        "data_set/Annotations/close_0001.xml",
        "data_set/Annotations/close_0002.xml",
        "data_set/JPEGImages/close_0001.jpg",
        "data_set/JPEGImages/close_0002.jpg",
    ]
    assert {Path(name).name: data for name, data in found.items()} == FILES


def test_a_shard_can_be_joined(build: Path) -> None:
    """It is one gzip member without the zero blocks at which tars stop: what follows it is read."""
    data = gzip.decompress(made(build, "out"))
    blocks = [data[start : start + tarfile.BLOCKSIZE] for start in range(0, len(data), tarfile.BLOCKSIZE)]
    assert len(data) % tarfile.BLOCKSIZE == 0
    assert len(blocks) == 4 + 2 + 1 + 2
    assert b"\0" * tarfile.BLOCKSIZE not in blocks


def test_a_shard_is_the_same_twice(build: Path) -> None:
    """Times and the order in the folder leave no trace."""
    first = made(build, "one")
    for name in FILES:
        data = (build / name).read_bytes()
        (build / name).unlink()
        (build / name).write_bytes(data)
    assert made(build, "two") == first


def test_a_changed_image_changes_the_shard(build: Path) -> None:
    """Another image of the same size is another shard."""
    first = made(build, "one")
    (build / "close_0001.jpg").write_bytes(b"x")
    assert made(build, "two") != first


def test_a_shard_of_what_limits_leave(build: Path) -> None:
    """Of a limited project, the shard holds what is taken, image and annotation."""
    (build.parent / "out").mkdir()
    shard.shard(build, build.parent / "out", shard.Settings(), ["close_0002"])
    data = (build.parent / "out" / shard.SHARD).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data + archive.end()), mode="r:gz") as tar:
        assert [Path(name).name for name in tar.getnames()] == ["close_0002.xml", "close_0002.jpg"]


def test_a_shard_of_nothing_joins(build: Path) -> None:
    """A project of which nothing is taken has a shard without entries, behind which a tar reads on."""
    for name in ("none", "all"):
        (build.parent / name).mkdir()
    shard.shard(build, build.parent / "none", shard.Settings(), [])
    shard.shard(build, build.parent / "all", shard.Settings())
    nothing, everything = ((build.parent / name / shard.SHARD).read_bytes() for name in ("none", "all"))
    assert gzip.decompress(nothing) == b""
    with tarfile.open(fileobj=io.BytesIO(nothing + everything + nothing + archive.end()), mode="r:gz") as tar:
        assert len(tar.getnames()) == len(FILES)
