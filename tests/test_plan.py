"""What `doit plan` says, and that the run after it does that, whatever was edited before."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from doit.dependency import JSONCodec
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from dlim.build.pipeline import Pipeline
from dlim.build.state import Memory
from dlim.workspace import Workspace as At
from tests.conftest import Workspace, draw_master, new_workspace
from tests.in_process import Answer, doit, inside
from tests.test_tasks import run_at_work, wait_for

SIZE = 16, 12

SCRIPT = """import beside
from dlim.augment import Augmentation
variations = Augmentation(count=beside.COUNT)
variations.mix()
"""


def make(workspace: Workspace, name: str, count: int = 4) -> None:
    """A small project, with a module beside its script."""
    project = workspace.project(name, SCRIPT, size=SIZE)
    (project / "data_augmentation/beside.py").write_text(f"COUNT = {count}\n")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the projects alpha and beta, built for both learners."""
    workspace = new_workspace(tmp_path_factory.mktemp("built"))
    workspace.learner("ssd", "canvas = [48, 40]\n")
    for name in ("alpha", "beta"):
        make(workspace, name)
    assert doit(workspace.folder, "run", "dataset").status == 0
    return workspace


@pytest.fixture
def two(built: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it, to do with as a test likes."""
    return copied(built, tmp_path / "workspace")


def copied(workspace: Workspace, folder: Path) -> Workspace:
    shutil.copytree(workspace.folder, folder)
    return Workspace(folder)


# what it says


def test_a_changed_script(two: Workspace) -> None:
    """What has changed itself will run; what is behind it may, and is told what that depends on; in a run's order."""
    put(two.folder / "projects/alpha/data_augmentation/beside.py", "COUNT = 5\n")
    assert doit(two.folder, "plan", "dataset:ssd").lines == [
        "augment:alpha@48x40  will run  projects/alpha/data_augmentation/beside.py changed",
        "annotate:alpha@ssd   may run   if the output of augment:alpha@48x40 changes",
        "split:ssd            may run   if the output of annotate:alpha@ssd changes",
        "shard:alpha@ssd      may run   if the output of annotate:alpha@ssd or split:ssd changes",
        "shard:beta@ssd       may run   if the output of split:ssd changes",
        "pack:ssd             may run   if the output of annotate:alpha@ssd or split:ssd changes",
        "tarball:ssd          may run   if the output of shard:alpha@ssd, shard:beta@ssd or 1 more changes",
        "1 will run, 6 may run, 6 up to date",
    ]


def test_several_changes(two: Workspace) -> None:
    """Each task has all of its own reasons; a setting counts as its own also where tasks before it run."""
    put(two.folder / "config/dlim.toml", "[split]\ntrain_percent = 50\n")
    move_box(two, two.folder / "projects/alpha", random.Random(1))
    put(two.folder / "projects/beta/data_augmentation/beside.py", "COUNT = 3\n")
    put(two.folder / "projects/beta/data_augmentation/more.py", "")
    steps = planned(doit(two.folder, "plan")).steps
    assert steps["split:ssd"] == ("will run", "train_percent changed from 80 to 50")
    assert steps["locate:alpha"] == ("will run", "projects/alpha/master/image_extended.xml changed")
    folder = "projects/beta/data_augmentation"
    assert steps["augment:beta@native"] == ("will run", f"{folder}/beside.py changed, {folder}/more.py is new")
    assert steps["pack:ssd"] == ("may run", "if the output of annotate:alpha@ssd, annotate:beta@ssd or 1 more changes")


def test_nothing_to_do(two: Workspace) -> None:
    """Where nothing is planned, it says what a run says that has nothing to do."""
    assert doit(two.folder, "plan").lines == ["nothing to do: 22 tasks up to date"]
    assert doit(two.folder, "run", "dataset").lines[-1] == "nothing to do: 22 tasks up to date"


def test_a_fault(two: Workspace) -> None:
    """What failed when it last ran will run again, with the fault's line; what is behind it is kept, and may run."""
    put(two.folder / "projects/alpha/data_augmentation/beside.py", "1 / 0\n")
    assert doit(two.folder, "run", "build:alpha").status != 0
    steps = planned(doit(two.folder, "plan", "build:alpha")).steps
    outlook, why = steps["augment:alpha@native"]
    assert outlook == "will run"
    assert why.startswith("failed: alpha: daug.py failed: beside.py line 1: ZeroDivisionError: division by zero; mend")
    assert steps["annotate:alpha@ssd"] == ("may run", "if the output of augment:alpha@48x40 changes")


def test_what_can_only_fail(two: Workspace) -> None:
    """A project that dlim refuses will fail, with the fault's line, and what is behind it can't run."""
    put(two.folder / "projects/alpha/project.toml", 'placement = "left-uper"\n')
    fault = 'projects/alpha/project.toml: placement: "left-uper" is unknown; did you mean "left-upper"?'
    assert doit(two.folder, "plan", "dataset:ssd").lines == [
        f"annotate:alpha@ssd  will fail  {fault}",
        "split:ssd           can't run  as annotate:alpha@ssd will fail",
        "shard:alpha@ssd     can't run  as annotate:alpha@ssd will fail",
        "shard:beta@ssd      can't run  as annotate:alpha@ssd will fail",
        "pack:ssd            can't run  as annotate:alpha@ssd will fail",
        "tarball:ssd         can't run  as annotate:alpha@ssd will fail",
        "1 will fail, 5 can't run, 4 up to date",
    ]


def test_what_is_ignored(two: Workspace) -> None:
    """What `doit ignore` named doesn't run, nor what is behind it."""
    doit(two.folder, "ignore", "split:ssd")
    assert doit(two.folder, "plan", "dataset:ssd").lines == [
        "split:ssd        ignored  as `doit ignore` said",
        "shard:alpha@ssd  ignored  as `doit ignore` said",
        "shard:beta@ssd   ignored  as `doit ignore` said",
        "pack:ssd         ignored  as `doit ignore` said",
        "tarball:ssd      ignored  as `doit ignore` said",
        "5 ignored, 8 up to date",
    ]


def test_patterns_and_files(two: Workspace) -> None:
    """Tasks are named as for a run: by patterns, and by what they leave."""
    (two.folder / "projects/beta/build/ssd/manifest.json").unlink()
    one = ["annotate:beta@ssd  will run  was never built", "1 will run, 5 up to date"]
    assert doit(two.folder, "plan", "build:b*").lines == one
    assert doit(two.folder, "plan", "projects/beta/build/ssd/manifest.json").lines[0] == one[0]


def test_what_was_built_alone(two: Workspace) -> None:
    """After one project was built, what it goes into will run, and is told which task output changed."""
    put(two.folder / "projects/alpha/data_augmentation/beside.py", "COUNT = 5\n")
    assert doit(two.folder, "run", "build:alpha").status == 0
    assert doit(two.folder, "plan", "dataset:ssd").lines == [
        "split:ssd        will run  annotate:alpha@ssd output changed",
        "shard:alpha@ssd  will run  annotate:alpha@ssd output changed",
        "shard:beta@ssd   may run   if the output of split:ssd changes",
        "pack:ssd         will run  annotate:alpha@ssd output changed",
        "tarball:ssd      may run   if the output of shard:alpha@ssd, shard:beta@ssd or 1 more changes",
        "3 will run, 2 may run, 8 up to date",
    ]


def test_labels_that_come_and_go(two: Workspace) -> None:
    """A label that a step found, and that will be another one again, doesn't make the next step run for certain."""
    two.learner("ssd", 'canvas = [48, 40]\n[labels]\none = "two"\n')
    project = two.folder / "projects/alpha"
    before = (project / "master/image_extended.xml").read_text()
    assert doit(two.folder, "run", "dataset").status == 0
    rewrite(project / "master/image_extended.xml", "name", "one")
    assert doit(two.folder, "run", "locate").status == 0
    (project / "master/image_extended.xml").write_text(before)
    assert planned(doit(two.folder, "plan")).steps["annotate:alpha@ssd"][0] == "may run"
    compare(two.folder, "dataset")


# what it leaves alone


def looks(folder: Path) -> dict[str, tuple[int, int, int]]:
    """How all files and folders of a workspace look, without reading them."""
    stats = {path: path.lstat() for path in [folder, *folder.rglob("*")]}
    return {str(path): (stat.st_mtime_ns, stat.st_size, stat.st_ino) for path, stat in stats.items()}


@pytest.mark.parametrize("command", ["plan", "why", "list"])
def test_nothing_is_written(two: Workspace, command: str) -> None:
    """Who asks changes no file and no folder, also where builds were copied or touched and are read for that."""
    paint(two, two.folder / "projects/alpha", random.Random(1))
    for path in built_files(two.folder):
        path.touch()
    before = looks(two.folder)
    contents = {path: path.read_bytes() for path in two.folder.rglob("*") if path.is_file()}
    assert doit(two.folder, command).status == 0
    assert looks(two.folder) == before
    assert {path: path.read_bytes() for path in two.folder.rglob("*") if path.is_file()} == contents


def test_no_folder_is_made(built: Workspace, tmp_path: Path) -> None:
    """In a workspace where nothing ran yet, a plan makes not even the folder of dlim's own files."""
    ignored = shutil.ignore_patterns("build", ".dlim", "data_set", "__pycache__")
    shutil.copytree(built.folder, tmp_path / "fresh", ignore=ignored)
    before = looks(tmp_path / "fresh").keys()
    plan = doit(tmp_path / "fresh", "plan")
    assert plan.lines[-1] == "22 will run, 0 up to date"
    assert {path for path in looks(tmp_path / "fresh") if "__pycache__" not in path} == before


def test_a_workspace_that_nobody_may_write(two: Workspace) -> None:
    """Where nothing can be written, the same is said."""
    move_box(two, two.folder / "projects/alpha", random.Random(1))
    expected = doit(two.folder, "plan")
    mount = f"mount --bind {two.folder} {two.folder} && mount -o remount,bind,ro {two.folder} && ! touch {two.folder}/x"
    shell = f"({mount}) 2>&1 && cd {two.folder} && {sys.executable} -B -m doit plan"
    done = subprocess.run(["unshare", "-rm", "sh", "-c", shell], capture_output=True, text=True, check=False)
    if "unshare" in done.stderr:
        pytest.skip("unshare isn't allowed here")
    assert done.stdout.splitlines()[-len(expected.lines) :] == expected.lines
    assert done.stderr == ""


def test_a_run_at_work(workspace: Workspace) -> None:
    """While a run is at work, who asks is answered, and neither waits nor disturbs it."""
    with run_at_work(workspace):
        for command in ("plan", "why", "list"):
            done = workspace.doit(command)
            assert (done.returncode, done.stderr) == (0, "")
            assert ("tarball:ssd would run: was never built" if command == "why" else "slow") in done.stdout


def test_after_a_kill(workspace: Workspace) -> None:
    """What a killed run had finished isn't planned again, and its state file is as it was left."""
    workspace.project("aaa")
    assert doit(workspace.folder, "run", "augment").status == 0
    mark = workspace.folder / "mark"
    workspace.project("zzz", script=f"import time\nopen({str(mark)!r}, 'w').close()\ntime.sleep(60)\n")
    with subprocess.Popen([sys.executable, "-m", "doit"], cwd=workspace.folder, stdout=subprocess.DEVNULL) as run:
        wait_for(mark)
        run.kill()
    files = [path for path in (workspace.folder / ".dlim").glob("state.db*") if not path.name.endswith("-shm")]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    assert len(before) == 2
    steps = planned(doit(workspace.folder, "plan")).steps
    assert "augment:aaa@native" not in steps
    assert "augment:zzz@native" in steps
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files} == before


