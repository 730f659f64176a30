"""A weight goes into service and out of it by a switch: whole, written down, and taken up again where it broke off."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from dlim.config import Service
from dlim.errors import CommandError, DeploymentError, DlimError
from dlim.learning import deployment
from dlim.learning.deployment import Deployed, deploy, undeploy
from dlim.learning.place import Place
from dlim.transport.local import Local

SERVICE = Service(folder="my learner")
BY = "ann@desk"


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never came to that")


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
        return [(event.action, event.output) for event in deployment.history(self.place)]

    def file(self, name: str) -> tuple[Path, Deployed, bytes]:
        """An output's weight, as `deploy` wants it."""
        path = self.made / f"{name}.pth"
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        digest = hashlib.sha256(name.encode()).hexdigest()
        wanted = Deployed(by=BY, output=name, learner="ssd", sha256=digest, path="weights/best.pth")
        return path, wanted, json.dumps({"output": name, "sha256": digest}).encode()

    def deploy(self, name: str, service: Service = SERVICE, **more: object) -> Deployed:
        return deploy(self.place, service, *self.file(name), **more)  # type: ignore[arg-type]

    def undeploy(self, service: Service = SERVICE, by: str = BY) -> Deployed:
        return undeploy(self.place, service, by)

    def current(self, service: Service = SERVICE) -> tuple[str, str] | None:
        found = deployment.current(self.place, service)
        return (found.output, found.fault) if found else None

    def put_by_hand(self, text: str) -> None:
        """What people did before: copy a file over the one in service."""
        self.weight.parent.mkdir(parents=True, exist_ok=True)
        self.weight.write_text(text)

    def left(self) -> list[str]:
        """What lies about that should not."""
        kept = {"history.jsonl", "switch.lock", "weights"}
        beside = [path.name for path in self.weight.parent.iterdir() if path not in (self.weight, self.record)]
        return beside + [path.name for path in self.own.iterdir() if path.name not in kept]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A learner's folder, with a space in its name, in which nothing is in service yet."""
    with Local("local", tmp_path / "server home") as transport:
        place = Place(transport, "ssd", SERVICE.folder)
        yield Served(place, tmp_path / "server home/my learner", tmp_path / "made")


# deploy, undeploy, history


def test_a_weight_goes_into_service(served: Served) -> None:
    """It stands under its name, its record beside it, and the history has a line that says where it came from."""
    done = served.deploy("first")
    assert served.read == ("first", "first")
    assert served.left() == []
    [line] = (served.own / "history.jsonl").read_text().splitlines()
    assert list(json.loads(line).items())[:8] == [
        ("time", done.time),
        ("by", BY),
        ("action", "deploy"),
        ("output", "first"),
        ("learner", "ssd"),
        ("sha256", digest("first")),
        ("was", None),
        ("path", "weights/best.pth"),
    ]
    assert deployment.history(served.place) == [done]
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
    assert deployment.history(served.place) == []
    with pytest.raises(DeploymentError, match=r"^ssd on local: nothing is in service, and nothing was; "):
        served.undeploy()


def test_one_weight_of_two_outputs(served: Served) -> None:
    """Where two outputs have the same weight, the record and the history tell which one it was deployed from."""
    served.deploy("first")
    path, wanted, _ = served.file("first")
    twin = Deployed(by=BY, output="twin", learner="ssd", sha256=wanted.sha256, path="weights/best.pth")
    deploy(served.place, SERVICE, path, twin, b'{"output": "twin"}')
    assert served.read == ("first", "twin")
    assert served.undeploy().output == "first"
    assert served.read == ("first", "first")


def test_a_weight_that_changed_meanwhile(served: Served) -> None:
    """A file that is not the one whose digest was told isn't deployed."""
    path, wanted, record = served.file("first")
    path.write_text("other")
    with pytest.raises(DeploymentError, match=r"first\.pth: is not the weight that was found in the archive"):
        deploy(served.place, SERVICE, path, wanted, record)
    assert served.current() is None


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


# the check


def checking(check: str, **more: object) -> Service:
    return Service(folder=SERVICE.folder, check=check, **more)  # type: ignore[arg-type]


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
        'ssd on local: second is of no use: its check ended with status 3, saying "bad magic number"; '
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
    assert deployment.current(served.place, SERVICE) == deployment.history(served.place)[-1]


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


def test_a_reader_sees_whole_weights_only(served: Served, tmp_path: Path) -> None:
    """Someone who reads on and on during 30 switches finds a whole weight and a whole record each time."""
    files = []
    for number in range(3):
        data = os.urandom(300_000)
        data += hashlib.sha256(data).hexdigest().encode()
        path = tmp_path / f"{number}.pth"
        path.write_bytes(data)
        wanted = Deployed(by=BY, output=str(number), learner="ssd", sha256=hashlib.sha256(data).hexdigest())
        files.append((path, wanted, json.dumps({"output": number}).encode()))
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
    assert len(deployment.history(served.place)) == 31
    assert reads > 100
    assert bad == []


DEPLOYER = """
import sys
from pathlib import Path
from dlim.config import Service
from dlim.errors import DeploymentError
from dlim.learning.deployment import Deployed, deploy
from dlim.learning.place import Place
from dlim.transport.local import Local
home, folder, file, output, digest, record, check = sys.argv[1:]
place = Place(Local("local", Path(home)), "ssd", folder)
wanted = Deployed(by=f"{output}@desk", output=output, learner="ssd", sha256=digest, path="weights/best.pth")
show = lambda line: print(line, flush=True)
try:
    deploy(place, Service(folder=folder, check=check), Path(file), wanted, record.encode(), show=show)
except DeploymentError as error:
    print(error)
"""


