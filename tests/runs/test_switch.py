"""A switch is seen whole or not at all, is one at a time, and hears what its check says."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from dlim.errors import DeploymentError
from dlim.runs import deploy as deployment
from dlim.runs import history
from dlim.runs.deploy import deploy
from dlim.runs.history import Deployed
from dlim.runs.place import Place
from dlim.servers.contract import Done
from dlim.servers.local import Local
from tests.runs.served import BY, SERVICE, Served, checking, deployer, digest

# the check


def test_a_check_that_passes(served: Served) -> None:
    """It runs in the learner's folder when the weight is in service, knows its path, and what it says is shown."""
    said: list[str] = []
    check = 'pwd; cat "$DLIM_WEIGHT"; echo; cat weights/latest_weight.pth.json >&2; echo; printf end'
    served.deploy("first", checking(check), show=said.append)
    assert said == [str(served.home), "first", json.dumps({"output": "first", "sha256": digest("first")}), "end"]


@pytest.mark.parametrize("before", ["", "first", "by hand"])
def test_a_check_that_fails(served: Served, before: str) -> None:
    """What was in service before is there again, even if that was nothing; the refusal is told and written down."""
    if before == "first":
        served.deploy("first")
    elif before:
        served.put_by_hand("mine")
    state = served.read
    with pytest.raises(DeploymentError) as caught:
        served.deploy("second", checking("echo loading; echo 'bad magic number'; echo; exit 3"))
    there = "what was in service before is there again" if before else "nothing is in service, as before"
    assert str(caught.value) == (
        'ssd on local: second is refused: its check ended with status 3, saying "bad magic number"; '
        f"{there}; deploy another"
    )
    assert served.read == state
    assert served.left() == []
    assert served.log[-1] == ("refused", "second")
    assert served.current() == {"": None, "first": ("first", ""), "by hand": ("", "was placed by hand")}[before]


def test_a_refused_weight_is_no_step(served: Served) -> None:
    """Going back passes over what a check refused."""
    served.deploy("first")
    served.deploy("second")
    with pytest.raises(DeploymentError):
        served.deploy("third", checking("false"))
    assert served.undeploy().output == "first"


def test_going_back_is_always_possible(served: Served) -> None:
    """A check that fails after a step back doesn't undo it, and is told."""
    served.deploy("first")
    served.deploy("second")
    back = served.undeploy(checking("echo no GPU; false"))
    assert (back.output, back.fault) == ("first", 'its check ended with status 1, saying "no GPU"')
    assert served.read == ("first", "first")
    assert deployment.current(served.place, SERVICE) == history.read(served.place)[-1]


