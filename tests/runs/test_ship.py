"""A dataset goes to the folder that a learner reads: only what is lacking is sent, and no reader sees half of it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from dlim import archive
from dlim.config import Learning
from dlim.errors import CommandError, DatasetError, LearningError
from dlim.runs.place import Place
from dlim.runs.ship import release, ship
from dlim.runs.shipment import Piece, Shipment, shipment
from dlim.servers.local import Local

LEARNING = Learning(dataset_dir="VOCdevkit/BCCD", keep=2)


def dataset(folder: Path, projects: Mapping[str, bytes], salt: bytes = b"") -> Shipment:
    """An archive as tarball makes it: lists, a shard a project, the end."""
    folder.mkdir(exist_ok=True)
    lists = archive.member([archive.folder_entry(""), archive.entry("ImageSets/Main/train.txt", salt + b"train\n")])
    shards = {name: archive.member([archive.entry(f"JPEGImages/{name}.jpg", data)]) for name, data in projects.items()}
    whole = b"".join([lists, *shards.values(), archive.end()])
    file = folder / f"{hashlib.sha256(whole).hexdigest()}.tar.gz"
    file.write_bytes(whole)
    pieces, offset = [], 0
    for name, data in [("(lists)", lists), *shards.items(), ("(end)", archive.end())]:
        pieces.append(Piece(name, offset, len(data), hashlib.sha256(data).hexdigest()))
        offset += len(data)
    return Shipment(file, hashlib.sha256(whole).hexdigest(), tuple(pieces))


FIFTY = {f"p{number:02}": os.urandom(3000) for number in range(50)}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The learner's folder, as its server sees it."""
    return tmp_path / "server" / "ssd"


@pytest.fixture
def place(home: Path) -> Iterator[Place]:
    with Local("ssd", home.parent) as transport:
        yield Place(transport, "ssd", "ssd")


def images(home: Path) -> dict[str, bytes]:
    """What the learner reads."""
    return {path.stem: path.read_bytes() for path in (home / "VOCdevkit/BCCD/JPEGImages").iterdir()}


def test_a_dataset_arrives_whole(place: Place, home: Path, tmp_path: Path) -> None:
    """What the learner reads at dataset_dir is what the archive holds, byte for byte."""
    made = dataset(tmp_path / "made", FIFTY)
    done = ship(place, made, LEARNING)
    assert (len(done.sent), done.total, done.switched) == (52, 52, True)
    assert done.size == made.size == made.archive.stat().st_size
    assert images(home) == FIFTY
    assert (home / "VOCdevkit/BCCD").resolve() == (home / release(made, "ssd")).resolve()


def test_shipping_again_sends_nothing(place: Place, tmp_path: Path) -> None:
    """A dataset that the learner reads already costs one call, and moves no byte."""
    made = dataset(tmp_path / "made", FIFTY)
    ship(place, made, LEARNING)
    moved: list[int] = []
    done = ship(place, made, LEARNING, moved.append)
    assert (done.sent, done.switched, moved) == ((), False, [])


def test_one_changed_project_sends_its_shard_only(place: Place, home: Path, tmp_path: Path) -> None:
    """Of fifty projects one has changed: its shard goes there, and no more bytes than that and tar's headers."""
    first = dataset(tmp_path / "made", FIFTY)
    ship(place, first, LEARNING)
    changed = {**FIFTY, "p17": os.urandom(3000)}
    second = dataset(tmp_path / "made", changed)
    moved: list[int] = []
    done = ship(place, second, LEARNING, moved.append)
    assert [piece.name for piece in done.sent] == ["p17"]
    assert sum(moved) <= done.sent[0].size + 512 + 511 + 1024
    assert images(home) == changed


def test_only_what_differs_is_extracted(place: Place, home: Path, tmp_path: Path) -> None:
    """Of fifty projects one has changed, one is new and one has gone: all others are those of the release before."""
    first = dataset(tmp_path / "made", FIFTY)
    ship(place, first, LEARNING)
    before = {path.name: path.stat().st_ino for path in (home / "VOCdevkit/BCCD/JPEGImages").iterdir()}
    changed = {**FIFTY, "p17": b"other", "p50": b"new"}
    del changed["p03"]
    ship(place, dataset(tmp_path / "made", changed, b"other lists"), LEARNING)
    assert images(home) == changed
    after = {path.name: path.stat().st_ino for path in (home / "VOCdevkit/BCCD/JPEGImages").iterdir()}
    assert {name for name in after if before.get(name) != after[name]} == {"p17.jpg", "p50.jpg"}
    assert (home / "VOCdevkit/BCCD/ImageSets/Main/train.txt").read_text() == "other liststrain\n"
    old = home / release(first, "ssd")
    assert {path.stem: path.read_bytes() for path in (old / "JPEGImages").iterdir()} == FIFTY


