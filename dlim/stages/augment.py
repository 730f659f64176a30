"""augment: a project's master and daug.py become a folder of variations, each with its record."""

from __future__ import annotations

import ast
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dlim import variation
from dlim.augment import images, jpeg, worker
from dlim.augment.context import Context
from dlim.errors import AugmentError, DlimError, shown
from dlim.formats import voc_reader
from dlim.geometry import Canvas, Mesh, Object, Size, canvas_name, fits, grid, origin
from dlim.projects import Project
from dlim.store import Entry, Staging, sha256
from dlim.variation import Variation

KEPT_LINES = 20
"""How many lines are shown of what a script prints, and of what is said about its images."""

LONGEST = 80
"""Bytes of a table's name: with the folders before it, it has to fit into a tar header."""

FEW = 4
"""How many images of a script are made twice, to see whether they are the same both times."""

AGAIN = ".again"
"""The folder, in that of the variations, in which they are made the second time."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides the variations beside master and script.

    shrink: a master that is too large for the canvas is made smaller.
    """

    canvas: Canvas
    placement: str
    seed: int
    count: int
    cval: int
    shrink: bool = False


def augment(
    project: Project,
    made: Path | Staging,
    settings: Settings,
    log: Path,
    on_images: Callable[[int], None] = lambda count: None,
    limit: float = 3600,
) -> list[str]:
    """Fill an empty folder with the project's variations; what is to be said of them, a line each.

    log: the file that keeps what the script prints. on_images: told now and then how many there are. limit: the
    seconds that the script may take. Raises ProjectError or AugmentError, in one line with the way out.
    """
    if not project.settings.generator:
        project.require_master()
        images.crop_size(project.image)
    project.require_sources()
    project.require(project.script, f"copy sample/daug.py to {project.script}")
    out, log = (made.path if isinstance(made, Staging) else made).resolve(), log.resolve()
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    _run(project, out, settings, log, lambda: on_images(_count(out)), limit)
    pictures, tables = _files(project, out)
    plain = _is_plain(project.script)
    notes = [] if plain else _differing(project, out, settings, log, min(limit, 2 + time.monotonic() - began))
    printed = _printed(log)
    for name in (*pictures, *tables):
        _make_own(out / name)
    said, entries, facts = _complete(project, out, settings, pictures, trusted=plain)
    if isinstance(made, Staging):
        made.facts |= facts
        for name, entry in entries.items():
            made.add(name, entry)
    return [*printed, *notes, *said]


def _run(
    project: Project, out: Path, settings: Settings, log: Path, on_tick: Callable[[], object], limit: float
) -> None:
    context = Context(
        project.name,
        project.image.resolve(),
        out,
        settings.canvas,
        settings.placement,
        settings.seed,
        settings.count,
        settings.cval,
        settings.shrink,
    )
    tick = 0.02 if out.name == AGAIN else worker.TICK
    failure = worker.run(
        project.script.resolve(), [project.name], out, context.environment(), log, on_tick, limit, tick
    )
    if failure is not None:
        raise _failed(project, failure, log)


_NAMES = {"__file__", "__name__", "Augmentation", "draw_corpus", "Path", "print", "range", "str", "int", "float"}
_MODULES = {"dlim.augment", "dlim.augment.alphabet", "pathlib"}
_ATTRIBUTES = {
    "rotation", "height", "zoom", "brightness", "mix", "mix6", "suite", "table", "master", "parent", "parents", "name",
    "stem", "resolve", "with_name", "joinpath",
}  # fmt: skip


def _is_plain(script: Path) -> bool:
    """Whether a script calls what dlim.augment draws, and nothing else: then it can't differ, nor change a file."""
    try:
        tree = ast.parse(script.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False
    own: set[str] = set()
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.With):
            return False
        if isinstance(node, ast.ImportFrom) and (node.module not in _MODULES or any(one.asname for one in node.names)):
            return False
        if isinstance(node, ast.Attribute) and (node.attr not in _ATTRIBUTES or not isinstance(node.ctx, ast.Load)):
            return False
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else own).add(node.id)
    return used <= own | _NAMES and not own & _NAMES


