"""What a learner's log tells in numbers: names with values, by epoch or by step, as common programs print them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

LONGEST = 1 << 20
"""Bytes of a log that are read, from its end: a progress bar can make it endless."""

WIDEST = 500
"""Signs of a line that are looked at."""

ENDED = "== "
"""How the line begins that dlim writes into a log behind the learning, before the test and the archive."""


class Series(NamedTuple):
    """The values of one name. by: what they are counted by, epoch or step. points: (number, value), in order."""

    name: str
    by: str
    points: tuple[tuple[int, float], ...]


_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|nan|inf(?:inity)?)"

_WORD = r"(?!(?:nan|inf|infinity)\b)[a-z_](?:[\w@/.-]*[\w@])?"

_PLACE = re.compile(r"\b(epoch|iter(?:ation)?|step)s?\b[\"']?\s*[:=#]?\s*[\[(]?\s*(\d{1,9})\b", re.IGNORECASE)
"""Where a line stands: `epoch 3/20`, `Epoch [3/20]`, `Epoch: [3][ 10/100]`, `iter 10 ||`, `"step": 5`."""

_PAIR = re.compile(
    rf"(?<![\w./@-])({_WORD}(?: {_WORD}){{0,2}})[\"']?(?:\s*[:=]\s*|\s+)({_NUMBER})(?![\w.:/])", re.IGNORECASE
)
"""A name of up to three words, and its value: `loss 0.41`, `val_loss=0.5`, `"acc": 0.9`, `Top-1 accuracy: 87.1`."""

_PHASE = re.compile(r"\W*(train|training|val|valid|validation|eval|test)\b", re.IGNORECASE)
"""How a line begins whose values are all of one part of the dataset: `val Loss: 0.3 Acc: 0.9`."""

_PARTED = re.compile(r"train|val|test", re.IGNORECASE)

_NO_METRIC = re.compile(
    r"(?:^|[\W_])(?:epochs?|iter(?:ation)?s?|steps?|batch(?:es)?|size|time|timer|eta|elapsed|took|sec(?:onds)?|s|ms|it|"
    r"lr|rate|images?|img|boxes|samples?|labels?|seed|data|gpu|cuda|mem(?:ory)?|params?|best|of|after|version|workers?"
    r")(?:$|[\W_])",
    re.IGNORECASE,
)
"""Words in a name that say that its value isn't how well something was learned."""

_SIGNS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x09\x0b-\x1f\x7f]")
"""What moves a terminal's cursor and changes its colours, and what can't be printed."""


def series(text: str) -> tuple[Series, ...]:
    """The metrics in a log, in the order of their first values; of several at one place the last counts.

    A name with a value at one place only is none.
    """
    found: dict[tuple[str, str], dict[int, float]] = {}
    for by, place, name, value in _values(text):
        found.setdefault((name, by), {})[place] = value
    return tuple(
        Series(name, by, tuple(sorted(points.items()))) for (name, by), points in found.items() if len(points) > 1
    )


def _values(text: str) -> Iterator[tuple[str, int, str, float]]:
    by, place = "", 0
    for line in lines(text):
        if line.startswith(ENDED):
            return
        found = sorted(_PLACE.findall(line), key=lambda each: each[0].lower() != "epoch")
        if found:
            by, place = "epoch" if found[0][0].lower() == "epoch" else "step", int(found[0][1])
        if by:
            phase = _PHASE.match(line)
            for name, value in _PAIR.findall(line):
                if not _NO_METRIC.search(name):
                    yield by, place, _named(name, phase[1] if phase else ""), float(value)


def _named(name: str, phase: str) -> str:
    """A name in small letters, with the part of the dataset that its line is about."""
    words = " ".join(name.split())
    return (f"{phase} {words}" if phase and not _PARTED.search(words) else words).lower()


def lines(text: str) -> list[str]:
    """A log's lines as they were to be read: a redrawn line is one of its own, and nothing moves a cursor."""
    return [_SIGNS.sub("", line)[:WIDEST].rstrip() for line in re.split(r"[\r\n]+", text)]


def end(text: str, count: int) -> tuple[str, ...]:
    """The last lines of a log that say something."""
    return tuple([line for line in lines(text[-count * 4096 :]) if line.strip()][-count:])


def read(path: Path) -> str:
    """The end of a log; empty where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LONGEST))
            return file.read(LONGEST).decode(errors="replace")
    except OSError:
        return ""


LOSS, SCORE = "loss", "score"

_LOSS = re.compile(r"loss|err", re.IGNORECASE)
_SCORE = re.compile(r"acc|map|\bap|prec|recall|f1|iou|score|auc|top|dice", re.IGNORECASE)


def kind(name: str) -> str:
    """Whether a metric is a loss, which is to fall, or a score, which is to rise; empty where its name doesn't say."""
    return LOSS if _LOSS.search(name) else SCORE if _SCORE.search(name) else ""


def panels(found: Iterable[Series]) -> list[tuple[Series, ...]]:
    """The metrics that can share an axis: losses, scores, and what is neither by itself."""
    groups: dict[tuple[str, str], list[Series]] = {}
    for each in found:
        sort = kind(each.name)
        groups.setdefault((sort or each.name, each.by), []).append(each)
    return [tuple(groups[key]) for key in sorted(groups, key=lambda key: (key[0] != LOSS, key[0] != SCORE))]


def is_number(value: float) -> bool:
    """Whether a value can be drawn: neither nan nor inf, nor on its way there."""
    return abs(value) < 1e30  # nan is less than nothing


def troubles(found: Iterable[Series]) -> list[str]:
    """Metrics that came to be no numbers, and where they did first."""
    bad = [(each, next((place for place, value in each.points if not is_number(value)), None)) for each in found]
    return [f"{each.name} is no number at {each.by} {place}" for each, place in bad if place is not None]
