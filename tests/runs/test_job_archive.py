"""A job's archive has what was learned, comes whole, and is made anew where that failed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dlim.errors import CommandError, LearningError
from dlim.runs import job
from dlim.runs.place import Place
from dlim.store import sha256
from tests.runs.conftest import EVERYWHERE, Through, left_alive, until
from tests.runs.jobs import ANN, begin, ended, file_of, learned, members, text_of


@EVERYWHERE
def test_what_is_archived(place: Place, home: Path, tmp_path: Path) -> None:
    """All but dlim's own, the dataset, the weight in service, and what is to be left out; in order, owned by nobody."""
    release = home / ".dlim/ssd/releases/1/data_set"
    release.mkdir(parents=True)
    (release / "huge").touch()
    shutil.rmtree(home / "data_set")
    (home / "data_set").symlink_to(release)
    kept = ["weights/b.pth", "weights/a.pth", "sub/data_set/x", "train.py", "odd [1] あ\n/weights *", "-f"]
    left = ["weights/latest_weight.pth", "runs/1/events", "sub/runs/2", "a.log", "sub/b.log", "we*[1]/x"]
    for name in [*kept, *left]:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    os.utime(home / "weights/a.pth", ns=(0, 1_700_000_000_123_456_789))
    learned(
        place,
        home,
        "true",
        weight_in_service="weights/latest_weight.pth",
        leave_out=("runs/", "*.log", "./we\\*\\[1\\]"),
    )
    found = members(file_of(home, "archive.tar"))
    files = [name.removeprefix("./") for name, member in found.items() if member.isfile()]
    assert sorted(files) == sorted(kept)
    assert list(found) == sorted(found, key=lambda name: name.split("/"))
    assert not [name for name in found if ".dlim" in name or name.endswith("./data_set") or "huge" in name]
    assert {(member.uid, member.gid, member.uname, member.gname) for member in found.values()} == {(0, 0, "", "")}
    assert found["./weights/a.pth"].mtime == pytest.approx(1_700_000_000.123456789, abs=1e-6)


def test_a_name_is_no_pattern(place: Place, home: Path) -> None:
    """The dataset's and the weight's names leave out themselves, and nothing that they would match."""
    for name in ("w[1]*.pth", "w1.pth", "w1x.pth"):
        (home / name).touch()
    (home / "data[1]").mkdir()
    (home / "data1").mkdir()
    learned(place, home, "true", dataset="data[1]", weight_in_service="./w[1]*.pth")
    assert {"./w1.pth", "./w1x.pth", "./data1", "./data_set"} < set(members(file_of(home, "archive.tar")))
    assert not {"./w[1]*.pth", "./data[1]"} & set(members(file_of(home, "archive.tar")))


def test_the_same_folder_is_the_same_archive(place: Place, home: Path) -> None:
    """Two jobs that leave the same files make the same bytes."""
    (home / "a").touch()
    digests = set()
    for name in ("first", "second"):
        begin(place, "true", name)
        digests.add(ended(place, name).digest)
    assert len(digests) == 1


def test_a_folder_that_goes_on_changing(place: Place, home: Path) -> None:
    """A file that another program writes meanwhile, such as its log, doesn't make the archive fail."""
    over = threading.Event()
    (home / "ballast").write_bytes(bytes(5_000_000))

    def write() -> None:
        with (home / "other.txt").open("a") as file:
            while not over.is_set():
                file.write("x")
                file.flush()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        learned(place, home, "true")
    finally:
        over.set()
        thread.join()


Small = tuple[Place, Path]