# what it says of faults


@pytest.mark.parametrize("command", ["plan", "why", "list"])
def test_a_reader_that_leaves(two: Workspace, command: str) -> None:
    """`doit plan | head -1` ends in silence."""
    paint(two, two.folder / "projects/alpha", random.Random(1))
    shell = f"{sys.executable} -m doit {command} | head -1"
    done = subprocess.run(["sh", "-c", shell], cwd=two.folder, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["plan", "why", "list"])
def test_a_task_that_is_not_there(two: Workspace, command: str) -> None:
    """An unknown task is one line with the nearest that is there; where none is near, with the way to all."""
    answer = doit(two.folder, command, "build:alpa")
    assert (answer.status, answer.out) == (3, "")
    assert answer.err == 'doit: "build:alpa" is no task; did you mean "build:alpha"?\n'
    assert doit(two.folder, command, "xy").err == 'doit: "xy" is no task; doit list shows those there are\n'


def test_a_file_that_cannot_be_read(two: Workspace) -> None:
    """A file beside a script that can't be read, and that the script doesn't read, keeps nothing from being told."""
    path = two.folder / "projects/alpha/data_augmentation/empty.txt"
    path.touch()
    assert doit(two.folder, "run", "build:alpha").status == 0
    path.unlink()
    path.symlink_to("/proc/self/mem")  # as empty as the file was, and read by nobody, not even by root
    for command in ("plan", "why", "list"):
        assert doit(two.folder, command, "build:alpha").err == ""
    answer = doit(two.folder, "run", "build")
    assert f"{path.relative_to(two.folder)} changed" in answer.out
    assert "Traceback" not in answer.out + answer.err


