"""A learning job: what runs on a server, by itself, until it has learned, and how to begin, follow and end it."""

from __future__ import annotations

import posixpath
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from io import SEEK_END, FileIO
from pathlib import Path
from typing import Literal

from dlim.builds import sha256
from dlim.errors import LearningError, Unreachable
from dlim.learning import record
from dlim.learning.place import Place
from dlim.transport.contract import Done
from dlim.transport.files import Moved

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""What a job may be called: the name is a folder on the server."""

_RANDOM = re.compile(r"\.[0-9a-f]{8}$")

Kind = Literal["running", "succeeded", "failed", "lost", "none"]
Step = Literal["learning", "test", "archive"]

_PIECE = 1 << 20  # bytes of a log in one round trip
_PAUSES = 0.1, 1.0  # seconds between two looks at a job: at first, and at most
_LINK_PAUSES = 0.5, 10.0  # the same between two tries of a link that is lost

_LONGEST = 1 << 16  # bytes of what is taken for one line
_MOVES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0a-\x1f\x7f-\x9f]")

_BUSY, _IDLE, _UNFED = 75, 76, 77  # the ends of job.sh


@dataclass(frozen=True)
class Order:
    """What a job is to do.

    command, test: what the server's shell runs, one after the other, in the learner's folder; no test where it is
    empty. dataset: the folder to learn from, below the learner's. leave_out: patterns, as tar has them, of what isn't
    archived. weight_in_service: the file that isn't, as it was learned earlier. by: who wants it, user@machine.
    """

    name: str
    command: str
    test: str = ""
    dataset: str = "data_set"
    leave_out: tuple[str, ...] = ()
    weight_in_service: str = ""
    by: str = ""


@dataclass(frozen=True)
class State:
    """How a job stands.

    kind: succeeded where the command ended well, whatever came of test and archive; lost where it has gone without
    an end; none where there is no such job. step: where it is, or ended. since, ended: ISO times, UTC. cancelled: by
    whom and when. digest: the archive's SHA-256. log: its size in bytes.
    """

    name: str
    kind: Kind
    step: Step = "learning"
    exit_code: int | None = None
    test_exit_code: int | None = None
    archive_exit_code: int | None = None
    since: str = ""
    ended: str = ""
    by: str = ""
    cancelled: str = ""
    digest: str = ""
    log: int = 0
    restarted: bool = False

    @property
    def archived(self) -> bool:
        """Whether the learner's folder was archived after it had learned."""
        return self.archive_exit_code == 0

    @property
    def since_epoch(self) -> float:
        """When it began, in seconds since 1970."""
        return datetime.fromisoformat(self.since).timestamp()


def start(place: Place, order: Order) -> None:
    """Begin a job; one of that name that runs, or has ended well, is left alone.

    When this returns it runs, and needs no link. A job of that name that had learned, but couldn't be archived, is
    only archived; any other begins anew, and its log goes on. Raises LearningError where the learner learns already.
    """
    if not order.command.strip():
        raise LearningError(place.learner, "has no command to learn with", "say one in its learning.command")
    left_out = ["./.dlim", _literal(order.dataset), *(pattern.rstrip("/") for pattern in order.leave_out)]
    if order.weight_in_service:
        left_out.append(_literal(order.weight_in_service))
    patterns = "\n".join(pattern for pattern in left_out if pattern)
    by = " ".join(order.by.split()) or record.person()
    done = _run(place, "start", order.name, _script(), order.command, order.test, order.dataset, patterns, by)
    if done.status == _UNFED:
        raise LearningError(
            place.transport.server,
            f"has no dataset for {place.learner} in {order.dataset}",
            f"doit ship:{place.learner}",
        )
    _begun(place, done)


def resume(place: Place, name: str) -> None:
    """Begin the job that is there once more, as it was ordered: what it has done already isn't done again."""
    _known(place, state(place, name))
    _begun(place, _run(place, "resume", name))


def _begun(place: Place, done: Done) -> None:
    if done.status == _BUSY:
        raise busy(place, _parsed(done.out))
    place.transport.require(done)


def called(name: str) -> str:
    """A job's name as people gave it: a learning task's ends with a random part, which tells it from another's."""
    return _RANDOM.sub("", name)


def busy(place: Place, other: State) -> LearningError:
    """The error to raise where another job is running."""
    return LearningError(
        place.learner,
        f"learns already: {called(other.name)}, by {other.by or 'somebody'} since {_minute(other.since)}",
        f"wait for it, or doit cancel:{place.learner}",
    )


def state(place: Place, name: str) -> State:
    """How a job stands now."""
    done = _run(place, "state", name)
    place.transport.require(done)
    return _parsed(done.out)


def running(place: Place) -> State | None:
    """The job of this learner that is running; None where none is."""
    done = place.run(_script(), "running", "")
    place.transport.require(done)
    return _parsed(done.out) if done.out else None


