"""What a learner takes: limits in real runs, what they rebuild, and the table that shows them beforehand."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.conftest import Workspace, new_workspace
from tests.test_tasks import digests, run_at_work, sets

MANY = "from dlim.augment import Augmentation\nAugmentation(count={count}).mix()\n"

GLYPHS = """import numpy as np
from dlim.augment import Augmentation
draw = Augmentation()
for number in range(20):
    pixels = np.full((20, 20, 3), 255, np.uint8)
    pixels[5:15, 5 : 6 + number % 10] = 10 * number
    draw.image(pixels, f"glyph_{number}", (4, 4, 16, 16), f"glyph_{number}")
"""

SSD = 'canvas = [400, 400]\n[labels]\nbeta = "alpha"\n"glyph_*" = "glyph"\n'


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """alpha (20 images) and beta (10), one label for the ssd; gamma (10), and glyph, a generator (20); no limits."""
    workspace = new_workspace(tmp_path_factory.mktemp("built"))
    for name, count, width in (("alpha", 20, 32), ("beta", 10, 36), ("gamma", 10, 40)):
        workspace.project(name, MANY.format(count=count), (width, 24))
    folder = workspace.project("glyph", GLYPHS, settings="generator = true\n")
    shutil.rmtree(folder / "master")
    workspace.learner("ssd", SSD)
    done = workspace.doit("-n", "2", "dataset")
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace


@pytest.fixture
def here(built: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it, to do with as a test likes."""
    shutil.copytree(built.folder, tmp_path, dirs_exist_ok=True)
    return Workspace(tmp_path)


def limit(workspace: Workspace, projects: str = "", labels: str = "", also: str = "") -> None:
    """Give the ssd limits, such as "glyph = 5"."""
    text = f"{also}{SSD}[limit.projects]\n{projects}\n[limit.labels]\n{labels}\n"
    workspace.learner("ssd", text)


def by_project(ids: Iterable[str]) -> dict[str, int]:
    """How many of some ids each project has; those of beta are alpha_beta-0001."""
    names = (re.fullmatch(r"(?:.*_)?([a-z]+)[-_]\d+", name) for name in ids)
    return dict(sorted(Counter(found[1] for found in names if found).items()))


def taken(workspace: Workspace, learner: str = "ssd") -> dict[str, int]:
    return by_project(sets(workspace, learner)["trainval"])


LISTS = {"split:ssd", "pack:ssd", "tarball:ssd"}


def test_a_project_gives_as_many_as_its_limit_says(here: Workspace) -> None:
    """A limit leaves exactly its number, in lists, folders and archive; 80 percent of that is train."""
    limit(here, "glyph = 7\nalpha = 12")
    here.ran("dataset")
    assert taken(here) == {"alpha": 12, "beta": 10, "gamma": 10, "glyph": 7}
    assert by_project(sets(here, "ssd")["train"]) == {"alpha": 10, "beta": 8, "gamma": 8, "glyph": 6}
    folder = here.folder / "data_set/ssd"
    assert {path.stem for path in (folder / "JPEGImages").iterdir()} == sets(here, "ssd")["trainval"]
    assert {path.stem for path in (folder / "Annotations").iterdir()} == sets(here, "ssd")["trainval"]
    with tarfile.open(here.folder / "data_set/ssd.tar.gz") as tar:
        packed = {name for name in tar.getnames() if name.endswith((".jpg", ".xml"))}
    assert packed == {
        f"data_set/{path.relative_to(folder)}" for path in folder.rglob("*") if path.suffix in (".jpg", ".xml")
    }
    assert taken(here, "resnet34") == {"alpha": 20, "beta": 10, "gamma": 10, "glyph": 20}
    assert here.ran("dataset") == set()


def test_a_label_is_limited_over_its_projects(here: Workspace) -> None:
    """A label's images come evenly from its projects; a generator mapped to one label is limited by that."""
    limit(here, labels="alpha = 13\nglyph = 4")
    here.ran("dataset")
    assert taken(here) == {"alpha": 7, "beta": 6, "gamma": 10, "glyph": 4}
    assert here.ran("dataset") == set()


