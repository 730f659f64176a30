"""What the tests of the labelling page share: a project to label, a server at work, and a browser."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from dlim.config import ProjectSettings
from dlim.geometry import Size
from dlim.labelling import server
from dlim.projects import Project
from dlim.shots import Shot
from dlim.stages import extend
from tests.conftest import draw_master

CANVAS = 400, 300
CROP = 32, 24


def project_in(folder: Path, *, placement: str = "left-upper", crop: Size = CROP, label: str | None = None) -> Project:
    """A project with a master and its extended image, and no box file."""
    made = Project("close_btn", folder, ProjectSettings(label=label, placement=placement))
    made.image.parent.mkdir(parents=True)
    draw_master(made.image, crop, (4, 6, 28, 20))
    extend.extend(made, CANVAS)
    return made


def voc(frame: Size, *objects: tuple[str, int, int, int, int], more: str = "") -> str:
    """A VOC file with objects (name, xmin, ymin, xmax, ymax); more: other elements of each."""
    things = "".join(
        f"<object><name>{name}</name>{more}<bndbox><xmin>{xmin}</xmin><ymin>{ymin}</ymin>"
        f"<xmax>{xmax}</xmax><ymax>{ymax}</ymax></bndbox></object>"
        for name, xmin, ymin, xmax, ymax in objects
    )
    return f"<annotation><size><width>{frame[0]}</width><height>{frame[1]}</height></size>{things}</annotation>"


@dataclass
class Served:
    """A labelling server at work: where it is, and what it said."""

    project: Project | Shot
    port: int
    token: str
    said: list[str] = field(default_factory=list)
    thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, http.client.HTTPResponse]:
        """Send a request as the page does, and return status, body and the response. body: bytes, or made JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"X-Dlim-Token": self.token}
        if body is not None:
            sent["Content-Type"] = "application/json"
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, body, {**sent, **(headers or {})})
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response.status, data, response

    def known(self) -> dict[str, Any]:
        """What the page starts from."""
        status, data, _ = self.ask("GET", "/annotation")
        assert status == 200, data
        return dict(json.loads(data))

    def save(self, *objects: dict[str, Any], version: str | None = None) -> tuple[int, str]:
        """Save objects over whatever is there, unless a version is named; the status, and the answer's text."""
        status, data, _ = self.ask("POST", "/annotation", {"objects": objects, "version": version})
        return status, data.decode()


def thing(xmin: Any, ymin: Any, xmax: Any, ymax: Any, name: Any = "close_btn", **more: Any) -> dict[str, Any]:
    """An object as the page sends it."""
    box = {"xmin": xmin, "ymin": ymin, "xmax": xmax, "ymax": ymax}
    return {"name": name, **box, "difficult": False, "truncated": False, **more}


@contextmanager
def serving(project: Project | Shot, labels: tuple[str, ...] = ("close_btn", "skip_btn")) -> Iterator[Served]:
    """The real `serve`, on a thread of its own, until the block ends."""
    lines: Queue[str] = Queue()
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        lines.put(line)

    thread = threading.Thread(
        target=server.serve, args=(project, labels, CANVAS), kwargs={"open_browser": False, "say": say}, daemon=True
    )
    thread.start()
    address = lines.get(timeout=60).split(" at ")[1].split()[0]
    port, token = address.removeprefix("http://127.0.0.1:").split("/?token=")
    served = Served(project, int(port), token, said, thread)
    try:
        yield served
    finally:
        if thread.is_alive():
            assert served.ask("POST", "/done", {})[0] == 200
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project that nobody has labelled yet."""
    return project_in(tmp_path / "close_btn")


@pytest.fixture
def served(project: Project) -> Iterator[Served]:
    """A server at work on that project."""
    with serving(project) as started:
        yield started
