"""The steps of a workspace: which there are, and what each depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlim.build.pipeline import Pipeline
from dlim.scenes.choices import PARTNERS
from dlim.workspace import Workspace
from tests.conftest import Workspace as Folder


@pytest.fixture
def many(workspace: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Thirty projects, of which a learner makes scenes."""
    workspace.learner("ssd", "canvas = [400, 400]\n[scene]\ndrawn = 1\n")
    for number in range(30):
        workspace.project(f"p{number:02}")
    monkeypatch.chdir(workspace.folder)
    return workspace


def partners() -> dict[str, set[str]]:
    """The projects that stand in each project's scenes."""
    pipeline = Pipeline(Workspace())
    found = {}
    for title in pipeline.workspace.taken("ssd"):
        step = pipeline.step(f"compose:{title}@ssd")
        assert step is not None
        found[title] = {name.partition(":")[2] for name in step.after if name.startswith("locate:")} - {title}
    return found


def test_partners_are_few_and_stay(many: Folder) -> None:
    """A project's scenes depend on few others, and a new project becomes the partner of few."""
    before = partners()
    assert {len(each) for each in before.values()} == {PARTNERS}
    many.project("new")
    after = partners()
    changed = [title for title in before if before[title] != after[title]]
    assert len(changed) <= PARTNERS
    assert all("new" in after[title] for title in changed)


def test_a_few_projects_are_all_partners(workspace: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are fewer projects than that, each has all others."""
    workspace.learner("ssd", "canvas = [400, 400]\n[scene]\n")
    for name in ("a", "b", "c"):
        workspace.project(name)
    monkeypatch.chdir(workspace.folder)
    assert partners() == {"a": {"b", "c"}, "b": {"a", "c"}, "c": {"a", "b"}}


def test_what_is_unfinished_is_in_no_dataset(workspace: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project without boxes has steps of its own, and no dataset waits for them."""
    workspace.project("a")
    (workspace.project("b") / "master/image_extended.xml").unlink()
    monkeypatch.chdir(workspace.folder)
    pipeline = Pipeline(Workspace())
    assert "annotate:b@ssd" in pipeline.steps
    assert "annotate:b@ssd" not in pipeline.closure(["dataset"])
    assert "annotate:b@ssd" in Pipeline(Workspace(), strict=True).closure(["dataset"])


def test_a_folder_whose_name_has_an_at_sign(workspace: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is found by its name wherever its project lies."""
    (workspace.folder / "a@b").mkdir()
    workspace.project("x").rename(workspace.folder / "a@b/x")
    workspace.learner("ssd", 'canvas = [400, 400]\nprojects = "a@b"\n')
    monkeypatch.chdir(workspace.folder)
    pipeline = Pipeline(Workspace())
    assert Path(pipeline.steps["annotate:a@b/x@ssd"].target) == Path("a@b/x/build/ssd/manifest.json")
    assert all(pipeline.step(name) is step for name, step in pipeline.steps.items())