def test_builds_stay_whole(here: Workspace) -> None:
    """What limits leave out stays in the project's build, for another learner or another limit."""
    limit(here, "glyph = 7")
    here.ran("dataset")
    assert len(list((here.folder / "projects/glyph/build/ssd").glob("*.jpg"))) == 20


def test_labels_of_which_nothing_is_left_are_no_class(here: Workspace) -> None:
    """Class lists and the label map know the labels of the images taken, and no others."""
    here.learner("resnet34", 'canvas = "native"\n[limit.projects]\nglyph = 2\n')
    here.ran("dataset")
    labels = {name.rpartition("_")[0] for name in sets(here, "resnet34")["trainval"]}
    lines = (here.folder / "data_set/resnet34/labelmap.txt").read_text().splitlines()[1:]
    named = {line.partition(":")[0] for line in lines}
    assert {label.partition("_glyph")[0] for label in labels} >= {name for name in named if name.startswith("glyph")}
    assert len([name for name in named if name.startswith("glyph")]) == 2


def test_a_limit_rebuilds_what_depends_on_it(here: Workspace) -> None:
    """A limit of a project rebuilds its shard and the lists; one that leaves all gives the old bytes."""
    before = digests(here)
    limit(here, "glyph = 7")
    assert here.ran("dataset") == LISTS | {"shard:glyph@ssd"}
    assert digests(here) != before
    limit(here, "glyph = 7\ngamma = 50")
    assert here.ran("dataset") == {"split:ssd"}
    limit(here, "glyph = 20")
    assert here.ran("dataset") == LISTS | {"shard:glyph@ssd"}
    assert digests(here) == before
    here.learner("ssd", SSD)
    assert here.ran("dataset") == {"split:ssd"}
    assert digests(here) == before


def test_a_run_says_what_limits_do(here: Workspace) -> None:
    """The reason, and what is left, are lines of the run."""
    limit(here, "glyph = 7")
    lines = here.doit("dataset:ssd").stdout.splitlines()
    assert "split:ssd: limits changed from none to glyph 7" in lines
    assert "split:ssd: limits leave 47 of 60 images; doit mix:ssd shows of which projects" in lines
    assert "shard:glyph@ssd: what is taken of it changed" in lines


def test_an_image_rebuilds_no_other_project(here: Workspace) -> None:
    """With limits, too, a changed script rebuilds its own project, and no other one's shard."""
    limit(here, "glyph = 7", "alpha = 13")
    here.ran("dataset")
    script = here.folder / "projects/glyph/data_augmentation/daug.py"
    script.write_text(script.read_text().replace("10 * number", "11 * number"))
    shards = {name for name in here.ran("dataset") if name.startswith("shard")}
    assert shards == {"shard:glyph@ssd", "shard:glyph@resnet34"}
    script = here.folder / "projects/alpha/data_augmentation/daug.py"
    script.write_text(script.read_text().replace("count=20", "count=21"))
    shards = {name for name in here.ran("dataset") if name.startswith("shard")}
    assert shards == {"shard:alpha@ssd", "shard:alpha@resnet34"}


@pytest.mark.parametrize(
    ("projects", "labels", "grown"),
    [
        pytest.param("alpha = 9", "", ("alpha = 14", ""), id="a project"),
        pytest.param("", "alpha = 9", ("", "alpha = 17"), id="a label"),
        pytest.param('"*" = 5', '"*" = 7', ('"*" = 6', '"*" = 9'), id="all"),
    ],
)
def test_growth_only_adds(here: Workspace, projects: str, labels: str, grown: tuple[str, str]) -> None:
    """A greater limit adds images to train and to val; none goes where no label is full, and none changes sides."""
    everything = sets(here, "ssd")
    limit(here, projects, labels)
    here.ran("dataset")
    before = sets(here, "ssd")
    limit(here, *grown)
    here.ran("dataset")
    after = sets(here, "ssd")
    for part in ("train", "val"):
        assert before[part] < after[part] or part == "val"
        assert before[part] <= after[part] <= everything[part]


