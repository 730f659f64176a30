"""What the server answers: a body, and the headers of every answer."""

from __future__ import annotations

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
