"""Ssh alone: every way in which a link can't be made, breaks or falls silent, and what login shells do to a script."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dlim.errors import CommandError, LoginError, Unreachable
from dlim.servers import link as links
from dlim.servers.files import STEP
from tests.servers.conftest import Links
from tests.sshd import Client, Relay, SshServer, User, answering, free_port, ssh_server, unanswering, wait_for

MIB = 1 << 20


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    """A patience of two seconds in place of fifteen."""
    monkeypatch.setattr(links, "PATIENCE", 2.0)
    return 2.0


def told(transport, script: str = "true", **others: object) -> str:
    """What a person is told of a link that can't be had."""
    with pytest.raises((Unreachable, LoginError, CommandError)) as caught:
        transport.run(script, **others)
    text = str(caught.value)
    assert "\n" not in text
    return text


# no link


def test_a_name_that_nobody_has(client: Client, link: Links) -> None:
    """A host that has no address is named."""
    text = told(link(host="no-such-host.invalid"))
    assert text.startswith("ssd: the name no-such-host.invalid ")
    assert text.endswith("; correct host, or see to the network")


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example"])
def test_a_name_that_is_none(client: Client, link: Links, host: str) -> None:
    """A host that can't be a name is told in the same way."""
    assert told(link(host=host)).startswith(f"ssd: the name {host} ")


def test_a_closed_port(client: Client, link: Links) -> None:
    """Nothing listens: that is said at once, with the place."""
    port = free_port()
    assert (
        told(link(port)) == f"ssd: nothing listens at 127.0.0.1:{port}; start its ssh server, or correct host and port"
    )


def test_a_machine_that_does_not_answer(client: Client, link: Links, impatient: float) -> None:
    """A machine that is switched off is given up after a while."""
    with unanswering() as port:
        began = time.monotonic()
        text = told(link(port))
    assert text == f"ssd: 127.0.0.1:{port} doesn't answer; see whether it is switched on, and the network there"
    assert time.monotonic() - began < 2 * impatient


def test_a_machine_that_says_nothing(client: Client, link: Links, impatient: float) -> None:
    """One that takes the call and says nothing is given up as well."""
    with answering(b"") as port:
        began = time.monotonic()
        text = told(link(port))
    assert text == f"ssd: 127.0.0.1:{port} doesn't answer; see whether it is switched on, and the network there"
    assert time.monotonic() - began < 2 * impatient


def test_less_patience_than_usual(client: Client, link: Links) -> None:
    """The time that a script has is also that of its link."""
    for silent in (unanswering(), answering(b"")):
        with silent as port:
            began = time.monotonic()
            assert "doesn't answer" in told(link(port), within=0.5)
            assert time.monotonic() - began < 5


NO_SSH = [
    pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1.1 400 Bad Request", id="a web server"),
    pytest.param(b"220 mail \x1b[31m ready\r\n", "220 mail \\x1b[31m ready", id="a mail server that paints"),
    pytest.param(b"\x00\x01\x02\n", "\\x00\\x01\\x02", id="bytes"),
]


@pytest.mark.parametrize(("said", "shown"), NO_SSH)
def test_a_server_that_is_no_ssh_server(client: Client, link: Links, said: bytes, shown: str) -> None:
    """A port where somebody else listens is told with what that says."""
    with answering(said, close=True) as port:
        assert told(link(port)) == f'ssd: 127.0.0.1:{port} is no ssh server: it says "{shown}"; correct port'


def test_a_server_that_never_stops_talking(client: Client, link: Links, impatient: float) -> None:
    """A stream without an end doesn't hold dlim up."""
    with answering(b"x" * 10_000_000) as port:
        assert 'is no ssh server: it says "xxx' in told(link(port))


def test_a_server_that_hangs_up(client: Client, link: Links) -> None:
    """A machine that closes the link before it has said anything is told as a link that broke."""
    with answering(b"", close=True) as port:
        assert told(link(port)) == "ssd: the link broke; what runs there goes on; run again when it is back"


