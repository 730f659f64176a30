"""dataset: shards, the folder, and the archive that any tar reads."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dlim import archive, store
from dlim.errors import DatasetError
from dlim.stages import dataset
from dlim.stages.dataset import Content, Settings
from dlim.store import MANIFEST, DamageError, staging
from tests.conftest import unpack

STEMS = {"close": ["close_0001", "close_0002"], "skip": ["skip_0001"]}
FULL = {f"{stem}{suffix}" for stems in STEMS.values() for stem in stems for suffix in (".jpg", ".xml")}


def build(name: str, stems: Sequence[str], **more: str) -> None:
    """A build as annotate leaves it. more: what other images show, and tables."""
    with staging(Path(name)) as made:
        for stem in stems:
            made.write(f"{stem}.jpg", more.get(stem, f"image {stem}").encode() * 99)
            made.write(f"{stem}.xml", f"<annotation>{stem}</annotation>".encode())
        made.write("index.json", b"{}")
        for table in (name for name in more if name.startswith("table")):
            made.write(f"{table}.csv", more[table].encode())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The builds close and skip, in the folder that is the current one, as a workspace is."""
    monkeypatch.chdir(tmp_path)
    for name, stems in STEMS.items():
        build(name, stems)
    return tmp_path


def content(train: Sequence[str] = ("close_0001", "skip_0001"), val: Sequence[str] = ("close_0002",)) -> Content:
    labels = {
        name: tuple([stem for stem in side if stem in stems] for side in (train, val)) for name, stems in STEMS.items()
    }
    return Content({name: Path(name) for name in STEMS}, train, val, labels)  # type: ignore[arg-type]


OUT = Path("data_set/ssd")


def packed(given: Content | None = None, *, intact: bool = False, **settings: bool) -> dict[str, str]:
    """The files of a dataset but its manifest, which must name each of them."""
    dataset.pack(given or content(), OUT, Settings("ssd", **settings), intact=intact)
    found = {path.relative_to(OUT).as_posix(): path.read_text() for path in OUT.rglob("*") if path.is_file()}
    del found[MANIFEST]
    assert sorted(store.read(OUT / MANIFEST)) == sorted(found)
    assert store.fault(OUT / MANIFEST, store.sha256(OUT / MANIFEST)) == ""
    return found


# a project's share


def shard(name: str, taken: Sequence[str] | None = None) -> bytes:
    with staging(Path(f"{name}.shard")) as made:
        dataset.shard(Path(name), made, "voc", taken)
    return Path(f"{name}.shard/shard.gz").read_bytes()


def entries(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data + archive.end()), mode="r:gz") as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}  # type: ignore[union-attr]


def test_a_shard_holds_annotations_and_images() -> None:
    """Its entries lie where the dataset has them, sorted; the build's own files are not in it."""
    assert {name: len(data) for name, data in entries(shard("close")).items()} == {
        "data_set/Annotations/close_0001.xml": 35,
        "data_set/Annotations/close_0002.xml": 35,
        "data_set/JPEGImages/close_0001.jpg": 16 * 99,
        "data_set/JPEGImages/close_0002.jpg": 16 * 99,
    }


def test_a_shard_can_be_joined() -> None:
    """It has none of the zero blocks at which tars stop, also where it has nothing else: what follows it is read."""
    nothing, everything = shard("close", []), shard("close")
    data = gzip.decompress(everything)
    assert b"\0" * tarfile.BLOCKSIZE not in [data[start : start + 512] for start in range(0, len(data), 512)]
    assert gzip.decompress(nothing) == b""
    assert len(entries(nothing + everything + nothing)) == 4


def test_a_shard_of_what_is_taken() -> None:
    """Of a project that doesn't give all it has, the shard holds what is taken, image and annotation."""
    assert [Path(name).name for name in entries(shard("close", ["close_0002"]))] == ["close_0002.xml", "close_0002.jpg"]


