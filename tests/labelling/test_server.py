"""The page's server: what it gives to whom, that nothing hostile moves it, and how it ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlim.errors import AnnotationError, ProjectError, WorkspaceError
from dlim.formats import voc as voc_format
from dlim.labelling import browser, handler, listener, server
from dlim.labelling.guard import TOKEN
from dlim.projects import Project
from tests.conftest import ROOT
from tests.labelling.conftest import CANVAS, CROP, Served, project_in, serving, thing, voc

GOOD = thing(5, 7, 28, 20)


def test_what_is_served(served: Served) -> None:
    """The page, the image's own bytes and what is drawn so far: each kept by nobody and shown in no other page."""
    status, data, response = served.ask("GET", f"/?token={served.token}", headers={TOKEN: ""})
    assert status == 200
    assert data.startswith(b"<!doctype html>")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for part in ("script-src 'sha256-", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    status, data, response = served.ask("GET", "/image")
    assert (status, data) == (200, served.project.extended.read_bytes())
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Server"] == "dlim"
    known = served.known()
    assert known["objects"] == []
    assert known["crop"] == [1, 1, 32, 24]
    assert (known["width"], known["height"], known["label"]) == (400, 300, "close_btn")
    assert known["labels"] == ["close_btn", "skip_btn"]


def test_the_address(served: Served) -> None:
    """The one line that is said has the address on loopback with a token that nobody guesses."""
    assert served.said == [f"close_btn: label it at {served.address}  (Ctrl-C ends)"]
    assert len(served.token) >= 32


def test_saving(served: Served) -> None:
    """What is sent is in the file, pixel for pixel; sent again, it changes neither a byte nor the file's time."""
    status, text = served.save(GOOD, thing(1, 1, 32, 24, "skip_btn", truncated=True, difficult=True), version="")
    assert status == 200
    answer = json.loads(text)
    assert answer["written"]
    first, second = voc_format.read(served.project.boxes).objects
    assert (first.box.x1, first.box.y1, first.box.x2, first.box.y2) == (4, 6, 28, 20)
    assert (second.label, second.truncated, second.difficult) == ("skip_btn", True, True)
    os.utime(served.project.boxes, ns=(1, 1))
    before = served.project.boxes.read_bytes()
    again = served.save(*served.known()["objects"], version=answer["version"])
    assert again == (200, json.dumps({**answer, "written": False}, separators=(",", ":")))
    assert served.project.boxes.read_bytes() == before
    assert served.project.boxes.stat().st_mtime_ns == 1
    assert served.said[1:] == [f"close_btn: saved {served.project.boxes}"]


def test_what_another_program_saved_is_not_lost(served: Served) -> None:
    """A file that has changed since the page read it is only saved over when the page says so."""
    version = served.known()["version"]
    other = voc(CANVAS, ("skip_btn", 1, 1, 9, 9))
    served.project.boxes.write_text(other)
    assert served.save(GOOD, version=version) == (
        409,
        "close_btn: image_extended.xml was changed since this page read it; load it again, or save over it",
    )
    assert served.project.boxes.read_text() == other
    served.project.boxes.write_text("broken meanwhile")
    assert served.ask("GET", "/annotation")[0] == 400
    assert served.save(GOOD)[0] == 200
    assert len(voc_format.read(served.project.boxes).objects) == 1


def test_the_same_is_saved_twice(served: Served) -> None:
    """Who clicks twice sends the same drawing over the same file: that is no conflict."""
    version = served.known()["version"]
    assert served.save(GOOD, version=version)[0] == 200
    assert served.save(GOOD, version=version)[0] == 200
    assert served.save(thing(1, 1, 9, 9), version=version)[0] == 409


def test_a_label_that_project_toml_sets(tmp_path: Path) -> None:
    """The page says that every object will be called so."""
    with serving(project_in(tmp_path / "p", label="round")) as served:
        known = served.known()
        assert known["label"] == "round"
        assert known["notes"] == ['project.toml calls every object here "round"']
        assert not known["mended"]


def test_what_the_disk_refuses(served: Served) -> None:
    """What the operating system refuses is a line on the page; the old boxes stay, and the next save may go well."""
    assert served.save(GOOD)[0] == 200
    before = served.project.boxes.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        status, said = served.save(thing(1, 1, 9, 9))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (status, said) == (500, "the file: File too large; see to that, and save again")
    assert served.project.boxes.read_bytes() == before
    assert served.save(thing(1, 1, 9, 9))[0] == 200


# what is refused

REFUSED_BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "a text": b"hello",
    "two values": b"{} {}",
    "no UTF-8": b'{"objects":[{"name":"\xff\xfe"}]}',
    "half a surrogate": b'{"objects":[],"version":"\\ud800"}',
    "deep lists": b"[" * 400_000,
    "deep objects": b'{"objects":' * 80_000,
    "deep in an unknown field": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a list": b"[]",
    "null": b"null",
    "no objects": b'{"version":null}',
    "no version": b'{"objects":[]}',
    "an unknown field": b'{"objects":[],"version":null,"path":"/etc/passwd"}',
    "an unknown field of an object": json.dumps({"objects": [{**GOOD, "file": "x"}], "version": None}).encode(),
    "NaN": json.dumps({"objects": [thing(float("nan"), 1, 9, 9)], "version": None}).encode(),
    "infinity": json.dumps({"objects": [thing(1, 1, float("inf"), 9)], "version": None}).encode(),
}

