"""Names, patterns and words: what matches what, and which right word is near to a wrong one."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from dlim.errors import ConfigError

NEAR = 2 / 3
"""The part of the longer of two words that the other one must have too, in the same order, to be near it."""

LONG = 200
"""Characters of a line's part: beyond that, words aren't listed but counted, and a single one isn't compared."""


def near(word: str, words: Iterable[str]) -> str | None:
    """The right word that a wrong one may stand for; None where none is near. Case doesn't count."""
    wrong = word.lower()
    found = [(_likeness(wrong, each.lower()), each) for each in sorted(set(words))]
    likeness, best = max(found, key=lambda pair: pair[0], default=(0.0, ""))
    return best if likeness >= NEAR else None


def _likeness(one: str, other: str) -> float:
    """How much of the longer word both have, 0 to 1; of a task's name or a path, in the part that differs most."""
    longer = max(len(one), len(other))
    if one == other or longer > LONG:
        return float(one == other)
    # letters are compared in their order only where there are enough of them: there may be thousands of words
    if min(len(one), len(other)) < NEAR * longer or (Counter(one) & Counter(other)).total() < NEAR * longer:
        return 0.0
    for mark in (":", "/"):
        parts = one.split(mark), other.split(mark)
        if len(parts[0]) == len(parts[1]) > 1:
            return min(map(_likeness, *parts))
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / longer


def nearest(word: str, words: Iterable[str]) -> str:
    """The way out after a wrong word: the nearest right one, or all there are, or how many where those are many."""
    words = sorted(set(words))
    best = near(word, words)
    if best is not None:
        return f'did you mean "{best}"?'
    if not words:
        return "there is none to choose from"
    remedy = "say one of: " + ", ".join(words)
    return remedy if len(remedy) <= LONG else f"there are {len(words):,}, and none is like it"


def one_of(place: object, key: str, value: str, choices: Iterable[str]) -> None:
    """Raise ConfigError, with the nearest right word, unless the value is one of the choices."""
    choices = list(choices)
    if value not in choices:
        raise ConfigError(place, f'{key}: "{value}" is unknown', nearest(value, choices))


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name is one of some names and patterns (* and ?)."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def mapped(label: str, labels: Mapping[str, str]) -> str:
    """What a label map makes of a label: its own entry, else the first pattern's, else itself."""
    if label in labels:
        return labels[label]
    return next((to for source, to in labels.items() if fnmatchcase(label, source)), label)


def strangers(entries: Iterable[str], names: Iterable[str], what: str) -> Iterator[str]:
    """What is to be said of entries that are the name of nothing so far, a line each; a pattern may match nothing.

    what: a word for what names are. It is no fault: the entry may be meant for what is yet to come.
    """
    known = set(names)
    for entry in entries:
        if entry not in known and not set("*?[") & set(entry):
            best = near(entry, known)
            yield f'"{entry}" matches no {what} so far' + (f'; did you mean "{best}"?' if best is not None else "")
