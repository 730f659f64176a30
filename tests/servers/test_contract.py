"""What every transport promises, over a real ssh server and over a folder of this machine."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dlim.errors import CommandError, TransportError, Unreachable
from dlim.servers.contract import Transport
from dlim.servers.files import STEP
from dlim.servers.local import Local
from tests.sshd import wait_for


@pytest.fixture
def home(transport: Transport) -> Path:
    """The server's home, as the tests see it."""
    transport.run("true")
    return Path(transport.home)


# scripts

ODD = [
    pytest.param("plain", id="a word"),
    pytest.param("", id="nothing"),
    pytest.param("two words", id="a space"),
    pytest.param(" around ", id="spaces around"),
    pytest.param("it's", id="a quote"),
    pytest.param('say "it"', id="double quotes"),
    pytest.param("'\"'\"'", id="quotes in quotes"),
    pytest.param("one\ntwo\n", id="a line's end at the end"),
    pytest.param("\n\n", id="lines' ends alone"),
    pytest.param("tab\there\r", id="a tab and a carriage return"),
    pytest.param("$HOME $(id) `id` ${x}", id="what a shell would fill in"),
    pytest.param("a;b|c&d<e>f(g)h{i}j", id="what a shell would act on"),
    pytest.param("*?[a-z]~", id="patterns"),
    pytest.param("back\\slash \\n \\0101 \\c", id="backslashes"),
    pytest.param("100% %s %b %d", id="percents"),
    pytest.param("!! !x ^a^b", id="history"),
    pytest.param("#no remark", id="a remark"),
    pytest.param("-n", id="a dash in front"),
    pytest.param("--", id="two dashes"),
    pytest.param("-e\\n", id="an option of echo"),
    pytest.param("ボタン閉じる ✕ é", id="Japanese"),
    pytest.param("\udcff\udc80", id="bytes that are no text"),
    pytest.param("\x01\x1b[31m\x7f", id="control characters"),
    pytest.param("x" * 200_000, id="longer than an argument may be"),
]


@pytest.mark.parametrize("word", ODD)
def test_an_argument_arrives_as_it_is(transport: Transport, word: str) -> None:
    """A script's arguments are what was given, whatever characters they have."""
    done = transport.run('printf "%s." "$#" "$1" "$2" "$0"', word, word)
    assert done.out == f"2.{word}.{word}.dlim.".encode(errors="surrogateescape")


def test_thousands_of_arguments(transport: Transport) -> None:
    """A list of files fits, however long."""
    words = [f"{number:064}" for number in range(3000)]
    assert transport.ask('echo $#; echo "$1"; shift 2999; echo "$1"', *words).split() == ["3000", words[0], words[-1]]


def test_no_argument(transport: Transport) -> None:
    """A script without arguments has none, not even those that brought it."""
    assert transport.ask('echo $# "$*"') == "0"


def test_an_argument_with_a_nul(transport: Transport) -> None:
    """What no shell can be given is refused before anything runs."""
    with pytest.raises(ValueError, match="NUL"):
        transport.run("touch ran", "a\0b")


def test_a_script_of_many_lines(transport: Transport) -> None:
    """Functions, here-documents, quotes and remarks are what they are in a file."""
    script = """
# a remark with a ' in it
say() { printf '%s\\n' "$1: it's \\$1"; }
say one
cat <<'END'
  $HOME \\ 'x'
END
case $1 in a*) echo yes ;; esac
set -- b c; echo "$#"
"""
    assert transport.run(script, "abc").out == b"one: it's $1\n  $HOME \\ 'x'\nyes\n2\n"


def test_a_script_runs_in_the_home(transport: Transport, home: Path) -> None:
    """The home is made when it is first needed, and every script begins in it."""
    assert transport.ask("pwd") == str(home)
    transport.ask("cd / && true")
    assert transport.ask("pwd") == str(home)


def test_a_script_sees_none_of_what_brought_it(transport: Transport) -> None:
    """No variable of ours is left, and messages are English wherever the server is."""
    told = transport.ask("env; echo; set")
    assert "dlim=" not in told
    assert "LC_MESSAGES=C" in told.splitlines()