def test_a_project_takes_from_the_others_where_its_label_is_full(here: Workspace) -> None:
    """A limited label keeps its number: what one of its projects may give more, another gives less, side by side."""
    everything = sets(here, "ssd")
    for number, found in ((3, {"alpha": 3, "beta": 9}), (5, {"alpha": 5, "beta": 7})):
        limit(here, f"alpha = {number}", "alpha = 12")
        here.ran("dataset")
        assert taken(here) == {**found, "gamma": 10, "glyph": 20}
        assert all(sets(here, "ssd")[part] <= everything[part] for part in ("train", "val"))


def test_a_new_project_moves_nothing(here: Workspace) -> None:
    """Where projects are limited, a new one leaves every other image where it is."""
    limit(here, '"*" = 7')
    here.ran("dataset")
    before = sets(here, "ssd")
    here.project("delta", MANY.format(count=10))
    assert not any(name in task for task in here.ran("dataset") for name in ("alpha", "beta", "gamma", "glyph"))
    after = sets(here, "ssd")
    assert before["train"] <= after["train"]
    assert before["val"] <= after["val"]
    assert taken(here)["delta"] == 7


def test_a_new_project_of_a_limited_label_takes_only_its_share(here: Workspace) -> None:
    """Where a label is limited, a new project of it takes images from the others, and moves none of the rest."""
    limit(here, labels="alpha = 15")
    here.ran("dataset")
    before = sets(here, "ssd")
    here.project("delta", MANY.format(count=10), label="alpha")
    ran = here.ran("dataset")
    assert not any("gamma" in task or "glyph" in task for task in ran)
    assert taken(here) == {"alpha": 5, "beta": 5, "delta": 5, "gamma": 10, "glyph": 20}
    after = sets(here, "ssd")
    for part in ("train", "val"):
        assert {name for name in after[part] if "delta" not in name} <= before[part]