def test_a_shard_of_more_than_a_member_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A project is packed in pieces that need not be in memory at once, and reads as one."""
    whole = entries(shard("close"))
    monkeypatch.setattr(archive, "MEMBER", 1)
    assert entries(shard("close")) == whole


@pytest.mark.parametrize("name", ["close_0002.jpg", "close_0002.xml"])
def test_damage_gets_into_no_shard(name: str) -> None:
    """A byte that has changed under the same size and time is found where it is read, and nothing is sealed."""
    path = Path("close", name)
    before = path.stat()
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"2", b"3"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(DamageError, match=rf"close/{name}: is damaged; doit verify"):
        shard("close")
    assert not Path("close.shard").exists()


# the folder


def test_the_layout() -> None:
    """Annotations, images and lists lie where readers of VOC look, and nothing else does."""
    found = packed(class_lists=False)
    assert {name for name in found if "/" in name and "ImageSets" not in name} == {
        f"{'JPEGImages' if name.endswith('.jpg') else 'Annotations'}/{name}" for name in FULL
    }
    assert found["Annotations/skip_0001.xml"] == "<annotation>skip_0001</annotation>"
    assert {name: text for name, text in found.items() if name.startswith("ImageSets") or "/" not in name} == {
        "ImageSets/Main/train.txt": "close_0001\nskip_0001\n",
        "ImageSets/Main/val.txt": "close_0002\n",
        "ImageSets/Main/trainval.txt": "close_0001\nclose_0002\nskip_0001\n",
        "ImageSets/Main/test.txt": "close_0002\n",
        "labelmap.txt": "# label:color_rgb:parts:actions\nclose:::\nskip:::\n",
        "classes.txt": "close\nskip\n",
    }


def test_class_lists() -> None:
    """Where a learner wants them, each label has a list for each part, and loses them when nobody wants them."""
    found = packed()
    lists = {name for name in found if name.startswith("ImageSets/Main/") and "_" in name}
    parts = ("train", "val", "trainval", "test")
    assert lists == {f"ImageSets/Main/{label}_{part}.txt" for label in STEMS for part in parts}
    assert found["ImageSets/Main/skip_train.txt"] == "skip_0001  1\n"
    assert not lists & set(packed(class_lists=False))


def test_what_a_manifest_says() -> None:
    """It counts images, sides and labels, names each project's build by its digest, and none of that one's files."""
    packed()
    assert store.facts(OUT / MANIFEST) | {"bytes": 0} == {
        "images": 3,
        "train": 2,
        "val": 1,
        "bytes": 0,
        "labels": {"close": 2, "skip": 1},
    }
    assert {name: part.sha256 for name, part in store.parts(OUT / MANIFEST).items()} == {
        name: store.sha256(Path(name, MANIFEST)) for name in STEMS
    }
    assert "JPEGImages/" not in (OUT / MANIFEST).read_text()


def test_what_is_taken() -> None:
    """Of a project that doesn't give all it has, only what is taken is laid out; its table is."""
    build("close", STEMS["close"], table="label\n")
    found = packed(replace(content(["close_0002"], ["skip_0001"]), taken={"close": ["close_0002"]}))
    assert {Path(name).name for name in found if not name.startswith("ImageSets")} == {
        *("close_0002.xml", "close_0002.jpg", "skip_0001.xml", "skip_0001.jpg"),
        *("table.csv", "labelmap.txt", "classes.txt"),
    }


def inodes() -> dict[str, tuple[int, int]]:
    """Which file each is; a number alone may be given anew."""
    found = {path.relative_to(OUT).as_posix(): path.stat() for path in OUT.rglob("*.*")}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found.items()}


@pytest.mark.parametrize("intact", [True, False])
def test_only_what_changed_is_linked(*, intact: bool) -> None:
    """Of a dataset of which one project is another now, only that one's files are others, and each is a link."""
    packed()
    before = inodes()
    build("skip", ["skip_0002"])
    found = packed(content(["close_0001", "skip_0002"]), intact=intact)
    after = inodes()
    assert "JPEGImages/skip_0001.jpg" not in found
    changed = {name for name in after if before.get(name) != after[name]}
    assert changed == {
        *("JPEGImages/skip_0002.jpg", "Annotations/skip_0002.xml", MANIFEST, "ImageSets/Main/skip_train.txt"),
        *(f"ImageSets/Main/{part}.txt" for part in ("train", "trainval")),
        "ImageSets/Main/skip_trainval.txt",
    }
    for name, stems in STEMS.items():
        for stem in stems if name == "close" else ["skip_0002"]:
            assert Path(OUT, f"JPEGImages/{stem}.jpg").samefile(f"{name}/{stem}.jpg")


def test_what_did_not_change_is_not_looked_at() -> None:
    """Of an intact dataset only the builds that changed are read."""
    packed()
    (Path("close") / "close_0001.jpg").unlink()
    build("skip", ["skip_0002"])
    assert "JPEGImages/close_0001.jpg" in packed(content(["close_0001", "skip_0002"]), intact=True)
    with pytest.raises(DatasetError, match="close: is damaged"):
        packed(content(["close_0001", "skip_0002"]))


