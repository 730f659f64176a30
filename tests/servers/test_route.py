"""The way to a server, and ~/.ssh/config as OpenSSH itself understands it."""

from __future__ import annotations

import io
import subprocess

import pytest

from dlim.config import Server
from dlim.errors import ConfigError
from dlim.servers.route import way
from tests.sshd import Client


def openssh(client: Client, host: str) -> dict[str, str]:
    """What `ssh -G` makes of the client's configuration for a host."""
    command = ["ssh", "-F", client.home / ".ssh/config", "-G", host]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {key: value for key, _, value in (line.partition(" ") for line in reversed(done.stdout.splitlines()))}


CONFIGS = [
    pytest.param("Host box\n  HostName real.example\n  Port 2200\n  User me\n", id="an alias"),
    pytest.param("Host box\n  HostName %h.example\n", id="a name made of the alias"),
    pytest.param("Host=box\n\tHostName=real.example\n\tport = 2200\n", id="equals signs"),
    pytest.param('Host "box"\n  HostName "real.example"\n', id="quotes"),
    pytest.param("host BOX box\n  HOSTNAME real.example\n", id="any case of keys"),
    pytest.param("User all\nHost box\n  User me\n", id="the first value counts"),
    pytest.param("Host *\n  User all\nHost box\n  User me\n  Port 2200\n", id="patterns before"),
    pytest.param("Host b?x !box\n  User no\nHost b*\n  User me\n", id="patterns that exclude"),
    pytest.param("Match host box\n  User me\nMatch all\n  Port 2200\n", id="Match host and all"),
    pytest.param("Host box\n  HostName real\nMatch host real\n  User me\n", id="Match sees the real name"),
    pytest.param("Host box\n  HostName real\nMatch originalhost box\n  User me\n", id="Match sees the alias"),
    pytest.param("Match exec true\n  User me\nMatch exec false\n  User no\n  Port 1\n", id="Match exec"),
    pytest.param("Match host other\n  User no\nMatch host *,!nix\n  User me\n", id="Match with patterns"),
    pytest.param("Include more\nHost box\n  Port 1\n", id="an included file"),
    pytest.param("Host box\n  Port 1\nInclude more\n", id="an included file at the end"),
    pytest.param("Host other\n  User no\n  Include more\n", id="an included file in a block that doesn't count"),
    pytest.param("Host b*\n  Include more\n  User me\nHost *\n  User no\n", id="an included file in one that does"),
    pytest.param("Host box\n  Include more\n  User after\n", id="what comes after an included file"),
    pytest.param("Match host b*\n  Include more\n", id="an included file in a Match"),
    pytest.param("Match host other\n  Include more\n  Port 1\nHost *\n  Port 2\n", id="in one that doesn't count"),
    pytest.param("Include part*\nUser all\n", id="a pattern for included files"),
    pytest.param("Include none nothing/*.conf more\n", id="included files that aren't there"),
    pytest.param("Include ~/deep/outer\n", id="an included file that includes"),
    pytest.param("Include more deep/../part2\n", id="several included files"),
]

INCLUDED = {
    ".ssh/more": "Host box\n  Port 2222\n  User included\nHost other\n  User wrong\n",
    ".ssh/part1": "Host box\n  Port 1111\n",
    ".ssh/part2": "Host *\n  Port 9999\n  User part\n",
    "deep/outer": "Host b*\n  User outer\n  Include {home}/deep/inner\n",
    "deep/inner": "Host other\n  Port 1\nHost box\n  Port 3333\n",
}


@pytest.mark.parametrize("config", CONFIGS)
def test_hosts_are_what_openssh_takes_them_for(client: Client, monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """Host, port and user are those that ssh would use."""
    monkeypatch.setattr("sys.stdin", io.StringIO())  # what Match exec runs is given that of this process
    for name, text in INCLUDED.items():
        path = client.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.format(home=client.home))
    # ssh itself takes ~ and relative names from the user's entry in passwd, and not from $HOME
    absolute = config.replace("~", str(client.home)).replace("Include ", f"Include {client.home}/.ssh/", 1)
    client.configure(config)
    [hop] = way(Server("box"))
    words = []
    for word in absolute.split("\n"):
        if "Include" in word:
            names = config.split("Include ")[1].split("\n")[0].split()
            paths = [
                name.replace("~", str(client.home)) if "~" in name else f"{client.home}/.ssh/{name}" for name in names
            ]
            word = word.split("Include")[0] + "Include " + " ".join(paths)
        words.append(word)
    client.configure("\n".join(words))
    theirs = openssh(client, "box")
    assert (hop.host, hop.port, hop.user) == (theirs["hostname"], int(theirs["port"]), theirs["user"])


