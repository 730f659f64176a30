"""What is lost, full, forbidden or in the way is told in a line, and harms nothing that is in service."""

from __future__ import annotations

import json
import re

import pytest

from dlim.errors import CommandError, DeploymentError
from tests.runs.served import Served, deployer, digest
from tests.sshd import BOUND


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_a_former_weight_that_is_lost(served: Served, harm: str) -> None:
    """A copy that isn't what it was doesn't go into service: that is told, and a deployment mends it."""
    served.deploy("first")
    served.deploy("second")
    copy = served.own / "weights" / digest("first")
    copy.unlink()
    if harm == "damaged":
        copy.write_text("first?")
    with pytest.raises(DeploymentError) as caught:
        served.undeploy()
    assert str(caught.value) == (
        "ssd on local: first was in service before, but is gone or damaged there; nothing is changed; "
        "doit deploy first brings it there anew"
    )
    assert served.read == ("second", "second")
    assert served.log == [("deploy", "first"), ("deploy", "second")]
    served.deploy("first")
    assert served.read == ("first", "first")


def test_a_former_record_that_is_lost(served: Served) -> None:
    """Its weight comes back all the same, without one."""
    served.deploy("first")
    served.deploy("second")
    [copy] = [path for path in served.own.glob("weights/*.json") if json.loads(path.read_text())["output"] == "first"]
    copy.unlink()
    assert served.undeploy().output == "first"
    assert served.read == ("first", None)


def test_a_full_disk(served: Served) -> None:
    """Where there is no room there, that is told in a line, and nothing changes."""
    served.deploy("first")
    served.deploy("second")
    served.undeploy()
    (served.own / "fresh").symlink_to("/dev/full")
    with pytest.raises(CommandError) as caught:
        served.deploy("second")
    assert str(caught.value) == "local: its disk is full; make room there, and run again"
    assert served.read == ("first", "first")
    served.deploy("second")
    assert served.read == ("second", "second")


def test_a_file_in_place_of_the_folder(served: Served) -> None:
    """Where the weight's folder can't be made, that is told in a line."""
    served.home.mkdir(parents=True)
    (served.home / "weights").write_text("")
    with pytest.raises(CommandError, match=r"^local: .*weights") as caught:
        served.deploy("first")
    assert "\n" not in str(caught.value)
    (served.home / "weights").unlink()
    served.deploy("first")
    assert served.read == ("first", "first")


def test_a_folder_in_place_of_the_weight(served: Served) -> None:
    """It is not touched, and told."""
    served.weight.mkdir(parents=True)
    for act in (served.current, served.undeploy, lambda: served.deploy("first")):
        with pytest.raises(CommandError, match=r"^local: \./weights/latest_weight\.pth is there, but is no file; "):
            act()
    assert list(served.weight.iterdir()) == []


def test_a_folder_that_cannot_be_written(served: Served) -> None:
    """Where rights are lacking, that is told in a line, and what is in service stays."""
    served.deploy("first")
    served.weight.parent.chmod(0o555)
    try:
        told, _ = deployer(served, "second", under=BOUND).communicate()
        assert re.fullmatch(r"local: .*latest_weight\.pth.*: Permission denied; give its user .*\n", told)
        assert served.read == ("first", "first")
        assert served.current() == ("first", "")
    finally:
        served.weight.parent.chmod(0o755)
    served.deploy("second")
    assert served.read == ("second", "second")
    assert served.log == [("deploy", "first"), ("deploy", "second")]
