"""The whole loop over real ssh servers, one for each role: it works, it says what is wrong, it keeps secrets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests import learners, sites
from tests.conftest import XML
from tests.learners import lines, only
from tests.sites import PASSWORD, Site, started, weight
from tests.sshd import Relay, free_port, wait_for

pytestmark = pytest.mark.long

built, here = learners.built, learners.here
machines, site, relayed = sites.machines, sites.site, sites.relayed
"""The fixtures of this file."""


def test_the_whole_loop_over_three_servers(site: Site, tmp_path: Path) -> None:
    """Task, outputs, deploy, a second one, undeploy, servers; and no trace of the password anywhere."""
    here, told = site.here, []
    told += lines(here, "task", "--name", "first", "--memo", "a try")
    (site.homes["ssd"] / "salt").write_text("second")
    told += lines(here, "task", "--name", "second")
    told += lines(here, "deploy", "first")
    assert weight(site) == "weight of 10 images,"
    told += lines(here, "deploy", "second")
    assert weight(site) == "weight of 10 images, second"
    told += lines(here, "undeploy")
    assert weight(site) == "weight of 10 images,"
    table = lines(here, "outputs")
    assert "in service" in only(table, "first")
    assert "in service" not in only(table, "second")
    servers = lines(here, "servers")
    assert "ready" in only(servers, "ssd")
    assert "resnet34: first" in only(servers, "resnet34")
    told += table + servers + lines(here, "output", "first", "--check")
    record = json.loads((here.folder / "output/first/record.json").read_bytes())
    assert record["learners"]["ssd"]["where"]["server"] == "ssd"

    with tarfile.open(here.folder / "output/first/ssd_dlim.tar.gz") as tar:
        tar.extractall(tmp_path / "snapshot")
    assert PASSWORD not in "\n".join(told)
    places = [here.folder, tmp_path / "snapshot", site.client.home, *site.homes.values()]
    files = [path for place in places for path in place.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 100
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []


def test_no_password_is_to_be_seen_meanwhile(site: Site) -> None:
    """Neither in the command lines of processes, here and there, nor in what INVOKE_DEBUG makes fabric print."""
    (site.homes["ssd"]).mkdir()
    (site.homes["ssd"] / "slow").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "doit", "task:ssd", "--name", "first"],
        cwd=site.here.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "INVOKE_DEBUG": "1", "FABRIC_DEBUG": "1"},
    )
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if "waiting" in line:
            break
    seen = [" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])]
    assert any("train.sh" in line for line in seen)
    assert [line for line in seen if PASSWORD in line] == []
    (site.homes["ssd"] / "slow").unlink()
    with process:
        text += process.stdout.read()
    assert process.returncode == 0, text
    assert PASSWORD not in text


def test_labelling_on_another_machine(site: Site) -> None:
    """Images go there, a box that is drawn there comes back, and one that differs is shown and not taken."""
    here = site.here
    lines(here, "label:push")
    there = site.homes["imglabeling"] / "projects/close_btn/master"
    ours = here.folder / "projects/close_btn/master"
    assert (there / "image_extended.jpg").read_bytes() == (ours / "image_extended.jpg").read_bytes()
    (there / "image_extended.xml").write_text(XML.format(width=32, height=24, label="close_btn", box=(2, 3, 20, 21)))
    before = (ours / "image_extended.xml").read_text()
    found = lines(here, "label:pull", status=3)
    assert only(found, "close_btn: differs") == (
        "close_btn: differs: here close_btn 9,7 to 24,18; there close_btn 2,3 to 20,21"
    )
    assert (ours / "image_extended.xml").read_text() == before
    lines(here, "label:pull", "--take")
    assert (ours / "image_extended.xml").read_text() == (there / "image_extended.xml").read_text()


def test_the_list_of_servers_is_handed_over(site: Site) -> None:
    """Every server gets it once, without what is nobody's business there."""
    with (site.here.folder / "config/servers.toml").open("a") as file:
        file.write(f'[extra]\nhost = "127.0.0.1"\nuser = "x"\nhome = "x"\nidentity_file = "{site.client.key}"\n')
    (site.here.folder / "config/servers.toml").write_text(
        (site.here.folder / "config/servers.toml").read_text().partition("[extra]")[0]
    )
    assert "brought" in only(lines(site.here, "config:push"), "resnet34")
    assert "there already" in only(lines(site.here, "config:push"), "resnet34")
    text = (site.homes["resnet34"] / ".dlim/servers.toml").read_text()
    assert f"port = {site.machines['ssd'].port}" in text


WAYS = {
    "unknown key": "its host key is unknown",
    "changed key": "its host key",
    "wrong password": "password",
    "no such host": "is not known",
    "port closed": "nothing listens",
}


