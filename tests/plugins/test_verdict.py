"""What would happen to each task: that it costs little, and changes nothing for a run that asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from doit.control import TaskControl
from doit.dependency import Dependency
from doit.globals import Globals
from doit.loader import load_tasks
from doit.task import Task

from dlim.plugins.memory import Memory
from dlim.plugins.reason import Inputs
from dlim.plugins.state import Checker
from dlim.plugins.verdict import in_turn, verdicts
from tests.conftest import Workspace, draw_master
from tests.in_process import doit, inside


class Counting(Dependency):  # type: ignore[misc]
    """doit's own dependency manager, which counts how often it is asked for each task."""

    def __init__(self) -> None:
        super().__init__(Memory, ".dlim/state.db", checker_cls=Checker)
        self.asked: Counter[str] = Counter()

    def get_status(self, task: Task, tasks_dict: dict[str, Task], get_log: bool = False) -> Any:
        self.asked[task.name] += 1
        return super().get_status(task, tasks_dict, get_log)


@contextmanager
def loaded(workspace: Workspace) -> Iterator[tuple[list[Task], Counting]]:
    """The tasks of a workspace, and doit's manager of them."""
    with inside(workspace.folder):
        import dodo

        Globals.dep_manager = Counting()
        yield load_tasks(vars(dodo)), Globals.dep_manager


def test_each_task_is_looked_at_once(two: Workspace) -> None:
    """However many depend on it, a task's inputs are compared once; those of others than were asked for, never."""
    draw_master(two.folder / "projects/alpha/master/image.jpg", (32, 24), (8, 6, 24, 18), colour=90)
    with loaded(two) as (tasks, manager):
        found = verdicts(TaskControl(tasks).tasks, manager)
        assert set(manager.asked.values()) == {1}
        assert {name for name, verdict in found.items() if verdict.outlook == "may run"} > {"split:ssd", "pack:ssd"}
        manager.asked.clear()
        verdicts(TaskControl(tasks).tasks, manager, ["split:resnet34"])
        assert set(manager.asked) == {
            *("locate:alpha", "augment:alpha@native", "annotate:alpha@resnet34"),
            *("locate:beta", "augment:beta@native", "annotate:beta@resnet34", "split:resnet34"),
        }


def test_what_failed_is_not_compared(two: Workspace) -> None:
    """What failed when it last ran will run in any case: its files aren't read to say so."""
    (two.folder / "projects/alpha/data_augmentation/shift.py").write_text("1 / 0\n")
    doit(two.folder, "run", "augment:alpha@native")
    with loaded(two) as (tasks, manager):
        found = verdicts(TaskControl(tasks).tasks, manager, ["split:resnet34"])
        assert found["augment:alpha@native"].failed
        assert "augment:alpha@native" not in manager.asked


def test_a_run_may_ask(two: Workspace) -> None:
    """After tasks were judged, they are what they were: a run that goes on with them compares all of their settings."""
    draw_master(two.folder / "projects/alpha/master/image.jpg", (32, 24), (8, 6, 24, 18), colour=90)
    with loaded(two) as (tasks, manager):
        verdicts(TaskControl(tasks).tasks, manager)
        checks = [check for task in tasks for check, *_ in task.uptodate if isinstance(check, Inputs)]
        assert checks
        assert all(check.settled for check in checks)


def test_tasks_depend_on_each_other_in_the_order_of_their_definition(two: Workspace) -> None:
    """What doit finds in a set comes in one order: a plan and two runs hand tasks out alike."""
    with loaded(two) as (tasks, _):
        in_turn(tasks)
        deps = {task.name: task.task_dep for task in TaskControl(tasks).tasks.values()}
        assert deps["annotate:alpha@ssd"] == ["locate:alpha", "augment:alpha@400x400"]
        assert deps["pack:ssd"] == ["annotate:alpha@ssd", "annotate:beta@ssd", "split:ssd"]
        assert deps["tarball:ssd"] == ["shard:alpha@ssd", "shard:beta@ssd", "pack:ssd"]