def _differing(project: Project, out: Path, settings: Settings, log: Path, limit: float) -> list[str]:
    """What is to be said where a script, run a second time, begins with other images than before."""
    again, notes = out / AGAIN, out / f"{AGAIN}.log"
    again.mkdir()
    try:
        _run(project, again, settings, notes, lambda: _count(again) > FEW, limit)
        fault = ""
    except DlimError as error:
        fault = "" if "ran for longer" in error.fault else f"fails when it is run a second time ({error.fault})"
    try:
        # one of the last may be half-written
        found = [path for path in sorted(again.glob("*.jpg")) if path.is_file()]
        whole = [path for path in found if not images.jpeg_fault(path.read_bytes())]
        other = [path.name for path in whole[:FEW] if not _same(path, out / path.name)]
        if other:
            fault = f"draws other images each time ({other[0]} for one): seed what it draws with, or builds will differ"
    finally:
        shutil.rmtree(again, ignore_errors=True)
        notes.unlink(missing_ok=True)
    return [f"{project.name}: daug.py {fault}"] if fault else []


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _count(folder: Path) -> int:
    with os.scandir(folder) as entries:
        return sum(entry.name.endswith(".jpg") for entry in entries)


def _failed(project: Project, failure: worker.Failure, log: Path) -> DlimError:
    error = failure.error
    if failure.endless:
        remedy = "see whether it ends at all; time_limit under [augment] in config/dlim.toml gives it longer"
        return AugmentError(project.name, f"daug.py {failure.text}", remedy)
    if "No module named 'imgaug" in failure.text:
        from dlim.augment.imgaug import INSTALL

        return AugmentError(project.name, "daug.py imports imgaug, which isn't installed", INSTALL)
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


def _complete(
    project: Project, out: Path, settings: Settings, pictures: Sequence[str], trusted: bool
) -> tuple[list[str], dict[str, Entry], dict[str, Any]]:
    """Check what the script wrote, drop repeats, and record the images it wrote by other means than dlim.augment.

    What is to be said, the files with their sizes and digests, and the facts. trusted: nobody has changed what
    dlim.augment wrote.
    """
    known = {record.filename: record for record in variation.read(out)}
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
    digests = {name: known[name].sha256 if trusted else sha256(out / name) for name in known}
    for record in known.values():
        if digests[record.filename] != record.sha256:
            _check_changed(project, out / record.filename, record)
    digests |= {name: sha256(out / name) for name in foreign}
    repeats = _repeats(digests)
    for name in repeats:
        (out / name).unlink()
    if repeats.keys() & known.keys():  # a script changed what dlim.augment had written
        (out / variation.RECORDS).unlink()
        adopted = [*known.values(), *adopted]
    kept = [record for record in adopted if record.filename not in repeats]
    variation.append(out, kept)
    said = _shortened([f"{name} repeats {first}; left out" for name, first in repeats.items()])
    entries = {
        name: Entry(os.stat(f"{out}/{name}").st_size, digest) for name, digest in digests.items() if name not in repeats
    }
    records = known | {record.filename: record for record in kept}
    facts = variation.facts(record for name, record in records.items() if name not in repeats)
    return [*said, *_still_boxed(project, kept, settings)], entries, facts


def _still_boxed(project: Project, adopted: Sequence[Variation], settings: Settings) -> list[str]:
    """What is to be said of images of a script's own of which nobody said where their objects are."""
    count = sum(record.operation == "own" and record.objects is None for record in adopted)
    if not count or project.settings.generator:
        return []
    told = f"{count:,} {'image has' if count == 1 else 'images have'} the master's boxes, as daug.py says no others"
    remedy = "where it moves the object, let it write a VOC file beside the image, or call Augmentation.image"
    return [f"{project.name}: {told}; {remedy}"]


