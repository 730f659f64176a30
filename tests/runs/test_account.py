"""An output and what isn't one yet are told in lines that a person can act on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlim.console import table
from dlim.runs import account, unfinished
from dlim.runs.record import Dataset, File, Learned, Origin, Ran, Record, Where
from dlim.runs.state import State

RESULT = account.HEADS.index("result")
ANEW = "the same doit task begins it anew, doit output:rm third drops it"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock on the wall shows UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def learned() -> Learned:
    part = File(1_234_567_890, "ab" * 32)
    return Learned(
        Origin(Dataset(File(5, "cd" * 32), {}, 2051, 512), {}, {}, {}, {}),
        Where("ssd", "trainer@gpu", ".", "gpu"),
        Ran("python3 train.py", 0, "2026-01-02T08:26:04Z", "2026-01-02T08:26:37Z"),
        {"weights/best.pth": part},
        part,
        part,
        part,
        {"loss": 0.25},
    )


def told(*learners: str) -> list[str]:
    record = Record("first", "", "ann@here", "2026-01-02T08:25:00Z", "2026-01-02T10:26:40Z", {"ssd": learned()})
    return list(account.told(record, learners))


def results(folder: Path, **jobs: State) -> list[str]:
    """What stands in the table of a learning task of ssd and resnet34."""
    task = unfinished.begin(folder, "third", "", ["ssd", "resnet34"])
    return [row[RESULT] for row in account.growing(task, jobs)]


def test_how_long_it_took() -> None:
    """Two times of one minute look the same: how long it was stands beside them."""
    assert told()[1:4] == [
        "  by ann@here, 2026-01-02 08:25 to 10:26, 2 h 2 min",
        "  ssd",
        "    learned on trainer@gpu (gpu), 2026-01-02 08:26 to 08:26, 33 s",
    ]


@pytest.mark.parametrize(
    ("ended", "wanted"),
    [
        ("2026-01-02T00:00:00Z", "0 s"),
        ("2026-01-02T00:01:59Z", "119 s"),
        ("2026-01-02T00:02:00Z", "2 min"),
        ("2026-01-02T01:59:29Z", "119 min"),
        ("2026-01-02T01:59:30Z", "2 h 0 min"),
        ("2026-02-22T02:03:00Z", "1,226 h 3 min"),
        ("2026-01-01T23:59:00Z", ""),
        ("2026-01-02T00:00:00", ""),
        ("once upon a time", ""),
        ("", ""),
    ],
)
def test_durations(ended: str, wanted: str) -> None:
    """Seconds, minutes, or hours with minutes; nothing where a clock was set back, or what is there is no time."""
    assert account.lasted("2026-01-02T00:00:00Z", ended) == wanted


def test_sizes_have_commas() -> None:
    """Of a weight, and of all that an output has of a learner."""
    assert "    weight weights/best.pth 1,234.6 MB, sha256 " + "ab" * 32 in told()


def test_nothing_is_known_of_the_job(tmp_path: Path) -> None:
    """Without its server a learning task is just not there yet."""
    assert results(tmp_path) == ["not yet", "not yet"]
    assert results(tmp_path, ssd=State("third.0", "none")) == ["not yet", "not yet"]


def test_a_cancelled_learning_task(tmp_path: Path) -> None:
    """It says so, and names the two ways on."""
    cancelled = State("third.0", "failed", cancelled="ann@here 2026-01-02T08:26:04Z")
    assert results(tmp_path, ssd=cancelled) == [f"cancelled; {ANEW}", "not yet"]


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        (State("third.0", "running"), "not yet: at its learning"),
        (State("third.0", "succeeded", exit_code=0, archive_exit_code=0), "not yet brought back"),
        (State("third.0", "succeeded", exit_code=0, cancelled="ann@here x"), "not yet brought back"),
        (State("third.0", "failed", exit_code=3), f"not yet: its learning ended with status 3; {ANEW}"),
        (State("third.0", "lost", restarted=True), f"not yet: was lost: the server was restarted; {ANEW}"),
    ],
)
def test_how_a_job_stands(tmp_path: Path, job: State, wanted: str) -> None:
    """A learner at work says where it is; one that won't go on by itself why, and what to do."""
    assert results(tmp_path, ssd=job)[0] == wanted


def test_in_the_table(tmp_path: Path) -> None:
    """Its name and memo stand once, before its learners."""
    task = unfinished.begin(tmp_path, "third", "a memo", ["ssd", "resnet34"])
    task.keep("resnet34", learned())
    _, first, second = table(account.HEADS, list(account.growing(task)))
    assert first.split()[0] == "third"
    assert first.endswith("ssd       not yet      a memo")
    assert second.split() == ["resnet34", "has", "learned"]
