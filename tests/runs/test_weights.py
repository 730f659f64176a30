"""The weights in an archive: the newest is found without unpacking, and what is damaged or odd is never taken."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import random
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from dlim.errors import OutputError
from dlim.runs import weights
from dlim.runs.weights import Weight

PATTERN = "weights/*.pth"
SERVED = "weights/latest_weight.pth"


def member(name: str, data: bytes = b"", mtime: float = 0, **more: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(data), mtime  # type: ignore[assignment]
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def pack(path: Path, members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return path


def weight(path: str, data: bytes, time: float) -> Weight:
    return Weight(path, len(data), time, hashlib.sha256(data).hexdigest())


def names(found: Iterable[Weight]) -> list[str]:
    return [each.path for each in found]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A learner's folder: two weights, the one in service, and much beside them."""
    return pack(
        tmp_path / "ssd.tar.gz",
        [
            member(".", type=tarfile.DIRTYPE),
            member("./train.py", b"import torch\n", 99),
            member("./weights/best_weight.pth", b"best" * 9999, 30.5),
            member("./weights/epoch_10.pth", b"ten" * 9999, 20),
            member("./weights/latest_weight.pth", b"served", 99),
            member("./log.txt", b"epoch 1\n" * 9999, 99),
        ],
    )


def test_weights_are_found_newest_last(archive: Path) -> None:
    """Each that matches is there with its size, time and digest, whether or not the archive's paths begin with ./"""
    assert weights.find(archive, PATTERN, [SERVED]) == [
        weight("weights/epoch_10.pth", b"ten" * 9999, 20),
        weight("weights/best_weight.pth", b"best" * 9999, 30.5),
    ]
    assert weights.newest(archive, PATTERN, [SERVED]).path == "weights/best_weight.pth"