def strange(path: Path) -> None:
    path.mkdir()
    (path / "x").touch()


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda: (OUT / MANIFEST).unlink(), id="what a kill leaves"),
        pytest.param(lambda: (OUT / "JPEGImages/close_0001.jpg").unlink(), id="a missing file"),
        pytest.param(lambda: shutil.rmtree(OUT / "Annotations"), id="a missing folder"),
        pytest.param(lambda: shutil.copy("skip/skip_0001.jpg", OUT / "JPEGImages/a.jpg"), id="an unexpected file"),
        pytest.param(lambda: (OUT / "notes.txt").write_text("x"), id="one at the top"),
        pytest.param(lambda: strange(OUT / "more"), id="an unexpected folder"),
        pytest.param(lambda: os.replace(shutil.copy("skip/skip_0001.jpg", "x"), OUT / "JPEGImages/close_0001.jpg"), id="another file in its place"),  # noqa: PTH105, E501
        pytest.param(lambda: os.replace(shutil.copy("skip/skip_0001.jpg", "x"), OUT / "labelmap.txt"), id="another list"),  # noqa: PTH105, E501
        pytest.param(lambda: (OUT / MANIFEST).write_text("{"), id="a broken manifest"),
    ],
)  # fmt: skip
def test_a_folder_that_was_harmed_is_mended(harm: Callable[[], object]) -> None:
    """Whatever lies there, the folder is what it is when made from nothing."""
    whole, text = packed(), (OUT / MANIFEST).read_text()
    harm()
    assert packed() == whole
    assert (OUT / MANIFEST).read_text() == text


