"""Jobs on a server: they go on by themselves, always say how they stand, and leave nothing running."""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from dlim.builds import sha256
from dlim.errors import CommandError, LearningError, Unreachable
from dlim.learning import job
from dlim.learning.job import Lines, Order, State
from dlim.learning.place import Place
from dlim.transport.contract import Done
from dlim.transport.local import Local
from tests.learning.conftest import EVERYWHERE, TOOLS, Link, Through, first_on_path, living, until

ANN = "ann@dataaug"

WAITS = "touch began; until [ -e go ]; do sleep 0.01; done"
"""A command that goes on until the file go is there."""


def begin(place: Place, command: str, name: str = "first", **more: object) -> None:
    job.start(place, Order(name, command, by=ANN, **more))  # type: ignore[arg-type]


def ended(place: Place, name: str = "first") -> State:
    """How a job stands once it has ended."""
    until(lambda: job.state(place, name).kind != "running")
    return job.state(place, name)


def file_of(home: Path, name: str, of: str = "first") -> Path:
    """A file of a job."""
    return home / ".dlim/ssd/jobs" / of / name


def text_of(home: Path, name: str, of: str = "first") -> str:
    return file_of(home, name, of).read_text()


def learned(place: Place, home: Path, command: str, **more: object) -> str:
    """The log of a job that must succeed."""
    begin(place, command, **more)
    state = ended(place)
    assert state.kind == "succeeded", text_of(home, "log")
    return text_of(home, "log")


def kill_all(processes: Iterable[int]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def leader(home: Path) -> int:
    """The process of a job's own shell."""
    return int(text_of(home, "pid"))


@pytest.fixture
def go(home: Path) -> Iterator[Callable[[], None]]:
    """Lets what WAITS end."""
    yield (home / "go").touch
    if home.exists():
        (home / "go").touch()


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
        "archive.sha256 archive.tar archive_exit_code boot by cmd dataset ended exit_code leave_out log pid script "
        "since test test_exit_code"
    )
    assert text_of(home, "cmd") == "true\n"
    assert text_of(home, "by") == f"{ANN}\n"
    assert text_of(home, "exit_code") == "0\n"
    assert text_of(home, "leave_out") == "./.dlim\n./data_set\n*.log\nruns\n./weights/latest_weight.pth\n"
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


ODD = [
    pytest.param('echo "it\'s" \'$HOME\' "a  b"', "it's $HOME a  b\n", id="quotes"),
    pytest.param("echo one\necho two\n", "one\ntwo\n", id="lines"),
    pytest.param("cat <<'END'\n$(false) `false` \\\nEND", "$(false) `false` \\\n", id="a document"),
    pytest.param("printf '%s\\n' 100%d あ", "100%d\nあ\n", id="a format"),
    pytest.param("f() { echo in; }; f # the end", "in\n", id="a comment"),
    pytest.param("exec 9>&-; echo closed", "closed\n", id="without the lock"),
]


@EVERYWHERE
@pytest.mark.parametrize(("command", "says"), ODD)
def test_a_command_is_taken_as_it_is(place: Place, home: Path, command: str, says: str) -> None:
    """Quotes, lines and dollar signs reach the learner's shell as they were written."""
    assert learned(place, home, command) == f"{says}== archive\n"


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
    assert job.told(state) == "has learned, but its test ended with status 4"


# how it may end


@EVERYWHERE
def test_a_command_that_fails(place: Place, home: Path) -> None:
    """Its status is told; neither test nor archive follow."""
    begin(place, "echo no good; exit 3", test="echo tested")
    state = ended(place)
    assert (state.kind, state.step, state.exit_code, state.test_exit_code) == ("failed", "learning", 3, None)
    assert job.told(state) == "its learning ended with status 3"
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
    assert job.told(state) == "its learning was killed by signal 9"


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
    assert job.told(state) == "was lost: it was killed, and nothing was left to say how it ended"


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
    assert job.told(state) == "was lost: the server was restarted"


@EVERYWHERE
def test_hanging_up_ends_nothing(place: Place, home: Path, go: Callable[[], None]) -> None:
    """A job doesn't mind the end of the session that began it."""
    begin(place, WAITS)
    until((home / "began").exists)
    os.killpg(leader(home), signal.SIGHUP)
    go()
    assert ended(place).kind == "succeeded"


