"""Builds: whole or not at all, and nothing that happens to one goes unseen."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dlim import store
from dlim.errors import WorkspaceError
from dlim.store import MANIFEST, Entry

FILES = {"a.jpg": b"one", "b.xml": b"two", "sub/c.txt": b"three"}


def fill(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder but its manifest."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def break_off(folder: Path, error: BaseException) -> None:
    """Begin a build, and fail in the middle."""
    with store.fresh(folder) as making:
        fill(making, {"a.jpg": b"half"})
        raise error


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build of three files, as a stage leaves it."""
    folder = tmp_path / "build"
    with store.fresh(folder) as making:
        fill(making, FILES)
    return folder


@pytest.fixture
def seal(build: Path) -> str:
    """The digest of its manifest."""
    return store.sha256(build / MANIFEST)


def test_a_build_is_what_was_written_and_its_manifest(build: Path) -> None:
    """It holds what was written, and a manifest with the size and digest of each file, a line each."""
    assert contents(build) == FILES
    assert store.read(build / MANIFEST) == {
        name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in FILES.items()
    }
    lines = (build / MANIFEST).read_text().splitlines()
    assert [line.split('"')[1] for line in lines[2:-1]] == ["a.jpg", "b.xml", "sub/c.txt"]


def test_the_same_files_have_the_same_manifest(tmp_path: Path) -> None:
    """The order of writing leaves no trace in it."""
    texts = []
    for number, names in enumerate((list(FILES), list(reversed(FILES)))):
        with store.fresh(tmp_path / str(number)) as making:
            fill(making, {name: FILES[name] for name in names})
        texts.append((tmp_path / str(number) / MANIFEST).read_bytes())
    assert texts[0] == texts[1]


def test_a_build_without_files(tmp_path: Path) -> None:
    """An empty build has an empty manifest that can be read."""
    with store.fresh(tmp_path / "empty"):
        pass
    assert store.read(tmp_path / "empty" / MANIFEST) == {}
    assert store.fault(tmp_path / "empty" / MANIFEST, store.sha256(tmp_path / "empty" / MANIFEST)) == ""


def test_a_new_build_takes_the_old_ones_place(tmp_path: Path, build: Path) -> None:
    """Nothing of the old build is left, and nothing beside it."""
    with store.fresh(build) as making:
        assert contents(making) == {}
        assert contents(build) == FILES
        fill(making, {"d.jpg": b"four"})
    assert contents(build) == {"d.jpg": b"four"}
    assert list(tmp_path.iterdir()) == [build]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_in_the_middle_leaves_the_old_build(
    tmp_path: Path, build: Path, seal: str, error: type[BaseException]
) -> None:
    """When the writing fails or is stopped, the old build stands as it was, and no half one beside it."""
    with pytest.raises(error):
        break_off(build, error())
    assert contents(build) == FILES
    assert store.fault(build / MANIFEST, seal) == ""
    assert list(tmp_path.iterdir()) == [build]


def test_an_error_in_a_first_build_leaves_nothing(tmp_path: Path) -> None:
    """Where there was no build, there is none after an error."""
    with pytest.raises(ValueError, match="half"):
        break_off(tmp_path / "deep/build", ValueError("half"))
    assert list((tmp_path / "deep").iterdir()) == []


def test_what_a_killed_run_left_is_swept(tmp_path: Path, build: Path) -> None:
    """Half a build and a replaced one, left by a kill, get into no later build and are gone after it."""
    for prefix in (store.FRESH, store.OLD):
        fill(build.with_name(prefix + build.name), {"left.jpg": b"over"})
    with store.fresh(build) as making:
        fill(making, FILES)
    assert contents(build) == FILES
    assert list(tmp_path.iterdir()) == [build]


def test_touched_files_are_accepted(build: Path, seal: str) -> None:
    """New times alone are no fault: the contents are the same."""
    assert store.fault(build / MANIFEST, seal) == ""
    for name in FILES:
        os.utime(build / name, ns=(1, 1))
    assert store.fault(build / MANIFEST, seal) == ""


def test_a_copied_build_is_accepted(tmp_path: Path, build: Path, seal: str) -> None:
    """A build that was moved or copied whole is as good, whatever its times."""
    copied = tmp_path / "copied"
    shutil.copytree(build, copied, copy_function=shutil.copyfile)
    assert store.fault(copied / MANIFEST, seal) == ""


def same_size(build: Path) -> None:
    (build / "a.jpg").write_bytes(b"eno")
    os.utime(build / "a.jpg", ns=(5, 5))


def swapped(build: Path) -> None:
    (build / "a.jpg").unlink()
    (build / "a.jpg").mkdir()


