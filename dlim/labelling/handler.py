"""One request to the page's server, and its answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

from dlim.errors import DlimError
from dlim.labelling import guard, reply
from dlim.labelling.drawing import StaleError
from dlim.labelling.guard import RequestError
from dlim.labelling.listener import Listener
from dlim.labelling.reply import HEADERS, Reply, page

BODY = 1_000_000
"""Bytes that a request's body may have: 200 objects take 30,000, a mask of ragged edges some more."""

IDLE = 10.0
"""Seconds that a connection may be silent, and WHOLE that a request may take in all."""
WHOLE = 60.0


class Handler(BaseHTTPRequestHandler):
    """Answers one request, and closes the connection."""

    server: Listener
    timeout = IDLE
    _ends = False

    def setup(self) -> None:
        super().setup()
        # a byte now and then is never silent for long
        self._end = threading.Timer(WHOLE, self._cut)
        self._end.daemon = True
        self._end.start()

    def finish(self) -> None:
        try:
            super().finish()
            self._drain()
        except OSError:
            pass  # it has hung up
        finally:
            self._end.cancel()

    def _cut(self) -> None:
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _drain(self) -> None:
        """Read what was not wanted: a connection closed before that would take the answer with it."""
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(1)
        left = 8 * BODY
        while left > 0 and (data := self.connection.recv(65536)):
            left -= len(data)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # the method is looked at behind the token, with everything else
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        try:
            answer = self._reply()
        except RequestError as refusal:
            answer = reply.plain(refusal.status, refusal.reason)
        except TimeoutError:
            answer = reply.plain(408, "the body didn't come")
        except StaleError as error:
            answer = reply.plain(409, str(error))
        except DlimError as error:
            answer = reply.plain(400, str(error))
        except OSError as error:
            answer = reply.plain(
                500, f"{error.filename or 'the file'}: {error.strerror or error}; see to that, and save again"
            )
        except Exception as error:  # a fault of dlim's own must not end the server, nor hide
            answer = reply.plain(500, f"dlim failed: {error!r}")
        try:
            self._send(answer)
        finally:
            if self._ends:
                self.server.shutdown()  # not before the page has its answer, where it still wants one

    def _reply(self) -> Reply:
        path, _, query = self.path.partition("?")
        guard.check_host(self.headers)
        if path == "/open" and self.command == "GET":
            return self._opened(query)
        guard.check_token(self.headers, query, self.server.token)
        methods = RESOURCES.get(path)
        if methods is None:
            raise RequestError(404, "there is nothing here")
        if self.command not in methods:
            raise RequestError(405, f"only {' and '.join(methods)}")
        return methods[self.command](self)

    def _opened(self, query: str) -> Reply:
        if not self.server.ticket.spend(query.removeprefix("ticket=")):
            raise RequestError(403, guard.UNKNOWN)
        return Reply(b"", "text/plain; charset=utf-8", 303, (("Location", f"/?token={self.server.token}"),))

    def _body(self) -> bytes:
        """The body of a POST that may be read. Raises RequestError for any other."""
        guard.check_post(self.headers)
        length = guard.length(self.headers, BODY)
        body = self.rfile.read(length)
        if len(body) < length:
            raise RequestError(400, "the body is cut off")
        return body

    def _send(self, answer: Reply) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in (*HEADERS, *answer.headers):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server says of a request that it can't take apart, in plain text and without the request."""
        self.command = self.command or ""
        self._send(reply.plain(code, "this is no request that can be answered"))

    def version_string(self) -> str:
        return "dlim"

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - http.server's own name
        """Nothing: the terminal is for the person's work."""

    # what there is

    def page(self) -> Reply:
        html, policy = page()
        return Reply(html, "text/html; charset=utf-8", headers=(("Content-Security-Policy", policy),))

    def image(self) -> Reply:
        image = self.server.drawing.on.image
        return Reply(image.read_bytes(), "image/png" if image.suffix == ".png" else "image/jpeg")

    def annotation(self) -> Reply:
        return reply.json(self.server.drawing.known())

    def save(self) -> Reply:
        drawing = self.server.drawing
        saved = drawing.save(self._body())
        if saved.written:
            with suppress(OSError):  # it is saved, also where nobody listens any more
                self.server.say(f"{drawing.on.name}: saved {drawing.on.boxes}")
        return reply.json(saved)

    def mask(self) -> Reply:
        return reply.json(self.server.drawing.mask())

    def suggestion(self) -> Reply:
        return reply.json(self.server.drawing.suggestion(self._body()))

    def save_mask(self) -> Reply:
        drawing = self.server.drawing
        saved = drawing.save_mask(self._body())
        if saved.written:
            with suppress(OSError):
                self.server.say(f"{drawing.on.name}: saved {drawing.on.master.mask}")
        return reply.json(saved)

    def end(self) -> Reply:
        self._body()
        self._ends = True
        return reply.json({})


RESOURCES: dict[str, dict[str, Callable[[Handler], Reply]]] = {
    "/": {"GET": Handler.page},
    "/image": {"GET": Handler.image},
    "/annotation": {"GET": Handler.annotation, "POST": Handler.save},
    "/mask": {"GET": Handler.mask, "POST": Handler.save_mask},
    "/suggestion": {"POST": Handler.suggestion},
    "/done": {"POST": Handler.end},
}
"""All that is served, by path and method."""
