"""Pascal VOC: an annotation as an XML file, and the lists that a dataset holds beside its images.

What its readers demand of a file (ssd.pytorch, torchvision, detectron2, datumaro, supervision, TFOD): whole
coordinates that count from 1 with both ends inside the box, min < max, `truncated` and `difficult` 0 or 1,
`pose` and `segmented` present, and the image's true size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from dlim.formats.voc_reader import frame, read
from dlim.geometry import Annotation, Object

__all__ = ["ANNOTATIONS", "CLASSES", "IMAGES", "LISTS", "SUFFIX", "frame", "lists", "read", "write"]

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


CLASSES = "classes.txt"
"""The labels in the order of their numbers, a line each: what a program that learns reads."""


def lists(
    train: Sequence[str],
    val: Sequence[str],
    labels: Mapping[str, tuple[Sequence[str], Sequence[str]]],
    *,
    class_lists: bool,
    trainval: str = "all",
) -> dict[str, str]:
    """The dataset's text files by their path in it, from the ids of train and val, and of those that show each label.

    trainval is the union of train and val, or train where that is said. There is no third share, so test is val: what
    a trained network is judged by must not be what it learned from. A class list has the images that show the class,
    each with a 1. VOC's own also have all the others, with -1: of a thousand classes that is a thousand lines an image,
    and no reader that we know of asks for them.
    """
    files = {f"{LISTS}/{part}.txt": _lines(ids) for part, ids in _sets(train, val, trainval).items()}
    if class_lists:
        for label, sides in labels.items():
            for part, ids in _sets(*sides, trainval).items():
                files[f"{LISTS}/{label}_{part}.txt"] = _lines(f"{image}  1" for image in ids)
    files["labelmap.txt"] = _labelmap(sorted(labels))
    files[CLASSES] = _lines(sorted(labels))
    return files


def _sets(train: Sequence[str], val: Sequence[str], trainval: str) -> dict[str, list[str]]:
    held_out = sorted(val)
    return {
        "train": sorted(train),
        "val": held_out,
        "trainval": sorted([*train, *val] if trainval == "all" else train),
        "test": held_out,
    }


def _labelmap(names: Iterable[str]) -> str:
    """datumaro's table of labels: without it, it knows the twenty of Pascal VOC and no other."""
    return _lines(["# label:color_rgb:parts:actions", *(f"{name}:::" for name in names)])


def _lines(items: Iterable[str]) -> str:
    # no blank line: torchvision would look for the image of that name
    return "".join(f"{item}\n" for item in items)
