"""extend: the master on the labelling canvas, for a person to draw its box on."""

from __future__ import annotations

from pathlib import Path

from dlim import builds
from dlim.augment import images
from dlim.errors import ProjectError
from dlim.frame import Size, canvas_name, fits, origin
from dlim.projects import Project


def extend(project: Project, canvas: Size) -> None:
    """Write master/image_extended.jpg; left alone where it has these bytes already."""
    project.require_master()
    crop = images.read(project.image)
    size = images.size_of(crop)
    if not fits(size, canvas):
        raise ProjectError(
            project.name,
            f"its master is {canvas_name(size)}, which has no room on the labelling canvas {canvas_name(canvas)}",
            "crop it smaller, or set a larger labelling_canvas in config/dlim.toml",
        )
    data = images.encode(images.placed(crop, canvas, origin(size, canvas, project.settings.placement)))
    _write_if_new(project.extended, data)


def _write_if_new(path: Path, data: bytes) -> None:
    # the file is under source control: the same bytes again must not make it look changed
    if path.exists() and path.read_bytes() == data:
        return
    builds.write_file(path, lambda making: making.write_bytes(data))
