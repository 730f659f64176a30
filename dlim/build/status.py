"""How each step stands: what a run would do to it now, and why. Computed once, by one walk; all else renders it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from dlim import store
from dlim.build import look
from dlim.build.pipeline import Pipeline, Step
from dlim.build.state import Record, Source, Stamp, State
from dlim.build.work import Made
from dlim.errors import unusable

Outlook = Literal["up to date", "will run", "may run", "will fail", "can't run", "ignored", "on demand"]
"""What a run would do to a step. May run: if what comes before it changes; can't run: as that will fail."""

MOVES: Sequence[Outlook] = ("will run", "may run")
STOPS: Sequence[Outlook] = ("will fail", "can't run")

NEVER = "was never"
"""How a reason begins that leaves nothing else to say."""


class Verdict(NamedTuple):
    """What would happen to a step or group.

    reasons: why, as far as that is its own. causes: the steps before it from which the rest comes. failed: why it
    failed when it last ran, or can only fail. fault: that, or the fault of what it depends on.
    """

    outlook: Outlook
    reasons: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    failed: str = ""
    fault: str = ""

    @property
    def status(self) -> str:
        """The outlook as one looks at it from afar: "up to date", "to run", "failing", "on demand" or "ignored"."""
        if self.outlook == "on demand":
            return self.outlook
        return "failing" if self.fault else "to run" if self.outlook in MOVES else self.outlook

    @property
    def why(self) -> str:
        """The fault, or else its own reasons, in a line."""
        return self.fault or told(self.reasons)


UP_TO_DATE = Verdict("up to date")
ON_DEMAND = Verdict("on demand")

Verdicts = Mapping[str, Verdict]


class Inputs(NamedTuple):
    """What a step is about to be made from, as a record has it."""

    settings: dict[str, Any]
    sources: dict[str, Source]
    inputs: dict[str, str]


