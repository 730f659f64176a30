"""Shots come to a job's predict, and to nothing else; only what is new is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlim import shots as folder
from dlim.runs import job, shots, unfinished
from dlim.runs.place import Place
from dlim.runs.shots import Frozen
from dlim.runs.unfinished import Unfinished
from tests.runs.conftest import EVERYWHERE
from tests.runs.jobs import begin, ended, text_of
from tests.test_shots import CLOSE, shot

PREDICT = 'ls "$DLIM_SHOTS" > seen; exit 3'


@pytest.fixture
def task(tmp_path: Path) -> Unfinished:
    return unfinished.begin(tmp_path / "output", "first", "", ["ssd"])


def frozen(task: Unfinished, path: Path) -> Frozen:
    """The shots of a folder, set apart."""
    shots.freeze(task, "ssd", folder.read(path), {}, ["close"])
    found = shots.read(task, "ssd")
    assert found is not None
    return found


@EVERYWHERE
def test_predict_sees_the_shots_of_its_job(place: Place, home: Path, task: Unfinished, tmp_path: Path) -> None:
    """It runs after the test, with a folder of pictures alone; that it fails is told, and all else goes on."""
    path = tmp_path / "shots"
    shot(path, "a.jpg", (CLOSE,), "red")
    shot(path, "b.b.png", None, "green")
    assert len(shots.bring(place, "first", task, frozen(task, path))) == 2
    begin(place, 'echo "learns ${DLIM_SHOTS-without}"', test='echo "tests ${DLIM_SHOTS-without}"', predict=PREDICT)
    state = ended(place)
    assert (state.kind, state.predict_exit_code, state.archived) == ("succeeded", 3, True)
    assert state.told == "has learned, but its prediction ended with status 3"
    assert (home / "seen").read_text().split() == ["a.jpg", "b.b.png"]
    assert {"learns without", "tests without"} <= set(text_of(home, "log").splitlines())

    (path / "a.jpg").unlink()
    (path / "a.xml").unlink()
    shot(path, "c.png", (), "blue")
    assert len(shots.bring(place, "second", task, frozen(task, path))) == 1
    begin(place, "true", "second", predict=PREDICT)
    ended(place, "second")
    assert (home / "seen").read_text().split() == ["b.b.png", "c.png"]
    job.forget(place, "first")
    assert shots.bring(place, "second", task, frozen(task, path)) == []


def test_a_picture_that_a_program_changed_is_sent_again(place: Place, task: Unfinished, tmp_path: Path) -> None:
    """What a job finds is what was set apart, whatever became of it there."""
    path = tmp_path / "shots"
    shot(path, "a.png", (CLOSE,), "red")
    found = frozen(task, path)
    shots.bring(place, "first", task, found)
    place.ask('echo damaged >"$own/jobs/first/shots/a.png"')
    assert len(shots.bring(place, "second", task, found)) == 1
    shown = place.transport.run('cat "$1"', place.path("jobs", "second", "shots", "a.png")).out
    assert shown == (path / "a.png").read_bytes()
