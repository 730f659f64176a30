"""The record of a learning task: what each learner learned from, where and when, and what came of it."""

from __future__ import annotations

import getpass
import json
import math
import platform
import socket
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from dlim.errors import OutputError

RECORD = "record.json"
MEMO = "memo.txt"


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
    program: the digest of each file of the learner's program, where it came from this workspace.
    """

    dataset: Dataset
    projects: dict[str, dict[str, str]]
    settings: dict[str, Any]
    makers: dict[str, str]
    program: dict[str, str]
    revision: Revision | None = None


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


class Learned(Part, frozen=True):
    """One learner's part. metrics: the numbers of the test's results, by dotted name. weights: by path, newest last."""

    origin: Origin
    where: Where
    job: Ran
    weights: dict[str, File]
    archive: File
    snapshot: File
    log: File
    metrics: dict[str, float] = {}


class Record(Part, frozen=True):
    """record.json of an output."""

    name: str
    memo: str
    by: str
    began: str
    ended: str
    learners: dict[str, Learned]
    version: int = 1


def write(record: Part) -> bytes:
    """A record, or a part of it, as a person can read it."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def read(folder: Path) -> Record:
    """The record in an output's folder. Raises OutputError where it can't be read."""
    return read_file(folder / RECORD)


def read_file(path: Path) -> Record:
    """The record in a file, such as the one that lies beside a weight in service."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except OSError as error:
        raise OutputError(path, f"can't be read ({error.strerror})", "delete that output, or restore it") from error
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise OutputError(path, f"is no record of a learning task: {error}", "restore it") from error


def now() -> str:
    """The time, ISO 8601, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_time(text: str) -> str:
    """A time of a record as the clock on the wall has it: `2026-11-23 05:04`."""
    moment = datetime.fromisoformat(text)
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment.timestamp()))


def person() -> str:
    """Who does this: `user@machine`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "somebody"
    return f"{user}@{socket.gethostname() or platform.node()}"


def revision(folder: Path) -> Revision | None:
    """The commit that a workspace is at; None where it isn't under git, or git isn't installed."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return Revision(commit, changed=bool(_git(folder, "status", "--porcelain", "--", ".")))
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments],  # noqa: S607 - the git that its user has
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def numbers(results: bytes) -> dict[str, float]:
    """The numbers in a JSON file of results, by dotted name; those of tables within tables are left out."""
    try:
        found = json.loads(results)
    except ValueError:
        return {}
    return {key: float(value) for key, value in _flat(found, "") if key.count(".") <= 1}


def _flat(value: object, prefix: str) -> list[tuple[str, float]]:
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, (int, float)):
        return [(prefix, float(value))] if math.isfinite(value) else []
    if isinstance(value, Mapping):
        dot = f"{prefix}." if prefix else ""
        return [pair for key, inner in value.items() for pair in _flat(inner, f"{dot}{key}")]
    return []
