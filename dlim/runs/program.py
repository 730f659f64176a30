"""A learner's program, where it is a folder of this workspace: brought to the learner's folder before it learns."""

from __future__ import annotations

from pathlib import Path

from dlim import store
from dlim.config import Learning
from dlim.errors import ConfigError
from dlim.names import matches
from dlim.runs import files
from dlim.runs.place import Place, script


def parts(learning: Learning) -> dict[str, Path]:
    """A program's files by their paths below its folder, sorted; none where the learner has no program here.

    What it left where it was tried by hand, weights, results and predictions, isn't part of it. Raises ConfigError for
    a folder without a program.
    """
    if not learning.program:
        return {}
    folder = Path(learning.program)
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    made = (learning.weights, learning.results, learning.predictions)
    kept = {name.as_posix(): path for name, path in found.items() if not _passed_over(name)}
    kept = {name: path for name, path in kept.items() if not matches(name, made)}
    if not kept:
        raise ConfigError(folder, "is no folder with a program", "correct learning.program in the learner's file")
    return kept


def _passed_over(name: Path) -> bool:
    return any(part.startswith((".", "__pycache__")) or part.endswith(("~", ".pyc")) for part in name.parts)


def digests(learning: Learning) -> dict[str, str]:
    """The SHA-256 of each of a program's files, by path."""
    return {name: store.sha256(path) for name, path in parts(learning).items()}


_FORGET = """
cat >"$own/program.new" || exit 1
if [ -e "$own/program" ]; then
    while read -r was path; do
        cut -d ' ' -f 2- "$own/program.new" | grep -qxF -e "$path" && continue
        [ -f "./$path" ] && [ "$(digest <"./$path")" = "$was" ] && rm -f "./$path"
    done <"$own/program"
fi
mv -f "$own/program.new" "$own/program"
"""
"""Removes what an earlier version of the program had, and nobody has changed there since."""


def bring(place: Place, learning: Learning) -> bool:
    """Bring a program to the learner's folder; whether anything wasn't there already.

    What an earlier version of it had, and this one hasn't, goes.
    """
    found = parts(learning)
    if not found:
        return False
    brought = bool(files.bring(place.transport, place.folder, found))
    lines = "".join(f"{store.sha256(path)} {name}\n" for name, path in found.items())
    place.transport.require(place.run(script("common.sh") + _FORGET, feed=[lines.encode()]))
    return brought
