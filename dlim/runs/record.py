"""The record of a learning task: what each learner learned from, where and when, and what came of it."""

from __future__ import annotations

import getpass
import hashlib
import json
import math
import os
import platform
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from dlim import store
from dlim.errors import OutputError, shown

RECORD = "record.json"
MEMO = "memo.txt"
SEAL = "record.json.sha256"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a record: what it doesn't know is an error, so that nothing is read wrong."""


class File(Part, frozen=True):
    """A file: its size in bytes and its SHA-256."""

    size: int
    sha256: str


class Dataset(Part, frozen=True):
    """The dataset that was learned from. shards: each project's piece of the archive. train, val: images."""

    archive: File
    shards: dict[str, File]
    train: int
    val: int


class Revision(Part, frozen=True):
    """The state of the source: its commit, and whether files differed from that."""

    commit: str
    changed: bool


class Origin(Part, frozen=True):
    """All that the dataset came from, read when it was shipped.

    projects: by project, the digest of each of its hand-made files, by path in the project. settings: what the
    configuration said, and the digests of its files. makers: versions of packages, and the digests of dlim's code.
    program: the digest of each file of the learner's program, where it came from this workspace; program_revision:
    its commit, where that is under git.
    """

    dataset: Dataset
    projects: dict[str, dict[str, str]]
    settings: dict[str, Any]
    makers: dict[str, str]
    program: dict[str, str]
    revision: Revision | None = None
    program_revision: Revision | None = None


class Where(Part, frozen=True):
    """The server: its name in the configuration, how it was reached, the learner's folder, the machine's own name."""

    server: str
    address: str
    folder: str
    machine: str = ""


class Ran(Part, frozen=True):
    """How a command ended. since, ended: ISO 8601, UTC, by the server's clock."""

    command: str
    exit_code: int
    since: str = ""
    ended: str = ""
    test: str = ""
    test_exit_code: int | None = None
    predict: str = ""
    predict_exit_code: int | None = None


Edges = tuple[float, float, float, float]
"""A box as [x, y, width, height], in pixels of its shot."""


class Figures(Part, frozen=True):
    """How well a label is found, or all together; None where the shots have no such object.

    ap50: average precision at an overlap of 0.5; ap: its mean over 0.5 to 0.95. objects: to be found; found: of them,
    at the evaluation's score; false: finds a shot that are none.
    """

    ap50: float | None
    ap: float | None
    objects: int
    found: int
    false: float

    @property
    def recall(self) -> float | None:
        return self.found / self.objects if self.objects else None


class Missed(Part, frozen=True):
    """An object that nothing found. picture: a crop around it, a file of the output; none where it is empty."""

    shot: str
    label: str
    box: Edges
    picture: str = ""


class Find(Part, frozen=True):
    """A prediction that is none, with its score. picture: as of what was missed."""

    shot: str
    label: str
    box: Edges
    score: float
    picture: str = ""


class Judges(Part, frozen=True):
    """The shots by which a weight was judged: their digest, how many they are, and the objects that were asked for."""

    digest: str
    count: int
    objects: int


class Judged(Part, frozen=True):
    """What a weight found on shots, as `evaluation.Evaluation` has it; of what was missed or false the worst."""

    shots: Judges
    score: float
    total: Figures
    labels: dict[str, Figures]
    missed: tuple[Missed, ...] = ()
    false: tuple[Find, ...] = ()
    confused: tuple[tuple[str, str, int], ...] = ()

    @property
    def told(self) -> str:
        """The figures in a line."""
        ap50 = "no object to find" if self.total.ap50 is None else f"AP50 {100 * self.total.ap50:.1f}"
        return f"{ap50}, {self.total.found} of {self.total.objects} found, {self.total.false:.2f} false finds a shot"


class Learned(Part, frozen=True):
    """One learner's part. weights: by path, newest last. evaluation: None where its weight wasn't judged by shots.

    unjudged: why it wasn't, where it was to be: what is wrong with its predict, or with what that left.

    metrics: the numbers of the test's results and of the log, by dotted name; details: those of tables within tables,
    such as those of each label. program: the commit of the program on the server, where that is under git there.
    """

    origin: Origin
    where: Where
    job: Ran
    weights: dict[str, File]
    archive: File
    snapshot: File
    log: File
    metrics: dict[str, float] = {}
    details: dict[str, float] = {}
    program: Revision | None = None
    evaluation: Judged | None = None
    unjudged: str = ""


REJUDGE = "mend predict, and learn again under another name"
"""What to do about a weight that wasn't judged, though it was to be."""


