"""The table of tasks: what people ask doit for, and the steps behind it."""

from dlim.tasks import DOIT_CONFIG, Datasets, Learning, Masters, Workspace

__all__ = ["DOIT_CONFIG"]

workspace = Workspace.here()
datasets = Datasets(workspace)
learning = Learning(workspace)
masters = Masters(workspace)

# masters
task_new = masters.new
task_label = masters.label
task_preview = masters.preview

# datasets
task_extend = datasets.extend
task_build = datasets.build
task_dataset = datasets.dataset
task_mix = datasets.mix
task_verify = datasets.verify

# learning
task_ship = learning.ship
task_task = learning.task

# the steps of a dataset
task_locate = datasets.locate
task_augment = datasets.augment
task_annotate = datasets.annotate
task_split = datasets.split
task_shard = datasets.shard
task_pack = datasets.pack
task_tarball = datasets.tarball