FAULTS = [
    pytest.param(lambda build: (build / "b.xml").unlink(), "b.xml is missing", id="a missing file"),
    pytest.param(
        lambda build: (build / "sub/c.txt").unlink(), "sub/c.txt is missing", id="a missing file in a sub-folder"
    ),
    pytest.param(lambda build: shutil.rmtree(build / "sub"), "sub/c.txt is missing", id="a missing sub-folder"),
    pytest.param(lambda build: (build / "a.jpg").write_bytes(b""), "a.jpg is damaged", id="an emptied file"),
    pytest.param(same_size, "a.jpg is damaged", id="other contents of the same size"),
    pytest.param(swapped, "a.jpg is missing", id="a folder in a file's place"),
    pytest.param(lambda build: (build / "z.jpg").touch(), "z.jpg is an unexpected file", id="a stray"),
    pytest.param(
        lambda build: (build / "sub/z.jpg").write_bytes(b"three"),
        "sub/z.jpg is an unexpected file",
        id="a stray in a sub-folder",
    ),
    pytest.param(
        lambda build: (build / "sub" / MANIFEST).touch(),
        f"sub/{MANIFEST} is an unexpected file",
        id="a stray called like the manifest",
    ),
    pytest.param(lambda build: (build / MANIFEST).unlink(), "its manifest is missing", id="no manifest"),
    pytest.param(lambda build: shutil.rmtree(build), "its manifest is missing", id="no build"),
    pytest.param(
        lambda build: (build / MANIFEST).write_text((build / MANIFEST).read_text().replace("0", "1", 1)),
        "its manifest was changed",
        id="a digest changed in the manifest",
    ),
    pytest.param(lambda build: (build / MANIFEST).write_text(""), "its manifest was changed", id="an emptied manifest"),
    pytest.param(
        lambda build: store.seal(build / MANIFEST, ["a.jpg"]),
        "its manifest was changed",
        id="a good manifest of fewer files",
    ),
]


@pytest.mark.parametrize(("harm", "fault"), FAULTS)
def test_harm_is_found(build: Path, seal: str, harm: Callable[[Path], object], fault: str) -> None:
    """Whatever happens to a build after it was sealed is found by reading it."""
    harm(build)
    assert store.fault(build / MANIFEST, seal) == fault


def test_all_that_is_wrong_is_found_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each damaged build is named with what is wrong; a file under two names is read once, and is both's damage."""
    monkeypatch.setattr(store, "_BATCH", 3)
    builds = {}
    for name in ("sound", "first", "second", "lacks", "extra", "resealed", "gone"):
        with store.staging(tmp_path / name) as made:
            for number in range(3):
                made.write(f"{number}.jpg", f"{name} {number}".encode())
            if name == "second":
                made.link(f"{tmp_path}/first/1.jpg", "linked.jpg", Entry(7, hashlib.sha256(b"first 1").hexdigest()))
        builds[tmp_path / name / MANIFEST] = store.sha256(tmp_path / name / MANIFEST)
    assert store.verify(builds) == {}
    (tmp_path / "first/1.jpg").chmod(0o600)
    (tmp_path / "first/1.jpg").write_bytes(b"harmed!")
    (tmp_path / "lacks/2.jpg").unlink()
    (tmp_path / "extra/z.jpg").touch()
    (tmp_path / "gone" / MANIFEST).unlink()
    store.seal(tmp_path / "resealed" / MANIFEST, ["0.jpg"])
    assert {manifest.parent.name: fault for manifest, fault in store.verify(builds).items()} == {
        "first": "1.jpg is damaged",
        "second": "linked.jpg is damaged",
        "lacks": "2.jpg is missing",
        "extra": "z.jpg is an unexpected file",
        "resealed": "its manifest was changed",
        "gone": "its manifest is missing",
    }


def test_what_lies_where_a_build_is_written(tmp_path: Path) -> None:
    """A file or a link that a kill, or anybody, left there is removed; what it leads to stays, and isn't written to."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/x").write_text("mine")
    for place in (".fresh-build", ".old-build"):
        for leave in (
            lambda path: path.write_text("a file"),
            lambda path: path.symlink_to(tmp_path / "precious"),
            lambda path: path.symlink_to(tmp_path / "nothing"),
        ):
            leave(tmp_path / place)
            with store.fresh(tmp_path / "build") as making:
                fill(making, FILES)
            assert contents(tmp_path / "build") == FILES
    for leave in (
        lambda path: path.symlink_to(tmp_path / "precious/x"),
        lambda path: path.hardlink_to(tmp_path / "precious/x"),
        lambda path: path.mkdir(),
        lambda path: os.mkfifo(path),
    ):
        leave(tmp_path / ".fresh-a.txt")
        store.write_file(tmp_path / "a.txt", lambda making: making.write_text("new"))
        assert (tmp_path / "a.txt").read_text() == "new"
        assert not (tmp_path / "a.txt").is_symlink()
    assert (tmp_path / "precious/x").read_text() == "mine"


def test_a_build_is_no_place_for_links(tmp_path: Path) -> None:
    """What a link leads to is nobody's to seal."""
    (tmp_path / "secret").write_text("x")
    with (
        pytest.raises(WorkspaceError, match=r"table.csv: is no file of its own"),
        store.fresh(tmp_path / "build") as making,
    ):
        (making / "table.csv").symlink_to(tmp_path / "secret")
    assert not (tmp_path / "build").exists()


