"""The page's port on loopback, and what all that is asked there shares."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

from dlim.labelling.drawing import Drawing
from dlim.labelling.guard import Ticket

HOST = "127.0.0.1"

CONNECTIONS = 64
"""How many are served at once; a page has six."""


class Listener(ThreadingTCPServer):
    """Listens on loopback; a thread answers each request."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = CONNECTIONS

    def __init__(
        self, drawing: Drawing, handler: type[BaseRequestHandler], port: int, say: Callable[[str], None]
    ) -> None:
        super().__init__((HOST, port), handler)
        self.drawing = drawing
        self.say = say
        self.token = secrets.token_urlsafe(24)
        self.ticket = Ticket()
        self._free = threading.BoundedSemaphore(CONNECTIONS)

    @property
    def address(self) -> str:
        """What a person opens."""
        return f"http://{HOST}:{self.server_address[1]}/?token={self.token}"

    @property
    def opening(self) -> str:
        """What a browser is started with, which leads to the address once."""
        return f"http://{HOST}:{self.server_address[1]}/open?ticket={self.ticket.text}"

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # there is no thread that would give the place back
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is the browser's to tell; the terminal is for the person's work."""
