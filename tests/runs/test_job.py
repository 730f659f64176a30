"""Jobs on a server: they go on by themselves, and leave nothing behind."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dlim.errors import CommandError, LearningError
from dlim.runs import job, log
from dlim.runs.place import Place
from dlim.runs.state import State
from tests.runs.conftest import EVERYWHERE, TOOLS, first_on_path, left_alive
from tests.runs.jobs import ANN, WAITS, begin, ended, file_of, learned, members, stray, text_of

# what a job does


@EVERYWHERE
def test_a_job_learns_tests_and_archives(place: Place, home: Path) -> None:
    """Its command and then its test run in the learner's folder, and all that they print is in its log."""
    log = learned(place, home, "pwd; echo learned >&2; mkdir w; echo 1 >w/a.pth", test="cat w/a.pth")
    assert log == f"{home}\nlearned\n== test: cat w/a.pth \n1\n== archive\n"
    state = job.state(place, "first")
    assert (state.exit_code, state.test_exit_code, state.archive_exit_code) == (0, 0, 0)
    assert (state.by, state.archived, state.log, state.cancelled) == (ANN, True, len(log), "")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", state.since)
    assert state.since <= state.ended
    assert abs(state.since_epoch - time.time()) < 60
    assert state.digest == hashlib.sha256(file_of(home, "archive.tar").read_bytes()).hexdigest()


def test_a_job_is_a_folder_that_a_person_can_read(place: Place, home: Path) -> None:
    """Its files are plain text, each saying one thing, and the archive's digest is as sha256sum wants it."""
    learned(
        place, home, "true", test="true", weight_in_service="weights/latest_weight.pth", leave_out=("*.log", "runs/")
    )
    found = " ".join(sorted(path.name for path in file_of(home, "").iterdir()))
    assert found == (
        "archive.sha256 archive.tar archive_exit_code before boot by cmd dataset ended exit_code leave_out log pid "
        "script since test test_exit_code untouched"
    )
    assert text_of(home, "cmd") == "true\n"
    assert text_of(home, "by") == f"{ANN}\n"
    assert text_of(home, "exit_code") == "0\n"
    left_out = text_of(home, "leave_out")
    assert left_out.endswith("./.dlim\n./data_set\n*.log\nruns\n./weights/latest_weight.pth\n")
    subprocess.run(["sha256sum", "-c", "archive.sha256"], cwd=file_of(home, ""), check=True, capture_output=True)


@EVERYWHERE
def test_what_a_command_is_told(place: Place, home: Path) -> None:
    """It knows its task, its learner, and the folder that the dataset's link leads to; it has no terminal's input."""
    release = home / ".dlim/ssd/releases/1/data_set"
    release.mkdir(parents=True)
    shutil.rmtree(home / "data_set")
    (home / "data_set").symlink_to(".dlim/ssd/releases/1/data_set")
    log = learned(place, home, 'echo "$DLIM_TASK,$DLIM_LEARNER,$DLIM_DATASET"; wc -c')
    assert log == f"first,ssd,{release}\n0\n== archive\n"


ODD = {
    'echo "it\'s" \'$HOME\' "a  b"': "it's $HOME a  b\n",
    "cat <<'END'\n$(false) `false` \\\nEND": "$(false) `false` \\\n",
    "printf '%s\\n' 100%d あ": "100%d\nあ\n",
    "f() { echo in; }; f # the end": "in\n",
    "exec 9>&-; echo closed": "closed\n",
}


@EVERYWHERE
def test_a_command_is_taken_as_it_is(place: Place, home: Path) -> None:
    """Quotes, lines and dollar signs reach the learner's shell as they were written, down to a comment at the end."""
    said = learned(place, home, "\n".join([*ODD, "echo end # it"]))
    assert said == "".join(ODD.values()) + "end\n== archive\n"


def test_a_line_of_the_log_is_of_one_thing(place: Place, home: Path) -> None:
    """What the command leaves without a line's end doesn't run into what follows; a test of two lines is one."""
    assert learned(place, home, "printf 50%%", test="true\ntrue") == "50%\n== test: true true \n== archive\n"


