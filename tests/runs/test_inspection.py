"""What `doit servers` says of a server's programs."""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlim.errors import CommandError
from dlim.runs import inspection
from dlim.servers.local import Local

ROOT = Path(__file__).parents[2] / "dlim"

OPTIONAL = {"git", "openssl"}
"""What scripts use only where it is there."""

_SHELL = re.compile(r"\$[1-9({@]|\bcd |&& |\|\| |^(exec|rm|mv|mkdir) ", re.MULTILINE)
"""What a string of Python has in it that is a script."""

_WORDS = "then|do|else|if|while|until|elif|exec|setsid|xargs|nohup|env"
_BEFORE = rf"(?:^|[;|&({{!)']|\$\(|\b(?:{_WORDS})\b|timeout -k 10 \S+)\s*"
_COMMAND = re.compile(rf"(?={_BEFORE}(?:\w+=\S*\s+)*([a-z][a-z0-9_-]*)(?:[\s;)]|$))", re.MULTILINE)
_NO_COMMAND = re.compile(r"(^|(?<=\s))#.*$|\$\(\([^)]*\)\)|^\s*[\w|*]+\)", re.MULTILINE)
"""A remark, a sum, the label of a case."""

_FUNCTION = re.compile(r"^\s*(\w+)\(\)", re.MULTILINE)

_BUILTIN = """
break case cd command continue do done echo elif else esac eval exec exit export false fi for if in kill local printf
pwd read return set sh shift test then time trap true type umask unset until wait while
"""


def scripts() -> Iterator[str]:
    """The text of every script that runs on a server: the files, and what stands in Python for one."""
    yield from (path.read_text(encoding="utf-8") for path in sorted((ROOT / "runs").glob("*.sh")))
    for path in sorted([*(ROOT / "runs").glob("*.py"), *(ROOT / "servers").glob("*.py")]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            text = ""
            if isinstance(node, ast.JoinedStr):
                text = "".join(str(part.value) if isinstance(part, ast.Constant) else "1" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (docs | inner):
                text = node.value
            if _SHELL.search(text):
                yield text


def programs(texts: list[str]) -> set[str]:
    """The programs that scripts start: what stands where a command does, and is neither sh's own nor a function.

    Looked for where a system has its programs: PATH may begin with an environment's own, `dlim` among them.
    """
    bare = [_NO_COMMAND.sub("", text) for text in texts]
    known = set(_BUILTIN.split()) | {name for text in bare for name in _FUNCTION.findall(text)}
    found = {name for text in bare for name in _COMMAND.findall(text)}
    return {name for name in found - known if shutil.which(name, path=os.defpath)}


def test_the_programs_are_those_of_the_scripts() -> None:
    """`doit servers` asks for exactly the programs that the scripts start."""
    assert sorted(programs(list(scripts())) - OPTIONAL) == sorted(inspection.TOOLS)


def test_a_server_that_lacks_something(tmp_path: Path) -> None:
    """What a server lacks is named, and its disk is told."""
    look = inspection.look(Local("ssd", tmp_path), ["cat", "no-such-program"])
    assert look.lacking == ("no-such-program",)
    assert look.free > 0


def test_a_server_that_says_what_is_not_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server says of itself can't forge a line."""
    monkeypatch.setattr(inspection, "_LOOK", "printf 'free \\033[2K9\\nlacks \\033[1mcat\\n'")
    with pytest.raises(CommandError) as caught:
        inspection.look(Local("ssd", tmp_path))
    assert str(caught.value).isprintable()
