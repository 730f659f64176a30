"""The servers, as doit's tasks: how they are, their host keys, labelling images, the list of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from dlim import progress
from dlim.errors import ConfigError, DlimError, TransportError
from dlim.runs import deployment, inspection, job, labelling_server
from dlim.runs.place import Place
from dlim.servers import trust
from dlim.servers.contract import Transport
from dlim.tasks.asking import Row, asked, option
from dlim.tasks.learning import Learning
from dlim.text import table


@dataclass(frozen=True)
class Servers:
    """The tasks of a workspace about the machines behind it."""

    learning: Learning

    def servers(self) -> Iterator[Row]:
        """How each server is."""
        yield asked("servers", self._show, "of each server: reachable, disk, programs, what it does")

    def names(self) -> list[str]:
        """Every server that something is done on, or that the configuration names."""
        learners = self.learning.learners
        named = {learner.learning.server or name for name, learner in learners.items()}
        named |= {learner.service.server for learner in learners.values() if learner.service.server}
        servers = self.learning.workspace.config.servers
        return sorted({*named, *(servers or [labelling_server.SERVER])})

    def _show(self) -> None:
        names = self.names()
        with ThreadPoolExecutor(len(names)) as pool:
            rows = list(pool.map(self._row, names))
        for line in table(("server", "where", "state", "free", "in service", "learning"), rows):
            progress.current().line(line)

    def _row(self, name: str) -> tuple[str, ...]:
        address = ""
        try:
            with self.learning.connect(name)() as transport:
                address = transport.address
                look = inspection.look(transport)
                state = f"lacks {' '.join(look.lacking)}" if look.lacking else "ready"
                return (name, address, state, _size(look.free), *self._work(name, transport))
        except TransportError as error:  # whose place is this server
            return name, address, f"{error.fault}; {error.remedy}", "", "", ""
        except DlimError as error:
            return name, address, str(error), "", "", ""

    def _work(self, name: str, transport: Transport) -> tuple[str, str]:
        """What is in service on a server, and what is learning there."""
        serving, learning = [], []
        for learner, settings in self.learning.learners.items():
            home = settings.learning.server or learner
            if (settings.service.server or home) == name:
                current = deployment.current(Place(transport, learner, settings.service.folder), settings.service)
                serving += [f"{learner}: {current.name}{current.fault and f' ({current.fault})'}"] if current else []
            if home == name:
                busy = job.running(Place(transport, learner, settings.learning.folder))
                learning += [f"{learner}: {job.called(busy.name)} by {busy.by}, {busy.step}"] if busy else []
        return ", ".join(serving), ", ".join(learning)

    def trust(self) -> Iterator[Row]:
        """Show and record host keys."""
        yield {"basename": "trust", "name": None, "doc": "each server's host key"}
        for name in self.names():
            row = asked(
                "trust",
                lambda record, name=name: self._trust(name, record),
                f"show the host key of {name}; record it with --record",
                [option("record", "trust these keys from now on", flag=True)],
            )
            yield {**row, "name": name}

    def _trust(self, name: str, record: bool) -> None:
        console = progress.current()
        server = self.learning.workspace.config.servers.get(name)
        if server is None or not server.host:
            console.line(f"{name}: is a folder of this machine; it has no host key")
            return
        from dlim.servers.ssh import look

        seen = look(name, server)
        for hop in seen:
            console.line(f"{name}: {hop}")
        if record:
            new = trust.record_all(seen)
            hidden = any(hop.state == "hidden" for hop in seen)
            then = f"; doit trust:{name} --record again looks at what is behind that" if hidden else ""
            console.line(f"{name}: {len(new)} recorded{then}" if new else f"{name}: nothing to record")
        elif any(hop.state != "known" for hop in seen):
            console.line(f"{name}: compare that with what the machine says; doit trust:{name} --record trusts it")

    def label(self) -> Iterator[Row]:
        """Carry labelling images to the server where people label, and boxes back."""
        projects = self.learning.workspace.mastered()
        yield asked(
            "label:push",
            self._push,
            "bring the labelling images to the server where people label",
            after=[f"extend:{title}" for title in projects],
            answer=False,
        )
        yield asked(
            "label:pull",
            self._pull,
            "bring the boxes from there; those that differ are shown, and taken with --take",
            [option("take", "let boxes that differ replace those here", flag=True)],
        )

    def _push(self) -> None:
        with self.learning.connect(labelling_server.SERVER)() as transport:
            sent = labelling_server.push(transport, self.learning.workspace.mastered())
            told = f"brought {', '.join(sent)}" if sent else "has every labelling image already"
            progress.current().line(f"label:push: {transport.address}: {told}")

    def _pull(self, take: bool) -> None:
        projects = self.learning.workspace.mastered()
        with self.learning.connect(labelling_server.SERVER)() as transport:
            found = labelling_server.pull(transport, projects, take)
        console = progress.current()
        for title, pulled in found.items():
            if pulled.state != "same":
                console.line(f"{title}: {pulled.state}: {pulled.why}")
        same = sum(pulled.state == "same" for pulled in found.values())
        console.line(f"label:pull: {len(found)} box files there, {same} as here")
        left = [title for title, pulled in found.items() if pulled.state in ("differs", "broken")]
        if left:
            raise ConfigError(
                "label:pull", f"left alone: {', '.join(left)}", "look at them; --take takes those that differ"
            )


def _size(count: int) -> str:
    """Bytes in words: on a disk that is nearly full, megabytes count."""
    return f"{count / 1e9:,.0f} GB" if count >= 1e10 else f"{count / 1e6:,.0f} MB"