@pytest.mark.parametrize("fault", WAYS)
def test_servers_that_dont_let_us_in(fault: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with the way out; once that is seen to, the same command goes on."""
    here, known = site.here, site.client.known_hosts
    good = known.read_text()
    if fault == "unknown key":
        known.write_text("")
    elif fault == "changed key":
        other = site.machines["resnet34"].known(f"[127.0.0.1]:{site.machines['ssd'].port}")
        known.write_text(other)
    elif fault == "wrong password":
        monkeypatch.setenv("DLIM_PASSWORD_SSD", "wrong")
    elif fault == "no such host":
        toml = here.folder / "config/servers.toml"
        toml.write_text(toml.read_text().replace("127.0.0.1", "no-such-host.invalid", 1))
    else:
        site.configure(ssd=free_port())
    failed = only(lines(here, "task:ssd", "--name", "first", status=1), "FAILED")
    assert failed.startswith("FAILED ssd: ")
    assert WAYS[fault] in failed
    assert not (here.folder / "output/first").exists()
    assert failed[len("FAILED ssd: ") :].split(";")[0] in only(lines(here, "servers"), "ssd")
    if fault == "unknown key":
        shown = lines(here, "trust:ssd")
        assert "SHA256:" in shown[0]
        assert known.read_text() == ""
        lines(here, "trust:ssd", "--record")
    else:
        known.write_text(good)
        monkeypatch.setenv("DLIM_PASSWORD_SSD", PASSWORD)
        site.configure()
    lines(here, "task:ssd", "--name", "first")


STEPS = ("ship", "learn", "bring back", "deploy")


@pytest.mark.parametrize("step", STEPS)
def test_a_client_that_is_killed(step: str, site: Site, relayed: Relay) -> None:
    """With -9, in the middle of each step: the same command goes on, and what comes of it is whole."""
    here = site.here
    # something to move: random bytes, so that neither ssh nor tar makes them small
    (site.homes["ssd"]).mkdir()
    if step == "ship":
        (here.folder / "program/big").write_bytes(os.urandom(3_000_000))
    if step == "bring back":
        (site.homes["ssd"] / "big").write_bytes(os.urandom(3_000_000))
    if step == "learn":
        (site.homes["ssd"] / "slow").touch()
    if step == "deploy":
        (site.homes["ssd"] / "salt").write_text(os.urandom(2_000_000).hex().replace("b", "x"))
        lines(here, "task:ssd", "--name", "first")
    before = relayed.up, relayed.down
    process = started(site.here, *(("deploy", "first") if step == "deploy" else ("task:ssd", "--name", "first")))
    if step == "learn":
        assert process.stdout is not None
        next(line for line in process.stdout if "waiting" in line)
    elif step == "bring back":
        wait_for(lambda: relayed.down > before[1] + 1_000_000, "the archive to come")
        relayed.freeze()
    else:
        wait_for(lambda: relayed.up > before[0] + 1_000_000, "the pieces to go")
        relayed.freeze()
    process.kill()
    with process:
        process.wait()
    relayed.cut()
    relayed.thaw()
    (site.homes["ssd"] / "slow").unlink(missing_ok=True)
    if step != "deploy":
        lines(here, "task:ssd", "--name", "first")
        lines(here, "output", "first", "--check")
    lines(here, "deploy", "first")
    assert weight(site).startswith("weight of 10 images")


def test_a_link_that_breaks_while_it_learns(site: Site, relayed: Relay) -> None:
    """Is tried again, which is said once; the log is whole, byte for byte."""
    site.homes["ssd"].mkdir()
    (site.homes["ssd"] / "slow").touch()
    process = started(site.here, "task:ssd", "--name", "first")
    assert process.stdout is not None
    next(line for line in process.stdout if "waiting" in line)
    relayed.cut()  # while nothing is asked: the next question takes a new link
    with site.machines["ssd"].down():
        said = next((line for line in process.stdout if "link lost" in line), "")
        assert said == "ssd | ssd: link lost; trying again\n"
    (site.homes["ssd"] / "slow").unlink()
    with process:
        rest = process.stdout.read()
    assert process.returncode == 0, rest
    log = (site.here.folder / "output/first/ssd.log").read_bytes()
    [job] = (site.homes["ssd"] / ".dlim/ssd/jobs").iterdir()
    assert log == (job / "log").read_bytes()


def test_a_server_that_restarts_while_it_learns(site: Site) -> None:
    """The job is lost, and said so; the same command begins it anew."""
    site.homes["ssd"].mkdir()
    (site.homes["ssd"] / "slow").touch()
    process = started(site.here, "task:ssd", "--name", "first")
    assert process.stdout is not None
    next(line for line in process.stdout if "waiting" in line)
    with site.machines["ssd"].down():
        [job] = (site.homes["ssd"] / ".dlim/ssd/jobs").iterdir()
        first = psutil.Process(int((job / "pid").read_text()))
        first.suspend()  # or it would see the others go, and say so
        for each in (*first.children(recursive=True), first):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        (job / "boot").write_text("another\n")
        (site.homes["ssd"] / "slow").unlink()
    with process:
        rest = process.stdout.read()
    assert process.returncode == 1, rest
    told = only(rest.splitlines(), "FAILED")
    log = "output/.unfinished/first/ssd.log"
    lost = f'FAILED ssd: was lost: the server was restarted; its log ends with "waiting"; see {log}; '
    assert told == lost + "the same command begins it again"
    lines(site.here, "task:ssd", "--name", "first")


def test_two_people_deploy_at_once(site: Site) -> None:
    """Each is served or told; the history has whole lines, and its last one is what is in service."""
    here = site.here
    lines(here, "task:ssd", "--name", "first")
    (site.homes["ssd"] / "salt").write_text("second")
    lines(here, "task:ssd", "--name", "second")
    both = [started(site.here, "deploy", name, "--learner", "ssd") for name in ("first", "second")]
    texts = []
    for process in both:
        with process:
            assert process.stdout is not None
            texts.append(process.stdout.read())
    assert [process.returncode for process in both] == [0, 0], texts
    history = (site.homes["ssd"] / ".dlim/ssd/history.jsonl").read_text().splitlines()
    last = json.loads(history[-1])
    assert {json.loads(line)["output"] for line in history} == {"first", "second"}
    assert ("second" in weight(site)) == (last["output"] == "second")
