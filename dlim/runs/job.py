"""A learning job: what runs on a server, by itself, until it has learned, and how to begin it and end it."""

from __future__ import annotations

import posixpath
import re
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dlim.errors import LearningError, Unreachable
from dlim.runs import record
from dlim.runs.place import Place, script
from dlim.runs.state import State, minute, parsed
from dlim.servers.contract import Done
from dlim.servers.files import Moved
from dlim.store import sha256

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
"""What a job may be called: the name is a folder on the server."""

PRIVATE = (".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".config", ".netrc", ".pgpass", ".*_history")
"""What an account keeps in its home and an archive never takes, wherever a learner's folder is."""

_RANDOM = re.compile(r"\.[0-9a-f]{8}$")

_MOST = 1 << 28
"""Bytes that a list of a learner's files may have."""

_PAUSE = 0.1
"""Seconds between two looks at a job that is to end."""

_BUSY, _IDLE, _UNFED, _AT_HOME = 75, 76, 77, 78  # the ends of job.sh


@dataclass(frozen=True)
class Order:
    """What a job is to do.

    command, test: what the server's shell runs, one after the other, in the learner's folder; no test where it is
    empty. dataset: the folder to learn from, below the learner's. leave_out: patterns, as tar has them, of what isn't
    archived. weight_in_service: the file that isn't, as it was learned earlier. by: who wants it, user@machine.
    predict: what runs after the test, on the shots that were brought for this job; nothing where it is empty.
    """

    name: str
    command: str
    test: str = ""
    dataset: str = "data_set"
    leave_out: tuple[str, ...] = ()
    weight_in_service: str = ""
    by: str = ""
    predict: str = ""


def start(place: Place, order: Order) -> None:
    """Begin a job; one of that name that runs, or has ended well, is left alone.

    When this returns it runs, and needs no link. A job of that name that had learned, but couldn't be archived, is
    only archived; any other begins anew, and its log goes on. Raises LearningError where the learner learns already.
    """
    if not order.command.strip():
        raise LearningError(place.learner, "has no command to learn with", "say one in its learning.command")
    left_out = [
        *(f"./{name}" for name in PRIVATE),
        "./.dlim",
        _literal(order.dataset),
        *(pattern.rstrip("/") for pattern in order.leave_out),
    ]
    if order.weight_in_service:
        left_out.append(_literal(order.weight_in_service))
    patterns = "\n".join(pattern for pattern in left_out if pattern)
    by = " ".join(order.by.split()) or record.person()
    words = (order.command, order.test, order.dataset, patterns, by, order.predict)
    done = _run(place, "start", order.name, _script(), *words)
    if done.status == _UNFED:
        raise LearningError(
            place.transport.server,
            f"has no dataset for {place.learner} in {order.dataset}",
            f"doit ship:{place.learner}",
        )
    if done.status == _AT_HOME:
        raise LearningError(
            place.transport.server,
            "its home is the account's own, all of which would come back with what is learned",
            "give it a folder as home in config/servers.toml",
        )
    _require_begun(place, done)


def resume(place: Place, name: str) -> None:
    """Begin the job that is there once more, as it was ordered: what it has done already isn't done again.

    Raises LearningError where there is no such job, or the learner learns already.
    """
    _require_there(place, state(place, name))
    _require_begun(place, _run(place, "resume", name))


def called(name: str) -> str:
    """A job's name as people gave it: a learning task's ends with a random part, which tells it from another's."""
    return _RANDOM.sub("", name)


def busy(place: Place, other: State) -> LearningError:
    """The error to raise where another job is running."""
    return LearningError(
        place.learner,
        f"learns already: {called(other.name)}, by {other.by or 'somebody'} since {minute(other.since)}",
        f"wait for it, or doit cancel:{place.learner}",
    )


def state(place: Place, name: str) -> State:
    """How a job stands now."""
    done = _run(place, "state", name)
    place.transport.require(done)
    return parsed(done.out)


def running(place: Place) -> State | None:
    """The job of this learner that is running; None where none is."""
    done = place.run(_script(), "running", "")
    place.transport.require(done)
    return parsed(done.out) if done.out else None


def look(place: Place, name: str, offset: int, size: int) -> tuple[State, bytes]:
    """How a job stands now, and at most so many bytes of its log, from an offset on.

    Raises LearningError where there is no such job; Unreachable also where the look was killed there.
    """
    done = _run(place, "log", name, str(offset), str(size))
    if done.status < 0:  # such as by a server that is going down
        raise Unreachable(place.transport.server, "a look at the job was killed there", "try again")
    place.transport.require(done)
    about, _, piece = done.out.partition(b"\n\n")
    found = parsed(about)
    _require_there(place, found)
    return found, piece


def cancel(place: Place, name: str, by: str = "", grace: float = 10) -> State:
    """End a job: by TERM, and what of it is left after grace seconds by KILL. Nothing of it runs when this returns.

    Raises LearningError where it isn't running.
    """
    done = _run(place, "cancel", name, by or record.person())
    if done.status == _IDLE:
        raise LearningError(name, state(place, name).told, "there is nothing to cancel")
    place.transport.require(done)
    deadline = time.monotonic() + grace
    while state(place, name).kind == "running" and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    place.transport.require(_run(place, "kill", name))
    return state(place, name)


def fetch(place: Place, name: str, target: Path, moved: Moved | None = None) -> str:
    """Bring a job's archive here, on from where that broke off; its SHA-256.

    Raises LearningError where it has none, or it isn't any more what was archived.
    """
    found = state(place, name)
    if not found.archived:
        raise LearningError(called(name), f"has no archive: it {found.told}", f"doit task:{place.learner}")
    place.transport.get(place.path("jobs", name, "archive.tar"), target, moved)
    if sha256(target) != found.digest:
        target.unlink()
        place.ask('rm -f "$own/jobs/$1/archive_exit_code"', name)
        raise LearningError(
            called(name),
            f"its archive was damaged on {place.transport.server}",
            "the same command archives its folder again",
        )
    place.ask(': >"$own/jobs/$1/fetched"', name)
    return found.digest


def untouched(place: Place, name: str) -> frozenset[str]:
    """The files of the learner's folder that were there before a job, and that it left as they were.

    None where it was begun by a version of dlim that didn't look.
    """
    return _listed(place, name, "untouched", 4)


def predicted(place: Place, name: str) -> frozenset[str]:
    """The files of the learner's folder that a job's predict made or changed."""
    return _listed(place, name, "predicted", 3)


def _listed(place: Place, name: str, what: str, marks: int) -> frozenset[str]:
    """The paths in a list of a job. marks: how many things stand behind each."""
    seen = place.ask(f'[ ! -e "$own/jobs/$1/$2" ] || head -c {_MOST} "$own/jobs/$1/$2"', name, what)
    return frozenset(posixpath.normpath(line.rsplit("|", marks)[0]) for line in seen.splitlines())


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


def _require_begun(place: Place, done: Done) -> None:
    if done.status == _BUSY:
        raise busy(place, parsed(done.out))
    place.transport.require(done)


def _require_there(place: Place, found: State) -> None:
    if found.kind == "none":
        raise LearningError(place.transport.server, f"has no job {found.name} of {place.learner}", "begin it anew")


def _run(place: Place, verb: str, name: str, *arguments: str) -> Done:
    if not _NAME.fullmatch(name):
        raise LearningError(f'"{name}"', "is no name for a job", "use at most 64 letters, digits, _, . and -")
    return place.run(_script(), verb, name, *arguments)


@cache
def _script() -> str:
    return script("job.sh")


def _literal(path: str) -> str:
    """The pattern of that path alone, from the learner's folder on."""
    return "./" + re.sub(r"([*?\[\]\\])", r"\\\1", posixpath.normpath(path))
