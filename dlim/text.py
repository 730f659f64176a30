"""dlim.console, under the name that parts still call it by."""

from dlim.console import columns, cut, megabytes, room, table, width

__all__ = ["columns", "cut", "megabytes", "room", "table", "width"]