def test_the_same_bytes_however_made(here: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A limited dataset has the same bytes from nothing, by two at once, as from a run after another."""
    limit(here, "glyph = 7", "alpha = 13")
    here.ran("dataset")
    other = Workspace(tmp_path_factory.mktemp("afresh") / "workspace")
    shutil.copytree(here.folder, other.folder, ignore=shutil.ignore_patterns("build", ".dlim", "data_set"))
    assert other.doit("-n", "2", "dataset").returncode == 0
    assert digests(other) == digests(here)
    assert other.ran("dataset") == set()


@pytest.mark.parametrize("harm", ["split.json", "taken/glyph.txt", "taken"])
def test_harm_heals(here: Workspace, harm: str) -> None:
    """What a limit leaves is known again after somebody deleted or changed it."""
    limit(here, "glyph = 7")
    here.ran("dataset")
    before = digests(here)
    path = here.folder / ".dlim/split/ssd" / harm
    shutil.rmtree(path) if path.is_dir() else path.write_text("harm")
    assert "split:ssd" in here.ran("dataset")
    assert digests(here) == before
    assert here.ran("dataset") == set()


def test_masters_under_limits(here: Workspace) -> None:
    """Divided by masters, a limited project is on one side as a whole, and gives as many as it may."""
    (here.folder / "config/dlim.toml").write_text('[split]\nby = "master"\n')
    limit(here, labels="alpha = 8")
    here.ran("dataset")
    found = sets(here, "ssd")
    sides = [by_project(found[part]) for part in ("train", "val")]
    assert sorted(side[name] for side in sides for name in ("alpha", "beta") if name in side) == [4, 4]


FAULTS = [
    pytest.param(
        'alpha = 3\n"glyhp" = 4',
        "",
        3,
        'config/learners/ssd.toml: limit.projects: "glyhp" matches no project; did you mean "glyph"?',
        id="a project",
    ),
    pytest.param(
        "",
        "gama = 4",
        1,
        'FAILED config/learners/ssd.toml: limit.labels: "gama" matches no label; did you mean "gamma"?',
        id="a label",
    ),
    pytest.param(
        "",
        "beta = 4",
        1,
        'FAILED config/learners/ssd.toml: limit.labels: "beta" matches no label; say one of: alpha, gamma, glyph',
        id="a label that is mapped to another",
    ),
    pytest.param(
        "alpha = 0",
        "",
        3,
        'config/learners/ssd.toml: limit.projects: "alpha" is 0; say 1 or more; exclude leaves whole projects out',
        id="none",
    ),
    pytest.param(
        '"*" = 1',
        "",
        1,
        "FAILED dataset of ssd: val is empty; take more projects or a greater limit, or change train_percent or by in "
        "config/dlim.toml",
        id="too few for val",
    ),
]


@pytest.mark.parametrize(("projects", "labels", "status", "line"), FAULTS)
def test_a_wrong_limit_is_one_line(here: Workspace, projects: str, labels: str, status: int, line: str) -> None:
    """A limit of what isn't there, or that leaves too little, is one line with the way out; the dataset stays whole."""
    before = digests(here)
    limit(here, projects, labels)
    done = here.doit("dataset")
    assert done.returncode == status
    assert line in (done.stdout + done.stderr).splitlines()
    assert "Traceback" not in done.stdout + done.stderr
    assert digests(here) == before


def test_a_limit_of_an_excluded_project_waits(here: Workspace) -> None:
    """A limit may stay where its project is excluded for a while."""
    limit(here, "glyph = 3", also='exclude = ["glyph"]\n')
    assert here.doit("dataset").returncode == 0


def test_a_learner_with_a_folder_of_its_own(workspace: Workspace) -> None:
    """Limits name projects as include does, in whatever folder these lie."""
    workspace.project("alpha", MANY.format(count=10))
    shutil.move(workspace.folder / "projects/alpha", workspace.folder / "more/alpha")
    workspace.project("beta")
    workspace.learner("ssd", 'canvas = [400, 400]\nprojects = "more"\n[limit.projects]\n"a*" = 5\n')
    workspace.ran("dataset:ssd")
    assert taken(workspace) == {"alpha": 5}
    assert "more/alpha  alpha      10      5      5" in workspace.doit("mix:ssd").stdout


# doit mix


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file of a workspace, with time and size, but those that doit itself opens."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("state.db"))
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in found}


def test_the_table_says_what_a_run_then_makes(here: Workspace) -> None:
    """doit mix shows the numbers of the dataset that the next run makes, and neither runs nor writes anything."""
    limit(here, "glyph = 7", "alpha = 13")
    before = files(here.folder)
    done = here.doit("mix:ssd")
    assert (done.returncode, done.stderr) == (0, "")
    assert files(here.folder) == before
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()[3:7]}
    here.ran("dataset")
    found = sets(here, "ssd")
    train, val = by_project(found["train"]), by_project(found["val"])
    for project in ("alpha", "beta", "gamma", "glyph"):
        numbers = [int(cell) for cell in rows[project] if cell.isdigit()]
        assert numbers[-3:] == [train[project] + val[project], train[project], val[project]]
    assert done.stdout.startswith(f"ssd: 30 of 60 images, {len(found['train'])} train and {len(found['val'])} val\n")
    assert here.doit("mix:ssd").stdout == done.stdout


def test_all_mixes(here: Workspace) -> None:
    """doit mix shows all learners', and works in threads, too."""
    done = here.doit("-n", "2", "mix")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if "images," in line] == [
        "resnet34: 60 images, 48 train and 12 val",
        "ssd: 60 images, 48 train and 12 val",
    ]
    assert done.stdout == here.doit("mix").stdout


def test_before_anything_is_built(workspace: Workspace) -> None:
    """In a fresh workspace the table shows what is known: the projects, and the labels that a person gave."""
    workspace.project("alpha", label="close")
    workspace.project("beta", settings='label = "skip"\n')
    workspace.project("gamma", settings="generator = true\n")
    workspace.learner(
        "ssd", 'canvas = [400, 400]\nexclude = ["old"]\n[labels]\nclose = "shut"\n[limit.projects]\n"g*" = 5\n'
    )
    done = workspace.doit("mix:ssd")
    assert done.stdout == (
        "ssd: none of its 3 projects is built yet\n"
        "\n"
        "project  label  limit\n"
        "alpha    shut          not built yet\n"
        "beta     skip          not built yet\n"
        "gamma               5  not built yet\n"
        "\n"
        '- config/learners/ssd.toml: exclude: "old" matches no project so far\n'
    )
    assert not (workspace.folder / "data_set").exists()
    assert not list(workspace.folder.glob("projects/*/build"))


