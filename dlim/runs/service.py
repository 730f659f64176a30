"""Outputs in service: deploying and undeploying, of all learners together, as one change."""

from __future__ import annotations

import fcntl
import io
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from dlim import archive, console, store
from dlim.errors import DeploymentError, DlimError, OutputError, Unreachable, shown
from dlim.names import matches, nearest
from dlim.runs import deploy as deployment
from dlim.runs import outputs, record, scores, weights
from dlim.runs.course import Course, ship_to
from dlim.runs.deploy import Overtaken, Unfed
from dlim.runs.history import DEPLOY, EMPTY, UNDEPLOY, Deployed, Held
from dlim.runs.outputs import Output
from dlim.runs.place import Place
from dlim.runs.record import Judged, Part, Record
from dlim.runs.ship import ship
from dlim.runs.shipment import Shipment, placed
from dlim.runs.weights import Weight
from dlim.workspace import INTERNAL, Workspace

_CHANGE = INTERNAL / "change.json"


class Change(Part, frozen=True):
    """A deployment or an undeployment that has begun.

    id: what servers know it by. learners: those that it changes. forced: whether weights go that do worse.
    """

    id: str
    action: str
    output: str
    weight: str
    learners: tuple[str, ...]
    forced: bool = False

    @property
    def asked(self) -> tuple[object, ...]:
        """What the command said."""
        return self.action, self.output, self.weight, self.learners, self.forced

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"the deployment of {self.output}" if self.action == DEPLOY else "the undeployment"


@dataclass(frozen=True)
class Chosen:
    """A learner's weight that is to go into service.

    over: what it takes the place of. worse: whether it does worse than that, or may, as it wasn't judged and that was.
    forced: in what, or in what it did as it went there. unjudged: what to do about it, where it wasn't judged.
    """

    weight: Weight
    over: Held
    worse: bool = False
    forced: str = ""
    unjudged: str = ""


def put(
    workspace: Workspace,
    output: Output,
    learners: Sequence[str],
    *,
    path: str = "",
    dataset: bool = False,
    force: bool = False,
) -> None:
    """Put an output's weights into service for learners: for all of them, or for none.

    path: of a weight in the archive, instead of the newest. dataset: the learners read what it was learned from, too.
    force: also those that do worse on the same shots than the ones in service, or weren't judged though they were to
    be. What an interrupted change left
    half-done is brought to its end first, or undone. Raises DeploymentError where one does worse.
    """
    with _alone():
        pending = _pending()
        wanted = Change(deployment.change(), DEPLOY, output.name, path, tuple(learners), force)
        if pending and pending.asked == wanted.asked:
            _say(f"{pending.title} was interrupted; it goes on")
            wanted = pending
        elif pending:
            _settle(workspace, pending)
        found = {
            name: _weight(output, name, workspace.config.learners[name].learning.weights, path) for name in learners
        }
        try:
            chosen = _gate(workspace, output, found, force=force)
        except DeploymentError:
            if wanted is pending:
                _settle(workspace, pending)
            raise
        _write(wanted)
        done: list[str] = []
        for name in learners:
            course = Course(workspace, name)
            try:
                with course.serving() as place:
                    if dataset:
                        with _dataset(output, name) as shipment:
                            ship_to(place, course, shipment)
                    _put(place, course, output, chosen[name], wanted)
                where = f"{place.transport.address}: {course.learner.service.weight}"
                _say(f"{name}: {found[name].path} of {output.name} is in service: {where}")
                done.append(name)
            except Unreachable as error:
                if not done:
                    raise
                way = f"the same command goes on, doit undeploy undoes it for {', '.join(done)}"
                raise Unreachable(error.place, error.fault, way) from error
            except (DlimError, OSError):
                _undo(workspace, wanted, done)
                _CHANGE.unlink(missing_ok=True)
                raise
        _CHANGE.unlink(missing_ok=True)


def take_back(workspace: Workspace, learners: Sequence[str], *, empty: bool = False) -> None:
    """Go back to what was in service before, for learners.

    empty: where nothing was, the weight goes. Where a change was interrupted, that one is undone or brought to its
    end, and nothing more happens.
    """
    with _alone():
        pending = _pending()
        if pending:
            _settle(workspace, pending)
            _say("nothing else is changed; doit undeploy goes a step further back")
            return
        wanted = Change(deployment.change(), UNDEPLOY, "yes" if empty else "", "", tuple(learners))
        _write(wanted)
        _take_back(workspace, wanted)


def _take_back(workspace: Workspace, change: Change) -> None:
    """Go a step back for all learners of a change; what has happened already doesn't happen again."""
    done: list[str] = []
    refused: list[DeploymentError] = []
    for name in change.learners:
        course = Course(workspace, name)
        try:
            with course.serving() as place:
                back = _back(place, course, change)
            done.append(name)
            if back and back.action == EMPTY:
                _say(f"{name}: {back.name} is taken away; nothing is in service")
            elif back:
                _say(f"{name}: {back.name} is in service again{back.fault and f', but {back.fault}'}")
        except Unreachable as error:
            way = "the same command goes on with the rest" if done else error.remedy
            raise Unreachable(error.place, error.fault, way) from error
        except DeploymentError as error:
            refused.append(error)
    _CHANGE.unlink(missing_ok=True)
    if refused and not done:
        raise refused[0]
    for each in refused:
        _say(str(each))