class Record(Part, frozen=True):
    """record.json of an output.

    forced: of a weight in service, why it would have been refused, where somebody forced it; nothing in an output.
    """

    name: str
    memo: str
    by: str
    began: str
    ended: str
    learners: dict[str, Learned]
    version: int = 1
    forced: str = ""


def write(record: Part) -> bytes:
    """A record, or a part of it, as a person can read it."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def seal(folder: Path) -> None:
    """Write the digest of the record beside it, as sha256sum reads it."""
    digest = hashlib.sha256((folder / RECORD).read_bytes()).hexdigest()
    store.write_file(folder / SEAL, lambda path: path.write_text(f"{digest}  {RECORD}\n"))


def is_changed(folder: Path) -> bool:
    """Whether a record isn't the one that was sealed; the first version sealed none."""
    try:
        sealed = (folder / SEAL).read_text().partition(" ")[0]
    except (OSError, ValueError):
        return False
    return sealed != hashlib.sha256((folder / RECORD).read_bytes()).hexdigest()


def read(folder: Path) -> Record:
    """The record in an output's folder. Raises OutputError where it can't be read."""
    return read_file(folder / RECORD)


def read_file(path: Path) -> Record:
    """The record in a file, such as the one that lies beside a weight in service."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except OSError as error:
        raise OutputError(path, f"can't be read ({error.strerror})", "delete that output, or restore it") from error
    except store.UNREADABLE as error:
        raise OutputError(path, f"is no record of a learning task: {shown(str(error))}", "restore it") from error


def parsed(data: bytes) -> Record | None:
    """A record that came from elsewhere; None where it is none that this version can read."""
    try:
        return msgspec.json.decode(data, type=Record)
    except store.UNREADABLE:
        return None


def now() -> str:
    """The time, ISO 8601, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_time(text: str) -> str:
    """A time of a record as the clock on the wall has it: `2026-11-23 05:04`; as it stands where it is no time."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(datetime.fromisoformat(text).timestamp()))
    except (ValueError, OverflowError, OSError):
        return shown(text)


def person() -> str:
    """Who does this: `user@machine`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "somebody"
    return f"{user}@{socket.gethostname() or platform.node()}"


def revision(folder: Path) -> Revision | None:
    """The commit that a folder is at; None where it isn't under git, or git isn't installed."""
    try:
        commit = git(folder, "rev-parse", "HEAD").decode().strip()
        return Revision(commit, changed=bool(git(folder, "status", "--porcelain", "--", ".").strip()))
    except (OSError, subprocess.CalledProcessError):
        return None


def git(folder: Path, *arguments: str) -> bytes:
    """What git says of a folder, whatever other repository the environment names.

    Raises OSError where there is no git; CalledProcessError where it refuses.
    """
    # what belongs to another user is asked all the same: its dodo.py is what runs here
    mine = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]
    return subprocess.run(
        ["git", *mine, *arguments],  # noqa: S607 - the git that its user has
        cwd=folder,
        check=True,
        capture_output=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    ).stdout


MOST = 1 << 20
"""Bytes that results may have; numbers that are kept of them, and the characters of a number's name."""

_NUMBERS, _NAME = 10_000, 100


def numbers(results: bytes) -> dict[str, float]:
    """The numbers in a JSON file of results, by dotted name. What isn't finite, or has no end, is left out."""
    try:
        found = json.loads(results, parse_int=float)
    except (ValueError, RecursionError):
        return {}
    return dict(islice(_flat(found, ""), _NUMBERS))


def in_log(log: Path, patterns: Mapping[str, str]) -> dict[str, float]:
    """The number that each pattern found last in a log, by the names of the patterns."""
    found: dict[str, float] = {}
    compiled = {name: re.compile(pattern) for name, pattern in patterns.items()}
    with log.open(encoding="utf-8", errors="replace") as lines:
        while compiled and (line := lines.readline(1 << 16)):
            for name, pattern in compiled.items():
                for match in pattern.finditer(line):
                    with suppress(ValueError):
                        value = float(match[1])
                        found |= {name: value} if math.isfinite(value) else {}
    return found


def _flat(value: object, prefix: str, depth: int = 0) -> Iterator[tuple[str, float]]:
    if isinstance(value, float):
        if math.isfinite(value):
            yield prefix, value
    elif isinstance(value, Mapping) and depth < 8:
        for key, inner in value.items():
            name = f"{prefix}.{shown(str(key))}" if prefix else shown(str(key))
            if len(name) <= _NAME:
                yield from _flat(inner, name, depth + 1)
