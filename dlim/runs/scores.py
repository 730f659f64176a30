"""How well a weight does, in words: on shots, on val, and beside another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import msgspec

from dlim import store
from dlim.console import counted, table
from dlim.projects import Project
from dlim.runs import outputs
from dlim.runs.outputs import Output, Trace
from dlim.runs.record import Dataset, Figures, Judged, Learned, Part, Record, write
from dlim.workspace import INTERNAL

LABEL_HEADS = ("label", "AP50", "AP50:95", "objects", "found", "false a shot")
"""What stands over figures by label."""

NUMBERS = (1, 2, 3, 4, 5)
"""The columns of numbers among them."""


def points(share: float | None) -> str:
    """An average precision as people say it, of 100; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f}"


def figures(judged: Judged) -> Iterator[tuple[str, str]]:
    """The figures of all labels together, each with its name."""
    total = judged.total
    yield "AP50", points(total.ap50)
    yield "AP50:95", points(total.ap)
    recall = "" if total.recall is None else f" ({100 * total.recall:.0f} %)"
    yield "found", f"{total.found:,} of {total.objects:,}{recall}"
    yield "false finds a shot", f"{total.false:.2f}"
    yield "score used", f"{judged.score:.2f}"


def told(judged: Judged) -> Iterator[str]:
    """An evaluation, the worst label first."""
    shots = judged.shots
    yield f"judged on {counted(shots.count, 'shot')} ({shots.digest[:12]}): " + ", ".join(
        f"{name} {value}" for name, value in figures(judged)
    )
    rows = [row(label, one) for label, one in worst_first(judged.labels)]
    yield from (f"  {line}" for line in table(LABEL_HEADS, rows, NUMBERS))
    yield from (f"  {line}" for line in confusions(judged))


def row(label: str, one: Figures) -> tuple[str, ...]:
    """A label's figures as a row."""
    return label, points(one.ap50), points(one.ap), f"{one.objects:,}", f"{one.found:,}", f"{one.false:.2f}"


def worst_first(labels: Mapping[str, Figures]) -> list[tuple[str, Figures]]:
    """Labels by their average precision; those that no shot shows last, most false finds first."""
    return sorted(labels.items(), key=lambda item: (item[1].ap50 is None, item[1].ap50 or 0.0, -item[1].false, item[0]))


def confusions(judged: Judged) -> list[str]:
    """Which labels are taken for which, most often first."""
    most = sorted(judged.confused, key=lambda each: (-each[2], each))
    return [f"{one} is taken for {other} {times(count)}" for one, other, count in most]


def times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


VAL = "it shows variations of masters they were trained on, and no real screen"


def of_val(learned: Learned) -> str:
    """What the numbers of val are worth."""
    settings = learned.origin.settings.get("workspace", {})
    if settings.get("split", {}).get("by") == "master":
        return "it shows variations of other masters of a label, where that has several, and no real screen"
    return "it shows variations of masters it was trained on, and no real screen"


# the least that a weight has to do


class Baseline(Part, frozen=True):
    """What template matching found, as `doit baseline` keeps it.

    key: of all that decided it. masters: how many objects of masters were looked for. lacking: the labels that are
    asked for and no master has. stale: whether masters or shots are others now; in no file. unasked: the labels on
    shots that the learner doesn't learn.
    """

    key: str
    masters: int
    lacking: tuple[str, ...]
    evaluation: Judged
    stale: bool = False
    unasked: tuple[str, ...] = ()


def baseline_key(shots: str, projects: Iterable[Project], labels: Mapping[str, str], learned: Iterable[str]) -> str:
    """Of all that decides a baseline: the shots' digest, masters with their boxes and masks, labels, the code."""
    code = Path(__file__).with_name("baseline.py").read_bytes()
    made = hashlib.sha256(shots.encode() + code + repr((sorted(labels.items()), sorted(learned))).encode())
    for project in projects:
        made.update(repr((project.name, project.settings)).encode())
        for file in (project.image, project.boxes, project.mask):
            made.update(store.sha256(file).encode() if file.is_file() else b"-")
    return made.hexdigest()


def baseline_path(learner: str) -> Path:
    """Where a learner's baseline is kept."""
    return INTERNAL / "baseline" / f"{learner}.json"


def baseline(learner: str) -> Baseline | None:
    """A learner's baseline; None where there is none that can be read."""
    try:
        return msgspec.json.decode(baseline_path(learner).read_bytes(), type=Baseline)
    except (OSError, *store.UNREADABLE):
        return None