# edits of a workspace: each gets one of its projects, and dice

Edit = Callable[[Workspace, Path, random.Random], object]


def nothing(workspace: Workspace, project: Path, dice: random.Random) -> None:
    """No edit at all: what the simplest example consists of."""


def touch(workspace: Workspace, project: Path, dice: random.Random) -> None:
    for path in dice.sample(files(workspace.folder), 3):
        path.touch()


def paint(workspace: Workspace, project: Path, dice: random.Random) -> None:
    draw_master(project / "master/image.jpg", SIZE, (4, 3, 12, 9), colour=dice.choice([10, 60]))


def enlarge(workspace: Workspace, project: Path, dice: random.Random) -> None:
    draw_master(project / "master/image.jpg", dice.choice([(20, 12), (60, 50)]), (4, 3, 12, 9))


def move_box(workspace: Workspace, project: Path, dice: random.Random) -> None:
    rewrite(project / "master/image_extended.xml", "xmax", dice.choice(["10", "11"]))


def rename_object(workspace: Workspace, project: Path, dice: random.Random) -> None:
    rewrite(project / "master/image_extended.xml", "name", dice.choice(["one", "two", "No Label"]))


def save_box_again(workspace: Workspace, project: Path, dice: random.Random) -> None:
    rewrite(project / "master/image_extended.xml", "folder", dice.choice(["here", "there"]))


