"""A mix as a person reads it before a run: its projects, its labels, and what to think of it, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from dlim.mix.account import LabelRow, Mix, Numbers, ProjectRow
from dlim.mix.few import alone
from dlim.mix.warnings import warnings
from dlim.text import table, width

COLUMNS = 92
"""How long a line of words may be before it is broken."""

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


def lines(mix: Mix, *, blocks: bool = True) -> Iterator[str]:
    """A mix in lines of about 90 columns. blocks: whether a bar may consist of what ASCII hasn't."""
    yield f"{mix.learner}: {_headline(mix)}"
    yield ""
    narrow = any(row.limit or row.narrowed for row in mix.projects) or any(row.limit for row in mix.labels)
    most = max((row.numbers.taken for row in mix.projects), default=0)
    yield from table(PROJECT, [_project(row, mix, _Bar(most, blocks), narrow) for row in mix.projects], _right(PROJECT))
    if mix.labels:
        yield ""
        yield from table(LABEL, list(_labels(mix, blocks, narrow)), _right(LABEL))
    thoughts = list(warnings(mix))
    if thoughts:
        yield ""
        for line in thoughts:
            yield from wrap(
                f"- {line}", COLUMNS, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
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