@EVERYWHERE
def test_a_start_leaves_no_open_end(place: Place, home: Path, go: Callable[[], None]) -> None:
    """A job has none of its starter's descriptors: only its log, and the lock."""
    begin(place, WAITS)
    until((home / "began").exists)
    process = Path(f"/proc/{leader(home)}/fd")
    # a shell keeps its script open, somewhere above 9
    opened = {descriptor.name: str(descriptor.readlink()) for descriptor in process.iterdir()}
    found = {name: path for name, path in opened.items() if not path.endswith("/script")}
    log, lock = str(file_of(home, "log")), str(home / ".dlim/ssd/job.lock")
    assert found == {"0": "/dev/null", "1": log, "2": log, "9": lock}
    go()
    ended(place)


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
        assert job.told(state) == "has learned, but was ended before its folder was archived"


STRAY = "import os, signal, time; signal.signal(15, signal.SIG_IGN); open('{0}', 'w').close(); time.sleep(60)"


def stray(home: Path, name: str, **options: bool) -> str:
    """A command that starts a program, which minds no TERM, and waits until it is there. options: as subprocess's."""
    script = home / f"{name}.py"
    script.write_text(
        f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {STRAY.format(name)!r}], **{options})"
    )
    return f"{sys.executable} {name}.py; until [ -e {name} ]; do sleep 0.01; done"


@EVERYWHERE
def test_what_a_learner_leaves_running_is_ended(place: Place, home: Path) -> None:
    """Before its folder is archived, what the learner left behind is ended, wherever it went; the log says so."""
    inherits = stray(home, "inherits", close_fds=False)
    leaves = stray(home, "leaves", start_new_session=True)
    log = learned(place, home, f"{inherits}\n{leaves}")
    assert re.fullmatch(r"== left running, and ended: \d+ \d+\n== archive\n", log)
    assert living(home) == {}


# one at a time


@EVERYWHERE
def test_a_second_start_is_refused(place: Place, home: Path, go: Callable[[], None]) -> None:
    """Who is learning, since when, and what can be done, is told; nothing of the second job is left."""
    begin(place, WAITS)
    with pytest.raises(LearningError) as caught:
        begin(place, "touch second", "second")
    since = job.state(place, "first").since.replace("T", " ")[:16]
    assert str(caught.value) == (
        f"ssd: learns already: first, by {ANN} since {since} UTC; wait for it, or doit cancel:ssd"
    )
    assert job.state(place, "second").kind == "none"
    busy = job.running(place)
    assert busy is not None
    assert (busy.name, busy.kind, busy.step) == ("first", "running", "learning")
    assert job.told(busy) == "is running, at its learning"
    go()
    ended(place)
    assert job.running(place) is None
    begin(place, "true", "second")
    assert ended(place, "second").kind == "succeeded"
    assert job.state(place, "first").kind == "succeeded"


def test_learners_do_not_know_each_other(place: Place, home: Path, go: Callable[[], None]) -> None:
    """Two learners in one folder learn at once."""
    begin(place, WAITS)
    other = Place(place.transport, "resnet34", place.folder)
    job.start(other, Order("first", "true", by=ANN))
    assert ended(other).kind == "succeeded"
    assert job.state(place, "first").kind == "running"
    go()
    ended(place)


def test_starting_what_is_there_already(place: Place, home: Path, go: Callable[[], None]) -> None:
    """A job that runs, or has ended well, is left alone by another start of the same name."""
    for _ in range(2):
        begin(place, f"echo x >>count; {WAITS}")
    go()
    assert ended(place).kind == "succeeded"
    for _ in range(2):
        begin(place, f"echo x >>count; {WAITS}")
        assert job.state(place, "first").kind == "succeeded"
    assert (home / "count").read_text() == "x\n"


def at_once(place: Place, link: Link, names: Iterable[str], command: str) -> list[str]:
    """Start jobs at the same moment, each over a link of its own; what each start complained of."""
    places = [(name, Place(link(), place.learner, place.folder)) for name in names]
    together = threading.Barrier(len(places))

    def one(name: str, place: Place) -> str:
        place.ask("true")
        together.wait()
        try:
            job.start(place, Order(name, command, by=ANN))
        except LearningError as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(max_workers=len(places)) as pool:
        return list(pool.map(one, *zip(*places, strict=True)))