def test_the_language_of_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are English, which doesn't make the text that a script works with ASCII."""
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    told = Local("ssd", tmp_path).ask("env").splitlines()
    assert {"LANG=ja_JP.UTF-8", "LC_MESSAGES=C"} <= set(told)
    assert not [line for line in told if line.startswith("LC_ALL")]


@pytest.mark.parametrize("status", [0, 1, 2, 65, 126, 127, 255])
def test_how_a_script_ends(transport: Transport, status: int) -> None:
    """Its status is told, with what it wrote and what it complained about, apart."""
    done = transport.run(f"echo out; echo err >&2; exit {status}")
    assert done == (status, b"out\n", "err\n")
    assert done.text == "out"


@pytest.mark.parametrize("name", ["KILL", "TERM", "SEGV"])
def test_a_script_that_is_killed(transport: Transport, name: str) -> None:
    """A signal is no status of a script's own, and no broken link."""
    done = transport.run(f"echo begun; kill -{name} $$; sleep 60")
    assert done.status < 0
    assert done.out == b"begun\n"
    with pytest.raises(CommandError, match="a script was killed there"):
        transport.require(done)


def test_a_script_that_is_none(transport: Transport) -> None:
    """A mistake in a script is its status and its complaint."""
    done = transport.run("if; fi (")
    assert done.status > 0
    assert "yntax error" in done.err


def test_text_that_is_no_text(transport: Transport) -> None:
    """Complaints in any encoding can be shown."""
    assert transport.run("printf '\\377' >&2").err == "\ufffd"


MIB = 1 << 20


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that hold every value, and are the same each time."""
    return random.Random(seed).randbytes(size)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def test_fifty_megabytes_each_way(transport: Transport) -> None:
    """Standard input and output carry any bytes, at the same time, whole."""
    data = noise(50 * MIB)
    digest, count = hashlib.sha256(), 0

    def take(piece: bytes) -> None:
        nonlocal count
        digest.update(piece)
        count += len(piece)

    done = transport.run("cat", feed=pieces(data, 100_000), sink=take)
    assert (done.status, done.out, done.err) == (0, b"", "")
    assert count == len(data)
    assert digest.digest() == hashlib.sha256(data).digest()


def test_a_feed_of_every_size(transport: Transport) -> None:
    """A feed may come in empty pieces, single bytes, and large ones."""
    data = noise(3 * MIB)
    feed = [b"", data[:1], b"", data[1:10], data[10:]]
    assert transport.run("cat", feed=feed).out == data


def test_the_feed_begins_with_its_first_byte(transport: Transport) -> None:
    """Of standard input nothing is lost to what brings the script, and it ends where the feed does."""
    assert transport.run('IFS= read -r x; echo "<$x>"; cat', feed=[b"\\one\n", b"two"]).out == b"<\\one>\ntwo"
    assert transport.run("cat").out == b""


def test_a_script_that_does_not_read(transport: Transport) -> None:
    """A script may end without having read what it was given, however much that is."""
    feed = iter([bytes(MIB)] * 40)
    assert transport.run("exit 7", feed=feed).status == 7
    assert transport.run("exec <&-; echo deaf; exit 8", feed=[bytes(MIB)] * 20)[:2] == (8, b"deaf\n")


def test_many_complaints(transport: Transport) -> None:
    """Megabytes of complaints hold up neither the script nor its output; the last of them are kept."""
    done = transport.run(
        "head -c 4000000 /dev/zero | tr '\\0' x >&2; echo out; head -c 4000000 /dev/zero | tr '\\0' y >&2"
    )
    assert done.out == b"out\n"
    assert done.err == "y" * (1 << 16)


def test_a_script_without_an_end(transport: Transport) -> None:
    """What a server says is bounded, where nobody takes it piece by piece."""
    with pytest.raises(CommandError, match="ssd: a script there says more than 64 MiB; see what it does"):
        transport.ask("cat /dev/zero")


HOSTILE = [
    pytest.param("9" * 400, id="a long number"),
    pytest.param("-5", id="less than nothing"),
    pytest.param("12 ../../" + "a" * 58, id="a path for a digest"),
    pytest.param("", id="nothing"),
    pytest.param("7 \x1b[2Kssd: ready", id="what forges a line"),
]


@pytest.mark.parametrize("said", HOSTILE)
def test_a_server_that_says_what_is_not_so(
    transport: Transport, home: Path, tmp_path: Path, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a server says of a file, that is one line, and nothing is written anywhere else."""
    from dlim.servers import files

    monkeypatch.setattr(files, "SEEN", f"printf '%b' '{said}'")
    monkeypatch.setattr(files, "BEGUN", f"printf '%b' '{said}'")
    with pytest.raises(CommandError) as caught:
        transport.get("file", tmp_path / "here/file")
    assert str(caught.value).isprintable()
    (tmp_path / "large").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(CommandError) as caught:
        transport.put(tmp_path / "large", "large")
    assert str(caught.value).isprintable()
    assert not (tmp_path / "here").exists()