@dataclass
class Status:
    """The status of a workspace's steps, by what is known of them."""

    pipeline: Pipeline
    state: State
    seen: dict[str, Stamp] = field(default_factory=dict, init=False)
    """What was looked at, with the stamps that were seen; a file of a build has = before its path."""
    _verdicts: dict[str, Verdict] = field(default_factory=dict, init=False)
    _sources: dict[str, Source] = field(default_factory=dict, init=False)

    # verdicts

    def verdict(self, name: str) -> Verdict:
        """What would happen to a step or a group; "on demand" for what is neither."""
        if name not in self._verdicts:
            step = self.pipeline.step(name)
            group = None if step else self.pipeline.group(name)
            if step is not None:
                found = self._of_step(step)
            else:
                found = ON_DEMAND if group is None else self._of_group(group.members)
            fault = found.failed or next(
                (self.verdict(each).fault for each in found.causes if self.verdict(each).fault), ""
            )
            self._verdicts[name] = found._replace(fault=fault)
        return self._verdicts[name]

    def verdicts(self, names: Iterable[str]) -> Verdicts:
        """Of those steps and groups, and of all that come before them."""
        for step in self.pipeline.closure(names):
            self.verdict(step)
        for name in names:
            self.verdict(name)
        return self._verdicts

    def ended(self, name: str) -> None:
        """Look again at a step that has just run, when it is asked for the next time."""
        self._verdicts.pop(name, None)

    def _of_group(self, members: Sequence[str]) -> Verdict:
        found = {name: self.verdict(name) for name in members}
        stops = _those(found, STOPS)
        if stops:
            return Verdict("can't run", causes=stops)
        causes = _those(found, MOVES)
        if causes:  # what only may run does so because of something that will
            return Verdict("will run", causes=causes)
        ignored = _those(found, ["ignored"])
        return Verdict("ignored", causes=ignored) if ignored else UP_TO_DATE if found else ON_DEMAND

    def _of_step(self, step: Step) -> Verdict:
        before = {name: self.verdict(name) for name in step.before}
        ignored = _those(before, ["ignored"])
        if ignored or self.state.is_ignored(step.name):
            return Verdict("ignored", causes=ignored)
        stops = _those(before, STOPS)
        if stops:
            return Verdict("can't run", causes=stops)
        if step.fault:
            return Verdict("will fail", failed=step.fault)
        causes = _those(before, MOVES)
        record = self.state.records.get(step.name, Record())
        if record.failed:
            return Verdict("will run", (record.failed,), causes, record.failed)
        reasons = tuple(self._reasons(step, record, causes))
        if reasons:
            return Verdict("will run", reasons, causes)
        return Verdict("may run", causes=causes) if causes else UP_TO_DATE

    # reasons

    def now(self, step: Step) -> tuple[str, ...]:
        """Why a step must run, now that all before it has run; nothing where it need not."""
        record = self.state.records.get(step.name, Record())
        if step.fault:
            return (step.fault,)
        if record.failed:
            return ("failed when it last ran",)
        return tuple(self._reasons(step, record, ()))

    def _reasons(self, step: Step, record: Record, moving: Sequence[str]) -> Iterator[str]:
        """All that makes a step run; moving: the steps before it that are still to run."""
        damage = self._damage(step, record)
        if damage.startswith(NEVER):
            yield damage
            return
        yield from _differences(record.settings, self._settings(step, record, settled=not moving))
        if damage:
            yield damage
        yield from self._changed(step, record)
        for name in step.after:
            if name not in record.inputs:
                yield f"{name} is new"
            elif name not in moving and record.inputs[name] != self._output(name):
                yield f"{name} output changed"
            elif name not in moving and name in step.links and self._is_newer(name, record):
                yield f"{name} was made anew"
        yield from (f"{name} is no longer read" for name in record.inputs if name not in step.before)

    def _settings(self, step: Step, record: Record, *, settled: bool) -> dict[str, Any]:
        """What decides a step's output beside files. What comes from steps that are to run is as it was, so far."""
        found = dict(step.settings())
        if step.derived is not None:
            found[_BASIS] = basis = self._basis(step) if settled else record.settings.get(_BASIS)
            if settled and basis != record.settings.get(_BASIS):
                found |= step.derived()
            else:
                found |= {key: value for key, value in record.settings.items() if key not in found}
        return found

    def _is_newer(self, name: str, record: Record) -> bool:
        """Whether a step has run since: what it left is in other files, though these may be the same byte for byte."""
        return self.state.records.get(name, _NOTHING).made > record.made

    def _basis(self, step: Step) -> str:
        made = [step.basis(), *(self._output(name) for name in step.before)]
        return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()

    def _output(self, name: str) -> str:
        return self.state.records.get(name, _NOTHING).output

    def _changed(self, step: Step, record: Record) -> Iterator[str]:
        """What became of the hand-made files."""
        now, renewed = time.time_ns(), False
        for path in step.sources:
            known = record.sources.get(path)
            found = self._seen(path)
            if known is not None and known.stamp == found and (found or not known.sha256):
                continue
            source = self._source(path, found, now)
            if known is None:
                if source.sha256:
                    yield f"{path} is new"
            elif known.sha256 != source.sha256:
                yield f"{path} changed" if source.sha256 else f"{path} is gone"
            elif known.stamp != source.stamp:
                record.sources[path], renewed = source, True
        for path in record.sources.keys() - set(step.sources):
            if record.sources[path].sha256:
                yield f"{path} {'is no longer read' if os.path.exists(path) else 'is gone'}"  # noqa: PTH110 - Path.exists may raise
        if renewed:
            self.state.learn(step.name)

    def _seen(self, path: str) -> Stamp:
        if path not in self.seen:
            self.seen[path] = look.stamp(path)
        return self.seen[path]

    def _source(self, path: str, found: Stamp, now: int) -> Source:
        """A hand-made file as it is: one that has just been written is not told by its stamp."""
        if path not in self._sources:
            try:
                digest = store.sha256(path) if found else ""
            except OSError as error:  # the step meets the same, and tells it as its project's fault
                found, digest = (), f"can't be read: {error.strerror}"
            self._sources[path] = Source(found if look.settled(found, now) else (), digest)
        return self._sources[path]

    def _damage(self, step: Step, record: Record) -> str:
        """What is wrong with what a step left, in a line; nothing where nothing is."""
        if not record.output:
            return f"{NEVER} built"
        seen = {path: look.look(path) for path in record.looks}
        self.seen |= {path if path.endswith("/") else f"={path}": found for path, found in seen.items()}
        if seen == record.looks:
            return ""
        fault = _fault(Path(step.target), record)
        if not fault:
            # sound, but copied or touched: it was read once for that, and need not be again
            record.looks = seen
            self.state.learn(step.name)
        return fault

    def intact(self, step: Step) -> bool:
        """Whether what a step left is, at a glance, as it left it, and of files that are still those of its inputs."""
        record = self.state.records.get(step.name, _NOTHING)
        same = [name for name in step.links if record.inputs.get(name) == self._output(name)]
        return (
            bool(record.output)
            and all(look.look(path) == found for path, found in record.looks.items())
            and not any(self._is_newer(name, record) for name in same)
        )

    # a step that runs

    def inputs(self, step: Step) -> Inputs:
        """What a step is about to be made from. Raises OSError where a file can't be read."""
        now = time.time_ns()
        sources = {}
        for path in step.sources:
            found = look.stamp(path)
            if self.seen.get(path) != found:
                self._sources.pop(path, None)
            self.seen[path] = found
            sources[path] = self._source(path, found, now)
        settings = dict(step.settings())
        if step.derived is not None:
            settings |= step.derived()
            settings[_BASIS] = self._basis(step)
        return Inputs(settings, sources, {name: self._output(name) for name in step.before})

    def changed_meanwhile(self, step: Step) -> str:
        """The hand-made file that is not as it was when the step began to be made from it; nothing where all are."""
        return next((path for path in step.sources if look.stamp(path) != self.seen[path]), "")

    def succeeded(self, step: Step, inputs: Inputs, made: Made) -> None:
        """Keep what a step was made from, and what it left."""
        looks = look.looks(made.looks)
        self.seen |= {path if path.endswith("/") else f"={path}": found for path, found in looks.items()}
        # a clock may be set back; what was made of something is never older than that
        now = max([time.time(), *(self.state.records.get(name, _NOTHING).made for name in step.before)])
        record = Record(*inputs, made.digest, looks, now, made.images, made.size, made.summary)
        self.state.keep(step.name, record)
        self.ended(step.name)

    def forget_damaged(self, step: Step) -> None:
        """Find what is damaged of all that a step comes from, so that the next run builds it anew."""
        before = [each for each in self.pipeline.closure([step.name]).values() if each is not step]
        made = {Path(each.target): each for each in before if each.target.endswith(".json")}
        for target in store.verify({target: self._output(each.name) for target, each in made.items()}):
            self.state.remove(made[target].name)


