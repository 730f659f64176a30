"""A real browser for tests: headless Chromium, with true mouse and key events, over the pipe of its DevTools."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import F_DUPFD_CLOEXEC, fcntl
from pathlib import Path
from typing import Any

PATIENCE = 60.0
"""Seconds after which a test gives up; nothing here takes that long, but machines may be busy."""

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

SWITCHES = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",  # it will not run as root with one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--force-device-scale-factor=1",
)

ALT, CTRL, META, SHIFT = 1, 2, 4, 8

BUTTONS = {"none": 0, "left": 1, "right": 2, "middle": 4}

CODES = {
    "Enter": 13,
    "Escape": 27,
    " ": 32,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Delete": 46,
    "Backspace": 8,
    "Tab": 9,
}
"""Windows's numbers of the keys that have a name."""


def code_of(key: str) -> int:
    """Windows's number of a key: a letter's is that of its capital; that of a sign depends on the keyboard."""
    return CODES.get(key) or (ord(key.upper()) if len(key) == 1 and key.isalnum() and key.isascii() else 0)


def program() -> str | None:
    """Where Chromium is; None where it isn't installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser that keeps its profile in that folder, and ends with the block."""
    started = Browser(folder)
    try:
        yield started
    finally:
        started.end()


class Browser:
    """A headless Chromium. It ends with this process, whose end closes the pipe."""

    def __init__(self, folder: Path) -> None:
        path = program()
        assert path is not None, "chromium isn't installed"
        ours_in, theirs_out = _pipe()
        theirs_in, ours_out = _pipe()
        command = [path, *SWITCHES, f"--user-data-dir={folder}", "about:blank"]
        # Chromium reads commands from 3 and writes to 4
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", *command],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)},
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out = ours_in, ours_out
        self._buffer = b""
        self._number = 0
        self._pages: dict[str, Page] = {}

    def page(self, width: int = 1280, height: int = 800, *, dark: bool = False) -> Page:
        """An empty page of that size in CSS pixels, in light or dark colours."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        page.size(width, height)
        page.dark(dark)
        return page

    def send(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Give a command of the DevTools protocol, and wait for what it returns."""
        number = self._post(method, session, parameters)
        while True:
            message = self._next(PATIENCE)
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return dict(message["result"])

    def post(self, method: str, session: str, **parameters: Any) -> None:
        """Give a command without waiting for it."""
        self._post(method, session, parameters)

    def _post(self, method: str, session: str, parameters: dict[str, Any]) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        return self._number

    def listen(self, seconds: float) -> None:
        """Take what pages tell, for up to so long."""
        with suppress(TimeoutError):
            self._next(seconds)

    def _next(self, seconds: float) -> dict[str, Any]:
        """The next message; where it is an event, its page has it already."""
        end = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser says nothing")
            data = os.read(self._in, 1 << 20)
            assert data, f"the browser has ended with status {self._process.wait(PATIENCE)}"
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        if "method" in message and message.get("sessionId") in self._pages:
            self._pages[message["sessionId"]].happened(message["method"], message["params"])
        return message

    def end(self) -> None:
        """Close it, and wait for that."""
        with suppress(AssertionError, TimeoutError, OSError):
            self.send("Browser.close")
        os.close(self._in)
        os.close(self._out)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(PATIENCE)


def _pipe() -> tuple[int, int]:
    """A pipe whose ends have numbers that a shell's redirection to 3 and 4 can't run over."""
    ends = os.pipe()
    high = tuple(fcntl(end, F_DUPFD_CLOEXEC, 20) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]


