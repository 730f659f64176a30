"""Host keys: what is trusted, what is refused, jump hosts as strictly as the server, and how trust is given."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlim.config import Server
from dlim.errors import ConfigError, HostKeyError, LoginError, Unreachable
from dlim.servers import trust
from dlim.servers.ssh import look
from tests.servers.conftest import PASSWORD, Links
from tests.sshd import Client, SshServer, User, free_port, relay, ssh_server


def fingerprint(server: SshServer, kind: str = "ed25519") -> str:
    """As OpenSSH itself tells it."""
    done = subprocess.run(
        ["ssh-keygen", "-l", "-f", server.folder / f"host_{kind}.pub"], capture_output=True, text=True, check=True
    )
    return done.stdout.split()[1]


@pytest.fixture
def strange(trainer_server: SshServer, client: Client) -> SshServer:
    """The server, which knows this test's client, and which that doesn't know."""
    trainer_server.authorize("trainer", client.key)
    return trainer_server


def told(transport) -> str:
    """What a person is told of a host key."""
    with pytest.raises(HostKeyError) as caught:
        transport.run("true")
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_an_unknown_key(strange: SshServer, client: Client, link: Links, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that nobody has trusted is shown, with the way to trust it; it is told neither user nor password."""
    monkeypatch.setenv("DLIM_PASSWORD_SSD", PASSWORD)
    before = strange.log.read_text()
    assert told(link(strange.port)) == (
        f"ssd: its host key is unknown (ED25519 {fingerprint(strange)}); compare it, then doit trust:ssd --record"
    )
    assert "trainer" not in strange.log.read_text().removeprefix(before)
    assert not client.known_hosts.exists()


def test_a_changed_key(client: Client, link: Links, tmp_path: Path) -> None:
    """Another key than the one that was recorded may be another machine, and nothing is said to that."""
    with ssh_server(tmp_path / "sshd", User("trainer")) as server:
        server.authorize("trainer", client.key)
        client.trust(server.known())
        transport = link(server.port)
        assert transport.ask("echo in") == "in"
        server.change_keys()
        assert told(transport) == (
            f"ssd: its host key is not the one that was recorded (ED25519 {fingerprint(server)}): this may be another"
            " machine in its place; find out why; if it was set up anew, compare the key, then doit trust:ssd --record"
        )


def test_strictness_can_not_be_turned_off(strange: SshServer, client: Client, link: Links) -> None:
    """StrictHostKeyChecking no is for those who want it; dlim doesn't."""
    client.configure("Host *\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n")
    assert "is unknown" in told(link(strange.port))


def test_a_revoked_key(strange: SshServer, client: Client, link: Links) -> None:
    """A key that was revoked is refused though it is known."""
    client.trust(strange.known(), "@revoked * " + strange.known().split(maxsplit=1)[1])
    assert told(link(strange.port)) == (
        f"ssd: its host key is revoked (ED25519 {fingerprint(strange)}); ask the one who looks after that machine"
    )


KINDS = ["ed25519", "ecdsa", "rsa"]


