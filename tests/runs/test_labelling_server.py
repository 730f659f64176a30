"""Labelling images go to the server where people label, and boxes come back; none is overwritten in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlim import projects
from dlim.projects import Project
from dlim.runs import labelling_server
from dlim.runs.labelling_server import Pulled
from dlim.servers.local import Local
from tests.conftest import XML, new_workspace


def boxes(box: tuple[int, int, int, int], label: str = "close_btn") -> str:
    return XML.format(width=32, height=24, label=label, box=box)


@pytest.fixture
def taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Project]:
    """Two projects in a workspace, which is the current folder."""
    (tmp_path / "workspace").mkdir()
    workspace = new_workspace(tmp_path / "workspace")
    workspace.project("close_btn")
    workspace.project("skip_btn")
    monkeypatch.chdir(workspace.folder)
    found = {name: project for name, project in projects.load(Path("projects")).items() if isinstance(project, Project)}
    for project in found.values():
        project.extended.write_bytes(project.name.encode())
    return found


@pytest.fixture
def server(tmp_path: Path) -> Local:
    return Local("imglabeling", tmp_path / "server")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """The box file that people save on the server."""
    path = tmp_path / "server/projects/close_btn/master/image_extended.xml"
    path.parent.mkdir(parents=True)
    return path


def test_pushing(server: Local, taken: dict[str, Project], tmp_path: Path) -> None:
    """Every labelling image arrives, below the same path; a second push has nothing to bring."""
    assert labelling_server.push(server, taken) == ["close_btn", "skip_btn"]
    there = tmp_path / "server/projects/skip_btn/master/image_extended.jpg"
    assert there.read_bytes() == b"skip_btn"
    assert labelling_server.push(server, taken) == []
    taken["skip_btn"].extended.write_bytes(b"new")
    assert labelling_server.push(server, taken) == ["skip_btn"]
    assert there.read_bytes() == b"new"


def test_a_first_box(server: Local, taken: dict[str, Project], theirs: Path) -> None:
    """Where there is none here, the file comes as it is."""
    theirs.write_text(boxes((2, 3, 20, 21)))
    taken["close_btn"].boxes.unlink()
    assert labelling_server.pull(server, taken) == {"close_btn": Pulled("new", "close_btn 2,3 to 20,21")}
    assert taken["close_btn"].boxes.read_text() == boxes((2, 3, 20, 21))


def test_the_same_box(server: Local, taken: dict[str, Project], theirs: Path) -> None:
    """A file that another program wrote, but says the same, changes nothing here."""
    ours = taken["close_btn"].boxes.read_text()
    theirs.write_text(ours.replace("<folder>master</folder>", "<folder>elsewhere</folder>") + "\n")
    assert labelling_server.pull(server, taken) == {"close_btn": Pulled("same")}
    assert taken["close_btn"].boxes.read_text() == ours


def test_another_box_is_shown_and_not_taken(server: Local, taken: dict[str, Project], theirs: Path) -> None:
    """Both are told; only when it is asked for does theirs replace ours."""
    theirs.write_text(boxes((2, 3, 20, 21)))
    ours = taken["close_btn"].boxes.read_text()
    why = "here close_btn 9,7 to 24,18; there close_btn 2,3 to 20,21"
    assert labelling_server.pull(server, taken) == {"close_btn": Pulled("differs", why)}
    assert taken["close_btn"].boxes.read_text() == ours
    assert labelling_server.pull(server, taken, take=True) == {"close_btn": Pulled("taken", why)}
    assert taken["close_btn"].boxes.read_text() == boxes((2, 3, 20, 21))


def test_a_box_file_that_cant_be_read(server: Local, taken: dict[str, Project], theirs: Path) -> None:
    """Theirs is told and left there, whatever is asked for; ours may be replaced."""
    ours = taken["close_btn"].boxes.read_text()
    theirs.write_text("<annotation>")
    found = labelling_server.pull(server, taken, take=True)["close_btn"]
    assert found.state == "broken"
    assert "is no XML file that can be read" in found.why
    assert taken["close_btn"].boxes.read_text() == ours
    theirs.write_text(ours)
    taken["close_btn"].boxes.write_text("<annotation>")
    assert labelling_server.pull(server, taken)["close_btn"].state == "differs"
    assert labelling_server.pull(server, taken, take=True)["close_btn"].state == "taken"
    assert taken["close_btn"].boxes.read_text() == ours
    assert not list(taken["close_btn"].boxes.parent.glob(".*"))


def test_nothing_to_pull(server: Local, taken: dict[str, Project]) -> None:
    """A server where nobody has labelled yet gives nothing."""
    assert labelling_server.pull(server, taken) == {}
