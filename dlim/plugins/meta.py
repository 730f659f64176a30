"""What dlim's tasks say of themselves, beyond what doit asks: the keys of their `meta`."""

ORDER = (
    *("new", "extend", "label", "label:push", "label:pull", "build", "preview"),
    *("mix", "dataset", "verify", "report"),
    *("ship", "task", "cancel", "outputs", "output", "trace", "deploy", "undeploy"),
    *("servers", "trust", "config"),
)
"""The tasks that people type, as they come up in a day: whole names, or what stands before the first colon of one."""

STAGE = "stage"
"""The key, in a task's meta, of those that nobody types: they are steps of a task that people know."""

ASKED = "asked"
"""The key, in a task's meta, of those that run whenever a person asks for them: what there is to say they say."""

ANSWER = "answer"
"""The key, in a task's meta, of those of them that change nothing in the workspace: they need no lock."""

FAULT = "fault"
"""The key, in a task's meta, of why it can only fail."""