@pytest.fixture(scope="module")
def many_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A server with a key of each type."""
    with ssh_server(tmp_path_factory.mktemp("many"), User("trainer"), key_types=tuple(KINDS)) as server:
        yield server


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_with_many_keys(many_keys: SshServer, client: Client, link: Links, kind: str) -> None:
    """A server is asked for the key that it is known by, and not taken for another one."""
    many_keys.authorize("trainer", client.key)
    client.trust(many_keys.known(kind=kind))
    assert link(many_keys.port).ask("echo in") == "in"


def test_a_server_known_by_keys_that_it_has_not(
    many_keys: SshServer, strange: SshServer, client: Client, link: Links
) -> None:
    """A server that shows a key of another type than those it is known by is told as changed, and not as new."""
    name = f"[127.0.0.1]:{strange.port}"
    client.trust(*(many_keys.known(name, kind=kind) for kind in ("ecdsa", "rsa")))
    assert "is not the one that was recorded" in told(link(strange.port))


NAMES = [
    pytest.param("[127.0.0.1]:{port}", id="host and port"),
    pytest.param("127.0.0.1", id="the host alone, as ssh finds it, too"),
    pytest.param("other,[127.0.0.1]:{port},third", id="one of several"),
    pytest.param("[127.0.0.*]:{port}", id="a pattern"),
    pytest.param("*", id="any"),
    pytest.param("[127.0.0.?]:*", id="a pattern for the port"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_means_the_server(strange: SshServer, client: Client, link: Links, name: str) -> None:
    """Lines of known_hosts mean a server in every way that OpenSSH knows."""
    client.trust("# a remark\n\n  \n", strange.known(name.format(port=strange.port)))
    assert link(strange.port).ask("echo in") == "in"


@pytest.mark.parametrize(
    "name", ["[127.0.0.1]:1", "[127.0.0.2]:{port}", "!*,*", "*,![127.0.0.1]:{port},!127.0.0.1", "localhost"]
)
def test_a_name_that_does_not_mean_the_server(strange: SshServer, client: Client, link: Links, name: str) -> None:
    """A line for another machine trusts nobody else."""
    client.trust(strange.known(name.format(port=strange.port)))
    assert "is unknown" in told(link(strange.port))


def test_hashed_names(strange: SshServer, client: Client, link: Links) -> None:
    """A known_hosts file whose names OpenSSH has hashed is read."""
    client.trust("other.example " + strange.known().split(maxsplit=1)[1], strange.known())
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", client.known_hosts], check=True, capture_output=True)
    assert "127" not in client.known_hosts.read_text()
    assert link(strange.port).ask("echo in") == "in"


def test_files_that_ssh_config_names(strange: SshServer, client: Client, link: Links, tmp_path: Path) -> None:
    """UserKnownHostsFile and GlobalKnownHostsFile are where keys are looked up."""
    (client.home / "mine").write_text(strange.known())
    for setting in (
        "UserKnownHostsFile ~/none ~/mine",
        f'UserKnownHostsFile "{client.home}/mine"',
        "UserKnownHostsFile %d/mine",
        f"UserKnownHostsFile none\n  GlobalKnownHostsFile {client.home}/mine",
    ):
        client.configure(f"Host 127.*\n  {setting}\n")
        assert link(strange.port).ask("echo in") == "in"


def test_an_alias_for_the_key(strange: SshServer, client: Client, link: Links) -> None:
    """HostKeyAlias is the name that a key is looked up by."""
    client.configure("Host *\n  HostKeyAlias box\n")
    client.trust(strange.known("box"))
    assert link(strange.port).ask("echo in") == "in"


ODD_LINES = "\n".join(
    [
        "@cert-authority * ssh-ed25519 AAAA",
        "@unknown * ssh-ed25519 AAAA",
        "half",
        "[127.0.0.1]:{port} ssh-ed25519",
        "[127.0.0.1]:{port} ssh-ed25519 ?not=base64",
        "|1|nothing",
        "|1|x|y ssh-ed25519 AAAA",
        "\udcff\udcfe ssh-ed25519 AAAA",
        "@revoked",
        "",
    ]
)


def test_lines_that_are_none(strange: SshServer, client: Client, link: Links) -> None:
    """What can't be read in a known_hosts file is passed over."""
    text = ODD_LINES.format(port=strange.port) + strange.known()
    client.known_hosts.write_bytes(text.encode(errors="surrogateescape"))
    assert link(strange.port).ask("echo in") == "in"


def test_a_file_that_can_not_be_read(strange: SshServer, client: Client, link: Links) -> None:
    """A known_hosts file that is a folder is named."""
    client.known_hosts.mkdir()
    assert told(link(strange.port)).startswith(f"{client.known_hosts}: can't be read (Is a directory);")


