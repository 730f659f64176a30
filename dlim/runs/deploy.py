"""Deployment: a weight is put into service on a server, switched by a rename, and taken out of it again.

A reader of the weight sees the one before or the one after, whole. Its record, `<weight>.json`, lies beside it and is
switched first, so that who sees a new weight finds its record there; the SHA-256 in a record tells which weight it is
of.

Each of these is one call of one script on the server, which under its lock first mends what an interrupted one left: a
deployment that came to no end is taken back, as its check may have failed; what went out of service is out.
"""

from __future__ import annotations

import hashlib
import posixpath
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from dlim import console, store
from dlim.config import Service
from dlim.errors import DeploymentError
from dlim.runs import history
from dlim.runs.history import DEPLOY, EMPTY, REFUSED, Deployed, Held
from dlim.runs.place import Place, script
from dlim.runs.record import now
from dlim.servers.contract import Done
from dlim.servers.files import Moved

Show = Callable[[str], object]
"""Takes a line."""

LIMIT = 600
"""Seconds that a check may take."""

WAIT = 10
"""Seconds that somebody else is waited for."""

_BUSY, _LACKING, _UNFIT, _UNWELL, _NOTHING, _STACKLESS, _UNFED, _FOREIGN, _OVERTAKEN = 3, 5, 6, 7, 8, 9, 10, 11, 12
"""The ends of deploy.sh, which says what they mean."""


class Unfed(DeploymentError):  # noqa: N818 - there is something to do about it
    """The dataset that a service is to read isn't on its server."""


class Overtaken(DeploymentError):  # noqa: N818 - it is looked at once more
    """Another weight is in service than the one that this was compared with."""


def change() -> str:
    """A name for what one command does, with which it can be called again: nothing is done twice."""
    return secrets.token_hex(8)


def deploy(
    place: Place,
    service: Service,
    weight_file: Callable[[], Path],
    wanted: Deployed,
    record: bytes,
    moved: Moved | None = None,
    show: Show | None = None,
    over: Held | None = None,
) -> Deployed:
    """Put a weight into service; its line of the history, which is an older one where it was in service already.

    weight_file: asked where the server lacks the weight. wanted: who does it, and where the weight is from. record:
    what the file beside it is to say. moved: takes the bytes that go there. show: takes what the check says. over: what
    it may take the place of; anything where it is None. Raises DeploymentError where the check fails, and what was
    there before is back; or where somebody else is at it. Raises Unfed where the service reads a dataset, and the
    server lacks that; Overtaken where something else is in service than `over`.
    """
    wanted = replace(wanted, time=wanted.time or now(), record=hashlib.sha256(record).hexdigest())
    words = [wanted.head, wanted.change or change(), wanted.sha256, wanted.record or "-", wanted.dataset or "-"]
    words += [wanted.mark, wanted.what, str(service.keep), service.check, str(LIMIT)]
    words.append("any" if over is None else f"{over.sha256 or '-'} {over.record or '-'}")
    end = _run(place, service, "deploy", *words, feed=[record], show=show)
    if end.status == _LACKING:
        file = weight_file()
        if store.sha256(file) != wanted.sha256:
            raise DeploymentError(file, "is not the weight that was found in the archive", "run again")
        place.transport.put(file, place.path("weights", wanted.sha256), moved)
        end = _run(place, service, "deploy", *words, feed=[record], show=show)
    if end.status == _LACKING:
        raise DeploymentError(place.title, "the weight that was sent is damaged there at once", "look at its disk")
    if end.status == _UNFIT:
        back = "what was in service before is there again" if end.said("before") else "nothing is in service, as before"
        fault = f"{wanted.name} is refused: its check {end.told}; {back}"
        raise DeploymentError(place.title, fault, "deploy another")
    return _event(end) or wanted


def undeploy(
    place: Place,
    service: Service,
    by: str,
    show: Show | None = None,
    *,
    change: str = "",
    empty: bool = False,
    only: bool = False,
) -> Deployed | None:
    """Put into service again what was there before; its line of the history, whose fault says where its check failed.

    change: what this is called; where that has happened, it doesn't happen again. empty: take the weight away where
    nothing was there before. only: do it only where that change is a deployment, and the last that happened; None where
    it isn't. Where an earlier call was interrupted, that is brought to its end, and nothing more is taken back. Raises
    DeploymentError where nothing was there before, where that is gone or damaged, or where somebody else is at it.
    """
    head = Deployed(time=now(), by=by, output="", learner=place.learner, sha256="0" * 64).head
    words = [head, change or secrets.token_hex(8), "yes" if empty else "", str(service.keep)]
    step, check = ("undo", "") if only else ("undeploy", service.check)
    end = _run(place, service, step, *words, check, str(LIMIT), show=show)
    found = _event(end)
    if end.status == _LACKING and found:
        remedy = f"doit deploy {found.output} brings it there anew" if found.output else "deploy an output"
        fault = f"{found.name} was in service before, but is gone or damaged there; nothing is changed"
        raise DeploymentError(place.title, fault, remedy)
    if end.status == _NOTHING:
        if found is None:
            raise DeploymentError(place.title, "nothing is in service, and nothing was", "doit deploy an output first")
        fault = f"nothing was in service before {found.name}; nothing is changed"
        raise DeploymentError(place.title, fault, "deploy another output, or say --empty to take it away")
    if end.said("ended"):
        return _outcome(place, service)
    if found is None:
        return None
    return replace(found, fault=f"its check {end.told}" if end.status == _UNWELL else "")


def held(place: Place, service: Service) -> tuple[Held, bytes]:
    """What stands in service, and the record beside it; an empty one where there is none."""
    done = place.run(script("deploy.sh"), *_words(service, "held"))
    place.transport.require(done)
    line, _, beside = done.out.partition(b"\n")
    sha256, record = (None if word == "-" else word for word in line.decode().split(" "))
    return Held(sha256, record), beside if hashlib.sha256(beside).hexdigest() == record else b""


