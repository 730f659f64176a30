"""known_hosts as OpenSSH itself reads it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlim.config import Server
from dlim.servers import known_hosts
from dlim.servers.known_hosts import HostKey
from dlim.servers.route import Hop, way
from tests.sshd import Client, make_key, public


@pytest.fixture
def hop(client: Client) -> Hop:
    [found] = way(Server("box.example"))
    return replace(found, global_hosts=())


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    return public(make_key(tmp_path_factory.mktemp("key") / "key"))


def found_by_openssh(path: Path, name: str) -> bool:
    """Whether OpenSSH finds a host in a file."""
    return not subprocess.run(["ssh-keygen", "-F", name, "-f", path], capture_output=True, check=False).returncode


names = st.lists(
    st.one_of(
        st.sampled_from(
            ["box.example", "[box.example]:2200", "*", "!*", "box.*", "!box.example", "b?x.example", "BOX.example"]
        ),
        st.text("box.example[]:20*?!", min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=3,
).map(",".join)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=names, host=st.sampled_from(["box.example", "[box.example]:2200", "box"]), hashed=st.booleans())
def test_names_mean_what_openssh_takes_them_for(
    hop: Hop, key: str, tmp_path: Path, names: str, host: str, hashed: bool
) -> None:
    """A line is for the hosts that OpenSSH takes it for: names, patterns, those left out, hashes."""
    path = tmp_path / "known_hosts"
    path.write_text(f"{names} {key}\n")
    if hashed:
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], capture_output=True, check=False)
    here = replace(hop, known_as=host, also_known_as="", own_hosts=(path,))
    shown = known_hosts.types(here) == ["ssh-ed25519"]
    assert shown == found_by_openssh(path, host)


def test_a_fingerprint_is_openssh_s(tmp_path: Path) -> None:
    """Fingerprints can be compared with those that ssh-keygen shows."""
    import base64

    for kind, name in (("ed25519", "ED25519"), ("ecdsa", "ECDSA"), ("rsa", "RSA")):
        path = make_key(tmp_path / kind, kind)
        type_, blob = public(path).split()
        done = subprocess.run(["ssh-keygen", "-l", "-f", path], capture_output=True, text=True, check=True)
        assert str(HostKey(type_, base64.b64decode(blob))) == f"{name} {done.stdout.split()[1]}"


@pytest.mark.parametrize("hashed", [False, True])
def test_what_is_recorded_is_found_by_openssh(hop: Hop, key: str, tmp_path: Path, hashed: bool) -> None:
    """A line of ours is one of OpenSSH's, with and without a hash."""
    import base64

    path = tmp_path / "known_hosts"
    here = replace(hop, known_as="[box.example]:2200", own_hosts=(path,), hashed=hashed)
    type_, blob = key.split()
    known_hosts.record(here, HostKey(type_, base64.b64decode(blob)))
    assert found_by_openssh(path, "[box.example]:2200")
    assert not found_by_openssh(path, "box.example")
    assert ("box" in path.read_text()) != hashed
    assert known_hosts.state(here, HostKey(type_, base64.b64decode(blob))) == "known"
