"""Labels: which ones a workspace uses, and what can't be one."""

from __future__ import annotations

import pytest

from dlim import projects
from dlim.errors import AnnotationError, ProjectError
from dlim.labelling import label
from tests.conftest import Workspace


def test_the_labels_in_use(workspace: Workspace) -> None:
    """The list has each label of masters and of project.toml once, and none of files that can't be read."""
    for name, used, settings in (
        ("a", "close", ""),
        ("b", "close", ""),
        ("c", "skip", ""),
        ("d", "hidden", 'label = "shown"'),
        ("e", "Upper", ""),
        ("f", "broken", ""),
        ("g", "strange", 'placement = "nowhere"'),
    ):
        workspace.project(name, label=used, settings=settings)
    (workspace.folder / "projects/f/master/image_extended.xml").write_text("<annotation>")
    (workspace.folder / "projects/drawn/data_augmentation").mkdir(parents=True)
    found = projects.load(workspace.folder / "projects")
    assert label.known(found.values()) == ["close", "shown", "skip"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no label; type one"),
        ("Close", '"Close" has upper-case letters, which SSD loaders lower-case; write "close"'),
        ("close btn", '"close btn" is no label; use a-z, 0-9, _ and -, up to 40 of them'),
        ("閉じる", '"閉じる" is no label; use a-z, 0-9, _ and -, up to 40 of them'),
        ("a\n", '"a\\n" is no label; use a-z, 0-9, _ and -, up to 40 of them'),
        ("a" * 41, f'"{"a" * 40}" is no label; use a-z, 0-9, _ and -, up to 40 of them'),
        ("../a", '"../a" is no label; use a-z, 0-9, _ and -, up to 40 of them'),
    ],
)
def test_what_is_no_label(text: str, said: str) -> None:
    """A text that a dataset can't carry is refused with the reason, and the way out."""
    with pytest.raises(ProjectError) as caught:
        label.check("here", text, ProjectError)
    assert str(caught.value) == f"here: {said}"
    with pytest.raises(AnnotationError):
        label.check("here", text)


def test_what_a_first_box_is_called(workspace: Workspace) -> None:
    """project.toml decides, then the boxes there are, then the project's name, where that can be a label."""
    for name, settings in (("close_btn", ""), ("Big", ""), ("set", 'label = "other"'), ("x" * 48, "")):
        workspace.project(name, settings=settings)
    found = projects.load(workspace.folder / "projects")
    suggested = {
        name: label.suggested(project, ()) for name, project in found.items() if isinstance(project, projects.Project)
    }
    assert suggested == {"close_btn": "close_btn", "Big": "big", "set": "other", "x" * 48: ""}
    close = found["close_btn"]
    assert isinstance(close, projects.Project)
    assert label.suggested(close, ["Upper", "used"]) == "used"


def test_a_name_that_no_label_fits(workspace: Workspace) -> None:
    """Where nobody is asked for a label and the name can't be one, the file is named that may set one."""
    workspace.project("x" * 48)
    project = projects.load(workspace.folder / "projects")["x" * 48]
    assert isinstance(project, projects.Project)
    with pytest.raises(ProjectError) as caught:
        label.check_suggested(project, label.suggested(project, ()))
    assert str(caught.value) == (
        f'{"x" * 48}: no label fits its name; set label = "..." (at most 40 of a-z, 0-9, _ and -) in '
        f"{project.folder}/project.toml"
    )


@pytest.mark.parametrize(
    ("labels", "drawn", "lines"),
    [
        pytest.param({"close": "x", "shown": "x", "old_*": "x"}, [], [], id="labels there are, and a pattern"),
        pytest.param({"clsoe": "x"}, [], ['"clsoe" matches no label so far; did you mean "close"?'], id="a slip"),
        pytest.param({"hidden": "x"}, [], ['"hidden" matches no label so far'], id="one that project.toml replaces"),
        pytest.param({"ja_1": "ja"}, ["ja", "en"], [], id="one that a generator may have drawn"),
        pytest.param({"clsoe": "x"}, None, [], id="before a generator is built"),
    ],
)
def test_names_of_labels_that_no_master_has(
    workspace: Workspace, labels: dict[str, str], drawn: list[str] | None, lines: list[str]
) -> None:
    """A learner's name of a label that no master has is told; where a generator may draw it, it isn't."""
    workspace.project("a", label="close")
    workspace.project("b", label="hidden", settings='label = "shown"')
    (workspace.folder / "projects/drawn").mkdir()
    (workspace.folder / "projects/drawn/project.toml").write_text("generator = true\n")
    found = projects.load(workspace.folder / "projects").values()
    taken = [project for project in found if isinstance(project, projects.Project)]
    assert list(label.unmatched(labels, taken, drawn, "ssd.toml")) == [f"ssd.toml: labels: {line}" for line in lines]
