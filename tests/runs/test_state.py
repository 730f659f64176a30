"""A job always says how it stands, and how it ended, however it did."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from dlim.errors import LearningError
from dlim.runs import job
from dlim.runs.place import Place
from tests.runs.conftest import EVERYWHERE, living, until
from tests.runs.jobs import WAITS, begin, ended, file_of, kill_all, leader, learned, text_of


@EVERYWHERE
def test_a_command_that_fails(place: Place, home: Path) -> None:
    """Its status is told; neither test nor archive follow."""
    begin(place, "echo no good; exit 3", test="echo tested")
    state = ended(place)
    assert (state.kind, state.step, state.exit_code, state.test_exit_code) == ("failed", "learning", 3, None)
    assert state.told == "its learning ended with status 3"
    assert text_of(home, "log") == "no good\n"
    assert not state.archived


@EVERYWHERE
def test_a_learner_that_is_killed(place: Place, home: Path) -> None:
    """A learner killed by the kernel or a person has failed, by that signal."""
    begin(place, "true; sleep 60; true")
    until(lambda: "sleep 60 " in living(home).values())
    kill_all(process for process, line in living(home).items() if "learn first" not in line)
    state = ended(place)
    assert (state.kind, state.exit_code) == ("failed", 137)
    assert state.told == "its learning was killed by signal 9"


@EVERYWHERE
def test_the_jobs_shell_is_killed(place: Place, home: Path, go: Callable[[], None]) -> None:
    """While the learner lives, the job is running, and no other can begin; then it is lost."""
    begin(place, WAITS)
    until((home / "began").exists)
    os.kill(leader(home), signal.SIGKILL)
    until(lambda: leader(home) not in living(home))
    assert job.state(place, "first").kind == "running"
    with pytest.raises(LearningError, match="learns already"):
        begin(place, "true", "second")
    go()
    state = ended(place)
    assert state.kind == "lost"
    assert state.told == "was lost: it was killed, and nothing was left to say how it ended"


def lose(place: Place, home: Path) -> None:
    """Begin a job, and kill all of it at once."""
    begin(place, "echo one; sleep 60")
    until(lambda: text_of(home, "log"))
    while found := living(home):
        kill_all(found)
    assert job.state(place, "first").kind == "lost"
    assert job.running(place) is None


@EVERYWHERE
def test_a_lost_job_begins_anew(place: Place, home: Path) -> None:
    """A job of which nothing was left can be begun under the same name, and its log goes on."""
    lose(place, home)
    log = learned(place, home, "echo two")
    assert re.fullmatch(r"one\n== again: [-\dT:]+Z\ntwo\n== archive\n", log)


def test_the_server_was_restarted(place: Place, home: Path) -> None:
    """A job that was lost with its server says so."""
    lose(place, home)
    file_of(home, "boot").write_text("another boot\n")
    state = job.state(place, "first")
    assert (state.kind, state.restarted) == ("lost", True)
    assert state.told == "was lost: the server was restarted"


@EVERYWHERE
def test_hanging_up_ends_nothing(place: Place, home: Path, go: Callable[[], None]) -> None:
    """A job doesn't mind the end of the session that began it."""
    begin(place, WAITS)
    until((home / "began").exists)
    os.killpg(leader(home), signal.SIGHUP)
    go()
    assert ended(place).kind == "succeeded"


@EVERYWHERE
@pytest.mark.parametrize("step", ["learning", "test"])
def test_term_goes_on_to_the_learner(place: Place, home: Path, step: str) -> None:
    """Who ends the job's shell ends the learner, which may still save what it has; what was learned before stays so."""
    handles = "trap 'echo saved >saved; exit 0' TERM; touch began; while :; do sleep 0.01; done"
    commands = {"command": handles} if step == "learning" else {"command": "true", "test": handles}
    begin(place, **commands)
    until((home / "began").exists)
    os.kill(leader(home), signal.SIGTERM)
    state = ended(place)
    assert (home / "saved").exists()
    if step == "learning":
        assert (state.kind, state.exit_code) == ("failed", 143)
    else:
        assert (state.kind, state.step, state.test_exit_code, state.archived) == ("succeeded", "test", None, False)
        assert state.told == "has learned, but was ended before its folder was archived"
