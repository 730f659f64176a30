"""All that knows doit: the steps of a workspace as its tasks, their status, and how they are run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlim.build.tasks import DOIT_CONFIG, Tasks

__all__ = ["DOIT_CONFIG", "Tasks"]


def __getattr__(name: str) -> Any:
    # what runs nothing is not to pay for what runs
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dlim.build import tasks

    return getattr(tasks, name)
