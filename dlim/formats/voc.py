"""Pascal VOC: an annotation as an XML file, and the lists that a dataset holds beside its images.

What its readers demand of a file (ssd.pytorch, torchvision, detectron2, datumaro, supervision, TFOD): whole
coordinates that count from 1 with both ends inside the box, min < max, `truncated` and `difficult` 0 or 1,
`pose` and `segmented` present, and the image's true size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from dlim.annotation import Annotation, Object
from dlim.formats.voc_reader import frame, read

__all__ = ["ANNOTATIONS", "IMAGES", "LISTS", "SUFFIX", "frame", "lists", "read", "write"]

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