REFUSED_OBJECTS = {
    "no object": [],
    "a fraction": [thing(1.5, 1, 9, 9)],
    "a whole fraction": [thing(1.0, 1, 9, 9)],
    "a truth": [thing(True, 1, 9, 9)],
    "a text": [thing("1", 1, 9, 9)],
    "null": [thing(None, 1, 9, 9)],
    "a list": [thing([1], 1, 9, 9)],
    "0": [thing(0, 1, 9, 9)],
    "negative": [thing(-5, 1, 9, 9)],
    "wide": [thing(1, 1, 401, 9)],
    "high": [thing(1, 1, 9, 301)],
    "huge": [thing(1, 1, 10**400, 9)],
    "no area": [thing(9, 9, 8, 8)],
    "one pixel": [thing(9, 9, 9, 9)],
    "turned round": [thing(20, 20, 3, 3)],
    "outside the crop": [thing(200, 200, 220, 220)],
    "too many": [GOOD] * 201,
    "difficult only": [thing(5, 7, 28, 20, difficult=True)],
    "upper case": [thing(5, 7, 28, 20, "Close")],
    "no label": [thing(5, 7, 28, 20, "")],
    "a space": [thing(5, 7, 28, 20, "close btn")],
    "a line's end": [thing(5, 7, 28, 20, "close\n")],
    "markup": [thing(5, 7, 28, 20, "<script>alert(1)</script>")],
    "a NUL": [thing(5, 7, 28, 20, "a\0")],
    "a number for a label": [thing(5, 7, 28, 20, 5)],
    "a long label": [thing(5, 7, 28, 20, "a" * 41)],
    "a number for a flag": [thing(5, 7, 28, 20, truncated=1)],
    "a text for a flag": [thing(5, 7, 28, 20, difficult="no")],
    "a number for a pose": [thing(5, 7, 28, 20, pose=7)],
}


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server on a labelled project, for all that must change nothing."""
    project = project_in(tmp_path_factory.mktemp("besieged") / "close_btn")
    project.boxes.write_text(voc(CROP, ("close_btn", 5, 7, 28, 20)))
    before = state(project)
    with serving(project) as served:
        yield served
        assert served.known()["objects"] == [{**GOOD, "pose": "Unspecified"}]
    assert state(project) == before


def state(project: Project) -> dict[str, tuple[bytes, int]]:
    """All files of a project, with their times."""
    files = (path for path in project.folder.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@pytest.mark.parametrize("name", REFUSED_BODIES)
def test_bodies_that_are_refused(besieged: Served, name: str) -> None:
    """What is no JSON of the page's kind is a 400 with a line that says so, and nothing is written."""
    before = state(besieged.project)
    status, data, _ = besieged.ask("POST", "/annotation", REFUSED_BODIES[name])
    assert status == 400
    assert data.decode().endswith(("; send it as the page does", "; send whole pixels, texts and flags"))
    assert "\n" not in data.decode()
    assert state(besieged.project) == before


