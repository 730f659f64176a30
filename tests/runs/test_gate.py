"""A weight that does worse on the shots than the one in service isn't put there, unless somebody forces it."""

from __future__ import annotations

import hashlib
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from dlim import store
from dlim.config import Service
from dlim.errors import DeploymentError
from dlim.runs import deploy, history, record, service
from dlim.runs.course import Course
from dlim.runs.history import Deployed, Held
from dlim.runs.place import Place
from dlim.runs.record import Figures, Judged, Judges
from dlim.workspace import OUTPUT, Workspace
from tests.runs.conftest import EVERYWHERE
from tests.runs.test_service import LEARNERS, here, output, said, serving

__all__ = ["here", "said"]

SHOTS = "ab" * 32
SERVING = Path(".dlim/servers/ssd/weights/latest_weight.pth")


def judge(name: str, points: float, *learners: str, shots: str = SHOTS, count: int = 18) -> None:
    """Let an output's weights have that AP50, of 100."""
    folder = OUTPUT / name
    found = record.read(folder)
    figures = Figures(points / 100, points / 200, 26, 20, 0.5)
    judged = Judged(Judges(shots, count, 26), 0.4, figures, {"close": figures})
    learned = {
        each: replace(part, evaluation=judged) if each in (learners or LEARNERS) else part
        for each, part in found.learners.items()
    }
    (folder / record.RECORD).write_bytes(record.write(replace(found, learners=learned)))


def test_a_worse_weight_is_refused(here: Workspace, said: StringIO) -> None:
    """In a line with both numbers and the way out; what counts is the record beside the weight in service."""
    judge("first", 74)
    judge("second", 61.3)
    service.put(here, output("first"), ["ssd"])
    judge("first", 20)
    with pytest.raises(DeploymentError) as caught:
        service.put(here, output("second"), ["ssd"])
    assert str(caught.value) == (
        "second: does worse than what is in service: ssd: AP50 61.3 on 18 shots, 74.0 of first, which is in service; "
        "deploy another, or say --force"
    )
    assert serving()[1] == "first"
    judge("second", 73.96)  # no less, as people read it
    service.put(here, output("second"), ["ssd"])
    assert "ssd: AP50 74.0 on 18 shots, 74.0 of first, which is in service\n" in said.getvalue()
    assert serving()[1] == "second"


def test_a_forced_one_says_so(here: Workspace, said: StringIO) -> None:
    """In the history, and in the record beside it; an undeployment leads back to the better one, and isn't asked."""
    judge("first", 74)
    judge("second", 61.3)
    service.put(here, output("first"), ["ssd"])
    service.put(here, output("second"), ["ssd"], force=True)
    told = "AP50 61.3 on 18 shots, 74.0 of first, which is in service"
    assert f"ssd: {told}; forced\n" in said.getvalue()
    assert record.read_file(SERVING.with_name("latest_weight.pth.json")).forced == told
    service.put(here, output("second"), ["ssd"])  # it is there: nothing happens, and nothing is forgotten
    service.take_back(here, ["ssd"])
    assert serving()[1] == "first"
    with Course(here, "ssd").serving() as place:
        past = history.read(place)
    assert [(each.action, each.output, each.forced) for each in past] == [
        ("deploy", "first", ""),
        ("deploy", "second", told),
        ("undeploy", "first", ""),
    ]


def test_one_that_is_worse_refuses_all(here: Workspace) -> None:
    """Several learners are one change: where one does worse, the other stays as it is, too."""
    judge("first", 74)
    judge("second", 80, "resnet34")
    judge("second", 61, "ssd")
    service.put(here, output("first"), LEARNERS)
    with pytest.raises(DeploymentError, match=r"^second: does worse than what is in service: ssd: AP50 61\.0"):
        service.put(here, output("second"), LEARNERS)
    assert serving() == ["first", "first"]
    assert not Path(".dlim/change.json").exists()
    service.put(here, output("second"), LEARNERS, force=True)
    assert serving() == ["second", "second"]


@pytest.mark.parametrize(
    ("unjudged", "told", "way"),
    [
        ("predict failed with status 7", "predict failed with status 7", "mend predict"),
        ("", "there was no labelled shot", "label shots"),
    ],
)
def test_one_that_was_to_be_judged_and_was_not_is_refused(
    here: Workspace, said: StringIO, unjudged: str, told: str, way: str
) -> None:
    """A predict that fails doesn't switch the comparison off; nothing in service that was judged, and it goes there."""
    folder = OUTPUT / "second"
    found = record.read(folder)
    part = found.learners["ssd"]
    part = replace(part, unjudged=unjudged, job=replace(part.job, predict="python3 predict.py"))
    (folder / record.RECORD).write_bytes(record.write(replace(found, learners={**found.learners, "ssd": part})))
    judge("first", 6.9)
    service.put(here, output("first"), ["ssd"])
    for path in ("", "weights/last.pth"):
        with pytest.raises(DeploymentError) as caught:
            service.put(here, output("second"), ["ssd"], path=path)
        assert str(caught.value) == (
            f"second: may do worse than what is in service: ssd: not judged on shots ({told}), and AP50 6.9 of first, "
            f"which is in service; {way}, and learn again under another name, or say --force"
        )
    service.put(here, output("second"), ["ssd"], force=True)
    service.put(here, output("second"), ["ssd"], path="weights/last.pth")
    assert f"ssd: not compared with second, which is in service: not judged on shots ({told})\n" in said.getvalue()


