"""A deployment that broke off anywhere is taken up again by the same command."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from dlim.errors import CommandError, DeploymentError, DlimError
from dlim.runs.deploy import deploy, undeploy
from dlim.runs.place import Place
from dlim.servers.local import Local
from tests.runs.conftest import until
from tests.runs.served import BY, SERVICE, Served, checking, deployer, digest


def test_a_client_that_is_killed(served: Served, tmp_path: Path) -> None:
    """Killed during the check, it leaves a switch that goes on to its end; the same command finds that done."""
    os.mkfifo(tmp_path / "go")
    served.deploy("first")
    with deployer(served, "second", f"echo checking; cat '{tmp_path}/go'; echo said to nobody; echo more") as killed:
        assert killed.stdout
        assert killed.stdout.readline() == "checking\n"
        killed.kill()
    (tmp_path / "go").write_text("")
    until(lambda: len(served.log) == 2)
    assert served.read == ("second", "second")
    served.deploy("second")
    assert served.log == [("deploy", "first"), ("deploy", "second")]
    assert served.undeploy().output == "first"


@pytest.fixture
def interrupted(served: Served, tmp_path: Path) -> Served:
    """`first` in service; then `second`, whose check was going on when the server's shell was killed."""
    served.deploy("first")
    cut(served, "second")
    return served


def cut(served: Served, name: str) -> None:
    """Kill the server's script in the middle of a check, as a machine that goes down does."""
    # timeout, the check's parent, leads a group of its own; the script's is that of timeout's parent
    check = "parent=$(cut -d ' ' -f 4 /proc/$PPID/stat); kill -9 -$(cut -d ' ' -f 5 /proc/$parent/stat)"
    with pytest.raises(CommandError):
        served.deploy(name, checking(check))
    assert served.read == (name, name)


def test_the_same_command_goes_on(interrupted: Served) -> None:
    """A deployment that was cut off in its check is made anew by the same command, with its check."""
    said: list[str] = []
    assert interrupted.current() == ("second", "its switch has not come to an end")
    interrupted.deploy("second", checking("echo checked"), show=said.append)
    assert said == ["checked"]
    assert interrupted.read == ("second", "second")
    assert interrupted.log == [("deploy", "first"), ("refused", "second"), ("deploy", "second")]
    assert interrupted.undeploy().output == "first"


def test_another_deployment_after_an_interrupted_one(interrupted: Served) -> None:
    """What nobody saw pass its check is no step that one goes back to."""
    interrupted.deploy("third")
    assert interrupted.log == [("deploy", "first"), ("refused", "second"), ("deploy", "third")]
    assert interrupted.undeploy().output == "first"


def test_undeploying_an_interrupted_deployment(interrupted: Served) -> None:
    """It is taken back, and nothing more is."""
    assert interrupted.undeploy().output == "first"
    assert interrupted.read == ("first", "first")
    assert interrupted.left() == []


def test_undeploying_an_interrupted_first_deployment(served: Served) -> None:
    """Where nothing was in service before it, nothing is after it."""
    cut(served, "first")
    with pytest.raises(DeploymentError, match="a deployment that was interrupted is taken back; nothing is in service"):
        served.undeploy()
    assert served.read == (None, None)
    assert served.log == [("refused", "first")]


def test_an_interrupted_deployment_whose_forerunner_is_lost(interrupted: Served) -> None:
    """Where what was there before can't come back, what is there stays, and nothing is stuck."""
    (interrupted.own / "weights" / digest("first")).unlink()
    with pytest.raises(DeploymentError, match="first was in service before, but is gone or damaged there"):
        interrupted.undeploy()
    assert interrupted.read == ("second", "second")
    interrupted.deploy("third")
    assert interrupted.read == ("third", "third")


class Lost(Local):
    """A link that breaks when a step has ended, before dlim hears of it."""

    def __init__(self, home: Path, step: str) -> None:
        super().__init__("local", home)
        self.step = step

    def run(self, script: str, *arguments: str, **more: object) -> object:  # type: ignore[override]
        done = super().run(script, *arguments, **more)  # type: ignore[arg-type]
        if self.step in arguments:
            raise CommandError("local", "the link broke", "run again")
        return done


