"""One command changes all learners or none, whatever happens to it."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from msgspec.structs import replace

from dlim import console
from dlim.console import Console
from dlim.errors import CommandError, DeploymentError, DlimError, OutputError
from dlim.runs import deploy, outputs, record, service
from dlim.runs.outputs import Output
from dlim.runs.record import Dataset, File, Learned, Origin, Ran, Record, Where
from dlim.workspace import OUTPUT, Workspace
from tests.conftest import new_workspace
from tests.in_process import inside

LEARNERS = ["resnet34", "ssd"]


@pytest.fixture
def said() -> StringIO:
    """What is said to a person."""
    stream = StringIO()
    console.use(Console(stream))
    return stream


@pytest.fixture
def here(tmp_path: Path, said: StringIO) -> Iterator[Workspace]:
    """A workspace with two learners, each on a server of its own, and outputs first, second and third."""
    new_workspace(tmp_path)
    with inside(tmp_path):
        for name in ("first", "second", "third"):
            make(name)
        yield Workspace()


def file(data: bytes) -> File:
    return File(len(data), hashlib.sha256(data).hexdigest())


def make(name: str) -> None:
    """An output whose learners left two weights each."""
    folder = OUTPUT / name
    folder.mkdir(parents=True)
    learned = {}
    for learner in LEARNERS:
        weights = {f"weights/{which}.pth": f"{name} {learner} {which}".encode() for which in ("last", "best")}
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for path, data in weights.items():
                info = tarfile.TarInfo(path)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        data = gzip.compress(packed.getvalue())
        (folder / f"{learner}.tar.gz").write_bytes(data)
        origin = Origin(Dataset(File(5, "ab" * 32), {}, 8, 2), {}, {}, {}, {})
        known = {path: file(data) for path, data in weights.items()}
        learned[learner] = Learned(
            origin, Where(learner, "here", "."), Ran("train", 0), known, file(data), file(b""), file(b"")
        )
    whole = Record(name, "", "ann@here", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", learned)
    (folder / record.RECORD).write_bytes(record.write(whole))


def output(name: str) -> Output:
    return outputs.find(OUTPUT, name)


def serving() -> list[str]:
    """What each learner's service reads."""
    files = (Path(".dlim/servers", name, "weights/latest_weight.pth") for name in LEARNERS)
    return [path.read_text().split()[0] if path.exists() else "" for path in files]


class Killed(BaseException):
    """What a kill is to a process: nothing that it would still do is done."""


def kill_at(monkeypatch: pytest.MonkeyPatch, what: str, learner: str, error: type[BaseException] = Killed) -> None:
    """Let a call fail before one learner's turn."""
    act = getattr(deploy, what)

    def killed(place: object, *given: object, **more: object) -> object:
        if place.learner == learner:  # type: ignore[attr-defined]
            raise error(learner, "is broken", "mend it")
        return act(place, *given, **more)

    monkeypatch.setattr(deploy, what, killed)


def test_a_deployment_and_back(here: Workspace) -> None:
    """All learners go together; the newest weight goes, or the one that is named."""
    service.put(here, output("first"), LEARNERS)
    service.put(here, output("second"), LEARNERS, path="weights/last.pth")
    assert serving() == ["second", "second"]
    assert Path(".dlim/servers/ssd/weights/latest_weight.pth").read_text() == "second ssd last"
    service.take_back(here, LEARNERS)
    assert serving() == ["first", "first"]
    service.take_back(here, LEARNERS, empty=True)
    assert serving() == ["", ""]
    with pytest.raises(OutputError, match=r"resnet34: holds no weights/x\.pth"):
        service.put(here, output("first"), LEARNERS, path="weights/x.pth")


@pytest.mark.parametrize("then", ["undeploy", "another", "the same"])
def test_a_deployment_killed_between_two(
    here: Workspace, then: str, monkeypatch: pytest.MonkeyPatch, said: StringIO
) -> None:
    """The next command ends it, where it is the same, or undoes it; both learners serve one output at any rate."""
    service.put(here, output("first"), LEARNERS)
    with monkeypatch.context() as patch:
        kill_at(patch, "deploy", "ssd")
        with pytest.raises(Killed):
            service.put(here, output("second"), LEARNERS)
    assert serving() == ["second", "first"]
    if then == "undeploy":
        service.take_back(here, LEARNERS)
    else:
        service.put(here, output("third" if then == "another" else "second"), LEARNERS)
    assert serving() == {"undeploy": ["first"] * 2, "another": ["third"] * 2, "the same": ["second"] * 2}[then]
    assert "the deployment of second was interrupted" in said.getvalue()
    if then != "undeploy":
        service.take_back(here, LEARNERS)
        assert serving() == ["first", "first"]


def test_an_undeployment_killed_between_two(here: Workspace, monkeypatch: pytest.MonkeyPatch, said: StringIO) -> None:
    """The next undeployment ends it, says so, and goes no further; another deployment ends it first."""
    for name in ("first", "second", "third"):
        service.put(here, output(name), LEARNERS)
    for then in ("undeploy", "deploy"):
        with monkeypatch.context() as patch:
            kill_at(patch, "undeploy", "ssd")
            with pytest.raises(Killed):
                service.take_back(here, LEARNERS)
        if then == "undeploy":
            service.take_back(here, LEARNERS)
            assert serving() == ["second", "second"]
            assert "the undeployment was interrupted; it is brought to its end" in said.getvalue()
    service.put(here, output("third"), LEARNERS)
    assert serving() == ["third", "third"]
    service.take_back(here, LEARNERS)
    assert serving() == ["first", "first"]


def test_one_learner_whose_deployment_fails(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was in service before is there again for all of them, also where that was nothing."""
    for before in ("", "first"):
        if before:
            service.put(here, output(before), LEARNERS)
        with monkeypatch.context() as patch:
            kill_at(patch, "deploy", "ssd", DeploymentError)
            with pytest.raises(DlimError, match="ssd: is broken; mend it"):
                service.put(here, output("second"), LEARNERS)
        assert serving() == [before, before]
    service.put(here, output("second"), LEARNERS)
    service.take_back(here, LEARNERS)
    assert serving() == ["first", "first"]


def test_a_dataset_of_the_services_own(here: Workspace) -> None:
    """It is switched with the weight: brought from the output where the server lacks it, and back on the way back."""
    settings = replace(here.config.learners["ssd"].service, dataset_dir="served/data")
    place_of = service.Course(here, "ssd")
    with place_of.serving() as place:
        for name, digest in (("first", "a" * 64), ("second", "b" * 64)):
            path = Path(f"{name}.pth")
            path.write_text(name)
            wanted = deploy.Deployed(
                by="ann", output=name, learner="ssd", sha256=file(name.encode()).sha256, dataset=digest
            )
            given = (place, settings, lambda path=path: path, wanted, b"{}")
            with pytest.raises(deploy.Unfed):
                deploy.deploy(*given)
            made = Path(".dlim/servers/ssd/.dlim/ssd/releases", digest, "data_set")
            made.mkdir(parents=True)
            (made / "classes.txt").write_text(name)
            deploy.deploy(*given)
            assert Path(".dlim/servers/ssd/served/data/classes.txt").read_text() == name
        deploy.undeploy(place, settings, "ann")
        assert Path(".dlim/servers/ssd/served/data/classes.txt").read_text() == "first"
        with pytest.raises(CommandError):
            place.ask("exit 1")