def by_hand() -> None:
    SERVING.unlink()
    SERVING.write_text("a weight")
    SERVING.with_name("latest_weight.pth.json").unlink()


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("neither", "first, which is in service: second was not judged on shots"),
        ("new", "first, which is in service: first was not judged on shots"),
        ("shots", "first, which is in service: the shots are others (changed)"),
        ("count", "first, which is in service: the shots are others (20 then, 18 now)"),
        ("another weight", "first, which is in service: not this weight of second was judged"),
        ("by hand", "the weight in service: beside it lies no record that can be read"),
    ],
)
def test_what_cannot_be_compared_goes_on(here: Workspace, said: StringIO, case: str, told: str) -> None:
    """And a line says why nothing was compared."""
    if case not in ("neither", "new"):
        judge(
            "first", 74, shots="cd" * 32 if case in ("shots", "count") else SHOTS, count=20 if case == "count" else 18
        )
    if case != "neither":
        judge("second", 61)
    service.put(here, output("first"), ["ssd"])
    if case == "by hand":
        by_hand()
    service.put(here, output("second"), ["ssd"], path="weights/last.pth" if case == "another weight" else "")
    assert f"ssd: not compared with {told}\n" in said.getvalue()
    assert serving()[1] == "second"


@pytest.mark.parametrize("points", [50, 90])
def test_another_comes_into_service_meanwhile(here: Workspace, monkeypatch: pytest.MonkeyPatch, points: float) -> None:
    """What is compared is what the weight takes the place of, whoever is faster."""
    for name, own in {"first": 50, "second": 61, "third": points}.items():
        judge(name, own)
    service.put(here, output("first"), ["ssd"])
    act = deploy.deploy

    def late(*given: object, **more: object) -> object:
        monkeypatch.undo()
        with Course(here, "ssd").serving() as place:
            found = output("third")
            weight = found.record.learners["ssd"].weights["weights/best.pth"]
            wanted = history.Deployed(by="bob@desk", output="third", learner="ssd", sha256=weight.sha256)
            own = record.write(replace(found.record, learners={"ssd": found.record.learners["ssd"]}))
            file = Path("third.pth")
            file.write_text("third ssd best")
            act(place, here.config.learners["ssd"].service, lambda: file, wanted, own)
        return act(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(deploy, "deploy", late)
    if points > 61:
        with pytest.raises(DeploymentError, match=r"AP50 61\.0 on 18 shots, 90\.0 of third, which is in service"):
            service.put(here, output("second"), ["ssd"])
    else:
        service.put(here, output("second"), ["ssd"])
    assert serving()[1] == ("third" if points > 61 else "second")
    assert not Path(".dlim/change.json").exists()


def test_an_interrupted_one_that_is_refused_is_undone(here: Workspace) -> None:
    """What was put into service for the first learner goes out again, where the second is refused meanwhile."""
    judge("first", 50)
    judge("second", 61)
    service.put(here, output("first"), LEARNERS)
    service.put(here, output("second"), ["resnet34"])
    with Course(here, "resnet34").serving() as place:
        last = history.read(place)[-1]
    judge("third", 90)
    service.put(here, output("third"), ["ssd"])
    pending = service.Change(last.change, history.DEPLOY, "second", "", tuple(LEARNERS))
    Path(".dlim/change.json").write_bytes(msgspec.json.encode(pending))
    with pytest.raises(DeploymentError, match=r"90\.0 of third"):
        service.put(here, output("second"), LEARNERS)
    assert serving() == ["first", "third"]
    assert not Path(".dlim/change.json").exists()


@EVERYWHERE
def test_only_what_was_looked_at_is_replaced(place: Place, tmp_path: Path) -> None:
    """A server's script tells what is in service, with its record, and refuses to take the place of anything else."""
    settings, file = Service(), tmp_path / "weight"

    def put(text: str, over: Held) -> None:
        file.write_text(text)
        wanted = Deployed(by="ann@desk", output=text, learner="ssd", sha256=store.sha256(file))
        deploy.deploy(place, settings, lambda: file, wanted, f"of {text}\n".encode(), over=over)

    nothing, beside = deploy.held(place, settings)
    assert (nothing, beside) == (Held(None, None), b"")
    put("first", nothing)
    first, beside = deploy.held(place, settings)
    assert beside == b"of first\n"
    assert first == Held(store.sha256(file), hashlib.sha256(beside).hexdigest())
    with pytest.raises(deploy.Overtaken):
        put("second", nothing)
    assert deploy.held(place, settings) == (first, beside)
    put("second", first)
    assert deploy.held(place, settings)[1] == b"of second\n"


def test_what_a_server_says_is_shown_as_text(here: Workspace, said: StringIO) -> None:
    """A record that somebody changed there can refuse a weight, but neither colour a line nor begin another."""
    judge("first", 74)
    judge("second", 61)
    service.put(here, output("first"), ["ssd"])
    beside = SERVING.with_name("latest_weight.pth.json")
    found = replace(record.read_file(beside), name="\x1b[31mfirst\n" + "x" * 500)
    beside.write_bytes(record.write(found))
    with pytest.raises(DeploymentError) as caught:
        service.put(here, output("second"), ["ssd"])
    assert r"74.0 of \x1b[31mfirst\nxxx" in str(caught.value)
    assert len(str(caught.value)) < 400
    beside.write_bytes(b"[" * 10_000)
    service.put(here, output("second"), ["ssd"])
    assert (
        "ssd: not compared with the weight in service: beside it lies no record that can be read\n" in said.getvalue()
    )
