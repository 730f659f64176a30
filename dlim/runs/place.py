"""Where a learner is at home on a server: its folder there, and dlim's own folder in that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from dlim.servers.contract import Done, Transport

OWN = ".dlim"
"""The folder, in a learner's folder on a server, of all that dlim keeps there; below it one for each learner."""

_ENTER = """set -u
mkdir -p "$1/.dlim/$2" && cd "$1" || exit 1
own=.dlim/$2
shift 2
"""


@cache
def script(name: str) -> str:
    """A script for a learner's folder, with what all of them share."""
    folder = resources.files("dlim.runs")
    return "".join(folder.joinpath(each).read_text(encoding="utf-8") for each in dict.fromkeys(("common.sh", name)))


@dataclass(frozen=True)
class Place:
    """A learner's folder on a server.

    Its scripts run in that folder, with `$own` for dlim's own folder of this learner in it (`.dlim/<learner>`):

        pieces/<sha256>               shards, and what else a dataset is joined from
        releases/<sha256>/data_set/   datasets, extracted; dataset_dir is a symbolic link to one of them
        job.lock, jobs/<task name>/   learning, the lock held as long as it goes on
        weights/<sha256>[.json]       weights that are or were in service, and their records
        switch.lock, history.jsonl    their deployments
        stack                         what undeploying leads back to, the newest first
        switching                     what was about to happen when it was interrupted
    """

    transport: Transport
    learner: str
    folder: str = "."

    @property
    def title(self) -> str:
        """What messages call it."""
        server = self.transport.server
        return self.learner if server == self.learner else f"{self.learner} on {server}"

    def run(
        self,
        script: str,
        *arguments: str,
        feed: Iterable[bytes] = (),
        sink: Callable[[bytes], object] | None = None,
        within: float | None = None,
    ) -> Done:
        """Run a script in the learner's folder, as Transport.run does."""
        return self.transport.run(
            _ENTER + script, self.folder, self.learner, *arguments, feed=feed, sink=sink, within=within
        )

    def ask(self, script: str, *arguments: str, within: float | None = None) -> str:
        """What a script says, as Transport.ask gives it."""
        return self.transport.ask(_ENTER + script, self.folder, self.learner, *arguments, within=within)

    def path(self, *parts: str) -> str:
        """A path in dlim's own folder, as Transport.put and get want it."""
        return "/".join([self.folder, OWN, self.learner, *parts])