def test_a_run_that_is_stopped_leaves_no_dataset(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first change on there is no manifest, until all is there."""
    packed()
    build("skip", ["skip_0002"])

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "link", stop)
        with pytest.raises(KeyboardInterrupt):
            packed(content(["close_0001", "skip_0002"]))
    assert not (OUT / MANIFEST).exists()
    assert "JPEGImages/skip_0002.jpg" in packed(content(["close_0001", "skip_0002"]))


def test_a_folder_that_is_a_link_stays_one(folder: Path) -> None:
    """A dataset can lie elsewhere; a link to nothing, or to what others keep there, is refused in a line."""
    (folder / "disk/ssd").mkdir(parents=True)
    OUT.parent.mkdir()
    OUT.symlink_to(folder / "disk/ssd")
    whole = packed()
    build("skip", ["skip_0001"], skip_0001="another")
    assert packed() != whole
    assert OUT.is_symlink()
    shutil.rmtree(folder / "disk/ssd")
    with pytest.raises(DatasetError, match="data_set/ssd: is a link to nothing; make the folder"):
        packed()
    (folder / "disk/ssd").mkdir()
    (folder / "disk/ssd/thesis.txt").touch()
    with pytest.raises(DatasetError, match=r"is a link to a folder that has other files, such as thesis.txt; link it"):
        packed()
    assert (folder / "disk/ssd/thesis.txt").exists()


def test_a_folder_on_another_disk() -> None:
    """Where there are no links between the two, files are copied, and only those of projects that changed again."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == Path().stat().st_dev:
        pytest.skip("there is no second file system to copy to")
    place = other / f"dlim-test-{os.getpid()}"
    place.mkdir()
    try:
        OUT.parent.mkdir()
        OUT.symlink_to(place)
        packed()
        before = inodes()
        build("skip", ["skip_0001"], skip_0001="another")
        assert packed()["JPEGImages/skip_0001.jpg"] == "another" * 99
        after = inodes()
        assert before["JPEGImages/close_0001.jpg"] == after["JPEGImages/close_0001.jpg"]
    finally:
        shutil.rmtree(place)


def test_a_table_of_several_projects() -> None:
    """Tables of one name are one, with the rows of all under one head; other columns are refused, naming both."""
    build("close", STEMS["close"], table_one="label,sign\na,1\n", table_two="x")
    build("skip", STEMS["skip"], table_one="label,sign\nb,2")
    found = packed()
    assert (found["table_one.csv"], found["table_two.csv"]) == ("label,sign\na,1\nb,2\n", "x")
    build("skip", STEMS["skip"], table_one="label\nb\n")
    with pytest.raises(DatasetError) as caught:
        packed()
    assert str(caught.value) == (
        "skip/table_one.csv: has other columns than close/table_one.csv; give the two the same columns, or another name"
    )


@pytest.mark.parametrize("intact", [True, False])
def test_a_name_in_two_projects(*, intact: bool) -> None:
    """Two files that would take each other's place are refused, with the second one's path."""
    packed()
    build("skip", ["close_0002"])
    with pytest.raises(DatasetError) as caught:
        packed(content(["close_0001", "close_0002"]), intact=intact)
    assert str(caught.value).endswith("is in the dataset already, from close; rename one of the two projects")
    assert str(caught.value).startswith("skip/close_0002.")


@pytest.mark.parametrize(
    ("train", "val", "empty"),
    [
        pytest.param((), ("close_0001",), "train", id="no train"),
        pytest.param(("close_0001",), (), "val", id="no val"),
        pytest.param((), (), "train", id="nothing"),
    ],
)
def test_a_part_without_images(train: tuple[str, ...], val: tuple[str, ...], empty: str) -> None:
    """A dataset of which a part is empty is refused before anything is laid out: readers fail on it."""
    with pytest.raises(DatasetError) as caught:
        packed(content(train, val))
    assert str(caught.value) == (
        f"dataset of ssd: {empty} is empty; take more projects or a greater limit, "
        "or change train_percent or by in config/dlim.toml"
    )
    assert not OUT.exists()


# the archive

FILE, SEAL = Path("data_set/ssd.tar.gz"), Path("data_set/ssd.manifest.json")


def made(names: Sequence[str] = ("close", "skip")) -> Path:
    """The archive of the two builds."""
    build("skip", STEMS["skip"], table="label\n")
    packed()
    for name in names:
        shard(name)
    dataset.tarball(OUT, [Path(f"{name}.shard") for name in names], FILE, SEAL, Settings("ssd"))
    return FILE


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
    extract(made(), folder / "extracted")
    expected = contents(OUT)
    del expected[MANIFEST]
    assert len(expected) == 2 * 3 + 4 + 2 * 4 + 3
    assert contents(folder / "extracted/data_set") == expected


def test_gzip_finds_it_sound() -> None:
    """gzip's own check passes over all members."""
    assert subprocess.run(["gzip", "-t", made()], check=False).returncode == 0


def test_the_order_in_an_archive() -> None:
    """Folders come first, then the lists and tables, then the shards in the order given."""
    with tarfile.open(made(), "r:gz") as tar:
        names = [name.partition("/")[2] for name in tar.getnames()]
    assert names[:5] == ["", "Annotations", "JPEGImages", "ImageSets", "ImageSets/Main"]
    assert {"ImageSets/Main/train.txt", "table.csv", "labelmap.txt"} <= set(names[5:-6])
    assert [name.rpartition("/")[2] for name in names[-6:]] == [
        *("close_0001.xml", "close_0002.xml", "close_0001.jpg", "close_0002.jpg"),
        *("skip_0001.xml", "skip_0001.jpg"),
    ]
    assert len(names) == len(set(names))


def test_times_and_owners_are_fixed() -> None:
    """Nothing in an archive tells of the machine or of the day, and the same dataset is the same archive."""
    data = made().read_bytes()
    with tarfile.open(FILE, "r:gz") as tar:
        infos = tar.getmembers()
    assert {(info.mtime, info.uid, info.gid, info.uname, info.gname) for info in infos} == {(315532800, 0, 0, "", "")}
    assert {info.mode for info in infos} == {0o755, 0o644}
    assert made().read_bytes() == data


def test_shards_are_in_it_as_they_are() -> None:
    """A shard that didn't change is copied: its bytes are in the archive, one after the other."""
    data = made().read_bytes()
    assert data.count(Path("close.shard/shard.gz").read_bytes() + Path("skip.shard/shard.gz").read_bytes()) == 1


def test_an_archive_ends_with_zero_blocks() -> None:
    """The two zero blocks of a tar are there, once, at the very end, so that no reader stops before."""
    data = gzip.decompress(made().read_bytes())
    blocks = [data[start : start + 512] for start in range(0, len(data), 512)]
    assert [place for place, block in enumerate(blocks) if not block.strip(b"\0")] == [len(blocks) - 2, len(blocks) - 1]


def test_what_an_archive_s_manifest_says() -> None:
    """Its size and digest, worked out as it was written; the dataset's numbers; nobody can change it by accident."""
    made()
    assert store.read(SEAL) == {FILE.name: (FILE.stat().st_size, store.sha256(FILE))}
    facts = store.facts(SEAL)
    assert (facts["images"], facts["train"], facts["val"], facts["bytes"]) == (3, 2, 1, FILE.stat().st_size)
    assert FILE.stat().st_mode & 0o777 == 0o444


def test_between_two_archives_there_is_no_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is killed between archive and manifest leaves no pair that differs."""
    made()

    def stop(*_: object) -> None:
        assert not SEAL.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "write_manifest", stop)
    with pytest.raises(KeyboardInterrupt):
        dataset.tarball(OUT, [Path("close.shard"), Path("skip.shard")], FILE, SEAL, Settings("ssd"))
    assert not SEAL.exists()


@pytest.mark.parametrize("name", ["close.shard/shard.gz", "data_set/ssd/labelmap.txt"])
def test_damage_gets_into_no_archive(name: str) -> None:
    """A flipped byte of a shard or a list is found while it is copied; there is no archive then that has a manifest."""
    made()
    path = Path(name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    with pytest.raises(DamageError, match=f"{name}: is damaged"):
        dataset.tarball(OUT, [Path("close.shard"), Path("skip.shard")], FILE, SEAL, Settings("ssd"))
    assert not SEAL.exists()