@pytest.fixture
def small(home: Path, tmp_path: Path) -> Iterator[Small]:
    """The learner's folder on a disk of 2 MB, which only the server sees, and how to get at it from here."""
    ways = [["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]]
    way = next((way for way in ways if subprocess.run([*way, "true"], capture_output=True).returncode == 0), None)
    if way is None:
        pytest.skip("this machine gives no mount namespace")
    mounted = 'mount -t tmpfs -o size=2m,mode=777 dlim "$1" && mkdir "$1/data_set" && echo && exec sleep 600'
    with subprocess.Popen([*way, "sh", "-c", mounted, "dlim", home], stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout
        assert keeper.stdout.readline() == b"\n"
        entered = ["nsenter", "--preserve-credentials", "-t", str(keeper.pid), "-m", *(["-U"] if len(way) > 2 else [])]
        command = [*entered, "sh", "-c", 'cd "$0" && exec "$@"', str(home.parent)]
        yield Place(Through("ssd", home.parent, *command), "ssd", home.name), Path(f"/proc/{keeper.pid}/root{home}")
        keeper.kill()
    assert [line for line in left_alive(tmp_path).values() if "sleep 600" not in line] == []


def test_a_disk_that_is_too_full_for_the_archive(small: Small) -> None:
    """The job has learned, but has no archive, nor half of one; with room made, only the archive is made."""
    place, home = small
    begin(place, "echo x >>count; head -c 1200000 /dev/urandom >weight.pth; touch ballast", test="echo x >>tested")
    state = ended(place)
    assert (state.kind, state.step, state.exit_code, state.archive_exit_code) == ("succeeded", "archive", 0, 2)
    assert state.told == "has learned, but archiving its folder ended with status 2"
    assert not job.state(place, "first").archived
    assert not [path for path in file_of(home, "").iterdir() if path.name.startswith("archive.")]
    assert "tar: " in text_of(home, "log")
    with pytest.raises(LearningError, match="has no archive"):
        job.fetch(place, "first", home / "never")
    begin(place, "echo x >>count", leave_out=("weight.pth",))
    state = ended(place)
    assert (state.kind, state.archived) == ("succeeded", True)
    assert "./weight.pth" not in members(file_of(home, "archive.tar"))
    assert ((home / "count").read_text(), (home / "tested").read_text()) == ("x\n", "x\n")


def test_a_learner_that_fills_the_disk(small: Small) -> None:
    """A learner that fails for want of room has failed, with its status, and isn't lost."""
    place, _ = small
    begin(place, "cat /dev/zero >weight.pth; cat /dev/zero >>weight2.pth; exit 3")
    state = ended(place)
    assert (state.kind, state.exit_code) == ("failed", 3)
    assert state.ended


def test_cancelling_on_a_full_disk(small: Small) -> None:
    """A job can be ended where nothing more can be written."""
    place, home = small
    begin(place, "cat /dev/zero >weight.pth; cat /dev/zero >>weight2.pth; touch began; sleep 60")
    until((home / "began").exists)
    assert job.cancel(place, "first", ANN).kind == "failed"


def test_a_start_on_a_full_disk(small: Small) -> None:
    """A job that can't even be written down doesn't begin, and says why."""
    place, home = small
    (home / ".dlim/ssd").mkdir(parents=True)
    with suppress(OSError):
        (home / "ballast").write_bytes(bytes(3_000_000))
    with pytest.raises(CommandError, match=r"ssd: .*"):
        begin(place, "touch began")
    assert not (home / "began").exists()
    assert job.state(place, "first").kind == "none"
    (home / "ballast").unlink()
    begin(place, "touch began")
    assert ended(place).kind == "succeeded"


def test_fetching(place: Place, home: Path, tmp_path: Path) -> None:
    """The archive comes as it was made."""
    learned(place, home, "head -c 3000000 /dev/urandom >weight.pth")
    moved: list[int] = []
    digest = job.fetch(place, "first", tmp_path / "here/archive.tar", moved.append)
    assert digest == sha256(tmp_path / "here/archive.tar") == job.state(place, "first").digest
    assert sum(moved) == (tmp_path / "here/archive.tar").stat().st_size
    with tarfile.open(tmp_path / "here/archive.tar") as tar:
        weight = tar.extractfile("./weight.pth")
        assert weight is not None
        assert weight.read() == (home / "weight.pth").read_bytes()


def test_an_archive_that_was_damaged(place: Place, home: Path, tmp_path: Path) -> None:
    """An archive that isn't any more what was made doesn't come; the job goes on, and makes it anew."""
    learned(place, home, "echo x >>count")
    whole = file_of(home, "archive.tar").read_bytes()
    file_of(home, "archive.tar").write_bytes(whole[:-100] + bytes(99) + b"x")
    with pytest.raises(LearningError) as caught:
        job.fetch(place, "first", tmp_path / "archive.tar")
    assert str(caught.value) == "first: its archive was damaged on ssd; the same command archives its folder again"
    assert not (tmp_path / "archive.tar").exists()
    assert not job.state(place, "first").archived
    job.resume(place, "first")
    ended(place)
    job.fetch(place, "first", tmp_path / "archive.tar")
    assert "./count" in members(tmp_path / "archive.tar")