def deployer(served: Served, name: str, check: str = "") -> subprocess.Popen[str]:
    """A `doit deploy` of its own."""
    path, wanted, record = served.file(name)
    home, folder = str(served.home.parent), served.place.folder
    command = [sys.executable, "-c", DEPLOYER, home, folder, str(path), name, wanted.sha256, record.decode(), check]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_several_who_deploy_at_once(served: Served) -> None:
    """All end well, one after the other; the history tells the order, each line what was there before it."""
    names = ["one", "two", "three", "four"]
    deployers = [deployer(served, name, "sleep 0.1") for name in names]
    assert [each.communicate()[0] for each in deployers] == [""] * 4
    events = deployment.history(served.place)
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
    deploy(served.place, SERVICE, path, wanted, record)
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
            deploy(served.place, SERVICE, path, wanted, b"a large record " * 500_000)
        assert str(caught.value).startswith("ssd on local: slow@desk is at it since 20")
        assert str(caught.value).endswith("Z (deploy slow); run again when that has ended")
        (tmp_path / "go").write_text("")
        assert slow.communicate()[0] == ""
    assert served.read == ("slow", "slow")
    served.deploy("second")
    assert served.log == [("deploy", "slow"), ("deploy", "second")]


# interruptions


def test_a_client_that_is_killed(served: Served, tmp_path: Path) -> None:
    """Killed during the check, it leaves a switch that goes on to its end; the same command finds that done."""
    os.mkfifo(tmp_path / "go")
    served.deploy("first")
    with deployer(served, "second", f"echo checking; cat '{tmp_path}/go'; echo said to nobody; echo more") as killed:
        assert killed.stdout
        assert killed.stdout.readline() == "checking\n"
        killed.kill()
    (tmp_path / "go").write_text("")
    wait_for(lambda: len(served.log) == 2)
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
    """A link that breaks when a script has ended, before dlim hears of it."""

    def __init__(self, home: Path, when: str) -> None:
        super().__init__("local", home)
        self.when = when

    def run(self, script: str, *arguments: str, **more: object) -> object:  # type: ignore[override]
        done = super().run(script, *arguments, **more)  # type: ignore[arg-type]
        if self.when in script:
            raise CommandError("local", "the link broke", "run again")
        return done


def test_a_step_back_that_nobody_heard_of(served: Served) -> None:
    """Where the link broke after the step, the same command by the same person is told so, and goes no further."""
    for name in ("first", "second", "third"):
        served.deploy(name)
    lost = Place(Lost(served.home.parent, "checked()"), "ssd", SERVICE.folder)
    with pytest.raises(CommandError, match="the link broke"):
        undeploy(lost, SERVICE, BY)
    assert served.read == ("second", "second")
    assert served.undeploy().output == "second"
    assert served.read == ("second", "second")
    assert served.undeploy().output == "first"
    served.deploy("second")
    with pytest.raises(CommandError, match="the link broke"):
        undeploy(lost, SERVICE, BY)
    served.deploy("third")
    assert served.undeploy().output == "first"


def test_a_deployment_that_nobody_heard_of(served: Served) -> None:
    """The same command finds it done; going back takes it out of service, as it was whole."""
    served.deploy("first")
    lost = Place(Lost(served.home.parent, "checked()"), "ssd", SERVICE.folder)
    with pytest.raises(CommandError, match="the link broke"):
        deploy(lost, SERVICE, *served.file("second"))
    served.deploy("second")
    assert served.log == [("deploy", "first"), ("deploy", "second")]
    assert served.undeploy().output == "first"


PROGRAMS = ("mv", "rm", "timeout")
"""What makes a change that others see, and the check: each is a place at which a script may end."""

KILLER = """#!/bin/sh
count=$(/bin/cat {count}) && count=$((count - 1)) && echo $count > {count}
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
    "undeploy": lambda served: served.undeploy(checking("true")),
    "refuse": lambda served: served.deploy("second", checking("false")),
}


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


# what is damaged, full, forbidden or odd


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


def test_a_note_of_a_switch_that_makes_no_sense(served: Served) -> None:
    """What a crash left of it does no harm."""
    served.deploy("first")
    for text in ("garbage", "{}\n{}\n", "\0\0\0", ""):
        (served.own / "switching").write_text(text)
        assert served.current() == ("first", "")
        served.deploy("second")
        assert served.undeploy().output == "first"
        assert served.left() == []


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(served: Served) -> None:
    """Where rights are lacking, that is told in a line, and what is in service stays."""
    served.deploy("first")
    served.weight.parent.chmod(0o555)
    try:
        with pytest.raises(CommandError, match=r"^local: .*latest_weight\.pth.*: Permission denied; give its user"):
            served.deploy("second")
        assert served.read == ("first", "first")
        assert served.current() == ("first", "")
    finally:
        served.weight.parent.chmod(0o755)
    served.deploy("second")
    assert served.read == ("second", "second")
    assert served.log == [("deploy", "first"), ("deploy", "second")]


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


def test_names_that_are_no_plain_text(served: Served) -> None:
    """An output, a person or a path may be called anything; the history has it on one line."""
    path, wanted, record = served.file("first")
    odd = Deployed(by="a'b@ü", output="o\n'ut $(x)", learner="ssd", sha256=wanted.sha256, path='we"ig\\hts/重み.pth')
    done = deploy(served.place, SERVICE, path, odd, record)
    assert deployment.history(served.place) == [done]
    assert deployment.current(served.place, SERVICE) == done


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
