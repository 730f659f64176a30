"""A weight goes into service and out of it by a switch, and what was there before comes back."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from dlim.config import Service
from dlim.errors import DeploymentError
from dlim.runs import deploy as deployment
from dlim.runs import history
from dlim.runs.deploy import deploy, undeploy
from dlim.runs.history import Deployed
from dlim.runs.place import Place
from dlim.servers.local import Local
from tests.runs.served import BY, SERVICE, Served, digest

# deploy, undeploy


def test_a_weight_goes_into_service(served: Served) -> None:
    """It stands under its name, its record beside it, and the history has a line that says where it came from."""
    done = served.deploy("first")
    assert served.read == ("first", "first")
    assert served.left() == []
    [line] = (served.own / "history.jsonl").read_text().splitlines()
    found = json.loads(line)
    assert found.pop("change")
    assert list(found.items())[:7] == [
        ("time", done.time),
        ("by", BY),
        ("action", "deploy"),
        ("output", "first"),
        ("learner", "ssd"),
        ("sha256", digest("first")),
        ("path", "weights/best.pth"),
    ]
    assert history.read(served.place) == [done]
    assert deployment.current(served.place, SERVICE) == done


def test_what_was_uploaded_is_told(served: Served) -> None:
    """Bytes are told as they go; a weight that the server has already isn't sent again."""
    moved: list[int] = []
    served.deploy("first", moved=moved.append)
    assert sum(moved) == len("first")
    served.deploy("second")
    served.undeploy()
    served.deploy("second", moved=lambda count: pytest.fail("it was there"))


def test_deploying_what_is_in_service(served: Served) -> None:
    """A second time nothing happens, and nothing is written down."""
    done = served.deploy("first")
    before = served.weight.stat().st_ino
    assert served.deploy("first", Service(folder=SERVICE.folder, check="false")) == done
    assert served.weight.stat().st_ino == before
    assert served.log == [("deploy", "first")]


def test_undeploying_goes_back_step_by_step(served: Served) -> None:
    """Each step brings back what was there before, with its record; at the first one there is nothing to go back to."""
    for name in ("first", "second", "third"):
        served.deploy(name)
    back = served.undeploy()
    assert (back.action, back.output, back.was, back.by) == ("undeploy", "second", digest("third"), BY)
    assert served.read == ("second", "second")
    assert served.undeploy(by="bob@desk").by == "bob@desk"
    assert served.read == ("first", "first")
    with pytest.raises(
        DeploymentError, match=r"^ssd on local: nothing was in service before first; nothing is changed"
    ):
        served.undeploy()
    assert served.read == ("first", "first")
    assert served.log == [
        ("deploy", "first"),
        ("deploy", "second"),
        ("deploy", "third"),
        ("undeploy", "second"),
        ("undeploy", "first"),
    ]


def test_a_step_back_is_no_step_that_one_goes_back_to(served: Served) -> None:
    """After a step back and another deployment, going back leads to what was in service before that."""
    served.deploy("first")
    served.deploy("second")
    served.undeploy()
    served.deploy("third")
    assert served.undeploy().output == "first"
    served.deploy("second")
    assert served.undeploy().output == "first"
    with pytest.raises(DeploymentError, match="nothing was in service before first"):
        served.undeploy()


def test_nothing_to_undeploy(served: Served) -> None:
    """Where nothing ever was in service, that is said."""
    assert served.current() is None
    assert history.read(served.place) == []
    with pytest.raises(DeploymentError, match=r"^ssd on local: nothing is in service, and nothing was; "):
        served.undeploy()


def test_one_weight_of_two_outputs(served: Served) -> None:
    """Where two outputs have the same weight, the record and the history tell which one it was deployed from."""
    served.deploy("first")
    path, wanted, _ = served.file("first")
    twin = Deployed(by=BY, output="twin", learner="ssd", sha256=wanted.sha256, path="weights/best.pth")
    deploy(served.place, SERVICE, lambda: path, twin, b'{"output": "twin"}')
    assert served.read == ("first", "twin")
    assert served.undeploy().output == "first"
    assert served.read == ("first", "first")


def test_a_weight_that_changed_meanwhile(served: Served) -> None:
    """A file that is not the one whose digest was told isn't deployed."""
    path, wanted, record = served.file("first")
    path.write_text("other")
    with pytest.raises(DeploymentError, match=r"first\.pth: is not the weight that was found in the archive"):
        deploy(served.place, SERVICE, lambda: path, wanted, record)
    assert served.current() is None


@pytest.mark.parametrize("weight", ["-n.pth", "deep/er/new.pth", "we ights/it's $(touch evil) `x`.pth"])
def test_odd_names(served: Served, weight: str) -> None:
    """Whatever the file is called, it is a name and nothing else."""
    service = Service(folder=SERVICE.folder, weight=weight, check='cat "$DLIM_WEIGHT"')
    served.deploy("first", service)
    served.deploy("second", service)
    served.undeploy(service)
    assert (served.home / weight).read_text() == "first"
    assert served.current(service) == ("first", "")
    assert not (served.home / "evil").exists()


