"""Pascal VOC: an annotation as an XML file, and the lists that a dataset holds beside its images.

What its readers demand of a file (ssd.pytorch, torchvision, detectron2, datumaro, supervision, TFOD): whole
coordinates that count from 1 with both ends inside the box, min < max, `truncated` and `difficult` 0 or 1,
`pose` and `segmented` present, and the image's true size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from dlim.annotation import Annotation, Box, Object
from dlim.errors import AnnotationError

ANNOTATIONS = "Annotations"
IMAGES = "JPEGImages"
LISTS = "ImageSets/Main"
SUFFIX = ".xml"

_FILE = """\
<annotation>
	<folder>{folder}</folder>
	<filename>{filename}</filename>
	<source>
		<database>dlim</database>
	</source>
	<size>
		<width>{width}</width>
		<height>{height}</height>
		<depth>{depth}</depth>
	</size>
	<segmented>0</segmented>
{objects}</annotation>
"""

_OBJECT = """\
	<object>
		<name>{label}</name>
		<pose>{pose}</pose>
		<truncated>{truncated:d}</truncated>
		<difficult>{difficult:d}</difficult>
		<bndbox>
			<xmin>{xmin:d}</xmin>
			<ymin>{ymin:d}</ymin>
			<xmax>{xmax:d}</xmax>
			<ymax>{ymax:d}</ymax>
		</bndbox>
	</object>
"""


def write(annotation: Annotation) -> str:
    """The VOC file of an annotation whose boxes are whole pixels inside the image.

    VOC's xmin is the first column inside the box counted from 1, xmax the last one.
    """
    return _FILE.format(
        folder=escape(annotation.folder),
        filename=escape(annotation.filename),
        width=annotation.width,
        height=annotation.height,
        depth=annotation.depth,
        objects="".join(_object_text(thing) for thing in annotation.objects),
    )


def _object_text(thing: Object) -> str:
    box = thing.box
    return _OBJECT.format(
        label=escape(thing.label),
        pose=escape(thing.pose),
        truncated=thing.truncated,
        difficult=thing.difficult,
        xmin=int(box.x1) + 1,
        ymin=int(box.y1) + 1,
        xmax=int(box.x2),
        ymax=int(box.y2),
    )


def read(path: Path) -> Annotation:
    """The annotation in a VOC file, its boxes as the file has them: they may hang over the image.

    Raises AnnotationError with the file and what is wrong in it.
    """
    import xmltodict  # 70 ms that `doit list` need not pay

    try:
        tree = xmltodict.parse(path.read_bytes(), force_list=("object",))
    except (OSError, ValueError, LookupError, xmltodict.expat.ExpatError) as error:  # LookupError: no such encoding
        raise AnnotationError(path, f"is no XML file that can be read ({error})", "label the image again") from error
    root = tree.get("annotation")
    if not isinstance(root, dict):
        raise AnnotationError(path, "is no VOC file: it has no <annotation>", "label the image again, as Pascal VOC")
    reader = _Fields(path)
    size = reader.inner(root, "size")
    return Annotation(
        filename=reader.text(root, "filename", ""),
        folder=reader.text(root, "folder", ""),
        width=reader.pixels(size, "size", "width"),
        height=reader.pixels(size, "size", "height"),
        depth=3,  # labelImg writes 1 for an image that its reader couldn't ask: dlim's masters are all RGB
        objects=tuple(reader.object(item) for item in root.get("object") or ()),
    )


@dataclass(frozen=True, slots=True)
class _Fields:
    """What stands in the elements of one file; every complaint names the file."""

    path: Path

    def _error(self, fault: str) -> AnnotationError:
        return AnnotationError(self.path, fault, "label the image again, or mend the file")

    def inner(self, element: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        value = element.get(name)
        if not isinstance(value, dict):
            raise self._error(f"<{name}> is missing or empty")
        return value

    def text(self, element: Mapping[str, Any], name: str, default: str) -> str:
        value = element.get(name)
        return value.strip() if isinstance(value, str) else default

    def number(self, element: Mapping[str, Any], parent: str, name: str) -> float:
        value = self.text(element, name, "")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not abs(number) < 1e6:  # nan too
            raise self._error(f'<{parent}> <{name}> is "{value}", no number of pixels')
        return number

    def pixels(self, element: Mapping[str, Any], parent: str, name: str) -> int:
        number = self.number(element, parent, name)
        if number < 1 or number != int(number):
            raise self._error(f'<{parent}> <{name}> is "{number:g}", no size in pixels')
        return int(number)

    def flag(self, element: Mapping[str, Any], name: str) -> bool:
        value = self.text(element, name, "0")
        if value not in ("0", "1"):
            raise self._error(f'<{name}> is "{value}", neither 0 nor 1')
        return value == "1"

    def object(self, element: Any) -> Object:
        if not isinstance(element, dict):
            raise self._error("an <object> is empty")
        label = self.text(element, "name", "")
        if not label:
            raise self._error("an <object> has no <name>")
        edges = self.inner(element, "bndbox")
        xmin, ymin, xmax, ymax = (self.number(edges, "bndbox", name) for name in ("xmin", "ymin", "xmax", "ymax"))
        if xmin > xmax or ymin > ymax:
            raise self._error(f'the box of "{label}" ends before it begins')
        return Object(
            label=label,
            box=Box(xmin - 1, ymin - 1, xmax, ymax),
            truncated=self.flag(element, "truncated"),
            difficult=self.flag(element, "difficult"),
            pose=self.text(element, "pose", "Unspecified"),
        )


def lists(
    train: Sequence[str], val: Sequence[str], labels: Mapping[str, Iterable[str]], *, class_lists: bool
) -> dict[str, str]:
    """The dataset's text files by their path in it, from the ids of train and val and each image's labels.

    trainval is the union of train and val. There is no third share, so test is val: what a trained network
    is judged by must not be what it learned from. A class list has 1 behind an image that shows the class
    and -1 behind any other.
    """
    sets = {
        "train": sorted(train),
        "val": sorted(val),
        "trainval": sorted([*train, *val]),
        "test": sorted(val),
    }
    names = sorted({label for image in labels.values() for label in image})
    files = {f"{LISTS}/{name}.txt": _lines(ids) for name, ids in sets.items()}
    if class_lists:
        shown = {image: frozenset(found) for image, found in labels.items()}
        for label in names:
            for part, ids in sets.items():
                marks = (f"{image} {1 if label in shown[image] else -1:2d}" for image in ids)
                files[f"{LISTS}/{label}_{part}.txt"] = _lines(marks)
    files["labelmap.txt"] = _labelmap(names)
    return files


def _labelmap(names: Iterable[str]) -> str:
    """datumaro's table of labels: without it, it knows the twenty of Pascal VOC and no other."""
    return _lines(["# label:color_rgb:parts:actions", *(f"{name}:::" for name in names)])


def _lines(items: Iterable[str]) -> str:
    # no blank line: torchvision would look for the image of that name
    return "".join(f"{item}\n" for item in items)