def test_servers_toml_comes_first(client: Client) -> None:
    """What servers.toml says counts before ~/.ssh/config, for the server and not for its jump hosts."""
    client.configure("Host *\n  User theirs\n  Port 2200\nHost box\n  ProxyJump gate\n  IdentityFile ~/.ssh/theirs\n")
    gate, box = way(Server("box", user="ours", port=22, identity_file="ours"))
    assert (box.name, box.jump, box.user, box.port, box.keys) == ("box", False, "ours", 22, (client.home / "ours",))
    assert (gate.name, gate.jump, gate.user, gate.port) == ("gate", True, "theirs", 2200)
    assert gate.keys == tuple(client.home / f".ssh/id_{kind}" for kind in ("ed25519", "ecdsa", "rsa"))


def test_no_configuration(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any, a host is what it is called."""
    monkeypatch.setenv("LOGNAME", "somebody")
    [hop] = way(Server("Trainer.Example.org"))
    assert (hop.host, hop.port, hop.user) == ("Trainer.Example.org", 22, "somebody")
    assert (hop.known_as, hop.also_known_as) == ("trainer.example.org", "")
    assert hop.own_hosts == (client.home / ".ssh/known_hosts", client.home / ".ssh/known_hosts2")
    assert hop.address == "somebody@Trainer.Example.org:22"


def test_an_address_with_colons(client: Client) -> None:
    """An IPv6 address stands in brackets before a port."""
    [hop] = way(Server("fe80::1", user="me", port=2200))
    assert (hop.address, hop.known_as) == ("me@[fe80::1]:2200", "[fe80::1]:2200")


JUMPS = [
    pytest.param("gate", [("gate", "me", 22)], id="a name"),
    pytest.param("you@gate:2200", [("gate", "you", 2200)], id="user and port"),
    pytest.param("ssh://you@gate:2200", [("gate", "you", 2200)], id="an address of its own kind"),
    pytest.param("you@[fe80::1]:2200", [("fe80::1", "you", 2200)], id="IPv6"),
    pytest.param("one, two@2nd,3rd:3", [("one", "me", 22), ("2nd", "two", 22), ("3rd", "me", 3)], id="a chain"),
    pytest.param("none", [], id="none"),
]


@pytest.mark.parametrize(("jump", "hops"), JUMPS)
def test_jump_hosts(client: Client, jump: str, hops: list[tuple[str, str, int]]) -> None:
    """ProxyJump is read in every form that it may have."""
    client.configure(f"Host box\n  ProxyJump {jump}\nHost *\n  User me\n")
    *found, last = way(Server("box"))
    assert [(hop.host, hop.user, hop.port) for hop in found] == hops
    assert last.host == "box"


BAD = [
    pytest.param("Host box\n  Port two\n", "~/.ssh/config: Port two is no number; correct it", id="a port"),
    pytest.param('Host "box\n', r"{home}/.ssh/config: can't be followed (", id="half a quote"),
    pytest.param("nonsense\n", "{home}/.ssh/config: can't be followed (Unparsable line nonsense)", id="no setting"),
    pytest.param("Include config\n", "{home}/.ssh/config: can't be followed (", id="a file that includes itself"),
    pytest.param("Match host\n", "{home}/.ssh/config: can't be followed (", id="half a Match"),
]


@pytest.mark.parametrize(("text", "fault"), BAD)
def test_what_can_not_be_followed(client: Client, text: str, fault: str) -> None:
    """A mistake in ~/.ssh/config is a line with what it is."""
    client.configure(text)
    with pytest.raises(ConfigError) as caught:
        way(Server("box"))
    assert str(caught.value).startswith(fault.format(home=client.home))
    assert "\n" not in str(caught.value)