def test_a_step_back_that_nobody_heard_of(served: Served) -> None:
    """Where the link broke after the step, the same change is told so, and goes no further."""
    for name in ("first", "second", "third"):
        served.deploy(name)
    lost = Place(Lost(served.home.parent, "undeploy"), "ssd", SERVICE.folder)
    with pytest.raises(CommandError, match="the link broke"):
        undeploy(lost, SERVICE, BY, change="one")
    assert served.read == ("second", "second")
    assert served.undeploy(change="one").output == "second"
    assert served.read == ("second", "second")
    assert served.undeploy(change="two").output == "first"


def test_a_deployment_that_nobody_heard_of(served: Served) -> None:
    """The same command finds it done; going back takes it out of service, as it was whole."""
    served.deploy("first")
    lost = Place(Lost(served.home.parent, "deploy"), "ssd", SERVICE.folder)
    with pytest.raises(CommandError, match="the link broke"):
        deploy(lost, SERVICE, *served.given("second"))
    served.deploy("second")
    assert served.log == [("deploy", "first"), ("deploy", "second")]
    assert served.undeploy().output == "first"


PROGRAMS = ("mv", "rm", "timeout")
"""What makes a change that others see, and the check: each is a place at which a script may end."""

KILLER = """#!/bin/sh
read -r count <{count}; count=$((count - 1)); echo $count >{count}
[ $count -ne 0 ] || kill -9 0
exec {program} "$@"
"""


@pytest.fixture
def killer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs that kill the script that runs them, when the number in this file has been counted down."""
    folder = tmp_path / "killing"
    folder.mkdir()
    for name in PROGRAMS:
        (folder / name).write_text(KILLER.format(count=folder / "count", program=shutil.which(name)))
        (folder / name).chmod(0o755)
    (folder / "count").write_text("-1")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "count"


ACTS: dict[str, Callable[[Served], object]] = {
    "deploy": lambda served: served.deploy("second", checking("true")),
    "undeploy": lambda served: served.undeploy(checking("true"), change="back"),
    "refuse": lambda served: served.deploy("second", checking("false")),
}


@pytest.mark.long
@pytest.mark.parametrize("act", list(ACTS))
def test_a_server_that_dies_anywhere(served: Served, killer: Path, act: str, tmp_path: Path) -> None:
    """Wherever the script is killed, the state is that before or that after, and the same command ends well."""
    for name in ("zeroth", "first") if act != "undeploy" else ("zeroth", "second", "first"):
        served.deploy(name)
    shutil.copytree(served.home, tmp_path / "before")
    step, died = 0, True
    while died:
        step += 1
        shutil.rmtree(served.home)
        shutil.copytree(tmp_path / "before", served.home)
        killer.write_text(str(step))
        try:
            ACTS[act](served)
            died = False
        except DlimError as error:
            died = not isinstance(error, DeploymentError)
        killer.write_text("-1")
        weight, record = served.read
        assert weight in ("first", "second"), step
        assert record in ("first", "second"), step
        if died:
            with pytest.raises(DeploymentError) if act == "refuse" else nullcontext():
                ACTS[act](served)
        assert served.read == (("first", "first") if act == "refuse" else ("second", "second")), step
        assert served.undeploy().output == {"deploy": "first", "undeploy": "zeroth", "refuse": "zeroth"}[act], step
        assert served.left() == [], step
    assert step > 8


def test_a_note_of_a_switch_that_makes_no_sense(served: Served) -> None:
    """What a crash left of it does no harm."""
    served.deploy("first")
    for text in ("garbage", "{}\n{}\n", "\0\0\0", ""):
        (served.own / "switching").write_text(text)
        assert served.current() == ("first", "")
        served.deploy("second")
        assert served.undeploy().output == "first"
        assert served.left() == []
