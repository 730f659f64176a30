"""The learning task: a learner's dataset goes to its server, is learned from, and what came of it comes back."""

from __future__ import annotations

import gzip
import shutil
import tarfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dlim import builds, config, progress
from dlim.errors import LearningError
from dlim.runs import job, program, record, ship, weights
from dlim.runs.job import Order
from dlim.runs.log import follow
from dlim.runs.place import Place
from dlim.runs.record import File, Learned, Origin, Ran, Where
from dlim.runs.shipment import Shipment
from dlim.runs.state import State
from dlim.runs.unfinished import Unfinished
from dlim.servers.contract import Transport
from dlim.text import megabytes

PATIENCE = 120.0
"""Seconds for which a link that was lost is tried again, while a log is followed."""

_ENTRIES = 3
"""Jobs whose logs stay on a server, to look at."""


@dataclass(frozen=True)
class Course:
    """A learner, and what it needs of this workspace to learn.

    connect: a link to its server. freeze: its dataset, as it is now, and what that came from. snapshot: writes the
    workspace as an archive, with the dataset that is given.
    """

    name: str
    learner: config.Learner
    connect: Callable[[], Transport]
    freeze: Callable[[], tuple[Shipment, Origin]]
    snapshot: Callable[[Path], None]

    @property
    def server(self) -> str:
        """The name of the server it learns on."""
        return self.learner.learning.server or self.name

    def place(self, transport: Transport) -> Place:
        """Its folder there."""
        return Place(transport, self.name, self.learner.learning.folder)

    def require(self) -> None:
        """Raise LearningError where the configuration doesn't say how it learns."""
        if not self.learner.learning.command:
            raise LearningError(
                f"config/learners/{self.name}.toml",
                "learning.command: is missing",
                "say there what the server runs to learn, as README.md has it",
            )


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
    builds.write_file(snapshot, course.snapshot)


def learn(task: Unfinished, course: Course) -> Learned:
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


def ship_to(place: Place, course: Course, shipment: Shipment) -> None:
    """Bring a dataset to a learner's server, saying what went there."""
    console = progress.current()
    name, total, sent = f"ship:{course.name}", shipment.size, 0

    def moved(count: int) -> None:
        nonlocal sent
        sent += count
        console.note(name, f"{sent / 1e6:,.1f} of at most {megabytes(total)}")

    with console.working(name):
        done = ship.ship(place, shipment, course.learner.learning, moved)
    count = len(done.sent)
    what = f"{count} of {done.total} pieces, {done.size / 1e6:,.2f} MB" if count else "nothing to send"
    then = "the learner reads it now" if done.switched else "the learner reads it already"
    console.line(f"{name}: {place.transport.address}: {what}; {then}")


def _has_begun(state: State) -> bool:
    """Whether there is something to go on with: also where it was cancelled after it had learned."""
    return state.kind == "running" or state.exit_code == 0


def _begin(task: Unfinished, course: Course, place: Place) -> None:
    learning = course.learner.learning
    shipment = task.shipment(course.name)
    job.forget(place, task.task.job)
    ship_to(place, course, shipment)
    if program.bring(place, learning):
        progress.current().line(f"{course.name}: its program was brought from {learning.program}")
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
    progress.current().line(f"{course.name}: learns on {place.transport.address}; Ctrl-C leaves it learning")


def _log(task: Unfinished, course: Course) -> Path:
    return task.folder / f"{course.name}.log"


def _packed(task: Unfinished, course: Course) -> Path:
    return task.folder / f"{course.name}.tar.gz"


def _follow(task: Unfinished, course: Course, place: Place) -> State:
    console = progress.current()
    with console.working(f"{course.name} learns"):
        try:
            return follow(
                place,
                task.task.job,
                _log(task, course),
                lambda line: console.line(f"{course.name} | {line}"),
                patience=PATIENCE,
            )
        except KeyboardInterrupt:
            with suppress(OSError):  # the terminal may be what has gone
                again = f"the same command attaches again, doit cancel:{course.name} ends it"
                console.line(f"{course.name}: goes on learning; {again}")
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
    console, name = progress.current(), f"bring back:{course.name}"
    packed = _packed(task, course)
    plain = task.of(course.name, "archive.tar")
    got = 0

    def moved(count: int) -> None:
        nonlocal got
        got += count
        console.note(name, f"{megabytes(got)}")

    with console.working(name):
        if not packed.exists():
            job.fetch(place, task.task.job, plain, moved)
            builds.write_file(packed, lambda out: _compress(plain, out))
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
    console.line(f"{course.name}: brought back {packed.name}, {megabytes(learned.archive.size)}{_told(metrics)}")
    if state.test_exit_code:
        console.line(
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
    return File(path.stat().st_size, builds.sha256(path))
