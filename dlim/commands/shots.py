"""`doit shots`: the screenshots by which weights are judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from dlim import console, shots
from dlim.commands.base import Command, Option, option
from dlim.errors import ConfigError, DlimError
from dlim.formats import voc
from dlim.geometry import canvas_name
from dlim.names import mapped, nearest
from dlim.shots import SHOTS, Shot
from dlim.workspace import DATA_SET, Workspace


class Shots(Command):
    """`doit shots`: what there is, what is labelled, and what is wrong; --from-folder brings pictures in."""

    name = "shots"
    doc_purpose = "the screenshots by which weights are judged; label:shots draws their boxes"
    options: ClassVar[Sequence[Option]] = (
        option("from_folder", "make a shot of each picture in that folder, with the .xml beside it")
        | {"default": None},
    )

    def answer(self, workspace: Workspace, words: Sequence[str], *, from_folder: str | None) -> int:  # type: ignore[override]
        line = console.current().line
        if from_folder is not None:
            return _bring(from_folder)
        found = list(shots.each(whole=True))
        if not found:
            line(f"there is no shot in {SHOTS}/; doit shots --from-folder DIR brings screenshots in")
            return 0
        whole = [one for one in found if isinstance(one, Shot)]
        faults = [str(one) for one in found if isinstance(one, DlimError)]
        listed = console.table(("shot", "size", "", "shows"), [_row(one) for one in whole])
        for text in (*listed, *faults, *_notes(workspace, whole), _summary(whole, len(faults))):
            line(text)
        return 3 if faults else 0


_PREDICTING = "docs/how-to/sample-learners.md has learners that predict"


def _bring(source: str) -> int:
    if not source:
        raise ConfigError("--from-folder", "names no folder", "doit shots --from-folder DIR")
    line = console.current().line
    count: Counter[tuple[str, bool]] = Counter()
    for done in shots.bring(Path(source)):
        line(done.line)
        count[done.how, done.labelled] += 1
    parts = []
    for how, labelled in (("brought in", "labelled"), ("there already", "labelled now"), ("left out", "")):
        some = count[how, True]
        parts.append(f"{some + count[how, False]:,} {how}" + (f" ({some:,} {labelled})" if some else ""))
    line(", ".join(parts))
    return 3 if count["left out", False] else 0


def _row(shot: Shot) -> tuple[str, ...]:
    said = _counted(thing.label for thing in shot.objects) or "nothing on it"
    return shot.image.name, canvas_name(shot.size), "labelled" if shot.labelled else "open", said * shot.labelled


def _counted(labels: Iterator[str]) -> str:
    return ", ".join(f"{count} {label}" for label, count in sorted(Counter(labels).items()))


def _summary(found: Sequence[Shot], faults: int) -> str:
    labelled = [one for one in found if one.labelled]
    labels = _counted(thing.label for one in labelled for thing in one.objects)
    parts = [f"{len(labelled)} labelled" + (f" ({labels})" if labels else ""), f"{len(found) - len(labelled)} open"]
    if len(labelled) < len(found):
        parts[-1] += ": doit label:shots draws the next one's boxes"
    return ", ".join(parts) + (f"; {faults} can't be used" if faults else "")


def _notes(workspace: Workspace, found: Sequence[Shot]) -> Iterator[str]:
    """What keeps shots from judging anything, a line each."""
    from dlim.labelling import label

    learners = workspace.config.learners
    if not any(learner.learning.predict for learner in learners.values()):
        yield "no learner is judged by them: none has learning.predict in its file; " + _PREDICTING
    known = set(label.known(project for _, project in workspace.everything()))
    for name, learner in learners.items():
        known |= {mapped(each, learner.labels) for each in known} | set(learner.labels.values())
        with suppress(OSError):  # what generators draw is known when the dataset is built
            known |= set((DATA_SET / name / voc.CLASSES).read_text(encoding="utf-8").split())
    showing: dict[str, list[str]] = {}
    for one in found:
        for strange in sorted({thing.label for thing in one.objects} - known):
            showing.setdefault(strange, []).append(str(one.annotation))
    for strange, files in sorted(showing.items()):
        more = f" and {len(files) - 1} more" * (len(files) > 1)
        yield f'{files[0]}{more}: no project has the label "{strange}"; {nearest(strange, known)}'