_BASIS = "basis"
_NOTHING = Record()


def _fault(target: Path, record: Record) -> str:
    """What is wrong with what a step left, after reading all of it."""
    try:
        if not target.exists():
            return f"{target} is missing" if target.suffix != ".json" else f"{NEVER} built"
        if target.suffix != ".json":
            return "" if store.sha256(target) == record.output else f"{target} was changed"
        fault = store.fault(target, record.output)
    except OSError as error:
        return unusable(error, target)
    if not fault:
        return ""
    return f"{target} was changed" if fault.startswith("its ") else f"{target.parent}/{fault}"


def _those(found: Verdicts, outlooks: Sequence[Outlook]) -> tuple[str, ...]:
    return tuple(name for name, verdict in found.items() if verdict.outlook in outlooks)


# settings

_LONG = 40  # a digest, or a whole table: to see it tells nobody anything


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*before, *now} - {_BASIS}):
        if before.get(key) != _plain(now.get(key)):
            yield _change(key, before.get(key), now.get(key))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _change(key: str, before: object, now: object) -> str:
    values = [_said(value) for value in (before, now)]
    return f"{key} changed" + ("" if max(map(len, values)) > _LONG else f" from {values[0]} to {values[1]}")


def _said(value: object) -> str:
    """A setting as a file under config/ has it, as far as a line needs that."""
    if value is None or value == "":
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)


_SHOWN = 3


