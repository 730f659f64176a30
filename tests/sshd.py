"""Real ssh servers on this machine for tests, and a relay that cuts, freezes and delays what it carries."""

from __future__ import annotations

import ctypes
import os
import queue
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

SSHD = Path("/usr/sbin/sshd")

BOUND = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.getuid() == 0 else ()
"""In front of a command: it may do what the mode of a file says, and no more, even as root."""

PATIENCE = 120.0
"""Seconds after which a test gives up to wait for what must come."""


def wait_for(condition: Callable[[], object], what: str = "it") -> None:
    """Wait until something is the case."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A key pair; the path of its private half."""
    bits = ["-b", "2048"] if kind == "rsa" else []  # the usual 3072 take seconds to find
    command = ["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", path.name, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def public(key: Path) -> str:
    """The type and the public half of a key, as known_hosts and authorized_keys have them."""
    return " ".join(key.with_name(f"{key.name}.pub").read_text().split()[:2])


def _crypted(password: str) -> str:
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    return str(crypt(password.encode(), b"$6$rounds=1000$salt$").decode())


def _nss_wrapper() -> Path:
    found = sorted(Path("/usr/lib").glob("**/libnss_wrapper.so*"))
    if not found:
        pytest.skip("libnss-wrapper isn't installed")
    return found[0]


@dataclass(frozen=True)
class User:
    """Somebody who can log in to a server. Without a password, by key alone."""

    name: str
    password: str = ""
    shell: str = "/bin/sh"


class SshServer:
    """An OpenSSH server on a loopback port, with users of its own; as root or not, and without touching /etc."""

    def __init__(
        self,
        folder: Path,
        *users: User,
        settings: str = "",
        key_types: tuple[str, ...] = ("ed25519",),
        under: tuple[str, ...] = (),
    ) -> None:
        if not SSHD.exists():
            pytest.skip("openssh-server isn't installed")
        self.folder = folder
        self.port = free_port()
        self.log = folder / "log"
        self._under = under
        self._keys = [make_key(folder / f"host_{kind}", kind) for kind in key_types]
        self._environment = self._named(users)
        self._configure(settings)
        self.start()

    def home(self, user: str) -> Path:
        """The home of a user."""
        return self.folder / "home" / user

    def authorize(self, user: str, key: Path) -> None:
        """Let whoever has a key log in."""
        with (self.home(user) / ".ssh/authorized_keys").open("a") as file:
            file.write(public(key) + "\n")

    def known(self, host: str = "", *, kind: str = "") -> str:
        """The lines for known_hosts: of all its keys, or of one type. host: its name there, if it isn't the usual."""
        name = host or f"[127.0.0.1]:{self.port}"
        return "".join(f"{name} {public(key)}\n" for key in self._keys if kind in key.name)

    def change_keys(self) -> None:
        """Be another machine on the same port."""
        self.stop()
        for key in self._keys:
            key.unlink()
            make_key(key, key.name.removeprefix("host_"))
        self.start()

    def start(self) -> None:
        """Listen, and return when it does."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._under, "setpriv", "--pdeathsig", "TERM", SSHD, "-D", "-e", "-f", self.folder / "sshd_config"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(self._is_listening, f"sshd: {self.log.read_text()}")

    def drop(self) -> None:
        """End all that is connected, as when the machine's ssh service is restarted; the scripts there go on."""
        for session in psutil.Process(self._process.pid).children():
            with suppress(psutil.NoSuchProcess):
                for process in (session, *session.children()):
                    if process.name().startswith("sshd"):
                        process.kill()

    def stop(self) -> None:
        """Listen no more, and end what is connected."""
        if self._process.poll() is None:
            self.drop()
            self._process.kill()
            self._process.wait()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Not there for as long as the block lasts."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def _is_listening(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                return link.recv(4) == b"SSH-"
        except OSError:
            return False

    def _named(self, users: tuple[User, ...]) -> Mapping[str, str]:
        """Make the users' homes; the environment in which the server knows them."""
        ids = f"{os.getuid()}:{os.getgid()}"
        lines = [f"sshd:*:{ids}:::/usr/sbin/nologin\n"]
        for user in users:
            home = self.home(user.name)
            (home / ".ssh").mkdir(parents=True)
            crypted = _crypted(user.password) if user.password else "*"
            lines.append(f"{user.name}:{crypted}:{ids}::{home}:{user.shell}\n")
        (self.folder / "passwd").write_text("".join(lines))
        (self.folder / "group").write_text(f"users:x:{os.getgid()}:\n")
        names = {"NSS_WRAPPER_PASSWD": str(self.folder / "passwd"), "NSS_WRAPPER_GROUP": str(self.folder / "group")}
        return {"PATH": os.environ["PATH"], "LD_PRELOAD": str(_nss_wrapper()), **names}

    def _configure(self, settings: str) -> None:
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        keys = "".join(f"HostKey {key}\n" for key in self._keys)
        # the first of two settings counts: the test's own come in front
        (self.folder / "sshd_config").write_text(
            f"{settings}\n{keys}ListenAddress 127.0.0.1\nPort {self.port}\nPidFile none\nUsePAM no\nStrictModes no\n"
            f"PermitRootLogin yes\nAuthorizedKeysFile {self.folder}/home/%u/.ssh/authorized_keys\n"
            "PasswordAuthentication yes\nMaxStartups 100\n"
        )


@contextmanager
def ssh_server(
    folder: Path,
    *users: User,
    settings: str = "",
    key_types: tuple[str, ...] = ("ed25519",),
    under: tuple[str, ...] = (),
) -> Iterator[SshServer]:
    """A server for as long as the block lasts, in a folder of its own; under: what comes in front of its command."""
    folder.mkdir(parents=True, exist_ok=True)
    server = SshServer(folder, *users, settings=settings, key_types=key_types, under=under)
    try:
        yield server
    finally:
        server.stop()


class Client:
    """The home of somebody who runs dlim: a key, ~/.ssh/config and known_hosts."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        if not shutil.which("ssh-keygen"):
            pytest.skip("openssh-client isn't installed")
        self.home = home
        (home / ".ssh").mkdir(parents=True, mode=0o700)
        self.key = make_key(home / ".ssh/id_ed25519")
        self.known_hosts = home / ".ssh/known_hosts"
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    def configure(self, text: str) -> None:
        """Write ~/.ssh/config."""
        (self.home / ".ssh/config").write_text(text)

    def trust(self, *lines: str) -> None:
        """Add lines to known_hosts."""
        with self.known_hosts.open("a") as file:
            file.writelines(lines)


class Relay:
    """A port that leads to another one, and can be told to lose, hold up or delay what goes through.

    delay: seconds that all takes in each direction. up, down: bytes carried to the other port, and back, in all.
    """

    def __init__(self, to: int) -> None:
        self.delay = 0.0
        self.up = self.down = 0
        self._to = to
        self._limits: dict[str, tuple[int, str]] = {}
        self._links: list[socket.socket] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection that there is; new ones are carried again."""
        links, self._links = self._links, []
        for link in links:
            with suppress(OSError):
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def cut_after(self, count: int, way: str) -> None:
        """Break every connection when so many more bytes have gone "up" or "down"."""
        self._limits[way] = (getattr(self, way) + count, "cut")

    def freeze(self) -> None:
        """Carry nothing any more, and go on taking what comes, as far as the kernel does."""
        self._flowing.clear()

    def freeze_after(self, count: int, way: str) -> None:
        """Freeze when so many more bytes have gone "up" or "down"."""
        self._limits[way] = (getattr(self, way) + count, "freeze")

    def carry_all(self) -> None:
        """Forget what was to happen after so many bytes."""
        self._limits.clear()

    def thaw(self) -> None:
        """Carry what has been held up, and what comes."""
        self._flowing.set()

    def close(self) -> None:
        """End it."""
        self._listener.close()
        self.cut()
        self.thaw()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            try:
                there = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                here.close()
                continue
            for link in (here, there):
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._links += [here, there]
            self._carry(here, there, "up")
            self._carry(there, here, "down")

    def _carry(self, source: socket.socket, target: socket.socket, way: str) -> None:
        held: queue.Queue[tuple[float, bytes]] = queue.Queue(4096)
        threading.Thread(target=self._take, args=(source, held), daemon=True).start()
        threading.Thread(target=self._give, args=(target, held, way), daemon=True).start()

    def _take(self, source: socket.socket, held: queue.Queue[tuple[float, bytes]]) -> None:
        data = b"."
        while data:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b""
            held.put((time.monotonic() + self.delay, data))

    def _give(self, target: socket.socket, held: queue.Queue[tuple[float, bytes]], way: str) -> None:
        while True:
            due, data = held.get()
            time.sleep(max(0, due - time.monotonic()))
            self._flowing.wait()
            with suppress(OSError):
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                self._limited(target, data, way)

    def _limited(self, target: socket.socket, data: bytes, way: str) -> None:
        limit, done = self._limits.get(way, (0, ""))
        before = max(0, limit - getattr(self, way)) if done else len(data)
        target.sendall(data[:before])
        setattr(self, way, getattr(self, way) + min(before, len(data)))
        if before <= len(data) and done:
            del self._limits[way]
            (self.cut if done == "cut" else self.freeze)()
            self._flowing.wait()
            target.sendall(data[before:])


@contextmanager
def relay(to: int) -> Iterator[Relay]:
    """A relay for as long as the block lasts."""
    made = Relay(to)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def unanswering() -> Iterator[int]:
    """A port that answers nobody who knocks, as a machine that is switched off."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = int(listener.getsockname()[1])
        waiting = []
        for _ in range(8):  # until its queue is full
            link = socket.socket()
            link.setblocking(False)
            link.connect_ex(("127.0.0.1", port))
            waiting.append(link)
        yield port
        for link in waiting:
            link.close()


@contextmanager
def answering(said: bytes, close: bool = False) -> Iterator[int]:
    """A port where somebody says something, and then no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        links = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    links.append(link)
                    link.sendall(said)
                    if close:
                        link.close()

        threading.Thread(target=accept, daemon=True).start()
        yield int(listener.getsockname()[1])
        for link in links:
            link.close()


@contextmanager
def agent(*keys: Path) -> Iterator[Path]:
    """An ssh-agent that holds keys; its socket."""
    if not shutil.which("ssh-agent"):
        pytest.skip("openssh-client isn't installed")
    import tempfile

    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        path = Path(folder, "agent")
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL
        )
        try:
            wait_for(path.exists, "ssh-agent")
            for key in keys:
                subprocess.run(
                    ["ssh-add", "-q", key],
                    env={**os.environ, "SSH_AUTH_SOCK": str(path)},
                    check=True,
                    stdin=subprocess.DEVNULL,
                )
            yield path
        finally:
            process.terminate()
            process.wait()
