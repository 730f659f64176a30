"""A mix as a person reads it before a run: its projects, its labels, and what in it is worth a thought, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from dlim.console import table, width
from dlim.mix.account import LabelRow, Mix, Numbers, ProjectRow

COLUMNS = 92
"""How long a line may be where nobody says how much room there is."""

LABELS = 24
"""Columns that a project's labels may fill; where they don't fit, they are counted."""

BAR = 10
"""Columns of the longest bar."""

BLOCKS = " ▏▎▍▌▋▊▉█"
"""A column of a bar, filled by eighths."""

STATES = {"built": "", "outdated": "to be built anew", "failing": "fails", "missing": "not built yet"}

PROJECT = ("project", "label", "images", "limit", "taken", "train", "val", "share", "", "")
LABEL = ("label", "projects", "images", "limit", "taken", "train", "val", "share", "")
WORDS = {"project", "label", ""}
"""The heads of columns that hold words; all others hold numbers, which stand to the right."""


SPARE = (8, 7, 1)
"""The columns of either table that are left out first where there is no room for all: bar, share, the second one."""


def lines(mix: Mix, *, blocks: bool = True, room: int | None = None) -> Iterator[str]:
    """A mix in lines. blocks: whether a bar may consist of what ASCII hasn't. room: the columns of a line."""
    yield f"{mix.learner}: {_headline(mix)}"
    yield ""
    narrow = any(row.limit or row.narrowed for row in mix.projects) or any(row.limit for row in mix.labels)
    most = max((row.numbers.taken for row in mix.projects), default=0)
    rows = [_project(row, mix, _Bar(most, blocks), narrow) for row in mix.projects]
    yield from table(PROJECT, rows, _right(PROJECT), room=room, spare=SPARE)
    if mix.labels:
        yield ""
        yield from table(LABEL, list(_labels(mix, blocks, narrow)), _right(LABEL), room=room, spare=SPARE)
    thoughts = list(warnings(mix))
    if thoughts:
        yield ""
        for line in thoughts:
            yield from wrap(
                f"- {line}",
                min(COLUMNS, room or COLUMNS),
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )


def has_blocks(encoding: str | None) -> bool:
    """Whether a stream of an encoding can show bars of blocks."""
    try:
        BLOCKS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _headline(mix: Mix) -> str:
    count = len(mix.projects)
    if not count:
        return "takes no project yet; doit new NAME --image crop.png begins one"
    missing = sum(not row.there for row in mix.projects)
    if missing == count:
        return f"none of its {count:,} projects is built yet" if count > 1 else "its project is not built yet"
    total = mix.total
    of_all = f" of {total.images:,}" if total.taken < total.images else ""
    parts = [f"{total.taken:,}{of_all} images, {total.train:,} train and {total.val:,} val"]
    if missing:
        parts.append(f"{missing:,} of {count:,} projects not built yet")
    former = sum(row.state != "built" and row.there for row in mix.projects)
    if former:
        parts.append(f"{former:,} shown as last built")
    return "; ".join(parts)


class _Bar:
    """Bars for numbers up to the most."""

    def __init__(self, most: int, blocks: bool) -> None:
        self.most = most
        self.blocks = blocks

    def __call__(self, count: int) -> str:
        if not self.most:
            return ""
        if not self.blocks:
            return "#" * max(1 if count else 0, round(BAR * count / self.most))
        full, rest = divmod(max(1 if count else 0, round(8 * BAR * count / self.most)), 8)
        return BLOCKS[8] * full + BLOCKS[rest].strip()


def _project(row: ProjectRow, mix: Mix, bar: _Bar, narrow: bool) -> list[str]:
    joined = ", ".join(row.labels)
    label = joined if width(joined) <= LABELS or len(row.labels) == 1 else f"{len(row.labels):,} labels"
    limits = [*([f"{row.limit:,}"] if row.limit else []), *row.narrowed[:1]]
    if not row.there:
        return [row.name, label, "", ", ".join(limits), "", "", "", "", "", STATES[row.state]]
    cells = _numbers(row.numbers, ", ".join(limits), narrow)
    return [row.name, label, *cells, f"{mix.share(row):.1%}", bar(row.numbers.taken), STATES[row.state]]


def _numbers(numbers: Numbers, limit: str, narrow: bool) -> list[str]:
    taken = f"{numbers.taken:,}" if narrow else ""
    return [f"{numbers.images:,}", limit, taken, f"{numbers.train:,}", f"{numbers.val:,}"]


def _labels(mix: Mix, blocks: bool, narrow: bool) -> Iterator[list[str]]:
    most = mix.labels[0].numbers.taken
    shown = mix.labels[: alone([row.numbers.taken for row in mix.labels])]
    bar = _Bar(most, blocks)
    for row in shown:
        yield _label(row, mix, bar, narrow)
    rest = mix.labels[len(shown) :]
    if rest:
        together = Numbers()
        for row in rest:
            together = together.plus(row.numbers)
        yield [f"{len(rest):,} more", "", *_numbers(together, "", narrow), "", _each(rest)]


def _label(row: LabelRow, mix: Mix, bar: _Bar, narrow: bool) -> list[str]:
    cells = _numbers(row.numbers, f"{row.limit:,}" if row.limit else "", narrow)
    return [row.name, f"{row.projects:,}", *cells, f"{mix.share(row):.1%}", bar(row.numbers.taken)]


def _each(rows: Sequence[LabelRow]) -> str:
    most, least = rows[0].numbers.taken, rows[-1].numbers.taken
    return f"{least:,} each" if least == most else f"{least:,} to {most:,} each"


def _right(heads: Sequence[str]) -> list[int]:
    """The columns that hold numbers."""
    return [number for number, head in enumerate(heads) if head not in WORDS]


# few rows of many

SHOWN = 12
"""How many rows stand by themselves at most, where there are more: a character a label makes a thousand of them."""

LEAST = 0.02
"""What part of the largest row's images a row has that stands by itself, where there are many."""


def alone(images: Sequence[int]) -> int:
    """How many rows stand by themselves, of rows with so many images each, the largest first."""
    # a single one in place of the others would take their row and say less
    if len(images) <= SHOWN + 1:
        return len(images)
    return sum(count >= images[0] * LEAST for count in images[:SHOWN])


# what is worth a thought

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
