"""What doit knows of a task that last succeeded, or failed: taken, and given back where doit would forget it."""

from __future__ import annotations

from typing import Any

from dlim.plugins.state import FAILED, State

Facts = dict[str, Any]
"""What is known of a task, by doit's own keys; the files that it was made from last, as that completes it."""

_FILES = "deps:"
_KEYS = ("_values_:", "result:", "checker:")


def facts(memory: State, task: str) -> Facts:
    """All that is known of a task."""
    failed = memory.get(task, FAILED)
    if failed:
        return {FAILED: failed}
    files = memory.get(task, _FILES)
    return {} if files is None else {key: memory.get(task, key) for key in (*_KEYS, *files, _FILES)}


def give_back(memory: State, task: str, known: Facts) -> None:
    """Let that be known of a task again."""
    if FAILED in known:
        memory.fail(task, known[FAILED])
        return
    for key, value in known.items():
        memory.set(task, key, value)
