"""The table of tasks: what people ask doit for, and the steps behind it."""

from dlim.build import DOIT_CONFIG, Tasks

__all__ = ["DOIT_CONFIG"]

tasks = Tasks()

# masters
task_label = tasks.label
task_preview = tasks.preview
task_extend = tasks.extend

# datasets
task_build = tasks.build
task_dataset = tasks.dataset

# learning
task_ship = tasks.ship
task_task = tasks.task

# the steps of a dataset
task_steps = tasks.steps