def told(found: State) -> str:
    """How a job stands, in words that can follow its name."""
    if found.cancelled and found.kind == "failed":
        by, _, when = found.cancelled.rpartition(" ")
        return f"was cancelled by {by} at {_minute(when)}"
    if found.kind == "lost":
        how = (
            "the server was restarted" if found.restarted else "it was killed, and nothing was left to say how it ended"
        )
        return f"was lost: {how}"
    if found.kind == "failed":
        return f"its learning {_ended(found.exit_code)}"
    if found.kind == "succeeded" and found.archive_exit_code:
        return f"has learned, but archiving its folder {_ended(found.archive_exit_code)}"
    if found.kind == "succeeded" and not found.archived:
        return "has learned, but was ended before its folder was archived"
    if found.kind == "succeeded" and found.test_exit_code:
        return f"has learned, but its test {_ended(found.test_exit_code)}"
    return {"none": "isn't there", "running": f"is running, at its {found.step}"}.get(found.kind, "has learned")


def _ended(status: int | None) -> str:
    """A shell's status of a program, in words."""
    if status is not None and 128 < status < 193:
        return f"was killed by signal {status - 128}"
    return f"ended with status {status}"


def follow(
    place: Place,
    name: str,
    file: Path,
    line: Callable[[str], None],
    *,
    patience: float = 120,
    every: float = 5,
) -> State:
    """Copy a job's log, as it grows, to the end of a file, until the job has ended; how it ended.

    A file that has part of the log gets the rest, byte for byte. line: gets each line once it is whole, and one that
    a progress bar redraws every so many seconds. Raises LearningError where there is no such job, or the file holds
    another's log; Unreachable where the link is lost for longer than patience seconds. Neither these nor Ctrl-C do
    anything to the job: the same call goes on.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    pause, longest = _PAUSES
    with file.open("a+b", buffering=0) as copy:
        lines = Lines(line, every, _begun_line(copy))
        while True:
            found, piece = _looked(place, name, copy.tell(), line, patience)
            if _known(place, found).log < copy.tell():
                raise LearningError(file, f"is no beginning of the log of {name}", "move it out of the way")
            _append(copy, piece)
            lines.take(piece)
            if found.kind != "running" and copy.tell() >= found.log:
                lines.close()
                return found
            if len(piece) < _PIECE:
                time.sleep(pause)
                pause = min(longest, pause * 1.5)


def _looked(place: Place, name: str, offset: int, line: Callable[[str], None], patience: float) -> tuple[State, bytes]:
    """A job's state, and a piece of its log. A link that is lost is tried again, which is said once."""
    pause, longest = _LINK_PAUSES
    lost = 0.0
    while True:
        try:
            return _look(place, name, offset)
        except Unreachable as error:
            if not lost:
                lost = time.monotonic()
                line(f"{place.transport.server}: link lost; trying again")
            if time.monotonic() + pause > lost + patience:
                raise Unreachable(
                    place.transport.server,
                    f"link lost ({error.fault}); the learning goes on there",
                    "the same command attaches to it again",
                ) from error
            time.sleep(pause)
            pause = min(longest, pause * 2)


def _look(place: Place, name: str, offset: int) -> tuple[State, bytes]:
    done = _run(place, "log", name, str(offset), str(_PIECE))
    if done.status < 0:  # such as by a server that is going down
        raise Unreachable(place.transport.server, "a look at the job was killed there", "try again")
    place.transport.require(done)
    about, _, piece = done.out.partition(b"\n\n")
    return _parsed(about), piece