def test_an_archive_of_tars_own_making(tmp_path: Path) -> None:
    """What GNU tar makes of a folder is read in the same way, long names and parts of a second too."""
    folder = tmp_path / "learner"
    long = f"weights/{'x' * 120}.pth"
    for path, data, time in (("weights/a.pth", b"old", 1_700_000_000), (long, b"new", 1_700_000_000.5)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
        os.utime(folder / path, (time, time))
    for form in ("gnu", "posix"):
        archive = tmp_path / f"{form}.tar.gz"
        subprocess.run(["tar", "czf", archive, f"--format={form}", "-C", folder, "."], check=True)
        assert sorted(names(weights.find(archive, PATTERN))) == sorted(["weights/a.pth", long])
    assert weights.newest(tmp_path / "posix.tar.gz", PATTERN).path == long


def test_at_one_time_the_path_decides(tmp_path: Path) -> None:
    """Of two that were written at once it is the one whose path sorts last, however they lie in the archive."""
    made = [member("weights/b.pth", b"b", 5), member("weights/a.pth", b"a", 5)]
    for number, members in enumerate((made, made[::-1])):
        archive = pack(tmp_path / f"{number}.tar.gz", members)
        assert weights.newest(archive, PATTERN).path == "weights/b.pth"


def test_what_is_no_weight(tmp_path: Path) -> None:
    """Folders, devices, empty files, and paths that lead outside or can't be shown are never taken."""
    archive = pack(
        tmp_path / "ssd.tar.gz",
        [
            member("weights/a.pth", b"a", 1),
            member("weights/folder.pth", type=tarfile.DIRTYPE, mtime=9),
            member("weights/device.pth", type=tarfile.CHRTYPE, mtime=9),
            member("weights/pipe.pth", type=tarfile.FIFOTYPE, mtime=9),
            member("weights/empty.pth", b"", 9),
            member("weights/../../evil.pth", b"x", 9),
            member("/weights/absolute.pth", b"x", 9),
            member("weights/line\nend.pth", b"x", 9),
            member("weights/\udcff.pth", b"x", 9),
        ],
    )
    assert names(weights.find(archive, "*.pth")) == ["weights/a.pth"]


def test_a_link_stands_for_what_it_leads_to(tmp_path: Path) -> None:
    """With the time of whichever is newer; it can be taken out. One that leads out of the archive is told."""
    archive = pack(
        tmp_path / "ssd.tar.gz",
        [
            member("./runs/exp3/best.pt", b"best", 3),
            member("./weights/epoch_1.pth", b"first", 5),
            member("./weights/best.pth", type=tarfile.SYMTYPE, linkname="../runs/exp3/best.pt", mtime=9),
            member("./weights/hard.pth", type=tarfile.LNKTYPE, linkname="./weights/epoch_1.pth", mtime=5),
            member("./weights/gone.pth", type=tarfile.SYMTYPE, linkname="/scratch/x.pth", mtime=9),
            member("./weights/round.pth", type=tarfile.SYMTYPE, linkname="round.pth", mtime=9),
        ],
    )
    found = weights.look(archive, PATTERN)
    assert found.weights == [
        weight("weights/epoch_1.pth", b"first", 5),
        weight("weights/hard.pth", b"first", 5),
        weight("weights/best.pth", b"best", 9),
    ]
    assert found.passed_over == {
        "weights/gone.pth": "is a link to /scratch/x.pth, which is not in the archive",
        "weights/round.pth": "is a link to weights/round.pth, which is not in the archive",
    }
    weights.take(archive, found.weights[-1], tmp_path / "taken.pth")
    assert (tmp_path / "taken.pth").read_bytes() == b"best"


def test_a_folder_of_weights_that_is_a_link(tmp_path: Path) -> None:
    """What is in it was not archived, which is told."""
    archive = pack(tmp_path / "ssd.tar.gz", [member("./weights", type=tarfile.SYMTYPE, linkname="/scratch")])
    assert weights.look(archive, PATTERN).passed_over == {
        "weights": "is a link to /scratch, whose files are not archived"
    }


def test_archives_that_are_made_to_harm(tmp_path: Path) -> None:
    """A weight of terabytes that are holes, and a name of gigabytes, cost neither time nor memory."""
    folder = tmp_path / "learner/weights"
    folder.mkdir(parents=True)
    with (folder / "huge.pth").open("wb") as file:
        file.truncate(1 << 40)
    (folder / "a.pth").write_text("a")
    archive = tmp_path / "sparse.tar.gz"
    subprocess.run(["tar", "czSf", archive, "-C", folder.parent, "."], check=True)
    found = weights.look(archive, PATTERN)
    assert names(found.weights) == ["weights/a.pth"]
    assert found.passed_over == {"weights/huge.pth": "is a file with holes"}
    with tarfile.open(tmp_path / "long.tar.gz", "w:gz") as tar:
        tar.fileobj.write(member("././@LongLink", type=tarfile.GNUTYPE_LONGNAME)[0].tobuf())  # type: ignore[union-attr]
    huge = bytearray(gzip.decompress((tmp_path / "long.tar.gz").read_bytes()))
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    huge[: tarfile.BLOCKSIZE] = header.tobuf(tarfile.GNU_FORMAT)
    archive.write_bytes(gzip.compress(bytes(huge)))
    with pytest.raises(OutputError, match="a name in it is longer than a name can be"):
        weights.look(archive, PATTERN)


def test_a_later_member_replaces_an_earlier_one(tmp_path: Path) -> None:
    """Where an archive has a path twice, the later one counts, as it does for tar; and it can be taken out."""
    archive = pack(tmp_path / "ssd.tar.gz", [member("weights/a.pth", b"old", 9), member("./weights//a.pth", b"new", 1)])
    found = weights.find(archive, PATTERN)
    assert found == [weight("weights/a.pth", b"new", 1)]
    weights.take(archive, found[0], tmp_path / "taken.pth")
    assert (tmp_path / "taken.pth").read_bytes() == b"new"


def test_an_archive_of_joined_gzip_members(archive: Path, tmp_path: Path) -> None:
    """All of an archive is read, not its first gzip member alone."""
    plain = gzip.decompress(archive.read_bytes())
    joined = tmp_path / "joined.tar.gz"
    joined.write_bytes(b"".join(gzip.compress(plain[start : start + 512]) for start in range(0, len(plain), 512)))
    assert weights.find(joined, PATTERN) == weights.find(archive, PATTERN)


def test_a_weight_is_taken_out(archive: Path, tmp_path: Path) -> None:
    """One file is written, with folders above it, and nothing beside it."""
    target = tmp_path / "deep/er/best.pth"
    weights.take(archive, weights.newest(archive, PATTERN, [SERVED]), target)
    assert target.read_bytes() == b"best" * 9999
    assert list(target.parent.iterdir()) == [target]


def test_a_weight_that_is_not_the_one(archive: Path, tmp_path: Path) -> None:
    """Where the archive has another file under that path, or none, it is told, and no file is left."""
    best = weights.newest(archive, PATTERN, [SERVED])
    for wanted in (best._replace(sha256="0" * 64), best._replace(path="weights/none.pth")):
        with pytest.raises(OutputError, match=rf"ssd\.tar\.gz: has no longer the {wanted.path} that was found in it"):
            weights.take(archive, wanted, tmp_path / "out/taken.pth")
    assert list((tmp_path / "out").iterdir()) == []


def test_no_weight(archive: Path) -> None:
    """A pattern that nothing matches is told with the archive and the pattern."""
    with pytest.raises(OutputError, match=r"ssd\.tar\.gz: holds no weight that matches models/\*\.pt; "):
        weights.newest(archive, "models/*.pt")
    with pytest.raises(OutputError, match="holds no weight"):
        weights.newest(archive, SERVED, [SERVED])


def flip(at: float) -> Callable[[bytes], bytes]:
    def flipped(data: bytes) -> bytes:
        index = int(len(data) * at)
        return data[:index] + bytes([data[index] ^ 0x10]) + data[index + 1 :]

    return flipped


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[:-1], id="without its last byte"),
        pytest.param(lambda data: data[: len(data) // 2], id="half of it"),
        pytest.param(lambda data: data[:5], id="five bytes"),
        pytest.param(flip(0.1), id="a byte changed at the start"),
        pytest.param(flip(0.5), id="a byte changed in the middle"),
        pytest.param(lambda data: data[:-6] + b"x" + data[-5:], id="a byte changed in the checksum"),
        pytest.param(lambda data: b"<html>502 Bad Gateway</html>" * 99, id="a web page"),
        pytest.param(lambda data: gzip.compress(b"no tar" * 999), id="no tar in it"),
        pytest.param(lambda data: gzip.compress(b""), id="nothing in it"),
        pytest.param(gzip.decompress, id="not compressed"),
        pytest.param(lambda data: data + b"garbage", id="garbage behind it"),
        pytest.param(lambda data: gzip.compress(gzip.decompress(data)[:2000]), id="half a tar"),
    ],
)
def test_a_damaged_archive(archive: Path, harm: Callable[[bytes], bytes]) -> None:
    """Whatever happened to an archive is told in one line with its name, and no weight of it is believed."""
    archive.write_bytes(harm(archive.read_bytes()))
    with pytest.raises(OutputError) as caught:
        weights.find(archive, PATTERN)
    assert str(caught.value).startswith(f"{archive}: is damaged (")
    assert "\n" not in str(caught.value)


