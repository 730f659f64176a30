"""The history of a deployment's place: a line for all that was put into service, and what it says was there before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, NamedTuple

import msgspec

from dlim import store
from dlim.runs.place import Place

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A SHA-256 in hexadecimal: nothing else from a history becomes part of a path."""

DEPLOY, UNDEPLOY, REFUSED, EMPTY = "deploy", "undeploy", "refused", "empty"


class Held(NamedTuple):
    """What stands in service: the digests of the weight and of the record beside it, None where there is none."""

    sha256: str | None
    record: str | None


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """A weight that was put into service: a line of the history.

    time: ISO 8601, UTC. by: who did it, `user@machine`. action: "deploy"; "undeploy", which brought this weight back;
    "refused", where its check failed or had no end, and what `was` there before came back; "empty", where it was taken
    out and nothing came. change: the command that did it, which may do the same for other learners. output, learner,
    path: the output whose `<learner>.tar.gz` has it, and its path there; no output where a person had placed it.
    sha256: its digest; was: that of the weight before it, None where there was no file. record, was_record: the digests
    of the records beside the two. dataset: what it was learned from, where the service reads that. forced: why it would
    have been refused, where somebody forced it. fault: what is wrong now, in a few words; in no history.
    """

    time: str = ""
    by: str
    action: str = DEPLOY
    change: str = ""
    output: str
    learner: str
    sha256: Digest
    was: Digest | None = None
    path: str = ""
    record: Digest | None = None
    dataset: Digest | None = None
    was_record: Digest | None = None
    forced: str = ""
    fault: str = ""

    @property
    def name(self) -> str:
        """How messages call the weight."""
        return self.output or "a weight that was placed by hand"

    @property
    def source(self) -> tuple[str, ...]:
        """Where the weight is from, and which it is."""
        return self.output, self.learner, self.path, self.sha256

    @property
    def before(self) -> Held:
        """What stood in service before this."""
        return self._own if self.action == REFUSED else self._former

    @property
    def after(self) -> Held:
        """What stood in service after this."""
        if self.action == EMPTY:
            return Held(None, None)
        return self._former if self.action == REFUSED else self._own

    @property
    def _own(self) -> Held:
        return Held(self.sha256, self.record)

    @property
    def _former(self) -> Held:
        return Held(self.was, self.was_record)

    # as the server's script has it

    @property
    def head(self) -> str:
        """When it happens, by whom, and against what."""
        forced = {"forced": self.forced} if self.forced else {}
        return _inside({"time": self.time, "by": self.by, **forced})

    @property
    def what(self) -> str:
        """All that doesn't change with the action."""
        names = "output", "learner", "sha256", "path", "record", "dataset"
        return _inside({name: getattr(self, name) for name in names})

    @property
    def stacked(self) -> str:
        """Its line of the stack."""
        digests = " ".join(digest or "-" for digest in (self.sha256, self.record, self.dataset))
        return f"{digests} {self.mark} {self.what}\n"

    @property
    def mark(self) -> str:
        """Its source in a word."""
        return hashlib.sha256(msgspec.json.encode(self.source)).hexdigest()[:16] if self.output else "-"


def _inside(fields: Mapping[str, str | None]) -> str:
    return msgspec.json.encode(fields).decode()[1:-1]


def read(place: Place) -> list[Deployed]:
    """All that was done there, the oldest first."""
    done = place.run('if [ -e "$own/history.jsonl" ]; then cat "$own/history.jsonl"; fi')
    place.transport.require(done)
    return events(done.out)


def events(log: bytes) -> list[Deployed]:
    """The lines of a history, but for those that make no sense: the next one tells what was there before it."""
    return [event for event in map(parsed, log.split(b"\n")[:-1]) if event]


def parsed(text: bytes) -> Deployed | None:
    """A line of a history; None where it makes no sense."""
    try:
        return msgspec.json.decode(text, type=Deployed)
    except store.UNREADABLE:
        return None


def placed(held: Held, learner: str) -> Deployed:
    """A weight that dlim knows nothing of."""
    return Deployed(by="", output="", learner=learner, sha256=held.sha256 or "", record=held.record)


def stack(past: Iterable[Deployed]) -> list[Deployed]:
    """What stood in service one over the other, the newest last, after all that happened."""
    found: list[Deployed] = []
    for event in past:
        if event.action == REFUSED:
            continue
        _notice(found, event.before, event.learner)
        if event.action == EMPTY:
            found[-1:] = []
            continue
        same = found and found[-1].source == event.source
        if same or (event.action == UNDEPLOY and event.was):
            found.pop()
        if event.action == DEPLOY or not found or found[-1].sha256 != event.sha256:
            found.append(event)
    return found


def _notice(stack: list[Deployed], held: Held, learner: str) -> None:
    """Put on the stack what a person has placed meanwhile."""
    if held.sha256 and (not stack or stack[-1].sha256 != held.sha256):
        stack.append(placed(held, learner))