def test_files_of_a_build_can_only_be_read(tmp_path: Path) -> None:
    """However they came there, and whatever the umask: an edit in place would be one of all that link to it."""
    before = os.umask(0o077)
    try:
        with store.staging(tmp_path / "build") as made:
            made.write("a", b"a")
            made.stream("sub/b", [b"b", b"c"])
            (made.path / "c").write_bytes(b"c")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "build").rglob("?")} - {0o700} == {0o444}
    assert contents(tmp_path / "build") == {"a": b"a", "sub/b": b"bc", "c": b"c"}
    assert store.facts(tmp_path / "build" / MANIFEST) == {"images": 0, "bytes": 4}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{", id="half of one"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="no files"),
        pytest.param('{"files": []}', id="a list of files"),
        pytest.param('{"files": {"a": 1}}', id="no digest"),
        pytest.param('{"files": {"a": ["x", "y"]}}', id="no size"),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, text: str) -> None:
    """A file that is no manifest is refused as such, whatever it holds."""
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(ValueError, match=r"is no manifest|Expecting|invalid literal"):
        store.read(tmp_path / MANIFEST)


@pytest.fixture
def lone(tmp_path: Path) -> Path:
    """The manifest of a single file in a folder that holds others too."""
    fill(tmp_path, {"ssd.tar.gz": b"archive", "other.tar.gz": b"other"})
    store.seal(tmp_path / "ssd.manifest.json", ["ssd.tar.gz"])
    return tmp_path / "ssd.manifest.json"


def test_a_named_manifest_seals_what_it_names(lone: Path) -> None:
    """What lies beside the files that it names is not unexpected, and harm to them is found."""
    seal = store.sha256(lone)
    assert store.fault(lone, seal) == ""
    (lone.parent / "ssd.tar.gz").write_bytes(b"ARCHIVE")
    assert store.fault(lone, seal) == "ssd.tar.gz is damaged"
    (lone.parent / "ssd.tar.gz").unlink()
    assert store.fault(lone, seal) == "ssd.tar.gz is missing"


def test_removing_what_a_manifest_seals(lone: Path, build: Path) -> None:
    """A build goes as a folder; a named manifest takes its own files along and leaves the others."""
    store.remove(build / MANIFEST)
    assert not build.exists()
    store.remove(lone)
    assert [path.name for path in lone.parent.iterdir()] == ["other.tar.gz"]
    store.remove(lone)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """An error in the middle leaves the old file, and nothing beside it."""
    path = tmp_path / "deep/a.txt"
    store.write_file(path, lambda making: making.write_text("old"))

    def half(making: Path) -> None:
        making.write_text("ha")
        assert path.read_text() == "old"
        raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        store.write_file(path, half)
    assert contents(path.parent) == {"a.txt": b"old"}
    store.write_file(path, lambda making: making.write_text("new"))
    assert contents(path.parent) == {"a.txt": b"new"}


@pytest.mark.parametrize(("fails", "left"), [(False, "all"), (True, "old")])
def test_two_who_write_one_file(tmp_path: Path, fails: bool, left: str) -> None:
    """The second waits until the first has done, or given up, and finds a whole file."""
    path, begun, go, seen = tmp_path / "report.html", threading.Event(), threading.Event(), []
    path.write_text("old")

    def slow(making: Path) -> None:
        making.write_text("half")
        begun.set()
        assert go.wait(10)
        if fails:
            raise FileNotFoundError("given up")
        making.write_text("all")

    def quick(making: Path) -> None:
        seen.append(path.read_text())
        making.write_text("new")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(store.write_file, path, slow)
        assert begun.wait(10)
        second = pool.submit(store.write_file, path, quick)
        go.set()
        assert isinstance(first.exception(10), FileNotFoundError) == fails
        second.result(10)
    assert seen == [left]
    assert contents(tmp_path) == {"report.html": b"new"}


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_a_digest_is_of_all_that_a_file_holds(tmp_path: Path, size: int) -> None:
    """Files around the length that is read at once have the digest of all their bytes."""
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    assert store.sha256(tmp_path / "a") == hashlib.sha256(data).hexdigest()


def test_a_link_is_the_same_file(tmp_path: Path) -> None:
    """A second name costs no bytes, and outlives the first."""
    (tmp_path / "a").write_bytes(b"data")
    store.link(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a").samefile(tmp_path / "b")
    (tmp_path / "a").unlink()
    assert (tmp_path / "b").read_bytes() == b"data"


def test_where_there_are_no_links_it_is_a_copy(tmp_path: Path) -> None:
    """Between file systems the second name is a copy."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system to copy from")
    source = other / f"dlim-test-{os.getpid()}"
    source.write_bytes(b"data")
    try:
        store.link(source, tmp_path / "b")
    finally:
        source.unlink()
    assert (tmp_path / "b").read_bytes() == b"data"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """What isn't a file has no digest, and nobody waits for one."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is no file"):
        store.sha256(tmp_path / "pipe")
