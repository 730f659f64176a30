"""extend: the master on the labelling canvas, for a person to draw its box on."""

from __future__ import annotations

from pathlib import Path

from dlim import store
from dlim.augment import images, jpeg
from dlim.geometry import Size, fits, origin
from dlim.projects import Project


def extend(project: Project, canvas: Size) -> None:
    """Write master/image_extended.jpg; left alone where it has these bytes already."""
    project.require_master()
    crop = images.read(project.image)
    size = images.size_of(crop)
    # a master with no room there is labelled as it is: its boxes are then in the crop's own frame
    frame = canvas if fits(size, canvas) else size
    data = jpeg.encode(jpeg.placed(crop, frame, origin(size, frame, project.settings.placement)))
    _write_if_new(project.extended, data)


def _write_if_new(path: Path, data: bytes) -> None:
    # the file is under source control: the same bytes again must not make it look changed
    if path.exists() and path.read_bytes() == data:
        return
    store.write_file(path, lambda making: making.write_bytes(data))