@pytest.mark.parametrize("name", REFUSED_OBJECTS)
def test_objects_that_are_refused(besieged: Served, name: str) -> None:
    """Boxes and labels that no build could use are a 400 with the reason, and nothing is written."""
    before = state(besieged.project)
    status, said = besieged.save(*REFUSED_OBJECTS[name])
    assert status == 400
    assert ": " in said
    assert "; " in said
    assert "\n" not in said
    assert state(besieged.project) == before


HOSTS = (
    "evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "evil.example:80", "", "127.0.0.2", "10.0.0.1",
    "0.0.0.0", "localhost.", "[::1", "127.0.0.1:", "127.0.0.1:80:80", "127.0.0.1:x", "localhost evil", "127.1",
    "2130706433", "[::ffff:127.0.0.1]", "localhost\tevil",
)  # fmt: skip

PATHS = (
    "/../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/etc/passwd", "/./image",
    "/image/", "/image/..", "/IMAGE", "/image;x", "/image%00", "/annotation.xml", "/static/page.js", "/page.js",
    "http://127.0.0.1/image", "http://evil.example/", "*", "image", "/\\..\\x", "/%", "/" + "a" * 60_000,
    "/page.html", "/..", "//[", "/favicon.ico", "file:///etc/passwd", "/image%20", "/%69mage",
)  # fmt: skip

METHODS = (
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "HEAD",
    "PROPFIND",
    "get",
    "__init__",
    "ANSWER",
    "X",
)

ORIGINS = (
    "http://evil.example", "null", "http://127.0.0.1.evil.example", "http://127.0.0.1@evil.example", "file://", "",
    "http://localhost:1:2", "ftp://127.0.0.1", "http://10.0.0.1", "chrome-extension://abc", "http://127.0.0.1/x",
)  # fmt: skip

TYPES = ("text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json", "text/json")


