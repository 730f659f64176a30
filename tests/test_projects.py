"""The folders under projects/: which are projects, and what is said of one that can't be."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlim import projects
from dlim.config import Learner, ProjectSettings
from dlim.errors import ConfigError, ProjectError
from dlim.projects import Broken, Project


def make(folder: Path, name: str) -> Path:
    """A folder that counts as a project."""
    made = folder / name
    (made / "master").mkdir(parents=True)
    return made


def error(found: Project | Broken) -> str:
    """What is said of a project that can't be one."""
    assert isinstance(found, Broken)
    return str(found.error)


@pytest.mark.parametrize("part", ["project.toml", "master", "data_augmentation"])
def test_one_part_makes_a_project(tmp_path: Path, part: str) -> None:
    """A folder with any part of a project is one, so that what is missing can be told."""
    (tmp_path / "a" / part).parent.mkdir()
    if part == "project.toml":
        (tmp_path / "a" / part).touch()
    else:
        (tmp_path / "a" / part).mkdir()
    assert projects.load(tmp_path) == {"a": Project("a", tmp_path / "a", ProjectSettings())}


def test_what_is_no_project(tmp_path: Path) -> None:
    """Other folders, hidden folders and files are not looked at."""
    (tmp_path / "notes").mkdir()
    make(tmp_path, ".hidden")
    (tmp_path / "README.md").touch()
    assert projects.load(tmp_path) == {}


def test_projects_are_sorted(tmp_path: Path) -> None:
    """Projects come in the order of their names, whatever the file system says."""
    for name in ("b", "B2", "a-1", "c_d"):
        make(tmp_path, name)
    assert list(projects.load(tmp_path)) == ["B2", "a-1", "b", "c_d"]


def test_no_folder_of_projects(tmp_path: Path) -> None:
    """A learner that points at no folder is told so."""
    with pytest.raises(ConfigError) as caught:
        projects.load(tmp_path / "none")
    assert str(caught.value) == (
        f"{tmp_path}/none: is no folder of projects; make it, or correct `projects` in the learner's file"
    )


def test_a_second_name_for_a_folder_is_refused(tmp_path: Path) -> None:
    """A link to another project would build in that project's folder."""
    make(tmp_path, "alpha")
    (tmp_path / "beta").symlink_to("alpha")
    found = projects.load(tmp_path)
    assert error(found["beta"]) == (
        f"{tmp_path}/beta: is the folder of alpha under a second name; copy it, or take the link away"
    )


def test_linked_folders_beside_a_script_are_sources(tmp_path: Path) -> None:
    """What daug.py imports from a linked folder counts, also where the links run in a circle."""
    make(tmp_path, "alpha")
    (tmp_path / "common").mkdir()
    (tmp_path / "common/shared.py").touch()
    beside = tmp_path / "alpha/data_augmentation"
    beside.mkdir(exist_ok=True)
    (beside / "common").symlink_to(tmp_path / "common")
    (tmp_path / "common/circle").symlink_to(beside)
    found = projects.load(tmp_path)["alpha"]
    assert isinstance(found, Project)
    assert beside / "common/shared.py" in found.sources()


@pytest.mark.parametrize("name", ["my button", "クローズ", "a.b", "a+b", "a#1"])
def test_names_that_readers_would_choke_on(tmp_path: Path, name: str) -> None:
    """A name that can't stand in a VOC list breaks that project alone."""
    make(tmp_path, name)
    make(tmp_path, "good")
    found = projects.load(tmp_path)
    assert isinstance(found["good"], Project)
    assert error(found[name]) == (
        f"{tmp_path}/{name}: is no name for a project; rename the folder with letters, digits, _ and - only"
    )


def test_a_name_too_long_for_a_file_name(tmp_path: Path) -> None:
    """With the label before it and the number behind, a stem must fit into a file name and a tar's header."""
    make(tmp_path, "a" * projects.LONGEST)
    make(tmp_path, "b" * (projects.LONGEST + 1))
    good, long = projects.load(tmp_path).values()
    assert isinstance(good, Project)
    assert error(long) == f"{long.folder}: has a name of over {projects.LONGEST} characters; rename the folder"


@pytest.mark.parametrize(
    ("first", "second"),
    [pytest.param("a-b", "a_b", id="_ and -"), pytest.param("Close", "close", id="upper and lower case")],
)
def test_names_that_would_meet_in_a_dataset(tmp_path: Path, first: str, second: str) -> None:
    """Of two names that give the same file names, the second project is broken."""
    make(tmp_path, first)
    make(tmp_path, second)
    found = projects.load(tmp_path)
    assert isinstance(found[first], Project)
    assert error(found[second]) == (
        f"{tmp_path}/{second}: its images would be called like those of {first}; rename one of the two folders"
    )


