"""A VOC file as labelling programs write it: read where its meaning is clear, and refused in a line where it isn't.

What was seen of them: labelImg counts from 1, and says a size of 0x0 for an image that it couldn't open. CVAT measures
from the image's edge in fractions, leaves out <pose> and <depth>, and at times <size>. Label Studio measures in whole
pixels. VoTT and X-AnyLabeling write fractions, too. All add elements of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

from dlim import store
from dlim.errors import AnnotationError
from dlim.geometry import Annotation, Box, Object


def read(path: Path) -> Annotation:
    """The annotation in a VOC file of any program, its boxes in whole pixels; they may hang over the image.

    width and height are 0 where the file doesn't say them. Raises AnnotationError with the file and what is wrong.
    """
    import xmltodict  # 70 ms that `doit list` need not pay

    try:
        tree = xmltodict.parse(_text(store.read_small(path)), force_list=("object",))
    except OSError as error:
        raise AnnotationError(path, f"can't be read ({error.strerror})", "label the image again") from error
    except (ValueError, LookupError, xmltodict.expat.ExpatError) as error:  # LookupError: no such encoding
        raise AnnotationError(path, f"is no XML file that can be read ({error})", "label the image again") from error
    root = tree.get("annotation")
    if not isinstance(root, dict):
        raise AnnotationError(path, "is no VOC file: it has no <annotation>", "label the image again, as Pascal VOC")
    reader = _Fields(path)
    items = root.get("object") or ()
    first = _first_pixel(root, [edge for item in items for edge in reader.edges(item)])
    width, height = reader.size(root)
    return Annotation(
        filename=reader.text(root, "filename"),
        folder=reader.text(root, "folder"),
        width=width,
        height=height,
        depth=3,  # labelImg writes 1 for an image that its reader couldn't ask: dlim's masters are all RGB
        objects=tuple(reader.object(item, first) for item in items),
    )


def frame(annotation: Annotation, crop: tuple[int, int], extended: tuple[int, int]) -> tuple[int, int]:
    """The size of the image that a master's boxes were drawn on; 0 and 0 where the file doesn't tell.

    Where <size> says nothing, <filename> tells the master from the extended image, to which some programs add
    letters before and behind. crop, extended: the sizes of those two.
    """
    if annotation.width:
        return annotation.width, annotation.height
    if "image_extended" in annotation.filename:
        return extended
    return crop if Path(annotation.filename).stem.endswith("image") else (0, 0)


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
"""How a file begins that needs no declaration, and its encoding."""

_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']""")


def _text(data: bytes) -> str:
    """A file's characters: in the encoding that it declares, or else in UTF-8, which many write under any declaration.

    Where it is neither, what can't be read is U+FFFD: a folder's name may be so, but no label.
    """
    declared = _DECLARED.match(data)
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), declared and declared[1].decode())
    if not encoding or (declared and encoding.lower().startswith("utf-16")):
        encoding = "utf-8"  # what can be read byte by byte isn't two bytes a character, whatever it declares
    for tried in (encoding, "utf-8"):
        with suppress(UnicodeDecodeError):
            return data.decode(tried).lstrip("\ufeff \t\r\n")
    return data.decode(encoding, "replace")


_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)

_EDGES = ("xmin", "ymin", "xmax", "ymax")

_SHAPES = ("polygon", "robndbox", "line", "point")
"""What other programs write where an object has no box."""

_FLAGS = {
    **dict.fromkeys(("0", "no", "false", "unspecified", ""), False),
    **dict.fromkeys(("1", "yes", "true"), True),
}
"""What programs write for truncated and difficult, in small letters."""


def _first_pixel(root: Mapping[str, Any], edges: Sequence[tuple[str, str]]) -> int:
    """What the file calls the first column: 1 as VOC does, or 0, where edges are measured from the image's own.

    Programs that measure show it: they write fractions (CVAT, for whole numbers too), their least edge is 0, or they
    give their name (Label Studio).
    """
    owner = root.get("owner")
    if isinstance(owner, dict) and owner.get("name") == "Label Studio":
        return 0
    if any(not _WHOLE.fullmatch(text) for _, text in edges):
        return 0
    return 0 if min((float(text) for name, text in edges if name.endswith("min")), default=1) == 0 else 1