def keep_baseline(learner: str, found: Baseline) -> None:
    path = baseline_path(learner)
    path.parent.mkdir(parents=True, exist_ok=True)
    store.write_file(path, lambda making: making.write_bytes(write(found)))


def beside_baseline(learner: str, judged: Judged, kept: Baseline | None) -> str:
    """A weight beside what template matching finds on the same shots."""
    if kept is None:
        return f"doit baseline:{learner} tells what plain template matching finds on them"
    if kept.evaluation.shots.digest != judged.shots.digest:
        return f"template matching was judged on other shots; doit baseline:{learner} judges it on those of now"
    less = "; this weight does worse" if loses(judged, kept) else ""
    stale = f"; masters or shots have changed since, doit baseline:{learner} judges it anew" if kept.stale else ""
    return f"template matching on the same shots: AP50 {points(kept.evaluation.total.ap50)}{less}{stale}"


def loses(judged: Judged, kept: Baseline | None) -> bool:
    """Whether a weight does worse than template matching on the same shots."""
    if kept is None or kept.evaluation.shots.digest != judged.shots.digest:
        return False
    one, two = judged.total.ap50, kept.evaluation.total.ap50
    return one is not None and two is not None and one < two


# two of one learner


@dataclass(frozen=True)
class Versus:
    """A weight beside the one in service.

    worse: whether it does worse on the same shots. told: in words. unjudged: what to do, where it wasn't judged though
    it was to be, and the one in service was.
    """

    worse: bool
    told: str
    unjudged: str = ""


@dataclass(frozen=True)
class Unjudged:
    """A weight that was to be judged, as its learner has a predict, and wasn't: why, and what to do about it."""

    why: str
    way: str


def versus(new: Judged | Unjudged | str, other: str, old: Judged | str) -> Versus:
    """A weight beside another one, as each was judged or, in words, why it wasn't. other: how that one is called."""
    if isinstance(new, Unjudged):
        if isinstance(old, Judged):
            told = f"not judged on shots ({new.why}), and AP50 {points(old.total.ap50)} of {other}"
            return Versus(worse=True, told=told, unjudged=new.way)
        new = f"not judged on shots ({new.why})"
    if isinstance(new, str) or isinstance(old, str):
        return Versus(worse=False, told=f"not compared with {other}: {new if isinstance(new, str) else old}")
    if new.shots.digest != old.shots.digest:
        shots = (
            f"{old.shots.count:,} then, {new.shots.count:,} now" if new.shots.count != old.shots.count else "changed"
        )
        return Versus(worse=False, told=f"not compared with {other}: the shots are others ({shots})")
    asked = [{label for label, one in each.labels.items() if one.ap50 is not None} for each in (new, old)]
    both = asked[0] & asked[1]  # one that learns another label besides isn't worse for it
    if not both:
        return Versus(worse=False, told=f"not compared with {other}: no shot shows an object that both learn")
    one, two = (points(mean(each.labels[label].ap50 or 0 for label in both)) for each in (new, old))
    of = "" if asked[0] == asked[1] else f", of {', '.join(sorted(both))}"
    # by what is told: nobody should be refused for 74.0 where 74.0 is in service
    return Versus(float(one) < float(two), f"AP50 {one} on {counted(new.shots.count, 'shot')}{of}, {two} of {other}")


def difference(one: Output, two: Output) -> Iterator[str]:
    """What differs between two outputs, from the first to the second: by learner, on shots, on val, and why."""
    first, second = one.record, two.record
    for name in dict.fromkeys([*first.learners, *second.learners]):
        if name not in first.learners or name not in second.learners:
            yield f"{name}: in {one.name if name in first.learners else two.name} alone"
            continue
        yield name
        yield from (f"  {line}" for line in _differs(one.name, first, two.name, second, name))


def _differs(first: str, one: Record, second: str, two: Record, name: str) -> Iterator[str]:
    before, after = one.learners[name], two.learners[name]
    yield from _on_shots(first, before.evaluation, second, after.evaluation)
    yield from _on_val(before, after)
    yield f"dataset: {dataset_differs(after.origin.dataset, before.origin.dataset)}"
    origin = after.origin
    yield from outputs.changed(Trace(one, name, ""), origin.projects, origin.settings, origin.program)
    yield from _made_by(before.origin.makers, after.origin.makers)


