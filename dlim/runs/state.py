"""How a job stands: what job.sh tells of it, as a value and in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dlim.errors import shown

Kind = Literal["running", "succeeded", "failed", "lost", "none"]
Step = Literal["learning", "test", "prediction", "archive"]


@dataclass(frozen=True)
class State:
    """How a job stands.

    kind: succeeded where the command ended well, whatever came of test and archive; lost where it has gone without
    an end; none where there is no such job. step: where it is, or ended. since, ended: ISO times, UTC. cancelled: by
    whom and when. digest: the archive's SHA-256. log: its size in bytes.
    revision: the commit of the program on the server, where that is under git. restarted: whether the server was since.
    """

    name: str
    kind: Kind
    step: Step = "learning"
    exit_code: int | None = None
    test_exit_code: int | None = None
    predict_exit_code: int | None = None
    archive_exit_code: int | None = None
    since: str = ""
    ended: str = ""
    by: str = ""
    cancelled: str = ""
    digest: str = ""
    log: int = 0
    revision: str = ""
    restarted: bool = False

    @property
    def archived(self) -> bool:
        """Whether the learner's folder was archived after it had learned."""
        return self.archive_exit_code == 0

    @property
    def since_epoch(self) -> float:
        """When it began, in seconds since 1970; 0 where its server doesn't say."""
        return datetime.fromisoformat(self.since).timestamp() if self.since else 0.0

    @property
    def told(self) -> str:
        """How it stands, in words that can follow its name."""
        match self.kind:
            case "none":
                return "isn't there"
            case "running":
                return f"is running, at its {self.step}"
            case "failed":
                return self._cancelled if self.cancelled else f"its learning {_ended(self.exit_code)}"
            case "lost" if self.restarted:
                return "was lost: the server was restarted"
            case "lost":
                return "was lost: it was killed, and nothing was left to say how it ended"
            case "succeeded":
                return f"has learned{self._but}"

    @property
    def _cancelled(self) -> str:
        by, _, when = self.cancelled.rpartition(" ")
        return f"was cancelled by {by} at {minute(when)}"

    @property
    def _but(self) -> str:
        if self.archive_exit_code:
            return f", but archiving its folder {_ended(self.archive_exit_code)}"
        if not self.archived:
            return ", but was ended before its folder was archived"
        if self.test_exit_code:
            return f", but its test {_ended(self.test_exit_code)}"
        return f", but its prediction {_ended(self.predict_exit_code)}" if self.predict_exit_code else ""


def parsed(out: bytes) -> State:
    """What job.sh tells of a job, a line each."""
    lines = (line.partition(" ") for line in out.decode(errors="replace").split("\n"))
    said = {key: shown(value) for key, _, value in lines if value}
    codes = [_number(said.get(f"{step}exit_code", "")) for step in ("", "test_", "predict_", "archive_")]
    code, test, predict, archive = codes
    return State(
        name=said.get("name", ""),
        kind=_kind(said, code, archive),
        step=_step(said, codes),
        exit_code=code,
        test_exit_code=test,
        predict_exit_code=predict,
        archive_exit_code=archive,
        since=_time(said.get("since", "")),
        ended=_time(said.get("ended", "")),
        by=said.get("by", ""),
        cancelled=said.get("cancelled", ""),
        digest=said.get("archive.sha256", "").partition(" ")[0],
        log=_number(said.get("log", "")) or 0,
        revision=said.get("revision", ""),
        restarted=said.get("boot") != said.get("now"),
    )


def minute(time: str) -> str:
    """An ISO time as people read it: `2026-11-23 05:04 UTC`."""
    return f"{time[:10]} {time[11:16]} UTC"


def _step(said: Mapping[str, str], codes: Sequence[int | None]) -> Step:
    """Where a job is, or ended. codes: how each step ended, in their order."""
    code, test, predict, archive = codes
    if code != 0:
        return "learning"
    if "test" in said and test is predict is archive is None:
        return "test"
    return "prediction" if "predict" in said and predict is archive is None else "archive"


def _kind(said: Mapping[str, str], code: int | None, archive: int | None) -> Kind:
    if "running" in said:
        return "running"
    if code is None and "pid" not in said:
        return "none"  # or its start was interrupted
    if "cancelled" in said and archive != 0:
        return "failed"
    if code is None:
        return "lost"
    return "failed" if code else "succeeded"


def _ended(status: int | None) -> str:
    """A shell's status of a program, in words."""
    if status is not None and 128 < status < 193:
        return f"was killed by signal {status - 128}"
    return f"ended with status {status}"


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _time(text: str) -> str:
    """An ISO time; nothing where it is none."""
    try:
        return text if datetime.fromisoformat(text).tzinfo else ""
    except ValueError:
        return ""
