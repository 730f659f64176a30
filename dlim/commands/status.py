"""How the steps of a workspace stand: `doit list`, `doit why` and `doit plan`. They only ask, and write nothing."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, NamedTuple

import msgspec
from doit.dependency import JSONCodec

from dlim import console
from dlim.build.ending import unknown
from dlim.build.pipeline import Pipeline
from dlim.build.state import STATE, Memory, Record
from dlim.build.status import (
    MOVES,
    Link,
    Root,
    Status,
    Verdict,
    Verdicts,
    chains,
    roots,
    subject,
    things,
    told,
)
from dlim.commands.base import Command, Option, option
from dlim.console import columns, cut, megabytes, room, width
from dlim.errors import DlimError, WorkspaceError
from dlim.workspace import Workspace


def status_of(workspace: Workspace, *, strict: bool = False) -> Status:
    """The status of a workspace's steps, for one who only asks: a run may be at work."""
    return Status(Pipeline(workspace, strict), Memory(str(STATE), JSONCodec()))


def selected(pipeline: Pipeline, words: Sequence[str]) -> list[str]:
    """The steps and groups that words name. Raises DlimError where one names none."""
    for word in words:
        if pipeline.resolve([word]) is None:
            place, _, rest = unknown(word, [*pipeline.groups, *pipeline.steps]).partition(": ")
            fault, _, remedy = rest.partition("; ")
            raise WorkspaceError(place, fault, remedy)
    return list(dict.fromkeys(pipeline.resolve(words) or ()))


def say(lines: Iterable[str]) -> None:
    """Write lines, all at once."""
    text = "\n".join(line.rstrip() for line in lines)
    if text:
        console.current().line(text)


# doit list


class List(Command):
    """`doit list`: the tasks that people type, how each stands, and why; --all shows the steps, too."""

    name = "list"
    doc_purpose = "every task with its status, age and size, and why it would run"
    doc_usage = "[TASK ...]"
    words = True
    options: ClassVar[Sequence[Option]] = (
        option("all", "the steps behind them, too", flag=True),
        {**option("quiet", "their names alone, a line each", flag=True), "short": "q"},
        option("template", "what a line says, with {name}, {status}, {doc}"),
    )

    def answer(self, workspace: Workspace, words: Sequence[str], **options: object) -> None:
        status = status_of(workspace)
        names = list(self._names(status.pipeline, selected(status.pipeline, words), bool(options["all"])))
        template = str(options["template"]) or ("{name}" if options["quiet"] else "")
        if template:
            docs = {name: group.doc for name, group in status.pipeline.groups.items()}
            says_status = "{status" in template
            try:
                lines = [
                    template.format(
                        name=name, doc=docs.get(name, ""), status=status.verdict(name).status if says_status else ""
                    )
                    for name in names
                ]
            except (LookupError, ValueError) as error:
                fault = f"can't be filled in ({type(error).__name__})"
                raise DlimError("--template", fault, "use {name}, {status} and {doc}") from error
            say(lines)
            return
        found = status.verdicts(names)
        say(overview([_row(name, status, found) for name in names], time.time(), room(sys.stdout)))
        if not words:
            say([*_left_out(status.pipeline), _account(status)])

    def _names(self, pipeline: Pipeline, wanted: Sequence[str], all_of_them: bool) -> Iterator[str]:
        if wanted:
            found = [name for each in wanted for name in (each, *_inside(each, pipeline))]
            yield from sorted(dict.fromkeys(found), key=_turn)
            return
        yield from (name for name in pipeline.steps if name.startswith("extend:"))
        yield from (name for name in pipeline.groups if name.startswith(("build:", "dataset:")))
        if all_of_them:
            yield from (name for name in pipeline.steps if not name.startswith("extend:"))


def _inside(name: str, pipeline: Pipeline) -> Iterator[str]:
    """What a group of a whole kind consists of."""
    group = None if pipeline.step(name) else pipeline.group(name)
    yield from (each for each in (group.members if group else ()) if each.startswith(f"{name}:"))


def _turn(name: str) -> int:
    """Where in a list a task stands: in the order of the work."""
    kind = name.partition(":")[0]
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


_ORDER = ("extend", "build", "dataset")


def _left_out(pipeline: Pipeline) -> list[str]:
    return [f"{title}: left out: {why}" for title, why in pipeline.unfinished.items()]


def _account(status: Status) -> str:
    """The steps in numbers, as a run counts them."""
    steps = status.pipeline.closure(["extend", "build", "dataset"])
    counts = Counter(status.verdict(name).status for name in steps)
    parts = [f"{counts[each]:,} {each}" for each in ("up to date", "to run", "failing", "ignored") if counts[each]]
    return f"{len(steps):,} task{'s' * (len(steps) != 1)}: {', '.join(parts)}" if parts else "no task yet"


class Stock(NamedTuple):
    """What is there of a step or group. made: when it last ran, in seconds since 1970. size: in bytes."""

    made: float
    images: int = 0
    size: int = 0


