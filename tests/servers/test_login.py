"""Logging in: with keys, an agent, passwords; and what a person is told who is not let in."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

import paramiko
import pytest

from dlim.errors import DlimError, LoginError
from tests.servers.conftest import PASSWORD, Links
from tests.sshd import Client, SshServer, User, agent, make_key, ssh_server

KEYS = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"


@pytest.fixture
def strange(trainer_server: SshServer, client: Client) -> SshServer:
    """The server, known to this test's client, which it doesn't know."""
    client.trust(trainer_server.known())
    return trainer_server


def lock(key: Path, passphrase: str, *options: str) -> None:
    """Give a key a passphrase, or another format."""
    command = ["ssh-keygen", "-q", "-p", *options, "-N", passphrase, "-P", "", "-f", key]
    subprocess.run(command, check=True, capture_output=True)


def told(transport) -> str:
    """What a person is told who isn't let in."""
    with pytest.raises(LoginError) as caught:
        transport.run("true")
    text = str(caught.value)
    assert "\n" not in text
    return text


# keys


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_with_a_usual_name(strange: SshServer, client: Client, link: Links, kind: str) -> None:
    """A key is found where ssh finds it."""
    client.key.unlink()
    key = client.home / f".ssh/id_{kind}"
    if not key.exists():
        key.with_name(f"{key.name}.pub").unlink(missing_ok=True)
        make_key(key, kind)
    strange.authorize("trainer", key)
    assert link(strange.port).ask("echo in") == "in"


@pytest.mark.parametrize("name", ["keys/mine", "~/keys/mine", "{home}/keys/mine"])
def test_a_key_that_servers_toml_names(strange: SshServer, client: Client, link: Links, name: str) -> None:
    """identity_file is below the user's home, unless it is absolute."""
    (client.home / "keys").mkdir()
    strange.authorize("trainer", make_key(client.home / "keys/mine"))
    assert link(strange.port, identity_file=name.format(home=client.home)).ask("echo in") == "in"


def test_a_key_that_ssh_config_names(strange: SshServer, client: Client, link: Links) -> None:
    """IdentityFile counts for the hosts that it is written for."""
    strange.authorize("trainer", make_key(client.home / ".ssh/other"))
    client.configure(
        f"Host box\n  HostName 127.0.0.1\n  Port {strange.port}\n  User trainer\n  IdentityFile ~/.ssh/other\n"
    )
    assert link(host="box", user="").ask("echo in") == "in"


def test_a_key_in_an_old_format(strange: SshServer, client: Client, link: Links) -> None:
    """A key that begins with BEGIN RSA PRIVATE KEY is as good."""
    key = make_key(client.home / "old", "rsa")
    lock(key, "", "-m", "PEM")
    assert "RSA PRIVATE KEY" in key.read_text()
    strange.authorize("trainer", key)
    assert link(strange.port, identity_file="old").ask("echo in") == "in"


def test_a_certificate(client: Client, link: Links, tmp_path: Path) -> None:
    """A key whose certificate lies beside it logs in with that."""
    authority = make_key(tmp_path / "ca")
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "me", "-n", "trainer", f"{client.key}.pub"], check=True)
    settings = f"{KEYS}TrustedUserCAKeys {authority}.pub\n"
    with ssh_server(tmp_path / "sshd", User("trainer"), settings=settings) as server:
        client.trust(server.known())
        assert link(server.port).ask("echo in") == "in"


def test_no_key_that_is_taken(client: Client, strange: SshServer, link: Links) -> None:
    """The keys that were tried are named, with every way out."""
    assert told(link(strange.port)) == (
        "ssd: takes none of these keys from trainer: ~/.ssh/id_ed25519;"
        f" ssh-copy-id -p {strange.port} trainer@127.0.0.1,"
        " or name the right key as identity_file in config/servers.toml, or set DLIM_PASSWORD_SSD"
    )


def test_a_user_whom_nobody_knows(client: Client, server: SshServer, link: Links) -> None:
    """A server doesn't say whether it is the user or the key; neither do we."""
    assert told(link(server.port, user="nobody-there")).startswith("ssd: takes none of these keys from nobody-there:")