def rewrite(path: Path, element: str, text: str) -> None:
    if path.exists():
        before, _, after = path.read_text().partition(f"<{element}>")
        path.write_text(f"{before}<{element}>{text}</{element}>{after.partition(f'</{element}>')[2]}")


def lose(workspace: Workspace, project: Path, dice: random.Random) -> None:
    names = ["master/image.jpg", "master/image_extended.xml", "master/image_extended.jpg", "data_augmentation/daug.py"]
    (project / dice.choice(names)).unlink(missing_ok=True)


def mend(workspace: Workspace, project: Path, dice: random.Random) -> None:
    shutil.rmtree(project)
    make(workspace, project.name, dice.choice([4, 5]))


def script(workspace: Workspace, project: Path, dice: random.Random) -> None:
    texts = [f"# a comment\n{SCRIPT}", SCRIPT, f"{SCRIPT}variations.brightness()\n", "pass\n", "1 / 0\n"]
    put(project / "data_augmentation/daug.py", dice.choice(texts))


def module(workspace: Workspace, project: Path, dice: random.Random) -> None:
    put(project / "data_augmentation/beside.py", f"COUNT = {dice.choice([4, 5])}\n")


def other_file(workspace: Workspace, project: Path, dice: random.Random) -> None:
    path = project / "data_augmentation/notes.txt"
    path.unlink() if path.exists() else put(path, "")


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def settle_project(workspace: Workspace, project: Path, dice: random.Random) -> None:
    texts = ["", 'placement = "right-lower"\n', 'label = "other"\n', "generator = true\n", 'placement = "nowhere"\n']
    put(project / "project.toml", dice.choice(texts))


def settle(workspace: Workspace, project: Path, dice: random.Random) -> None:
    texts = ["", "seed = 2\n", "[split]\ntrain_percent = 60\n", '[split]\nby = "master"\n', "[augment]\ncval = 9\n"]
    put(workspace.folder / "config/dlim.toml", dice.choice(texts))


