"""What the server answers: the page, which is one HTML text with a policy of its own, lines and values.

The page has its style and scripts inside, and its policy allows no others.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec

HEADERS = (
    ("Cache-Control", "no-store"),
    ("Connection", "close"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""Of every answer: nothing is kept, and no other page learns or shows anything of it."""


class Reply(NamedTuple):
    """An answer's body, its type, its status, and headers of its own."""

    body: bytes
    type: str
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def plain(status: int, line: str) -> Reply:
    """A line for a person."""
    return Reply(line.encode("utf-8", "replace"), "text/plain; charset=utf-8", status)


def json(value: object) -> Reply:
    """A value for the page."""
    return Reply(msgspec.json.encode(value), "application/json")


STYLE = "page.css"
SCRIPTS = ("boxes.js", "drawing.js", "stage.js", "panel.js", "mask.js", "page.js")
"""In the order in which they build on each other."""


class Page(NamedTuple):
    """The HTML text, and its Content-Security-Policy."""

    html: bytes
    policy: str


@cache
def page() -> Page:
    """The page, put together from the package's files."""
    style = _text(STYLE)
    script = "".join(_text(name) for name in SCRIPTS)
    html = _text("page.html").replace("/* style */", style).replace("/* script */", script)
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {_hash(script)}",
            "img-src blob: data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return Page(html.encode(), policy)


def _text(name: str) -> str:
    return (resources.files(__package__) / "static" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """How a policy names the one text that may stand there."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