def _append(copy: FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    try:
        while rest:
            rest = rest[copy.write(rest) :]
    except OSError as error:
        raise LearningError(
            copy.name, f"can't be written ({error.strerror})", "make room; the same command attaches again"
        ) from error


def _begun_line(copy: FileIO) -> bytes:
    """The end of a log's copy that has no line's end yet; what is read next comes behind it."""
    size = copy.seek(0, SEEK_END)
    copy.seek(max(0, size - _LONGEST))
    return copy.read(_LONGEST).rpartition(b"\n")[2]


class Lines:
    """Lines of a log, out of pieces that end anywhere.

    Of a line that is redrawn, as progress bars are, the last state counts; before its end it is shown every so many
    seconds. What would move a terminal's cursor is left out.
    """

    def __init__(self, line: Callable[[str], None], every: float, begun: bytes = b"") -> None:
        self._line = line
        self._every = every
        self._rest = begun
        self._shown: str | None = None  # of the line that isn't whole yet
        self._next = 0.0

    def take(self, piece: bytes) -> None:
        *whole, rest = (self._rest + piece).split(b"\n")
        for each in whole:
            self._end(each)
        state, drawn, begun = rest.rpartition(b"\r")
        state = state[state.rfind(b"\r") + 1 :]
        if state.strip() and time.monotonic() >= self._next:
            self._show(state)
        self._rest = state + drawn + begun
        if len(self._rest) > _LONGEST:
            self.close()

    def close(self) -> None:
        """There is no more: what there is of a last line is one."""
        if self._rest:
            self._end(self._rest)
        self._rest = b""

    def _end(self, raw: bytes) -> None:
        if b"\r" in raw:
            raw = next((state for state in reversed(raw.split(b"\r")) if state.strip()), b"")
        text = _text(raw)
        if text != self._shown:
            self._line(text)
        self._shown = None

    def _show(self, raw: bytes) -> None:
        text = _text(raw)
        if text != self._shown:
            self._line(text)
            self._shown = text
            self._next = time.monotonic() + self._every


def _text(raw: bytes) -> str:
    text = raw.decode(errors="replace")
    return text if text.isprintable() else _MOVES.sub("", text)


def cancel(place: Place, name: str, by: str = "", grace: float = 10) -> State:
    """End a job: by TERM, and what of it is left after grace seconds by KILL. Nothing of it runs when this returns.

    Raises LearningError where it isn't running.
    """
    done = _run(place, "cancel", name, by or record.person())
    if done.status == _IDLE:
        raise LearningError(name, told(state(place, name)), "there is nothing to cancel")
    place.transport.require(done)
    deadline = time.monotonic() + grace
    while state(place, name).kind == "running" and time.monotonic() < deadline:
        time.sleep(_PAUSES[0])
    place.transport.require(_run(place, "kill", name))
    return state(place, name)


def fetch(place: Place, name: str, target: Path, moved: Moved | None = None) -> str:
    """Bring a job's archive here, on from where that broke off; its SHA-256.

    Raises LearningError where it has none, or it isn't any more what was archived.
    """
    found = state(place, name)
    if not found.archived:
        raise LearningError(name, f"has no archive: it {told(found)}", f"doit task:{place.learner}")
    place.transport.get(place.path("jobs", name, "archive.tar"), target, moved)
    if sha256(target) != found.digest:
        target.unlink()
        place.ask('rm -f "$own/jobs/$1/archive_exit_code"', name)
        raise LearningError(
            name, f"its archive was damaged on {place.transport.server}", "the same command archives its folder again"
        )
    place.ask(': >"$own/jobs/$1/fetched"', name)
    return found.digest


def forget(place: Place, name: str) -> None:
    """Remove a job from the server, with its log and its archive. Raises LearningError where it is running."""
    done = _run(place, "forget", name)
    if done.status == _BUSY:
        raise LearningError(name, "is running", f"wait for it, or doit cancel:{place.learner}")
    place.transport.require(done)


def prune(place: Place, keep: int) -> list[str]:
    """Remove all but the newest jobs that have ended; their names. What was learned and not fetched yet stays."""
    names = [line.split()[1] for line in place.ask(_script(), "list", "").splitlines()]
    for name in names[keep:]:
        forget(place, name)
    return names[keep:]


def _run(place: Place, verb: str, name: str, *arguments: str) -> Done:
    if not NAME.fullmatch(name):
        raise LearningError(f'"{name}"', "is no name for a job", "use at most 64 letters, digits, _, . and -")
    return place.run(_script(), verb, name, *arguments)


@cache
def _script() -> str:
    return resources.files("dlim.learning").joinpath("job.sh").read_text(encoding="utf-8")


def _parsed(out: bytes) -> State:
    """What job.sh tells of a job."""
    said = dict(line.split(" ", 1) for line in out.decode(errors="replace").splitlines() if " " in line)
    code, test, archive = (_number(said.get(f"{step}exit_code", "")) for step in ("", "test_", "archive_"))
    return State(
        name=said.get("name", ""),
        kind=_kind(said, code, archive),
        step="learning" if code != 0 else "test" if "test" in said and test is None and archive is None else "archive",
        exit_code=code,
        test_exit_code=test,
        archive_exit_code=archive,
        since=said.get("since", ""),
        ended=said.get("ended", ""),
        by=said.get("by", ""),
        cancelled=said.get("cancelled", ""),
        digest=said.get("archive.sha256", "").partition(" ")[0],
        log=_number(said.get("log", "")) or 0,
        restarted=said.get("boot") != said.get("now"),
    )


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


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _known(place: Place, found: State) -> State:
    if found.kind == "none":
        raise LearningError(place.transport.server, f"has no job {found.name} of {place.learner}", "begin it anew")
    return found


def _literal(path: str) -> str:
    """The pattern of that path alone, from the learner's folder on."""
    return "./" + re.sub(r"([*?\[\]\\])", r"\\\1", posixpath.normpath(path))


def _minute(time: str) -> str:
    """An ISO time as people read it."""
    return f"{time[:10]} {time[11:16]} UTC"
