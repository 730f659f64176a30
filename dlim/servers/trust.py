"""The host keys on the way to a server: looked at, and recorded once somebody has compared them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from dlim.config import Server
from dlim.errors import HostKeyError
from dlim.servers import known_hosts, route
from dlim.servers.known_hosts import HostKey, State
from dlim.servers.password import password_of
from dlim.servers.route import Hop


class Seen(NamedTuple):
    """What a machine on the way shows. key: none where it is hidden behind one that isn't trusted yet."""

    hop: Hop
    key: HostKey | None
    state: State

    def __str__(self) -> str:
        if self.key is None:
            return f"{self.hop.address} can be looked at when the jump host before it is trusted"
        thought = {"changed": "not the key that was recorded"}.get(self.state, self.state)
        return f"{self.hop.address} {self.key} {thought}"


def look(name: str, server: Server) -> list[Seen]:
    """What each machine on the way to a server shows, jump hosts first. The server itself isn't logged in to.

    Raises Unreachable, LoginError where one of them can't be reached or passed.
    """
    from dlim.servers.ssh import Passage

    hops = route.way(server)
    seen: list[Seen] = []

    def judge(hop: Hop, key: HostKey) -> None:
        seen.append(Seen(hop, key, known_hosts.state(hop, key)))
        if seen[-1].state != "known" or hop is hops[-1]:
            raise HostKeyError(name, "was looked at", "go no further")

    passage = Passage(name)
    try:
        for hop in hops:
            passage.open(hop, judge, password_of(hop, name, server.password_file))
    except HostKeyError:
        if not seen:  # a known_hosts file that can't be read
            raise
    finally:
        passage.close()
    return [*seen, *(Seen(hop, None, "hidden") for hop in hops[len(seen) :])]


def record(seen: Iterable[Seen]) -> list[Seen]:
    """Trust the keys that were looked at, and are not known yet: these. Raises HostKeyError for one that is revoked."""
    new = [one for one in seen if one.key is not None and one.state != "known"]
    for one in new:
        if one.key is not None:
            known_hosts.record(one.hop, one.key)
    return new
