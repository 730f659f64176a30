"""What dlim's tasks say of themselves, beyond what doit asks: the keys of their `meta`."""

ORDER = (
    *("new", "extend", "label", "build", "preview"),
    *("mix", "dataset", "verify", "report"),
    *("ship", "task", "cancel", "outputs", "output", "trace", "deploy", "undeploy"),
    *("servers", "trust", "config"),
)
"""The tasks that people type, as they come up in a day: what stands before the first colon of a name."""

STAGE = "stage"
"""The key, in a task's meta, of those that nobody types: they are steps of a task that people know."""

ANSWER = "answer"
"""The key, in a task's meta, of those that build nothing: they need no lock, and what they print is the answer."""

FAULT = "fault"
"""The key, in a task's meta, of why it can only fail."""