def test_a_server_that_stops_after_its_name(client: Client, link: Links, impatient: float) -> None:
    """A server that says SSH and no more is one that doesn't answer."""
    with answering(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
        assert "doesn't answer" in told(link(port))


def test_nothing_in_common(client: Client, link: Links, tmp_path: Path) -> None:
    """A server that knows only what isn't safe any more is refused, with what it is about."""
    with ssh_server(tmp_path / "sshd", User("trainer"), settings="KexAlgorithms diffie-hellman-group14-sha1\n") as old:
        text = told(link(old.port))
    assert text == "ssd: offers nothing that is safe: no acceptable kex algorithm; renew its ssh server"


@pytest.mark.parametrize("count", [10, 800, 1500, 1900, 2200])
def test_a_stall_during_the_login(client: Client, link: Links, relayed: Relay, impatient: float, count: int) -> None:
    """Wherever the login stops, it isn't told as a key or a password that was refused."""
    relayed.freeze_after(count, "down")
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"doesn't answer|gave no sign of life"):
        link(relayed.port).run("true")
    assert time.monotonic() - began < 4 * impatient


@pytest.mark.parametrize("count", [10, 800, 1500, 1900, 2200])
def test_a_cut_during_the_login(client: Client, link: Links, relayed: Relay, count: int) -> None:
    """A link that breaks during the login is one that broke, and the next one works."""
    relayed.cut_after(count, "down")
    transport = link(relayed.port)
    assert told(transport) == "ssd: the link broke; what runs there goes on; run again when it is back"
    assert transport.ask("echo back") == "back"


# a link that breaks

BROKEN = "ssd: the link broke; what runs there goes on; run again when it is back"


def test_a_link_that_is_cut_while_nothing_happens(client: Client, link: Links, relayed: Relay) -> None:
    """A link that broke between two scripts is replaced without a word."""
    transport = link(relayed.port)
    assert transport.ask("echo one") == "one"
    relayed.cut()
    assert transport.ask("echo two") == "two"


def test_a_link_that_is_cut_during_a_script(client: Client, link: Links, relayed: Relay) -> None:
    """The script isn't taken for one that ended, and the same object makes a new link."""
    transport = link(relayed.port)
    assert told(transport, "echo begun; sleep 60", sink=lambda data: relayed.cut()) == BROKEN
    assert transport.ask("echo back") == "back"


def test_a_link_that_is_cut_in_the_middle_of_output(client: Client, link: Links, relayed: Relay) -> None:
    """Half of what a script wrote is never taken for the whole."""
    transport = link(relayed.port)
    transport.run("true")
    relayed.cut_after(MIB, "down")
    assert told(transport, "head -c 5000000 /dev/zero") == BROKEN


def test_a_server_that_is_restarted(client: Client, link: Links, tmp_path: Path) -> None:
    """A session that its server ends is a link that broke, not a script that was killed."""
    with ssh_server(tmp_path / "sshd", User("trainer")) as server:
        server.authorize("trainer", client.key)
        client.trust(server.known())
        transport = link(server.port)
        assert told(transport, "echo begun; sleep 60", sink=lambda data: server.drop()) == BROKEN
        assert transport.ask("echo back") == "back"


def test_a_job_outlives_its_link(client: Client, link: Links, relayed: Relay, tmp_path: Path) -> None:
    """What a script has detached doesn't notice that the link broke."""
    transport = link(relayed.port)
    done = tmp_path / "done"
    waits = f'while [ ! -e "{done}.go" ]; do sleep 0.05; done; echo yes >"{done}"'
    script = f"setsid sh -c '{waits}' </dev/null >/dev/null 2>&1 &"
    told(transport, f"{script}\necho begun; sleep 60", sink=lambda data: relayed.cut())
    Path(f"{done}.go").touch()
    wait_for(lambda: done.exists() and done.read_text() == "yes\n", "the job")


# a link that falls silent

SILENT = "ssd: gave no sign of life for 2 s; what runs there goes on; run again when it is back"


def test_a_link_that_freezes_during_a_script(client: Client, link: Links, relayed: Relay, impatient: float) -> None:
    """Silence is noticed although the relay's kernel goes on answering, and the same object works afterwards."""
    transport = link(relayed.port)
    began = time.monotonic()
    assert told(transport, "echo begun; sleep 60", sink=lambda data: relayed.freeze()) == SILENT
    assert time.monotonic() - began < 3 * impatient
    relayed.cut()
    relayed.thaw()
    assert transport.ask("echo back") == "back"


def test_a_link_that_freezes_while_nothing_happens(
    client: Client, link: Links, relayed: Relay, impatient: float
) -> None:
    """Silence between two scripts is noticed, too, and the next script gets a new link."""
    transport = link(relayed.port)
    transport.run("true")
    relayed.freeze()
    time.sleep(2 * impatient)
    relayed.cut()
    relayed.thaw()
    assert transport.ask("echo back") == "back"


