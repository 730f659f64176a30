"""What is rebuilt when, and what a user is told: doit run on real workspaces, in processes of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import FEW, Workspace, draw_master, new_workspace


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the projects alpha and beta, built for both learners."""
    workspace = new_workspace(tmp_path_factory.mktemp("built"))
    workspace.project("alpha", script=FEW + "import shift\nvariations.zoom(*shift.ZOOM)\n")
    (workspace.folder / "projects/alpha/data_augmentation/shift.py").write_text("ZOOM = 0.8, 1.2\n")
    workspace.project("beta", size=(40, 40), label="alpha")
    done = workspace.doit("dataset")
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace


@pytest.fixture
def two(built: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it, to do with as a test likes: times are kept, as doit looks at them."""
    shutil.copytree(built.folder, tmp_path, dirs_exist_ok=True)
    return Workspace(tmp_path)


def pair(kind: str, name: str) -> set[str]:
    """A stage's two tasks for a project or for both learners."""
    ends = ("native", "400x400") if kind == "augment" else ("resnet34", "ssd")
    return {f"{kind}:{name}@{end}" if name else f"{kind}:{end}" for end in ends}


def shared(*kinds: str) -> set[str]:
    return set().union(*(pair(kind, "") for kind in kinds))


ALL_OF_ALPHA = pair("augment", "alpha") | pair("annotate", "alpha") | pair("shard", "alpha")


def test_nothing_runs_twice(two: Workspace) -> None:
    """A second run of the same has nothing to do, and says so."""
    done = two.doit("dataset")
    assert done.stdout.splitlines()[-1].startswith("nothing to do: ")
    assert two.ran("dataset") == set()


def test_touching_is_no_change(two: Workspace) -> None:
    """Files with a new time and the same contents rebuild nothing."""
    for path in two.folder.rglob("*"):
        if path.is_file() and ".dlim" not in path.parts:
            path.touch()
    assert two.ran("dataset") == set()


def test_a_master_rebuilds_its_project_alone(two: Workspace) -> None:
    """A changed master rebuilds its own project for both learners, and what is joined from it."""
    draw_master(two.folder / "projects/alpha/master/image.jpg", (32, 24), (8, 6, 24, 18), colour=90)
    assert two.ran("dataset") == ALL_OF_ALPHA | {"extend:alpha", "locate:alpha"} | shared("split", "pack", "tarball")


def test_a_script_rebuilds_its_variations(two: Workspace) -> None:
    """A changed daug.py rebuilds the project's variations and what follows, not its boxes."""
    script = two.folder / "projects/alpha/data_augmentation/daug.py"
    script.write_text(script.read_text().replace("count=5", "count=6"))
    assert two.ran("dataset") == ALL_OF_ALPHA | shared("split", "pack", "tarball")


def test_a_module_beside_the_script_counts(two: Workspace) -> None:
    """A changed module beside daug.py is a changed daug.py."""
    (two.folder / "projects/alpha/data_augmentation/shift.py").write_text("ZOOM = 0.7, 1.1\n")
    assert two.ran("dataset") == ALL_OF_ALPHA | shared("split", "pack", "tarball")


def test_a_comment_in_a_script_ends_where_the_images_are_the_same(two: Workspace) -> None:
    """A daug.py that writes the same images as before rebuilds nothing behind them."""
    script = two.folder / "projects/alpha/data_augmentation/daug.py"
    script.write_text(script.read_text() + "# a comment\n")
    assert two.ran("dataset") == pair("augment", "alpha")


def test_a_box_rebuilds_annotations_alone(two: Workspace) -> None:
    """A changed box rebuilds the annotations and the archive, not one image."""
    box = two.folder / "projects/alpha/master/image_extended.xml"
    box.write_text(box.read_text().replace("<xmax>24</xmax>", "<xmax>28</xmax>"))
    ran = two.ran("dataset")
    assert ran == {"locate:alpha"} | pair("annotate", "alpha") | pair("shard", "alpha") | shared(
        "split", "pack", "tarball"
    )


def test_a_box_saved_again_is_no_change(two: Workspace) -> None:
    """A box file written anew with the same box, by another program, rebuilds nothing behind its reading."""
    box = two.folder / "projects/alpha/master/image_extended.xml"
    box.write_text(box.read_text().replace("<folder>master</folder>", "<folder>x</folder><path>/a/b.jpg</path>"))
    assert two.ran("dataset") == {"locate:alpha"}


def test_the_percentage_redivides_alone(two: Workspace) -> None:
    """Another train percentage divides anew, for all projects at once, and makes no image."""
    (two.folder / "config/dlim.toml").write_text("[split]\ntrain_percent = 70\n")
    assert two.ran("dataset") == shared("split", "pack", "tarball")


def test_the_seed_rebuilds_every_image(two: Workspace) -> None:
    """Another seed draws every variation anew, and no box."""
    (two.folder / "config/dlim.toml").write_text("seed = 2\n")
    ran = two.ran("dataset")
    images = ALL_OF_ALPHA | pair("augment", "beta") | pair("annotate", "beta") | pair("shard", "beta")
    assert ran == images | shared("split", "pack", "tarball")


def test_a_label_map_rebuilds_what_it_maps(two: Workspace) -> None:
    """A learner's new label rebuilds that learner's annotations of the projects with the label, and no image."""
    two.project("gamma")
    assert two.doit("dataset").returncode == 0
    two.learner("ssd", 'canvas = [400, 400]\n[labels]\n"gam*" = "third"\n')
    ran = two.ran("dataset")
    assert ran == {"annotate:gamma@ssd", "shard:gamma@ssd", "split:ssd", "pack:ssd", "tarball:ssd"}


def test_a_canvas_rebuilds_one_learner(two: Workspace) -> None:
    """Another canvas rebuilds that learner's images and leaves the other learner alone."""
    two.learner("ssd", "canvas = [300, 300]\n")
    ran = two.ran("dataset")
    assert {name.rpartition("@")[2].rpartition(":")[2] for name in ran} == {"300x300", "ssd"}


def test_a_placement_rebuilds_its_project(two: Workspace) -> None:
    """A project moved to another corner is rebuilt, and the other one is not."""
    (two.folder / "projects/alpha/project.toml").write_text('placement = "right-lower"\n')
    ran = two.ran("dataset")
    assert "augment:alpha@400x400" in ran
    assert not any("beta" in name for name in ran)


def test_a_new_project_leaves_the_others_alone(two: Workspace) -> None:
    """An added project is built, and moves no image of another between train and val."""
    before = sets(two, "ssd")
    two.project("gamma")
    ran = two.ran("dataset")
    assert not any("alpha" in name or "beta" in name for name in ran)
    after = sets(two, "ssd")
    assert before["train"] <= after["train"]
    assert before["val"] <= after["val"]


def sets(workspace: Workspace, learner: str) -> dict[str, set[str]]:
    """The ids in a dataset's lists."""
    folder = workspace.folder / "data_set" / learner / "ImageSets/Main"
    return {name: set((folder / f"{name}.txt").read_text().split()) for name in ("train", "val", "trainval", "test")}


@pytest.mark.parametrize(
    ("harm", "where"),
    [
        ("delete", "projects/alpha/build/ssd"),
        ("damage", "projects/alpha/build/.variations/native"),
        ("damage of the same size", "projects/alpha/build/ssd"),
        ("stray", "projects/alpha/build/.variations/native"),
        ("manifest", "projects/alpha/build/ssd"),
    ],
)
def test_a_harmed_build_heals(two: Workspace, harm: str, where: str) -> None:
    """A build with a deleted, a damaged or a stray file is made again, and the dataset is what it was."""
    before = digests(two)
    folder = two.folder / where
    image = min(folder.glob("*.jpg"))
    data = image.read_bytes()
    if harm == "delete":
        image.unlink()
    elif harm == "damage":
        image.write_bytes(data[: len(data) // 2])
    elif harm == "damage of the same size":
        image.write_bytes(data[:-50] + bytes(50))
    elif harm == "stray":
        (folder / "stray.jpg").write_bytes(data)
    else:
        manifest = folder / "manifest.json"
        manifest.write_text(manifest.read_text().replace("0", "1", 1))
    assert two.ran("dataset") != set()
    assert digests(two) == before
    assert not (folder / "stray.jpg").exists()
    assert two.ran("dataset") == set()


@pytest.mark.parametrize("path", ["data_set/ssd.tar.gz", "data_set/ssd/labelmap.txt", "data_set/ssd/JPEGImages"])
def test_a_harmed_dataset_heals(two: Workspace, path: str) -> None:
    """A dataset or archive of which something is gone is made again, from builds that stay."""
    before = digests(two)
    target = two.folder / path
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    ran = two.ran("dataset")
    assert ran
    assert ran <= {"pack:ssd", "tarball:ssd"}
    assert digests(two) == before


def test_a_labelling_image_heals(two: Workspace) -> None:
    """A deleted or painted-over image_extended.jpg is made again."""
    extended = two.folder / "projects/alpha/master/image_extended.jpg"
    data = extended.read_bytes()
    extended.unlink()
    assert two.ran("extend:alpha") == {"extend:alpha"}
    extended.write_bytes(data[:-1])
    assert two.ran("extend:alpha") == {"extend:alpha"}
    assert extended.read_bytes() == data


def digests(workspace: Workspace) -> dict[str, str]:
    """The SHA-256 of each archive."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((workspace.folder / "data_set").glob("*.tar.gz"))
    }


def test_two_clones_make_the_same_bytes(two: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same workspace elsewhere, built by two at once, gives archives with the same SHA-256."""
    other = Workspace(tmp_path_factory.mktemp("elsewhere") / "with a space")
    ignored = shutil.ignore_patterns("build", ".dlim", "data_set")
    shutil.copytree(two.folder, other.folder, ignore=ignored)
    done = other.doit("-n", "2", "dataset")
    assert done.returncode == 0, done.stdout + done.stderr
    assert digests(other) == digests(two)


def test_what_a_dataset_promises(two: Workspace) -> None:
    """Exact shares, trainval as the union, no val image in train, and an archive of exactly the dataset's files."""
    for learner in ("ssd", "resnet34"):
        found = sets(two, learner)
        assert found["trainval"] == found["train"] | found["val"]
        assert not found["train"] & found["val"]
        for project in ("alpha_0", "alpha_beta-"):
            share = [sum(name.startswith(project) for name in found[part]) for part in ("train", "val")]
            total = sum(share)
            assert share[0] == (total * 80 + 50) // 100
        folder = two.folder / "data_set" / learner
        images = {path.stem: path.read_bytes() for path in (folder / "JPEGImages").iterdir()}
        assert len(set(images.values())) == len(images)
        with tarfile.open(two.folder / "data_set" / f"{learner}.tar.gz") as tar:
            packed = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
            contents = {name: file.read() for name, file in packed.items() if file}
        laid_out = {
            f"data_set/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and path.name != "manifest.json"
        }
        assert contents == laid_out


ERRORS = [
    pytest.param(
        lambda folder: (folder / "data_augmentation/daug.py").unlink(),
        "alpha: data_augmentation/daug.py is missing; copy sample/daug.py to projects/alpha/data_augmentation/daug.py",
        id="no script",
    ),
    pytest.param(
        lambda folder: (folder / "data_augmentation/daug.py").write_text("\n1 / 0\n"),
        "alpha: daug.py failed: daug.py line 2: ZeroDivisionError: division by zero; mend it; what it printed is in "
        ".dlim/logs/alpha@",
        id="a script that fails",
    ),
    pytest.param(
        lambda folder: (folder / "data_augmentation/daug.py").write_text("pass\n"),
        "alpha: daug.py wrote no image; write .jpg files into the folder it runs in, or use dlim.augment",
        id="a script that writes nothing",
    ),
    pytest.param(
        lambda folder: (folder / "data_augmentation/daug.py").write_text("open('a.jpg', 'w').write('no image')\n"),
        "alpha: daug.py wrote a.jpg, which is not an image, or only part of one; write whole JPEG files",
        id="a script that writes what is no image",
    ),
    pytest.param(
        lambda folder: (folder / "project.toml").write_text('placement = "right-uper"\n'),
        'projects/alpha/project.toml: placement: "right-uper" is unknown; did you mean "right-upper"?',
        id="a wrong placement",
    ),
]


@pytest.mark.parametrize(("harm", "line"), ERRORS)
def test_a_fault_is_one_line_and_the_others_build(two: Workspace, harm, line: str) -> None:  # type: ignore[no-untyped-def]
    """A fault of one project is one line with the way out; with --continue the others build; no half build is left."""
    harm(two.folder / "projects/alpha")
    draw_master(two.folder / "projects/beta/master/image.jpg", (40, 40), (10, 10, 30, 30), colour=99)
    done = two.doit("--continue", "dataset")
    failed = [text for text in done.stdout.splitlines() if text.startswith("FAILED ")]
    different = {text.rpartition("@")[0] or text for text in failed}  # the log's name ends with the canvas
    assert len(different) == 1, done.stdout
    assert failed[0].startswith(f"FAILED {line}")
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    assert {"annotate:beta@ssd", "annotate:beta@resnet34"} <= {
        text.partition(": ")[0] for text in done.stdout.splitlines()
    }
    assert not list(two.folder.rglob(".fresh-*"))
    assert not list(two.folder.rglob(".old-*"))


@pytest.mark.parametrize(
    ("lacking", "line"),
    [
        ("image.jpg", "alpha: left out: has no image yet; doit new alpha --image crop.png puts it there"),
        ("image_extended.xml", "alpha: left out: has no box yet; doit label:alpha draws it, "),
    ],
)
def test_what_is_unfinished_is_left_out(two: Workspace, lacking: str, line: str) -> None:
    """A project without an image or a box keeps nobody from building, and is said; with --strict it is a fault."""
    (two.folder / "projects/alpha/master" / lacking).unlink()
    done = two.doit("dataset")
    assert done.returncode == 0
    assert done.stdout.startswith(line)
    assert all("beta" in name for name in sets(two, "ssd")["trainval"])
    assert line in two.doit("list").stdout
    assert two.doit("--strict", "dataset").returncode == 1
    assert two.doit("build:alpha").returncode == 1


def test_a_fault_mended_goes_on(two: Workspace) -> None:
    """After a fault is mended, the same command builds what is missing, and the dataset is what it was."""
    before = digests(two)
    script = two.folder / "projects/alpha/data_augmentation/daug.py"
    text = script.read_text()
    script.write_text("1 / 0\n")
    assert two.doit("dataset").returncode != 0
    assert "failing" in two.doit("list", "build:alpha").stdout
    script.write_text(text)
    assert two.doit("dataset").returncode == 0
    assert digests(two) == before


CONFIG_ERRORS = [
    pytest.param(
        "config/learners/ssd.toml",
        "canvs = [400, 400]\n",
        'config/learners/ssd.toml: canvs: is no key here; did you mean "canvas"?',
        id="a wrong key",
    ),
    pytest.param(
        "config/dlim.toml",
        '[split]\ntrain_percent = "80"\n',
        'config/dlim.toml: split.train_percent: is "80"; write a whole number, 1 to 99, without quotes',
        id="a wrong type",
    ),
    pytest.param(
        "config/learners/ssd.toml",
        'canvas = "native"\ninclude = ["alpa"]\n',
        'config/learners/ssd.toml: include: "alpa" matches no project; did you mean "alpha"?',
        id="a project that isn't there",
    ),
    pytest.param("config/dlim.toml", "seed = \n", "config/dlim.toml: is no TOML: ", id="no TOML"),
]


@pytest.mark.parametrize(("path", "text", "line"), CONFIG_ERRORS)
def test_a_wrong_setting_is_one_line(workspace: Workspace, path: str, text: str, line: str) -> None:
    """A wrong key, type or value is one line with the file, the key and the nearest right word."""
    workspace.project("alpha")
    (workspace.folder / path).write_text(text)
    done = workspace.doit("dataset")
    assert done.returncode == 3
    assert done.stderr.startswith(f"{line}")
    assert done.stderr.count("\n") == 1


def test_a_wrong_task_is_one_line(workspace: Workspace) -> None:
    """A task that isn't there is one line with the nearest one that is."""
    workspace.project("close_btn")
    done = workspace.doit("build:close_button")
    assert done.returncode == 3
    assert done.stderr == 'doit: "build:close_button" is no task; did you mean "build:close_btn"?\n'


def test_list_of_a_wrong_task_is_one_line(two: Workspace) -> None:
    """`doit list` knows its tasks as a run does."""
    done = two.doit("list", "build:alpa")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == 'doit: "build:alpa" is no task; did you mean "build:alpha"?\n'


def test_list_says_what_would_run_and_why(two: Workspace) -> None:
    """`doit list` tells, of each task that people type, its state, and the reason wherever it comes from."""
    lines = two.doit("list").stdout.splitlines()
    assert {line.split()[0] for line in lines} >= {"extend:alpha", "build:alpha", "dataset:ssd"}
    assert not any("@" in line for line in lines)
    assert all("up to date" in line or "on demand" in line for line in lines)
    (two.folder / "projects/alpha/data_augmentation/shift.py").write_text("ZOOM = 0.7, 1.1\n")
    told = {line.split()[0]: line for line in two.doit("list").stdout.splitlines()}
    reason = "projects/alpha/data_augmentation/shift.py changed"
    for name in ("build:alpha", "dataset:ssd", "dataset:resnet34"):
        assert "to run" in told[name]
        assert reason in told[name]
    assert "up to date" in told["build:beta"]


def test_a_run_says_why(two: Workspace) -> None:
    """Each task that runs says what changed."""
    (two.folder / "config/dlim.toml").write_text("[split]\ntrain_percent = 70\n")
    lines = two.doit("dataset:ssd").stdout.splitlines()
    assert lines[0] == "split:ssd: train_percent changed from 80 to 70"


def test_a_file_that_comes_or_goes_is_named(two: Workspace) -> None:
    """A file that is new beside daug.py, or gone from there, is the reason that a run gives."""
    extra = two.folder / "projects/alpha/data_augmentation/extra.py"
    extra.touch()
    path = "projects/alpha/data_augmentation/extra.py"
    assert two.doit("build:alpha").stdout.startswith(f"augment:alpha@native: {path} is new\n")
    extra.unlink()
    assert f"augment:alpha@native: {path} is gone\n" in two.doit("list", "build:alpha").stdout
    assert two.doit("build:alpha").stdout.startswith(f"augment:alpha@native: {path} is gone\n")


@pytest.mark.parametrize("command", ["list", "-a dataset", "-a -n 2 dataset"])
def test_a_reader_that_leaves_gets_no_traceback(two: Workspace, command: str) -> None:
    """`doit ... | head -1` ends in silence, and the next run is right."""
    shell = f"{sys.executable} -m doit {command} | head -1"
    done = subprocess.run(["sh", "-c", shell], cwd=two.folder, capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
    assert two.doit("dataset").returncode == 0


def test_clean_removes_what_was_made_and_nothing_else(two: Workspace) -> None:
    """`doit clean` leaves what people made, and the next run makes the same again."""
    before = digests(two)
    kept = {path: path.read_bytes() for path in two.folder.glob("projects/*/master/*")}
    assert two.doit("clean").returncode == 0
    assert not list((two.folder / "data_set").glob("ssd*"))
    assert not list(two.folder.glob("projects/*/build/*/*.jpg"))
    assert {path: path.read_bytes() for path in two.folder.glob("projects/*/master/*")} == kept
    assert two.doit("dataset").returncode == 0
    assert digests(two) == before


@contextmanager
def run_at_work(workspace: Workspace) -> Iterator[None]:
    """A run that works as long as the block does, and must succeed after it."""
    go = workspace.folder / "go"
    wait = f"import os, time\nwhile not os.path.exists({str(go)!r}):\n    time.sleep(0.05)\n"
    workspace.project("slow", script=wait + FEW)
    with subprocess.Popen(
        [sys.executable, "-m", "doit"], cwd=workspace.folder, stdout=subprocess.PIPE, text=True
    ) as run:
        try:
            wait_for(workspace.folder / "projects/slow/build")
            yield
        finally:
            go.touch()
        assert run.wait(60) == 0


def test_what_would_disturb_a_run_is_refused(workspace: Workspace) -> None:
    """While one run is at work, a second one, or a clean, is refused in a line, and the first goes on."""
    with run_at_work(workspace):
        for command in ("dataset", "clean"):
            done = workspace.doit(command)
            assert done.returncode == 3
            assert "is being built already, by process" in done.stderr
            assert done.stderr.count("\n") == 1


def wait_for(path: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "ending",
    [
        signal.SIGKILL,
        signal.SIGINT,
        *(pytest.param(each, marks=pytest.mark.long) for each in (signal.SIGTERM, signal.SIGHUP)),
    ],
)
def test_a_killed_run_keeps_what_it_finished(workspace: Workspace, ending: signal.Signals) -> None:
    """However a run is ended, what it finished is not made again, nothing half-made is left, and no child lives on."""
    workspace.project("aaa")
    assert workspace.ran("augment")
    # the marker says that the script lives; after it the run is killed
    script = (
        "import os, subprocess\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "open(os.environ['MARK'], 'w').write(f'{os.getpid()} {child.pid}')\n"
        "child.wait()\n"
    )
    workspace.project("zzz", script=script)
    mark = workspace.folder / "mark"
    run = subprocess.Popen(
        [sys.executable, "-m", "doit"],
        cwd=workspace.folder,
        env={**os.environ, "MARK": str(mark)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(mark)
    run.send_signal(ending)
    _, error = run.communicate(timeout=120)
    assert run.returncode != 0
    if ending != signal.SIGKILL:
        assert error == "interrupted: what was finished is kept; the same command goes on\n"
    for number in mark.read_text().split():
        wait_until_gone(int(number))
    (workspace.folder / "projects/zzz/data_augmentation/daug.py").write_text(FEW)
    ran = workspace.ran("dataset")
    assert "augment:zzz@native" in ran
    assert "augment:aaa@native" not in ran
    assert not list(workspace.folder.rglob(".fresh-*"))


def wait_until_gone(number: int, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while lives(number):
        assert time.monotonic() < end, f"process {number} lives on"
        time.sleep(0.05)


def lives(number: int) -> bool:
    """Whether there is a process of that number that is not just waiting to be buried."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_changes_while_it_is_built_from_is_not_taken_for_built(workspace: Workspace) -> None:
    """A script saved while it runs fails that run in a line, and the next run uses what was saved."""
    script = FEW + "with open(__file__, 'a') as file:\n    file.write('# saved\\n')\n"
    folder = workspace.project("alpha", script=script)
    done = workspace.doit("build:alpha")
    assert done.returncode == 1
    assert (
        "projects/alpha/data_augmentation/daug.py: was changed while it was being built from; run again" in done.stdout
    )
    (folder / "data_augmentation/daug.py").write_text(FEW)
    assert workspace.doit("build:alpha").returncode == 0


@pytest.mark.parametrize("contents", [b"no database at all, only text", b""])
def test_a_broken_state_file_loses_nothing(two: Workspace, contents: bytes) -> None:
    """A state file of garbage is one line with the way out; after it, the same datasets come out."""
    before = digests(two)
    state = two.folder / ".dlim/state.db"
    state.write_bytes(contents)
    done = two.doit("dataset")
    if contents:
        assert done.returncode == 3
        assert done.stderr == ".dlim/state.db: can't be read; delete it, and the next run builds everything anew\n"
        state.unlink()
        done = two.doit("dataset")
    assert done.returncode == 0
    assert digests(two) == before


def test_a_learners_dataset_is_its_own_matter(two: Workspace) -> None:
    """dataset:ssd builds nothing for another learner, and asks nothing of it: not even that it can be built."""
    two.learner("third", "canvas = [8, 8]\n")  # in which no crop has room
    assert two.ran("dataset:ssd") == set()
    (two.folder / "projects/alpha/data_augmentation/daug.py").write_text(FEW.replace("mix", "zoom"))
    ran = two.ran("dataset:ssd")
    assert ran == {
        *("augment:alpha@400x400", "annotate:alpha@ssd", "split:ssd", "shard:alpha@ssd", "pack:ssd", "tarball:ssd"),
    }
    assert two.doit("dataset").returncode != 0


def harm_unseen(image: Path) -> None:
    """Change a file but neither its size nor its time: only reading it tells."""
    stat, data = image.stat(), image.read_bytes()
    image.write_bytes(data[:-50] + bytes(50))
    os.utime(image, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_copied_workspace_is_read_once(two: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A workspace copied with new times is sound, and after one run its files are looked at, not read, again."""
    other = Workspace(tmp_path_factory.mktemp("copy") / "workspace")
    shutil.copytree(two.folder, other.folder, copy_function=shutil.copy)
    assert other.ran("dataset") == set()
    harm_unseen(min((other.folder / "projects/alpha/build/ssd").glob("*.jpg")))
    assert other.ran("dataset") == set()


def test_what_a_killed_run_left_is_swept(two: Workspace) -> None:
    """Half-made folders of a run that was killed go with the next one, also where there is nothing to make."""
    (two.folder / ".dlim/running").touch()
    left = [two.folder / "data_set/.fresh-ssd", two.folder / "projects/alpha/build/.old-ssd"]
    for folder in left:
        folder.mkdir()
    assert two.ran("dataset") == set()
    assert not any(folder.exists() for folder in left)


def test_odd_folders_and_files_stop_nobody(two: Workspace) -> None:
    """An editor's hidden file is no learner, projects/ is projects, and folders of impossible names fail alone."""
    two.learner(".#ssd", "half a line")
    two.learner("ssd", 'canvas = [400, 400]\nprojects = "projects/"\n')
    assert two.ran("dataset") == set()
    for name in ("a=b", "a-b", "new\nline"):
        (two.folder / "projects" / name / "master").mkdir(parents=True)
    done = two.doit("--continue", "dataset")
    assert "FAILED projects/a=b: is no name for a project; rename the folder with" in done.stdout
    assert "FAILED projects/new\\nline: is no name for a project; rename the folder with" in done.stdout
    assert "a-b: left out: has no image yet" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_labels_that_a_script_gives_are_mapped(two: Workspace) -> None:
    """A learner's label map also holds for what a master's own daug.py calls an object."""
    script = two.folder / "projects/alpha/data_augmentation/daug.py"
    script.write_text(
        "import numpy as np\n"
        "from dlim.augment import Augmentation\n"
        "draw = Augmentation(count=5)\n"
        "draw.mix()\n"
        "draw.image(np.zeros((9, 9, 3), np.uint8), 'foo', (1, 1, 8, 8), 'foo')\n"
    )
    for label in ("bar", "baz"):
        two.learner("ssd", f'canvas = [400, 400]\n[labels]\nfoo = "{label}"\n')
        two.ran("dataset")
        assert f"\n{label}:::\n" in (two.folder / "data_set/ssd/labelmap.txt").read_text()


def test_a_terminal_that_cannot_show_it_gets_it_escaped(workspace: Workspace) -> None:
    """What a script prints never fails a task, whatever the terminal's encoding."""
    workspace.project("alpha", script="print('日本')\n" + FEW)
    done = workspace.doit("build:alpha", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"})
    assert done.returncode == 0
    assert "\\u65e5\\u672c" in done.stdout


@pytest.mark.parametrize(
    ("harm", "remedy"),
    [("a folder as state file", "is no file; take it away"), ("a file as state folder", "see to that, and run again")],
)
def test_a_state_file_in_the_way(workspace: Workspace, harm: str, remedy: str) -> None:
    """A state file that can't be opened is a line that doesn't tell to delete a good one."""
    workspace.project("alpha")
    if harm.startswith("a folder"):
        (workspace.folder / ".dlim/state.db").mkdir(parents=True)
    else:
        (workspace.folder / ".dlim").touch()
    done = workspace.doit("list")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert remedy in done.stderr


def test_another_projects_folder(workspace: Workspace) -> None:
    """A learner with a projects folder of its own learns these, under the same names if need be."""
    workspace.project("alpha")
    shutil.copytree(workspace.folder / "projects/alpha", workspace.folder / "SSD_projects/alpha")
    workspace.learner("ssd", 'canvas = [400, 400]\nprojects = "SSD_projects"\n')
    ran = workspace.ran("dataset")
    assert {"augment:SSD_projects/alpha@400x400", "augment:alpha@native"} <= ran
    assert "augment:alpha@400x400" not in ran
    assert workspace.ran("build:SSD_projects/alpha") == set()


def test_a_generator_needs_no_master(workspace: Workspace) -> None:
    """A project that says it draws its images is built without a master, each image with its own label."""
    folder = workspace.project("glyph", settings="generator = true\n")
    shutil.rmtree(folder / "master")
    (folder / "data_augmentation/daug.py").write_text(
        "import numpy as np\n"
        "from dlim.augment import Augmentation\n"
        "draw = Augmentation()\n"
        "for number in range(10):\n"
        "    pixels = np.full((20, 20, 3), 255, np.uint8)\n"
        "    pixels[5 : 6 + number, 5:15] = 0\n"
        "    draw.image(pixels, f'glyph_{number}', (5, 5, 15, 6 + number), f'glyph_{number}')\n"
        "draw.table('glyphs.csv', 'label\\n')\n"
    )
    workspace.ran("dataset")
    index = json.loads((folder / "build/resnet34/index.json").read_text())
    assert [labels for labels, _ in index["images"].values()] == [[f"glyph_{number}"] for number in range(10)]
    assert (workspace.folder / "data_set/ssd/glyphs.csv").read_text() == "label\n"
    with Image.open(min((folder / "build/ssd").glob("*.jpg"))) as image:
        assert image.size == (400, 400)