def test_a_learner_has_its_signals(place: Place, home: Path) -> None:
    """A program's own children can be interrupted, and one that fills a closed pipe ends: only HUP is ignored."""
    show = f"{sys.executable} -c 'import signal as s; print(*[int(s.getsignal(n) == s.SIG_IGN) for n in (1, 2, 3)])'"
    assert learned(place, home, f"{show}; yes | head -n 1") == "1 0 0\ny\n== archive\n"


@EVERYWHERE
def test_a_test_that_fails(place: Place, home: Path) -> None:
    """What was learned stays learned, and is archived; that the test failed is told."""
    begin(place, "true", test="exit 4")
    state = ended(place)
    assert (state.kind, state.test_exit_code, state.archived) == ("succeeded", 4, True)
    assert state.told == "has learned, but its test ended with status 4"


@EVERYWHERE
def test_what_a_learner_leaves_running_is_ended(place: Place, home: Path) -> None:
    """Before its folder is archived, what the learner left behind is ended, wherever it went; the log says so."""
    inherits = stray(home, "inherits", close_fds=False)
    leaves = stray(home, "leaves", start_new_session=True)
    log = learned(place, home, f"{inherits}\n{leaves}")
    assert re.fullmatch(r"== left running, and ended: \d+ \d+\n== archive\n", log)
    assert left_alive(home) == {}


# what can't begin


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "-f", "a/b", "a b", "a\nb", "あ", "x" * 65, "a;b", "$HOME"])
def test_names_that_are_none(place: Place, name: str) -> None:
    """A name that would be more than a folder's is refused wherever one is given."""
    for call in (
        lambda: begin(place, "true", name),
        lambda: job.state(place, name),
        lambda: job.cancel(place, name),
        lambda: job.forget(place, name),
        lambda: job.resume(place, name),
    ):
        with pytest.raises(LearningError, match="is no name for a job"):
            call()


@pytest.mark.parametrize("name", ["a", "_", "2026-11-23_0501", "x" * 64, "a..b", "LICENSE.txt"])
def test_names(place: Place, home: Path, name: str) -> None:
    """Letters, digits, _, . and - make a name."""
    begin(place, "true", name)
    assert ended(place, name).kind == "succeeded"


def test_a_learner_without_a_dataset(place: Place, home: Path) -> None:
    """Nothing begins where there is nothing to learn from."""
    shutil.rmtree(home / "data_set")
    with pytest.raises(LearningError) as caught:
        begin(place, "touch began")
    assert str(caught.value) == "ssd: has no dataset for ssd in data_set; doit ship:ssd"
    assert job.state(place, "first").kind == "none"
    assert not (home / "began").exists()


def test_a_learner_without_a_command(place: Place) -> None:
    """A job must have something to do."""
    with pytest.raises(LearningError, match="has no command to learn with"):
        begin(place, " \n")


def test_what_a_job_left_as_it_was(place: Place, home: Path) -> None:
    """Files that were there before and weren't written to, whatever their times say; the rest is the job's own."""
    (home / "w").mkdir()
    for name in ("old", "ahead", "rewritten"):
        (home / "w" / name).write_text(name)
    os.utime(home / "w/ahead", (time.time() + 999,) * 2)
    stamp = (home / "w/rewritten").stat()
    (home / "rewrite.py").write_text(
        "import os\nopen('w/rewritten', 'r+').write('REWRITTEN')\n"
        f"os.utime('w/rewritten', ns=({stamp.st_mtime_ns},) * 2)"
    )
    learned(place, home, f"{sys.executable} rewrite.py; echo x > w/new; touch -d 2001-01-01 w/new")
    assert {"w/old", "w/ahead", "rewrite.py"} <= job.untouched(place, "first")
    assert not {"w/new", "w/rewritten"} & job.untouched(place, "first")


