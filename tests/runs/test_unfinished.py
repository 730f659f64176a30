"""A learning task grows beside the outputs, and gets its name when it is whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dlim.errors import LearningError
from dlim.runs import record, unfinished
from dlim.runs.record import Dataset, File, Learned, Origin, Ran, Where
from dlim.runs.shipment import Piece, Shipment

NOTHING = File(0, "0" * 64)
ORIGIN = Origin(Dataset(File(5, "ab"), {}, 8, 2), {}, {}, {}, {})


def learned(origin: Origin = ORIGIN) -> Learned:
    where = Where("ssd", "here", ".")
    return Learned(origin, where, Ran("train", 0), {"weights/w.pth": NOTHING}, NOTHING, NOTHING, NOTHING)


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "output"


def test_an_output_appears_when_all_have_learned(outputs: Path) -> None:
    """Not before its last learner, and then with memo and record, and nothing of what it was made with."""
    task = unfinished.begin(outputs, "first", "a try", ["resnet34", "ssd"])
    task.keep("ssd", learned())
    with pytest.raises(LearningError, match=r"^first: resnet34 hasn't learned yet; run the same command again$"):
        task.finish(outputs)
    assert not (outputs / "first").exists()
    task.keep("resnet34", learned())
    (task.folder / "ssd.tar.gz").write_bytes(b"weights")
    assert task.finish(outputs) == outputs / "first"
    names = ["memo.txt", "record.json", "record.json.sha256", "ssd.tar.gz"]
    assert sorted(path.name for path in (outputs / "first").iterdir()) == names
    assert (outputs / "first/memo.txt").read_text() == "a try\n"
    assert record.read(outputs / "first").memo == "a try"
    assert sorted(record.read(outputs / "first").learners) == ["resnet34", "ssd"]
    assert unfinished.load(outputs) == {}


def test_going_on(outputs: Path) -> None:
    """The same name goes on with what is there: its beginning stays, a new memo and a further learner are taken."""
    before = unfinished.begin(outputs, "first", "old", ["ssd"]).task
    after = unfinished.begin(outputs, "first", "", ["ssd"]).task
    assert after == before
    more = unfinished.begin(outputs, "first", "new", ["resnet34"]).task
    assert (more.memo, more.learners, more.job, more.began) == ("new", ("ssd", "resnet34"), before.job, before.began)


def test_two_tasks_of_a_name_are_two_jobs(tmp_path: Path) -> None:
    """People in two workspaces may choose the same name: on the server their jobs differ."""
    jobs = {unfinished.begin(tmp_path / folder, "first", "", ["ssd"]).task.job for folder in ("a", "b")}
    assert len(jobs) == 2
    assert all(job.startswith("first.") for job in jobs)


@pytest.mark.parametrize("name", ["", "../up", ".hidden", "-dash", "a/b", "with space", "x" * 49, "ü"])
def test_names_that_cant_be(name: str, outputs: Path) -> None:
    """A name is a folder here and on the servers: what can't be one is refused before anything is made."""
    with pytest.raises(LearningError, match="is no name for a learning task"):
        unfinished.begin(outputs, name, "", ["ssd"])
    assert not outputs.exists()


def test_an_outputs_name_is_taken(outputs: Path) -> None:
    """An output is never overwritten."""
    task = unfinished.begin(outputs, "first", "", ["ssd"])
    task.keep("ssd", learned())
    task.finish(outputs)
    with pytest.raises(LearningError, match="output/first: is an output already; give another --name"):
        unfinished.begin(outputs, "first", "", ["ssd"])


def test_what_is_frozen_doesnt_follow_the_workspace(outputs: Path, tmp_path: Path) -> None:
    """A dataset that is built anew, as dlim builds, leaves the one that is being learned from alone."""
    archive = tmp_path / "ssd.tar.gz"
    archive.write_bytes(b"12345")
    task = unfinished.begin(outputs, "first", "", ["ssd"])
    task.freeze("ssd", Shipment(archive, "ab", (Piece("a", 0, 5, "cd"),)), ORIGIN)
    (tmp_path / "new").write_bytes(b"67890")
    (tmp_path / "new").replace(archive)
    frozen = unfinished.begin(outputs, "first", "", ["ssd"]).shipment("ssd")
    assert frozen.archive.read_bytes() == b"12345"
    assert (frozen.sha256, frozen.pieces) == ("ab", (Piece("a", 0, 5, "cd"),))


def test_one_process_brings_it_forward(outputs: Path) -> None:
    """A second process is told which one is at it; when that was killed, the next one may go on."""
    task = unfinished.begin(outputs, "first", "", ["ssd"])
    code = (
        "import sys, time; from pathlib import Path; from dlim.runs import unfinished\n"
        "task = unfinished.begin(Path(sys.argv[1]), 'first', '', ['ssd'])\n"
        "with unfinished.followed(task): print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(outputs)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        told = rf"^first: is followed already, by process {other.pid}; "
        with pytest.raises(LearningError, match=told), unfinished.followed(task):
            pass
        other.kill()
    with unfinished.followed(task):
        pass


def test_a_damaged_state_is_told(outputs: Path) -> None:
    """A file that a full disk cut off is one line with its path, and what to do."""
    task = unfinished.begin(outputs, "first", "", ["ssd"])
    (task.folder / "task.json").write_text("{")
    with pytest.raises(LearningError, match=r"output/\.unfinished/first/task\.json: can't be read: .*; delete that"):
        unfinished.load(outputs)
