"""Who a host is: what `ssh -G` says, and what ssh itself does, on a folder of odd configurations."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from dlim.config import Server
from dlim.errors import ConfigError, WorkspaceError
from dlim.servers.openssh import way
from tests.servers.conftest import Links
from tests.sshd import Client, SshServer, agent, make_key, public

CONFIGS = Path(__file__).parent / "configs"


def openssh(client: Client, host: str) -> Mapping[str, str]:
    """What `ssh -G` makes of the client's configuration for a host; the first of several values."""
    command = ["ssh", "-F", client.home / ".ssh/config", "-G", "--", host]
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    return {key: value for key, _, value in (line.partition(" ") for line in reversed(done.stdout.splitlines()))}


@pytest.mark.parametrize("config", sorted(path.name for path in CONFIGS.iterdir()))
def test_a_configuration_means_what_openssh_takes_it_for(
    config: str, server: SshServer, client: Client, link: Links
) -> None:
    """Host, port, user, key names and agent are those of ssh, which gets in where dlim does, and as the same user."""
    for folder in ("d/old", "keys"):
        (client.home / ".ssh" / folder).mkdir(parents=True)
    (client.home / ".ssh/d/part.conf").write_bytes(b"# M\xfcller\nHost box\n  HashKnownHosts yes\n")
    text = (CONFIGS / config).read_bytes().replace(b"PORT", str(server.port).encode())
    (client.home / ".ssh/config").write_bytes(text.replace(b"HOME", str(client.home).encode()))
    *_, host = way(Server("box"))
    theirs = openssh(client, "box")
    assert (host.host, host.port, host.user) == (theirs["hostname"], int(theirs["port"]), theirs["user"])
    assert host.known_as == theirs.get("hostkeyalias", f"[127.0.0.1]:{server.port}")
    options = ["-o", f"UserKnownHostsFile={client.known_hosts}", "-o", "BatchMode=yes", "-i", client.key]
    command = ["ssh", "-F", client.home / ".ssh/config", *options, "box", "echo $USER"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.stdout == "trainer\n", done.stderr
    transport = link(host="box", user="")
    assert transport.ask("echo $USER") == "trainer"
    transport.close()


def test_servers_toml_comes_first(client: Client) -> None:
    """What servers.toml says counts before ~/.ssh/config, for the server and not for its jump hosts."""
    client.configure("Host *\n  User theirs\n  Port 2200\nHost box\n  ProxyJump gate\n  IdentityFile ~/.ssh/theirs\n")
    gate, box = way(Server("box", user="ours", port=22, identity_file="ours"))
    assert (box.name, box.jump, box.user, box.port, box.keys) == ("box", False, "ours", 22, (client.home / "ours",))
    assert (gate.name, gate.jump, gate.user, gate.port) == ("gate", True, "theirs", 2200)
    assert client.home / ".ssh/id_ed25519" in gate.keys


def test_a_match_sees_what_servers_toml_says(client: Client) -> None:
    """A Match for a user holds for the user of servers.toml."""
    client.configure("Match user ours\n  Port 2201\n")
    assert way(Server("box", user="ours"))[-1].port == 2201
    assert way(Server("box", user="other"))[-1].port == 22


def test_no_configuration(client: Client) -> None:
    """Without any, a host is what it is called, and its files are below $HOME."""
    [host] = way(Server("Trainer.Example.org", user="me"))
    assert (host.port, host.user, host.known_as) == (22, "me", "trainer.example.org")
    assert host.own_hosts == (client.home / ".ssh/known_hosts", client.home / ".ssh/known_hosts2")
    [host] = way(Server("fe80::1", user="me", port=2200))
    assert (host.address, host.known_as) == ("me@[fe80::1]:2200", "[fe80::1]:2200")


def test_files_with_tokens_and_blanks(client: Client) -> None:
    """Tokens, variables and blanks in the names of files are as ssh has them."""
    client.configure(
        'Host box\n  User me\n  IdentityFile ~/.ssh/%r-%n\n  IdentityFile "%d/a b"\n  IdentityAgent ~/s/%p\n'
        '  UserKnownHostsFile ~/none "%d/mine file"\n  CertificateFile ${HOME}/c\n'
    )
    [host] = way(Server("box"))
    home = client.home
    assert host.keys == (home / ".ssh/me-box", home / "a b")
    assert host.own_hosts == (home / "none", home / "mine file")
    assert (host.certificates, host.agent) == ((home / "c",), str(home / "s/22"))


JUMPS = [
    pytest.param("gate", [("gate", "me", 22)], id="a name"),
    pytest.param("you@gate:2200", [("gate", "you", 2200)], id="user and port"),
    pytest.param("ssh://you@gate:2200", [("gate", "you", 2200)], id="an address of its own kind"),
    pytest.param("you@[fe80::1]:2200", [("fe80::1", "you", 2200)], id="IPv6"),
    pytest.param("one,two@2nd,3rd:3", [("one", "me", 22), ("2nd", "two", 22), ("3rd", "me", 3)], id="a chain"),
    pytest.param("none", [], id="none"),
]


@pytest.mark.parametrize(("jump", "hosts"), JUMPS)
def test_jump_hosts(client: Client, jump: str, hosts: list[tuple[str, str, int]]) -> None:
    """ProxyJump is read in every form that it may have."""
    client.configure(f"Host box\n  ProxyJump {jump}\nHost *\n  User me\n")
    *found, last = way(Server("box"))
    assert [(host.host, host.user, host.port) for host in found] == hosts
    assert last.host == "box"
    assert bool(last.link) == bool(hosts)


BAD = [
    pytest.param("Host box\n  Port two\n", "config line 2: Bad", id="a port"),
    pytest.param('Host "box\n', "quotes", id="half a quote"),
    pytest.param("nonsense\n", "nonsense", id="no setting"),
    pytest.param("Match host\n", "Match", id="half a Match"),
]


@pytest.mark.parametrize(("text", "fault"), BAD)
def test_what_ssh_can_not_follow(client: Client, text: str, fault: str) -> None:
    """A mistake in ~/.ssh/config is a line, in ssh's own words."""
    client.configure(text)
    with pytest.raises(ConfigError, match=r"^~/\.ssh/config: ssh can't follow it \(.*\); correct it$") as caught:
        way(Server("box"))
    assert fault in str(caught.value)


def test_a_machine_without_ssh(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no ssh program, that is one line."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorkspaceError) as caught:
        way(Server("box"))
    assert str(caught.value) == "ssh: is not installed on this machine; install openssh-client"


def test_an_agent_that_ssh_config_names(trainer_server: SshServer, client: Client, link: Links, tmp_path: Path) -> None:
    """IdentityAgent is the agent that is asked, and with none nobody is."""
    client.trust(trainer_server.known())
    client.key.unlink()
    key = make_key(tmp_path / "held")
    trainer_server.authorize("trainer", key)
    with agent(key) as path:
        key.unlink()
        client.configure(f'Host *\n  IdentityAgent "{path}"\n')
        assert link(trainer_server.port).ask("echo in") == "in"
        os.environ["SSH_AUTH_SOCK"] = str(path)  # taken back with the client's own
        client.configure("Host *\n  IdentityAgent none\n")
        with pytest.raises(Exception, match="wants a key of trainer, and there is none"):
            link(trainer_server.port).run("true")


def test_a_host_that_an_authority_vouches_for(
    trainer_server: SshServer, client: Client, link: Links, tmp_path: Path
) -> None:
    """A @cert-authority line trusts the hosts whose certificate it signed, and no others, as in OpenSSH."""
    from tests.sshd import User, ssh_server

    authority = make_key(tmp_path / "ca")
    trainer_server.authorize("trainer", client.key)
    client.trust(f"@cert-authority * {public(authority)}\n")
    with pytest.raises(Exception, match="its host key is unknown"):
        link(trainer_server.port).run("true")
    folder = tmp_path / "sshd"
    with ssh_server(folder, User("trainer")) as server:
        server.authorize("trainer", client.key)
        key = folder / "host_ed25519.pub"
        sign = ["ssh-keygen", "-q", "-s", authority, "-I", "box", "-h", "-n", "127.0.0.1", key]
        subprocess.run(sign, check=True)
        settings = folder / "sshd_config"
        settings.write_text(f"HostCertificate {folder}/host_ed25519-cert.pub\n{settings.read_text()}")
        server.stop()
        server.start()
        assert link(server.port).ask("echo in") == "in"


def test_a_key_that_revoked_host_keys_names(server: SshServer, client: Client, link: Links, tmp_path: Path) -> None:
    """A key in the file of RevokedHostKeys, a list or a KRL, is refused though it is known."""
    listed, krl = tmp_path / "list", tmp_path / "krl"
    listed.write_text(server.known().split(maxsplit=1)[1])
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", krl, listed], check=True)
    for file in (listed, krl):
        client.configure(f"RevokedHostKeys {file}\n")
        with pytest.raises(Exception, match="its host key is revoked"):
            link(server.port).run("true")
