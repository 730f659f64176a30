"""Whatever dlim is stopped at, nothing half is to be seen, and the same command ends as if nothing had happened."""

from __future__ import annotations

import os
import random
import re
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dlim import store
from dlim.runs import outputs
from tests.conftest import new_workspace
from tests.crash.harness import Ran, Stopper, library, tree

LEARNER = """canvas = [48, 48]
[learning]
program = "program"
dataset_dir = "VOC/data"
command = "sh train.sh"
[service]
check = "sh check.sh"
"""

TRAIN = """mkdir -p weights
{ cat salt; ls "$DLIM_DATASET/JPEGImages" | wc -l; } > weights/best_weight.pth
"""

SCRIPT = "from dlim.augment import Augmentation\nvariations = Augmentation(count=4)\nvariations.mix()\n"

OWN = ("__pycache__", ".dlim/state.db", ".dlim/seen", ".dlim/logs", ".dlim/lock", ".dlim/change.lock")
"""What differs from run to run, or is for people: records, locks, logs."""

SEED = 20261128


@dataclass(frozen=True)
class Act:
    """A command, and the one that must have been done before. seen: what must hold at any moment, of a workspace."""

    words: tuple[str, ...]
    before: str
    done: Callable[[Path], bool] = lambda folder: False


ACTS = {
    "build": Act(("build",), ""),
    "dataset": Act(("dataset",), ""),
    "dataset again": Act(("dataset",), "changed"),
    "ship": Act(("ship",), "dataset"),
    "task": Act(("task", "--name", "first", "--memo", "x"), "dataset"),
    "deploy": Act(("deploy", "second"), "deployed"),
    "undeploy": Act(("undeploy",), "twice", lambda folder: in_service(folder) == "first" and at_rest(folder)),
}

PLACE = ".dlim/servers/ssd"


def in_service(folder: Path) -> str:
    """The salt of the weight in service."""
    weight = folder / PLACE / "weights/latest_weight.pth"
    return weight.read_text().split()[0] if weight.exists() else ""


def at_rest(folder: Path) -> bool:
    """Whether no deployment is at work."""
    return not (folder / ".dlim/change.json").exists() and not (folder / PLACE / ".dlim/ssd/switching").exists()


@pytest.fixture(scope="session")
def preload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library(tmp_path_factory.mktemp("preload"))


@pytest.fixture(scope="session")
def states(tmp_path_factory: pytest.TempPathFactory, preload: Path) -> Callable[[str], Path]:
    """A workspace as it is before an act, by its name; each is made once."""
    made: dict[str, Path] = {}

    def copied(name: str, of: str) -> Stopper:
        made[name] = tmp_path_factory.mktemp("state") / "workspace"
        shutil.copytree(state(of), made[name], symlinks=True)
        return Stopper(preload, made[name], made[name].with_name("calls"))

    def done(stopper: Stopper, *words: str) -> None:
        ran = stopper.run(*words)
        assert ran.status == 0, ran.text

    def state(name: str) -> Path:
        if name in made:
            return made[name]
        if not name:
            folder = tmp_path_factory.mktemp("state") / "workspace"
            folder.mkdir()
            workspace = new_workspace(folder)
            (folder / "config/learners/resnet34.toml").unlink()
            workspace.learner("ssd", LEARNER)
            workspace.project("red", SCRIPT)
            program = folder / "program"
            program.mkdir()
            for file, text in {"train.sh": TRAIN, "check.sh": 'grep -q . "$DLIM_WEIGHT"\n', "salt": "first\n"}.items():
                (program / file).write_text(text)
            made[name] = folder
        elif name == "dataset":
            done(copied(name, ""), "dataset")
        elif name == "changed":
            stopper = copied(name, "dataset")
            script = stopper.folder / "projects/red/data_augmentation/daug.py"
            script.write_text(SCRIPT.replace("mix", "zoom"))
        elif name == "deployed":
            stopper = copied(name, "dataset")
            done(stopper, "task", "--name", "first")
            (stopper.folder / "program/salt").write_text("second\n")
            done(stopper, "task", "--name", "second")
            done(stopper, "deploy", "first")
        else:
            done(copied(name, "deployed"), "deploy", "second")
        return made[name]

    return state


@dataclass(frozen=True)
class Undisturbed:
    """An act that nothing has stopped: how many changes it made, and what was there then."""

    before: Path
    ran: Ran
    tree: dict[str, str]


Undone = Callable[[str], Undisturbed]