@pytest.mark.parametrize("host", HOSTS)
def test_other_names_are_refused(besieged: Served, host: str) -> None:
    """A page whose own name was made to lead to loopback gets nothing, even with the token."""
    for method, path in (("GET", "/annotation"), ("GET", f"/?token={besieged.token}"), ("POST", "/annotation")):
        assert besieged.ask(method, path, headers={"Host": host})[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8765", "[::1]", "[::1]:65535"])
def test_a_tunnels_names_are_welcome(besieged: Served, host: str) -> None:
    """Any loopback name will do, with the port that a tunnel has at its other end."""
    assert besieged.ask("GET", "/annotation", headers={"Host": host, "Origin": f"http://{host}"})[0] == 200


@pytest.mark.parametrize("path", PATHS)
def test_there_is_nothing_else(besieged: Served, path: str) -> None:
    """No path leads anywhere but to the four resources."""
    assert besieged.ask("GET", path, headers={"Host": "localhost"})[0] == 404


@pytest.mark.parametrize("method", METHODS)
def test_other_methods(besieged: Served, method: str) -> None:
    """A method that a resource doesn't have is a 405; who has no token learns not even that."""
    for path in ("/", "/image", "/annotation", "/done"):
        assert besieged.ask(method, path)[0] == 405
        assert besieged.ask(method, path, headers={TOKEN: "x"})[0] == 403
    assert besieged.ask("GET", "/done")[0] == besieged.ask("POST", "/", {})[0] == besieged.ask("POST", "/image", {})[0]
    assert besieged.ask("GET", "/done")[0] == 405


def test_no_token(besieged: Served) -> None:
    """Without the whole token nothing is given or taken, whatever is asked for."""
    wrong = ("", "x", besieged.token[:-1], besieged.token + "x", besieged.token.swapcase(), "\xfc", "a" * 50_000)
    for token in wrong:
        for method, path in (
            ("GET", "/"), ("GET", f"/?token={token[:100]}"), ("GET", "/image"), ("GET", "/annotation"),
            ("POST", "/annotation"), ("POST", "/done"), ("GET", "/nothing"), ("PUT", "/"),
        ):  # fmt: skip
            path = path.encode("ascii", "ignore").decode()
            assert besieged.ask(method, path, headers={TOKEN: token})[0] == 403
    for query in ("token=", "token", "token[]=x", f"x={besieged.token}", f"token=x&token={besieged.token}"):
        assert besieged.ask("GET", f"/?{query}", headers={TOKEN: ""})[0] == 403


@pytest.mark.parametrize("origin", ORIGINS)
def test_other_origins_may_send_nothing(besieged: Served, origin: str) -> None:
    """A page of another server can't save, even with the token."""
    body = {"objects": [thing(1, 1, 9, 9)], "version": None}
    for path in ("/annotation", "/done"):
        assert besieged.ask("POST", path, body, {"Origin": origin})[0] == 403


@pytest.mark.parametrize("kind", TYPES)
def test_other_types_are_refused(besieged: Served, kind: str) -> None:
    """What a form of another page can send is not taken."""
    body = {"objects": [thing(1, 1, 9, 9)], "version": None}
    for path in ("/annotation", "/done"):
        assert besieged.ask("POST", path, body, {"Content-Type": kind})[0] == 415


def test_a_large_body(besieged: Served) -> None:
    """A body over a megabyte is a 413, also where all of it is sent before the answer is read."""
    assert besieged.ask("POST", "/annotation", b" " * 1_000_001)[0] == 413
    assert besieged.ask("POST", "/annotation", b" " * 1_000_000)[0] == 400
    assert besieged.ask("POST", "/annotation", b"{}", {"Content-Length": "9" * 18})[0] == 413


RAW = (
    b"", b"\r\n", b"\0", b"GET", b"GET /\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1\r\n\r\n",
    b"GET  / HTTP/1.1\r\n\r\n", b"GET / / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"\xff\xfe\xfd\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"A" * 70_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: " + b"a" * 70_000 + b"\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n",
    b"GET / HTTP/1.1\r\n Host: 127.0.0.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /%s%n HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\nHost: 127.0.0.1\n\n", b"GET / HTTP/-1.1\r\n\r\n",
)  # fmt: skip


@pytest.mark.parametrize("data", RAW, ids=range(len(RAW)))
def test_what_is_no_request(besieged: Served, data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """Bytes that are no request get no page; nothing of it is printed, and the server goes on."""
    answer = raw(besieged, data)
    assert b"<!doctype" not in answer
    assert besieged.token.encode() not in answer
    assert besieged.ask("GET", "/annotation")[0] == 200
    assert capfd.readouterr() == ("", "")


LENGTHS = ("", "x", "-1", "1e3", "+5", "0x10", "٣", "1, 1", " ", "9" * 5000)


@pytest.mark.parametrize("length", LENGTHS)
def test_lengths_that_are_none(besieged: Served, length: str, capfd: pytest.CaptureFixture[str]) -> None:
    """A body whose length isn't a number is a 400 or 411, and is not waited for."""
    request = (
        f"POST /annotation HTTP/1.1\r\nHost: localhost\r\n{TOKEN}: {besieged.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{{}}"
    )
    assert raw(besieged, request.encode()).split()[1] in (b"400", b"411")
    assert capfd.readouterr() == ("", "")


def test_a_chunked_body(besieged: Served) -> None:
    """A body in chunks, which tells no length, is a 411."""
    request = (
        f"POST /annotation HTTP/1.1\r\nHost: localhost\r\n{TOKEN}: {besieged.token}\r\n"
        f"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n"
    )
    assert raw(besieged, request.encode()).split()[1] == b"411"


def raw(served: Served, data: bytes) -> bytes:
    """Send bytes, say that there are no more, and return all that is answered."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        with suppress(OSError):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
        return answer


def test_a_slow_body(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that doesn't come is not waited for without end, neither silent nor byte by byte."""
    monkeypatch.setattr(handler.Handler, "timeout", 0.2)
    monkeypatch.setattr(handler, "WHOLE", 0.6)
    with serving(project) as served:
        head = (
            f"POST /annotation HTTP/1.1\r\nHost: localhost\r\n{TOKEN}: {served.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
        ).encode()
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as silent:
            silent.sendall(head)
            assert silent.recv(65536).split()[1] == b"408"
        with socket.create_connection(("127.0.0.1", served.port), timeout=60) as dripping:
            dripping.sendall(head)
            dripping.settimeout(0.05)
            end = time.monotonic() + 60
            while time.monotonic() < end:
                try:
                    dripping.sendall(b" ")
                    if dripping.recv(65536) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            assert time.monotonic() < end
        assert served.known()["objects"] == []


def test_many_silent_connections(besieged: Served) -> None:
    """More connections than are served at once are closed, and when they are gone the page is served again."""
    held = [socket.create_connection(("127.0.0.1", besieged.port)) for _ in range(listener.CONNECTIONS + 20)]
    for connection in held:
        connection.close()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError):
            if besieged.ask("GET", "/annotation")[0] == 200:
                return
    raise AssertionError("it never came back")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)

