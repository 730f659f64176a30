"""A switch: one weight and its record go out of service on a server, and others into it.

What is about to happen is written down there, in `switching`, before anything is touched, and goes when dlim has heard
how it ended. So wherever anything is killed, the next command knows what was begun.
"""

from __future__ import annotations

import posixpath
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

from msgspec.structs import replace

from dlim.config import Service
from dlim.errors import DeploymentError
from dlim.runs import history
from dlim.runs.history import DEPLOY, REFUSED, Deployed, Held
from dlim.runs.place import Place
from dlim.servers.contract import Done

Show = Callable[[str], object]
"""Takes a line."""

LIMIT = 600
"""Seconds that a check may take."""

WAIT = 10
"""Seconds that somebody else's switch is waited for."""

BUSY, CHANGED, LACKING, UNFIT, UNWELL = 3, 4, 5, 6, 7
"""The ends of deployment.sh, which says what they mean."""


@dataclass(frozen=True)
class Seen:
    """A server as it was a moment ago.

    held: what stood in service. begun: the line of the last switch, where dlim hasn't heard its end. log: the history,
    without what a crash cut off.
    """

    held: Held
    begun: bytes
    log: bytes

    @property
    def last(self) -> Deployed | None:
        """What put into service what should be there now."""
        return next((event for event in reversed(history.events(self.log)) if event.action != REFUSED), None)

    @property
    def unheard(self) -> Deployed | None:
        """What took something out of service without dlim hearing of it."""
        pending = history.parsed(self.begun)
        return pending if pending and self._ended and pending.action != DEPLOY else None

    @property
    def unfinished(self) -> Deployed | None:
        """A switch that came in part to pass."""
        pending = history.parsed(self.begun)
        if pending is None or self._ended:
            return None
        if self.held == pending.before and pending.action != REFUSED:
            return None
        # where it is neither, a person came between
        return pending if self.held.sha256 in (pending.before.sha256, pending.after.sha256) else None

    @property
    def _ended(self) -> bool:
        return self.log.endswith(self.begun + b"\n")

    def followed_by(self, event: Deployed) -> bytes:
        """The history with one more event."""
        return self.log + history.line(event) + b"\n"


class End(NamedTuple):
    """How a switch ended. check: the exit status of its check. said: the last line of that. took: seconds of it all."""

    status: int
    check: int = 0
    said: str = ""
    took: float = 0

    @property
    def told(self) -> str:
        """How the check ended, in words."""
        end = f"was killed by signal {self.check - 128}" if self.check > 128 else f"ended with status {self.check}"
        end = f"took over {LIMIT} s" if self.took >= LIMIT else end
        return f'{end}, saying "{self.said}"' if self.said else end


def look(place: Place, service: Service) -> Seen:
    """The server as it is now."""
    done = _run(place, service, "look")
    place.transport.require(done)
    held, begun, log = done.out.split(b"\n", 2)
    sha256, record = (None if word == "-" else word for word in held.decode().split(" "))
    return Seen(Held(sha256, record), begun, log[: log.rfind(b"\n") + 1])


def switch(
    place: Place,
    service: Service,
    seen: Seen,
    event: Deployed,
    check: str = "",
    record: bytes = b"",
    show: Show | None = None,
) -> End:
    """Let an event happen on a server that is as it was seen.

    check: a command for the shell, run when it has happened; where it fails, a deployment is taken back. record: what
    the file beside the weight is to say; as it was then, where the weight had one before. show: takes each line of the
    check. Raises DeploymentError where somebody else is at it.
    """
    lines, began = _Lines(show), time.monotonic()
    done = _run(
        place,
        service,
        "switch",
        str(seen.log.count(b"\n")),
        seen.begun.decode(errors="surrogateescape"),
        *(digest or "-" for digest in (*seen.held, *event.after)),
        history.line(event).decode(),
        history.line(replace(event, action=REFUSED)).decode(),
        event.action,
        check,
        str(LIMIT),
        feed=[record] if record else (),
        sink=lines,
    )
    complaint = (done.err.splitlines() or [""])[-1]
    if done.status == BUSY:
        raise _busy(place, complaint)
    if done.status in (UNFIT, UNWELL):
        return End(done.status, int(complaint), lines.last, time.monotonic() - began)
    if done.status not in (CHANGED, LACKING):
        place.transport.require(done)
    return End(done.status)


def tidy(place: Place, service: Service, log: bytes, ended: Deployed) -> None:
    """Remove what no undeployment needs, and what tells of a switch whose end is known now. log: the history since."""
    past = history.events(log)
    needed = history.needed(past, service.keep)
    lines = [f"keep {name}\n" for name in needed] + [f"drop {name}\n" for name in history.known(past) - needed]
    feed = ["".join(sorted(lines)).encode()]
    done = _run(place, service, "tidy", str(log.count(b"\n")), history.line(ended).decode(), feed=feed)
    if done.status != BUSY:  # who is at it tidies up
        place.transport.require(done)


class _Lines:
    """Cuts what a check writes into lines, shows each, and keeps the last that says something."""

    def __init__(self, show: Show | None) -> None:
        self._show = show
        self._rest = b""
        self.last = ""

    def __call__(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for text in (line.decode(errors="replace").rstrip() for line in lines):
            if text:
                self.last = text
                if self._show:
                    self._show(text)


def _busy(place: Place, begun: str) -> DeploymentError:
    event = history.parsed(begun.encode())
    who = f"{event.by} is at it since {event.time} ({event.action} {event.output})" if event else "another is at it"
    return DeploymentError(place.title, who, "run again when that has ended")


def _run(
    place: Place,
    service: Service,
    step: str,
    *arguments: str,
    feed: Iterable[bytes] = (),
    sink: Callable[[bytes], object] | None = None,
) -> Done:
    weight = posixpath.join(".", service.weight)  # a name may begin with a dash
    return place.run(_script(), step, weight, str(WAIT), *arguments, feed=feed, sink=sink)


@cache
def _script() -> str:
    return resources.files("dlim.runs").joinpath("deployment.sh").read_text(encoding="utf-8")