def test_threads_may_deploy_to_several_servers(tmp_path: Path) -> None:
    """Deployments to different places know nothing of each other."""
    places = [
        Served(Place(Local(name, tmp_path / name), "ssd"), tmp_path / name, tmp_path / "made") for name in ("a", "b")
    ]
    threads = [threading.Thread(target=each.deploy, args=("first", Service())) for each in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.read for each in places] == [("first", "first")] * 2


# what people did by hand


def test_what_was_there_before_dlim_comes_back(served: Served) -> None:
    """A file that a person had placed is kept, and going back ends there."""
    served.put_by_hand("mine")
    served.record.write_text('{"output": "notes"}')
    assert served.current() == ("", "was placed by hand")
    served.deploy("first")
    back = served.undeploy()
    assert (back.name, back.sha256) == ("a weight that was placed by hand", digest("mine"))
    assert served.read == ("mine", "notes")
    with pytest.raises(DeploymentError, match="nothing was in service before a weight that was placed by hand"):
        served.undeploy()


@pytest.mark.parametrize("in_place", [True, False])
def test_what_a_person_copies_over_it_is_seen(served: Served, in_place: bool) -> None:
    """A file that was copied over the one in service is told, kept when it is replaced, and one can go back to it."""
    served.deploy("first")
    if not in_place:
        served.weight.unlink()
    served.put_by_hand("mine")
    assert served.current() == ("", "was placed by hand, over first")
    served.deploy("second")
    assert served.read == ("second", "second")
    assert served.undeploy().output == ""
    assert served.read[0] == "mine"
    if in_place:  # a hard link: what was written into the one was written into the other
        with pytest.raises(
            DeploymentError, match=r"first was in service before, but is gone or damaged there; nothing is changed; "
        ):
            served.undeploy()
        assert served.read[0] == "mine"
        served.deploy("first")
    else:
        served.undeploy()
    assert served.read == ("first", "first")


def test_undeploying_what_a_person_placed(served: Served) -> None:
    """What is in service now goes, also where dlim didn't bring it, and what was there before it comes back."""
    served.deploy("first")
    served.deploy("second")
    served.put_by_hand("mine")
    served.own.joinpath("weights", digest("second")).unlink()
    served.deploy("second")
    served.put_by_hand("yours")
    served.deploy("third")
    assert served.undeploy().sha256 == digest("yours")
    assert served.read[0] == "yours"


def test_a_weight_that_was_deleted(served: Served) -> None:
    """Where somebody deleted the file, nothing is in service; going back brings what was there last."""
    served.deploy("first")
    served.weight.unlink()
    assert served.current() is None
    assert served.undeploy().output == "first"
    assert served.read == ("first", "first")
    served.weight.unlink()
    served.deploy("second")
    assert served.undeploy().output == "first"


def test_a_record_that_was_changed(served: Served) -> None:
    """A record that isn't the weight's own is told, and deploying again mends it without another step to go back."""
    served.deploy("first")
    served.deploy("second")
    served.record.write_text('{"output": "?"}')
    assert served.current() == ("second", "weights/latest_weight.pth.json is not its record")
    served.deploy("second")
    assert served.read == ("second", "second")
    assert served.undeploy().output == "first"


def test_the_first_deployment_can_be_taken_away(served: Served) -> None:
    """Where nothing was before, --empty leaves nothing; what was before comes back all the same where there was."""
    served.deploy("first")
    served.deploy("second")
    assert served.undeploy(empty=True).output == "first"
    assert served.undeploy(empty=True).action == "empty"
    assert served.read == (None, None)
    assert served.current() is None
    with pytest.raises(DeploymentError, match="nothing is in service, and nothing was"):
        served.undeploy(empty=True)
    served.deploy("second")
    with pytest.raises(DeploymentError, match="nothing was in service before second"):
        served.undeploy()
    assert served.left() == []


def test_a_deployment_is_one_call(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server has the weight already, nothing but one script runs there; an undeployment is one as well."""
    served.deploy("first")
    served.deploy("second")
    calls: list[str] = []
    run = Local.run
    monkeypatch.setattr(Local, "run", lambda *given, **more: calls.append(given[4]) or run(*given, **more))
    served.undeploy()
    served.deploy("second")
    assert calls == ["undeploy", "deploy"]


def test_only_the_change_that_happened_last_is_undone(served: Served) -> None:
    """A deployment that other learners didn't get goes; one that somebody has followed stays."""
    served.deploy("first")
    path, wanted, record = served.file("second")
    deploy(served.place, SERVICE, lambda: path, replace(wanted, change="one"), record)
    assert undeploy(served.place, SERVICE, BY, change="another", only=True) is None
    assert served.read == ("second", "second")
    assert served.undeploy(change="one", only=True).output == "first"
    served.deploy("third")
    assert undeploy(served.place, SERVICE, BY, change="one", only=True) is None
    assert served.read == ("third", "third")


def test_the_history_of_the_first_version(served: Served) -> None:
    """What it says was in service before is what undeploying leads back to."""
    served.put_by_hand("mine")
    for name in ("first", "second", "third"):
        served.deploy(name)
    served.undeploy()
    (served.own / "stack").unlink()
    assert served.undeploy().output == "first"
    assert served.undeploy().output == ""
    assert served.read[0] == "mine"