def told(found: Sequence[str]) -> str:
    """Reasons in one line, which the first few of them fill."""
    return ", ".join([*found[:_SHOWN], *([f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else [])])


# where a verdict comes from


class Root(NamedTuple):
    """A step that is to run, fails or is ignored by itself, and what it says of that."""

    task: str
    reasons: tuple[str, ...]
    failed: bool


def root(name: str, found: Verdicts) -> Root | None:
    """What a step itself has to say; None where it only follows others."""
    verdict = found[name]
    if verdict.failed:
        return Root(name, (verdict.failed,), failed=True)
    # what a step that is new leaves is new to those behind it: they follow it
    own = tuple(text for text in verdict.reasons if text.removesuffix(" is new") not in verdict.causes)
    return Root(name, own, failed=False) if own or not (verdict.causes or verdict.outlook in _STILL) else None


_STILL = ("up to date", "on demand")


def roots(name: str, found: Verdicts) -> list[Root]:
    """All that a verdict comes from: what comes first in a run first, but faults before all else."""
    seen: set[str] = set()
    ordered: list[Root] = []
    waiting: list[tuple[str, bool]] = [(name, False)]
    while waiting:  # a chain of steps may be longer than Python's own stack
        each, done = waiting.pop()
        if done:
            own = root(each, found)
            if own is not None:
                ordered.append(own)
        elif each not in seen:
            seen.add(each)
            waiting.append((each, True))
            own = root(each, found)
            if own is None or not _is_all(own):
                waiting += [(cause, False) for cause in reversed(found[each].causes)]
    return sorted(ordered, key=lambda own: not own.failed)


def _is_all(own: Root) -> bool:
    """Whether a root leaves nothing to say of what comes before it."""
    return not own.failed and own.reasons[:1] != () and own.reasons[0].startswith(NEVER)


def things(own: Root) -> list[str]:
    """What a root speaks of: the same thing may make many steps run, and each of these is new by itself."""
    if own.failed:
        return [text.partition("; ")[0] for text in own.reasons]  # the way out may name a file that is the step's own
    return [subject(own.task) if text.startswith(NEVER) else text for text in own.reasons or (own.task,)]


def subject(name: str) -> str:
    """What a step is about: close_btn, of augment:close_btn@400x400."""
    return name.partition(":")[2].partition("@")[0] or name


class Link(NamedTuple):
    """A step in a chain, how deep in it, what it says itself, and whether the chain goes on behind it."""

    task: str
    depth: int
    own: Root | None
    goes_on: bool


def chains(name: str, found: Verdicts) -> list[Link]:
    """The way from a step down to all that its verdict comes from; each thing is told once, by the shortest way.

    Where a thing makes several steps run, it is told of the step itself, or of the one that is the furthest down.
    """
    depths, parents, of_things = _spread(name, found)
    kept = {name}
    for task in of_things.values():
        while task not in kept:
            kept.add(task)
            task = parents[task]
    members: dict[str, list[str]] = {}
    for task in depths:
        if task in kept and task in parents:
            members.setdefault(parents[task], []).append(task)

    def walk(task: str) -> Iterator[Link]:
        yield Link(task, depths[task], _told_of(root(task, found), of_things), goes_on=task in members)
        for member in members.get(task, ()):
            yield from walk(member)

    return list(walk(name))


def _told_of(own: Root | None, of_things: Mapping[str, str]) -> Root | None:
    """A root with those of its reasons that are told of it."""
    if own is None or own.task not in of_things.values():
        return None
    told_here = zip(own.reasons, things(own), strict=False)
    return own._replace(reasons=tuple(text for text, thing in told_here if of_things[thing] == own.task))


def _spread(name: str, found: Verdicts) -> tuple[dict[str, int], dict[str, str], dict[str, str]]:
    """How deep each step lies that a verdict comes from, what it is reached by, and of which step a thing is told."""
    depths: dict[str, int] = {name: 0}
    parents: dict[str, str] = {}
    of_things: dict[str, str] = {}
    waiting = [name]
    for task in waiting:
        own = root(task, found)
        if own is not None:
            for thing in things(own):
                if thing not in of_things or 0 < depths[of_things[thing]] < depths[task]:
                    of_things[thing] = task
            if _is_all(own):
                continue
        for cause in reversed(found[task].causes):
            if cause not in depths:
                depths[cause], parents[cause] = depths[task] + 1, task
                waiting.append(cause)
    return depths, parents, of_things
