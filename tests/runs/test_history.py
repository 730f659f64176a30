"""A history says what was there before, whatever has become of it, and which weights are to stay."""

from __future__ import annotations

import json
import os

import pytest

from dlim.config import Service
from dlim.errors import DeploymentError
from dlim.runs import deploy as deployment
from dlim.runs import history
from dlim.runs.deploy import deploy
from dlim.runs.history import Deployed
from tests.runs.served import SERVICE, Served, digest


def test_names_that_are_no_plain_text(served: Served) -> None:
    """An output, a person or a path may be called anything; the history has it on one line."""
    path, wanted, record = served.file("first")
    odd = Deployed(by="a'b@ü", output="o\n'ut $(x)", learner="ssd", sha256=wanted.sha256, path='we"ig\\hts/重み.pth')
    done = deploy(served.place, SERVICE, lambda: path, odd, record)
    assert history.read(served.place) == [done]
    assert deployment.current(served.place, SERVICE) == done


def test_a_history_whose_last_line_was_cut_off(served: Served) -> None:
    """It is passed over, and gone with the next line."""
    served.deploy("first")
    path = served.own / "history.jsonl"
    with path.open("a") as file:
        file.write('{"time": "2026-')
    assert served.current() == ("first", "")
    assert served.log == [("deploy", "first")]
    served.deploy("second")
    assert served.log == [("deploy", "first"), ("deploy", "second")]
    assert [json.loads(line)["output"] for line in path.read_text().splitlines()] == ["first", "second"]


def test_a_history_with_lines_that_make_no_sense(served: Served) -> None:
    """They are passed over; digests that are none become no paths; going back still finds its way."""
    for name in ("first", "second", "third"):
        served.deploy(name)
    path = served.own / "history.jsonl"
    lines = path.read_text().splitlines()
    evil = lines[1].replace(digest("second"), "../../../../evil")
    path.write_text("\n".join(["", lines[0], "garbage", "[]", evil, '{"x": 1}', lines[2], "\0"]) + "\n")
    assert served.undeploy().sha256 == digest("second")
    assert served.undeploy().output == "first"


def test_only_so_many_are_kept(served: Served) -> None:
    """The one in service stays and so many before it, with their records; a person's file counts like any other."""
    service = Service(folder=SERVICE.folder, keep=2)
    served.put_by_hand("mine")
    for name in ("first", "second", "third"):
        served.deploy(name, service)
    kept = {digest(name) for name in ("first", "second", "third")}
    assert {path.name for path in served.own.glob("weights/*[!n]")} == kept
    assert len(list(served.own.glob("weights/*.json"))) == 3
    assert [served.undeploy(service).output, served.undeploy(service).output] == ["second", "first"]
    assert {path.name for path in served.own.glob("weights/*[!n]")} == {digest("first"), digest("second")}
    with pytest.raises(DeploymentError, match="a weight that was placed by hand was in service before, but is gone"):
        served.undeploy(service)


def test_what_never_came_into_service_goes_after_a_day(served: Served) -> None:
    """The rest of an upload, or a weight that was brought and never switched to, stays for a day."""
    served.deploy("first")
    for name in ("a" * 64, f".{'b' * 64}.part"):
        (served.own / "weights" / name).write_text("old")
        os.utime(served.own / "weights" / name, (0, 0))
    (served.own / "weights" / ("c" * 64)).write_text("new")
    served.deploy("second")
    names = {path.name for path in (served.own / "weights").iterdir() if path.suffix != ".json"}
    assert names == {digest("first"), digest("second"), "c" * 64}