@dataclass(frozen=True, slots=True)
class _Fields:
    """What stands in the elements of one file; every complaint names the file."""

    path: Path

    def _error(self, fault: str, remedy: str = "label the image again, or mend the file") -> AnnotationError:
        return AnnotationError(self.path, fault, remedy)

    def inner(self, element: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        value = element.get(name)
        if isinstance(value, list):
            raise self._error(f"<{name}> stands there twice")
        if not isinstance(value, dict):
            raise self._error(f"<{name}> is missing or empty")
        return value

    def text(self, element: Mapping[str, Any], name: str, default: str = "") -> str:
        value = element.get(name)
        if isinstance(value, list):
            raise self._error(f"<{name}> stands there twice")
        if isinstance(value, dict):  # with attributes
            value = value.get("#text")
        return value.strip() if isinstance(value, str) else default

    def number(self, element: Mapping[str, Any], parent: str, name: str) -> float:
        value = self.text(element, name)
        number = float(value) if _NUMBER.fullmatch(value) else float("nan")
        if not abs(number) < 1e6:  # nan too
            said = value if len(value) <= 20 else f"{value[:20]}..."
            raise self._error(f'<{parent}> <{name}> is "{said}", no number of pixels')
        return number

    def size(self, root: Mapping[str, Any]) -> tuple[int, int]:
        """Width and height; 0 and 0 where they aren't said, or are what a program writes that couldn't ask."""
        if root.get("size") is None:
            return 0, 0
        element = self.inner(root, "size")
        width, height = (self.number(element, "size", name) for name in ("width", "height"))
        if width == height == 0:
            return 0, 0
        return self.pixels("width", width), self.pixels("height", height)

    def pixels(self, name: str, number: float) -> int:
        if number < 1 or number != int(number):
            raise self._error(f'<size> <{name}> is "{number:g}", no size in pixels')
        return int(number)

    def flag(self, element: Mapping[str, Any], name: str) -> bool:
        value = self.text(element, name)
        if value.lower() not in _FLAGS:
            raise self._error(f'<{name}> is "{value}", neither 0 nor 1')
        return _FLAGS[value.lower()]

    def edges(self, element: Any) -> list[tuple[str, str]]:
        """The edges of an object's box by their names, as they are written."""
        if not isinstance(element, dict):
            raise self._error("an <object> is empty")
        label = self.text(element, "name")
        if not label:
            raise self._error("an <object> has no <name>")
        if "\ufffd" in label:
            raise self._error(f'the name "{label}" is not in the encoding of the file', "save the file as UTF-8")
        shape = next((shape for shape in _SHAPES if shape in element and "bndbox" not in element), None)
        if shape:
            raise self._error(f'"{label}" is a <{shape}> and has no <bndbox>', "draw a box around it")
        edges = self.inner(element, "bndbox")
        return [(name, self.text(edges, name)) for name in _EDGES]

    def object(self, element: Mapping[str, Any], first: int) -> Object:
        """An object with its box in whole pixels. first: what the file calls the first column."""
        label = self.text(element, "name")
        angle = self._angle(element)
        if angle:
            raise self._error(f'the box of "{label}" is turned by {angle:g} degrees', "draw one that isn't turned")
        box = element["bndbox"]
        xmin, ymin, xmax, ymax = (floor(self.number(box, "bndbox", name) + 0.5) for name in _EDGES)
        if xmin > xmax or ymin > ymax:
            raise self._error(f'the box of "{label}" ends before it begins')
        if xmin - first == xmax or ymin - first == ymax:
            raise self._error(f'the box of "{label}" is less than a pixel wide or high')
        return Object(
            label=label,
            box=Box(xmin - first, ymin - first, xmax, ymax),
            truncated=self.flag(element, "truncated"),
            difficult=self.flag(element, "difficult"),
            pose=self.text(element, "pose", "Unspecified"),
        )

    def _angle(self, element: Mapping[str, Any]) -> float:
        """By how many degrees CVAT has turned a box, of which it then writes the edges from before."""
        attributes = element.get("attributes")
        listed = attributes.get("attribute") if isinstance(attributes, dict) else None
        for attribute in listed if isinstance(listed, list) else [listed]:
            if isinstance(attribute, dict) and attribute.get("name") == "rotation":
                value = self.text(attribute, "value")
                return float(value) if _NUMBER.fullmatch(value) else 0
        return 0