numbers = st.integers(-3, 420) | st.integers() | st.floats() | st.booleans() | st.text(max_size=3) | st.none()

things = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["close_btn", "Close", "", "a b"]) | st.text(max_size=50),
        **dict.fromkeys(("xmin", "ymin", "xmax", "ymax"), numbers),
        "difficult": st.booleans() | json_values,
        "truncated": st.booleans() | json_values,
    },
    optional={"pose": st.text(max_size=10)},
)


# that is under the tests of a whole file: the server is the same for all examples, and must not be moved by any
HARD = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@HARD
@given(value=json_values)
def test_any_json(besieged: Served, value: object) -> None:
    """No value of JSON, whatever its shape, is saved or is more than a 400."""
    assert besieged.ask("POST", "/annotation", json.dumps(value).encode())[0] == 400


@HARD
@given(objects=st.lists(things, max_size=3))
def test_any_objects(served: Served, objects: list[dict[str, object]]) -> None:
    """Whatever objects are sent, either the file says just that afterwards, or it is as it was."""
    before = state(served.project)
    status, _ = served.save(*objects)
    assert status in (200, 400)
    if status == 400:
        assert state(served.project) == before
        return
    found = voc_format.read(served.project.boxes).objects
    assert [(thing.label, thing.box.x1 + 1, thing.box.y1 + 1, thing.box.x2, thing.box.y2) for thing in found] == [
        tuple(sent[key] for key in ("name", "xmin", "ymin", "xmax", "ymax")) for sent in objects
    ]


@HARD
@given(data=st.binary(max_size=300))
def test_any_bytes(besieged: Served, data: bytes) -> None:
    """No bytes bring the server down or get anything out of it."""
    assert b"200 OK" not in raw(besieged, data)


