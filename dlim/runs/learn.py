"""The learning task: a learner's dataset goes to its server, is learned from, and what came of it comes back."""

from __future__ import annotations

import gzip
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from dlim import console, errors, store
from dlim.console import counted, megabytes
from dlim.errors import DlimError, LearningError
from dlim.names import matches
from dlim.runs import job, program, record, ship, shots, unfinished, weights
from dlim.runs.course import Course, ship_to
from dlim.runs.job import Order
from dlim.runs.log import follow
from dlim.runs.place import Place
from dlim.runs.record import File, Judged, Learned, Part, Ran, Revision, Where
from dlim.runs.state import State
from dlim.runs.unfinished import Unfinished
from dlim.workspace import OUTPUT, Workspace

PATIENCE = 120.0
"""Seconds for which a link that was lost is tried again, while a log is followed."""

_BROUGHT = "brought.json"

_ENTRIES = 3
"""Jobs whose logs stay on a server, to look at."""


def learn(
    workspace: Workspace,
    learners: Sequence[str],
    name: str,
    memo: str,
    unlocked: Callable[[], AbstractContextManager[object]],
) -> None:
    """A learning task: what learners' datasets are now is sent, learned from, and what came of it brought back.

    name: of the output; the time, or that of a task of these learners that isn't whole yet, where it is empty.
    unlocked: leaves the workspace to others meanwhile. Raises LearningError where one of them can't begin, or fails;
    the same call goes on from there.
    """
    courses = [Course(workspace, each) for each in learners]
    for course in courses:
        course.require()
    growing = unfinished.begin(OUTPUT, name or _name(learners), memo, learners)
    shown = console.current()
    with unfinished.followed(growing):
        try:
            for course in courses:
                prepare(growing, course)
        except DlimError:
            if not (growing.folder / ".parts").exists():  # it never began: its name is nobody's
                unfinished.discard(growing)
            raise
        # what is learned from is kept apart by now: others may build while it takes its hours
        with unlocked():
            for course in courses:
                learn_one(growing, course)
            waiting = [each for each in growing.task.learners if growing.learned(each) is None]
            if waiting:
                shown.line(f"{growing.task.name}: is an output once {', '.join(waiting)} has learned, too")
                return
            folder = growing.finish(OUTPUT)
    shown.line(f"{folder}: whole; doit deploy {folder.name} puts it into service")


def _name(learners: Sequence[str]) -> str:
    """The name of a learning task that was given none: that which waits for these learners, else the time."""
    for growing in unfinished.load(OUTPUT).values():
        if set(growing.task.learners) == set(learners):
            console.current().line(f"{growing.task.name}: goes on, as it isn't whole yet")
            return growing.task.name
    stem = time.strftime("%Y-%m-%d_%H%M")
    taken = {path.name for path in OUTPUT.glob("*")}
    return next(each for each in [stem, *(f"{stem}-{n}" for n in range(2, 1000))] if each not in taken)


def prepare(task: Unfinished, course: Course) -> None:
    """Freeze what a learner will learn from, unless it is learning, or has learned, from what was frozen before.

    Raises LearningError where its server learns for another task.
    """
    course.require()
    if task.learned(course.name) or task.read(course.name, _BROUGHT, _Brought):
        return
    with course.connect() as transport:
        place = course.place(transport)
        busy = job.running(place)
        if busy and busy.name != task.task.job:
            raise job.busy(place, busy)
        if _has_begun(job.state(place, task.task.job)):
            return
    found = shots.whole() if course.learner.learning.predict else ()
    shipment, origin = course.freeze()
    task.freeze(course.name, shipment, origin)
    if found:
        shots.freeze(task, course.name, found, course.learner.labels, course.labels())
    snapshot = task.folder / f"{course.name}_dlim.tar.gz"
    store.write_file(snapshot, course.snapshot)


def learn_one(task: Unfinished, course: Course) -> Learned:
    """Let one learner learn, from wherever it stands: not begun, at it, ended, or brought back.

    Raises LearningError where the learning failed, was cancelled or was lost; then the same call begins it again.
    Unreachable and the other transport errors leave everything as it is.
    """
    done = task.learned(course.name)
    if done:
        return done
    brought = task.read(course.name, _BROUGHT, _Brought)
    if brought is None:
        brought = _learn_there(task, course)
    learned = _learned(task, course, brought)
    task.keep(course.name, learned)
    return learned


def _learn_there(task: Unfinished, course: Course) -> _Brought:
    with course.connect() as transport:
        place = course.place(transport)
        before = job.state(place, task.task.job)
        if not _has_begun(before):
            _begin(task, course, place)
        elif before.kind == "failed":
            job.resume(place, task.task.job)
        state = _follow(task, course, place)
        if state.kind != "succeeded":
            raise _failure(task, course, place, state)
        state = _archived(task, course, place, state)
        brought = _bring_back(task, course, place, state)
        job.prune(place, _ENTRIES)
        return brought


