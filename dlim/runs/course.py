"""A learner with what it needs of its workspace: its servers, its dataset as it is now, what that came from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dlim import console
from dlim.config import Learner
from dlim.console import megabytes
from dlim.errors import LearningError
from dlim.formats import FORMATS
from dlim.runs import ship as shipping
from dlim.runs.origin import origin
from dlim.runs.place import Place
from dlim.runs.record import Origin
from dlim.runs.shipment import Shipment, shipment
from dlim.runs.snapshot import snapshot
from dlim.servers import connect
from dlim.servers.contract import Transport
from dlim.workspace import DATA_SET, STANDING, Workspace


@dataclass(frozen=True)
class Course:
    """A learner of a workspace."""

    workspace: Workspace
    name: str

    @property
    def learner(self) -> Learner:
        return self.workspace.config.learners[self.name]

    # where it learns, and where its weights serve

    @property
    def server(self) -> str:
        """The name of the server it learns on."""
        return self.learner.learning.server or self.name

    @property
    def service_server(self) -> str:
        """The name of the server on which its weights are in service."""
        return self.learner.service.server or self.server

    def connect(self) -> Transport:
        """A link to the server it learns on."""
        return connect(self.server, self.workspace.config.servers, STANDING)

    def place(self, transport: Transport) -> Place:
        """Its folder there."""
        return Place(transport, self.name, self.learner.learning.folder)

    @contextmanager
    def serving(self) -> Iterator[Place]:
        """Where its weights are in service."""
        with connect(self.service_server, self.workspace.config.servers, STANDING) as transport:
            yield Place(transport, self.name, self.learner.service.folder)

    # what it learns from

    def require(self) -> None:
        """Raise LearningError where the configuration doesn't say how it learns."""
        if not self.learner.learning.command:
            raise LearningError(
                f"config/learners/{self.name}.toml",
                "learning.command: is missing",
                "say there what the server runs to learn, as README.md has it",
            )
        weight = self.learner.service.weight
        if self.learner.learning.weights == weight and self.service_server == self.server:
            raise LearningError(
                f"config/learners/{self.name}.toml",
                f"learning.weights: {weight} is the file in service, which no training may write",
                "let the program write another, such as weights/best.pth, and name that",
            )

    def shipment(self) -> Shipment:
        """Its dataset as it is now."""
        return shipment(*self.workspace.archive(self.name))

    def freeze(self) -> tuple[Shipment, Origin]:
        """Its dataset as it is now, and what that came from."""
        made, taken = self.shipment(), self.workspace.taken(self.name)
        return made, origin(self.workspace.config, self.name, taken, DATA_SET / self.name, made)

    def labels(self) -> list[str]:
        """The labels that its dataset shows, in the order of their numbers."""
        path = DATA_SET / self.name / FORMATS[self.learner.format].CLASSES
        return path.read_text(encoding="utf-8").split()

    def snapshot(self, out: Path) -> None:
        """Write the workspace as an archive, with the dataset."""
        servers = self.workspace.config.servers.values()
        named = (path for server in servers for path in (server.password_file, server.identity_file) if path)
        snapshot(Path(), DATA_SET / f"{self.name}.tar.gz", out, [Path(path).expanduser() for path in named])


def ship(workspace: Workspace, learner: str) -> None:
    """Send a learner's dataset to its server: what that lacks, verified, then switched to."""
    course = Course(workspace, learner)
    with course.connect() as transport:
        ship_to(course.place(transport), course, course.shipment())


def ship_to(place: Place, course: Course, shipment: Shipment) -> None:
    """Bring a dataset to a learner's server, saying what went there."""
    shown = console.current()
    name, total, sent = f"ship:{course.name}", shipment.size, 0

    def moved(count: int) -> None:
        nonlocal sent
        sent += count
        shown.note(name, f"{sent / 1e6:,.1f} of at most {megabytes(total)}")

    with shown.working(name):
        done = shipping.ship(place, shipment, course.learner.learning, moved)
    count = len(done.sent)
    what = f"{count} of {done.total} pieces, {done.size / 1e6:,.2f} MB" if count else "nothing to send"
    then = "the learner reads it now" if done.switched else "the learner reads it already"
    shown.line(f"{name}: {place.transport.address}: {what}; {then}")
