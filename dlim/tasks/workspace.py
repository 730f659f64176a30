"""The workspace in which doit runs, and what doit is told of it."""

from __future__ import annotations

from importlib import metadata

from doit.exceptions import InvalidDodoFile

from dlim import workspace
from dlim.errors import DlimError
from dlim.plugins.reporter import Reporter
from dlim.plugins.state import Checker
from dlim.plugins.work import unusable
from dlim.workspace import (
    DATA_SET,
    INTERNAL,
    OUTPUT,
    STANDING,
    archive_files,
    has_master,
    objects,
    shards_folder,
    split_folder,
    variations,
)

__all__ = [
    "DATA_SET",
    "DOIT_CONFIG",
    "INTERNAL",
    "OUTPUT",
    "STANDING",
    "Workspace",
    "archive_files",
    "has_master",
    "objects",
    "shards_folder",
    "split_folder",
    "variations",
]

BACKEND = "dlim"

DOIT_CONFIG = {
    "backend": BACKEND,
    "dep_file": str(INTERNAL / "state.db"),
    "check_file_uptodate": Checker,
    "reporter": Reporter,
    # what must not be interrupted or take doit down with it has a process of its own
    "par_type": "thread",
    "default_tasks": ["dataset"],
}


class Workspace(workspace.Workspace):
    """A workspace of which doit shows in a line what can't be read."""

    @classmethod
    def here(cls) -> Workspace:
        """The workspace in the current folder; a fault in its files is one line that doit shows."""
        try:
            metadata.version("dlim")
        except metadata.PackageNotFoundError as error:
            fault = "dlim isn't installed in this Python; set it up with the line in README.md"
            raise InvalidDodoFile(fault) from error
        found = cls()
        try:
            found.projects  # noqa: B018 - read now
        except DlimError as error:
            raise InvalidDodoFile(str(error)) from error
        except OSError as error:
            raise InvalidDodoFile(unusable(error)) from error
        return found
