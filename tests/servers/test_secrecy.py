"""Passwords: they are in no error, no log, no representation, no command line and no child's environment."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import traceback
from pathlib import Path

import psutil
import pytest

from dlim.errors import DlimError
from tests.servers.conftest import PASSWORD
from tests.sshd import Client, SshServer

ROOT = Path(__file__).parents[2]

WRONG = "Falsch-48"

CODE = """
import gc, logging, os, sys, traceback
from pathlib import Path
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
logging.getLogger("paramiko").setLevel(logging.DEBUG)
from dlim.config import Server
from dlim.errors import DlimError
from dlim.servers import connect
from dlim.servers import link
logging.getLogger("paramiko").setLevel(logging.DEBUG)
logging.getLogger("paramiko.transport").setLevel(logging.DEBUG)
server = Server("127.0.0.1", "trainer", int(sys.argv[1]), password_file=sys.argv[2])
print(server)
for script in ("env; ps axww 2>/dev/null; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\\\0' ' '", "exit 3"):
    with connect("ssd", {"ssd": server}, Path()) as transport:
        try:
            print(transport.ask(script), repr(transport), vars(transport))
            passage = transport._passage
            connection = passage._connection
            print(vars(passage), repr(connection), connection.config, connection.connect_kwargs)
            print(vars(connection.client))
        except DlimError:
            traceback.print_exc()
local = connect("here", {}, Path("standing").absolute())
print(local.ask("env"))
for thing in gc.get_objects():
    # str, as some type's __module__ is a descriptor
    if str(type(thing).__module__).split(".")[0] in ("dlim", "fabric", "invoke", "paramiko"):
        print(repr(thing))
"""


@pytest.mark.parametrize("password", [PASSWORD, WRONG], ids=["right", "wrong"])
@pytest.mark.parametrize("way", ["environment", "file"])
def test_a_password_is_shown_nowhere(
    trainer_server: SshServer, client: Client, tmp_path: Path, password: str, way: str
) -> None:
    """Right or wrong, with all logs and invoke's own debugging on: no output has the password."""
    client.trust(trainer_server.known())
    client.key.unlink()
    (client.home / "secret").write_text(password)
    (client.home / "secret").chmod(0o600)
    environment = {
        **os.environ,
        "INVOKE_DEBUG": "1",
        "FABRIC_DEBUG": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    file = "secret"
    if way == "environment":
        environment["DLIM_PASSWORD_SSD"] = password
        file = ""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", CODE, str(trainer_server.port), file],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr + trainer_server.log.read_text()
    assert "password" in said  # the logs were on
    assert password not in said
    assert "DLIM_PASSWORD" not in done.stdout
    if password == PASSWORD:
        assert "LOGNAME=trainer" in done.stdout
    else:
        assert "ssd: refuses the password of trainer; correct it" in done.stderr


def test_a_password_is_in_no_command_line(
    trainer_server: SshServer, client: Client, link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a link is used, no process on the machine has the password among its arguments."""
    monkeypatch.setenv("DLIM_PASSWORD_SSD", PASSWORD)
    client.trust(trainer_server.known())
    client.key.unlink()
    seen: list[str] = []

    def look(data: bytes) -> None:
        for process in psutil.process_iter():
            try:
                seen.extend(process.cmdline())
            except psutil.Error:
                continue

    link(trainer_server.port).run("echo begun; sleep 0.2", sink=look)
    assert seen
    assert not [word for word in seen if PASSWORD in word]


def test_a_traceback_with_its_variables(
    trainer_server: SshServer, client: Client, link, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it in the error itself, or in what led to it."""
    monkeypatch.setenv("DLIM_PASSWORD_SSD", WRONG)
    client.trust(trainer_server.known())
    with pytest.raises(DlimError) as caught:
        link(trainer_server.port).run("true")
    error: BaseException | None = caught.value
    while error is not None:
        assert WRONG not in "".join(traceback.format_exception(error))
        assert WRONG not in repr(error)
        error = error.__cause__ or error.__context__
    gc.collect()