def test_the_revision_of_a_program_on_the_server(place: Place, home: Path) -> None:
    """Where the learner's folder is under git there, the commit is known, and whether files differ from it."""
    git = ["git", "-C", str(home), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    (home / "train.py").write_text("1")
    for command in (["init", "-q"], ["add", "train.py"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    learned(place, home, "true")
    assert job.state(place, "first").revision == commit
    (home / "train.py").write_text("2")
    learned(place, home, "true", name="second")
    assert job.state(place, "second").revision == f"{commit} changed"


def test_job_files_that_are_empty_or_garbage(place: Place, home: Path) -> None:
    """They are passed over, and nothing of them reaches a terminal as it is."""
    learned(place, home, "true")
    for name in ("since", "ended", "by", "archive.sha256", "exit_code", "boot"):
        for data in (b"", b"\xff\x1b[2K\rgarbage\n", b"9" * 5000 + b"\n"):
            file_of(home, name).write_bytes(data)
            state = job.state(place, "first")
            assert state.since_epoch >= 0
            assert state.told.isprintable()
            assert state.by.isprintable()


def test_a_home_that_is_the_accounts_own(place: Place, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is learned there: all of the account would be in what comes back."""
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(LearningError, match="its home is the account's own"):
        begin(place, "true")


def test_what_an_account_keeps_is_never_archived(place: Place, home: Path) -> None:
    """Keys and the like stay, also where a learner's folder has them."""
    for name in (".ssh/id_ed25519", ".netrc", ".bash_history", "train.py"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text("x")
    learned(place, home, "true")
    assert "./train.py" in members(file_of(home, "archive.tar"))
    assert not [name for name in members(file_of(home, "archive.tar")) if "ssh" in name or "netrc" in name]


def test_a_server_without_flock(place: Place, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that the server lacks is named."""
    folder = tmp_path / "few"
    folder.mkdir()
    for tool in ["sh", "tar", *TOOLS]:
        (folder / tool).symlink_to(shutil.which(tool) or "/bin/false")
    monkeypatch.setenv("PATH", "")
    first_on_path(folder, monkeypatch)
    with pytest.raises(CommandError, match="flock"):
        begin(place, "true")
    assert job.state(place, "first").kind == "none"


def test_a_job_that_is_not_there(place: Place, tmp_path: Path) -> None:
    """What was never begun can't be followed or gone on with; it may be forgotten."""
    assert job.state(place, "first") == State("first", "none", restarted=True)
    for call in (lambda: job.resume(place, "first"), lambda: log.follow(place, "first", tmp_path / "log", print)):
        with pytest.raises(LearningError) as caught:
            call()
        assert str(caught.value) == "ssd: has no job first of ssd; begin it anew"
    job.forget(place, "first")


# forgetting


@EVERYWHERE
def test_forgetting(place: Place, home: Path, go: Callable[[], None]) -> None:
    """A job that has ended is removed; one that runs isn't, and doesn't notice."""
    begin(place, "true", "second")
    ended(place, "second")
    begin(place, WAITS)
    with pytest.raises(LearningError) as caught:
        job.forget(place, "first")
    assert str(caught.value) == "first: is running; wait for it, or doit cancel:ssd"
    job.forget(place, "second")
    assert job.state(place, "second").kind == "none"
    go()
    assert ended(place).kind == "succeeded"
    job.forget(place, "first")
    assert list((home / ".dlim/ssd/jobs").iterdir()) == []


def test_pruning(place: Place, home: Path, tmp_path: Path, go: Callable[[], None]) -> None:
    """The newest that have ended stay, and what runs, and what was learned but not fetched yet."""
    for number in range(5):
        begin(place, "exit 1", f"failed{number}")
        ended(place, f"failed{number}")
        file_of(home, "since", f"failed{number}").write_text(f"2026-01-0{number + 1}T00:00:00Z\n")
    for name in ("fetched", "waiting"):
        begin(place, "true", name)
        ended(place, name)
        file_of(home, "since", name).write_text("2025-01-01T00:00:00Z\n")
    job.fetch(place, "fetched", tmp_path / "archive.tar")
    begin(place, WAITS, "running")
    assert job.prune(place, 2) == ["failed2", "failed1", "failed0", "fetched"]
    left = sorted(path.name for path in (home / ".dlim/ssd/jobs").iterdir())
    assert left == ["failed3", "failed4", "running", "waiting"]
    assert job.prune(place, 2) == []
    go()
    assert ended(place, "running").kind == "succeeded"
