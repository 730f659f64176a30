"""The table of tasks: what people ask doit for, and the steps behind it."""

from dlim.tasks import DOIT_CONFIG, Workspace

__all__ = ["DOIT_CONFIG"]

workspace = Workspace.here()

# what people type
task_extend = workspace.extend
task_build = workspace.build
task_dataset = workspace.dataset
task_verify = workspace.verify

# the steps of these
task_locate = workspace.locate
task_augment = workspace.augment
task_annotate = workspace.annotate
task_split = workspace.split
task_shard = workspace.shard
task_pack = workspace.pack
task_tarball = workspace.tarball
