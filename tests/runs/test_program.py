"""A program of the workspace is on its server as it is here."""

from __future__ import annotations

from pathlib import Path

from dlim.config import Learning
from dlim.runs import program
from dlim.runs.place import Place
from dlim.servers.local import Local


def test_what_a_program_no_longer_has_goes(tmp_path: Path) -> None:
    """Files that were deleted here go there too, unless somebody has changed them there; what others put stays."""
    here, there = tmp_path / "program", tmp_path / "server/ssd"
    here.mkdir()
    for name in ("train.py", "old one.py", "mended.py"):
        (here / name).write_text(name)
    learning = Learning(program=str(here))
    with Local("ssd", there.parent) as transport:
        place = Place(transport, "ssd", "ssd")
        assert program.bring(place, learning)
        (there / "notes.txt").write_text("mine")
        (there / "mended.py").write_text("mended there")
        (here / "old one.py").unlink()
        (here / "mended.py").unlink()
        assert not program.bring(place, learning)
    assert sorted(path.name for path in there.glob("[!.]*")) == ["mended.py", "notes.txt", "train.py"]
