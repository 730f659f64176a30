"""From where a verdict comes: the tasks whose own inputs have changed, and the chain to each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dlim.plugins.reason import NEVER
from dlim.plugins.verdict import Verdict

Verdicts = Mapping[str, Verdict]


class Root(NamedTuple):
    """A task that is to run, fails or is ignored by itself, and what it says of that."""

    task: str
    reasons: tuple[str, ...]
    failed: bool


def root(name: str, found: Verdicts) -> Root | None:
    """What a task itself has to say; None where it only follows others."""
    verdict = found[name]
    if verdict.failed:
        return Root(name, (verdict.failed,), failed=True)
    # what a task that is new leaves is new to those behind it: they follow it
    own = tuple(text for text in verdict.reasons if text.removesuffix(" is new") not in verdict.causes)
    return Root(name, own, failed=False) if own or not (verdict.causes or verdict.outlook in _STILL) else None


_STILL = ("up to date", "on demand")


def roots(name: str, found: Verdicts) -> list[Root]:
    """All that a task's verdict comes from: what comes first in a run first, but faults before all else."""
    seen: set[str] = set()

    def walk(name: str) -> Iterator[Root]:
        if name not in seen:
            seen.add(name)
            own = root(name, found)
            if own is None or not _is_all(own):
                for cause in found[name].causes:
                    yield from walk(cause)
            if own is not None:
                yield own

    return sorted(walk(name), key=lambda each: not each.failed)


def _is_all(own: Root) -> bool:
    """Whether a root leaves nothing to say of what comes before it."""
    return not own.failed and own.reasons[:1] != () and own.reasons[0].startswith(NEVER)


def things(own: Root) -> list[str]:
    """What a root speaks of: the same thing may make many tasks run, and each of these is new by itself."""
    if own.failed:
        return [text.partition("; ")[0] for text in own.reasons]  # the way out may name a file that is the task's own
    return [subject(own.task) if text.startswith(NEVER) else text for text in own.reasons or (own.task,)]


def subject(task: str) -> str:
    """What a task is about: close_btn, of augment:close_btn@400x400."""
    return task.partition(":")[2].partition("@")[0] or task


class Link(NamedTuple):
    """A task in a chain, how deep in it, what it says itself, and whether the chain goes on behind it."""

    task: str
    depth: int
    own: Root | None
    goes_on: bool


def chains(name: str, found: Verdicts) -> list[Link]:
    """The way from a task down to all that its verdict comes from; each thing is told once, by the shortest way.

    Where a thing makes several tasks run, it is told of the task itself, or of the one that is the furthest down.
    """
    depths, parents, told = _spread(name, found)
    kept = {name}
    for task in told.values():
        while task not in kept:
            kept.add(task)
            task = parents[task]
    members: dict[str, list[str]] = {}
    for task in depths:
        if task in kept and task in parents:
            members.setdefault(parents[task], []).append(task)

    def walk(task: str) -> Iterator[Link]:
        yield Link(task, depths[task], _told_of(root(task, found), told), goes_on=task in members)
        for member in members.get(task, ()):
            yield from walk(member)

    return list(walk(name))


def _told_of(own: Root | None, told: Mapping[str, str]) -> Root | None:
    """A root with those of its reasons that are told of it."""
    if own is None or own.task not in told.values():
        return None
    told_here = zip(own.reasons, things(own), strict=False)
    return own._replace(reasons=tuple(text for text, thing in told_here if told[thing] == own.task))


def _spread(name: str, found: Verdicts) -> tuple[dict[str, int], dict[str, str], dict[str, str]]:
    """How deep each task lies that a verdict comes from, what it is reached by, and of which task a thing is told."""
    depths: dict[str, int] = {name: 0}
    parents: dict[str, str] = {}
    told: dict[str, str] = {}
    waiting = [name]
    for task in waiting:
        own = root(task, found)
        if own is not None:
            for thing in things(own):
                if thing not in told or 0 < depths[told[thing]] < depths[task]:
                    told[thing] = task
            if _is_all(own):
                continue
        for cause in reversed(found[task].causes):
            if cause not in depths:
                depths[cause], parents[cause] = depths[task] + 1, task
                waiting.append(cause)
    return depths, parents, told
