"""The program `dlim`: `dlim init DIR` makes a workspace, and all else is doit's: `dlim dataset` is `doit dataset`.

doit's own program can't do these: begin where there is no dodo.py, say a version that is dlim's, take `--help` for its
plugins, and end with a line where an argument is empty or Ctrl-C comes before the command does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from dlim.errors import DlimError

FAULTY, INTERRUPTED = 3, 130

HELP = ("-h", "--help")

USAGE = """dlim init [DIR]   make a workspace of DIR, the current folder unless given: empty, or a git repository
                  dlim WORD ... is doit WORD ...: dlim help shows what there is"""


def main() -> int:
    """Do what the command line says; the status of that."""
    words = sys.argv[1:]
    try:
        if words[:1] == ["init"]:
            return _init(words[1:])
        if words == ["--version"]:
            return _version()
        if "" in words:  # doit looks at its first letter
            raise DlimError("dlim", "an argument is empty", "leave it out")
        return _doit(["help"] if words[:1] and words[0] in HELP else words)
    except DlimError as error:
        print(error, file=sys.stderr)
        return FAULTY
    except KeyboardInterrupt:
        return INTERRUPTED


def _init(words: Sequence[str]) -> int:
    from dlim.init import init

    if any(word in HELP for word in words):
        print(USAGE)
        return 0
    if len(words) > 1 or any(word.startswith("-") or not word for word in words):
        raise DlimError("dlim init", "wants one folder", "say dlim init DIR")
    begun = init(Path(words[0] if words else "."))
    for note in begun.notes:
        print(note)
    print(f"{begun.folder}: a workspace with one project; next: cd {begun.folder} && doit dataset")
    return 0


def _version() -> int:
    versions = (f"{name} {metadata.version(name)}" for name in ("dlim", "doit"))
    print(f"{', '.join(versions)}, Python {'.'.join(map(str, sys.version_info[:3]))}")
    return 0


def _doit(words: Sequence[str]) -> int:
    from doit.doit_cmd import DoitMain

    return int(DoitMain().run(list(words)) or 0)
