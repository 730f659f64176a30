"""The page about a learner of one's own shows one that works."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import ROOT, Workspace
from tests.learners import lines, only

PAGE = ROOT / "docs/how-to/your-own-learner.md"


def test_the_example_of_the_page(workspace: Workspace) -> None:
    """Its files, written as they stand there, learn, come back with their numbers, and pass their check in service."""
    found = re.findall(r"^`([^`\n]+)`:\n\n```\w+\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert sum(text.count("\n") for _, text in found) <= 40
    for name, text in found:
        file = workspace.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    workspace.project("close_btn")
    lines(workspace, "task:counter", "--name", "first")
    assert "loss 0.333" in only(lines(workspace, "outputs"), "first")
    told = lines(workspace, "output", "first")
    assert "    result classes.close_btn: recall 1" in told
    assert "counter | classes close_btn" in lines(workspace, "deploy", "first", "--learner", "counter")
    served = Path(workspace.folder, ".dlim/servers/counter/served/classes.txt")
    assert served.read_text() == "close_btn\n"
