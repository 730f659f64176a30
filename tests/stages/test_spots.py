"""Where objects of scenes may stand follows from the boxes of labelled shots."""

from __future__ import annotations

from dlim.geometry import Box, Object
from tests.conftest import Workspace
from tests.test_shots import shot


def test_scenes_follow_the_boxes_of_shots(workspace: Workspace) -> None:
    """Without a box it is an error with the way out; a box that moves makes scenes anew, and a new picture none."""
    workspace.project("close_btn", label="close")
    workspace.learner("ssd", 'canvas = [64, 64]\n[scene]\ndrawn = 1\nscale = [0.5, 1]\nposition = "shots"\n')
    folder = workspace.folder / "shots"
    shot(folder, "a.png", ())
    done = workspace.doit("dataset:ssd")
    assert done.returncode != 0
    assert (
        'config/learners/ssd.toml: scene.position: is "shots", and no shot in shots/ has a box yet; '
        'doit label:shots draws them, or say position = "anywhere"'
    ) in done.stdout + done.stderr

    shot(folder, "a.png")
    assert {"spots:ssd", "compose:close_btn@ssd"} <= workspace.ran("dataset:ssd")
    assert workspace.ran("dataset:ssd") == set()
    shot(folder, "open.png", None)
    assert workspace.ran("dataset:ssd") == {"spots:ssd"}
    shot(folder, "a.png", (Object("close", Box(40, 60, 50, 70)),))
    assert {"spots:ssd", "compose:close_btn@ssd"} <= workspace.ran("dataset:ssd")