def _files(project: Project, out: Path) -> tuple[list[str], list[str]]:
    """The names of the images in a folder, and those of the tables; beside records and boxes there must be no other."""
    with os.scandir(out) as entries:
        found = {entry.name: entry for entry in entries if entry.name != variation.RECORDS}
    images_of = {name.removesuffix(".jpg") for name in found if name.endswith(".jpg")}
    for name, entry in sorted(found.items()):
        boxes = name.endswith(".xml") and name.removesuffix(".xml") in images_of
        if not entry.is_file() or not (name.endswith((".jpg", ".csv")) or boxes) or not name.isprintable():
            raise AugmentError(
                project.name,
                f"daug.py wrote {shown(name)}, which is no .jpg image",
                "write only images (with VOC files of their names, and .csv tables) into the folder it runs in",
            )
        if entry.is_symlink() and not name.endswith(".jpg"):
            raise AugmentError(project.name, f"daug.py made {name} as a link", "write a file there")
        if name.endswith(".csv") and len(name.encode()) > LONGEST:
            fault = f"daug.py wrote a table with a name of over {LONGEST} bytes, {shown(name)[:20]}..."
            raise AugmentError(project.name, fault, "give it a shorter name")
    pictures = sorted(name for name in found if name.endswith(".jpg"))
    if not pictures:
        raise AugmentError(
            project.name,
            "daug.py wrote no image",
            "write .jpg files into the folder it runs in, or use dlim.augment",
        )
    return pictures, sorted(name for name in found if name.endswith(".csv"))


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
    at whatever size, and is put on the canvas as the master would be. Where a VOC file lies beside it, that says what
    it shows, and goes.
    """
    data = path.read_bytes()
    fault = images.jpeg_fault(data)
    if fault:
        raise AugmentError(project.name, f"daug.py wrote {path.name}, which {fault}", "write whole JPEG files")
    pixels = images.read(path)
    written = images.size_of(pixels)
    objects = _told(project, path, written)
    if settings.shrink:
        pixels = jpeg.shrunk(pixels, settings.canvas)
    size = images.size_of(pixels)
    whole = settings.canvas is not None and size == settings.canvas
    if not fits(size, settings.canvas):
        raise AugmentError(
            project.name,
            f"daug.py wrote {path.name} of {canvas_name(size)}: too large for {canvas_name(settings.canvas)}",
            "write it smaller; the environment variable DLIM_CANVAS tells a script the size",
        )
    crop = master if whole and master and objects is None and fits(master, size) else size
    place = origin(crop, settings.canvas, settings.placement)
    if size != written or not images.is_plain(data) or (settings.canvas and not whole):
        path.write_bytes(jpeg.on_canvas(pixels, settings.canvas or size, place))
    if objects is not None:  # in the frame of the crop, as a record has them
        mesh = Mesh(*written, grid(*size, 2))
        objects = tuple(replace(thing, box=mesh.followed(thing.box).clipped(*size)) for thing in objects)
    return Variation(
        filename=path.name,
        operation="own",
        size=settings.canvas or size,
        crop=crop,
        origin=place,
        mesh=Mesh(*(crop if objects is not None else master or crop), grid(*crop, 2)),
        objects=objects,
    )


def _told(project: Project, path: Path, size: Size) -> tuple[Object, ...] | None:
    """What a VOC file beside an image says that it shows; None where there is none."""
    boxes = path.with_suffix(".xml")
    if not boxes.exists():
        return None
    annotation = voc_reader.read(boxes)
    frame = (annotation.width, annotation.height)
    if frame not in ((0, 0), size):
        fault = (
            f"daug.py wrote {boxes.name}, whose <size> of {canvas_name(frame)} isn't the image's {canvas_name(size)}"
        )
        raise AugmentError(project.name, fault, "write the size of the image beside it")
    for thing in annotation.objects:
        if thing.box.clipped(*size).area < 1:
            fault = f'daug.py wrote {boxes.name}, in which the box of "{thing.label}" lies outside the image'
            raise AugmentError(project.name, fault, "write boxes in the image's own pixels, or leave that object out")
    boxes.unlink()
    if not annotation.objects:
        fault = f"daug.py wrote {boxes.name}, which marks no object"
        raise AugmentError(project.name, fault, "mark what the image shows, or leave the image out")
    return annotation.objects
