"""compose: a project's variations, and others of its learner, become scenes on backgrounds, with their boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dlim.scenes.choices import Settings, Source
from dlim.store import Staging

__all__ = ["Settings", "Source", "compose"]


def compose(
    sources: Sequence[Source],
    windows: Path,
    out: Staging,
    settings: Settings,
    previous: Path | None = None,
    on_images: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """Fill out with a scene for each variation of the first source; what is to be said of them, a line each.

    sources: the project and its partners. windows: the folder that the stage backgrounds left. previous: what this
    stage left before. on_images: told now and then how many there are.
    """
    from dlim.scenes import folder

    return folder.fill(sources, windows, out, settings, previous, on_images)