@EVERYWHERE
def test_one_of_many_starts_wins(place: Place, link: Link, home: Path, go: Callable[[], None]) -> None:
    """Of jobs that are started at the same moment one runs, and all others are told which."""
    complaints = at_once(place, link, [f"job{number}" for number in range(6)], f"echo $DLIM_TASK >>count; {WAITS}")
    until((home / "began").exists)
    winner = (home / "count").read_text().strip()
    assert complaints.count("") == 1
    assert complaints.index("") == int(winner.removeprefix("job"))
    assert all(f"learns already: {winner}, by {ANN}" in complaint for complaint in complaints if complaint)
    go()
    ended(place, winner)


@EVERYWHERE
def test_many_starts_of_one_job(place: Place, link: Link, home: Path, go: Callable[[], None]) -> None:
    """The same job started at the same moment runs once, and all are content."""
    assert at_once(place, link, ["first"] * 6, f"echo x >>count; {WAITS}") == [""] * 6
    go()
    assert ended(place).kind == "succeeded"
    assert (home / "count").read_text() == "x\n"


def test_who_only_looks_hinders_no_start(place: Place, home: Path) -> None:
    """Jobs begin while others ask all the time how they stand."""
    over = threading.Event()

    def look() -> None:
        with Local("ssd", home.parent) as transport:
            while not over.is_set():
                job.running(Place(transport, "ssd", place.folder))

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(5):
            begin(place, "true", f"job{number}")
            assert ended(place, f"job{number}").kind == "succeeded"
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_start_waits_for_who_looks_longer(place: Place, home: Path) -> None:
    """A shared lock, as a ship has it while it switches, is waited for; it isn't taken for a job."""
    (home / ".dlim/ssd").mkdir(parents=True)
    with (home / ".dlim/ssd/job.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert job.running(place) is None
        later = threading.Timer(2, lambda: fcntl.flock(lock, fcntl.LOCK_UN))
        later.start()
        begin(place, "true")
        later.join()
    assert ended(place).kind == "succeeded"


def test_a_start_that_is_killed(place: Place, home: Path, go: Callable[[], None]) -> None:
    """Wherever a start was cut off, the job runs or can be started, once."""
    code = (
        "import sys; from pathlib import Path\nfrom dlim.learning import job\nfrom dlim.learning.place import Place\n"
        "from dlim.transport.local import Local\n"
        "place = Place(Local('ssd', Path(sys.argv[1])), 'ssd', sys.argv[2])\nprint(flush=True)\n"
        "job.start(place, job.Order(sys.argv[3], sys.argv[4]))\n"
    )
    randomly = random.Random(1)
    for number in range(5):
        name = f"job{number}"
        command = f"echo {name} >>count; {WAITS}"
        starter = subprocess.Popen(
            [sys.executable, "-c", code, home.parent, place.folder, name, command], stdout=subprocess.PIPE
        )
        with starter:
            assert starter.stdout
            starter.stdout.readline()
            time.sleep(randomly.random() * 0.1)
            before = living(home)
            starter.kill()
            kill_all(process for process, line in before.items() if "dlim" in line and "script learn" not in line)
        begin(place, command, name)
        go()
        assert ended(place, name).kind == "succeeded"
        (home / "go").unlink()
    assert (home / "count").read_text().split() == [f"job{number}" for number in range(5)]


@EVERYWHERE
def test_what_a_lost_job_left_is_ended_by_the_next(place: Place, home: Path) -> None:
    """A process that lives on without the lock, whose job was lost, doesn't share the server with the next job."""
    begin(place, f"{stray(home, 'leaves', start_new_session=True)}; touch began; sleep 60")
    until((home / "began").exists)
    while others := [process for process, line in living(home).items() if "time.sleep" not in line]:
        kill_all(others)
    assert job.state(place, "first").kind == "lost"
    assert len(living(home)) == 1
    begin(place, "true", "second")
    assert ended(place, "second").kind == "succeeded"
    assert living(home) == {}


# cancelling


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
    assert job.told(state) == f"was cancelled by bob@desk at {when[:10]} {when[11:16]} UTC"
    assert living(home) == {}
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
    assert job.told(state).startswith(f"was cancelled by {ANN} at ")
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


# the archive


def members(archive: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(archive, "r:") as tar:
        return {member.name: member for member in tar}


@EVERYWHERE
def test_what_is_archived(place: Place, home: Path, tmp_path: Path) -> None:
    """All but dlim's own, the dataset, the weight in service, and what is to be left out; in order, owned by nobody."""
    release = home / ".dlim/ssd/releases/1/data_set"
    release.mkdir(parents=True)
    (release / "huge").touch()
    shutil.rmtree(home / "data_set")
    (home / "data_set").symlink_to(release)
    kept = ["weights/b.pth", "weights/a.pth", "sub/data_set/x", "train.py", "odd [1] あ\n/weights *", "-f"]
    left = ["weights/latest_weight.pth", "runs/1/events", "sub/runs/2", "a.log", "sub/b.log", "we*[1]/x"]
    for name in [*kept, *left]:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)
    os.utime(home / "weights/a.pth", ns=(0, 1_700_000_000_123_456_789))
    learned(
        place,
        home,
        "true",
        weight_in_service="weights/latest_weight.pth",
        leave_out=("runs/", "*.log", "./we\\*\\[1\\]"),
    )
    found = members(file_of(home, "archive.tar"))
    files = [name.removeprefix("./") for name, member in found.items() if member.isfile()]
    assert sorted(files) == sorted(kept)
    assert list(found) == sorted(found, key=lambda name: name.split("/"))
    assert not [name for name in found if ".dlim" in name or name.endswith("./data_set") or "huge" in name]
    assert {(member.uid, member.gid, member.uname, member.gname) for member in found.values()} == {(0, 0, "", "")}
    assert found["./weights/a.pth"].mtime == pytest.approx(1_700_000_000.123456789, abs=1e-6)


def test_a_name_is_no_pattern(place: Place, home: Path) -> None:
    """The dataset's and the weight's names leave out themselves, and nothing that they would match."""
    for name in ("w[1]*.pth", "w1.pth", "w1x.pth"):
        (home / name).touch()
    (home / "data[1]").mkdir()
    (home / "data1").mkdir()
    learned(place, home, "true", dataset="data[1]", weight_in_service="./w[1]*.pth")
    assert {"./w1.pth", "./w1x.pth", "./data1", "./data_set"} < set(members(file_of(home, "archive.tar")))
    assert not {"./w[1]*.pth", "./data[1]"} & set(members(file_of(home, "archive.tar")))


def test_the_same_folder_is_the_same_archive(place: Place, home: Path) -> None:
    """Two jobs that leave the same files make the same bytes."""
    (home / "a").touch()
    digests = set()
    for name in ("first", "second"):
        begin(place, "true", name)
        digests.add(ended(place, name).digest)
    assert len(digests) == 1


def test_a_folder_that_goes_on_changing(place: Place, home: Path) -> None:
    """A file that another program writes meanwhile, such as its log, doesn't make the archive fail."""
    over = threading.Event()
    (home / "ballast").write_bytes(bytes(5_000_000))

    def write() -> None:
        with (home / "other.txt").open("a") as file:
            while not over.is_set():
                file.write("x")
                file.flush()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        learned(place, home, "true")
    finally:
        over.set()
        thread.join()


Small = tuple[Place, Path]


@pytest.fixture
def small(home: Path, tmp_path: Path) -> Iterator[Small]:
    """The learner's folder on a disk of 2 MB, which only the server sees, and how to get at it from here."""
    ways = [["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]]
    way = next((way for way in ways if subprocess.run([*way, "true"], capture_output=True).returncode == 0), None)
    if way is None:
        pytest.skip("this machine gives no mount namespace")
    mounted = 'mount -t tmpfs -o size=2m,mode=777 dlim "$1" && mkdir "$1/data_set" && echo && exec sleep 600'
    with subprocess.Popen([*way, "sh", "-c", mounted, "dlim", home], stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout
        assert keeper.stdout.readline() == b"\n"
        entered = ["nsenter", "--preserve-credentials", "-t", str(keeper.pid), "-m", *(["-U"] if len(way) > 2 else [])]
        command = [*entered, "sh", "-c", 'cd "$0" && exec "$@"', str(home.parent)]
        yield Place(Through("ssd", home.parent, *command), "ssd", home.name), Path(f"/proc/{keeper.pid}/root{home}")
        keeper.kill()
    assert [line for line in living(tmp_path).values() if "sleep 600" not in line] == []


def test_a_disk_that_is_too_full_for_the_archive(small: Small) -> None:
    """The job has learned, but has no archive, nor half of one; with room made, only the archive is made."""
    place, home = small
    begin(place, "echo x >>count; head -c 1200000 /dev/urandom >weight.pth; touch ballast", test="echo x >>tested")
    state = ended(place)
    assert (state.kind, state.step, state.exit_code, state.archive_exit_code) == ("succeeded", "archive", 0, 2)
    assert job.told(state) == "has learned, but archiving its folder ended with status 2"
    assert not job.state(place, "first").archived
    assert not [path for path in file_of(home, "").iterdir() if path.name.startswith("archive.")]
    assert "tar: " in text_of(home, "log")
    with pytest.raises(LearningError, match="has no archive"):
        job.fetch(place, "first", home / "never")
    begin(place, "echo x >>count", leave_out=("weight.pth",))
    state = ended(place)
    assert (state.kind, state.archived) == ("succeeded", True)
    assert "./weight.pth" not in members(file_of(home, "archive.tar"))
    assert ((home / "count").read_text(), (home / "tested").read_text()) == ("x\n", "x\n")


def test_a_learner_that_fills_the_disk(small: Small) -> None:
    """A learner that fails for want of room has failed, with its status, and isn't lost."""
    place, _ = small
    begin(place, "cat /dev/zero >weight.pth; cat /dev/zero >>weight2.pth; exit 3")
    state = ended(place)
    assert (state.kind, state.exit_code) == ("failed", 3)
    assert state.ended


def test_cancelling_on_a_full_disk(small: Small) -> None:
    """A job can be ended where nothing more can be written."""
    place, home = small
    begin(place, "cat /dev/zero >weight.pth; cat /dev/zero >>weight2.pth; touch began; sleep 60")
    until((home / "began").exists)
    assert job.cancel(place, "first", ANN).kind == "failed"


def test_a_start_on_a_full_disk(small: Small) -> None:
    """A job that can't even be written down doesn't begin, and says why."""
    place, home = small
    (home / ".dlim/ssd").mkdir(parents=True)
    with suppress(OSError):
        (home / "ballast").write_bytes(bytes(3_000_000))
    with pytest.raises(CommandError, match=r"ssd: .*"):
        begin(place, "touch began")
    assert not (home / "began").exists()
    assert job.state(place, "first").kind == "none"
    (home / "ballast").unlink()
    begin(place, "touch began")
    assert ended(place).kind == "succeeded"


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
    for call in (lambda: job.resume(place, "first"), lambda: job.follow(place, "first", tmp_path / "log", print)):
        with pytest.raises(LearningError) as caught:
            call()
        assert str(caught.value) == "ssd: has no job first of ssd; begin it anew"
    job.forget(place, "first")


# following


def follow(place: Place, file: Path, **more: float) -> tuple[State, list[str]]:
    lines: list[str] = []
    state = job.follow(place, "first", file, lines.append, **more)
    return state, lines


@EVERYWHERE
def test_following(place: Place, home: Path, tmp_path: Path) -> None:
    """Each line is handed over as it comes, and in the end the copy is the log."""
    begin(place, "echo one; echo two >&2; until [ -e go ]; do sleep 0.01; done; printf three", test="echo four; exit 1")
    lines: list[str] = []

    def line(text: str) -> None:
        lines.append(text)
        if text == "two":
            (home / "go").touch()

    state = job.follow(place, "first", tmp_path / "deep/log", line)
    assert (state.kind, state.test_exit_code) == ("succeeded", 1)
    assert lines == ["one", "two", "three", "== test: echo four; exit 1 ", "four", "== archive"]
    assert (tmp_path / "deep/log").read_bytes() == file_of(home, "log").read_bytes()


HOSTILE = (
    b"plain\n\xe3\x81\x82\xe3\x81\x84\r\n\xff\xfe broken \xe3\x81\n\n\x1b[31mred\x1b[0m\x07\x00 a\tb\n"
    b"10%\r20%\r\xe3\x81\x82 100%\nend"
)
SHOWN = ["plain", "あい", "\ufffd\ufffd broken \ufffd", "", "red a\tb", "あ 100%", "end"]


@EVERYWHERE
def test_going_on_from_anywhere(place: Place, home: Path, tmp_path: Path) -> None:
    """Wherever a copy broke off, even within a character, it gets the rest and not a byte twice; lines come whole."""
    (home / "says").write_bytes(HOSTILE)
    begin(place, "cat says; exit 1")
    ended(place)
    assert file_of(home, "log").read_bytes() == HOSTILE
    for offset in range(0, len(HOSTILE) + 1, 3):
        (tmp_path / "log").write_bytes(HOSTILE[:offset])
        state, lines = follow(place, tmp_path / "log")
        assert state.kind == "failed"
        assert (tmp_path / "log").read_bytes() == HOSTILE
        assert lines == SHOWN[len(SHOWN) - len(lines) :]
        assert len(lines) == len(SHOWN) - HOSTILE[:offset].count(b"\n")


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_lines_of_any_pieces(step: int) -> None:
    """However a log is cut into pieces, its lines are the same; what would move the cursor is left out."""
    found: list[str] = []
    lines = Lines(found.append, every=1000)
    for start in range(0, len(HOSTILE), step):
        lines.take(HOSTILE[start : start + step])
    lines.close()
    assert [line for line in found if line not in ("10%", "20%")] == SHOWN


def test_a_progress_bar_does_not_flood() -> None:
    """A line that is redrawn is shown now and then, and its last state once."""
    found: list[str] = []
    lines = Lines(found.append, every=1000)
    for percent in range(100):
        lines.take(b"\r%d%%" % percent)
    assert found == ["0%"]
    lines.take(b"\r100%\nnext\n")
    assert found == ["0%", "100%", "next"]
    often = Lines(found.append, every=0)
    for part in (b"\r1%", b"\r1%", b"\r2", b"%\r", b"3%", b"\n"):
        often.take(part)
    assert found[3:] == ["1%", "2%", "3%"]


def test_a_line_without_end() -> None:
    """A line that doesn't end is handed over in parts, and doesn't fill the memory."""
    found: list[str] = []
    lines = Lines(found.append, every=0)
    for _ in range(100):
        lines.take(b"x" * 10000)
    lines.close()
    assert "".join(found) == "x" * 1000000
    assert len(found) > 10


def test_a_huge_log(place: Place, home: Path, tmp_path: Path) -> None:
    """A log of many pieces comes whole, and every line of it once."""
    begin(place, "yes 'epoch 1: loss 0.123456789, accuracy 0.987654321' | head -n 400000")
    ended(place)
    state, lines = follow(place, tmp_path / "log")
    assert state.log == (tmp_path / "log").stat().st_size > 19_000_000
    assert len(lines) == 400_001
    assert sha256(tmp_path / "log") == sha256(file_of(home, "log"))


def test_a_copy_of_another_log(place: Place, home: Path, tmp_path: Path) -> None:
    """A file that is longer than the log isn't touched."""
    learned(place, home, "true")
    (tmp_path / "log").write_text("something else, and longer than the log is")
    with pytest.raises(LearningError, match="is no beginning of the log of first"):
        follow(place, tmp_path / "log")
    assert (tmp_path / "log").read_text() == "something else, and longer than the log is"


def test_no_room_for_a_copy(place: Place, home: Path) -> None:
    """A full disk here is one line, and does nothing to the job."""
    learned(place, home, "echo one")
    with pytest.raises(LearningError) as caught:
        follow(place, Path("/dev/full"))
    assert str(caught.value) == (
        "/dev/full: can't be written (No space left on device); make room; the same command attaches again"
    )


class Breaking(Local):
    """A server whose link breaks: before a script is run, or when it was run and its answer is under way."""

    breaks: Iterator[str] = iter(())

    def run(
        self,
        script: str,
        *arguments: str,
        feed: Iterable[bytes] = (),
        sink: Callable[[bytes], object] | None = None,
        within: float | None = None,
    ) -> Done:
        how = next(self.breaks, "")
        if how == "before":
            raise Unreachable(self.server, "connection reset", "try again")
        done = super().run(script, *arguments, feed=feed, sink=sink, within=within)
        if how == "after":
            raise Unreachable(self.server, "connection reset", "try again")
        return done


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "_LINK_PAUSES", (0.01, 0.05))


@pytest.mark.usefixtures("impatient")
def test_a_link_that_breaks(place: Place, home: Path, tmp_path: Path) -> None:
    """A lost link is said once, and not a byte of the log is lost or doubled by it."""
    transport = Breaking("ssd", home.parent)
    begin(place, f"echo 1; echo 2; printf 3; {WAITS}; echo 4; echo 5")
    transport.breaks = iter(["", "after", "before", "before", "", "", "after"])
    lines: list[str] = []

    def line(text: str) -> None:
        lines.append(text)
        if lines.count("ssd: link lost; trying again") == 2:
            (home / "go").touch()

    state = job.follow(Place(transport, "ssd", place.folder), "first", tmp_path / "log", line)
    assert state.kind == "succeeded"
    assert (tmp_path / "log").read_bytes() == b"1\n2\n34\n5\n== archive\n"
    assert [text for text in lines if "link" not in text] == ["1", "2", "34", "5", "== archive"]
    assert [text for text in lines if "link" in text] == ["ssd: link lost; trying again"] * 2


@pytest.mark.usefixtures("impatient")
def test_a_link_that_does_not_come_back(place: Place, home: Path, tmp_path: Path, go: Callable[[], None]) -> None:
    """After some time one is told that the learning goes on, and how to attach to it."""
    transport = Breaking("ssd", home.parent)
    begin(place, f"echo one; {WAITS}")
    until(lambda: text_of(home, "log") == "one\n")
    transport.breaks = iter(["", *["before"] * 1000])
    with pytest.raises(Unreachable) as caught:
        follow(Place(transport, "ssd", place.folder), tmp_path / "log", patience=0.2)
    assert str(caught.value) == (
        "ssd: link lost (connection reset); the learning goes on there; the same command attaches to it again"
    )
    assert job.state(place, "first").kind == "running"
    go()
    state, lines = follow(place, tmp_path / "log")
    assert (state.kind, lines) == ("succeeded", ["== archive"])
    assert (tmp_path / "log").read_bytes() == file_of(home, "log").read_bytes()


# bringing back, and forgetting


def test_fetching(place: Place, home: Path, tmp_path: Path) -> None:
    """The archive comes as it was made."""
    learned(place, home, "head -c 3000000 /dev/urandom >weight.pth")
    moved: list[int] = []
    digest = job.fetch(place, "first", tmp_path / "here/archive.tar", moved.append)
    assert digest == sha256(tmp_path / "here/archive.tar") == job.state(place, "first").digest
    assert sum(moved) == (tmp_path / "here/archive.tar").stat().st_size
    with tarfile.open(tmp_path / "here/archive.tar") as tar:
        weight = tar.extractfile("./weight.pth")
        assert weight is not None
        assert weight.read() == (home / "weight.pth").read_bytes()


def test_an_archive_that_was_damaged(place: Place, home: Path, tmp_path: Path) -> None:
    """An archive that isn't any more what was made doesn't come; the job goes on, and makes it anew."""
    learned(place, home, "echo x >>count")
    whole = file_of(home, "archive.tar").read_bytes()
    file_of(home, "archive.tar").write_bytes(whole[:-100] + bytes(99) + b"x")
    with pytest.raises(LearningError) as caught:
        job.fetch(place, "first", tmp_path / "archive.tar")
    assert str(caught.value) == "first: its archive was damaged on ssd; the same command archives its folder again"
    assert not (tmp_path / "archive.tar").exists()
    assert not job.state(place, "first").archived
    job.resume(place, "first")
    ended(place)
    job.fetch(place, "first", tmp_path / "archive.tar")
    assert "./count" in members(tmp_path / "archive.tar")


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
