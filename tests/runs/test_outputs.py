"""Outputs are found, checked, traced from a weight, and deleted as a whole."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dlim.errors import OutputError
from dlim.runs import outputs, record
from dlim.runs.record import Dataset, File, Learned, Origin, Ran, Record, Where


def file(data: bytes) -> File:
    return File(len(data), hashlib.sha256(data).hexdigest())


def make(folder: Path, name: str, ended: str = "2026-01-01T00:00:00Z", weight: bytes = b"weight") -> Path:
    """An output as a learning task leaves it."""
    made = folder / name
    made.mkdir(parents=True)
    for path in ("ssd.tar.gz", "ssd_dlim.tar.gz", "ssd.log"):
        (made / path).write_bytes(path.encode())
    projects = {"close_btn": {"master/image.jpg": "aa", "data_augmentation/daug.py": "bb"}}
    origin = Origin(Dataset(File(5, "ab"), {}, 8, 2), projects, {}, {}, {})
    weights = {"weights/old.pth": file(b"old"), "weights/best.pth": file(weight)}
    parts = (file(path.encode()) for path in ("ssd.tar.gz", "ssd_dlim.tar.gz", "ssd.log"))
    learned = Learned(origin, Where("ssd", "here", "."), Ran("train", 0), weights, *parts)
    whole = Record(name, "memo", "ann@here", ended, ended, {"ssd": learned})
    (made / record.RECORD).write_bytes(record.write(whole))
    return made


def test_outputs_are_listed_the_newest_last(tmp_path: Path) -> None:
    """By when they ended; a folder without a record is none, nor is what is still growing."""
    make(tmp_path, "b", "2026-01-02T00:00:00Z")
    make(tmp_path, "a", "2026-01-03T00:00:00Z")
    make(tmp_path, "c", "2026-01-01T00:00:00Z")
    make(tmp_path / ".unfinished", "d")
    (tmp_path / "notes").mkdir()
    assert list(outputs.load(tmp_path)) == ["c", "b", "a"]
    assert outputs.load(tmp_path / "nowhere") == {}


@pytest.mark.parametrize("name", ["frist", "", ".", "..", "../first", ".unfinished", "/etc"])
def test_a_name_that_is_none(name: str, tmp_path: Path) -> None:
    """The nearest right name is said, and nothing outside the folder is looked at."""
    make(tmp_path, "first")
    with pytest.raises(OutputError, match=rf'"{name}": is no output; (did you mean "first"\?|say one of: first)'):
        outputs.find(tmp_path, name)


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    """What can't be read is one line with its path, and in no other output's way."""
    (make(tmp_path, "first") / record.RECORD).write_text('{"name": 3}')
    make(tmp_path, "second")
    assert list(outputs.load(tmp_path)) == ["second"]
    with pytest.raises(OutputError, match=r"first/record\.json: is no record of a learning task: .*; restore it"):
        outputs.find(tmp_path, "first")
    assert outputs.damaged(tmp_path, "first") == tmp_path / "first"
    assert outputs.damaged(tmp_path, "second") is None


def test_a_memo_that_a_person_changed(tmp_path: Path) -> None:
    """It is what the file says; a record that was changed is told."""
    made = make(tmp_path, "first")
    record.seal(made)
    (made / record.MEMO).write_text("darker\nbuttons\n")
    assert outputs.find(tmp_path, "first").record.memo == "darker buttons"
    assert list(outputs.damage(outputs.find(tmp_path, "first"))) == []
    (made / record.RECORD).write_text((made / record.RECORD).read_text().replace("ann@here", "bob@here"))
    assert f"{made}/record.json: was changed since it was written" in outputs.damage(outputs.find(tmp_path, "first"))


def test_deleting_frees_the_disk(tmp_path: Path) -> None:
    """All of it goes; what a killed deletion left goes with the next."""
    make(tmp_path, "first")
    output = outputs.find(tmp_path, "first")
    size = output.size
    assert outputs.remove(output) == size > 0
    make(tmp_path, ".deleted-second")
    outputs.sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_damage_is_found(tmp_path: Path) -> None:
    """A file that is gone, cut off, or has one other byte."""
    made = make(tmp_path, "first")
    assert list(outputs.damage(outputs.find(tmp_path, "first"))) == []
    (made / "ssd.tar.gz").write_bytes(b"ssd.tar.gy")
    (made / "ssd.log").unlink()
    found = list(outputs.damage(outputs.find(tmp_path, "first")))
    assert found == [f"{made}/ssd.tar.gz: is damaged", f"{made}/ssd.log: is missing"]


def test_a_weight_tells_where_it_comes_from(tmp_path: Path) -> None:
    """From its bytes alone, whatever it is called; several outputs may have the same."""
    make(tmp_path, "first", "2026-01-01T00:00:00Z")
    make(tmp_path, "second", "2026-01-02T00:00:00Z", weight=b"other")
    make(tmp_path, "third", "2026-01-03T00:00:00Z")
    records = [output.record for output in outputs.load(tmp_path).values()]
    weight = tmp_path / "latest_weight.pth"
    weight.write_bytes(b"weight")
    found = [(each.record.name, each.learner, each.path) for each in outputs.trace(weight, records)]
    assert found == [("first", "ssd", "weights/best.pth"), ("third", "ssd", "weights/best.pth")]
    packed = {name: outputs.trace(tmp_path / "second" / name, records)[0] for name in ("ssd.tar.gz", "ssd_dlim.tar.gz")}
    assert [each.path for each in packed.values()] == ["the archive", "the snapshot"]
    weight.write_bytes(b"weighd")
    with pytest.raises(OutputError, match=r"is nothing that first, second, third knows \(sha256 [0-9a-f]{12}\); name"):
        outputs.trace(weight, records)
    with pytest.raises(OutputError, match="nothing: is no file; name a weight"):
        outputs.trace(tmp_path / "nothing", records)


def test_what_changed_since(tmp_path: Path) -> None:
    """Against the workspace as it is: files that changed, came or went, and whole projects."""
    make(tmp_path, "first")
    weight = tmp_path / "w"
    weight.write_bytes(b"weight")
    [found] = outputs.trace(weight, [outputs.find(tmp_path, "first").record])
    same = {"close_btn": {"master/image.jpg": "aa", "data_augmentation/daug.py": "bb"}}
    assert list(outputs.changed(found, same)) == []
    now = {"close_btn": {"master/image.jpg": "xx", "project.toml": "cc"}, "skip_btn": {}}
    assert list(outputs.changed(found, now)) == [
        "close_btn: data_augmentation/daug.py is gone",
        "close_btn: master/image.jpg changed",
        "close_btn: project.toml is new",
        "skip_btn: is new",
    ]
    assert list(outputs.changed(found, {})) == ["close_btn: is gone"]
    said = list(outputs.changed(found, same, {"workspace": {"seed": 2}}, {"train.py": "aa"}))
    assert said == ["workspace.seed: was 1, is 2", "program: train.py is new"]
