"""Archives in pieces: whatever is joined, every tar reads all of it."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from dlim import archive

FILES = {"a.txt": b"one", "sub/empty.txt": b"", "sub/block.bin": b"x" * 512, "sub/more.bin": b"y" * 513}


def joined() -> bytes:
    """A folder, then two members of two files each, then the end."""
    names = list(FILES)
    head = archive.member([archive.folder_entry(""), archive.folder_entry("sub")])
    first, second = (
        archive.member(archive.entry(name, FILES[name]) for name in part) for part in (names[:2], names[2:])
    )
    return head + first + second + archive.end()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "set.tar.gz"
    made.write_bytes(joined())
    return made


def test_gnu_tar_reads_all_of_it(path: Path) -> None:
    """GNU tar extracts every file whole, without a word of complaint."""
    done = subprocess.run(["tar", "xzf", path], cwd=path.parent, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    root = path.parent / archive.ROOT
    assert {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()} == FILES


@pytest.mark.parametrize("program", ["bsdtar", "busybox"])
def test_other_tars_read_all_of_it(path: Path, program: str) -> None:
    """Other people's tars list the same."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} isn't installed")
    command = [program, "tar"] if program == "busybox" else [program]
    done = subprocess.run([*command, "tzf", str(path)], capture_output=True, text=True, check=True)
    names = [line.rstrip("/") for line in done.stdout.splitlines()]
    assert names == ["data_set", "data_set/sub", *(f"data_set/{name}" for name in FILES)]


def test_python_reads_all_of_it(path: Path) -> None:
    """Python's tarfile reads every file across the members."""
    with tarfile.open(path, "r:gz") as tar:
        found = {info.name: tar.extractfile(info).read() for info in tar if info.isfile()}  # type: ignore[union-attr]
    assert found == {f"{archive.ROOT}/{name}": data for name, data in FILES.items()}


def test_gzip_finds_it_sound(path: Path) -> None:
    """gzip's own check passes over all members."""
    done = subprocess.run(["gzip", "-t", path], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_entries_say_nothing_of_the_machine() -> None:
    """Time, owner and mode of each entry are fixed."""
    with tarfile.open(fileobj=io.BytesIO(joined()), mode="r:gz") as tar:
        infos = tar.getmembers()
    assert {(info.mtime, info.uid, info.gid, info.uname, info.gname) for info in infos} == {(315532800, 0, 0, "", "")}
    assert {info.name: info.mode for info in infos if info.isdir()} == {"data_set": 0o755, "data_set/sub": 0o755}
    assert {info.mode for info in infos if info.isfile()} == {0o644}


def test_the_same_files_are_the_same_bytes() -> None:
    """Made twice, an archive is the same; its gzip headers carry neither a time nor a name."""
    assert joined() == joined()
    head = archive.end()[:10]
    assert head[:4] == b"\x1f\x8b\x08\x00"
    assert head[4:8] == b"\0\0\0\0"


def test_only_the_end_has_zero_blocks() -> None:
    """A member stops at its last entry, so that what is joined to it is read; the end is two zero blocks."""
    member = gzip.decompress(archive.member([archive.entry("a.txt", b"one")]))
    assert len(member) == 2 * tarfile.BLOCKSIZE
    assert member[-tarfile.BLOCKSIZE :].rstrip(b"\0") == b"one"
    assert gzip.decompress(archive.end()) == b"\0" * 2 * tarfile.BLOCKSIZE


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1024])
def test_an_entry_fills_whole_blocks(size: int) -> None:
    """Header and contents end at a block, with no block more than needed."""
    entry = archive.entry("a", b"x" * size)
    assert len(entry) == tarfile.BLOCKSIZE * (1 + (size + 511) // 512)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a" * 80 + ".jpg", id="long"),
        pytest.param("b" * 100 + "/" + "a" * 95 + ".jpg", id="longer than the name's field"),
        pytest.param("日本語.csv", id="Japanese"),
    ],
)
def test_names_are_kept(tmp_path: Path, name: str) -> None:
    """A name is read back by GNU tar as it was given."""
    (tmp_path / "a.tar.gz").write_bytes(archive.member([archive.entry(name, b"x")]) + archive.end())
    command = ["tar", "tzf", "a.tar.gz", "--quoting-style=literal"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert done.stdout.decode() == f"{archive.ROOT}/{name}\n"


def test_a_name_that_tar_cannot_hold() -> None:
    """A name too long for the format is an error, not cut off."""
    with pytest.raises(ValueError, match="name is too long"):
        archive.entry("a" * 300, b"x")