@pytest.mark.parametrize("harm", ["changed", "gone", "more"])
def test_what_a_program_did_to_a_dataset_is_not_passed_on(harm: str, place: Place, home: Path, tmp_path: Path) -> None:
    """Where something was written to, deleted or added in the release before, all of the next one is extracted anew."""
    ship(place, dataset(tmp_path / "made", FIFTY), LEARNING)
    folder = home / "VOCdevkit/BCCD/JPEGImages"
    match harm:
        case "changed":
            (folder / "p05.jpg").write_bytes(b"scaled")
        case "gone":
            (folder / "p05.jpg").unlink()
        case "more":
            (folder / "cache.jpg").write_bytes(b"x")
    changed = {**FIFTY, "p17": b"other"}
    ship(place, dataset(tmp_path / "made", changed), LEARNING)
    assert images(home) == changed


def test_the_learners_folder_can_be_moved(place: Place, home: Path, tmp_path: Path) -> None:
    """dataset_dir doesn't name the folder that the learner's folder lies in."""
    ship(place, dataset(tmp_path / "made", FIFTY), LEARNING)
    home.rename(tmp_path / "moved")
    assert images(tmp_path / "moved") == FIFTY


def test_whole_pieces_of_an_interrupted_ship_are_kept(place: Place, home: Path, tmp_path: Path) -> None:
    """What had arrived whole isn't sent again, what was cut off is."""
    made = dataset(tmp_path / "made", FIFTY)
    half = home / ".dlim/ssd/incoming.1"
    half.mkdir(parents=True)
    content = made.archive.read_bytes()
    for piece in made.pieces[:10]:
        (half / piece.sha256).write_bytes(content[piece.offset : piece.offset + piece.size])
    (half / made.pieces[10].sha256).write_bytes(b"cut")
    done = ship(place, made, LEARNING)
    assert done.sent == made.pieces[10:]
    assert images(home) == FIFTY
    assert not list((home / ".dlim/ssd").glob("incoming.*"))


def test_a_piece_that_was_damaged_there_is_sent_again(place: Place, home: Path, tmp_path: Path) -> None:
    """A bad disk is found by the digest of the whole, and costs the bad piece only."""
    made = dataset(tmp_path / "made", FIFTY)
    ship(place, made, LEARNING)
    piece = made.pieces[5]
    (home / ".dlim/ssd/pieces" / piece.sha256).write_bytes(os.urandom(piece.size))
    other = dataset(tmp_path / "made", {**FIFTY, "p40": b"new"})
    done = ship(place, other, LEARNING)
    assert sorted(each.name for each in done.sent) == ["p04", "p40"]
    assert images(home) == {**FIFTY, "p40": b"new"}


def test_old_datasets_go(place: Place, home: Path, tmp_path: Path) -> None:
    """As many stay as the setting says, with their pieces and no others; going back to one of them sends nothing."""
    made = [dataset(tmp_path / "made", {**FIFTY, "p00": str(number).encode()}) for number in range(4)]
    for each in made:
        ship(place, each, LEARNING)
    kept = {each.sha256 for each in made[2:]}
    assert {path.name for path in (home / ".dlim/ssd/releases").iterdir()} == kept
    wanted = {piece.sha256 for each in made[2:] for piece in each.pieces}
    assert {path.name for path in (home / ".dlim/ssd/pieces").iterdir()} == wanted
    back = ship(place, made[2], LEARNING)
    assert (back.sent, back.switched) == ((), True)
    assert images(home)["p00"] == b"2"


def test_a_folder_of_others_is_left_alone(place: Place, home: Path, tmp_path: Path) -> None:
    """Where a dataset lies that dlim didn't make, it stays, and one line says what to do."""
    (home / "VOCdevkit/BCCD").mkdir(parents=True)
    (home / "VOCdevkit/BCCD/mine.txt").write_text("mine")
    with pytest.raises(LearningError, match=r"^ssd: VOCdevkit/BCCD is there already, and not of dlim's making; move"):
        ship(place, dataset(tmp_path / "made", FIFTY), LEARNING)
    assert (home / "VOCdevkit/BCCD/mine.txt").read_text() == "mine"


