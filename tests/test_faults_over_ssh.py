"""Each fault, made for real over ssh, ends in one clear line and a state from which the same command goes on."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dlim.runs import learn
from dlim.servers import link
from tests import learners, sites
from tests.conftest import Workspace, new_workspace
from tests.learners import TRAIN, answered, give_learners, lines, only, refused
from tests.runs.conftest import living
from tests.sites import PASSWORD, Site, started, weight
from tests.sshd import BOUND, Relay, User, answering, relay, ssh_server, unanswering, wait_for

pytestmark = pytest.mark.long

here = learners.here
machines, site, relayed = sites.machines, sites.site, sites.relayed
"""The fixtures of this file, beside its own."""

NOISE = """import random
from PIL import Image

for number in range({numbers}):
    noise = random.Random(number).randbytes(160_000)
    Image.frombytes("L", (400, 400), noise).convert("RGB").save(f"{{number}}.jpg", quality=90)
"""
"""A daug.py whose images nothing makes smaller: about 120 KB each."""

TASK = "task:ssd", "--name", "first"
DEPLOY = "deploy", "first", "--learner", "ssd"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose dataset is built: 6 images, about 700 KB."""
    workspace = give_learners(new_workspace(tmp_path_factory.mktemp("built")))
    script = workspace.folder / "projects/close_btn/data_augmentation/daug.py"
    script.write_text(NOISE.format(numbers=6))
    lines(workspace, "dataset:ssd")
    return workspace.folder


def well(site: Site, *arguments: str) -> list[str]:
    """The lines of a command that ends well."""
    return lines(site.here, *arguments)


def fault(site: Site, *arguments: str) -> str:
    """The one line of error of a command that ends badly. Nothing of it is left running on the server."""
    told = refused(site.here, *arguments)
    wait_for(lambda: not living(site.home), "its processes to end")
    return told


@contextmanager
def impatience() -> Iterator[None]:
    """Give up a silent link after two seconds, and a lost job after a few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link, "PATIENCE", 2.0)
        patch.setattr(learn, "PATIENCE", 3.0)
        yield


def images(folder: Path) -> list[str]:
    """What a dataset's images are, by their names and digests."""
    return sorted(
        f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in (folder / "JPEGImages").iterdir()
    )


def reads(site: Site) -> list[str]:
    """The dataset that the learner reads."""
    return images(site.home / "VOCdevkit/BCCD")


def whole(site: Site, here: Workspace | None = None) -> list[str]:
    """The dataset that a workspace has."""
    return images((here or site.here).folder / "data_set/ssd")


def left(site: Site) -> list[str]:
    """What ships that are over should have removed on the server."""
    begin = ("asked.", "incoming.", "kept.", "taking.", ".fresh-", ".old-")
    return [path.name for path in (site.home / ".dlim/ssd").glob("**/*") if path.name.startswith(begin)]


def change(here: Workspace, count: int) -> None:
    """Let the workspace's dataset be another one."""
    (here.folder / "projects/close_btn/data_augmentation/daug.py").write_text(NOISE.format(numbers=count))
    lines(here, "dataset:ssd")


def no_output(site: Site) -> None:
    """Nothing half-made shows: no output, and none is listed as one."""
    assert [path.name for path in (site.here.folder / "output").iterdir()] == [".unfinished"]
    table = well(site, "outputs")
    assert table[1].split()[0] == "first"
    assert "not yet" in table[1]
    assert len(table) == 2