def test_a_check_without_an_end(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended after a while, and counts as failed."""
    monkeypatch.setattr(deployment, "LIMIT", 1)
    served.deploy("first")
    with pytest.raises(DeploymentError, match=r'its check took over 1 s, saying "loading"'):
        served.deploy("second", checking("echo loading; sleep 60"))
    assert served.read == ("first", "first")


def test_a_check_that_leaves_something_running(served: Served) -> None:
    """A service that a check starts neither keeps the deployment waiting nor keeps others from the next one."""
    served.deploy("first", checking("sleep 60 & echo $! > pid"))
    try:
        assert served.log == [("deploy", "first")]
        served.deploy("second")
    finally:
        os.kill(int((served.home / "pid").read_text()), signal.SIGKILL)
    assert served.read == ("second", "second")


def test_a_check_that_was_killed(served: Served) -> None:
    """A check that a signal ended counts as failed."""
    with pytest.raises(DeploymentError, match="its check was killed by signal 9"):
        served.deploy("first", checking("kill -9 $$"))


def test_a_check_of_odd_output(served: Served) -> None:
    """Lines that are no text, very long, or look like a script, are shown and do nothing."""
    said: list[str] = []
    check = r"""printf 'a\377b\n\n$(touch evil)\n`touch evil`\n-n\n\\c\n'; head -c 100000 /dev/zero | tr '\0' x"""
    served.deploy("first", checking(check), show=said.append)
    assert said == ["a\N{REPLACEMENT CHARACTER}b", "$(touch evil)", "`touch evil`", "-n", "\\c", "x" * 100000]
    assert not (served.home / "evil").exists()


# readers, and others who deploy


READER = """
import hashlib, json, os, sys
weight, stop = sys.argv[1:]
reads, bad = 0, []
print("reading", flush=True)
while not os.path.exists(stop):
    try:
        data = open(weight, "rb").read()
        record = json.load(open(weight + ".json"))
    except Exception as error:
        bad.append(repr(error))
        continue
    reads += 1
    if hashlib.sha256(data[:-64]).hexdigest() != data[-64:].decode() or len(data) < 100:
        bad.append("mixed or empty")
print(json.dumps([reads, bad]))
"""


@pytest.mark.long
def test_a_reader_sees_whole_weights_only(served: Served, tmp_path: Path) -> None:
    """Someone who reads on and on during 30 switches finds a whole weight and a whole record each time."""
    files = []
    for number in range(3):
        data = os.urandom(300_000)
        data += hashlib.sha256(data).hexdigest().encode()
        path = tmp_path / f"{number}.pth"
        path.write_bytes(data)
        wanted = Deployed(by=BY, output=str(number), learner="ssd", sha256=hashlib.sha256(data).hexdigest())
        files.append((lambda path=path: path, wanted, json.dumps({"output": number}).encode()))
    deploy(served.place, SERVICE, *files[2])
    command = [sys.executable, "-c", READER, str(served.weight), str(tmp_path / "stop")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout
        assert reader.stdout.readline() == "reading\n"
        for number in range(10):
            deploy(served.place, SERVICE, *files[number % 3])
            deploy(served.place, SERVICE, *files[(number + 1) % 3])
            served.undeploy()
        (tmp_path / "stop").touch()
        reads, bad = json.loads(reader.stdout.read())
    assert len(history.read(served.place)) == 31
    assert reads > 100
    assert bad == []


def test_several_who_deploy_at_once(served: Served) -> None:
    """All end well, one after the other; the history tells the order, each line what was there before it."""
    names = ["one", "two", "three", "four"]
    deployers = [deployer(served, name, "sleep 0.1") for name in names]
    assert [each.communicate()[0] for each in deployers] == [""] * 4
    events = history.read(served.place)
    assert sorted(event.output for event in events) == sorted(names)
    assert [event.was for event in events] == [None, *(event.sha256 for event in events[:-1])]
    assert served.read == (events[-1].output, events[-1].output)
    assert served.left() == []
    for event in reversed(events[:-1]):
        assert served.undeploy().output == event.output


def test_a_large_record(served: Served) -> None:
    """A record of megabytes arrives whole."""
    path, wanted, _ = served.file("first")
    record = json.dumps({"output": "first", "more": ["x" * 100] * 50_000}).encode()
    deploy(served.place, SERVICE, lambda: path, wanted, record)
    assert served.record.read_bytes() == record


def test_who_waits_too_long_is_told(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another's check goes on, a second deployment waits a little, and then says who is at it."""
    monkeypatch.setattr(deployment, "WAIT", 1)
    os.mkfifo(tmp_path / "go")
    with deployer(served, "slow", f"echo checking; cat '{tmp_path}/go'") as slow:
        assert slow.stdout
        assert slow.stdout.readline() == "checking\n"
        assert served.current() == ("slow", "its switch has not come to an end")
        path, wanted, _ = served.file("second")
        with pytest.raises(DeploymentError) as caught:
            deploy(served.place, SERVICE, lambda: path, wanted, b"a large record " * 500_000)
        assert str(caught.value).startswith("ssd on local: slow@desk is at it since 20")
        assert str(caught.value).endswith("Z (deploy slow); run again when that has ended")
        (tmp_path / "go").write_text("")
        assert slow.communicate()[0] == ""
    assert served.read == ("slow", "slow")
    served.deploy("second")
    assert served.log == [("deploy", "slow"), ("deploy", "second")]


@dataclass(frozen=True)
class Faltering(Place):
    """A place at the end of a link that falls silent in the middle of a record."""

    silent: Event = field(default_factory=Event)
    back: Event = field(default_factory=Event)

    def run(self, script: str, *arguments: str, feed: Iterable[bytes] = (), **more: Any) -> Done:
        return super().run(script, *arguments, feed=self._faltering(feed), **more)

    def _faltering(self, feed: Iterable[bytes]) -> Iterator[bytes]:
        for data in feed:
            yield data[: len(data) // 2]
            if b"output" in data:
                self.silent.set()
                assert self.back.wait(60)
            yield data[len(data) // 2 :]


def test_a_link_that_falls_silent_holds_nobody_up(served: Served) -> None:
    """While half a record is there, another deployment comes and goes; the first one sees that, and follows it."""
    with Local("local", served.home.parent) as transport, ThreadPoolExecutor(1) as pool:
        place = Faltering(transport, "ssd", served.place.folder)
        first = pool.submit(deploy, place, SERVICE, *served.given("first"))
        assert place.silent.wait(60)
        served.deploy("second")
        assert served.read == ("second", "second")
        place.back.set()
        first.result(60)
    assert served.read == ("first", "first")
    assert served.log == [("deploy", "second"), ("deploy", "first")]
    assert served.left() == []


# what it replaces


@pytest.mark.parametrize("kind", ["relative", "absolute", "dangling"])
def test_a_link_in_place_of_the_weight(served: Served, kind: str) -> None:
    """A symbolic link is replaced, not what it points to; what it showed comes back as a file."""
    served.put_by_hand("old")
    epoch = served.weight.with_name("epoch_10.pth")
    served.weight.rename(epoch)
    served.weight.symlink_to({"relative": epoch.name, "absolute": epoch, "dangling": "gone.pth"}[kind])
    served.deploy("first")
    assert served.read == ("first", "first")
    assert not served.weight.is_symlink()
    assert epoch.read_text() == "old"
    epoch.write_text("overwritten by the next training")
    if kind == "dangling":
        with pytest.raises(DeploymentError, match="nothing was in service before first"):
            served.undeploy()
    else:
        served.undeploy()
        assert served.read == ("old", None)


def test_a_link_that_shows_the_same_weight(served: Served) -> None:
    """A link to a file with the very bytes is replaced all the same: what it points to may change."""
    served.put_by_hand("first")
    epoch = served.weight.with_name("epoch_10.pth")
    served.weight.rename(epoch)
    served.weight.symlink_to(epoch.name)
    served.deploy("first")
    epoch.write_text("other")
    assert served.read == ("first", "first")


def test_who_could_read_it_can_read_the_next(served: Served) -> None:
    """The rights of the file in service stay what they were."""
    served.put_by_hand("mine")
    served.weight.chmod(0o640)
    served.deploy("first")
    assert served.weight.stat().st_mode & 0o777 == 0o640


def test_a_file_system_without_hard_links(served: Served) -> None:
    """Where the weight lies on another file system, it is copied beside and renamed."""
    other = Path("/dev/shm") if served.made.parent.stat().st_dev != Path("/dev/shm").stat().st_dev else Path("/var/tmp")
    if other.stat().st_dev == served.made.parent.stat().st_dev:
        pytest.skip("there is no second file system")
    folder = other / f"dlim-test-{os.getpid()}"
    folder.mkdir()
    try:
        served.home.mkdir(parents=True)
        (served.home / "weights").symlink_to(folder)
        served.deploy("first")
        served.deploy("second")
        assert served.weight.stat().st_nlink == 1
        served.undeploy()
        assert served.read == ("first", "first")
        assert served.left() == []
    finally:
        shutil.rmtree(folder)


# whose shell it is


SHELLS = [["dash"], ["bash", "--posix"], ["busybox", "sh"]]


@pytest.mark.parametrize("shell", SHELLS, ids=[shell[0] for shell in SHELLS])
def test_other_shells(served: Served, shell: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """dash, bash and busybox, each with its own commands, do the same."""
    if not shutil.which(shell[0]):
        pytest.skip(f"{shell[0]} is not installed")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "sh").write_text(f'#!/bin/sh\nexec {" ".join(shell)} "$@"\n')
    (bin_folder / "sh").chmod(0o755)
    if shell[0] == "busybox":
        applets = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
        for name in {*applets} - {"sh", "flock", "ps"}:
            (bin_folder / name).symlink_to(shutil.which("busybox") or "")
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    served.put_by_hand("mine")
    said: list[str] = []
    served.deploy("first", checking("echo checked"), show=said.append)
    with pytest.raises(DeploymentError, match='status 1, saying "no"'):
        served.deploy("second", checking("echo no; false"))
    monkeypatch.setattr(deployment, "LIMIT", 1)
    with pytest.raises(DeploymentError, match="took over 1 s"):
        served.deploy("second", checking("sleep 60"))
    served.deploy("third")
    assert served.undeploy().output == "first"
    assert served.undeploy().output == ""
    assert served.read == ("mine", None)
    assert said == ["checked"]
    assert served.left() == []
