"""The page of a shot: boxes in the shot's own pixels, or the word that there is nothing to find."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from dlim import shots
from dlim.geometry import Box
from tests.conftest import Workspace
from tests.labelling.conftest import serving
from tests.labelling.test_page import CTRL, opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shot as tall as a phone's screen, which nobody has labelled."""
    Image.new("RGB", (1080, 2400), "navy").save(tmp_path / "phone.png")
    return tmp_path


def test_a_shot_is_labelled_in_its_own_pixels(chromium: Browser, folder: Path) -> None:
    """All of it is shown; keys give the labels of the workspace; what is saved is what `shots` reads."""
    (shot,) = shots.read(folder)
    with serving(shot) as served, opened(chromium, served) as sheet:
        assert not any(map(sheet.page.is_visible, ("#to-mask", "#to-crop", "#around")))
        assert float(sheet.page.evaluate("view.zoom * known.height")) < 800
        for _ in range(4):
            sheet.page.mouse.move(*sheet.at(500, 600))
            sheet.page.mouse.wheel(0, -100)
        sheet.drag((481, 581), (560, 640))
        sheet.key("m")
        sheet.key("2")
        assert sheet.rows == ["skip_btn x 481–560 y 581–640 80 × 60"]
        sheet.key("Enter", CTRL)
        sheet.wait("!document.getElementById('ended').hidden")
        served.thread.join(60)
    (shot,) = shots.read(folder)
    assert [(thing.label, thing.box) for thing in shot.objects] == [("skip_btn", Box(480, 580, 560, 640))]


def test_a_shot_may_show_nothing(chromium: Browser, folder: Path) -> None:
    """Done without a box says so in the file; opened again, the page knows it, and a box can still come."""
    (shot,) = shots.read(folder)
    with serving(shot) as served, opened(chromium, served) as sheet:
        assert sheet.state == "No box yet"
        sheet.click("#done")
        sheet.wait("!document.getElementById('ended').hidden")
        served.thread.join(60)
        assert "says that there is nothing to find" in sheet.page.inner_text("#ended-text")
    (shot,) = shots.read(folder)
    assert (shot.labelled, shot.objects) == (True, ())
    with serving(shot) as served, opened(chromium, served) as sheet:
        assert sheet.state == "Nothing to find"
        assert served.ask("GET", "/mask")[0] == 400


def test_asking_for_a_shots_page(workspace: Workspace) -> None:
    """There is a task for each shot, and one for all that are open; whatever it can't open is a line."""
    workspace.project("close_btn")
    assert "there is no shot yet" in workspace.doit("label:shots").stdout
    (workspace.folder / "shots").mkdir()
    Image.new("RGB", (40, 60)).save(workspace.folder / "shots/a.b.png")
    done = workspace.doit("label:shots/a.b", "--port", "http")
    assert done.returncode != 0
    assert '--port: "http" is no port' in done.stdout + done.stderr
    assert workspace.doit("label:shots/none").returncode != 0
