"""What is known of steps: kept as they end, read while others write, told in a line where it can't be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from doit.dependency import JSONCodec
from doit.exceptions import InvalidDodoFile

from dlim.build.state import Memory, Record, State


def memory(path: Path) -> Memory:
    return Memory(str(path), JSONCodec())


def state(path: Path) -> State:
    """A state file in which a step's success, and another's fault, were kept; it is still open."""
    kept = State(str(path), JSONCodec())
    kept.keep("augment:a", Record(output="digest", images=3))
    kept.fail("augment:b", "it failed")
    return kept


def test_it_says_what_was_kept(tmp_path: Path) -> None:
    """What a run kept is known, also while that run goes on and its log isn't yet in the file."""
    kept = state(tmp_path / "state.db")
    for ended in (False, True):
        if ended:
            kept.dump()
        read = memory(tmp_path / "state.db").records
        assert (read["augment:a"].output, read["augment:a"].images) == ("digest", 3)
        assert read["augment:b"].failed == "it failed"
        assert "augment:c" not in read


def test_what_is_forgotten(tmp_path: Path) -> None:
    """`doit forget` forgets a step; what doit has forgotten by its own habit can be known again."""
    kept = state(tmp_path / "state.db")
    kept.remove("augment:a")
    assert "augment:a" not in memory(tmp_path / "state.db").records
    kept.restore("augment:a")
    assert memory(tmp_path / "state.db").records["augment:a"].output == "digest"


def test_nothing_is_written(tmp_path: Path) -> None:
    """Who only asks leaves the file as it is, and makes none where there was none."""
    state(tmp_path / "state.db").dump()
    before = (tmp_path / "state.db").read_bytes()
    for path in (tmp_path / "state.db", tmp_path / "none/state.db"):
        read = memory(path)
        read.set("build:a", "deps:", [])
        read.learn("augment:a")
        read.dump()
    assert (tmp_path / "state.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["state.db"]


def test_an_empty_file_is_an_empty_memory(tmp_path: Path) -> None:
    """A run that was ended before it kept anything leaves nothing to know."""
    (tmp_path / "state.db").touch()
    assert memory(tmp_path / "state.db").records == {}
    assert (tmp_path / "state.db").stat().st_size == 0


def test_odd_paths(tmp_path: Path) -> None:
    """A path may have signs that mean something to sqlite."""
    folder = tmp_path / "a?mode=rw&b #c%20d"
    state(folder / "state.db").dump()
    assert "augment:a" in memory(folder / "state.db").records


@pytest.mark.parametrize("harm", ["garbage", "cut", "damaged inside", "rows", "another table", "a folder", "no folder"])
@pytest.mark.parametrize("kind", [Memory, State])
def test_what_cannot_be_read_is_a_line(tmp_path: Path, harm: str, kind: type[State]) -> None:
    """A state file that can't be read is one line, with the way out, for those who ask and for those who build."""
    path = tmp_path / "dlim/state.db"
    kept = state(path)
    if harm == "rows":
        kept._conn.execute("update steps set record = 'no json'")
        kept._conn.commit()
    if harm == "another table":
        kept._conn.execute("drop table steps")
        kept._conn.execute("create table steps (something integer)")
        kept._conn.commit()
    kept.dump()
    data = path.read_bytes()
    if harm == "garbage":
        path.write_bytes(b"no database at all, only text")
    elif harm == "cut":
        path.write_bytes(data[:5000])
    elif harm == "damaged inside":
        path.write_bytes(data.replace(b"digest", b"\xff" * 6))
    elif harm in ("a folder", "no folder"):
        shutil.rmtree(path.parent)
        path.mkdir(parents=True) if harm == "a folder" else path.parent.touch()
    with pytest.raises(InvalidDodoFile) as caught:
        kind(str(path), JSONCodec())
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path.parent))