def _has_begun(state: State) -> bool:
    """Whether there is something to go on with: also where it was cancelled after it had learned."""
    return state.kind == "running" or state.exit_code == 0


def _begin(task: Unfinished, course: Course, place: Place) -> None:
    learning = course.learner.learning
    shipment = task.shipment(course.name)
    job.forget(place, task.task.job)
    ship_to(place, course, shipment)
    if program.bring(place, learning):
        console.current().line(f"{course.name}: its program was brought from {learning.program}")
    frozen = shots.read(task, course.name)
    if frozen:
        sent = shots.bring(place, task.task.job, task, frozen)
        console.current().line(
            f"{course.name}: {len(sent)} of {counted(len(frozen.shots), 'shot')} sent"
            if sent
            else f"{course.name}: has all shots"
        )
    order = Order(
        name=task.task.job,
        command=learning.command,
        test=learning.test,
        dataset=ship.release(shipment, course.name),
        leave_out=(*learning.leave_out, learning.dataset_dir),
        weight_in_service=course.learner.service.weight,
        by=record.person(),
        predict=learning.predict if frozen else "",
    )
    # what an attempt that failed had left stays till the next one begins
    for left in (_log(task, course), _packed(task, course), task.of(course.name, "archive.tar")):
        left.unlink(missing_ok=True)
    job.start(place, order)
    console.current().line(f"{course.name}: learns on {place.transport.address}; Ctrl-C leaves it learning")


def _log(task: Unfinished, course: Course) -> Path:
    return task.folder / f"{course.name}.log"


def _packed(task: Unfinished, course: Course) -> Path:
    return task.folder / f"{course.name}.tar.gz"


def _follow(task: Unfinished, course: Course, place: Place) -> State:
    shown = console.current()
    again = f"the same command attaches again, doit cancel:{course.name} ends it"
    with shown.working(f"{course.name} learns"), shown.going_on(f"{course.name}: goes on learning; {again}"):
        return follow(
            place,
            task.task.job,
            _log(task, course),
            lambda line: shown.line(f"{course.name} | {line}"),
            patience=PATIENCE,
        )


def _failure(task: Unfinished, course: Course, place: Place, state: State) -> LearningError:
    """Why it didn't learn. Its log stays here."""
    log = _log(task, course)
    return LearningError(
        place.title,
        f"{state.told}{_last_words(state, log)}",
        f"see {log}; the same command begins it again",
    )


def _last_words(state: State, log: Path) -> str:
    """The last line of a log that says something, as the end of a fault."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").replace("\r", "\n").splitlines()
    except FileNotFoundError:
        return ""
    last = next((line.strip() for line in reversed(lines) if line.strip() and not line.startswith("== ")), "")
    said = "; its log ends with" if state.kind == "lost" else ", saying"
    return f'{said} "{last[:200]}"' if last else ""


def _archived(task: Unfinished, course: Course, place: Place, state: State) -> State:
    """See to it that the learner's folder was archived on its server, which a full disk may have prevented."""
    if not state.archived:
        job.resume(place, task.task.job)
        state = _follow(task, course, place)
    if not state.archived:
        raise LearningError(
            place.title,
            f"{state.told}{_last_words(state, _log(task, course))}",
            "make room on its disk; the same command goes on from there",
        )
    return state


class _Brought(Part, frozen=True):
    """What came back: where from, how the job ended, and what of the learner's folder it left as it was.

    untouched: nothing where the server didn't look. since: when it began, in seconds since 1970. predicted: the files
    that its predict wrote.
    """

    where: Where
    job: Ran
    since: float
    untouched: tuple[str, ...]
    program: Revision | None = None
    predicted: tuple[str, ...] = ()


def _bring_back(task: Unfinished, course: Course, place: Place, state: State) -> _Brought:
    """Bring the archive of a learner's folder here; from then on its server isn't asked any more."""
    shown, name = console.current(), f"bring back:{course.name}"
    packed, plain = _packed(task, course), task.of(course.name, "archive.tar")
    got = 0

    def moved(count: int) -> None:
        nonlocal got
        got += count
        shown.note(name, f"{megabytes(got)}")

    learning = course.learner.learning
    with shown.working(name):
        if not packed.exists():
            job.fetch(place, task.task.job, plain, moved)
            store.write_file(packed, lambda out: _compress(plain, out))
        commit, _, changed = state.revision.partition(" ")
        brought = _Brought(
            Where(course.server, place.transport.address, learning.folder, errors.shown(place.ask("uname -n"))),
            Ran(
                learning.command,
                state.exit_code or 0,
                state.since,
                state.ended,
                learning.test,
                state.test_exit_code,
                learning.predict,
                state.predict_exit_code,
            ),
            state.since_epoch,
            tuple(sorted(job.untouched(place, task.task.job))),
            Revision(commit, bool(changed)) if commit else None,
            tuple(sorted(job.predicted(place, task.task.job))),
        )
        task.write(course.name, _BROUGHT, brought)
    plain.unlink(missing_ok=True)
    return brought


