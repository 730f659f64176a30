"""doit's memory as those read it who only ask."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from doit.dependency import JSONCodec
from doit.exceptions import InvalidDodoFile

from dlim.plugins.memory import Memory
from dlim.plugins.state import State


def memory(path: Path) -> Memory:
    return Memory(str(path), JSONCodec())


def state(path: Path) -> State:
    """A state file in which a task's success, and another's fault, were kept; it is still open."""
    kept = State(str(path), JSONCodec())
    kept.set("build:a", "_values_:", {"number": 1})
    kept.set("build:a", "deps:", ["a.jpg"])
    kept.fail("build:b", "it failed")
    return kept


def test_it_says_what_was_kept(tmp_path: Path) -> None:
    """What a run kept is known, also while that run goes on and its log isn't yet in the file."""
    kept = state(tmp_path / "state.db")
    for ended in (False, True):
        if ended:
            kept.dump()
        read = memory(tmp_path / "state.db")
        assert read.get("build:a", "_values_:") == {"number": 1}
        assert read.get("build:a", "deps:") == ["a.jpg"]
        assert read.get("build:b", "failed:") == "it failed"
        assert read.get("build:c", "deps:") is None
        assert [read.in_(name) for name in ("build:a", "build:c")] == [True, False]


def test_nothing_is_written(tmp_path: Path) -> None:
    """Whatever is asked of it, the file stays as it is, and there is none where there was none."""
    state(tmp_path / "state.db").dump()
    before = (tmp_path / "state.db").read_bytes()
    for path in (tmp_path / "state.db", tmp_path / "none/state.db"):
        read = memory(path)
        read.set("build:a", "deps:", [])
        read.fail("build:a", "no")
        read.renew("build:a", {})
        read.remove("build:a")
        read.remove_all()
        read.dump()
    assert (tmp_path / "state.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["state.db"]


def test_an_empty_file_is_an_empty_memory(tmp_path: Path) -> None:
    """A run that was ended before it kept anything leaves nothing to know."""
    (tmp_path / "state.db").touch()
    assert not memory(tmp_path / "state.db").in_("build:a")
    assert (tmp_path / "state.db").stat().st_size == 0


def test_odd_paths(tmp_path: Path) -> None:
    """A path may have signs that mean something to sqlite."""
    folder = tmp_path / "a?mode=rw&b #c%20d"
    state(folder / "state.db").dump()
    assert memory(folder / "state.db").in_("build:a")


@pytest.mark.parametrize("harm", ["garbage", "cut", "a folder", "a file as folder"])
def test_what_cannot_be_read_is_a_line(tmp_path: Path, harm: str) -> None:
    """A state file that can't be read is told as a run tells it."""
    path = tmp_path / "dlim/state.db"
    state(path).dump()
    if harm == "garbage":
        path.write_bytes(b"no database at all, only text")
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    else:
        shutil.rmtree(path.parent)
        path.mkdir(parents=True) if harm == "a folder" else path.parent.touch()
    messages = []
    for kind in (Memory, State):
        with pytest.raises(InvalidDodoFile) as caught:
            kind(str(path), JSONCodec())
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert "\n" not in messages[0]
