"""All that dlim does, as doit's tasks."""

from dlim.tasks.datasets import DOIT_CONFIG, Workspace
from dlim.tasks.learning import Learning
from dlim.tasks.masters import Masters
from dlim.tasks.outputs import Outputs
from dlim.tasks.reports import Reports
from dlim.tasks.servers import Servers

__all__ = ["DOIT_CONFIG", "Learning", "Masters", "Outputs", "Reports", "Servers", "Workspace"]
