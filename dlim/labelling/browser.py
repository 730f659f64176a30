"""The person's browser, where there is one with windows."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from contextlib import suppress


def show(address: str) -> None:
    """Open an address in the person's browser, where there is one with windows; else do nothing."""
    displays = "DISPLAY", "WAYLAND_DISPLAY", "BROWSER"
    if sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in displays):
        # some browsers return only when they are closed
        threading.Thread(target=_open, args=(address,), daemon=True).start()


def _open(address: str) -> None:
    with suppress(webbrowser.Error, OSError):
        chosen = webbrowser.get()
        # one that takes the terminal is opened only where the person has asked for it
        if type(chosen) is not webbrowser.GenericBrowser or os.environ.get("BROWSER"):
            chosen.open(address)