def learn(workspace: Workspace, project: Path, dice: random.Random) -> None:
    tables = ["", '[labels]\none = "two"\n', f'[labels]\n"{project.name[:2]}*" = "third"\n']
    keys = ["", 'boxes = "master"\n', "class_lists = false\n", f'exclude = ["{project.name}"]\n', 'boxes = "slave"\n']
    canvas = dice.choice(["[48, 40]", "[40, 40]", '"native"'])
    workspace.learner("ssd", f"canvas = {canvas}\n{dice.choice(keys)}{dice.choice(tables)}")


def learn_more(workspace: Workspace, project: Path, dice: random.Random) -> None:
    path = workspace.folder / "config/learners/yolo.toml"
    path.unlink() if path.exists() else put(path, "canvas = [48, 40]\n")


def add(workspace: Workspace, project: Path, dice: random.Random) -> None:
    name = dice.choice(["gamma", "delta", "no name"])
    if not (project.parent / name).exists():
        make(workspace, name)


def double(workspace: Workspace, project: Path, dice: random.Random) -> None:
    if project.name != "copied":
        shutil.copytree(project, project.with_name("copied"), dirs_exist_ok=True)


def remove(workspace: Workspace, project: Path, dice: random.Random) -> None:
    if len(projects(workspace)) > 2:
        shutil.rmtree(project)


def rename(workspace: Workspace, project: Path, dice: random.Random) -> None:
    if not (other := project.with_name("renamed")).exists():
        project.rename(other)


