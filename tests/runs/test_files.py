"""Small files reach a server together or not at all, and come back as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlim.config import Learning
from dlim.errors import CommandError, ConfigError
from dlim.runs import files, program
from dlim.runs.place import Place
from dlim.servers.local import Local


@pytest.fixture
def server(tmp_path: Path) -> Local:
    return Local("ssd", tmp_path / "server")


def test_only_what_differs_is_brought(server: Local, tmp_path: Path) -> None:
    """Files arrive below their folder with their rights; a second time nothing does, and a changed one alone."""
    (tmp_path / "a b.py").write_text("one")
    (tmp_path / "run").write_text("two")
    (tmp_path / "run").chmod(0o755)
    wanted = {"deep/a b.py": tmp_path / "a b.py", "run": tmp_path / "run"}
    assert sorted(files.bring(server, "x", wanted)) == ["deep/a b.py", "run"]
    assert (tmp_path / "server/x/deep/a b.py").read_text() == "one"
    assert (tmp_path / "server/x/run").stat().st_mode & 0o777 == 0o755
    assert files.bring(server, "x", wanted) == []
    (tmp_path / "run").write_text("three")
    assert files.bring(server, "x", wanted) == ["run"]
    assert not [path for path in (tmp_path / "server/x").iterdir() if path.name.startswith(".dlim")]


def test_other_files_stay(server: Local, tmp_path: Path) -> None:
    """What others keep beside is theirs."""
    (tmp_path / "server/x").mkdir(parents=True)
    (tmp_path / "server/x/theirs").write_text("theirs")
    (tmp_path / "mine").write_text("mine")
    files.bring(server, "x", {"mine": tmp_path / "mine"})
    assert (tmp_path / "server/x/theirs").read_text() == "theirs"


def test_what_is_cut_off_replaces_nothing(server: Local, tmp_path: Path) -> None:
    """A stream that ends early is told, and every file there is what it was."""
    (tmp_path / "big").write_bytes(b"x" * 100_000)
    files.bring(server, "x", {"big": tmp_path / "big"})

    class Cut(Local):
        """A link that loses the end of what is sent."""

        def run(self, script: str, *arguments: str, feed: object = (), **more: object) -> object:  # type: ignore[override]
            data = b"".join(feed)  # type: ignore[arg-type]
            return super().run(script, *arguments, feed=[data[:60_000]], **more)  # type: ignore[arg-type]

    (tmp_path / "big").write_bytes(b"y" * 100_000)
    with pytest.raises(CommandError, match=r"^ssd: "):
        files.bring(Cut("ssd", tmp_path / "server"), "x", {"big": tmp_path / "big"})
    assert (tmp_path / "server/x/big").read_bytes() == b"x" * 100_000


def test_fetching_what_there_is(server: Local, tmp_path: Path) -> None:
    """Of the files that were asked for come those that there are; from a folder that isn't there, none."""
    (tmp_path / "server/projects/a").mkdir(parents=True)
    (tmp_path / "server/projects/a/x.xml").write_text("<a/>")
    assert files.fetch(server, ".", ["projects/a/x.xml", "projects/b/x.xml"]) == {"projects/a/x.xml": b"<a/>"}
    assert files.fetch(server, ".", []) == {}
    assert files.fetch(server, "nowhere", ["x"]) == {}


def test_a_program_is_brought_to_the_learners_folder(server: Local, tmp_path: Path) -> None:
    """All its files but caches, hidden ones, and what it left when it was tried; and that once."""
    for name in (
        "train.py",
        "deep/model.py",
        "__pycache__/x.pyc",
        ".hidden",
        "x~",
        "weights/w.pth",
        "results/report.json",
    ):
        (tmp_path / "program" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "program" / name).write_text(name)
    place = Place(server, "ssd", "folder")
    learning = Learning(program=str(tmp_path / "program"), weights="weights/*.pth", results="results/report.json")
    assert program.bring(place, learning)
    there = tmp_path / "server/folder"
    found = [path.relative_to(there).as_posix() for path in there.rglob("*") if path.is_file()]
    assert sorted(each for each in found if not each.startswith(".dlim/")) == ["deep/model.py", "train.py"]
    assert not program.bring(place, learning)
    assert not program.bring(place, Learning())


def test_no_program(tmp_path: Path) -> None:
    """A folder without a file is a slip in the learner's file, and said so."""
    with pytest.raises(ConfigError, match=r"nothing: is no folder with a program; correct learning\.program"):
        program.parts(Learning(program=str(tmp_path / "nothing")))
