"""The learning task: a learner's dataset goes to its server, is learned from, and what came of it comes back."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from dlim import console, store
from dlim.console import megabytes
from dlim.errors import LearningError
from dlim.runs import job, program, record, ship, unfinished, weights
from dlim.runs.course import Course, ship_to
from dlim.runs.job import Order
from dlim.runs.log import follow
from dlim.runs.place import Place
from dlim.runs.record import File, Learned, Ran, Where
from dlim.runs.state import State
from dlim.runs.unfinished import Unfinished
from dlim.workspace import OUTPUT, Workspace

PATIENCE = 120.0
"""Seconds for which a link that was lost is tried again, while a log is followed."""

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
        for course in courses:
            prepare(growing, course)
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
    if task.learned(course.name):
        return
    with course.connect() as transport:
        place = course.place(transport)
        busy = job.running(place)
        if busy and busy.name != task.task.job:
            raise job.busy(place, busy)
        if _has_begun(job.state(place, task.task.job)):
            return
    shipment, origin = course.freeze()
    task.freeze(course.name, shipment, origin)
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
        learned = _bring_back(task, course, place, state)
        task.keep(course.name, learned)
        job.prune(place, _ENTRIES)
        return learned


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
    order = Order(
        name=task.task.job,
        command=learning.command,
        test=learning.test,
        dataset=ship.release(shipment, course.name),
        leave_out=(*learning.leave_out, learning.dataset_dir),
        weight_in_service=course.learner.service.weight,
        by=record.person(),
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
    with shown.working(f"{course.name} learns"):
        try:
            return follow(
                place,
                task.task.job,
                _log(task, course),
                lambda line: shown.line(f"{course.name} | {line}"),
                patience=PATIENCE,
            )
        except KeyboardInterrupt:
            with suppress(OSError):  # the terminal may be what has gone
                again = f"the same command attaches again, doit cancel:{course.name} ends it"
                shown.line(f"{course.name}: goes on learning; {again}")
            raise


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


def _bring_back(task: Unfinished, course: Course, place: Place, state: State) -> Learned:
    shown, name = console.current(), f"bring back:{course.name}"
    packed = _packed(task, course)
    plain = task.of(course.name, "archive.tar")
    got = 0

    def moved(count: int) -> None:
        nonlocal got
        got += count
        shown.note(name, f"{megabytes(got)}")

    with shown.working(name):
        if not packed.exists():
            job.fetch(place, task.task.job, plain, moved)
            store.write_file(packed, lambda out: _compress(plain, out))
        found = weights.find(packed, course.learner.learning.weights, (course.learner.service.weight,))
        learned_now = [weight for weight in found if weight.time >= state.since_epoch]
        if not learned_now:
            job.forget(place, task.task.job)
            raise LearningError(
                place.title,
                f"it ended well, but left no new file that matches {course.learner.learning.weights}",
                f"correct learning.weights in config/learners/{course.name}.toml, or the program; then run it again",
            )
        metrics = _metrics(packed, course.learner.learning.results)
    plain.unlink(missing_ok=True)
    newest_last = sorted(learned_now, key=lambda weight: (weight.time, weight.path))
    learned = Learned(
        origin=task.origin(course.name),
        where=Where(course.server, place.transport.address, course.learner.learning.folder, place.ask("uname -n")),
        job=Ran(
            course.learner.learning.command,
            state.exit_code or 0,
            state.since,
            state.ended,
            course.learner.learning.test,
            state.test_exit_code,
        ),
        weights={weight.path: File(weight.size, weight.sha256) for weight in newest_last},
        archive=_file(packed),
        snapshot=_file(task.folder / f"{course.name}_dlim.tar.gz"),
        log=_file(_log(task, course)),
        metrics=metrics,
    )
    shown.line(f"{course.name}: brought back {packed.name}, {megabytes(learned.archive.size)}{_told(metrics)}")
    if state.test_exit_code:
        shown.line(
            f"{course.name}: its test failed with status {state.test_exit_code}; its weights are here all the same"
        )
    return learned


def _told(metrics: dict[str, float]) -> str:
    return "".join(f", {key} {value:g}" for key, value in list(metrics.items())[:3])


def _compress(plain: Path, out: Path) -> None:
    # weights hardly compress, but what users open is called .tar.gz
    with plain.open("rb") as source, out.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed:
        shutil.copyfileobj(source, packed, 1 << 20)


def _metrics(packed: Path, results: str) -> dict[str, float]:
    """The numbers in the results file in an archive; none where there is no such file."""
    if not results:
        return {}
    with tarfile.open(packed, "r:gz") as tar:
        for member in tar:
            if member.isreg() and member.name.removeprefix("./") == results:
                file = tar.extractfile(member)
                return record.numbers(file.read()) if file else {}
    return {}


def _file(path: Path) -> File:
    return File(path.stat().st_size, store.sha256(path))
