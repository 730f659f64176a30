"""augment: a project's master and daug.py become a folder of variations, each with its record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dlim import variation
from dlim.augment import images, jpeg, worker
from dlim.augment.context import Context
from dlim.builds import sha256
from dlim.errors import AugmentError, DlimError, shown
from dlim.frame import Canvas, Size, canvas_name, fits, origin
from dlim.mesh import Mesh, grid
from dlim.projects import Project
from dlim.variation import Variation

KEPT_LINES = 20
"""How many lines are shown of what a script prints, and of what is said about its images."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides the variations beside master and script."""

    canvas: Canvas
    placement: str
    seed: int
    count: int
    cval: int


def augment(
    project: Project,
    out: Path,
    settings: Settings,
    log: Path,
    on_images: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """Fill the empty folder out with the project's variations; what is to be said of them, a line each.

    log: the file that keeps what the script prints. on_images: told now and then how many there are.
    Raises ProjectError or AugmentError, in one line with the way out.
    """
    if not project.settings.generator:
        project.require_master()
        images.crop_size(project.image)
    project.require(project.script, f"copy sample/daug.py to {project.script}")
    out, log = out.resolve(), log.resolve()
    log.parent.mkdir(parents=True, exist_ok=True)
    context = Context(
        project.name,
        project.image.resolve(),
        out,
        settings.canvas,
        settings.placement,
        settings.seed,
        settings.count,
        settings.cval,
    )
    failure = worker.run(
        project.script.resolve(),
        [project.name],
        out,
        context.environment(),
        log,
        on_tick=lambda: on_images(_count(out)),
    )
    if failure is not None:
        raise _failed(project, failure, log)
    return [*_printed(log), *_complete(project, out, settings)]


def _count(folder: Path) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.name.endswith(".jpg") for entry in entries)


def _failed(project: Project, failure: worker.Failure, log: Path) -> DlimError:
    error = failure.error
    if error is None:
        remedy = f"mend it; what it printed is in {_shown_path(log)}"
        return AugmentError(project.name, f"daug.py failed: {failure.text}", remedy)
    if project.name in Path(error.place).parts:
        return error
    return AugmentError(f"{project.name}: {error.place}", error.fault, error.remedy)


def _shown_path(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _printed(log: Path) -> list[str]:
    return _shortened(log.read_text(encoding="utf-8", errors="replace").splitlines(), f" in {_shown_path(log)}")


def _shortened(lines: list[str], rest: str = "") -> list[str]:
    more = len(lines) - KEPT_LINES
    return [*lines[:KEPT_LINES], f"... and {more} lines more{rest}"] if more > 0 else lines


def _complete(project: Project, out: Path, settings: Settings) -> list[str]:
    """Check what the script wrote, drop repeats, and record the images it wrote by other means than dlim.augment."""
    known = {record.filename: record for record in variation.read(out)}
    pictures = _pictures(project, out)
    for name in pictures:
        _make_own(out / name)
    lost = sorted(set(known) - set(pictures))
    if lost:
        raise AugmentError(project.name, f"daug.py deleted {lost[0]} again", "leave the files of dlim.augment alone")
    foreign = [name for name in pictures if name not in known]
    master = _master_size(project) if foreign else None
    adopted = [_adopted(project, out / name, master, settings) for name in foreign]
    for record in (*known.values(), *adopted):
        if min(record.crop) < 2:
            raise AugmentError(
                project.name,
                f"daug.py wrote {record.filename} of {canvas_name(record.crop)}: too small for a box",
                "write images of at least 2x2 pixels",
            )
    digests = {name: sha256(out / name) for name in (*known, *foreign)}
    for record in known.values():
        if digests[record.filename] != record.sha256:
            _check_changed(project, out / record.filename, record)
    repeats = _repeats(digests)
    for name in repeats:
        (out / name).unlink()
    if repeats.keys() & known.keys():  # a script changed what dlim.augment had written
        (out / variation.RECORDS).unlink()
        adopted = [*known.values(), *adopted]
    variation.append(out, [record for record in adopted if record.filename not in repeats])
    return _shortened([f"{name} repeats {first}; left out" for name, first in repeats.items()])


def _pictures(project: Project, out: Path) -> list[str]:
    """The names of the images in a folder, sorted; but for records and tables there must be nothing else."""
    with os.scandir(out) as entries:
        found = {entry.name: entry.is_file() for entry in entries if entry.name != variation.RECORDS}
    for name in sorted(found):
        if not found[name] or not name.endswith((".jpg", ".csv")) or not name.isprintable():
            raise AugmentError(
                project.name,
                f"daug.py wrote {shown(name)}, which is no .jpg image",
                "write only images (and .csv tables) into the folder it runs in",
            )
    pictures = sorted(name for name in found if name.endswith(".jpg"))
    if not pictures:
        raise AugmentError(
            project.name,
            "daug.py wrote no image",
            "write .jpg files into the folder it runs in, or use dlim.augment",
        )
    return pictures


def _make_own(path: Path) -> None:
    """Turn a link into a file of its own: what is written to it must not reach the master, or any other file."""
    if path.is_symlink() or path.stat().st_nlink > 1:
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)


def _repeats(digests: Mapping[str, str]) -> dict[str, str]:
    """The images whose bytes another one has already, by name, with the first of its kind."""
    first: dict[str, str] = {}
    return {name: earlier for name, digest in digests.items() if (earlier := first.setdefault(digest, name)) != name}


def _check_changed(project: Project, path: Path, record: Variation) -> None:
    """Refuse what a script made of an image of dlim.augment, unless its record is still true of it."""
    data = path.read_bytes()
    fault = images.jpeg_fault(data)
    if not fault and not (images.is_plain(data) and images.size_of(images.read(path)) == record.size):
        fault = "is no longer RGB and of its size"
    if fault:
        raise AugmentError(project.name, f"daug.py changed {path.name}, which {fault}", "keep size and colours as RGB")


def _master_size(project: Project) -> Size | None:
    return None if project.settings.generator else images.size_of(images.read(project.image))


def _adopted(project: Project, path: Path, master: Size | None, settings: Settings) -> Variation:
    """The record of an image that a script wrote by its own means, brought to the learner's canvas.

    An image of the canvas's size shows the master where the placement puts it; any other is the crop itself,
    at whatever size, and is put on the canvas as the master would be.
    """
    data = path.read_bytes()
    fault = images.jpeg_fault(data)
    if fault:
        raise AugmentError(project.name, f"daug.py wrote {path.name}, which {fault}", "write whole JPEG files")
    pixels = images.read(path)
    size = images.size_of(pixels)
    whole = settings.canvas is not None and size == settings.canvas
    if not fits(size, settings.canvas):
        raise AugmentError(
            project.name,
            f"daug.py wrote {path.name} of {canvas_name(size)}: too large for {canvas_name(settings.canvas)}",
            "write it smaller; the environment variable DLIM_CANVAS tells a script the size",
        )
    crop = master if whole and master and fits(master, size) else size
    place = origin(crop, settings.canvas, settings.placement)
    if not images.is_plain(data) or (settings.canvas and not whole):
        path.write_bytes(jpeg.on_canvas(pixels, settings.canvas or size, place))
    return Variation(
        filename=path.name,
        operation="own",
        size=settings.canvas or size,
        crop=crop,
        origin=place,
        mesh=Mesh(*(master or crop), grid(*crop, 2)),
    )