def test_saves_side_by_side(served: Served) -> None:
    """Pages that save at once leave one of their drawings, whole, and each is told how it went."""
    answers: list[int] = []

    def work(number: int) -> None:
        answers.extend(served.save(thing(1, 1, number, 20))[0] for _ in range(10))

    threads = [threading.Thread(target=work, args=(number,)) for number in (10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 30
    assert voc_format.read(served.project.boxes).objects[0].box.x2 in (10, 20, 30)
    assert not [path for path in served.project.boxes.parent.iterdir() if path.name.startswith(".")]


# how it begins and ends


def test_done(project: Project) -> None:
    """The page's word ends it, and its answer still comes."""
    with serving(project) as served:
        assert served.ask("POST", "/done", {})[:2] == (200, b"{}")
        assert served.thread is not None
        served.thread.join(60)
        assert not served.thread.is_alive()
        with pytest.raises(ConnectionRefusedError):
            served.ask("GET", "/annotation")


def test_done_by_a_browser_that_is_gone(project: Project) -> None:
    """Done ends it, also where nobody waits for the answer."""
    with serving(project) as served:
        with socket.create_connection(("127.0.0.1", served.port)) as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.sendall(
                b"POST /done HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
                + f"{TOKEN}: {served.token}\r\n\r\n{{}}".encode()
            )
        assert served.thread is not None
        served.thread.join(60)
        assert not served.thread.is_alive()


def test_no_thread_for_a_request(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is at its limit of threads loses connections, and serves again when it isn't."""

    def fails(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", fails)
        for _ in range(listener.CONNECTIONS + 1):
            with suppress(OSError), socket.create_connection(("127.0.0.1", served.port), timeout=60) as link:
                link.recv(1)
    assert served.save(GOOD)[0] == 200


def test_nothing_to_label(project: Project) -> None:
    """Without an extended image, or with boxes that can't be read, there is no page but a line."""
    said: list[str] = []
    project.boxes.write_text("<annotation>")
    with pytest.raises(AnnotationError, match="mend it, or delete it and label anew"):
        server.serve(project, (), CANVAS, open_browser=False, say=said.append)
    project.boxes.unlink()
    project.extended.unlink()
    with pytest.raises(ProjectError, match="run doit extend:close_btn"):
        server.serve(project, (), CANVAS, open_browser=False, say=said.append)
    assert said == []


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none(project: Project, port: int) -> None:
    """A port that can't be had is a line with the way out."""
    with pytest.raises(WorkspaceError, match=f"port {port}: can't be had .*; choose another, or 0 for a free one"):
        server.serve(project, (), CANVAS, port=port, open_browser=False, say=print)


def test_a_port_in_use(served: Served) -> None:
    """So is one that another server has."""
    with pytest.raises(WorkspaceError, match=r"port \d+: can't be had \(Address already in use\)"):
        server.serve(served.project, (), CANVAS, port=served.port, open_browser=False, say=print)


PROGRAM = """
import sys
from pathlib import Path
from dlim.config import ProjectSettings
from dlim.labelling import server
from dlim.projects import Project

try:
    server.serve(Project("close_btn", Path(sys.argv[1]), ProjectSettings()), (), (400, 300), say=lambda line: print(line, flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""  # noqa: E501


def started(project: Project, **environment: str) -> tuple[subprocess.Popen[str], Served]:
    """The server in a process of its own, without a display."""
    without = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(project.folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**without, **environment},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert " at http://127.0.0.1:" in line, process.communicate()[1]
    port, token = line.split()[4].removeprefix("http://127.0.0.1:").split("/?token=")
    return process, Served(project, int(port), token)


def test_an_interrupt(project: Project) -> None:
    """Ctrl-C ends it at once, also in the middle of saving, and no save is left half-written."""
    process, served = started(project)
    saved, sent = 0, 0
    try:
        with suppress(OSError):
            while True:
                if sent == 5:
                    process.send_signal(signal.SIGINT)
                sent += 1
                assert served.save(thing(1, 1, 2 + sent % 30, 20))[0] == 200
                saved = sent
        out, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert errors == ""
    assert out.endswith("interrupted\n")
    assert voc_format.read(project.boxes).objects[0].box.x2 in (2 + saved % 30, 2 + sent % 30)
    assert not [path for path in project.boxes.parent.iterdir() if path.name.startswith(".")]


def test_the_browser_of_the_person(project: Project, tmp_path: Path) -> None:
    """The browser that $BROWSER names gets an address that leads to the page, once.

    Whoever is logged in on this machine may read its command line, and comes too late.
    """
    opener = tmp_path / "opener"
    opener.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {tmp_path}/part && mv {tmp_path}/part {tmp_path}/opened\n')
    opener.chmod(0o755)
    process, served = started(project, BROWSER=str(opener))
    try:
        end = time.monotonic() + 60
        while not (tmp_path / "opened").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        opened = (tmp_path / "opened").read_text()
        assert served.token not in opened
        path = opened.removeprefix(f"http://127.0.0.1:{served.port}")
        assert path.startswith("/open?ticket=")
        anybody = {TOKEN: ""}
        assert served.ask("GET", f"{path}x", headers=anybody)[0] == 403
        assert served.ask("GET", path, headers={**anybody, "Host": "evil.example"})[0] == 403
        status, _, answer = served.ask("GET", path, headers=anybody)
        assert (status, answer.headers["Location"]) == (303, f"/?token={served.token}")
        assert served.ask("GET", path, headers=anybody)[0] == 403
        assert served.ask("POST", "/done", {})[0] == 200
        assert process.communicate(timeout=60) == ("", "")
    finally:
        process.kill()
        process.wait()


def test_no_browser_in_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no display and $BROWSER says nothing, none is opened: it would take the terminal."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    for name in ("xdg-open", "www-browser", "w3m", "lynx", "links"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/opened\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    before = threading.active_count()
    browser.show("http://127.0.0.1:1/")
    assert threading.active_count() == before
    assert not (tmp_path / "opened").exists()
