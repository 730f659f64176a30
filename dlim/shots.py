"""Shots: real screenshots with their boxes, by which a weight is judged and from which nothing is ever learned."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from dlim import store
from dlim.augment import images
from dlim.errors import AnnotationError, DlimError, ProjectError, shown, unusable
from dlim.formats import voc
from dlim.geometry import Annotation, Object, Size, canvas_name

if TYPE_CHECKING:
    from PIL.Image import Image

SHOTS = Path("shots")
"""The workspace's folder of shots: `<name>.jpg` or `<name>.png`, and `<name>.xml` once it is labelled."""

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}")
"""What a shot may be called: programs on servers read the name as a word of a line."""

SUFFIXES = (".jpg", ".png")

_OTHERS = (".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".avif")
"""Pictures that `doit shots --from-folder` brings into the form of a shot."""

_ELSEWHERE = "move it elsewhere, and bring it in by doit shots --from-folder DIR"

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


def read(folder: Path = SHOTS, *, whole: bool = False) -> tuple[Shot, ...]:
    """The shots in a folder, sorted by name; none where there is no such folder. whole: as `each` has it.

    Raises ProjectError or AnnotationError, one line that names the file, for the first thing that is wrong, with how
    many more there are.
    """
    found = list(each(folder, whole=whole))
    faults = [one for one in found if isinstance(one, DlimError)]
    if faults:
        first, more = faults[0], len(faults) - 1
        remedy = f"{first.remedy}; and {more:,} more; doit shots lists them" if more else first.remedy
        raise type(first)(first.place, first.fault, remedy)
    return tuple(one for one in found if isinstance(one, Shot))


def each(folder: Path = SHOTS, *, whole: bool = False) -> Iterator[Shot | DlimError]:
    """The shots in a folder, sorted by name, and in the place of those that can't be read, what is wrong with them.

    whole: read all of each picture: half of one is found out here, and not by a program in an hour.
    """
    try:
        entries = _entries(folder)
    except ProjectError as error:
        yield error
        return
    pictures = {path for path in entries if path.suffix in SUFFIXES}
    for path in entries:
        try:
            if path in pictures:
                found = _shot(path)
                if whole:
                    images.read(path)
                yield found
            elif path.suffix == voc.SUFFIX:
                _require_picture(path, pictures)
            elif path.suffix.lower() in (*SUFFIXES, *_OTHERS):
                raise ProjectError(shown(str(path)), "is no .jpg or .png", _ELSEWHERE)
        except DlimError as error:
            yield error


def picture(title: str) -> Path | None:
    """The picture of the shot that tasks call so: shots/NAME; None where there is none."""
    path = Path(title)
    found = [path.with_name(path.name + suffix) for suffix in SUFFIXES] if path.parent == SHOTS else []
    return next((each for each in found if each.is_file()), None)


def digest(shots: Sequence[Shot]) -> str:
    """What labelled shots show and what is asked for on them: the same digest, and figures can be compared."""
    lines = [[one.image.name, store.sha256(one.image), canonical(one.objects)] for one in shots if one.labelled]
    return hashlib.sha256(json.dumps(sorted(lines), ensure_ascii=False).encode()).hexdigest()


def canonical(objects: Sequence[Object]) -> list[list[object]]:
    """What of objects an evaluation depends on, in one order."""
    return sorted([one.label, one.box.x1, one.box.y1, one.box.x2, one.box.y2, one.difficult] for one in objects)


def unasked(labels: Iterable[str]) -> str:
    """What is said of labels on shots that a learner doesn't learn: its figures leave their objects out."""
    return f"shots show {', '.join(sorted(labels))}, which it doesn't learn and isn't asked for"


def _entries(folder: Path) -> list[Path]:
    """What is in a folder of shots; nothing where there is none. Raises ProjectError where it can't be one."""
    try:
        return sorted(path for path in folder.iterdir() if path.name[0] != ".")
    except FileNotFoundError:
        if folder.is_symlink():
            raise ProjectError(folder, "is a link to nothing", "mend it, or delete it") from None
        return []
    except NotADirectoryError:
        raise ProjectError(folder, "is no folder", "move it elsewhere: the shots' folder is called so") from None
    except OSError as error:
        fault = f"can't be read ({error.strerror})"
        raise ProjectError(folder, fault, "make a folder of it that can be read") from None


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
            raise ProjectError(path, "is turned by its EXIF", _ELSEWHERE)
        size = image.size
    annotation = _box_file(path)
    return Shot(path.stem, path, annotation, size, objects(annotation, size) if annotation else ())


def _box_file(picture: Path) -> Path | None:
    """The box file beside a picture, if there is one. Raises AnnotationError where it is a link to nothing."""
    path = picture.with_suffix(voc.SUFFIX)
    if path.is_symlink() and not path.exists():
        raise AnnotationError(shown(str(path)), "is a link to nothing", "put the boxes there, or delete it")
    return path if path.exists() else None


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


def write(shot: Shot, objects: Sequence[Object]) -> None:
    """Write a shot's box file: objects in whole pixels inside the picture."""
    annotation = Annotation(shot.image.name, *shot.size, tuple(objects), folder=shot.image.parent.name)
    data = voc.write(annotation).encode()
    store.write_file(shot.image.with_suffix(voc.SUFFIX), lambda making: making.write_bytes(data))


# bringing pictures in


class Brought(NamedTuple):
    """What became of a picture, or of a box file without one. line: in words. labelled: whether its boxes came too."""

    line: str
    how: Literal["brought in", "there already", "left out"]
    labelled: bool = False


def bring(source: Path, folder: Path = SHOTS) -> Iterator[Brought]:
    """Make a shot of each picture in a folder, with the box file beside it; nothing there is overwritten.

    One that shows the same pixels as a shot isn't brought a second time; its boxes are, where that shot has none.
    Raises ProjectError where there is no such folder, or no picture in it.
    """
    if not source.is_dir():
        raise ProjectError(source, "is no folder", "name one that has screenshots in it")
    if folder.exists() and source.resolve() == folder.resolve():
        raise ProjectError(source, "is the folder of shots itself", "name another")
    _entries(folder)  # what is wrong with it is no fault of each picture's
    have = {_pixels(one.image): one for one in each(folder) if isinstance(one, Shot)}
    taken = {path.stem for path in folder.glob("*")}
    there = sorted(path for path in source.iterdir() if path.name[0] != ".")
    pictures = [path for path in there if path.suffix.lower() in (*SUFFIXES, *_OTHERS)]
    if not pictures:
        raise ProjectError(shown(str(source)), "has no picture in it", "name a folder that has screenshots in it")
    stems = {path.stem for path in pictures}
    for path in there:
        try:
            if path in pictures:
                yield _brought(path, folder, have, taken)
            elif path.suffix == voc.SUFFIX and path.stem not in stems:
                yield Brought(f"{shown(str(path))}: has no picture beside it; left out", "left out")
        except DlimError as error:
            yield Brought(f"{error}; left out", "left out")
        except OSError as error:
            yield Brought(f"{unusable(error, path)}; left out", "left out")


def _brought(path: Path, folder: Path, have: dict[str, Shot], taken: set[str]) -> Brought:
    boxes = _box_file(path)
    data, suffix, size, digest = _picture(path)
    drawn = objects(boxes, size) if boxes else None
    said = "" if drawn is None else f", with {len(drawn)} box{'' if len(drawn) == 1 else 'es'}"
    same = have.get(digest)
    if same is not None:
        if drawn is None or same.labelled:
            return Brought(f"{shown(path.name)}: is {same.image} already", "there already")
        write(same, drawn)
        have[digest] = replace(same, annotation=same.image.with_suffix(voc.SUFFIX))
        return Brought(f"{shown(path.name)}: is {same.image} already{said} now", "there already", labelled=True)
    name = next(each for each in _names(path.stem) if each not in taken)
    made = Shot(name, folder / f"{name}{suffix}", None, size)
    folder.mkdir(exist_ok=True)
    store.write_file(made.image, lambda making: making.write_bytes(data))
    taken.add(name)
    have[digest] = made
    if drawn is not None:
        write(made, drawn)
        have[digest] = replace(made, annotation=made.image.with_suffix(voc.SUFFIX))
    line = f"{shown(path.name)}: {made.image}, {canvas_name(size)}{said}"
    return Brought(line, "brought in", labelled=drawn is not None)


def _names(stem: str) -> Iterator[str]:
    """What a picture may be called as a shot: its own name as far as a shot can have it, or shot-1, and so on."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).lstrip(".")[:70]
    if re.search(r"[A-Za-z0-9]", plain):
        yield plain
        yield from (f"{plain}-{number}" for number in itertools.count(2))
    yield from (f"shot-{number}" for number in itertools.count(1))


def _picture(path: Path) -> tuple[bytes, str, Size, str]:
    """A picture as a shot holds it: its bytes, their suffix, its size, and the digest of its pixels.

    The file's own bytes where every reader sees the same in them; a PNG file of the pixels where not.
    """
    with images.opened(path) as image:
        seen = images.upright(path, image)
        plain = image.mode == "RGB" and images.is_upright(image) and image.format in ("JPEG", "PNG")
        if plain and image.format is not None:
            return path.read_bytes(), {"JPEG": ".jpg", "PNG": ".png"}[image.format], seen.size, _digest(seen)
        data = BytesIO()
        seen.save(data, "PNG")
        return data.getvalue(), ".png", seen.size, _digest(seen)


def _pixels(path: Path) -> str:
    """The digest of what a picture shows; of one that can't be read, nothing else's."""
    try:
        with images.opened(path) as image:
            return _digest(images.upright(path, image))
    except DlimError:
        return str(path)


def _digest(image: Image) -> str:
    return hashlib.sha256(canvas_name(image.size).encode() + image.tobytes()).hexdigest()
