"""A job that is cancelled leaves nothing running, and what it had learned stays."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from dlim.errors import LearningError
from dlim.runs import job
from dlim.runs.place import Place
from tests.runs.conftest import EVERYWHERE, first_on_path, left_alive, living, until
from tests.runs.jobs import ANN, WAITS, begin, ended, file_of, leader, learned, stray


@EVERYWHERE
def test_cancelling(place: Place, home: Path) -> None:
    """A job that heeds TERM is ended at once; who did it is told, and the learner can learn again."""
    begin(place, "touch began; sleep 60", test="touch tested")
    until((home / "began").exists)
    before = time.monotonic()
    state = job.cancel(place, "first", "bob@desk")
    assert time.monotonic() - before < 8
    assert (state.kind, state.exit_code, state.archived) == ("failed", 143, False)
    when = state.cancelled.removeprefix("bob@desk ")
    assert state.told == f"was cancelled by bob@desk at {when[:10]} {when[11:16]} UTC"
    assert left_alive(home) == {}
    assert not (home / "tested").exists()
    assert job.state(place, "first") == state
    log = learned(place, home, "echo anew")
    assert log.endswith("anew\n== archive\n")
    assert job.state(place, "first").cancelled == ""


@EVERYWHERE
def test_cancelling_what_does_not_listen(place: Place, home: Path) -> None:
    """Children of children that ignore TERM, leave the session, or let go of the lock, are ended all the same."""
    inherits = stray(home, "inherits", close_fds=False)
    leaves = stray(home, "leaves", start_new_session=True)
    hides = stray(home, "hides", close_fds=False, start_new_session=True).replace(
        sys.executable, f"env -i {sys.executable}", 1
    )
    begin(place, f"trap '' TERM; {inherits}; {leaves}; {hides}; touch began; while :; do sleep 0.05; done")
    until((home / "began").exists)
    assert len(living(home)) >= 5
    state = job.cancel(place, "first", ANN, grace=0.3)
    assert (state.kind, state.exit_code) == ("failed", 137)
    assert living(home) == {}


@EVERYWHERE
def test_cancelling_without_the_jobs_shell(place: Place, home: Path) -> None:
    """A learner whose job's shell was killed is ended by a cancel."""
    begin(place, "touch began; sleep 60")
    until((home / "began").exists)
    os.kill(leader(home), signal.SIGKILL)
    until(lambda: leader(home) not in living(home))
    state = job.cancel(place, "first", ANN)
    assert (state.kind, state.exit_code) == ("failed", None)
    assert state.ended
    assert state.told.startswith(f"was cancelled by {ANN} at ")
    assert living(home) == {}


@pytest.mark.parametrize("step", ["test", "archive"])
def test_cancelling_after_the_learning(place: Place, home: Path, slow_tar: None, step: str) -> None:
    """What was learned needn't be learned again: the job goes on with what was cut off."""
    begin(place, "echo x >>count", test=WAITS if step == "test" else "")
    until((home / "began").exists)
    assert job.state(place, "first").step == step
    state = job.cancel(place, "first", ANN)
    assert (state.kind, state.exit_code, state.test_exit_code, state.archived) == ("failed", 0, None, False)
    assert not file_of(home, "archive.part").exists()
    (home / "go").touch()
    job.resume(place, "first")
    state = ended(place)
    assert (state.kind, state.archived, state.cancelled) == ("succeeded", True, "")
    assert (home / "count").read_text() == "x\n"


@pytest.fixture
def slow_tar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tar that waits, once it has begun to write, until the file go is there."""
    path = tmp_path / "slow/tar"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\n{shutil.which("tar")} "$@" || exit\n[ $# = 1 ] || {{ {WAITS}; }}\n')
    path.chmod(0o755)
    first_on_path(path.parent, monkeypatch)


def test_cancelling_what_does_not_run(place: Place, home: Path) -> None:
    """What has ended, or never was, can't be cancelled, and is left as it is."""
    begin(place, "exit 3")
    state = ended(place)
    with pytest.raises(LearningError) as caught:
        job.cancel(place, "first")
    assert str(caught.value) == "first: its learning ended with status 3; there is nothing to cancel"
    with pytest.raises(LearningError) as caught:
        job.cancel(place, "second")
    assert str(caught.value) == "second: isn't there; there is nothing to cancel"
    assert job.state(place, "first") == state