def test_a_link_that_freezes_during_a_put(
    client: Client, link: Links, relayed: Relay, impatient: float, tmp_path: Path
) -> None:
    """A file that can't go on is given up, and goes on when there is a link again."""
    data = os.urandom(24 * MIB)
    (tmp_path / "file").write_bytes(data)
    transport = link(relayed.port, home=str(tmp_path / "home"))
    transport.run("true")
    relayed.freeze_after(8 * MIB, "up")
    with pytest.raises(Unreachable, match="gave no sign of life for 2 s"):
        transport.put(tmp_path / "file", "file")
    relayed.cut()
    relayed.thaw()
    moved: list[int] = []
    transport.put(tmp_path / "file", "file", moved.append)
    assert moved[0] >= 6 * MIB
    assert (tmp_path / "home/file").read_bytes() == data


def test_a_link_that_freezes_during_a_get(
    client: Client, link: Links, relayed: Relay, impatient: float, tmp_path: Path
) -> None:
    """The same for a file that is fetched."""
    data = os.urandom(24 * MIB)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/file").write_bytes(data)
    transport = link(relayed.port, home=str(tmp_path / "home"))
    transport.run("true")
    relayed.freeze_after(8 * MIB, "down")
    with pytest.raises(Unreachable, match="gave no sign of life for 2 s"):
        transport.get("file", tmp_path / "file")
    relayed.cut()
    relayed.thaw()
    moved: list[int] = []
    transport.get("file", tmp_path / "file", moved.append)
    assert moved[0] >= 6 * MIB
    assert (tmp_path / "file").read_bytes() == data


def test_a_script_that_is_silent_for_long(client: Client, link: Links, relayed: Relay, impatient: float) -> None:
    """A script that says nothing for longer than our patience is waited for: its server is asked for signs of life."""
    transport = link(relayed.port)
    assert transport.ask("sleep 3.5; echo done") == "done"
    assert transport.run("sleep 3.5; cat | wc -c", feed=[bytes(8 * MIB)]).text == str(8 * MIB)


def trickle(seconds: float) -> Iterator[bytes]:
    """A little now and then, for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield b"x"
        time.sleep(0.1)


def test_a_link_that_freezes_while_little_is_sent(
    client: Client, link: Links, relayed: Relay, impatient: float
) -> None:
    """That something can be sent is no sign of life; that nothing has to be answered is no silence."""
    transport = link(relayed.port)
    assert transport.run("cat >/dev/null; echo done", feed=trickle(1.5 * impatient)).text == "done"
    began = time.monotonic()
    told_of = told(transport, "echo begun; cat >/dev/null", feed=trickle(20), sink=lambda data: relayed.freeze())
    assert told_of == SILENT
    assert time.monotonic() - began < 5 * impatient


def test_a_slow_link(client: Client, link: Links, relayed: Relay, impatient: float, tmp_path: Path) -> None:
    """A link with a long way is slow, and not broken."""
    relayed.delay = 0.1
    transport = link(relayed.port, home=str(tmp_path / "home"))
    (tmp_path / "file").write_bytes(os.urandom(4 * MIB))
    transport.put(tmp_path / "file", "file")
    transport.get("file", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "file").read_bytes()


def test_a_process_that_was_stopped(client: Client, link: Links, relayed: Relay, tmp_path: Path) -> None:
    """A dlim that slept longer than its patience (Ctrl-Z, a closed lid) goes on where it was."""
    code = (
        "import sys; from pathlib import Path; from dlim.config import Server; from dlim.servers import link;"
        "from dlim.servers import connect; link.PATIENCE = 1.0;"
        f"t = connect('ssd', {{'ssd': Server('127.0.0.1', 'trainer', {relayed.port})}}, Path());"
        "print(t.ask('echo ready', within=30), flush=True); print(t.ask('sleep 4; echo done'), flush=True)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    process.send_signal(signal.SIGCONT)
    assert process.stdout.readline() == "done\n"
    assert process.wait(20) == 0


def test_ctrl_c_on_a_frozen_link(client: Client, link: Links, relayed: Relay) -> None:
    """Ctrl-C is back at once even if nothing can be told to the server any more."""
    transport = link(relayed.port)

    def freeze(data: bytes) -> None:
        relayed.freeze()
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        transport.run("echo begun; cat >/dev/null", feed=iter(lambda: bytes(MIB), b""), sink=freeze)
    transport.close()
    assert time.monotonic() - began < 6


FROZEN = """
import os, sys, threading
from pathlib import Path
from dlim.config import Server
from dlim.servers import connect
transport = connect("ssd", {"ssd": Server("127.0.0.1", "trainer", int(sys.argv[1]))}, Path())
def go(data):
    print("begun", flush=True)
    sys.stdin.readline()
    raise SystemExit(7)