def test_no_key_at_all(client: Client, strange: SshServer, link: Links) -> None:
    """Without a key it is said that there is none."""
    client.key.unlink()
    assert told(link(strange.port)).startswith("ssd: wants a key of trainer, and there is none; ssh-copy-id -p ")


BAD_KEYS = [
    pytest.param(b"no key\n", "the key ~/bad can't be read (of no kind that is known)", id="no key"),
    pytest.param(b"", "the key ~/bad can't be read (of no kind that is known)", id="empty"),
    pytest.param(
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        "the key ~/bad can't be read (of no kind that is known)",
        id="half a key",
    ),
]


@pytest.mark.parametrize(("text", "fault"), BAD_KEYS)
def test_a_key_that_is_none(client: Client, strange: SshServer, link: Links, text: bytes, fault: str) -> None:
    """A file that holds no key is named."""
    (client.home / "bad").write_bytes(text)
    assert told(link(strange.port, identity_file="bad")) == f"ssd: {fault}; name another as identity_file"


# encrypted keys and an agent


def test_an_encrypted_key(client: Client, strange: SshServer, link: Links) -> None:
    """A key that nobody opens is named, with what opens it."""
    make_key(client.home / ".ssh/locked", passphrase="secret")
    text = told(link(strange.port, identity_file=".ssh/locked"))
    assert text == "ssd: the key ~/.ssh/locked is encrypted, and no agent holds it; ssh-add ~/.ssh/locked"


