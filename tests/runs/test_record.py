"""A record keeps what a learning task was, and reads back as it was written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dlim.runs import record


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        (b'{"val_accuracy": 0.9, "images": 12}', {"val_accuracy": 0.9, "images": 12.0}),
        (b'{"mAP": {"all": 0.5}, "name": "x", "good": true, "none": null}', {"mAP.all": 0.5}),
        (b'{"classes": {"close": {"recall": 1}}}', {"classes.close.recall": 1.0}),
        (b'{"loss": NaN, "best": Infinity, "x": 1}', {"x": 1.0}),
        (b'{"seen": 1' + b"0" * 400 + b', "more": 1' + b"0" * 9000 + b', "map": 0.5}', {"map": 0.5}),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, {}),
        (b'{"a\\u001b[2K\\n": 1}', {"a\\x1b[2K\\n": 1.0}),
        (b'{"' + b"k" * 1000 + b'": 1, "b": 2}', {"b": 2.0}),
        (b"[1, 2]", {}),
        (b"no JSON", {}),
        (b"", {}),
    ],
)
def test_numbers_of_results(results: bytes, expected: dict[str, float]) -> None:
    """What a test program leaves is read for its numbers; what is none, or made to harm, is passed over."""
    assert record.numbers(results) == expected


def test_numbers_of_a_log(tmp_path: Path) -> None:
    """What each pattern found last counts, whatever else the log holds."""
    (tmp_path / "log").write_bytes(b"epoch 1 loss 0.5\nepoch 2 loss 0.25 \xff\nloss nan\n")
    patterns = {"loss": r"loss (\S+)", "epochs": r"epoch (\d+)", "none": r"mAP ([0-9.]+)"}
    assert record.in_log(tmp_path / "log", patterns) == {"loss": 0.25, "epochs": 2.0}


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def test_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit, and whether files differ from it; nothing where there is none; another's GIT_DIR is not ours."""
    assert record.revision(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert record.revision(tmp_path) is None
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-qm", "x")
    clean = record.revision(tmp_path)
    assert clean is not None
    assert len(clean.commit) == 40
    assert not clean.changed
    (tmp_path / "a").write_text("2")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert record.revision(tmp_path) == record.Revision(clean.commit, changed=True)


def test_times_are_told_by_the_clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record has UTC, a person's own time is shown."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    import time

    time.tzset()
    assert record.local_time("2026-11-23T05:04:10Z") == "2026-11-23 14:04"
    monkeypatch.undo()
    time.tzset()
