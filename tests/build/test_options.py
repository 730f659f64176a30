"""A command line that can't be: one line with the way out, and no word of doit's own insides."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import Workspace
from tests.in_process import doit

SLIPS = {
    "doit's own option behind a task": (
        ("run", "dataset", "-n", "2"),
        "doit: -n is an option of doit's own: it stands before the task's name",
    ),
    "the same, long": (
        ("run", "dataset", "--continue"),
        "doit: --continue is an option of doit's own: it stands before the task's name",
    ),
    "a slip in a task's option": (
        ("run", "label:alpha", "--atuo"),
        'doit: --atuo is no option of label:alpha; did you mean "--auto"?',
    ),
    "an option of nothing": (
        ("list", "--foo"),
        "doit: --foo is no option of list; doit help list shows those there are",
    ),
    "no command": (("run", "--lst"), "doit: --lst is no option; doit help shows those there are"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_an_option(slip: str, workspace: Workspace) -> None:
    """Which option it is, of what, and which was meant."""
    workspace.project("alpha")
    (command, *words), line = SLIPS[slip]
    answer = doit(workspace.folder, command, *words)
    assert (answer.status, answer.err) == (3, f"{line}\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("x", "--placment", "left"), 'doit: --placment is no option of new; did you mean "--placement"?'),
        (("x", "--image"), "doit: --image wants a value"),
    ],
)
def test_a_slip_behind_a_name(words: tuple[str, ...], line: str, workspace: Workspace) -> None:
    """The same where options stand behind the names that a task takes."""
    workspace.project("alpha")
    answer = doit(workspace.folder, "new", *words)
    assert (answer.status, answer.err) == (3, f"{line}\n")


@pytest.mark.parametrize("command", ["list", "plan", "dataset"])
def test_a_closed_output(command: str, workspace: Workspace) -> None:
    """Where a shell has closed the output, the work is done all the same."""
    workspace.project("alpha")
    shell = f'exec "{sys.executable}" -m doit {command} >&-'
    done = subprocess.run(["sh", "-c", shell], cwd=workspace.folder, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert (workspace.folder / "data_set/ssd.tar.gz").exists() == (command == "dataset")