def _learned(task: Unfinished, course: Course, brought: _Brought) -> Learned:
    """What a learner learned, of what came back. Raises LearningError where that holds no weight of this job."""
    learning, packed, log = course.learner.learning, _packed(task, course), _log(task, course)
    untouched = frozenset(brought.untouched)
    # what judges a weight must not become one
    found = weights.look(packed, learning.weights, (course.learner.service.weight,)).without(
        brought.predicted, "was written by predict"
    )
    learned_now = [
        weight
        for weight in found.weights
        if (weight.path not in untouched if untouched else weight.time >= brought.since)
    ]
    for path, why in found.passed_over.items():
        console.current().line(f"{course.name}: {path} {why}; it is passed over")
    if not learned_now:
        raise _weightless(task, course, found)
    metrics = record.in_log(log, learning.numbers)
    if learning.results and learning.results in brought.predicted:
        console.current().line(f"{course.name}: {learning.results} was written by predict; it is passed over")
    elif learning.results and learning.results not in untouched:
        results = weights.read(packed, learning.results, record.MOST)
        metrics |= record.numbers(results if isinstance(results, bytes) else b"")
    said = _told(metrics)
    judged = _judged(task, course, brought)
    console.current().line(f"{course.name}: brought back {packed.name}, {megabytes(packed.stat().st_size)}{said}")
    learned = Learned(
        origin=task.origin(course.name),
        where=brought.where,
        job=brought.job,
        weights={weight.path: File(weight.size, weight.sha256) for weight in learned_now},
        archive=_file(packed),
        snapshot=_file(task.folder / f"{course.name}_dlim.tar.gz"),
        log=_file(log),
        metrics={name: value for name, value in metrics.items() if name.count(".") <= 1},
        details={name: value for name, value in metrics.items() if name.count(".") > 1},
        program=brought.program,
        evaluation=judged if isinstance(judged, Judged) else None,
        unjudged=judged if isinstance(judged, str) else "",
    )
    code = brought.job.test_exit_code
    if code:
        console.current().line(f"{course.name}: its test failed with status {code}; its weights are here all the same")
    return learned


def _judged(task: Unfinished, course: Course, brought: _Brought) -> Judged | str:
    """What the weight is worth on the shots that were set apart, or why that can't be told; that loses nothing.

    Empty where nothing was to be judged.
    """
    learning, frozen = course.learner.learning, shots.read(task, course.name)
    if frozen is None or not learning.predictions:
        return ""
    from dlim.runs import predictions

    def line(text: str) -> None:
        console.current().line(f"{course.name}: {text}")

    def unjudged(reason: str) -> str:
        line(f"not judged on shots: {reason}; {record.REJUDGE}")
        return reason

    file, code = learning.predictions, brought.job.predict_exit_code
    if code:
        return unjudged(f"predict failed with status {code}")
    if file in brought.untouched:
        return unjudged(f"predict left no {file}: what is there is older")
    data = weights.read(_packed(task, course), file, predictions.MOST)
    if isinstance(data, str):
        return unjudged(f"{file} {data}")
    into = task.folder / f"{course.name}_shots"
    judged, said = predictions.judge(data, frozen, shots.pictures(task, frozen), into)
    for text in said:
        line(f"{file}: {text}")
    if judged is None:
        return unjudged(f"{file}: {said[0]}") if frozen.truth else ""
    line(f"on {counted(judged.shots.count, 'shot')}: {judged.told}")
    return judged


def _weightless(task: Unfinished, course: Course, found: weights.Look) -> LearningError:
    file, service = f"config/learners/{course.name}.toml", course.learner.service.weight
    learning = course.learner.learning
    fault = f"it ended well, but left no new file that matches {learning.weights}"
    if matches(service, (learning.weights,)):
        fault += f" and isn't {service}, the one in service"
    for path, why in found.passed_over.items():
        fault += f"; {path} {why}"
    return LearningError(
        course.name,
        f"{fault}; what came back is kept in {_packed(task, course)}",
        f"name another pattern as learning.weights in {file} and run the same command, which doesn't learn again; "
        f"or doit output:rm {task.task.name} drops it",
    )


def _told(metrics: dict[str, float]) -> str:
    return "".join(f", {key} {value:g}" for key, value in list(metrics.items())[:3])


def _compress(plain: Path, out: Path) -> None:
    # weights hardly compress, but what users open is called .tar.gz
    with plain.open("rb") as source, out.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed:
        shutil.copyfileobj(source, packed, 1 << 20)


def _file(path: Path) -> File:
    return File(path.stat().st_size, store.sha256(path))
