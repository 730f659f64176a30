"""The history of a deployment's place: a line for all that was put into service, and what it says was there before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Annotated, NamedTuple

import msgspec

from dlim.runs.place import Place

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A SHA-256 in hexadecimal: nothing else from a history becomes part of a path."""

DEPLOY, UNDEPLOY, REFUSED = "deploy", "undeploy", "refused"


class Held(NamedTuple):
    """What stands in service: the digests of the weight and of the record beside it, None where there is none."""

    sha256: str | None
    record: str | None


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """A weight that was put into service: a line of the history.

    time: ISO 8601, UTC. by: who did it, `user@machine`. action: "deploy"; "undeploy", which brought this weight back;
    "refused", where its check failed or had no end, and what `was` there before came back. output, learner, path: the
    output whose `<learner>.tar.gz` has it, and its path there; no output where a person had placed it. sha256: its
    digest; was: that of the weight before it, None where there was no file. record, was_record: the digests of the
    records beside the two. fault: what is wrong now, in a few words; in no history.
    """

    time: str = ""
    by: str
    action: str = DEPLOY
    output: str
    learner: str
    sha256: Digest
    was: Digest | None = None
    path: str = ""
    record: Digest | None = None
    was_record: Digest | None = None
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
        return self._former if self.action == REFUSED else self._own

    @property
    def _own(self) -> Held:
        return Held(self.sha256, self.record)

    @property
    def _former(self) -> Held:
        return Held(self.was, self.was_record)


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
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def line(event: Deployed) -> bytes:
    """What a history says of an event, without the line's end."""
    fields = {name: value for name, value in msgspec.structs.asdict(event).items() if name != "fault"}
    return msgspec.json.encode(fields)


def placed(held: Held, learner: str) -> Deployed:
    """A weight that dlim knows nothing of."""
    return Deployed(by="", output="", learner=learner, sha256=held.sha256 or "", record=held.record)


def under(past: Iterable[Deployed], held: Held, learner: str) -> Deployed | None:
    """What was in service before what is there now; None where nothing was. past: the events, the oldest first."""
    stack = _stack(past)
    if held.sha256:
        _notice(stack, held, learner)
        stack.pop()
    return stack[-1] if stack else None


def needed(past: Sequence[Deployed], keep: int) -> set[str]:
    """The files in weights/ that are not to go.

    They are of the weight in service, of so many different ones before it, and of the one that was taken out last, as
    a person's may be nowhere else.
    """
    taken_out = [event.before for event in past[-1:]]
    kept: dict[str, list[Held]] = {}
    for event in reversed(_stack(past)):
        if event.sha256 in kept or len(kept) <= keep:
            kept.setdefault(event.sha256, []).append(Held(event.sha256, event.record))
    return _files(chain(taken_out, *kept.values()))


def known(past: Iterable[Deployed]) -> set[str]:
    """The files that may be in weights/ by what the history says."""
    return _files(held for event in past for held in (event.before, event.after))


def _stack(past: Iterable[Deployed]) -> list[Deployed]:
    """What stood in service one over the other, the newest last, after all that happened."""
    stack: list[Deployed] = []
    for event in past:
        if event.action == REFUSED:
            continue
        _notice(stack, event.before, event.learner)
        same = stack and stack[-1].source == event.source
        if same or (event.action == UNDEPLOY and event.was):
            stack.pop()
        if event.action == DEPLOY or not stack or stack[-1].sha256 != event.sha256:
            stack.append(event)
    return stack


def _notice(stack: list[Deployed], held: Held, learner: str) -> None:
    """Put on the stack what a person has placed meanwhile."""
    if held.sha256 and (not stack or stack[-1].sha256 != held.sha256):
        stack.append(placed(held, learner))


def _files(states: Iterable[Held]) -> set[str]:
    """What they are called in weights/."""
    return {name for held in states for name in (f"{held.sha256}", f"{held.record}.json")}