def stock(name: str, status: Status) -> Stock | None:
    """What is there of a step, or of those in a group; None where there is nothing."""
    step = status.pipeline.step(name)
    if step is not None:
        record = status.state.records.get(name, Record())
        there = record.output and os.path.exists(step.target)  # noqa: PTH110 - Path.exists may raise
        return Stock(record.made, record.images, record.size) if there else None
    group = status.pipeline.group(name)
    # what a group is for are its steps; the labelling images among them count only where there is nothing else
    members = [each for each in (group.members if group else ()) if not each.startswith("extend:")]
    found = [each for each in (stock(member, status) for member in members or (group.members if group else ())) if each]
    if not found:
        return None
    return Stock(max(each.made for each in found), sum(each.images for each in found), sum(each.size for each in found))


_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def age(seconds: float) -> str:
    """How long ago something was, in whole units."""
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{int(seconds // length)} {unit} ago"
    return "just now"


def images(number: int) -> str:
    """So many images; nothing where there are none."""
    return f"{number:,} image{'s' * (number != 1)}" if number else ""


def size(number: int) -> str:
    """So many bytes, in a person's units; nothing where there are none."""
    if not number:
        return ""
    return megabytes(number) if number >= 100_000 else f"{number / 1e3:,.1f} kB"


class Row(NamedTuple):
    """What is said of a task. texts: why it would run, or what it is for; the first of them that has room is shown."""

    name: str
    status: str
    there: Stock | None
    texts: tuple[str, ...]


def _row(name: str, status: Status, found: Verdicts) -> Row:
    reached = roots(name, found)
    if reached:
        texts: tuple[str, ...] = _why(name, reached)
    else:
        step, group = status.pipeline.step(name), status.pipeline.group(name)
        texts = (group.doc if group else step.target if step and name.startswith("extend:") else "",)
    return Row(name, found[name].status, stock(name, status), texts)


def _why(name: str, reached: Sequence[Root]) -> tuple[str, str]:
    """The first thing that a task would run for, and how many others there are; and the same in short."""
    first, more = reached[0], len({thing for root in reached for thing in things(root)}) - len(things(reached[0]))
    why = told(first.reasons) or "as `doit ignore` said"
    others = f" (and {more} more)" if more > 0 else ""
    whole = why if first.task == name else f"{first.task}: {why}"
    return f"{whole}{others}", f"{_short(first.task, why)}{others}"


def _short(task: str, why: str) -> str:
    """A reason with the project's name alone: a fault says it itself, and a file lies in its folder."""
    about = subject(task)
    folder = about if "/" in about else f"projects/{about}"
    return why if why.startswith(f"{about}: ") else f"{about}: {why.replace(f'{folder}/', '')}"


def overview(rows: Sequence[Row], now: float, limit: int | None) -> list[str]:
    """Rows as lines. now: in seconds since 1970. limit: of a line's width, where it has one."""
    heads = columns([(each.name, each.status) for each in rows])
    found = [each.there for each in rows if each.there]
    amounts = iter(columns([(age(now - each.made), images(each.images), size(each.size)) for each in found], (1, 2)))
    cells = [[head, *_amount(each.there, amounts)] for head, each in zip(heads, rows, strict=True)]
    return [_line(cell, each.texts, limit) for cell, each in zip(cells, rows, strict=True)]


def _amount(there: Stock | None, amounts: Iterator[str]) -> list[str]:
    """What is said of what is there; nothing keeps room for what isn't known."""
    if there is None:
        return []
    amount = next(amounts)
    return [amount if there.images or there.size else amount.rstrip()]


def _line(cells: Sequence[str], texts: Sequence[str], limit: int | None) -> str:
    """A line with the first of its texts that has room, or as much of the last as has."""
    lines = ["  ".join([*cells, text]).rstrip() for text in texts]
    fitting = (line for line in lines if limit is None or width(line) <= limit)
    return next(fitting, cut(lines[-1], limit))


# doit dumpdb


class DumpDB(Command):
    """`doit dumpdb`: all that is known of each step, a line of JSON each, for who looks for a fault in dlim."""

    name = "dumpdb"
    doc_purpose = "what is known of each step: a line of JSON each"

    def answer(self, workspace: Workspace, words: Sequence[str]) -> None:  # type: ignore[override]
        records = Memory(str(STATE), JSONCodec()).records
        say(msgspec.json.encode({"step": name, **msgspec.to_builtins(records[name])}).decode() for name in records)


# doit why


class Why(Command):
    """`doit why`: the status of a task, and the chain down to what it comes from."""

    name = "why"
    doc_purpose = "why tasks would run, down to what has changed; or from what they were made"
    doc_usage = "[TASK ...]"
    words = True

    def answer(self, workspace: Workspace, words: Sequence[str]) -> None:  # type: ignore[override]
        status = status_of(workspace)
        pipeline = status.pipeline
        names = selected(pipeline, words or ["dataset"])
        found = status.verdicts(names)
        say(line for name in names for line in why(name, found, status, time.time()))


SHOWN = 20
"""How many files are named that a task was made from."""


def why(name: str, found: Verdicts, status: Status, now: float) -> Iterator[str]:
    """Lines that say why a task would run, or from what it was made. now: in seconds since 1970."""
    if found[name].outlook == "up to date":
        yield from _up_to_date(name, status, now)
        return
    for link in chains(name, found):
        yield from _chain(link, found[link.task])


def _chain(link: Link, verdict: Verdict) -> Iterator[str]:
    indent = "  " * link.depth
    own = link.own.reasons if link.own else ()
    head = f"{indent}{link.task} {_stands(verdict)}"
    if len(own) == 1 and not link.goes_on:
        yield f"{head}: {own[0]}"
        return
    yield f"{head}{_joint(verdict, bool(own) or link.goes_on)}"
    yield from (f"{indent}  {text}" for text in own)


_WORDS = {"will run": "would run", "on demand": "runs whenever it is asked for", "ignored": "is ignored"}


def _stands(verdict: Verdict) -> str:
    if verdict.outlook in MOVES and verdict.fault:
        return "failed when it last ran, and would run again" if verdict.failed else "is failing"
    return _WORDS.get(verdict.outlook, verdict.outlook)


def _joint(verdict: Verdict, more: bool) -> str:
    """How a line goes on to the lines under it."""
    if verdict.outlook == "on demand":
        return ", and with it" if more else ""
    return ", because" if more else ", as `doit ignore` said"


def _up_to_date(name: str, status: Status, now: float) -> Iterator[str]:
    there = stock(name, status)
    if there is None:
        yield f"{name} is up to date"
        return
    amount = [text for text in (images(there.images), size(there.size)) if text]
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(there.made))
    yield f"{name} is up to date{''.join(f', {text}' for text in amount)}"
    yield f"  it last ran {age(now - there.made)}, at {when}, from"
    files = sorted({path for step in status.pipeline.closure([name]).values() for path in step.sources})
    yield from (f"    {path}" for path in files[:SHOWN])
    if len(files) > SHOWN:
        yield f"    and {len(files) - SHOWN:,} files more"
    settings = _settings(status.state.records.get(name, Record()).settings)
    if settings:
        yield f"    with {settings}"


def _settings(settings: Mapping[str, object]) -> str:
    """The settings that someone has set; versions and code have other names."""
    return ", ".join(f"{key} {value}" for key, value in settings.items() if key.isidentifier() and value)


# doit plan


class Plan(Command):
    """`doit plan`: what a run would run, in its order, and why; nothing is run."""

    name = "plan"
    doc_purpose = "what a run of these tasks would run, and why, without running it"
    doc_usage = "[TASK ...]"
    words = True
    options: ClassVar[Sequence[Option]] = (
        option("strict", "take what is unfinished for a fault, as `doit --strict` does", flag=True),
    )

    def answer(self, workspace: Workspace, words: Sequence[str], strict: bool) -> None:  # type: ignore[override]
        status = status_of(workspace, strict=strict)
        names = selected(status.pipeline, words or ["dataset"])
        steps = status.pipeline.closure(names)
        found = status.verdicts(names)
        made = [(name, *_planned(found[name], found)) for name in steps if found[name].outlook != "up to date"]
        limit = room(sys.stdout)
        say(cut(line.rstrip(), limit) for line in columns(made))
        rest = len(steps) - len(made)
        if not made:
            say([f"nothing to do: {rest:,} task{'s' * (rest != 1)} up to date"])
            return
        counts = Counter(outlook for _, outlook, _ in made)
        said = [f"{number:,} {outlook}" for outlook, number in counts.items()]
        say([", ".join([*said, f"{rest:,} up to date"])])


def _planned(verdict: Verdict, found: Verdicts) -> tuple[str, str]:
    """What a run would do, and why."""
    match verdict.outlook:
        case "may run":
            return "may run", f"if the output of {_some(verdict.causes)}"
        case "will fail":
            return "will fail", verdict.failed
        case "can't run":
            return "can't run", f"as {_failing(verdict, found)} will fail"
        case "ignored":
            return "ignored", "as `doit ignore` said"
    why = told(verdict.reasons) or "as you asked"
    return "will run", f"failed: {why}" if verdict.failed else why


def _failing(verdict: Verdict, found: Verdicts) -> str:
    """The step that will fail, and so keeps another from running."""
    name = verdict.causes[0]
    return name if found[name].failed else _failing(found[name], found)


_FEW = 2


def _some(names: Sequence[str]) -> str:
    """Some steps of which one is enough: the first of them, and how many more there are."""
    more = len(names) - _FEW
    return f"{', '.join(names[:_FEW])} or {more:,} more changes" if more > 0 else f"{' or '.join(names)} changes"