def test_any_flipped_byte(tmp_path: Path) -> None:
    """Wherever a byte is changed, the archive is refused, or gives what it gave before."""
    draw = random.Random(1)
    noise = draw.randbytes(3000)
    archive = pack(tmp_path / "ssd.tar.gz", [member("weights/a.pth", noise, 1.5), member("x" * 150, noise, 2)])
    sound, before = archive.read_bytes(), weights.find(archive, PATTERN)
    for index in draw.sample(range(len(sound)), 400):
        archive.write_bytes(flip(index / len(sound))(sound))
        try:
            assert weights.find(archive, PATTERN) == before
        except OutputError as error:
            assert "is damaged" in str(error)  # noqa: PT017 - most are refused, some are not read: the header's time


def test_no_archive(tmp_path: Path) -> None:
    """An archive that isn't there is told."""
    with pytest.raises(OutputError, match=r"ssd\.tar\.gz: can't be read \(No such file or directory\)"):
        weights.find(tmp_path / "ssd.tar.gz", PATTERN)


def test_a_target_that_cannot_be_written(archive: Path, tmp_path: Path) -> None:
    """Where there is no place for the file, the target is named and not the archive."""
    best = weights.newest(archive, PATTERN, [SERVED])
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file/taken\.pth: can't be written \("):
        weights.take(archive, best, tmp_path / "file/taken.pth")
