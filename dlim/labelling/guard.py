"""Who may talk to the page's server: requests under a loopback name that carry the token of the address."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from email.message import Message

TOKEN = "X-Dlim-Token"  # noqa: S105 - the header's name
"""The header in which the page sends the token that stood in its own address."""

UNKNOWN = "open the whole address that dlim printed, with its token"

_NAME = r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?"
_HOST = re.compile(_NAME, re.IGNORECASE)
_ORIGIN = re.compile(f"https?://{_NAME}", re.IGNORECASE)


class RequestError(Exception):
    """A request that isn't served. status: HTTP's number for why; reason: a line for who sent it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


def check_host(headers: Message) -> None:
    """Raise RequestError unless a request comes under a loopback name.

    Any port will do, as a tunnel has one of its own. Any other name is a page of somebody else's, which had its own
    name lead here.
    """
    hosts = headers.get_all("Host", [])
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0].strip()):
        raise RequestError(403, "this server answers to 127.0.0.1 and localhost only")


def check_token(headers: Message, query: str, token: str) -> None:
    """Raise RequestError unless a request carries the token."""
    given = headers.get(TOKEN) or query.removeprefix("token=")
    if not hmac.compare_digest(_bytes(given), _bytes(token)):
        raise RequestError(403, UNKNOWN)


class Ticket:
    """Lets a browser in once, which then learns the token.

    A browser is started with its address as an argument, which whoever is logged in on this machine may read.
    """

    def __init__(self) -> None:
        self.text = secrets.token_urlsafe(24)
        self._unspent = threading.Semaphore()

    def spend(self, given: str) -> bool:
        """Whether that is the ticket, and nobody has shown it before."""
        return hmac.compare_digest(_bytes(given), _bytes(self.text)) and self._unspent.acquire(blocking=False)


def check_post(headers: Message) -> None:
    """Raise RequestError unless what is sent is JSON, and no page of another server sends it."""
    origin = headers.get("Origin")
    if origin is not None and not _ORIGIN.fullmatch(origin.strip()):
        raise RequestError(403, "only dlim's own page may send this")
    if headers.get_content_type() != "application/json":
        raise RequestError(415, "send application/json")


def length(headers: Message, most: int) -> int:
    """The bytes of a request's body. Raises RequestError where that isn't said, or they are more than most."""
    given = headers.get_all("Content-Length", [])
    if not given or "Transfer-Encoding" in headers:
        raise RequestError(411, "say the body's length")
    if len(given) != 1 or not re.fullmatch("[0-9]{1,18}", given[0].strip()):
        raise RequestError(400, "the body's length is no number")
    if int(given[0]) > most:
        raise RequestError(413, f"send up to {most:,} bytes")
    return int(given[0])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
