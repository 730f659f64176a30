"""The machines behind a workspace: servers, trust, label:push, label:pull, config:push."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar, NamedTuple

from dlim import console
from dlim.commands.base import Command, Option, option
from dlim.errors import ConfigError, DlimError, TransportError
from dlim.runs import labelling_server, server_list
from dlim.servers import PLACE, connect
from dlim.workspace import STANDING, Workspace

FAULTY = 3
"""The status where something failed and the rest was done."""


class Servers(Command):
    """`doit servers`: how each server is."""

    name = "servers"
    doc_purpose = "of each server: reachable, disk, programs, what it does"

    def answer(self, workspace: Workspace, words: Sequence[str]) -> None:  # type: ignore[override]
        names = _names(workspace)
        with ThreadPoolExecutor(len(names)) as pool:
            found = dict(zip(names, pool.map(lambda name: _look(workspace, name), names), strict=True))
        serving = _serving(workspace, [name for name, row in found.items() if row.free])
        rows = [(name, *row[:3], serving.get(name, ""), row.learning) for name, row in found.items()]
        for line in console.table(("server", "where", "state", "free", "in service", "learning"), rows):
            console.current().line(line)


class Trust(Command):
    """`doit trust:SERVER`: show a server's host key; with --record, trust it."""

    name = "trust"
    doc_purpose = "show each server's host key: doit trust:SERVER; --record trusts it"
    options: ClassVar[Sequence[Option]] = (option("record", "trust these keys from now on", flag=True),)
    of = ""

    def answer(self, workspace: Workspace, words: Sequence[str], *, record: bool) -> int:  # type: ignore[override]
        failed = 0
        for name in self.require_of(_names(workspace), "server"):
            try:
                self._shown(workspace, name, record)
            except DlimError as error:
                console.current().line(str(error))
                failed = FAULTY
        return failed

    def _shown(self, workspace: Workspace, name: str, record: bool) -> None:
        line = console.current().line
        server = workspace.config.servers.get(name)
        if server is None or not server.host:
            line(f"{name}: is a folder of this machine; it has no host key")
            return
        from dlim.servers import ssh, trust

        seen = ssh.look(name, server)
        for host in seen:
            line(f"{name}: {host}")
        if record:
            new = trust.record_all(seen)
            hidden = any(host.state == "hidden" for host in seen)
            then = f"; doit trust:{name} --record again looks at what is behind that" if hidden else ""
            line(f"{name}: {len(new)} recorded{then}" if new else f"{name}: nothing to record")
        elif any(host.state != "known" for host in seen):
            line(f"{name}: compare that with what the machine says; doit trust:{name} --record trusts it")


class LabelPush(Command):
    """`doit label:push`: masters on the labelling canvas, to the server where people label."""

    name = "label:push"
    doc_purpose = "bring the labelling images to the server where people label"

    def answer(self, workspace: Workspace, words: Sequence[str]) -> int:  # type: ignore[override]
        from dlim.stages.extend import extend

        projects, failed = workspace.mastered(), 0
        for title, project in list(projects.items()):
            try:
                extend(project, workspace.config.settings.labelling_canvas)
            except DlimError as error:  # its own, and no other project's
                console.current().line(str(error))
                del projects[title]
                failed = FAULTY
        with connect(labelling_server.SERVER, workspace.config.servers, STANDING) as transport:
            sent = labelling_server.push(transport, projects)
            told = f"brought {', '.join(sent)}" if sent else "has every labelling image already"
            console.current().line(f"label:push: {transport.address}: {told}")
        return failed


class LabelPull(Command):
    """`doit label:pull`: the boxes from the server where people label."""

    name = "label:pull"
    doc_purpose = "bring the boxes from there; those that differ are shown, and taken with --take"
    options: ClassVar[Sequence[Option]] = (option("take", "let boxes that differ replace those here", flag=True),)

    def answer(self, workspace: Workspace, words: Sequence[str], *, take: bool) -> None:  # type: ignore[override]
        with connect(labelling_server.SERVER, workspace.config.servers, STANDING) as transport:
            found = labelling_server.pull(transport, workspace.mastered(), take)
        line = console.current().line
        for title, pulled in found.items():
            if pulled.state != "same":
                line(f"{title}: {pulled.state}: {pulled.why}")
        same = sum(pulled.state == "same" for pulled in found.values())
        line(f"label:pull: {len(found)} box files there, {same} as here")
        left = [title for title, pulled in found.items() if pulled.state in ("differs", "broken")]
        if left:
            fault = f"left alone: {', '.join(left)}"
            raise ConfigError("label:pull", fault, "look at them; --take takes those that differ")


class ConfigPush(Command):
    """`doit config:push`: the list of servers, without secrets, to each of them."""

    name = "config:push"
    doc_purpose = "hand the list of servers, without secrets, to each of them"

    def answer(self, workspace: Workspace, words: Sequence[str]) -> None:  # type: ignore[override]
        servers = workspace.config.servers
        reached = [name for name, server in servers.items() if server.host]
        if not reached:
            raise ConfigError(Path(PLACE), "names no server with a host", "there is nothing to hand over")
        for name in reached:
            with connect(name, servers, STANDING) as transport:
                new = server_list.push(transport, servers)
                told = "brought" if new else "there already"
                console.current().line(f"{name}: {transport.address}: {server_list.THERE} {told}")


def _names(workspace: Workspace) -> list[str]:
    """Every server that something is done on, or that the configuration names."""
    learners = workspace.config.learners
    named = {learner.learning.server or name for name, learner in learners.items()}
    named |= {learner.service.server for learner in learners.values() if learner.service.server}
    return sorted({*named, *(workspace.config.servers or [labelling_server.SERVER])})


class _Row(NamedTuple):
    """A server in the table of `doit servers`. free: nothing where it can't be asked."""

    address: str
    state: str
    free: str = ""
    learning: str = ""


def _look(workspace: Workspace, name: str) -> _Row:
    from dlim.runs import inspection

    address = ""
    try:
        with connect(name, workspace.config.servers, STANDING) as transport:
            address = transport.address
            look = inspection.look(transport)
            state = f"lacks {' '.join(look.lacking)}" if look.lacking else "ready"
            busy = ", ".join(inspection.learning(workspace, name, transport))
            return _Row(address, state, _size(look.free), busy)
    except TransportError as error:  # whose place is this server
        return _Row(address, f"{error.fault}; {error.remedy}")
    except DlimError as error:
        return _Row(address, str(error))


def _serving(workspace: Workspace, reached: Sequence[str]) -> dict[str, str]:
    """What is in service on each of these servers."""
    from dlim.commands.runs import in_service
    from dlim.runs.course import Course

    where = {name: Course(workspace, name).service_server for name in workspace.config.learners}
    told: dict[str, list[str]] = {}
    for learner, found in in_service(workspace, [name for name in where if where[name] in reached]).items():
        if isinstance(found, DlimError):
            told.setdefault(where[learner], []).append(f"{learner}: {found.fault}")
        elif found:
            told.setdefault(where[learner], []).append(f"{learner}: {found.name}{found.fault and f' ({found.fault})'}")
    return {name: ", ".join(lines) for name, lines in told.items()}


def _size(count: int) -> str:
    """Bytes in words: on a disk that is nearly full, megabytes count."""
    return f"{count / 1e9:,.0f} GB" if count >= 1e10 else f"{count / 1e6:,.0f} MB"