class Page:
    """A page of the browser, which a test looks at and works with as a person does.

    errors: what its console complained of, and exceptions of its scripts. requests: the addresses it asked for.
    dialogs: questions that it asked on leaving, all answered with yes.
    """

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self._target = target
        self._loaded = False
        self._modifiers = 0
        self._pressed = "none"
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give a command of the DevTools protocol to this page."""
        return self._browser.send(method, self._session, **parameters)

    def happened(self, method: str, event: dict[str, Any]) -> None:
        """Note what the browser tells of this page."""
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(event["type"])
            self._browser.post("Page.handleJavaScriptDialog", self._session, accept=True)
        elif method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(argument.get("value")) for argument in event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.errors.append(event["entry"]["text"])

    def open(self, address: str) -> None:
        """Go to an address, such as http://... or file:///..., and wait until all of it is loaded."""
        self._loaded = False
        result = self.send("Page.navigate", url=address)
        assert "errorText" not in result, f"{address}: {result['errorText']}"
        self._wait_until_loaded()

    def reload(self) -> None:
        """Load the page again, and wait until all of it is there."""
        self._loaded = False
        self.send("Page.reload")
        self._wait_until_loaded()

    def _wait_until_loaded(self) -> None:
        end = time.monotonic() + PATIENCE
        while not self._loaded:
            assert time.monotonic() < end, "the page doesn't load"
            self._browser.listen(1)

    def evaluate(self, script: str) -> Any:
        """What an expression of JavaScript gives, a promise's outcome included; its exception fails the test."""
        result = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def wait(self, script: str) -> Any:
        """Wait until an expression gives something true, and return that."""
        end = time.monotonic() + PATIENCE
        while not (value := self.evaluate(script)):
            assert time.monotonic() < end, f"never came: {script}"
            self._browser.listen(0.02)
        return value

    def text(self, selector: str) -> str:
        """The text that an element shows."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText"))

    def size(self, width: int, height: int, *, scale: float = 1, touch: bool = False) -> None:
        """Give the page a size in CSS pixels, with scale device pixels to each; touch: as of a phone."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=touch
        )
        self.send("Emulation.setTouchEmulationEnabled", enabled=touch)

    def dark(self, on: bool) -> None:
        """Say whether the person prefers dark colours."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if on else "light"}
        self.send("Emulation.setEmulatedMedia", features=[feature])

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Save what is to be seen as PNG; whole: the page's full length."""
        data = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))

    # the mouse, in CSS pixels from the page's left upper corner

    def place(self, selector: str) -> tuple[float, float]:
        """The middle of an element."""
        script = (
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])"
            f"((element => (element.scrollIntoViewIfNeeded?.(), element.getBoundingClientRect()))"
            f"(document.querySelector({json.dumps(selector)})))"
        )
        x, y = self.evaluate(script)
        return x, y

    def move(self, x: float, y: float) -> None:
        self._mouse("mouseMoved", x, y)

    def press(self, x: float, y: float, button: str = "left") -> None:
        self._pressed = button
        self._mouse("mousePressed", x, y)

    def release(self, x: float, y: float) -> None:
        self._mouse("mouseReleased", x, y)
        self._pressed = "none"

    def drag(
        self, start: tuple[float, float], end: tuple[float, float], *, button: str = "left", keys: int = 0
    ) -> None:
        """Press at one place, go to another by way of the middle, and let go. keys: those held down."""
        self._modifiers = keys
        self.move(*start)
        self.press(*start, button)
        self.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self.move(*end)
        self.release(*end)
        self._modifiers = 0

    def click(self, where: str | tuple[float, float]) -> None:
        """Click on an element, or at a place."""
        x, y = self.place(where) if isinstance(where, str) else where
        self.move(x, y)
        self.press(x, y)
        self.release(x, y)

    def wheel(self, x: float, y: float, down: float) -> None:
        """Turn the wheel so many pixels towards the person."""
        self._mouse("mouseWheel", x, y, deltaX=0, deltaY=down)

    def _mouse(self, kind: str, x: float, y: float, **more: float) -> None:
        self.send(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button=self._pressed,
            buttons=0 if kind == "mouseReleased" else BUTTONS[self._pressed],
            clickCount=int(kind in ("mousePressed", "mouseReleased")),
            modifiers=self._modifiers,
            **more,
        )

    def touch(self, *steps: list[tuple[float, float]]) -> None:
        """Touch the page at the places of the first step, go through the others, and let go. A place is a finger's."""
        for kind, places in zip(("touchStart", *("touchMove",) * (len(steps) - 1)), steps, strict=True):
            points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
            self.send("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    # the keyboard

    def key(self, key: str, keys: int = 0) -> None:
        """Press a key by its name, as JavaScript's event.key has it; keys: those held down, as CTRL | SHIFT."""
        writes = len(key) == 1 and not keys & (ALT | CTRL | META)
        event = {
            "key": key.upper() if keys & SHIFT and len(key) == 1 else key,
            "code": f"Key{key.upper()}" if key.isalpha() and len(key) == 1 else key,
            "windowsVirtualKeyCode": code_of(key),
            "modifiers": keys,
        }
        text = {"text": "\r" if key == "Enter" else key} if writes or key == "Enter" else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    def hold(self, key: str, down: bool) -> None:
        """Hold a key down, or let it go."""
        code = code_of(key)
        kind = "rawKeyDown" if down else "keyUp"
        self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        """Type a text into what has the focus, a key for each character."""
        for character in text:
            self.key(character)

    def fill(self, selector: str, text: str) -> None:
        """Type a text into a field in place of what it has, and leave the field."""
        self.click(selector)
        self.key("a", CTRL)
        self.type(text)
        self.key("Tab")

    def close(self) -> None:
        self._browser.send("Target.closeTarget", targetId=self._target)