def harm(workspace: Workspace, project: Path, dice: random.Random) -> None:
    """Damage something that was built: where it is a link, also what it is linked to."""
    path = dice.choice(built_files(workspace.folder))
    how = dice.choice(["delete", "empty", "half", "other", "folder", "stray"])
    if how == "delete":
        path.unlink()
    elif how == "folder":
        shutil.rmtree(path.parent)
    elif how == "stray":
        (path.parent / "stray.jpg").write_bytes(path.read_bytes())
    else:
        data = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes({"empty": b"", "half": data[: len(data) // 2], "other": data[::-1]}[how])


def harm_manifest(workspace: Workspace, project: Path, dice: random.Random) -> None:
    path = dice.choice([path for path in built_files(workspace.folder) if path.name.endswith("manifest.json")])
    path.chmod(0o644)
    path.write_text(dice.choice(["", "{}", path.read_text().replace("1", "2")]))


def forget(workspace: Workspace, project: Path, dice: random.Random) -> None:
    doit(workspace.folder, "forget", dice.choice([f"annotate:{project.name}@ssd", "split:ssd", "dataset:ssd"]))


def ignore(workspace: Workspace, project: Path, dice: random.Random) -> None:
    doit(workspace.folder, "ignore", dice.choice([f"augment:{project.name}@native", "shard", "split:ssd"]))


def heed(workspace: Workspace, project: Path, dice: random.Random) -> None:
    doit(workspace.folder, "forget", "split", "shard", "augment")


def lose_state(workspace: Workspace, project: Path, dice: random.Random) -> None:
    (workspace.folder / ".dlim/state.db").unlink(missing_ok=True)


def clean(workspace: Workspace, project: Path, dice: random.Random) -> None:
    doit(workspace.folder, "clean", dice.choice(["dataset:ssd", f"build:{project.name}"]))


CHANGES: list[Edit] = [
    *(nothing, touch, paint, enlarge, move_box, rename_object, save_box_again, lose, mend, script, module, other_file),
    *(settle_project, settle, learn, learn_more, add, double, remove, rename, harm, harm_manifest, forget, ignore),
    *(heed, lose_state, clean),
]


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".db", ".pyc"))


def built_files(folder: Path) -> list[Path]:
    return [path for path in files(folder) if {"build", "data_set", "split", "shards"} & {*path.parts}]


def projects(workspace: Workspace) -> list[Path]:
    return sorted((workspace.folder / "projects").iterdir())


# and that it is true

EDITS = int(os.environ.get("DLIM_EDITS", "200"))
"""How many edits are tried. With a number of one's own, they are other ones each time."""

STEPS = 20
"""How many edits a workspace is given, one after the other."""


@dataclass(frozen=True)
class Planned:
    """What a plan says. steps: what would happen to a task and why, by task, in a run's order."""

    steps: dict[str, tuple[str, str]]
    account: str

    def those(self, *outlooks: str) -> set[str]:
        return {name for name, (outlook, _) in self.steps.items() if outlook in outlooks}


def planned(answer: Answer) -> Planned:
    *lines, account = answer.lines
    found = [re.fullmatch(r"(.*?) +(will run|may run|will fail|can't run|ignored) +(.*)", line) for line in lines]
    assert None not in found, answer.out
    return Planned({each[1]: (each[2], each[3]) for each in found if each}, account)


def compare(folder: Path, asked: str) -> None:
    """Plan, run, compare; and plan again, where nothing failed: nothing is left."""
    before = looks(folder)
    answer = doit(folder, "plan", asked)
    assert looks(folder) == before
    done = doit(folder, "run", asked)
    assert done.err == answer.err
    if answer.status:
        assert done.status == answer.status
        return
    plan, ran = planned(answer), tasks_run(done)
    told = f"{asked}:\n{answer.out}\n{done.out}"
    assert ran <= plan.those("will run", "may run"), told
    left = plan.those("will run") - ran
    assert not left or left <= behind(folder, failed(folder, {*plan.steps})), told
    if not plan.steps:
        assert done.lines[-1] == plan.account, told
    if done.status == 0:
        again = doit(folder, "plan", asked)
        assert planned(again).those("will run", "may run", "will fail", "can't run") == set(), told + again.out


def tasks_run(done: Answer) -> set[str]:
    """The tasks that a run says to have run: their lines, and what they say of themselves, begin with their names."""
    lines = [line.partition(": ") for line in done.lines]
    return {name for name, _, text in lines if " " not in name and ":" in name and not text.startswith("ignored")}


def failed(folder: Path, names: set[str]) -> set[str]:
    records = Memory(str(folder / ".dlim/state.db"), JSONCodec()).records
    return {name for name in names if name in records and records[name].failed}


def behind(folder: Path, names: set[str]) -> set[str]:
    """Some steps, and all that depend on them."""
    with inside(folder):
        steps = Pipeline(At()).steps
    found: set[str] = set()
    more = names
    while more:
        found |= more
        more = {name for name, step in steps.items() if found & {*step.before}} - found
    return found


def tried(asked: list[str], edits: int = EDITS // 2) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Try so many edits, after each of which one of these is asked for; nothing where another edit comes first."""
    steps = st.tuples(st.sampled_from(CHANGES), st.integers(0, 2**16), st.sampled_from(asked))
    count = min(STEPS, edits)
    chosen = settings(
        max_examples=edits // count + 1,  # the first is the simplest: no edit, as often
        derandomize="DLIM_EDITS" not in os.environ,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # to shrink the edits, with their runs, would take longer than to read them
    )
    return lambda test: chosen(given(steps=st.lists(steps, min_size=count, max_size=count))(test))


def edited(workspace: Workspace, steps: list[tuple[Edit, int, str]]) -> None:
    for edit, seed, asked in steps:
        dice = random.Random(seed)
        note(f"{edit.__name__} {seed}")
        edit(workspace, dice.choice(projects(workspace)), dice)
        if asked:
            compare(workspace.folder, asked)
    shutil.rmtree(workspace.folder)


@tried(["dataset", "dataset:ssd", "build:*", ""], edits=10)
def test_plan_and_run_agree(
    built: Workspace, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Edit, int, str]]
) -> None:
    """A run runs all that will run, unless it is behind a fault, and nothing that neither will nor may run."""
    edited(copied(built, tmp_path_factory.mktemp("edited") / "workspace"), steps)


@pytest.mark.long
@tried(["dataset", "dataset", "dataset", "dataset:ssd", "build", "build:*", "locate", "augment", "annotate"])
def test_plan_and_run_agree_after_any_edit(
    built: Workspace, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Edit, int, str]]
) -> None:
    """That holds for hundreds of edits of all kinds."""
    edited(copied(built, tmp_path_factory.mktemp("edited") / "workspace"), steps)


@pytest.mark.long
@tried(["dataset", "build", "annotate", "", "", ""])
def test_plan_and_run_agree_after_several_edits(
    built: Workspace, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Edit, int, str]]
) -> None:
    """So it does where several things were edited, and parts of them were made, since all was up to date."""
    edited(copied(built, tmp_path_factory.mktemp("edited") / "workspace"), steps)