# jump hosts


@pytest.fixture(scope="module")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A jump host with a user of its own, started once."""
    with ssh_server(tmp_path_factory.mktemp("gate"), User("jumper", "Gate-11")) as server:
        yield server


@pytest.fixture
def gate(gatehouse: SshServer, client: Client) -> SshServer:
    """That jump host, which knows this test's client alone, and nobody of before."""
    gatehouse.log.write_text("")
    gatehouse.authorize("jumper", client.key)
    return gatehouse


def way(gate: SshServer, server: SshServer, more: str = "") -> str:
    return (
        f"Host gate\n  HostName 127.0.0.1\n  Port {gate.port}\n  User jumper\n"
        f"Host box\n  HostName 127.0.0.1\n  Port {server.port}\n  User trainer\n  ProxyJump gate\n{more}"
    )


def test_a_jump_host(gate: SshServer, server: SshServer, client: Client, link: Links) -> None:
    """A server behind a jump host is reached through it."""
    client.configure(way(gate, server))
    client.trust(gate.known())
    transport = link(host="box", user="")
    assert transport.ask("echo $SSH_CONNECTION; whoami >/dev/null; echo $USER").split()[-1] == "trainer"
    assert transport.address == f"trainer@127.0.0.1:{server.port}"
    assert "Accepted publickey for jumper" in gate.log.read_text()


