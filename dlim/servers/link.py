"""A link to one machine: paramiko's, made for large files and for being watched."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any

import paramiko
from paramiko.common import cMSG_GLOBAL_REQUEST

from dlim.servers import known_hosts, pulse
from dlim.servers.pulse import Pulse, Stream
from dlim.servers.route import Hop

WINDOW, PACKET = 1 << 24, 1 << 18
"""Bytes that may be on their way, and of one packet: with 20 ms there and back the usual ones are four times slower.
Raised together, as a larger window alone makes it slower."""

_RSA = ("rsa-sha2-512", "rsa-sha2-256")

logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)  # it writes tracebacks; what they say is in our errors


class Link(paramiko.Transport):  # type: ignore[misc]  # it has no types
    """A link that prefers the fast ciphers and the host keys that are known, and asks for signs of life.

    farewell: what the machine said when it closed the link.
    """

    def __init__(self, stream: Stream, hop: Hop, until: float, **settings: Any) -> None:
        self.pulse = Pulse(stream, until)
        self.farewell = ""
        self.hop = hop
        super().__init__(self.pulse, default_window_size=WINDOW, default_max_packet_size=PACKET, **settings)
        options = self.get_security_options()
        options.ciphers = _first(options.ciphers, [name for name in options.ciphers if "gcm" in name])
        known = [name for kind in known_hosts.types(hop) for name in (_RSA if kind == "ssh-rsa" else (kind,))]
        options.key_types = _first(options.key_types, known)
        # the watch looks after the time, as paramiko would take an end of patience for a wrong password
        self.banner_timeout = self.handshake_timeout = 4 * pulse.PATIENCE
        self.auth_timeout = None
        self._ended = threading.Event()

    def settle(self) -> None:
        """The login is done: from now on it may take as long as it shows signs of life."""
        self.pulse.heard = time.monotonic()
        self.pulse.until = None
        threading.Thread(target=self._beat, daemon=True, name="dlim beat").start()

    def is_alive(self) -> bool:
        """Ask the machine whether it is there still; it may be a moment until a link that broke is known to have."""
        try:
            self.open_session().close()
        except paramiko.ChannelException:
            return True
        except (paramiko.SSHException, EOFError, OSError):
            return False
        return True

    def _beat(self) -> None:
        """Ask for signs of life, with a request that the machine knows nothing of and has to say so.

        paramiko's own keepalive wants no answer, and isn't sent as long as there is anything else to send.
        """
        with suppress(paramiko.SSHException, EOFError, OSError):
            while not self._ended.wait(pulse.PATIENCE / pulse.BEATS) and self.is_active():
                request = paramiko.Message()
                request.add_byte(cMSG_GLOBAL_REQUEST)
                request.add_string("keepalive@openssh.com")
                request.add_boolean(True)
                self._send_user_message(request)

    def _parse_disconnect(self, message: paramiko.Message) -> None:
        message.get_int()
        self.farewell = message.get_text()

    def close(self) -> None:
        """End it, at once."""
        self._ended.set()
        super().close()
        self.packetizer.complete_handshake()  # or a timer of it would keep the interpreter from ending


def _first(all_of_them: tuple[str, ...], these: list[str]) -> tuple[str, ...]:
    """All of them, these in front."""
    front = [name for name in dict.fromkeys(these) if name in all_of_them]
    return (*front, *(name for name in all_of_them if name not in front))