def test_output_comes_as_it_is_written(transport: Transport) -> None:
    """A sink is told of a line when the script has written it, not at the end."""
    heard: list[bytes] = []
    spoken = threading.Event()

    def hear(piece: bytes) -> None:
        heard.append(piece)
        spoken.set()

    def feed() -> Iterator[bytes]:
        assert spoken.wait(20)
        yield b"go on\n"

    assert transport.run('echo first; read x; echo "$x"', feed=feed(), sink=hear).status == 0
    assert heard == [b"first\n", b"go on\n"]


def processes(mark: str) -> list[psutil.Process]:
    """The processes that have a word in their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            if mark in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def mark() -> str:
    """Seconds to sleep that no other process sleeps."""
    return f"{random.SystemRandom().randrange(10_000, 99_999)}.5"


def test_a_script_that_takes_too_long(transport: Transport) -> None:
    """After its time a script is ended with all that it started, and the link can be used again."""
    seconds = mark()
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"ssd: a script there didn't end within 0\.5 s; run again"):
        transport.run(f"sleep {seconds} & sleep {seconds}", within=0.5)
    assert time.monotonic() - began < 5
    wait_for(lambda: not processes(seconds), "the script's end")
    assert transport.ask("echo back", within=20) == "back"


def test_a_script_that_has_time(transport: Transport) -> None:
    """A script that ends within its time is like any other."""
    assert transport.run("echo out; exit 3", within=30)[:2] == (3, b"out\n")


def test_what_left_its_session_stays_alive(transport: Transport, home: Path) -> None:
    """A job that a script has detached outlives the script, and also a script that was ended."""
    seconds = mark()
    detach = f"setsid sleep {seconds} </dev/null >/dev/null 2>&1 & sleep 0.1"
    assert transport.run(detach).status == 0
    assert len(processes(seconds)) == 1
    with pytest.raises(Unreachable):
        transport.run(f"touch here; sleep {mark()}", within=0.5)
    jobs = processes(seconds)
    assert len(jobs) == 1
    assert (home / "here").exists()
    jobs[0].kill()


class WrongError(Exception):
    """What a test's own feed or sink raises."""


def test_a_feed_that_raises(transport: Transport) -> None:
    """What goes wrong while a script is fed reaches the caller, and ends the script."""
    seconds = mark()

    def feed() -> Iterator[bytes]:
        yield b"some"
        raise WrongError

    with pytest.raises(WrongError):
        transport.run(f"cat >/dev/null & sleep {seconds}", feed=feed())
    wait_for(lambda: not processes(seconds), "the script's end")
    assert transport.ask("echo back") == "back"


def test_a_sink_that_raises(transport: Transport) -> None:
    """What goes wrong while output is taken reaches the caller, and ends the script."""
    seconds = mark()

    def sink(piece: bytes) -> None:
        raise WrongError

    with pytest.raises(WrongError):
        transport.run(f"echo out; sleep {seconds}", sink=sink)
    wait_for(lambda: not processes(seconds), "the script's end")
    assert transport.ask("echo back") == "back"


def test_ctrl_c_during_a_script(transport: Transport) -> None:
    """Ctrl-C is back at once, and ends the script."""
    seconds = mark()

    def interrupt(piece: bytes) -> None:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        transport.run(f"echo begun; sleep {seconds}", sink=interrupt)
    assert time.monotonic() - began < 5
    wait_for(lambda: not processes(seconds), "the script's end")
    assert transport.ask("echo back") == "back"


def test_a_link_that_was_ended_is_made_again(transport: Transport) -> None:
    """After close, the same object works."""
    transport.close()
    assert transport.ask("echo back") == "back"
    transport.close()
    transport.close()