def test_a_jump_host_that_is_unknown(
    gate: SshServer, server: SshServer, client: Client, link: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A jump host is verified like the server, and told which one it is."""
    monkeypatch.setenv("DLIM_PASSWORD_SSD", PASSWORD)
    client.configure(way(gate, server))
    assert told(link(host="box", user="")) == (
        f"ssd: its jump host [127.0.0.1]:{gate.port}: its host key is unknown;"
        " doit trust:ssd shows it; compare it, then --record"
    )
    assert "jumper" not in gate.log.read_text()


def test_a_server_behind_a_jump_host_that_is_unknown(
    gate: SshServer, strange: SshServer, client: Client, link: Links
) -> None:
    """The server behind a trusted jump host is verified, too."""
    client.configure(way(gate, strange))
    client.trust(gate.known())
    assert told(link(host="box", user="")).startswith(f"ssd: its host key is unknown (ED25519 {fingerprint(strange)})")


def test_a_chain_of_jump_hosts(gate: SshServer, server: SshServer, client: Client, link: Links, tmp_path: Path) -> None:
    """Jump hosts may follow one another, in one line and by their own settings."""
    with ssh_server(tmp_path / "inner", User("second")) as inner:
        inner.authorize("second", client.key)
        client.trust(gate.known(), inner.known())
        chained = way(gate, server).replace("ProxyJump gate", f"ProxyJump gate,second@127.0.0.1:{inner.port}")
        client.configure(chained)
        assert link(host="box", user="").ask("echo in") == "in"
        nested = way(gate, server).replace("ProxyJump gate", "ProxyJump inner")
        client.configure(
            f"{nested}Host inner\n  HostName 127.0.0.1\n  Port {inner.port}\n  User second\n  ProxyJump gate\n"
        )
        assert link(host="box", user="").ask("echo in") == "in"
        assert inner.log.read_text().count("Accepted publickey for second") == 2
        assert gate.log.read_text().count("Accepted publickey for jumper") == 2


def test_a_jump_host_on_the_server_itself(server: SshServer, client: Client, link: Links) -> None:
    """Jump host and server may be one machine: it is still gone through."""
    client.configure(
        f"Host gate\n  HostName 127.0.0.1\n  Port {server.port}\n  User trainer\n"
        f"Host box\n  HostName 127.0.0.1\n  Port {server.port}\n  User trainer\n  ProxyJump gate\n"
    )
    before = server.log.read_text().count("Accepted publickey")
    assert link(host="box").ask("echo in") == "in"
    assert server.log.read_text().count("Accepted publickey") == before + 2


@pytest.mark.parametrize("jumps", ["ProxyJump box", "ProxyJump gate\nHost gate\n  ProxyJump box\n", "ProxyJump a/b"])
def test_jump_hosts_that_lead_nowhere(client: Client, link: Links, jumps: str) -> None:
    """Hosts that lead to each other are a mistake in ~/.ssh/config."""
    client.configure(f"Host box\n  {jumps}")
    with pytest.raises(ConfigError, match=r"~/\.ssh/config: .*(loop|comes to ProxyJump gate again|Invalid ProxyJump)"):
        link(host="box").run("true")


def test_no_jump_host_after_all(server: SshServer, client: Client, link: Links) -> None:
    """ProxyJump none in front takes back what comes after it."""
    client.configure("Host 127.*\n  ProxyJump none\nHost *\n  ProxyJump nowhere.invalid\n")
    assert link(server.port).ask("echo in") == "in"


@pytest.mark.parametrize("name", ["ssd", "gate"])
def test_a_jump_host_is_given_no_password(
    gate: SshServer, server: SshServer, client: Client, link: Links, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A jump host is shown no password of ours, whatever it is called; OpenSSH asks nobody for one either."""
    monkeypatch.setenv(f"DLIM_PASSWORD_{name.upper()}", PASSWORD)
    client.key.unlink()
    client.configure(way(gate, server))
    client.trust(gate.known())
    with pytest.raises(LoginError, match=rf"{name}: its jump host jumper@127\.0\.0\.1 takes no key .*; ssh-copy-id"):
        link(name=name, host="box", user="").run("true")
    assert "Failed password" not in gate.log.read_text()


def test_a_jump_host_that_lets_nothing_through(server: SshServer, client: Client, link: Links, tmp_path: Path) -> None:
    """A jump host that forwards nothing is told, and so is one that can't reach the server."""
    settings = "AllowTcpForwarding no\n"
    with ssh_server(tmp_path / "gate", User("jumper"), settings=settings) as gate:
        gate.authorize("jumper", client.key)
        client.trust(gate.known())
        client.configure(way(gate, server))
        with pytest.raises(Unreachable) as caught:
            link(host="box", user="").run("true")
        assert str(caught.value).startswith(
            f"ssd: 127.0.0.1:{server.port} can't be reached from the jump host before it ("
        )
        assert "administratively prohibited" in str(caught.value)


def test_a_server_that_its_jump_host_can_not_reach(gate: SshServer, client: Client, link: Links) -> None:
    """A closed port behind a jump host is told as what it is."""
    port = free_port()
    client.trust(gate.known())
    client.configure(way(gate, gate).replace(f"Port {gate.port}\n  User trainer", f"Port {port}\n  User trainer"))
    with pytest.raises(
        Unreachable, match=rf"ssd: 127\.0\.0\.1:{port} can't be reached from the jump host before it \("
    ):
        link(host="box", user="").run("true")


def test_a_jump_host_that_falls_silent(
    gate: SshServer, server: SshServer, client: Client, link: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silence is noticed on each part of the way."""
    from dlim.servers import link as links

    monkeypatch.setattr(links, "PATIENCE", 4.0)
    for silent in (gate, server):
        with relay(silent.port) as between:
            client.trust(silent.known(f"[127.0.0.1]:{between.port}"), gate.known())
            client.configure(way(gate, server).replace(f"Port {silent.port}", f"Port {between.port}"))
            transport = link(host="box", user="")
            with pytest.raises(Unreachable, match="ssd: gave no sign of life for 4 s"):
                transport.run("echo begun; sleep 60", sink=lambda data, between=between: between.freeze())
            between.cut()
            between.thaw()
            assert transport.ask("echo back") == "back"


def test_a_program_that_makes_the_link(gate: SshServer, server: SshServer, client: Client, link: Links) -> None:
    """A ProxyCommand is run by a shell, and its host key is the server's."""
    client.trust(gate.known())
    options = f"-F none -i {client.key} -o UserKnownHostsFile={client.known_hosts} -p {gate.port}"
    ssh = f"ssh {options} -W %h:%p jumper@127.0.0.1"
    client.configure(way(gate, server).replace("ProxyJump gate", f"ProxyCommand {ssh} 2>/dev/null"))
    transport = link(host="box", user="")
    assert transport.ask("echo in") == "in"
    transport.close()
    client.configure(way(gate, server).replace("ProxyJump gate", "ProxyCommand echo 'no way' >&2; exit 1"))
    with pytest.raises(Unreachable, match=rf"ssd: 127\.0\.0\.1:{server.port} can't be reached \(no way\); "):
        link(host="box", user="").run("true")


# trust


def looked(server: SshServer, **settings: object) -> list[str]:
    """What is said of each machine on the way, as `name state`."""
    described = {"host": "127.0.0.1", "user": "trainer", "port": server.port, **settings}
    return [str(seen) for seen in look("ssd", Server(**described))]


def test_a_look_at_a_key(strange: SshServer, client: Client) -> None:
    """A look shows the key and what is thought of it, logs in nowhere, and changes nothing."""
    before = strange.log.read_text()
    address, shown = f"trainer@127.0.0.1:{strange.port}", f"ED25519 {fingerprint(strange)}"
    assert looked(strange) == [f"{address} {shown} unknown"]
    assert not client.known_hosts.exists()
    client.trust(strange.known())
    assert looked(strange) == [f"{address} {shown} known"]
    assert "Accepted" not in strange.log.read_text().removeprefix(before)
    client.trust("@revoked * " + strange.known().split(maxsplit=1)[1])
    assert looked(strange) == [f"{address} {shown} revoked"]


def record(port: int) -> list[str]:
    return [one.state for one in trust.record_all(look("ssd", Server("127.0.0.1", "trainer", port)))]


def test_a_key_is_recorded(strange: SshServer, client: Client, link: Links) -> None:
    """What was looked at and recorded is trusted, by OpenSSH as well, in a file for nobody else."""
    client.known_hosts.parent.rename(client.home / "kept")
    assert record(strange.port) == ["unknown"]
    assert client.known_hosts.read_text() == strange.known()
    assert client.known_hosts.stat().st_mode & 0o777 == 0o600
    assert client.known_hosts.parent.stat().st_mode & 0o777 == 0o700
    assert link(strange.port, identity_file="kept/id_ed25519").ask("echo in") == "in"
    assert record(strange.port) == []
    assert client.known_hosts.read_text() == strange.known()


def test_a_key_is_recorded_for_openssh_too(strange: SshServer, client: Client) -> None:
    """OpenSSH itself, as strict as can be, goes in by what was recorded."""
    client.configure("HashKnownHosts yes\n")
    client.trust("other.example ssh-ed25519 AAAA")  # without an end of its line
    record(strange.port)
    lines = client.known_hosts.read_text().splitlines()
    assert lines[0] == "other.example ssh-ed25519 AAAA"
    assert lines[1].startswith("|1|")
    options = [
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        f"UserKnownHostsFile={client.known_hosts}",
        "-o",
        "BatchMode=yes",
    ]
    command = ["ssh", "-F", "none", *options, "-i", client.key, "-p", str(strange.port), "trainer@127.0.0.1", "echo in"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "in\n"


def test_a_changed_key_is_replaced(client: Client, link: Links, tmp_path: Path) -> None:
    """A new key takes the place of the old one, and of nothing else; what others wrote stays byte for byte."""
    with ssh_server(tmp_path / "sshd", User("trainer")) as server:
        server.authorize("trainer", client.key)
        name, key = server.known().split(maxsplit=1)
        others = f"# remark é\n\nother.example {key}@cert-authority * {key}*.example ssh-rsa AAAA\n"
        client.known_hosts.write_bytes((others + f"a,{name},b {key}" + f"{name} {key}").encode() + b"\xff odd\n")
        client.known_hosts.chmod(0o644)
        server.change_keys()
        assert record(server.port) == ["changed"]
        assert (
            client.known_hosts.read_bytes() == f"{others}a,b {key}".encode() + b"\xff odd\n" + server.known().encode()
        )
        assert client.known_hosts.stat().st_mode & 0o777 == 0o644
        assert link(server.port).ask("echo in") == "in"


def test_a_hashed_key_is_replaced(client: Client, link: Links, tmp_path: Path) -> None:
    """The same where OpenSSH has hashed the names."""
    with ssh_server(tmp_path / "sshd", User("trainer")) as server:
        server.authorize("trainer", client.key)
        client.trust("other.example " + server.known().split(maxsplit=1)[1], server.known())
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", client.known_hosts], check=True, capture_output=True)
        first = client.known_hosts.read_text().splitlines()[0]
        server.change_keys()
        assert record(server.port) == ["changed"]
        assert client.known_hosts.read_text() == f"{first}\n{server.known()}"
        assert link(server.port).ask("echo in") == "in"


def test_a_known_hosts_file_that_is_a_link(strange: SshServer, client: Client) -> None:
    """A known_hosts that is kept elsewhere stays there."""
    (client.home / "kept").write_text("# kept\n")
    client.known_hosts.symlink_to(client.home / "kept")
    record(strange.port)
    assert client.known_hosts.is_symlink()
    assert (client.home / "kept").read_text() == f"# kept\n{strange.known()}"


def test_a_revoked_key_is_not_recorded(strange: SshServer, client: Client) -> None:
    """A key that was revoked can't be trusted in this way."""
    client.trust("@revoked * " + strange.known().split(maxsplit=1)[1])
    before = client.known_hosts.read_text()
    with pytest.raises(HostKeyError, match=r"127.0.0.1: its host key ED25519 SHA256:\S+ is revoked; ask"):
        record(strange.port)
    assert client.known_hosts.read_text() == before


def test_a_file_that_can_not_be_written(strange: SshServer, client: Client) -> None:
    """Where nothing can be recorded, that is said."""
    client.configure("UserKnownHostsFile none\n")
    with pytest.raises(HostKeyError, match=r"127.0.0.1: has no file to be recorded in; see UserKnownHostsFile"):
        record(strange.port)
    (client.home / "file").touch()
    client.configure("UserKnownHostsFile ~/file/below\n")
    with pytest.raises(HostKeyError, match=r"file/below: can't be (read|written) \((Not a directory|File exists)\)"):
        record(strange.port)


def test_trust_goes_step_by_step(gate: SshServer, strange: SshServer, client: Client, link: Links) -> None:
    """A server behind a jump host is looked at when that one is trusted, and not before."""
    client.configure(way(gate, strange))
    box = Server("box")
    first = look("ssd", box)
    assert [seen.state for seen in first] == ["unknown", "hidden"]
    assert str(first[1]) == (
        f"trainer@127.0.0.1:{strange.port} can be looked at when the jump host before it is trusted"
    )
    assert [seen.host.name for seen in trust.record_all(first)] == ["gate"]
    second = look("ssd", box)
    assert [seen.state for seen in second] == ["known", "unknown"]
    trust.record_all(second)
    assert [seen.state for seen in look("ssd", box)] == ["known", "known"]
    assert link(host="box", user="").ask("echo in") == "in"


def test_a_look_at_nothing(client: Client) -> None:
    """A machine that isn't there can't be looked at, and that is said as ever."""
    with pytest.raises(Unreachable, match="ssd: nothing listens at"):
        look("ssd", Server("127.0.0.1", "trainer", free_port()))
