"""Learning, as doit's tasks: ship, task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dlim.config import Learner
from dlim.plugins.state import unlocked
from dlim.servers import connect
from dlim.servers.contract import Transport
from dlim.tasks.asking import Row, asked, option
from dlim.tasks.workspace import STANDING, Workspace


@dataclass(frozen=True)
class Learning:
    """The tasks of a workspace whose work is done on servers."""

    workspace: Workspace

    @property
    def learners(self) -> dict[str, Learner]:
        return self.workspace.config.learners

    def ship(self) -> Iterator[Row]:
        """Send datasets to the servers that learn: what they lack, verified, then switched to."""
        yield {"basename": "ship", "name": None, "doc": "all datasets, to the servers that learn"}
        for name in self.learners:
            row = asked(
                "ship",
                lambda name=name: self._ship(name),
                f"the dataset of {name}, to its server",
                after=[f"dataset:{name}"],
                answer=False,
            )
            yield {**row, "name": name}

    def _ship(self, name: str) -> None:
        from dlim.runs.course import ship

        ship(self.workspace, name)

    def task(self) -> Iterator[Row]:
        """Learn."""
        options = [
            option("name", "what the output will be called"),
            option("memo", "what you want to remember of it"),
        ]
        yield asked(
            "task",
            lambda name, memo: self._learn(list(self.learners), name, memo),
            "dataset, ship, learn, bring back, for every learner: --name N --memo TEXT",
            options,
            after=["dataset"],
            answer=False,
        )
        for learner in self.learners:
            yield asked(
                f"task:{learner}",
                lambda name, memo, learner=learner: self._learn([learner], name, memo),
                f"the same for {learner} alone",
                options,
                after=[f"dataset:{learner}"],
                answer=False,
            )

    def _learn(self, names: list[str], name: str, memo: str) -> None:
        from dlim.runs.learn import learn

        learn(self.workspace, names, name, memo, unlocked)

    def connect(self, server: str) -> Callable[[], Transport]:
        """What makes a link to a server."""
        return lambda: connect(server, self.workspace.config.servers, STANDING)