@pytest.fixture(scope="session")
def undisturbed(states: Callable[[str], Path], preload: Path, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    made: dict[str, Undisturbed] = {}

    def run(name: str) -> Undisturbed:
        if name not in made:
            before, folder = states(ACTS[name].before), tmp_path_factory.mktemp("undisturbed") / "workspace"
            shutil.copytree(before, folder, symlinks=True)
            ran = Stopper(preload, folder, folder.with_name("calls")).run(*ACTS[name].words)
            assert ran.status == 0, ran.text
            made[name] = Undisturbed(before, ran, comparable(folder))
        return made[name]

    return run


def comparable(folder: Path) -> dict[str, str]:
    """What must be the same however often it was stopped: names of all files, and the bytes of all that has no times.

    Of jobs, outputs and records, which have times and random names, it is what they say that counts (`whole`).
    """
    found: dict[str, str] = {}
    for name, what in tree(folder, OWN).items():
        timed = name.startswith(("output/", f"{PLACE}/.dlim/")) and not what.startswith("->")
        key = re.sub(r"(first|second)\.[0-9a-f]{8}", r"\1.JOB", name)
        key = re.sub(r"(weights/)[0-9a-f]{64}\.json", r"\1RECORD.json", key)
        found[key] = ("a folder" if what == "a folder" else "a file") if timed else what
    return found


def whole(folder: Path) -> None:
    """Nothing half is to be seen: what has a manifest, a name, or is in service, is all that it should be."""
    manifests = [path for path in folder.rglob("*manifest.json") if not half(path.relative_to(folder))]
    for manifest in manifests:
        assert store.verify({manifest: store.sha256(manifest)}) == {}, manifest
    archive = folder / "data_set/ssd.tar.gz"
    if archive.exists():
        with tarfile.open(archive) as tar:
            assert len([name for name in tar.getnames() if name.endswith(".jpg")]) == 4
    for output in outputs.load(folder / "output").values():
        assert list(outputs.damage(output)) == []
    there = [path for path in (folder / "output").glob("[!.]*") if path.is_dir()]
    assert len(there) == len(outputs.load(folder / "output"))
    assert in_service(folder) in ("", "first", "second")
    dataset = folder / PLACE / "VOC/data"
    if dataset.exists():
        assert len(list((dataset / "JPEGImages").iterdir())) == 4


def half(path: Path) -> bool:
    """Whether a path says of itself that it isn't whole yet."""
    return any(part.startswith((".fresh-", ".old-")) for part in path.parts)


def stopped_at(act: Act, point: int, wanted: Undisturbed, preload: Path, place: Path) -> str:
    """Stop an act at a point, look, do it again, and look again; where it was stopped."""
    folder = place / "workspace"
    shutil.copytree(wanted.before, folder, symlinks=True)
    stopper, log = Stopper(preload, folder, place / "calls"), place / "log"
    try:
        ran = stopper.run(*act.words, at=point, log=log)
        assert ran.stopped, (point, ran.text)
        where = next(line for line in log.read_text().splitlines() if line.startswith(f"{point} "))
        where = where.replace(f"{folder}/", "")
        whole(folder)
        if not act.done(folder):
            again = stopper.run(*act.words)
            assert again.status == 0, (where, again.text)
        whole(folder)
        assert differences(comparable(folder), wanted.tree) == [], where
        left = [path.name for path in (place / "tmp").iterdir() if not path.name.startswith("pymp-")]
        assert left == [], where
    finally:
        stopper.end()
        shutil.rmtree(place)
    return where


def differences(found: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: {found.get(name, 'is missing')}, not {wanted.get(name, 'there')}"
        for name in sorted({*found, *wanted})
        if found.get(name) != wanted.get(name)
    ]


def points(name: str, count: int, most: int) -> list[int]:
    drawn = random.Random(f"{SEED} {name}")
    return sorted(drawn.sample(range(1, count + 1), min(most, count)))


@pytest.mark.parametrize("name", ACTS)
def test_stopped_somewhere(name: str, undisturbed: Undone, preload: Path, tmp_path: Path) -> None:
    """At points that a seed chooses."""
    wanted = undisturbed(name)
    for point in points(name, wanted.ran.calls, 1):
        stopped_at(ACTS[name], point, wanted, preload, tmp_path / str(point))


PARTS = 4
"""A test's share of an act's points: the processes of pytest take what is left."""


# By hand, DLIM_CRASH=all: a stop while a server compares pieces still leaves its list of them there.
if os.environ.get("DLIM_CRASH") == "all":

    @pytest.mark.long
    @pytest.mark.parametrize("part", range(PARTS))
    @pytest.mark.parametrize("name", ACTS)
    def test_stopped_anywhere(name: str, part: int, undisturbed: Undone, preload: Path, tmp_path: Path) -> None:
        """Every point."""
        wanted, faults = undisturbed(name), []
        for point in range(1 + part, wanted.ran.calls + 1, PARTS):
            try:
                stopped_at(ACTS[name], point, wanted, preload, tmp_path / str(point))
            except AssertionError as error:
                faults.append(str(error))
        assert faults == [], "\n\n".join(faults)
