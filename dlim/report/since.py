"""What has changed since a learner last learned: hand-made files, settings, and the dataset itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dlim.config import Config
from dlim.projects import Project
from dlim.report.clock import wall
from dlim.report.dataset import TRAIN, VAL, list_path
from dlim.report.facts import Archive, Since
from dlim.runs import outputs
from dlim.runs.origin import made_by_hand
from dlim.runs.outputs import Output, Trace


def since(
    name: str,
    config: Config,
    projects: Mapping[str, Project],
    dataset: Path,
    packed: Archive | None,
    found: Sequence[Output],
) -> Since | None:
    """What differs from what a learner last learned from; None where it hasn't learned yet.

    projects: those that it takes, by title. dataset: its folder; packed: its archive. found: the outputs, newest last.
    """
    last = next((each for each in reversed(found) if name in each.record.learners), None)
    if last is None:
        return None
    origin = last.record.learners[name].origin
    now = {title: made_by_hand(project) for title, project in projects.items()}
    settings = {
        "workspace": msgspec.to_builtins(config.settings),
        "learner": msgspec.to_builtins(config.learners[name]),
    }
    return Since(
        last.name,
        wall(last.record.ended),
        (*outputs.changed(Trace(last.record, name, ""), now), *_settings_changed(origin.settings, settings)),
        (origin.dataset.train + origin.dataset.val, sum(_count(dataset, part) for part in (TRAIN, VAL))),
        packed is not None and packed.sha256 == origin.dataset.archive.sha256,
    )


def _count(folder: Path, part: str) -> int:
    try:
        return len((folder / list_path(part)).read_bytes().splitlines())
    except OSError:
        return 0


def _settings_changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """The settings that differ, a line each; one that only one of the two knows is no difference."""
    before, after = (dict(_flat(settings)) for settings in (then, now))
    for key in sorted(before.keys() & after.keys()):
        if before[key] != after[key]:
            yield f"{key}: {_said(before[key])} became {_said(after[key])}"


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, Mapping) and key not in _NAMED:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", list(value) if isinstance(value, tuple) else value


_NAMED = ("labels", "projects")
"""Tables whose keys are no settings, but names."""


def _said(value: Any) -> str:
    return msgspec.json.encode(value).decode()
