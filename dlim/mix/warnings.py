"""What in a mix is worth a thought before it is learned from, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dlim.mix.account import LabelRow, Mix

RATIO = 5  # the line below says it as a fifth
"""So many times as many images are too many: a network learns to say the label that it sees most."""

NAMED = 5
"""How many names stand in a line, where there are more."""


def warnings(mix: Mix) -> Iterator[str]:
    """All of them, the gravest first."""
    for row in mix.projects:
        if row.state == "failing":
            yield f"can't be built: {row.why}"
    labels = [row for row in mix.labels if row.numbers.taken]
    yield from _unlearned(labels)
    yield from _uneven(labels)
    yield from _alone(labels)
    yield from mix.notes
    if mix.excluded:
        yield f"not in it, as config/learners/{mix.learner}.toml says: {some(mix.excluded)}"


def _unlearned(labels: Sequence[LabelRow]) -> Iterator[str]:
    """Labels that a network never sees, and those of which nobody learns how well it knows them."""
    for side, other, what in (("val", "train", "can't be learned"), ("train", "val", "are not measured")):
        names = [row.name for row in labels if getattr(row.numbers, side) and not getattr(row.numbers, other)]
        if names:
            yield f"in {side} alone, so that they {what}: {some(names)}"


def _uneven(labels: Sequence[LabelRow]) -> Iterator[str]:
    if not labels:
        return
    most = labels[0]
    small = [row for row in labels if row.numbers.taken * RATIO <= most.numbers.taken][::-1]
    if small:
        least = small[0]
        many = f"{len(small):,} labels have a fifth of that or less, {least.name}" if len(small) > 1 else least.name
        number = "a smaller number" if most.limit else "a number for it"
        yield (
            f"{most.name} has {most.numbers.taken:,} images; {many}{' only' if len(small) > 1 else ' has'} "
            f"{least.numbers.taken:,}; {number} under [limit.labels] evens that out"
        )


def _alone(labels: Sequence[LabelRow]) -> Iterator[str]:
    names = [row.name for row in labels if row.masters == 1 and row.numbers.taken > 1]
    if names:
        yield f"of one master, so that val shows nothing that train doesn't: {some(names)}"


def some(names: Sequence[str]) -> str:
    """Names in a line: all, or the first few."""
    rest = len(names) - NAMED
    return ", ".join(names) if rest < 2 else f"{', '.join(names[:NAMED])} and {rest:,} more"
