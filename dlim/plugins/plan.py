"""What `doit plan` says: the tasks that a run would run, in its order, and those that it may run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from doit.control import ExecNode, TaskControl, TaskDispatcher

from dlim.plugins.reason import told
from dlim.plugins.verdict import Verdict


class Step(NamedTuple):
    """A task that a run would do something about: what, and why."""

    task: str
    outlook: str
    why: str


class Plan(NamedTuple):
    """What a run would do, in its order, and a line that counts it."""

    steps: list[Step]
    account: str


def plan(control: TaskControl, found: Mapping[str, Verdict]) -> Plan:
    """The plan of a run of the tasks that are selected."""
    names = [name for name in order(control) if control.tasks[name].actions]
    steps = [Step(name, *_told(found[name], found)) for name in names if found[name].outlook != "up to date"]
    return Plan(steps, _account(steps, len(names) - len(steps)))


def order(control: TaskControl) -> list[str]:
    """The tasks that a run of those selected would look at, in its order: doit's own dispatcher is asked for it.

    In a run, those that wait for the same one may come in another order.
    """
    return list(_dispatched(_Dispatcher(control.tasks, control.targets, control.selected_tasks)))


def _dispatched(dispatcher: TaskDispatcher) -> Iterator[str]:
    node: ExecNode | None = None
    while True:
        try:
            node = dispatcher.generator.send(node)
        except StopIteration:
            return
        node.run_status = "up-to-date"
        yield node.task.name


class _Dispatcher(TaskDispatcher):  # type: ignore[misc]
    """doit's own, but tasks that wait for the same one come in the order in which they began to wait."""

    def _gen_node(self, parent: ExecNode | None, task_name: str) -> ExecNode | None:
        node = super()._gen_node(parent, task_name)
        if node is not None:
            node.waiting_me = _Queue()
        return node


class _Queue(dict[ExecNode, None]):
    def add(self, node: ExecNode) -> None:
        self[node] = None


def _told(verdict: Verdict, found: Mapping[str, Verdict]) -> tuple[str, str]:
    """What a run would do, and why."""
    match verdict.outlook:
        case "may run":
            return "may run", f"if {_some(verdict.causes)} out otherwise"
        case "will fail":
            return "will fail", verdict.failed
        case "can't run":
            return "can't run", f"as {_failing(verdict, found)} will fail"
        case "ignored":
            return "ignored", "as `doit ignore` said"
    why = told(verdict.reasons) or "as you asked"
    return "will run", f"failed: {why}" if verdict.failed else why


def _failing(verdict: Verdict, found: Mapping[str, Verdict]) -> str:
    """The task that will fail, and so keeps another from running."""
    name = verdict.causes[0]
    return name if found[name].failed else _failing(found[name], found)


_SHOWN = 2


def _some(names: Sequence[str]) -> str:
    """Some tasks of which one is enough: the first of them, and how many more there are."""
    more = len(names) - _SHOWN
    return f"{', '.join(names[:_SHOWN])} or {more:,} more come" if more > 0 else f"{' or '.join(names)} comes"


def _account(steps: Sequence[Step], rest: int) -> str:
    up_to_date = f"{rest:,} up to date"
    if not steps:
        return f"nothing to do: {rest:,} task{'s' * (rest != 1)} up to date"
    counts = Counter(step.outlook for step in steps)
    return ", ".join([*(f"{number:,} {outlook}" for outlook, number in counts.items()), up_to_date])
