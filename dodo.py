"""The table of tasks: what people ask doit for, and the steps behind it."""

from dlim.tasks import DOIT_CONFIG, Learning, Masters, Outputs, Reports, Servers, Workspace

__all__ = ["DOIT_CONFIG"]

workspace = Workspace.here()
learning = Learning(workspace)
outputs = Outputs(learning)
servers = Servers(learning)
masters = Masters(workspace)
reports = Reports(outputs)

# masters
task_new = masters.new
task_label = masters.label
task_preview = masters.preview

# datasets
task_extend = workspace.extend
task_build = workspace.build
task_dataset = workspace.dataset
task_mix = workspace.mix
task_verify = workspace.verify

# learning
task_ship = learning.ship
task_task = learning.task
task_cancel = learning.cancel

# what learning brought back
task_outputs = outputs.outputs
task_deploy = outputs.deploy
task_report = reports.report

# the machines
task_servers = servers.servers
task_trust = servers.trust
task_label_server = servers.label
task_config = servers.config

# the steps of a dataset
task_locate = workspace.locate
task_augment = workspace.augment
task_annotate = workspace.annotate
task_split = workspace.split
task_shard = workspace.shard
task_pack = workspace.pack
task_tarball = workspace.tarball
