"""Completion, typed into a real bash and a real zsh: names of commands and tasks, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest

ROOT = Path(__file__).parents[2]

PROGRAMS = Path(sys.executable).parent

BEGIN = {
    "bash": "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'",
    "zsh": "unsetopt beep prompt_cr prompt_sp; autoload -U compinit; compinit -u -D",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two projects and a learner; and files whose names begin like tasks and like nothing."""
    shutil.copyfile(ROOT / "dodo.py", tmp_path / "dodo.py")
    (tmp_path / "config/learners").mkdir(parents=True)
    (tmp_path / "config/learners/ssd.toml").write_text('canvas = "native"\n')
    for name in ("close_btn", "skip_btn"):
        (tmp_path / "projects" / name / "master").mkdir(parents=True)
    (tmp_path / "datafile").touch()
    (tmp_path / "zebra.jpg").touch()
    return tmp_path


@contextmanager
def shell(name: str, folder: Path) -> Iterator[pexpect.spawn[str]]:
    """A shell at work in a folder, with completion set up as the script says."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} isn't installed")
    options = ["--norc", "--noprofile", "-i"] if name == "bash" else ["-f", "-i"]
    env = {**os.environ, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "TERM": "dumb", "PS1": "> ", "HOME": str(folder)}
    typed = pexpect.spawn(program, options, cwd=str(folder), env=env, encoding="utf-8", echo=False, timeout=60)
    try:
        typed.sendline(f"{BEGIN[name]}; . <(doit tabcompletion --shell {name})")
        typed.sendline("last() { local word; for word; do :; done; echo \"last=[$word]\"; }; echo rea''dy")
        typed.expect("ready")
        yield typed
    finally:
        typed.close(force=True)


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_typed_into_a_shell(name: str, workspace: Path) -> None:
    """What is typed in part is completed to commands, tasks, what stands behind a colon; a file only behind --image."""
    wanted = {
        "doit outp\t": "output",  # or outputs, or output:rm
        "doit dat\t": "dataset",
        "doit build:sk\t": "build:skip_btn",
        "dlim why dataset:\t": "dataset:ssd",
        "doit help undep\t": "undeploy",
        "doit zeb\t": "zeb",
        "doit outputs dat\t": "dat",
        "doit new x --image zeb\t": "zebra.jpg",
    }
    with shell(name, workspace) as typed:
        for keys, last in wanted.items():
            # the line as it is after the completion becomes the words of a function that shows the last
            typed.send(f"{keys}\x01last \r")
            typed.expect(r"last=\[([^\]]*)\]")
            assert typed.match.group(1) == last, keys


def complete(line: str, folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "doit", "tabcompletion", "--complete", line],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("doit la", ["label", "label:pull", "label:push"]),
        ("doit label", ["label", "label:close_btn", "label:pull", "label:push", "label:skip_btn"]),
        ("doit mix:", ["mix:ssd"]),
        ("doit -k --continue dat", ["dataset"]),
        ("doit dataset bui", ["build"]),
        ("doit help outp", ["output", "output:rm", "outputs"]),
        ("doit outputs ", []),
        ("dlim in", ["info", "init"]),
    ],
)
def test_what_may_stand_there(line: str, names: list[str], workspace: Path) -> None:
    """Names depend on what stands before them."""
    assert complete(line, workspace) == names


def test_without_a_workspace(tmp_path: Path) -> None:
    """Where no workspace is, or one that can't be read, commands are completed all the same."""
    assert complete("doit outputs", tmp_path) == ["outputs"]
    (tmp_path / "dodo.py").touch()
    (tmp_path / "config").mkdir()
    (tmp_path / "config/dlim.toml").write_text("seed = [")
    assert complete("doit build:", tmp_path) == []


def test_a_shell_without_a_script(tmp_path: Path) -> None:
    """For another shell there is a line that says for which there is one."""
    done = subprocess.run(
        [sys.executable, "-m", "doit", "tabcompletion", "-s", "fish"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr == '--shell: "fish" has no script; say one of: bash, zsh\n'
