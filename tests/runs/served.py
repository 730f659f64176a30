"""A learner's folder with weights in service, and who deploys there."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dlim.config import Service
from dlim.runs import deploy as deployment
from dlim.runs import history
from dlim.runs.deploy import deploy, undeploy
from dlim.runs.history import Deployed
from dlim.runs.place import Place

SERVICE = Service(folder="my learner")
BY = "ann@desk"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def checking(check: str, **more: object) -> Service:
    return Service(folder=SERVICE.folder, check=check, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Served:
    """A server that has weights in service, and where the test sees its files."""

    place: Place
    home: Path
    made: Path

    @property
    def weight(self) -> Path:
        return self.home / "weights/latest_weight.pth"

    @property
    def record(self) -> Path:
        return self.home / "weights/latest_weight.pth.json"

    @property
    def own(self) -> Path:
        return self.home / ".dlim/ssd"

    @property
    def read(self) -> tuple[str | None, str | None]:
        """What a reader finds now: the weight and its record, both as short texts."""
        weight = self.weight.read_text().strip() if self.weight.exists() else None
        record = json.loads(self.record.read_text())["output"] if self.record.exists() else None
        return weight, record

    @property
    def log(self) -> list[tuple[str, str]]:
        """What the history says, in short."""
        return [(event.action, event.output) for event in history.read(self.place)]

    def file(self, name: str) -> tuple[Path, Deployed, bytes]:
        """An output's weight, where it is from, and its record."""
        path = self.made / f"{name}.pth"
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        digest = hashlib.sha256(name.encode()).hexdigest()
        wanted = Deployed(by=BY, output=name, learner="ssd", sha256=digest, path="weights/best.pth")
        return path, wanted, json.dumps({"output": name, "sha256": digest}).encode()

    def given(self, name: str) -> tuple[Callable[[], Path], Deployed, bytes]:
        """The same, as `deploy` wants it."""
        path, wanted, record = self.file(name)
        return lambda: path, wanted, record

    def deploy(self, name: str, service: Service = SERVICE, **more: object) -> Deployed:
        return deploy(self.place, service, *self.given(name), **more)  # type: ignore[arg-type]

    def undeploy(self, service: Service = SERVICE, by: str = BY, **more: object) -> Deployed:
        done = undeploy(self.place, service, by, **more)  # type: ignore[arg-type]
        assert done
        return done

    def current(self, service: Service = SERVICE) -> tuple[str, str] | None:
        found = deployment.current(self.place, service)
        return (found.output, found.fault) if found else None

    def put_by_hand(self, text: str) -> None:
        """What people did before: copy a file over the one in service."""
        self.weight.parent.mkdir(parents=True, exist_ok=True)
        self.weight.write_text(text)

    def left(self) -> list[str]:
        """What lies about that should not."""
        kept = {"history.jsonl", "stack", "switch.lock", "weights"}
        beside = [path.name for path in self.weight.parent.iterdir() if path not in (self.weight, self.record)]
        return beside + [path.name for path in self.own.iterdir() if path.name not in kept]


DEPLOYER = """
import sys
from pathlib import Path
from dlim.config import Service
from dlim.errors import DlimError
from dlim.runs.deploy import deploy
from dlim.runs.history import Deployed
from dlim.runs.place import Place
from dlim.servers.local import Local
home, folder, file, output, digest, record, check = sys.argv[1:]
place = Place(Local("local", Path(home)), "ssd", folder)
wanted = Deployed(by=f"{output}@desk", output=output, learner="ssd", sha256=digest, path="weights/best.pth")
show = lambda line: print(line, flush=True)
try:
    deploy(place, Service(folder=folder, check=check), lambda: Path(file), wanted, record.encode(), show=show)
except DlimError as error:
    print(error)
"""


def deployer(served: Served, name: str, check: str = "", under: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """A `doit deploy` of its own."""
    path, wanted, record = served.file(name)
    home, folder = str(served.home.parent), served.place.folder
    arguments = [home, folder, str(path), name, wanted.sha256, record.decode(), check]
    command = [*under, sys.executable, "-c", DEPLOYER, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