transport.run("echo begun; cat >/dev/null", feed=[bytes(10_000_000)], sink=go)
"""


def test_the_end_of_the_interpreter_on_a_frozen_link(client: Client, relayed: Relay) -> None:
    """A process whose link is frozen ends when it wants to."""
    process = subprocess.Popen(
        [sys.executable, "-c", FROZEN, str(relayed.port)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    relayed.freeze()
    began = time.monotonic()
    out, err = process.communicate("\n", timeout=30)
    assert (process.returncode, out, err) == (7, "", "")
    assert time.monotonic() - began < 8


def test_no_thread_is_left(client: Client, server: SshServer, link: Links) -> None:
    """Closing a link ends all that belonged to it."""
    before = threading.active_count()
    transport = link(server.port)
    transport.run("true")
    assert threading.active_count() > before
    transport.close()
    wait_for(lambda: threading.active_count() == before, "the threads' end")


def test_nothing_is_open_when_all_is_closed(client: Client, server: SshServer, link: Links) -> None:
    """Links, good and bad, leave no open file."""
    link(server.port).run("true")
    files = psutil.Process().num_fds()
    for _ in range(3):
        transport = link(server.port)
        transport.run("true")
        transport.close()
        told(link(free_port()))
    wait_for(lambda: psutil.Process().num_fds() <= files, "the files' end")


# login shells


SHELLS = ["sh", "bash", "dash", "zsh", "fish", "tcsh", "csh"]


@pytest.fixture(scope="module")
def shells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A server with a user for each login shell, called like it, and some with none."""
    users = [User(shell, shell=path) for shell in SHELLS if (path := shutil.which(shell))]
    users += [User(Path(path).name, shell=path) for path in ("/usr/sbin/nologin", "/bin/false", "/bin/cat")]
    with ssh_server(tmp_path_factory.mktemp("shells"), *users) as server:
        yield server