def test_an_empty_folder_is_in_nobodys_way(place: Place, home: Path, tmp_path: Path) -> None:
    """A program that made the folder for its dataset in advance needs no help."""
    (home / "VOCdevkit/BCCD").mkdir(parents=True)
    ship(place, dataset(tmp_path / "made", FIFTY), LEARNING)
    assert images(home) == FIFTY


def test_the_dataset_stays_while_it_is_learned_from(place: Place, home: Path, tmp_path: Path) -> None:
    """While the job's lock is held nothing is switched; afterwards the same ship sends nothing, and switches."""
    first, second = (dataset(tmp_path / "made", {"p": data}) for data in (b"1", b"2"))
    ship(place, first, LEARNING)
    with (home / ".dlim/ssd/job.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(
            LearningError, match=r"^ssd: ssd is learning there, from the dataset that it has; ship when"
        ):
            ship(place, second, LEARNING)
        assert images(home) == {"p": b"1"}
    done = ship(place, second, LEARNING)
    assert (done.sent, done.switched) == ((), True)
    assert images(home) == {"p": b"2"}


READER = """
import sys
from pathlib import Path
link = Path(sys.argv[1])
good = 0
while not Path(sys.argv[2]).exists():
    folder = link.resolve()
    found = {path.name: path.read_bytes() for path in (folder / "JPEGImages").iterdir()}
    train = (folder / "ImageSets/Main/train.txt").read_bytes()
    assert len(found) == 50 and len(set(found.values())) == 1, "half a dataset"
    assert train == next(iter(found.values())) + b"train\\n", "lists of another dataset"
    good += 1
print(good)
"""


@pytest.mark.long
def test_a_reader_never_sees_half_a_dataset(place: Place, home: Path, tmp_path: Path) -> None:
    """A program that reads all of it again and again, during 30 switches, always finds one whole dataset."""
    learning = Learning(dataset_dir="VOCdevkit/BCCD", keep=3)
    made = [
        dataset(tmp_path / "made", dict.fromkeys(FIFTY, str(number).encode()), str(number).encode())
        for number in range(10)
    ]
    ship(place, made[0], learning)
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(home / "VOCdevkit/BCCD"), str(stop)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        for number in range(1, 31):
            ship(place, made[number % 10], learning)
        stop.touch()
        out, err = reader.communicate()
    assert reader.returncode == 0, err
    assert int(out) > 0


@pytest.mark.parametrize("missing", ["tar", "sha256sum", "flock", "gzip"])
def test_a_missing_program_is_named(missing: str, home: Path, tmp_path: Path) -> None:
    """A server without one of the programs that dlim uses is told about in one line; nothing stands under a name."""
    tools = tmp_path / "bin"
    tools.mkdir()
    words = (
        "cat cp cut dirname find flock grep gzip head ln ls mkdir "
        "mktemp mv readlink rm rmdir sh sha256sum tail tar touch tr wc sort xargs"
    )
    needed = words.split()
    for tool in needed:
        if tool != missing:
            (tools / tool).symlink_to(str(shutil.which(tool)))

    class Bare(Local):
        """A server with few programs."""

        def run(self, script: str, *arguments: str, **more: object) -> object:  # type: ignore[override]
            return super().run(f"PATH={tools}\n{script}", *arguments, **more)  # type: ignore[arg-type]

    place = Place(Bare("ssd", home.parent), "ssd", "ssd")
    with pytest.raises(CommandError, match=missing):
        ship(place, dataset(tmp_path / "made", FIFTY), LEARNING)
    assert not (home / "VOCdevkit").exists()
    assert not list((home / ".dlim/ssd/releases").glob("[!.]*"))


def test_what_the_shards_dont_make_is_no_shipment(tmp_path: Path) -> None:
    """An archive that doesn't fit its shards is refused before anything is sent."""
    file, manifest, shard = tmp_path / "ssd.tar.gz", tmp_path / "ssd.manifest.json", tmp_path / "manifest.json"
    file.write_bytes(b"small")
    manifest.write_text('{"files": {"ssd.tar.gz": [5, "ab"]}}')
    shard.write_text('{"files": {"shard.gz": [500, "cd"]}}')
    with pytest.raises(DatasetError, match=r"ssd\.tar\.gz: isn't the one that its shards make; run doit dataset again"):
        shipment(file, manifest, {"close_btn": shard})