def _on_shots(first: str, one: Judged | None, second: str, two: Judged | None) -> Iterator[str]:
    if one is not None and two is not None and one.shots.digest == two.shots.digest:
        yield from _on_same_shots(first, one, second, two)
        return
    lacking = [name for name, each in ((first, one), (second, two)) if each is None]
    if lacking:
        yield f"shots: {' and '.join(lacking)} {'was' if len(lacking) == 1 else 'were'} not judged on shots"
    else:
        yield "shots differ, so these figures can't be compared:"
    yield from (f"  {name} {next(told(each))}" for name, each in ((first, one), (second, two)) if each is not None)


def _on_same_shots(first: str, one: Judged, second: str, two: Judged) -> Iterator[str]:
    yield f"on the same {counted(one.shots.count, 'shot')} ({one.shots.digest[:12]}):"
    less = two.total.false - one.total.false
    rows = [
        ("AP50", *_pair(one.total.ap50, two.total.ap50)),
        ("AP50:95", *_pair(one.total.ap, two.total.ap)),
        (f"found of {two.total.objects:,}", *_whole(one.total.found, two.total.found)),
        ("false a shot", f"{one.total.false:.2f}", f"{two.total.false:.2f}", f"{less:+.2f}"),
    ]
    known = {label for each in (one, two) for label, found in each.labels.items() if found.ap50 is not None}
    same = {label for label in known if points(_ap50(one, label)) == points(_ap50(two, label))}
    labels = sorted(known - same, key=lambda label: (_change(one, two, label), label))
    rows += [(f"AP50 of {label}", *_pair(_ap50(one, label), _ap50(two, label))) for label in labels]
    yield from (f"  {line}" for line in table(("", first, second, "change"), rows, (1, 2, 3)))
    if same:
        yield f"  AP50 of {f'{len(same):,} labels' if len(same) > 1 else 'one label'} is the same"


def _ap50(judged: Judged, label: str) -> float | None:
    return judged.labels[label].ap50 if label in judged.labels else None


def _change(one: Judged, two: Judged, label: str) -> float:
    return (_ap50(two, label) or 0.0) - (_ap50(one, label) or 0.0)


def _pair(one: float | None, two: float | None) -> tuple[str, str, str]:
    change = "" if one is None or two is None else f"{100 * (two - one):+.1f}"
    return points(one), points(two), change


def _whole(one: int, two: int) -> tuple[str, str, str]:
    return f"{one:,}", f"{two:,}", f"{two - one:+,}"


def _on_val(before: Learned, after: Learned) -> Iterator[str]:
    same = before.origin.dataset.archive.sha256 == after.origin.dataset.archive.sha256
    names = dict.fromkeys([*before.metrics, *after.metrics, *before.details, *after.details])
    if not names:
        return
    yield (
        f"on the same val ({of_val(after)}):"
        if same
        else f"val differs with the dataset, so these numbers can't be compared ({of_val(after)}):"
    )
    one, two = {**before.metrics, **before.details}, {**after.metrics, **after.details}
    differing = [name for name in names if _number(one.get(name)) != _number(two.get(name))]
    for name in differing:
        change = f" ({two[name] - one[name]:+.4g})" if same and name in one and name in two else ""
        yield f"  {name} {_number(one.get(name))}, then {_number(two.get(name))}{change}"
    rest = len(names) - len(differing)
    if rest:
        yield f"  {f'{rest:,} numbers are' if rest > 1 else 'one number is'} the same, to four digits"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _made_by(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """What made the two: versions, and of dlim's own code the stages whose code differs."""
    own = "dlim's own code of "
    differing = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    for name in differing:
        if not name.startswith(own):
            yield f"{name}: was {before.get(name, 'not there')}, is {after.get(name, 'not there')}"
    stages = [name.removeprefix(own) for name in differing if name.startswith(own)]
    if stages:
        yield f"dlim's own code differs: {few(stages)}"


def dataset_differs(now: Dataset, then: Dataset) -> str:
    """How a dataset differs from the one before: by its projects' shards, and how many images."""
    if now.archive.sha256 == then.archive.sha256:
        return "the same as before"
    changed = [name for name in now.shards if name in then.shards and now.shards[name] != then.shards[name]]
    parts = (
        ("new", sorted(now.shards.keys() - then.shards.keys())),
        ("gone", sorted(then.shards.keys() - now.shards.keys())),
        ("changed", sorted(changed)),
    )
    images = now.train + now.val - then.train - then.val
    words = [f"{images:+,} images"] if images else []
    words += [f"{what}: {few(names)}" for what, names in parts if names]
    return "; ".join(words) or "another split"


def few(names: Sequence[str]) -> str:
    """Names in a line: all, or the first few."""
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3:,} more"