def _back(place: Place, course: Course, change: Change) -> Deployed | None:
    service, by, empty = course.learner.service, record.person(), change.output == "yes"
    return deployment.undeploy(place, service, by, _shown(course.name), change=change.id, empty=empty)


def _settle(workspace: Workspace, pending: Change) -> None:
    """Undo a deployment that was interrupted; bring an undeployment to its end."""
    known = tuple(name for name in pending.learners if name in workspace.config.learners)
    if pending.action == DEPLOY:
        _say(f"{pending.title} was interrupted; it is undone")
        _undo(workspace, pending, known)
        _CHANGE.unlink(missing_ok=True)
    else:
        _say(f"{pending.title} was interrupted; it is brought to its end")
        _take_back(workspace, replace(pending, learners=known))


def _undo(workspace: Workspace, change: Change, learners: Sequence[str]) -> None:
    """Take back what a change has put into service, where it has."""
    for name in reversed(learners):
        course = Course(workspace, name)
        with course.serving() as place:
            service, by = course.learner.service, record.person()
            back = deployment.undeploy(place, service, by, change=change.id, empty=True, only=True)
        if back and back.action == EMPTY:
            _say(f"{name}: {back.name} is taken away again; nothing is in service")
        elif back:
            _say(f"{name}: {back.name} is in service again")


# what is written down of a change