def test_a_fault_in_project_toml_breaks_that_project_alone(tmp_path: Path) -> None:
    """A project whose file can't be followed says why; the others are whole."""
    (make(tmp_path, "a") / "project.toml").write_text("lable = 'x'")
    (make(tmp_path, "b") / "project.toml").write_text("label = 'x'")
    found = projects.load(tmp_path)
    assert error(found["a"]) == f'{tmp_path}/a/project.toml: lable: is no key here; did you mean "label"?'
    assert found["b"] == Project("b", tmp_path / "b", ProjectSettings("x"))


def test_where_things_lie(tmp_path: Path) -> None:
    """The paths of a project are those of the documented layout."""
    project = Project("a", tmp_path, ProjectSettings())
    paths = [project.image, project.extended, project.boxes, project.script, project.build]
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        "master/image.jpg",
        "master/image_extended.jpg",
        "master/image_extended.xml",
        "data_augmentation/daug.py",
        "build",
    ]


def test_what_a_script_may_read(tmp_path: Path) -> None:
    """Every file beside daug.py counts, in sub-folders too, but no cache, hidden file or editor's copy."""
    kept = ["corpus.txt", "daug.py", "parts/shapes.py"]
    passed = [".daug.py.swp", ".git/config", "__pycache__/daug.pyc", "daug.py~", "old.pyc", "parts/__pycache__/x.py"]
    for name in (*kept, *passed):
        path = tmp_path / "data_augmentation" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    project = Project("a", tmp_path, ProjectSettings())
    assert [path.relative_to(project.script.parent).as_posix() for path in project.sources()] == kept


def test_a_project_without_a_script_has_no_sources(tmp_path: Path) -> None:
    """Where there is no data_augmentation folder there is nothing to read, and no error yet."""
    assert Project("a", tmp_path, ProjectSettings()).sources() == []


def test_a_missing_master(tmp_path: Path) -> None:
    """A project without image.jpg says what to do, for a person who wants a generator too."""
    project = Project("a", tmp_path, ProjectSettings())
    with pytest.raises(ProjectError) as caught:
        project.require_master()
    assert str(caught.value) == (
        "a: master/image.jpg is missing; doit new a --image crop.png puts it there; "
        "one that draws its images says generator = true"
    )


def test_a_fault_of_another_folder_of_projects() -> None:
    """What a project lacks is told under the name that its tasks have."""
    with pytest.raises(ProjectError, match=r"^other/a: master/image\.jpg is missing; "):
        Project("a", Path("other/a"), ProjectSettings()).require_master()


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder under a file's name counts as missing."""
    project = Project("a", tmp_path, ProjectSettings())
    project.script.mkdir(parents=True)
    with pytest.raises(ProjectError) as caught:
        project.require(project.script, "write it")
    assert str(caught.value) == "a: data_augmentation/daug.py is missing; write it"


def test_include_that_matches_nothing(tmp_path: Path) -> None:
    """A learner's name or pattern that chooses no project is a slip, told with the nearest name."""
    make(tmp_path, "close")
    found = projects.load(tmp_path)
    projects.chosen(found, Learner("native", include=("close", "cl*", "*")), "ssd.toml")
    with pytest.raises(ConfigError) as caught:
        projects.chosen(found, Learner("native", include=("*", "clsoe")), "ssd.toml")
    assert str(caught.value) == 'ssd.toml: include: "clsoe" matches no project; did you mean "close"?'


def test_exclude_that_leaves_nothing(tmp_path: Path) -> None:
    """A learner that takes no project at all is told why."""
    make(tmp_path, "close")
    with pytest.raises(ConfigError) as caught:
        projects.chosen(projects.load(tmp_path), Learner("native", exclude=("cl*",)), "ssd.toml")
    assert str(caught.value) == "ssd.toml: exclude: leaves no project; take out what excludes too much"


@pytest.mark.parametrize(("name", "shown"), [("close", "close"), ("close_b_2", "close-b-2"), ("a-b", "a-b")])
def test_a_projects_name_in_a_file_name(name: str, shown: str) -> None:
    """It has no _, as ResNet34 loaders take the class up to the last one."""
    assert projects.in_stem(name) == shown


@pytest.mark.parametrize(
    ("folder", "title"),
    [("projects/a", "a"), ("other/a", "other/a"), ("games/projects/a", "games/projects/a"), ("/x/projects/a", "a")],
)
def test_what_a_projects_tasks_are_called_after(folder: str, title: str) -> None:
    """Outside projects/, the folder of projects stands before the name."""
    assert Project("a", Path(folder), ProjectSettings()).title == title


def test_exclude_that_matches_nothing(tmp_path: Path) -> None:
    """An excluded name that no project has is no error, and told; a pattern may match nothing."""
    make(tmp_path, "close")
    learner = Learner("native", exclude=("clse", "later", "old_*"))
    found = projects.load(tmp_path)
    projects.chosen(found, learner, "ssd.toml")
    assert list(projects.unmatched(found, learner, "ssd.toml")) == [
        'ssd.toml: exclude: "clse" matches no project so far; did you mean "close"?',
        'ssd.toml: exclude: "later" matches no project so far',
    ]
