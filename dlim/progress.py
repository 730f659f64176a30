"""dlim.console, under the name that parts still call it by."""

from dlim.console import Console, Terminal, console, current, use

__all__ = ["Console", "Terminal", "console", "current", "use"]
