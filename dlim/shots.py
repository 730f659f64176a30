"""Shots: real screenshots with their boxes, by which a weight is judged and from which nothing is ever learned."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dlim import store
from dlim.augment import images
from dlim.errors import AnnotationError, DlimError, ProjectError, shown
from dlim.formats import voc
from dlim.geometry import Object, Size, canvas_name

SHOTS = Path("shots")
"""The workspace's folder of shots: `<name>.jpg` or `<name>.png`, and `<name>.xml` once it is labelled."""

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}")
"""What a shot may be called: programs on servers read the name as a word of a line."""

SUFFIXES = (".jpg", ".png")

_OTHERS = (".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".avif")
"""Pictures that `doit shots --from-folder` brings into the form of a shot."""

SLIGHT = 2.0
"""Pixels by which a hand-drawn box may hang over the shot and still be taken for one around its edge."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A screenshot. annotation: its box file; None where nobody has labelled it. objects: in the shot's own pixels."""

    name: str
    image: Path
    annotation: Path | None
    size: Size
    objects: tuple[Object, ...] = ()

    @property
    def labelled(self) -> bool:
        """Whether a person has said what it shows, which may be nothing."""
        return self.annotation is not None


def read(folder: Path = SHOTS) -> tuple[Shot, ...]:
    """The shots in a folder, sorted by name; none where there is no such folder.

    Raises ProjectError or AnnotationError, one line that names the file, for the first thing that is wrong.
    """
    found = list(each(folder))
    for one in found:
        if isinstance(one, DlimError):
            raise one
    return tuple(one for one in found if isinstance(one, Shot))


def each(folder: Path = SHOTS) -> Iterator[Shot | DlimError]:
    """The shots in a folder, sorted by name, and in the place of those that can't be read, what is wrong with them."""
    try:
        entries = sorted(path for path in folder.iterdir() if path.name[0] != ".")
    except FileNotFoundError:
        return
    except OSError as error:
        yield ProjectError(folder, f"can't be read ({error.strerror})", "make a folder of it that can be read")
        return
    pictures = {path for path in entries if path.suffix in SUFFIXES}
    for path in entries:
        try:
            if path in pictures:
                yield _shot(path)
            elif path.suffix == voc.SUFFIX:
                _require_picture(path, pictures)
            elif path.suffix.lower() in (*SUFFIXES, *_OTHERS):
                remedy = "bring it in by doit shots --from-folder"
                raise ProjectError(shown(str(path)), "is no .jpg or .png", remedy)
        except DlimError as error:
            yield error


def digest(shots: Sequence[Shot]) -> str:
    """What labelled shots show and what is asked for on them: the same digest, and figures can be compared."""
    lines = [[one.image.name, store.sha256(one.image), canonical(one.objects)] for one in shots if one.labelled]
    return hashlib.sha256(json.dumps(sorted(lines), ensure_ascii=False).encode()).hexdigest()


def canonical(objects: Sequence[Object]) -> list[list[object]]:
    """What of objects an evaluation depends on, in one order."""
    return sorted([one.label, one.box.x1, one.box.y1, one.box.x2, one.box.y2, one.difficult] for one in objects)


def _require_picture(path: Path, pictures: set[Path]) -> None:
    if not any(path.with_suffix(suffix) in pictures for suffix in SUFFIXES):
        raise AnnotationError(shown(str(path)), "has no picture beside it", "put the .jpg or .png there, or delete it")


def _shot(path: Path) -> Shot:
    if not NAME.fullmatch(path.stem):
        raise ProjectError(
            shown(str(path)), "is no name for a shot", "rename it with letters, digits, . _ and - only, at most 80"
        )
    if path.suffix == SUFFIXES[1] and path.with_suffix(SUFFIXES[0]).exists():
        raise ProjectError(
            path, f"is {path.stem}{SUFFIXES[0]} under a second ending", "delete or rename one of the two"
        )
    with images.opened(path) as image:
        if not images.is_upright(image):  # a program on the server may see it as it lies
            raise ProjectError(path, "is turned by its EXIF", "bring it in by doit shots --from-folder")
        size = image.size
    annotation = path.with_suffix(voc.SUFFIX)
    if not annotation.exists():
        return Shot(path.stem, path, None, size)
    return Shot(path.stem, path, annotation, size, objects(annotation, size))


def objects(path: Path, size: Size) -> tuple[Object, ...]:
    """The objects in a shot's box file. size: the shot's own. Raises AnnotationError."""
    annotation = voc.read(path)
    said = annotation.width, annotation.height
    if annotation.width and said != size:
        fault = f"<size> says {canvas_name(said)}, and the picture is {canvas_name(size)}"
        raise AnnotationError(path, fault, "label the shot itself, not a smaller copy")
    found = []
    for thing in annotation.objects:
        over = thing.box.overhang(*size)
        inside = thing.box.clipped(*size)
        if over > SLIGHT or inside.width < 1 or inside.height < 1:
            fault = f'the box of "{thing.label}" hangs over the picture by {over:g} px'
            raise AnnotationError(path, fault, "draw it around what is seen")
        found.append(replace(thing, box=inside))
    return tuple(found)