def test_a_home_that_can_not_be_made(transport: Transport, tmp_path: Path) -> None:
    """Where the home is no folder, that is said, and no script runs elsewhere."""
    (tmp_path / "file").touch()
    transport.home = str(tmp_path / "file/below")
    with pytest.raises(CommandError, match="cannot create directory"):
        transport.run("touch ran")


# what a complaint means

COMPLAINTS = [
    pytest.param("nosuchprogram --x", "nosuchprogram is missing there; install it: nosuchprogram", id="no program"),
    pytest.param("exec nosuchprogram", "nosuchprogram is missing there; install it: nosuchprogram", id="exec"),
    pytest.param("PATH=; flock x", "flock is missing there; install it: util-linux", id="a program's package"),
    pytest.param(
        "cat </etc/none; exit 1", "cannot open /etc/none: No such file; see to that, and run again", id="a file"
    ),
    pytest.param("cat /dev/zero >/dev/full", "its disk is full; make room there, and run again", id="a full disk"),
    pytest.param(
        "echo first >&2; echo 'last  one' >&2; exit 4", "last one; see to that, and run again", id="the last of two"
    ),
    pytest.param("exit 3", "a script ended with status 3; see to that, and run again", id="no complaint"),
    pytest.param(
        "printf 'a\\033[31mb\\n' >&2; exit 1", "a\\x1b[31mb; see to that, and run again", id="what a terminal would do"
    ),
    pytest.param(
        "echo \"mkdir: cannot create directory '/x': Permission denied\" >&2; exit 1",
        "mkdir: cannot create directory '/x': Permission denied;"
        " give its user the right to that, or name another home in config/servers.toml",
        id="a right that is lacking",
    ),
    pytest.param(
        "echo 'tar: x: Cannot write: Disk quota exceeded' >&2; echo 'tar: Exiting' >&2; exit 2",
        "its user has used up the disk quota; make room there, and run again",
        id="a quota, in a line before the last",
    ),
]


@pytest.mark.parametrize(("script", "told"), COMPLAINTS)
def test_what_a_complaint_means(transport: Transport, script: str, told: str) -> None:
    """A script that failed is told in a line that says what to do."""
    with pytest.raises(CommandError) as caught:
        transport.ask(f"PATH=/usr/bin:/bin; {script}")
    assert str(caught.value) == f"ssd: {told}"


def test_ask(transport: Transport) -> None:
    """What a script says is text, without the white space around it."""
    assert transport.ask("echo; echo ' ボタン '; echo") == "ボタン"


# files

SIZES = [
    pytest.param(0, id="empty"),
    pytest.param(1, id="a byte"),
    pytest.param(STEP - 1, id="the largest small one but one"),
    pytest.param(STEP, id="the largest small one"),
    pytest.param(STEP + 1, id="the smallest large one"),
    pytest.param(9 * MIB + 7, id="large"),
]


