"""A learner learns one thing at a time, whoever starts what, and whenever."""

from __future__ import annotations

import fcntl
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dlim.errors import LearningError
from dlim.runs import job
from dlim.runs.job import Order
from dlim.runs.place import Place
from dlim.servers.local import Local
from tests.runs.conftest import EVERYWHERE, Link, left_alive, living, until
from tests.runs.jobs import ANN, WAITS, begin, ended, file_of, kill_all, leader, stray


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
    assert busy.told == "is running, at its learning"
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


@pytest.mark.long
def test_a_start_that_is_killed(place: Place, home: Path, go: Callable[[], None]) -> None:
    """Wherever a start was cut off, the job runs or can be started, once."""
    code = (
        "import sys; from pathlib import Path\nfrom dlim.runs import job\nfrom dlim.runs.place import Place\n"
        "from dlim.servers.local import Local\n"
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
    assert left_alive(home) == {}


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
