"""compose: a project's variations, and others of its learner, become scenes on backgrounds, with their boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dlim.config import Learner, Scene
from dlim.geometry import Object
from dlim.projects import Project
from dlim.scenes.choices import Settings, Source, Spot
from dlim.store import Staging

__all__ = ["Settings", "Source", "compose", "settings", "source"]


def settings(learner: Learner, scene: Scene, seed: int, project: Project) -> Settings:
    """What decides the scenes of a project. seed: the workspace's."""
    return Settings(
        learner.size or (0, 0),
        seed,
        scene.drawn,
        scene.objects,
        scene.scale,
        scene.position,
        scene.blend,
        scene.cover,
        scene.empty,
        project.settings.placement,
    )


def source(project: Project, variations: Path, objects: tuple[Object, ...]) -> Source:
    """What a project gives. variations: the folder that augment left. objects: the master's; none of a generator."""
    if project.settings.generator:
        return Source(project.name, variations)
    return Source(project.name, variations, objects, project.image, project.mask)


def compose(
    sources: Sequence[Source],
    windows: Path,
    out: Staging,
    settings: Settings,
    previous: Path | None = None,
    on_images: Callable[[int], None] = lambda count: None,
    spots: Sequence[Spot] = (),
) -> list[str]:
    """Fill out with a scene for each variation of the first source; what is to be said of them, a line each.

    sources: the project and its partners. windows: the folder that the stage backgrounds left. previous: what this
    stage left before. on_images: told now and then how many there are. spots: where objects may stand; anywhere
    where there are none.
    """
    from dlim.scenes import folder

    return folder.fill(sources, windows, out, settings, previous, on_images, spots)