@pytest.mark.parametrize("size", SIZES)
def test_a_file_there_and_back(transport: Transport, home: Path, tmp_path: Path, size: int) -> None:
    """A file of any size arrives as it is, in each direction, and all of it is told."""
    data = noise(size)
    (tmp_path / "source").write_bytes(data)
    there: list[int] = []
    back: list[int] = []
    transport.put(tmp_path / "source", "a/b/file.bin", there.append)
    assert (home / "a/b/file.bin").read_bytes() == data
    transport.get("a/b/file.bin", tmp_path / "c/d/back", back.append)
    assert (tmp_path / "c/d/back").read_bytes() == data
    assert sum(there) == sum(back) == size
    assert names(home / "a/b") == ["file.bin"]
    assert names(tmp_path / "c/d") == ["back"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


NAMES = ["two words", "-n", "it's", "a\nb", "ボタン", "$HOME", "back\\slash", "*", "x" * 255]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_with_an_odd_name(transport: Transport, home: Path, tmp_path: Path, name: str) -> None:
    """Names are names, whatever characters they have."""
    source = tmp_path / name
    source.write_bytes(noise(STEP + 1))
    transport.put(source, name)
    assert names(home) == [name]
    transport.get(name, tmp_path / "back" / name)
    assert (tmp_path / "back" / name).read_bytes() == source.read_bytes()


def test_a_file_takes_the_place_of_another(transport: Transport, home: Path, tmp_path: Path) -> None:
    """What was there before is replaced, not written into: who has it open reads on in the old one."""
    for size in (5, STEP + 5):
        (tmp_path / "new").write_bytes(noise(size, 1))
        (home / "file").write_bytes(b"old")
        (home / "other").unlink(missing_ok=True)
        (home / "other").hardlink_to(home / "file")
        transport.put(tmp_path / "new", "file")
        assert (home / "other").read_bytes() == b"old"
        (tmp_path / "here").write_bytes(b"old")
        (tmp_path / "beside").unlink(missing_ok=True)
        (tmp_path / "beside").hardlink_to(tmp_path / "here")
        transport.get("file", tmp_path / "here")
        assert (tmp_path / "here").read_bytes() == noise(size, 1)
        assert (tmp_path / "beside").read_bytes() == b"old"


def test_a_file_that_is_there_already(transport: Transport, home: Path, tmp_path: Path) -> None:
    """A large file that is there as it should be is not sent again, but told as moved."""
    (tmp_path / "file").write_bytes(noise(STEP * 3))
    transport.put(tmp_path / "file", "file")
    before = (home / "file").stat()
    moved: list[int] = []
    transport.put(tmp_path / "file", "file", moved.append)
    assert (home / "file").stat().st_ino == before.st_ino
    assert moved == [STEP * 3]


def test_a_file_to_an_absolute_place(transport: Transport, tmp_path: Path) -> None:
    """A path that is absolute is not below the home."""
    (tmp_path / "file").write_bytes(b"some")
    transport.put(tmp_path / "file", str(tmp_path / "else/where"))
    transport.get(str(tmp_path / "else/where"), tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"some"


def part_of(data: bytes) -> str:
    """What the part of a file is called."""
    size = f"{len(data)}\n".encode()
    return f".{hashlib.sha256(size + data[:MIB] + data[-MIB:]).hexdigest()}.part"


@pytest.mark.parametrize("begun", [1, STEP - 1, STEP, STEP + 1, 3 * STEP, 4 * STEP - 1])
def test_a_put_goes_on_where_it_broke_off(transport: Transport, home: Path, tmp_path: Path, begun: int) -> None:
    """What is there of a file is not sent again, down to a multiple of a step."""
    data = noise(4 * STEP)
    (tmp_path / "file").write_bytes(data)
    (home / part_of(data)).write_bytes(data[:begun])
    moved: list[int] = []
    transport.put(tmp_path / "file", "file", moved.append)
    assert (home / "file").read_bytes() == data
    assert sum(moved) == len(data)
    assert begun < STEP or moved[0] == begun // STEP * STEP
    assert names(home) == ["file"]


@pytest.mark.parametrize("begun", [1, STEP, 3 * STEP + 5, 4 * STEP - 1, 4 * STEP])
def test_a_get_goes_on_where_it_broke_off(transport: Transport, home: Path, tmp_path: Path, begun: int) -> None:
    """What is here of a file is not fetched again, to the byte."""
    data = noise(4 * STEP)
    (home / "file").write_bytes(data)
    (tmp_path / part_of(data)).write_bytes(data[:begun])
    moved: list[int] = []
    transport.get("file", tmp_path / "file", moved.append)
    assert (tmp_path / "file").read_bytes() == data
    assert sum(moved) == len(data)
    assert moved[0] == begun
    assert part_of(data) not in names(tmp_path)


PARTS = [
    pytest.param(lambda data: bytes(3 * STEP), id="other bytes"),
    pytest.param(lambda data: data[: 2 * STEP] + bytes(5), id="other bytes at its end"),
    pytest.param(lambda data: data + b"more", id="too much"),
    pytest.param(lambda data: bytes(len(data)), id="other bytes, as many"),
]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_of_no_use(
    transport: Transport, home: Path, tmp_path: Path, part: Callable[[bytes], bytes]
) -> None:
    """A damaged part is thrown away, and the file brought whole, in each direction."""
    data = noise(4 * STEP)
    (tmp_path / "file").write_bytes(data)
    (home / part_of(data)).write_bytes(part(data))
    moved: list[int] = []
    transport.put(tmp_path / "file", "file", moved.append)
    assert (home / "file").read_bytes() == data
    assert sum(moved) == len(data)
    (tmp_path / part_of(data)).write_bytes(part(data))
    transport.get("file", tmp_path / "file", moved.append)
    assert (tmp_path / "file").read_bytes() == data
    assert sum(moved) == 2 * len(data)
    assert names(home) == ["file"]


def test_the_part_of_another_file(transport: Transport, home: Path, tmp_path: Path) -> None:
    """What was begun of a file is left alone when another one is brought to its place."""
    (tmp_path / "file").write_bytes(noise(2 * STEP))
    (home / part_of(b"other")).write_bytes(b"oth")
    transport.put(tmp_path / "file", "file")
    assert names(home) == sorted(["file", part_of(b"other")])


def test_a_source_that_changes_meanwhile(transport: Transport, home: Path, tmp_path: Path) -> None:
    """A file that is written to while it is sent replaces nothing, and that is said."""
    source = tmp_path / "file"
    source.write_bytes(noise(4 * STEP))
    (home / "file").write_bytes(b"old")

    def change(count: int) -> None:
        with source.open("r+b") as file:
            file.seek(4 * STEP - 1)
            file.write(b"?")

    with pytest.raises(TransportError, match="file was changed on its way; run again"):
        transport.put(source, "file", change)
    assert (home / "file").read_bytes() == b"old"
    assert names(home) == ["file"]


def test_a_source_that_shrinks_meanwhile(transport: Transport, home: Path, tmp_path: Path) -> None:
    """A file that becomes shorter while it is sent replaces nothing."""
    source = tmp_path / "file"
    source.write_bytes(noise(4 * STEP))
    with pytest.raises(TransportError, match="file was changed on its way; run again"):
        transport.put(source, "file", lambda count: os.truncate(source, 5))
    assert names(home) == []


def test_a_source_there_that_changes_meanwhile(transport: Transport, home: Path, tmp_path: Path) -> None:
    """A file that is written to there while it is fetched replaces nothing here."""
    (home / "file").touch()
    os.truncate(home / "file", 48 * MIB)  # more than can be on its way when the first of it arrives
    (tmp_path / "file").write_bytes(b"old")

    def change(count: int) -> None:
        with (home / "file").open("r+b") as file:
            file.seek(48 * MIB - 1)
            file.write(b"?")

    with pytest.raises(TransportError, match="file was changed on its way; run again"):
        transport.get("file", tmp_path / "file", change)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [name for name in names(tmp_path) if name.endswith(".part")] == []


NOT_THERE = [
    pytest.param("none", "there is no file none; see to that, and run again", id="no file"),
    pytest.param("folder", "there is no file folder; see to that, and run again", id="a folder"),
    pytest.param("", "there is no file; see to that, and run again", id="no name"),
]


@pytest.mark.parametrize(("name", "told"), NOT_THERE)
def test_a_source_that_is_not_there(transport: Transport, home: Path, tmp_path: Path, name: str, told: str) -> None:
    """What can't be fetched is told, and nothing is left here."""
    (home / "folder").mkdir()
    with pytest.raises(CommandError) as caught:
        transport.get(name, tmp_path / "new/file")
    assert str(caught.value) == f"ssd: {told}"
    assert not (tmp_path / "new").exists()


def test_a_source_here_that_can_not_be_read(transport: Transport, tmp_path: Path) -> None:
    """What can't be sent is told with its path."""
    with pytest.raises(TransportError, match=r"none: can't be read \(No such file or directory\); see to that"):
        transport.put(tmp_path / "none", "file")
    with pytest.raises(TransportError, match=r"can't be read \(Is a directory\)"):
        transport.put(tmp_path, "file")


def test_a_folder_in_a_file_s_place(transport: Transport, home: Path, tmp_path: Path) -> None:
    """A folder is not replaced by a file, and no file lands in it."""
    (tmp_path / "file").write_bytes(b"some")
    (home / "folder").mkdir()
    with pytest.raises(CommandError, match="ssd: folder: is a folder"):
        transport.put(tmp_path / "file", "folder")
    assert names(home / "folder") == []
    transport.put(tmp_path / "file", "file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(TransportError, match=r"folder: can't be written \(Is a directory\)"):
        transport.get("file", tmp_path / "folder")


def test_a_folder_that_is_a_file(transport: Transport, home: Path, tmp_path: Path) -> None:
    """A path through a file is told, here and there."""
    (tmp_path / "file").write_bytes(b"some")
    (home / "file").write_bytes(b"old")
    with pytest.raises(CommandError, match="cannot create directory"):
        transport.put(tmp_path / "file", "file/below")
    with pytest.raises(TransportError, match=r"below: can't be written \((File exists|Not a directory)\)"):
        transport.get("file", tmp_path / "file/below")


@pytest.mark.parametrize("size", [100_000, 3 * STEP])
def test_a_full_disk_there(transport: Transport, home: Path, tmp_path: Path, size: int) -> None:
    """A disk that is full there is named, and what stood there stays."""
    data = noise(size)
    (tmp_path / "file").write_bytes(data)
    (home / "file").write_bytes(b"old")
    (home / part_of(data)).symlink_to("/dev/full")
    with pytest.raises(CommandError, match="ssd: its disk is full; make room there, and run again"):
        transport.put(tmp_path / "file", "file")
    assert (home / "file").read_bytes() == b"old"


@pytest.mark.parametrize("size", [100_000, 3 * STEP])
def test_a_full_disk_here(transport: Transport, home: Path, tmp_path: Path, size: int) -> None:
    """A disk that is full here is named, too, and not taken for the server's."""
    data = noise(size)
    (home / "file").write_bytes(data)
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / part_of(data)).symlink_to("/dev/full")
    with pytest.raises(TransportError, match=r"file: can't be written \(No space left on device\)"):
        transport.get("file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert transport.ask("echo back") == "back"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two mebibytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "dlim", folder], check=False).returncode:
        pytest.skip("a file system can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_fills_up(transport: Transport, small_disk: Path, tmp_path: Path) -> None:
    """On a real disk, too; and once there is room, it goes on where it stopped."""
    data = noise(3 * STEP)
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(CommandError, match="ssd: its disk is full"):
        transport.put(tmp_path / "file", str(small_disk / "file"))
    assert names(small_disk) == [part_of(data)]
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    moved: list[int] = []
    transport.put(tmp_path / "file", str(small_disk / "file"), moved.append)
    assert moved[0] >= STEP
    assert (small_disk / "file").read_bytes() == data
    assert names(small_disk) == ["file"]


def test_no_sha256_program(transport: Transport, home: Path, tmp_path: Path) -> None:
    """A server without a program for digests is told to install one, and not that files are damaged."""
    programs = home / "bin"
    programs.mkdir()
    for name in ("cat", "dd", "head", "mkdir", "mv", "rm", "tail", "wc"):
        (programs / name).symlink_to(Path("/usr/bin", name))
    (tmp_path / "file").write_bytes(noise(STEP + 1))
    run = transport.run
    transport.run = lambda script, *words, **others: run(f"PATH=$PWD/bin\n{script}", *words, **others)  # type: ignore[method-assign]
    with pytest.raises(CommandError, match="ssd: sha256sum is missing there; install it: coreutils"):
        transport.put(tmp_path / "file", "file")
    (programs / "sha256sum").symlink_to("/usr/bin/sha256sum")
    transport.put(tmp_path / "file", "file")
    assert (home / "file").read_bytes() == (tmp_path / "file").read_bytes()


def test_a_server_with_busybox_alone(transport: Transport, home: Path, tmp_path: Path) -> None:
    """The programs of a small machine are enough to bring files there and back, and to go on with them."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox isn't installed")
    programs = home / "bin"
    programs.mkdir()
    for name in ("cat", "dd", "head", "ls", "mkdir", "mv", "rm", "sha256sum", "stat", "tail", "wc"):
        (programs / name).symlink_to(busybox)
    run = transport.run
    transport.run = lambda script, *words, **others: run(f"PATH=$PWD/bin\n{script}", *words, **others)  # type: ignore[method-assign]
    data = noise(3 * STEP + 7)
    (tmp_path / "file").write_bytes(data)
    (home / part_of(data)).write_bytes(data[: 2 * STEP + 5])
    moved: list[int] = []
    transport.put(tmp_path / "file", "file", moved.append)
    assert (home / "file").read_bytes() == data
    assert moved[0] == 2 * STEP
    transport.put(tmp_path / "file", "file")
    (tmp_path / part_of(data)).write_bytes(data[: STEP + 5])
    transport.get("file", tmp_path / "back", moved.append)
    assert (tmp_path / "back").read_bytes() == data
