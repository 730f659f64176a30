"""A real browser for tests: the machine's own Chromium, worked with as a person does, by playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def started() -> Iterator[Browser]:
    """A headless browser, which ends with the block; where none is installed, the test is skipped."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("chromium isn't installed")
    with sync_playwright() as playwright:
        # it will not run as root with its own sandbox
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@dataclass
class Tab:
    """A page. errors: what its console complained of, and exceptions of its scripts. requests: what it asked for.

    dialogs: questions that it asked on leaving, all answered with yes.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@contextmanager
def tab(
    browser: Browser, width: int = 1280, height: int = 800, *, dark: bool = False, touch: bool = False, scale: float = 1
) -> Iterator[Tab]:
    """An empty page of that size in CSS pixels, with nothing of any other page; touch: as of a phone."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        has_touch=touch,
        is_mobile=touch,
        device_scale_factor=scale,
    )
    context.set_default_timeout(60_000)
    made = Tab(context.new_page())

    def asked(dialog: object) -> None:
        made.dialogs.append(dialog.type)  # type: ignore[attr-defined]
        dialog.accept()  # type: ignore[attr-defined]

    made.page.on("dialog", asked)
    made.page.on("pageerror", lambda error: made.errors.append(str(error)))
    made.page.on("console", lambda line: made.errors.append(line.text) if line.type in ("error", "warning") else None)
    made.page.on("request", lambda request: made.requests.append(request.url))
    try:
        yield made
    finally:
        context.close()


def unfit(page: Page) -> list[str]:
    """What axe finds of a page that keeps people from using it: its rules and the elements, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    return [
        f"{found['id']}: {element['html'][:120]}"
        for found in Axe().run(page).response["violations"]
        for element in found["nodes"]
    ]