def test_what_is_not_as_it_will_be(here: Workspace) -> None:
    """A project to be built anew, one that fails, one that can't be one, and one without a build are told apart."""
    limit(here, also='exclude = ["gamma"]\n')
    script = here.folder / "projects/alpha/data_augmentation/daug.py"
    script.write_text(script.read_text().replace("20", "30"))
    (here.folder / "projects/beta/data_augmentation/daug.py").write_text("1 / 0\n")
    here.project("delta")
    (here.folder / "projects/a=b/master").mkdir(parents=True)
    here.doit("--continue", "build:beta")
    lines = here.doit("mix:ssd").stdout.splitlines()
    assert lines[0] == "ssd: 50 images, 40 train and 10 val; 2 of 5 projects not built yet; 2 shown as last built"
    ends = {line.split()[0]: line for line in lines[3:8]}
    assert ends["alpha"].endswith("  to be built anew")
    assert ends["beta"].endswith("  fails")
    assert ends["delta"].endswith("  not built yet")
    assert ends["a%3Db"].endswith("  fails")
    text = " ".join(lines)
    assert "- can't be built: beta: daug.py failed: daug.py line 1: ZeroDivisionError: division by zero" in text
    assert "- can't be built: projects/a=b: is no name for a project" in text
    assert "- not in it, as config/learners/ssd.toml says: gamma" in text


@pytest.mark.parametrize(
    "harm",
    ["[]", '{"facts": {}, "files": {}}', "", '{"facts": {"labels": 1, "master": ""}, "files": {"x.jpg": [1, "y"]}}'],
)
def test_a_harmed_build_is_none(here: Workspace, harm: str) -> None:
    """A build whose manifest somebody broke counts as none, without a traceback."""
    path = here.folder / "projects/alpha/build/ssd/manifest.json"
    path.write_text(harm)
    done = here.doit("mix:ssd")
    assert done.returncode == 0
    assert "1 of 4 projects not built yet" in done.stdout


def test_a_mix_is_shown_while_a_run_is_at_work(workspace: Workspace) -> None:
    """The table needs no lock: it can be looked at while another run builds."""
    with run_at_work(workspace):
        done = workspace.doit("mix")
        assert done.returncode == 0, done.stderr
        assert "not built yet" in done.stdout


def test_a_limit_of_an_unknown_label_shows(here: Workspace) -> None:
    """The table says that a limited label isn't there, as the run would."""
    limit(here, labels="gama = 4")
    assert 'limit.labels: "gama" matches no label; did you mean "gamma"?' in " ".join(
        here.doit("mix:ssd").stdout.split()
    )

    (here.folder / "projects/alpha/build/ssd/manifest.json").unlink()
    assert 'limit.labels: "gama" matches no label so far' in " ".join(here.doit("mix:ssd").stdout.split())


def test_the_split_s_own_words(here: Workspace) -> None:
    """What a run would say of its split stands below the table."""
    (here.folder / "config/dlim.toml").write_text('[split]\nby = "master"\n')
    assert "- gamma: has the only master of its label; divided by image" in here.doit("mix:ssd").stdout


def test_what_is_recorded_names_the_limits(here: Workspace) -> None:
    """A file of what is taken lists exactly the images of the archive."""
    limit(here, "glyph = 7")
    here.ran("dataset")
    ids = (here.folder / ".dlim/split/ssd/taken/glyph.txt").read_text().split()
    divided = json.loads((here.folder / ".dlim/split/ssd/split.json").read_text())["glyph"]
    assert sorted(ids) == sorted([*divided["train"], *divided["val"]])