def current(place: Place, service: Service) -> Deployed | None:
    """What is in service; None where no file is. The fault says where that is not what the history says."""
    held, begun, log = _look(place, service)
    if held.sha256 is None:
        return None
    pending = history.parsed(begun)
    if pending and pending.sha256 == held.sha256 and pending.action != EMPTY and not log.endswith(begun + b"\n"):
        return replace(pending, fault="its switch has not come to an end")
    last = next((event for event in reversed(history.events(log)) if event.action != REFUSED), None)
    if last is None or last.after.sha256 is None:
        return replace(history.placed(held, place.learner), fault="was placed by hand")
    if last.sha256 != held.sha256:
        return replace(history.placed(held, place.learner), fault=f"was placed by hand, over {last.name}")
    fault = "" if held == last.after else f"{service.weight}.json is not its record"
    return replace(last, fault=fault)


def _outcome(place: Place, service: Service) -> Deployed:
    """What is in service after a call that was interrupted, and has come to its end now."""
    found = current(place, service)
    if found is None:
        fault = "a deployment that was interrupted is taken back; nothing is in service, as nothing was before it"
        raise DeploymentError(place.title, fault, "deploy an output")
    return found


def _look(place: Place, service: Service) -> tuple[Held, bytes, bytes]:
    """What stands in service; the line of what is about to happen; the history, without what a crash cut off."""
    done = place.run(script("deploy.sh"), *_words(service, "look"))
    place.transport.require(done)
    held, begun, log = done.out.split(b"\n", 2)
    sha256, record = (None if word == "-" else word for word in held.decode().split(" "))
    return Held(sha256, record), begun, log[: log.rfind(b"\n") + 1]


class _End(NamedTuple):
    """How a call ended. answers: what the script said of itself. last: the last line of the check. took: seconds."""

    status: int
    answers: tuple[tuple[str, str], ...]
    last: str
    took: float

    def said(self, key: str) -> str | None:
        """What it said under a key; None where it said nothing."""
        return next((value or key for each, value in self.answers if each == key), None)

    @property
    def told(self) -> str:
        """How the check ended, in words."""
        code = int(self.said("check") or 0)
        end = f"was killed by signal {code - 128}" if code > 128 else f"ended with status {code}"
        end = f"took over {LIMIT} s" if self.took >= LIMIT else end
        return f'{end}, saying "{self.last}"' if self.last else end


def _event(end: _End) -> Deployed | None:
    told = end.said("event")
    return history.parsed(told.encode()) if told else None


def _run(
    place: Place, service: Service, step: str, *arguments: str, feed: Iterable[bytes] = (), show: Show | None = None
) -> _End:
    lines, began = _Lines(show), time.monotonic()
    done = place.run(script("deploy.sh"), *_words(service, step), *arguments, feed=feed, sink=lines)
    answers, rest = [], []
    for line in done.err.splitlines():
        word, _, answer = line.partition(" ")
        if word == "dlim":
            key, _, value = answer.partition(" ")
            answers.append((key, value))
        else:
            rest.append(line)
    end = _End(done.status, tuple(answers), lines.last, time.monotonic() - began)
    mended = history.parsed((end.said("mended") or "").encode())
    if mended:
        what = "is taken back" if mended.action == DEPLOY else "is brought to its end"
        word = "deployment" if mended.action == DEPLOY else "undeployment"
        console.current().line(f"{place.title}: the {word} of {mended.name} that was interrupted {what}")
    if done.status == _STACKLESS:
        _adopt(place, service)
        return _run(place, service, step, *arguments, feed=feed, show=show)
    if done.status == _BUSY:
        raise _busy(place, end.said("busy") or "")
    if done.status == _UNFED:
        raise Unfed(place.title, "lacks the dataset that the service is to read", "say --dataset")
    if done.status == _OVERTAKEN:
        raise Overtaken(place.title, "another weight came into service meanwhile", "run again")
    if done.status == _FOREIGN:
        fault = f"{service.dataset_dir} is there already, and not of dlim's making"
        raise DeploymentError(place.title, fault, "move it out of the way, or give another service.dataset_dir")
    if done.status not in (_LACKING, _UNFIT, _UNWELL, _NOTHING):
        place.transport.require(Done(done.status, done.out, "\n".join(rest)))
    return end


def _adopt(place: Place, service: Service) -> None:
    """Give a history that the first version wrote the stack that goes with it now."""
    _, _, log = _look(place, service)
    lines = "".join(event.stacked for event in reversed(history.stack(history.events(log))))
    done = place.run(script("deploy.sh"), *_words(service, "adopt"), feed=[lines.encode()])
    place.transport.require(done)


def _busy(place: Place, begun: str) -> DeploymentError:
    event = history.parsed(begun.encode())
    who = f"{event.by} is at it since {event.time} ({event.action} {event.output})" if event else "another is at it"
    return DeploymentError(place.title, who, "run again when that has ended")


def _words(service: Service, step: str) -> tuple[str, ...]:
    weight = posixpath.join(".", service.weight)  # a name may begin with a dash
    data = posixpath.join(".", service.dataset_dir) if service.dataset_dir else "-"
    return step, weight, str(WAIT), data, "../" * service.dataset_dir.count("/")


@dataclass
class _Lines:
    """Cuts what a check writes into lines, shows each, and keeps the last that says something."""

    show: Show | None
    last: str = ""
    rest: bytes = field(default=b"", repr=False)

    def __call__(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for text in (line.decode(errors="replace").rstrip() for line in lines):
            if text:
                self.last = text
                if self.show:
                    self.show(text)