def test_an_encrypted_key_in_an_old_format(client: Client, strange: SshServer, link: Links) -> None:
    """The same for a key in the older format."""
    key = make_key(client.home / "old", "rsa")
    lock(key, "secret", "-m", "PEM")
    text = told(link(strange.port, identity_file="old"))
    assert text == "ssd: the key ~/old is encrypted, and no agent holds it; ssh-add ~/old"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_that_an_agent_holds(
    client: Client, strange: SshServer, link: Links, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    """An agent logs us in with a key that isn't here at all."""
    client.key.unlink()
    key = make_key(tmp_path / "held", kind)
    strange.authorize("trainer", key)
    with agent(key) as path:
        key.unlink()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        assert link(strange.port).ask("echo in") == "in"


def test_an_encrypted_key_that_an_agent_holds(
    client: Client, strange: SshServer, link: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a key that is named, encrypted, and held by an agent, the agent's is used, and no other of the agent's."""
    key = make_key(client.home / ".ssh/locked")
    others = [make_key(client.home / f".ssh/other{number}") for number in range(8)]  # more than a server lets one try
    strange.authorize("trainer", key)
    client.configure(
        f"Host box\n HostName 127.0.0.1\n Port {strange.port}\n IdentityFile ~/.ssh/locked\n IdentitiesOnly yes\n"
    )
    with agent(*others, key) as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        lock(key, "secret")
        assert link(host="box").ask("echo in") == "in"
        key.rename(key.with_name("gone"))  # and the public half alone is enough to say which one
        client.configure((client.home / ".ssh/config").read_text().replace("locked", "locked.pub"))
        assert link(host="box").ask("echo in") == "in"


def test_an_agent_without_the_key_that_is_named(
    client: Client, strange: SshServer, link: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A public half whose private one nobody holds is told."""
    with agent() as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        text = told(link(strange.port, identity_file=".ssh/id_ed25519.pub"))
    assert text == "ssd: no agent holds the key ~/.ssh/id_ed25519.pub; ssh-add ~/.ssh/id_ed25519"


def test_an_agent_with_too_many_keys(
    client: Client, strange: SshServer, link: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that loses patience with an agent's keys is told as that; a key that is named comes first."""
    others = [make_key(client.home / f".ssh/other{number}") for number in range(8)]
    right = make_key(client.home / "right")
    strange.authorize("trainer", right)
    with agent(*others) as path:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        text = told(link(strange.port))
        assert (
            text == "ssd: refuses so many keys of trainer; name the right key as identity_file in config/servers.toml"
        )
        assert link(strange.port, identity_file="right").ask("echo in") == "in"


@pytest.mark.parametrize("path", ["none", "file"])
def test_an_agent_that_is_none(
    client: Client, server: SshServer, link: Links, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    """An agent that has gone is no obstacle."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / path))
    assert link(server.port).ask("echo in") == "in"


# passwords


def test_a_password_from_the_environment(
    client: Client, strange: SshServer, link: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DLIM_PASSWORD_<SERVER> is the password of that server, with _ for what can't be in a variable's name."""
    monkeypatch.setenv("DLIM_PASSWORD_SSD_2", PASSWORD)
    assert link(strange.port, name="ssd-2").ask("echo in") == "in"
    told(link(strange.port, name="ssd-3"))


@pytest.mark.parametrize(
    ("name", "end"),
    [("secrets/ssd", ""), ("~/secrets/ssd", "\n"), ("{home}/secrets/ssd", "\r\n"), ("secrets/ssd", "\nsecond line")],
)
def test_a_password_from_a_file(client: Client, strange: SshServer, link: Links, name: str, end: str) -> None:
    """password_file is below the user's home, unless it is absolute; its first line counts."""
    password_file(client, PASSWORD + end)
    assert link(strange.port, password_file=name.format(home=client.home)).ask("echo in") == "in"


def password_file(client: Client, text: str = PASSWORD, mode: int = 0o600) -> Path:
    path = client.home / "secrets/ssd"
    path.parent.mkdir()
    path.write_text(text, newline="")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_password_file_that_others_can_read(client: Client, strange: SshServer, link: Links, mode: int) -> None:
    """A password that isn't the user's alone is not used."""
    path = password_file(client, mode=mode)
    text = told(link(strange.port, password_file="secrets/ssd"))
    assert text == f"ssd: its password_file {path} can be read by others; chmod 600 {path}"


def test_a_password_file_of_another_user(client: Client, strange: SshServer, link: Links) -> None:
    """A file that belongs to somebody else is not trusted."""
    path = password_file(client)
    try:
        os.chown(path, 12345, -1)
    except PermissionError:
        pytest.skip("a file can be given away by root alone")
    text = told(link(strange.port, password_file="secrets/ssd"))
    assert "belongs to another user" in text or "can't be read" in text


NO_PASSWORD = [
    pytest.param(lambda path: path.unlink(), "", id="no file"),
    pytest.param(lambda path: (path.unlink(), path.mkdir()), "", id="a folder"),
    pytest.param(lambda path: (path.unlink(), os.mkfifo(path, 0o600)), "is no file", id="a pipe"),
    pytest.param(lambda path: path.write_text(""), "is empty", id="empty"),
    pytest.param(lambda path: path.write_text("\nsecret"), "is empty", id="an empty line"),
    pytest.param(lambda path: path.write_bytes(b"\xff\xfe"), "is no text", id="no text"),
]


@pytest.mark.parametrize(("spoil", "fault"), NO_PASSWORD)
def test_a_password_file_that_is_none(client: Client, strange: SshServer, link: Links, spoil, fault: str) -> None:
    """A password file of no use is named, and nothing waits for it."""
    path = password_file(client)
    spoil(path)
    text = told(link(strange.port, password_file="secrets/ssd"))
    if fault:
        assert text.startswith(f"ssd: its password_file {path} {fault};")
    else:  # the name may be the password, in the wrong place
        assert text.startswith("ssd: its password_file can't be read (")
        assert "secrets" not in text


def test_a_wrong_password(client: Client, strange: SshServer, link: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password that is refused is one line, without the password."""
    monkeypatch.setenv("DLIM_PASSWORD_SSD", "wrong-one")
    assert told(link(strange.port)) == "ssd: refuses the password of trainer; correct it"


def test_a_password_where_none_is_taken(
    client: Client, link: Links, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A server that takes keys alone isn't given a password."""
    monkeypatch.setenv("DLIM_PASSWORD_SSD", PASSWORD)
    with ssh_server(tmp_path / "sshd", User("trainer", PASSWORD), settings=KEYS) as server:
        client.trust(server.known())
        assert told(link(server.port)).startswith("ssd: takes none of these keys from trainer")


def test_a_key_and_a_password(client: Client, link: Links, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server that wants both gets both, and says so where one is lacking."""
    settings = "AuthenticationMethods publickey,password\n"
    with ssh_server(tmp_path / "sshd", User("trainer", PASSWORD), settings=settings) as server:
        client.trust(server.known())
        server.authorize("trainer", client.key)
        assert told(link(server.port)) == "ssd: takes password and nothing else from trainer; set DLIM_PASSWORD_SSD"
        monkeypatch.setenv("DLIM_PASSWORD_SSD", PASSWORD)
        assert link(server.port).ask("echo in") == "in"


def test_a_server_that_takes_passwords_alone(
    client: Client, link: Links, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a password it is said that one is wanted."""
    settings = "PubkeyAuthentication no\n"
    with ssh_server(tmp_path / "sshd", User("trainer", PASSWORD), settings=settings) as server:
        client.trust(server.known())
        assert told(link(server.port)).endswith("and nothing else from trainer; set DLIM_PASSWORD_SSD")
        monkeypatch.setenv("DLIM_PASSWORD_SSD", PASSWORD)
        assert link(server.port).ask("echo in") == "in"


def test_a_server_that_asks_questions(
    client: Client, link: Links, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where a password is only asked for by hand, the one that we have answers; without one it is said."""
    settings = "PasswordAuthentication no\nPubkeyAuthentication no\nKbdInteractiveAuthentication yes\n"
    with ssh_server(tmp_path / "sshd", User("trainer", PASSWORD), settings=settings) as server:
        client.trust(server.known())
        text = told(link(server.port))
        assert text.startswith("ssd: takes keyboard-interactive and nothing else from trainer; ")


class Questions(paramiko.ServerInterface):
    """A server that asks questions before it lets anybody in, as OpenSSH does with PAM, which a test can't have."""

    def __init__(self, question: str, echo: bool) -> None:
        self.question = paramiko.InteractiveQuery("", "", (question, echo))
        self.answers: list[str] = []

    def get_allowed_auths(self, username: str) -> str:
        return "keyboard-interactive"

    def check_auth_interactive(self, username: str, submethods: str) -> object:
        return self.question

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        self.answers += responses
        return paramiko.AUTH_SUCCESSFUL if responses == [PASSWORD] else paramiko.AUTH_FAILED


QUESTIONS = [
    pytest.param("Password: ", False, [PASSWORD], id="the password"),
    pytest.param("(trainer@box) Password for trainer@box:", False, [PASSWORD], id="in other words"),
    pytest.param("Verification code: ", False, [""], id="something else"),
    pytest.param("Password: ", True, [""], id="a password to be shown"),
]


@pytest.mark.parametrize(("question", "echo", "answers"), QUESTIONS)
def test_questions_that_are_answered(
    client: Client, link: Links, monkeypatch: pytest.MonkeyPatch, question: str, echo: bool, answers: list[str]
) -> None:
    """A password answers the question for it, and no other."""
    monkeypatch.setenv("DLIM_PASSWORD_SSD", PASSWORD)
    key = paramiko.Ed25519Key.from_private_key_file(str(client.key))
    server = Questions(question, echo)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client.trust(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")

        def serve() -> None:
            transport = paramiko.Transport(listener.accept()[0])
            transport.add_server_key(key)
            with suppress(EOFError):  # a guest who leaves early is none of its concern
                transport.start_server(server=server)

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(DlimError) as caught:
            link(port).run("true")
    assert server.answers == answers
    if answers == [PASSWORD]:
        assert str(caught.value) == "ssd: runs no command for trainer; see to the settings of its ssh server"
    else:
        assert str(caught.value) == "ssd: refuses the password of trainer; correct it"
