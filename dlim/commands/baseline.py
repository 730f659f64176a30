"""`doit baseline`: the least that a weight has to do, on the shots."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec.structs import replace

from dlim import console, shots
from dlim.commands.base import Command
from dlim.errors import ConfigError, DlimError
from dlim.names import mapped
from dlim.projects import Project
from dlim.runs import scores
from dlim.runs.course import Course
from dlim.workspace import Workspace, has_master


class ShowBaseline(Command):
    """`doit baseline`, `doit baseline:ssd`: template matching with a learner's masters, judged on the shots."""

    name = "baseline"
    doc_purpose = "what plain template matching finds on the shots (baseline:LEARNER for one)"
    of = ""

    def answer(self, workspace: Workspace, words: Sequence[str]) -> None:  # type: ignore[override]
        names = self.require_of(list(workspace.config.learners), "learner")
        found = [shot for shot in shots.read(whole=True) if shot.labelled]
        if not any(shot.objects for shot in found):
            fault = "no shot shows an object" if found else "there is no labelled shot"
            remedy = "doit shots --from-folder DIR brings some in, and doit label draws their boxes"
            raise ConfigError(shots.SHOTS, fault, remedy)
        digest = shots.digest(found)
        for name in names:
            _judge(workspace, name, found, digest)


def _judge(workspace: Workspace, name: str, found: Sequence[shots.Shot], digest: str) -> None:
    shown, learner = console.current(), workspace.config.learners[name]
    projects, learned = _masters(workspace, name), _learned(workspace, name)
    key = scores.baseline_key(digest, projects, learner.labels, learned)
    kept = scores.baseline(name)
    if kept is None or kept.key != key:
        from dlim.runs import baseline

        made: list[baseline.Template] = []
        for project in projects:
            try:
                made += baseline.templates(project, learner.labels, workspace.config.settings.labelling_canvas)
            except DlimError as error:
                shown.line(f"{name}: {error}; not looked for")
        truth = baseline.truth(found, learner.labels, learned or {each.label for each in made})
        asked = {thing.label for things in truth.values() for thing in things}
        unasked = {mapped(thing.label, learner.labels) for shot in found for thing in shot.objects} - asked
        chosen = baseline.wanted(made, asked)
        if not chosen:
            shown.line(f"{name}: no shot shows what its masters are called")
            _say_unasked(name, unasked)
            return
        with shown.working(f"baseline:{name}"):

            def looked(number: int) -> None:
                shown.note(f"baseline:{name}", f"{number:,} of {len(found):,} shots")

            judged = baseline.judged(found, truth, chosen, digest, looked)
        lacking = tuple(sorted(asked - {each.label for each in made}))
        kept = scores.Baseline(key, len(chosen), lacking, judged, unasked=tuple(sorted(unasked)))
        scores.keep_baseline(name, kept)
    of = "one master" if kept.masters == 1 else f"{kept.masters:,} masters"
    without = f"; it has none of {scores.few(kept.lacking)}" if kept.lacking else ""
    shown.line(f"{name}: template matching with {of}{without}")
    for line in scores.told(kept.evaluation):
        shown.line(f"  {line}")
    _say_unasked(name, kept.unasked)


def _say_unasked(name: str, labels: Collection[str]) -> None:
    """Say which labels of shots a learner's figures leave out: nobody should take them for figures of all shots."""
    if labels:
        hint = f"[labels] in config/learners/{name}.toml can call a master's label so"
        console.current().line(f"{name}: {shots.unasked(labels)}; {hint}")


def known(workspace: Workspace, names: Iterable[str]) -> dict[str, scores.Baseline]:
    """The baselines that there are, each with whether masters or shots are others now."""
    kept = {name: least for name in names if (least := scores.baseline(name)) and name in workspace.config.learners}
    try:
        digest = shots.digest(shots.read()) if kept else ""
        return {name: replace(each, stale=each.key != _key(workspace, name, digest)) for name, each in kept.items()}
    except (DlimError, OSError):
        return {name: replace(each, stale=True) for name, each in kept.items()}


def _key(workspace: Workspace, name: str, digest: str) -> str:
    """Of all that decides a learner's baseline now. digest: of the shots."""
    labels = workspace.config.learners[name].labels
    return scores.baseline_key(digest, _masters(workspace, name), labels, _learned(workspace, name))


def _masters(workspace: Workspace, name: str) -> list[Project]:
    return [each for each in workspace.taken(name).values() if has_master(each)]


def _learned(workspace: Workspace, name: str) -> list[str]:
    """The labels of a learner's dataset; none before it is built, when masters' labels are all that is known."""
    try:
        return Course(workspace, name).labels()
    except OSError:
        return []