@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell(client: Client, shells: SshServer, link: Links, tmp_path: Path, shell: str) -> None:
    """A script is run by sh, and means the same whatever the user's own shell is."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} isn't installed")
    shells.authorize(shell, client.key)
    client.trust(shells.known())
    transport = link(shells.port, user=shell, home="work it's")
    word = "it's !x \\n $HOME\n✕"
    done = transport.run('printf "%s" "$1"; cat; exit 5', word, feed=[b"fed"])
    assert done[:2] == (5, f"{word}fed".encode())
    (tmp_path / "file").write_bytes(os.urandom(STEP + 1))
    transport.put(tmp_path / "file", "file")
    assert (shells.home(shell) / "work it's/file").read_bytes() == (tmp_path / "file").read_bytes()
    with pytest.raises(Unreachable):
        transport.run("sleep 4321", within=0.5)
    wait_for(lambda: not [p for p in psutil.process_iter() if "4321" in cmdline(p)], "the script's end")


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_login_shell_that_talks(client: Client, link: Links, tmp_path: Path) -> None:
    """What a user's start-up files print is no output of a script."""
    with ssh_server(tmp_path / "sshd", User("trainer", shell="/bin/bash")) as server:
        server.authorize("trainer", client.key)
        client.trust(server.known())
        (server.home("trainer") / ".bashrc").write_text("echo Welcome to $HOSTNAME; printf '\\0 ok'; echo quota >&2\n")
        transport = link(server.port)
        assert transport.run("echo out").out == b"out\n"
        (tmp_path / "file").write_bytes(os.urandom(STEP + 1))
        transport.put(tmp_path / "file", "file")
        transport.get("file", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == (tmp_path / "file").read_bytes()


SWALLOWED = (
    "ssd: its user has no shell that runs a script, or start-up files (~/.bashrc there) that swallow it;"
    " give that user a shell, with chsh, or let them do nothing without a terminal"
)

NO_SHELL = [
    pytest.param(
        "/usr/sbin/nologin", "ssd: This account is currently not available; see to that, and run again", id="nologin"
    ),
    pytest.param("/bin/false", SWALLOWED, id="false"),
    pytest.param("/bin/cat", "ssd: cat: invalid option -- 'c'; see to that, and run again", id="no shell"),
]


@pytest.mark.parametrize(("shell", "fault"), NO_SHELL)
def test_a_user_without_a_shell(client: Client, shells: SshServer, link: Links, shell: str, fault: str) -> None:
    """A user who can't run anything is told as such."""
    user = Path(shell).name
    shells.authorize(user, client.key)
    client.trust(shells.known())
    assert told(link(shells.port, user=user)) == fault


@pytest.mark.parametrize("line", ["exec fish", "exit", "read -t 1 x"])
def test_start_up_files_that_swallow_commands(client: Client, link: Links, tmp_path: Path, line: str) -> None:
    """A .bashrc that isn't for scripts is named."""
    if not shutil.which("fish"):
        pytest.skip("fish isn't installed")
    with ssh_server(tmp_path / "sshd", User("trainer", shell="/bin/bash")) as server:
        server.authorize("trainer", client.key)
        client.trust(server.known())
        (server.home("trainer") / ".bashrc").write_text(f"{line}\n")
        text = told(link(server.port))
    assert "start-up files (~/.bashrc there)" in text
    assert ("put another program in the place of the shell" in text) == (line == "exec fish")


def test_a_server_of_one_session(client: Client, link: Links, tmp_path: Path) -> None:
    """Where one channel is all that a server allows, a script that takes too long is ended with all that it started."""
    with ssh_server(tmp_path / "sshd", User("trainer"), settings="MaxSessions 1\n") as server:
        server.authorize("trainer", client.key)
        client.trust(server.known())
        transport = link(server.port)
        with pytest.raises(Unreachable, match="didn't end within"):
            transport.run("sleep 87651 & sleep 87652", within=1)
        wait_for(lambda: not [p for p in psutil.process_iter() if {"87651", "87652"} & {*cmdline(p)}], "their end")


def test_a_home_that_is_not_there(client: Client, link: Links, tmp_path: Path) -> None:
    """An absolute home is worked in whether or not the account has one of its own; the account's own never is."""
    with ssh_server(tmp_path / "sshd", User("trainer")) as server:
        server.authorize("trainer", client.key)
        client.trust(server.known())
        own = server.home("trainer")
        assert told(link(server.port, home=str(own))).startswith("ssd: its home in config/servers.toml is the home of")
        shutil.copytree(own, tmp_path / "kept")
        settings = server.folder / "sshd_config"
        keys = f"AuthorizedKeysFile {tmp_path}/kept/.ssh/authorized_keys"
        settings.write_text(f"{keys}\n{settings.read_text()}")
        server.stop()
        shutil.rmtree(own)
        server.start()
        assert link(server.port, home=str(tmp_path / "abs")).ask("pwd") == str(tmp_path / "abs")


def test_a_server_that_runs_only_its_own_command(client: Client, link: Links, tmp_path: Path) -> None:
    """A key that may run one command alone is of no use, and that is said."""
    with ssh_server(tmp_path / "sshd", User("trainer"), settings="ForceCommand echo only this\n") as server:
        server.authorize("trainer", client.key)
        client.trust(server.known())
        assert told(link(server.port)) == "ssd: only this; see to that, and run again"


HOMES = [
    pytest.param("", "", id="the user's own"),
    pytest.param("~", "", id="by its sign"),
    pytest.param("~/a/b", "a/b", id="below it, by its sign"),
    pytest.param("a b", "a b", id="below it"),
    pytest.param("-x", "-x", id="with a dash in front"),
]


@pytest.mark.parametrize(("home", "folder"), HOMES)
def test_where_the_home_is(client: Client, server: SshServer, link: Links, home: str, folder: str) -> None:
    """A home that isn't absolute is below the user's own."""
    assert link(server.port, home=home).ask("pwd") == str(server.home("trainer") / folder)


# speed


def test_one_link_for_many_scripts(client: Client, server: SshServer, link: Links) -> None:
    """Scripts share a link: only the first one pays for the login."""
    transport = link(server.port)
    count = server.log.read_text().count("Accepted publickey")
    for _ in range(5):
        transport.run("true")
    assert server.log.read_text().count("Accepted publickey") == count + 1


def test_what_a_link_prefers(client: Client, server: SshServer, link: Links) -> None:
    """The fast cipher is agreed on, with a large window and no waiting for more to send."""
    import socket

    from dlim.servers.link import PACKET, WINDOW

    transport = link(server.port)
    transport.run("true")
    made = transport._passage._link
    assert made.remote_cipher == made.local_cipher == "aes128-gcm@openssh.com"
    assert (made.default_window_size, made.default_max_packet_size) == (WINDOW, PACKET)
    assert made.stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert made.stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15000