@contextmanager
def _alone() -> Iterator[None]:
    """Be the only one in this workspace who changes what is in service."""
    INTERNAL.mkdir(exist_ok=True)
    with (INTERNAL / "change.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pending() -> Change | None:
    """The change that was interrupted."""
    try:
        return msgspec.json.decode(_CHANGE.read_bytes(), type=Change)
    except FileNotFoundError:
        return None
    except store.UNREADABLE:
        _say(f"{_CHANGE}: can't be read, and is passed over")
        return None


def _write(change: Change) -> None:
    store.write_file(_CHANGE, lambda path: path.write_bytes(record.write(change)))


# whether weights do worse than those in service


def _gate(workspace: Workspace, output: Output, found: Mapping[str, Weight], *, force: bool) -> dict[str, Chosen]:
    """What may go into service. Raises DeploymentError, a line for all learners, where a weight does worse."""
    chosen, worse = {}, []
    for name, weight in found.items():
        course = Course(workspace, name)
        with course.serving() as place:
            chosen[name] = _compared(place, course, output, weight, force=force)
        if chosen[name].worse:
            worse.append(name)
    if worse and not force:
        raise _worse(output, {name: chosen[name] for name in worse})
    return chosen


def _worse(output: Output, worse: Mapping[str, Chosen]) -> DeploymentError:
    """The error to raise where weights do worse than what is in service, or may."""
    way = next((each.unjudged for each in worse.values() if each.unjudged), "")
    word = "may do" if way else "does"
    fault = f"{word} worse than what is in service: " + "; ".join(f"{name}: {worse[name].forced}" for name in worse)
    return DeploymentError(output.name, fault, f"{way or 'deploy another'}, or say --force")


def _compared(place: Place, course: Course, output: Output, weight: Weight, *, force: bool) -> Chosen:
    """A weight beside the one in service, of which the record there tells; what came of it is said."""
    held, beside = deployment.held(place, course.learner.service)
    serving = record.parsed(beside)
    if held.sha256 is None or held.sha256 == weight.sha256:
        return Chosen(weight, held, forced=serving.forced if serving and held.sha256 else "")
    new: Judged | scores.Unjudged | str = _judged(output.record, place.learner, weight.sha256, output.name)
    learned = output.record.learners[place.learner]
    if not isinstance(new, Judged) and learned.job.predict and not learned.evaluation:
        code = learned.job.predict_exit_code
        why = learned.unjudged or (f"predict failed with status {code}" if code else "")
        new = scores.Unjudged(why, record.REJUDGE) if why else _SHOTLESS
    if serving is None:
        told = scores.Versus(
            worse=False, told="not compared with the weight in service: beside it lies no record that can be read"
        )
    else:
        name = shown(serving.name[:_NAME])  # a server is not believed
        old = _judged(serving, place.learner, held.sha256, name)
        told = scores.versus(new, f"{name}, which is in service", old)
    if not told.worse or force:
        _say(f"{course.name}: {told.told}{'; forced' if told.worse else ''}")
    return Chosen(weight, held, told.worse, told.told if told.worse else "", told.unjudged)


_SHOTLESS = scores.Unjudged("there was no labelled shot", "label shots, and learn again under another name")
_NAME = 100
"""Characters of an output's name, as a server has it, that are shown."""


def _judged(found: Record, learner: str, sha256: str, name: str) -> Judged | str:
    """How a weight was judged, or why that can't be told: what its record says is of the newest of its weights."""
    learned = found.learners.get(learner)
    newest = next(reversed(learned.weights.values()), None) if learned else None
    if newest is None or newest.sha256 != sha256:
        return f"not this weight of {name} was judged"
    return learned.evaluation if learned and learned.evaluation else f"{name} was not judged on shots"


# one learner's weight


def _weight(output: Output, learner: str, pattern: str, path: str) -> Weight:
    """The weight that a learner wrote last, of those that match, or the one at a path in its archive."""
    known = output.record.learners[learner].weights
    if path in known:
        return Weight(path, known[path].size, 0.0, known[path].sha256)
    if path:
        found = weights.find(output.archive(learner), path)
        if not found:
            raise OutputError(output.name, f"{learner}: holds no {path}", nearest(path, known))
        return found[-1]
    for each, file in reversed(known.items()):
        if matches(each, (pattern,)):
            return Weight(each, file.size, 0.0, file.sha256)
    fault = f"{learner}: holds no weight that matches {pattern}"
    raise OutputError(
        output.name, fault, "correct learning.weights, or choose a file of its archive with --weight PATH"
    )


def _put(place: Place, course: Course, output: Output, chosen: Chosen, change: Change) -> Deployed:
    """Put a weight of an output into service, with a record of where it comes from beside it.

    Where another came into service since it was compared, it is compared anew, and DeploymentError raised where it does
    worse. Raises OutputError where the output's archive isn't as its record says, wherever in it the weight lies.
    """
    shown, name, sent = console.current(), f"deploy:{place.learner}", 0
    weight = chosen.weight

    def moved(count: int) -> None:
        nonlocal sent
        sent += count
        shown.note(name, f"{sent / 1e6:,.1f} of {weight.size / 1e6:,.1f} MB")

    learned, service = output.record.learners[place.learner], course.learner.service
    source = output.archive(place.learner)
    fault = outputs.fault(source, learned.archive)
    if fault:
        raise OutputError(source, fault, "restore it, or deploy another output")
    wanted = Deployed(
        by=record.person(),
        change=change.id,
        output=output.name,
        learner=place.learner,
        sha256=weight.sha256,
        path=weight.path,
        dataset=learned.origin.dataset.archive.sha256 if service.dataset_dir else None,
    )
    outputs.sweep(output.folder.parent)
    with outputs.unpacking(output.folder.parent) as folder, shown.working(name):

        def taken() -> Path:
            weights.take(source, weight, folder / "weight")
            return folder / "weight"

        def deploy(chosen: Chosen) -> Deployed:
            beside = replace(output.record, learners={place.learner: learned}, forced=chosen.forced)
            said = replace(wanted, forced=chosen.forced)
            show = _shown(place.learner)
            return deployment.deploy(place, service, taken, said, record.write(beside), moved, show, chosen.over)

        for _ in range(_TRIES):
            try:
                return deploy(chosen)
            except Unfed:
                with _dataset(output, place.learner) as shipment:
                    ship(place, shipment, course.learner.learning, switch=False)
            except Overtaken:
                chosen = _compared(place, course, output, weight, force=change.forced)
                if chosen.worse and not change.forced:
                    raise _worse(output, {place.learner: chosen}) from None
        return deploy(chosen)


_TRIES = 3
"""How often what came between may be made up for."""


def _shown(name: str) -> Callable[[str], object]:
    """What shows the lines that a learner's check prints."""
    return lambda line: _say(f"{name} | {line}")


def _say(text: str) -> None:
    console.current().line(text)


@contextmanager
def _dataset(output: Output, learner: str) -> Iterator[Shipment]:
    """The dataset that a learner learned from, out of the snapshot of that time.

    Raises OutputError where the snapshot is damaged.
    """
    known = output.record.learners[learner].origin.dataset
    with outputs.unpacking(output.folder.parent) as folder:
        file = folder / f"{learner}.tar.gz"
        _unpack(output.snapshot(learner), f"data_set/{learner}.tar.gz", file)
        if store.sha256(file) != known.archive.sha256:
            raise OutputError(output.snapshot(learner), "holds another dataset than its record says", "restore it")
        shards = [(name, shard.size, shard.sha256) for name, shard in known.shards.items()]
        first = known.archive.size - sum(size for _, size, _ in shards) - len(archive.end())
        yield Shipment(file, known.archive.sha256, placed(file, first, shards))


def _unpack(snapshot: Path, name: str, target: Path) -> None:
    try:
        with tarfile.open(snapshot, "r:gz") as tar, target.open("wb") as out:
            shutil.copyfileobj(tar.extractfile(tar.getmember(name)) or io.BytesIO(), out)
    except (OSError, EOFError, KeyError, tarfile.TarError) as error:
        raise OutputError(
            snapshot, f"is damaged, or holds no {name}", "restore it, or deploy without --dataset"
        ) from error
