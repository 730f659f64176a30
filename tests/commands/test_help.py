"""`doit help`: the work in its order, doit's own commands below, and a line for what there isn't."""

from __future__ import annotations

import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from doit.doit_cmd import DoitMain

from tests.conftest import ROOT, Workspace


def doit(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return Workspace(folder).doit(*words)


def test_a_few_lines_and_doit_s_own_below(tmp_path: Path) -> None:
    """`doit help` names the work in a few lines and doit's commands below them, also where no workspace is."""
    done = doit("help", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    work, _, own = done.stdout.partition("doit's own:")
    assert sum(line.startswith("  doit ") for line in work.splitlines()) < 18
    assert max(map(len, done.stdout.splitlines())) <= 120
    ours = {point.name for point in entry_points(group="doit.COMMAND")} - {"help", "-h"}
    theirs = {command.get_name() for command in DoitMain.DOIT_CMDS} - ours
    assert [name for name in sorted(ours - {"run", "tabcompletion", "dumpdb", "info"}) if name not in work] == []
    assert [name for name in sorted(theirs) if f"  doit {name} " not in own] == []


@pytest.mark.parametrize("word", ["-h", "--help", "--version"])
def test_what_everybody_tries_first(tmp_path: Path, word: str) -> None:
    """-h, --help and --version answer, without a workspace."""
    done = doit(word, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert word == "--version" or "begin a project" in done.stdout


@pytest.mark.parametrize(
    "word", ["task", "task:ssd", "label:close_btn", "preview", "dataset", "mix", "mix:ssd", "list"]
)
def test_help_of_a_word(word: str) -> None:
    """A command's, a task's and a subtask's options are told with what it does."""
    done = doit("help", word)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{word.removesuffix(':ssd') if word == 'mix:ssd' else word}")


@pytest.mark.parametrize(
    "words", [("list", "-h"), ("build:close_btn", "--help"), ("mix:ssd", "-h"), ("label", "--help"), ("-n", "2", "-h")]
)
def test_an_option_that_asks_for_help(words: tuple[str, ...]) -> None:
    """-h or --help behind a command or task is answered as `doit help` of it is."""
    done = doit(*words)
    subject = words[0].partition(":")[0] if words[0] == "mix:ssd" else words[0]
    expected = doit("help", *([] if subject == "-n" else [subject]))
    assert (done.returncode, done.stdout) == (0, expected.stdout)


@pytest.mark.parametrize(
    ("word", "remedy"),
    [("datast", 'did you mean "dataset"?'), ("nonsense", "doit help shows"), ("build:nobody", "doit help shows")],
)
def test_help_of_an_unknown_word(word: str, remedy: str) -> None:
    """What is no command and no task is told as such, in a line and with the status 3."""
    done = doit("help", word)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f'doit: "{word}" is no command and no task; {remedy}')
    assert done.stderr.count("\n") == 1


def test_help_of_a_task_of_someone_else(tmp_path: Path) -> None:
    """Tasks that others put into their dodo.py have their help, too."""
    (tmp_path / "dodo.py").write_text("def task_hello():\n    'greet'\n    return {'actions': ['echo hello']}\n")
    assert doit("help", "hello", folder=tmp_path).stdout == "hello: greet\n"
