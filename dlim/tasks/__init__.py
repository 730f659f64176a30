"""All that dlim does, as doit's tasks."""

from dlim.tasks.datasets import Datasets
from dlim.tasks.learning import Learning
from dlim.tasks.masters import Masters
from dlim.tasks.workspace import DOIT_CONFIG, Workspace

__all__ = ["DOIT_CONFIG", "Datasets", "Learning", "Masters", "Workspace"]