def heavy(site: Site, size: int = 1_500_000) -> None:
    """Let the archive of what was learned, and the weight in it, be of some size."""
    site.home.mkdir(exist_ok=True)
    (site.home / "salt").write_text(os.urandom(size // 2).hex().replace("b", "x"))


# the way to a server


@pytest.mark.parametrize("kind", ["silent", "unanswering"])
def test_a_host_without_an_answer(kind: str, site: Site) -> None:
    """One that accepts and says nothing, or is switched off: given up, and the other servers are shown all the same."""
    with answering(b"") if kind == "silent" else unanswering() as port, impatience():
        site.configure(ssd=port)
        told = f"127.0.0.1:{port} doesn't answer; see whether it is switched on, and the network there"
        assert fault(site, "ship:ssd") == f"ssd: {told}"
        rows = well(site, "servers")
    assert only(rows, "ssd").split(maxsplit=2)[2] == told
    assert "ready" in only(rows, "resnet34")
    site.configure()
    assert "ready" in only(well(site, "servers"), "ssd")
    well(site, "ship:ssd")
    assert reads(site) == whole(site)


STEPS = {"ship": "up", "bring back": "down", "deploy": "up"}


@pytest.mark.parametrize("step", STEPS)
def test_a_link_that_freezes(step: str, site: Site, relayed: Relay) -> None:
    """It is noticed here. The same command goes on over a new link, though the server takes the old one for alive."""
    heavy(site)
    command = {"ship": ("ship:ssd",), "bring back": TASK, "deploy": DEPLOY}[step]
    well(site, *(TASK if step == "deploy" else ("ship:ssd",)))
    served = site.home / "weights/latest_weight.pth"
    served.parent.mkdir(exist_ok=True)
    served.write_text("weight of before\n")
    before = reads(site)
    if step == "ship":
        change(site.here, 7)
    relayed.freeze_after(400_000, STEPS[step])
    with impatience():
        told = refused(site.here, *command)
    assert told == "ssd: gave no sign of life for 2 s; what runs there goes on; run again when it is back"
    assert reads(site) == before
    assert step == "bring back" or weight(site) == "weight of before"
    with relay(site.machines["ssd"].port) as other:
        site.trust(other.port)
        site.configure(ssd=other.port)
        if step == "bring back":
            no_output(site)
        well(site, *command)
    assert reads(site) == whole(site)
    if step != "ship":
        well(site, "output", "first", "--check")
        assert weight(site).startswith("weight of 6 images" if step == "deploy" else "weight of before")
    relayed.cut()
    relayed.thaw()
    wait_for(lambda: not living(site.home), "its processes to end")
    assert left(site) == []


GOES_ON = "the learning goes on there; the same command attaches to it again"


def test_a_link_that_freezes_as_the_log_is_followed(site: Site, relayed: Relay) -> None:
    """It is noticed and tried again, which is said once; the learning goes on, and so does the same command."""
    train = "seq 1 40000; touch said; while [ ! -e on ]; do sleep 0.05; done\n"
    (site.here.folder / "program/train.sh").write_text(train + TRAIN)
    relayed.freeze_after(100_000, "down")
    with impatience():
        answer = answered(site.here, *TASK)
    assert answer.status == 1
    assert [line for line in answer.lines if "link lost" in line] == [
        "ssd | ssd: link lost; trying again",
        f"FAILED ssd: link lost (127.0.0.1:{relayed.port} doesn't answer); {GOES_ON}",
    ]
    relayed.cut()
    relayed.thaw()
    no_output(site)
    assert "first" in only(well(site, "servers"), "ssd")
    (site.home / "on").touch()
    well(site, *TASK)
    [job] = (site.home / ".dlim/ssd/jobs").iterdir()
    assert (site.here.folder / "output/first/ssd.log").read_bytes() == (job / "log").read_bytes()
    wait_for(lambda: not living(site.home), "its processes to end")


# the server's disk


@pytest.fixture
def disk(site: Site) -> Iterator[Path]:
    """A disk of 12 MB under the server's home: a real one, which is really full."""
    site.home.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "dlim", site.home]
    if os.getuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a file system can be mounted by root alone")
    yield site.home
    subprocess.run(["umount", "-l", site.home], check=True)


def free(disk: Path) -> int:
    room = os.statvfs(disk)
    return room.f_bavail * room.f_frsize


def leave_room(disk: Path, size: int) -> None:
    """Fill a disk until so many bytes are free."""
    (disk / "ballast").unlink(missing_ok=True)
    (disk / "ballast").write_bytes(bytes(free(disk) - size))


FULL = "ssd: its disk is full; make room there, and run again"


@pytest.mark.parametrize("room", [300_000, 1_000_000], ids=["pieces", "extraction"])
def test_a_disk_too_full_for_a_dataset(room: int, site: Site, disk: Path) -> None:
    """Whether its pieces or its files have no room, the learner reads the one before; with room made, this one."""
    well(site, "ship:ssd")
    before = reads(site)
    change(site.here, 7)
    for path in (site.home / ".dlim/ssd/pieces").iterdir():
        path.unlink()  # or it would have most of them
    leave_room(disk, room)
    assert fault(site, "ship:ssd") == FULL
    assert reads(site) == before
    assert left(site) == []
    (disk / "ballast").unlink()
    well(site, "ship:ssd")
    assert reads(site) == whole(site) != before


def test_the_room_that_is_shown(site: Site, disk: Path) -> None:
    """`doit servers` tells what is free on the disk of the server's home, also where that is little or nothing."""
    rows = [only(well(site, "servers"), "ssd")]
    for room in (2_500_000, 0):
        leave_room(disk, room)
        rows.append(only(well(site, "servers"), "ssd"))
    assert [re.sub(r".* ready +", "", row).strip() for row in rows] == ["13 MB", "2 MB", "0 MB"]


def test_a_disk_too_full_for_the_archive(site: Site, disk: Path) -> None:
    """It has learned, and says so; with room made, the same command archives and doesn't learn again."""
    heavy(site)
    train = "head -c 1500000 /dev/urandom >big\n" + TRAIN + "head -c 20000000 /dev/zero >ballast 2>/dev/null || :\n"
    (site.here.folder / "program/train.sh").write_text(train)
    told = fault(site, *TASK)
    assert told.startswith('ssd: has learned, but archiving its folder ended with status 2, saying "tar: ')
    assert told.endswith('"; make room on its disk; the same command goes on from there')
    no_output(site)
    (disk / "ballast").unlink()
    well(site, *TASK)
    assert (site.here.folder / "output/first/ssd.log").read_text().count("epoch 1/3") == 1
    well(site, "output", "first", "--check")


def test_a_disk_too_full_for_a_weight(site: Site, disk: Path) -> None:
    """The weight in service stays, whole; with room made, the new one comes."""
    well(site, "task:ssd", "--name", "before")
    well(site, "deploy", "before", "--learner", "ssd")
    before = weight(site)
    heavy(site)
    well(site, *TASK)
    leave_room(disk, 500_000)
    assert fault(site, *DEPLOY) == FULL
    assert weight(site) == before
    assert "in service" in only(well(site, "outputs"), "before")
    (disk / "ballast").unlink()
    well(site, *DEPLOY)
    assert weight(site) != before
    assert "in service" in only(well(site, "outputs"), "first")


def test_a_home_that_can_not_be_written(site: Site, disk: Path) -> None:
    """Its file system is read-only, as after an error of the disk."""
    well(site, "ship:ssd")
    before = reads(site)
    change(site.here, 7)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    told = fault(site, "ship:ssd")
    assert re.fullmatch(
        r"ssd: .*Read-only file system; name a folder that can be written as home in config/servers\.toml", told
    )
    assert reads(site) == before
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    well(site, "ship:ssd")
    assert reads(site) == whole(site)


def test_a_home_that_is_not_ours(site: Site, tmp_path: Path) -> None:
    """A folder that others own is told, with what is lacking."""
    site.home.mkdir()
    site.home.chmod(0o500)
    with ssh_server(tmp_path / "bound", User("ssd", PASSWORD), under=BOUND) as machine:
        site.configure(ssd=machine.port)
        site.client.trust(machine.known())
        told = fault(site, "ship:ssd")
    site.configure()
    assert re.fullmatch(
        r"ssd: .*Permission denied; give its user the right to that, or name another home in config/servers\.toml", told
    )
    site.home.chmod(0o700)
    well(site, "ship:ssd")
    assert reads(site) == whole(site)


# the server's programs


@pytest.fixture
def tools(site: Site, tmp_path: Path) -> Iterator[Path]:
    """The folder with the programs of a server that has no tar; the first of the site."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for each in ("/bin", "/usr/bin"):
        for path in Path(each).iterdir():
            if path.name != "tar" and not (folder / path.name).is_symlink():
                (folder / path.name).symlink_to(path)
    user, settings = User("ssd", PASSWORD), f"SetEnv PATH={folder}"
    with ssh_server(tmp_path / "poor", user, settings=settings) as machine:
        site.configure(ssd=machine.port)
        site.client.trust(machine.known())
        yield folder


@pytest.mark.parametrize("command", [("ship:ssd",), TASK], ids=["ship", "task"])
def test_a_server_without_tar(command: tuple[str, ...], site: Site, tools: Path) -> None:
    """The program is named, with its package, before anything is sent."""
    assert fault(site, *command) == "ssd: tar is missing there; install it: tar"
    assert only(well(site, "servers"), "ssd").split(maxsplit=2)[2].startswith("lacks tar ")
    assert not (site.home / "VOCdevkit").exists()
    (tools / "tar").symlink_to(shutil.which("tar") or "")
    well(site, *command)
    assert reads(site) == whole(site)


# the training


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ("exit 3", 'ended with status 3, saying "out of memory"'),
        ("kill -9 $$", 'was killed by signal 9, saying "Killed"'),
    ],
    ids=["3", "-9"],
)
def test_a_training_that_ends_badly(end: str, told: str, site: Site) -> None:
    """Its end and its last words; there is no output, and the same command learns anew."""
    train = site.here.folder / "program/train.sh"
    train.write_text(TRAIN + f"echo out of memory\n{end}\n")
    log = "output/.unfinished/first/ssd.log"
    assert fault(site, *TASK) == f"ssd: its learning {told}; see {log}; the same command begins it again"
    assert "out of memory" in (site.here.folder / log).read_text()
    no_output(site)
    assert "learning" not in only(well(site, "servers"), "ssd")
    train.write_text(TRAIN)
    well(site, *TASK)
    well(site, "output", "first", "--check")
    assert (site.here.folder / "output/first/ssd.log").read_text().count("epoch 1/3") == 1


# the archive


def flip(path: Path, where: float = 0.5) -> None:
    """Change one byte of a file, so far into it."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 0xFF
    path.write_bytes(data)


def test_an_archive_that_was_damaged_here(site: Site) -> None:
    """Wherever in it, also behind the weight, it isn't deployed; restored, it is."""
    heavy(site)
    well(site, *TASK)
    archive = site.here.folder / "output/first/ssd.tar.gz"
    good = archive.read_bytes()
    for where in (0.02, 0.5, 0.999):
        flip(archive, where)
        assert fault(site, *DEPLOY) == "output/first/ssd.tar.gz: is damaged; restore it, or deploy another output"
        assert not (site.home / "weights/latest_weight.pth").exists()
        archive.write_bytes(good)
    well(site, *DEPLOY)
    assert weight(site).startswith("weight of 6 images")


def test_an_archive_that_was_damaged_there(site: Site, relayed: Relay) -> None:
    """After it was made, and before all of it was here: its SHA-256 tells, and the folder is archived again."""
    heavy(site)
    well(site, "ship:ssd")
    relayed.cut_after(600_000, "down")
    assert fault(site, *TASK) == "ssd: the link broke; what runs there goes on; run again when it is back"
    [job] = (site.home / ".dlim/ssd/jobs").iterdir()
    flip(job / "archive.tar")
    assert fault(site, *TASK) == "first: its archive was damaged on ssd; the same command archives its folder again"
    no_output(site)
    well(site, *TASK)
    well(site, "output", "first", "--check")
    assert (site.here.folder / "output/first/ssd.log").read_text().count("epoch 1/3") == 1


# what others have there


def test_a_dataset_folder_of_others(site: Site) -> None:
    """A folder with files in the place of the link is left alone and told; out of the way, the dataset comes."""
    theirs = site.home / "VOCdevkit/BCCD"
    theirs.mkdir(parents=True)
    (theirs / "mine.txt").write_text("years of work")
    assert fault(site, "ship:ssd") == (
        "ssd: VOCdevkit/BCCD is there already, and not of dlim's making; "
        "move it out of the way, or give another dataset_dir"
    )
    assert [path.name for path in theirs.iterdir()] == ["mine.txt"]
    theirs.rename(site.home / "moved")
    well(site, "ship:ssd")
    assert reads(site) == whole(site)
    assert (site.home / "moved/mine.txt").read_text() == "years of work"


@pytest.fixture
def other(site: Site, built: Path, tmp_path: Path) -> Workspace:
    """Another person's workspace, with another dataset."""
    workspace = Workspace(shutil.copytree(built, tmp_path / "other", symlinks=True))
    change(workspace, 5)
    site.configure(workspace)
    return workspace


def test_two_people_learn_at_once(site: Site, other: Workspace) -> None:
    """One learns, and the other is told who does and since when; afterwards the same command learns."""
    site.home.mkdir()
    (site.home / "slow").touch()
    both = [started(here, *TASK) for here in (site.here, other)]
    wait_for(lambda: any(process.poll() is not None for process in both), "one of them to be refused")
    refused = next(process for process in both if process.poll() is not None)
    learns = next(process for process in both if process is not refused)
    with refused:
        text = refused.stdout.read() if refused.stdout else ""
    assert refused.returncode == 1, text
    assert re.fullmatch(
        r"FAILED ssd: learns already: first, by \S+@\S+ since \d{4}-\d\d-\d\d \d\d:\d\d UTC; "
        r"wait for it, or doit cancel:ssd",
        only(text.splitlines(), "FAILED"),
    )
    (site.home / "slow").unlink()
    with learns:
        text = learns.stdout.read() if learns.stdout else ""
    assert learns.returncode == 0, text
    for here in (site.here, other):
        if not (here.folder / "output/first").exists():
            lines(here, *TASK)
        lines(here, "output", "first", "--check")


def test_two_people_ship_at_once(site: Site, other: Workspace) -> None:
    """Both end well, and the learner reads one of the two, whole."""
    both = [started(here, "ship:ssd") for here in (site.here, other)]
    for process in both:
        with process:
            text = process.stdout.read() if process.stdout else ""
        assert process.returncode == 0, text
    assert reads(site) in (whole(site), whole(site, other))
    assert left(site) == []


def test_a_ship_that_is_overtaken_as_it_sends(site: Site, other: Workspace, relayed: Relay) -> None:
    """Another one comes and goes while its pieces arrive: it ends well, and comes after that."""
    limit = relayed.up + 300_000
    relayed.freeze_after(300_000, "up")
    process = started(site.here, "ship:ssd")
    wait_for(lambda: relayed.up >= limit, "half of it")
    site.configure(other)
    lines(other, "ship:ssd")
    assert reads(site) == whole(site, other)
    relayed.thaw()
    with process:
        text = process.stdout.read() if process.stdout else ""
    assert process.returncode == 0, text
    assert reads(site) == whole(site)
    wait_for(lambda: not living(site.home), "its processes to end")
    assert left(site) == []


SLOW = """#!/bin/sh
: >"{begun}"
while [ ! -e "{go}" ]; do sleep 0.05; done
exec /bin/gzip "$@"
"""


def test_a_ship_that_is_overtaken_as_it_joins(site: Site, other: Workspace, tools: Path, tmp_path: Path) -> None:
    """Another one comes and goes while its dataset is extracted: no piece is taken from under it."""
    begun, go = tmp_path / "begun", tmp_path / "go"
    for here in (site.here, other):
        Workspace(here.folder).project("skip_btn", NOISE.format(numbers="10, 15" if here is other else "10, 16"))
        lines(here, "dataset:ssd")
    (tools / "tar").symlink_to(shutil.which("tar") or "")
    (tools / "gzip").unlink()
    (tools / "gzip").write_text(SLOW.format(begun=begun, go=go))
    (tools / "gzip").chmod(0o755)
    process = started(site.here, "ship:ssd")
    wait_for(begun.exists, "it to extract")
    site.configure(other)
    lines(other, "ship:ssd")
    assert reads(site) == whole(site, other)
    go.touch()
    with process:
        text = process.stdout.read() if process.stdout else ""
    assert process.returncode == 0, text
    assert reads(site) == whole(site)


# what the configuration says of servers


def test_a_server_that_is_not_configured(site: Site) -> None:
    """One that a learner names, and config/servers.toml doesn't: a row that says so, and a line of `doit outputs`."""
    toml = site.here.folder / "config/servers.toml"
    good = toml.read_text()
    toml.write_text(good.replace("[resnet34]", "[other]"))
    told = "config/servers.toml: names no server resnet34; write [resnet34] there, without a host if it is this machine"
    rows = well(site, "servers")
    assert only(rows, "resnet34").removeprefix("resnet34").strip() == told
    assert "ready" in only(rows, "ssd")
    well(site, *TASK)
    assert f"resnet34: {told}" in well(site, "outputs")
    toml.write_text(good)
    assert "ready" in only(well(site, "servers"), "resnet34")


def test_trust_behind_a_jump_host(site: Site) -> None:
    """What is hidden behind a jump host is said to be looked at by the same command again, until all is trusted."""
    gate, server = site.machines["resnet34"], site.machines["ssd"]
    site.client.configure(
        f"Host gate\n  HostName 127.0.0.1\n  Port {gate.port}\n  User resnet34\nHost box\n  HostName 127.0.0.1\n"
        f"  Port {server.port}\n  ProxyJump gate\n"
    )
    toml = site.here.folder / "config/servers.toml"
    toml.write_text(f'[ssd]\nhost = "box"\nuser = "ssd"\nhome = "{site.home}"\n')
    site.client.known_hosts.write_text("")
    hidden = f"ssd: ssd@127.0.0.1:{server.port} can be looked at when the jump host before it is trusted"
    assert well(site, "trust:ssd")[1] == hidden
    assert well(site, "trust:ssd", "--record")[1:] == [
        hidden,
        "ssd: 1 recorded; doit trust:ssd --record again looks at what is behind that",
    ]
    assert well(site, "trust:ssd", "--record")[2] == "ssd: 1 recorded"
    assert well(site, "trust:ssd", "--record")[2] == "ssd: nothing to record"
