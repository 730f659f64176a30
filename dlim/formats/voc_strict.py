"""A dataset's VOC file as learning programs read it: by the letter, with nothing guessed and nothing forgiven.

`formats.voc_reader` reads what people's programs write, and finds out what they meant. A learner doesn't: it takes what
stands there, so that is what a dataset is judged by.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from dlim.geometry import Annotation, Box, Object

_WHOLE = re.compile(r"\s*[+-]?\d{1,9}\s*", re.ASCII)

_EDGES = ("xmin", "ymin", "xmax", "ymax")

_TEXT = r"([^<>&\x00-\x1f\x7f-\xff]*)"
"""A text that XML has no other way to read."""


def _shape(*names: str) -> str:
    return r"\s*".join(
        f"<{name}>{_TEXT if name in ('folder', 'filename', 'name', 'pose') else '([0-9]{1,9})'}</{name}>"
        for name in names
    )


_OBJECT = re.compile(
    rf"\s*<object>\s*{_shape('name', 'pose', 'truncated', 'difficult')}\s*"
    rf"<bndbox>\s*{_shape(*_EDGES)}\s*</bndbox>\s*</object>"
)

_HEAD = re.compile(
    rf"<annotation>\s*{_shape('folder', 'filename')}\s*<source>\s*<database>dlim</database>\s*</source>\s*"
    rf"<size>\s*{_shape('width', 'height', 'depth')}\s*</size>\s*<segmented>0</segmented>"
)
"""What dlim itself writes: a dataset has 100,000 of these, and XML's own way through them takes ten times as long."""


def read(data: bytes) -> Annotation:
    """The annotation in a file's bytes. Boxes may reach over the image, and a label is what stands there, spaces too.

    Raises ValueError, with what is wrong in a few words, for what a common reader of VOC fails on.
    """
    return _quickly(data) or _slowly(data)


def _quickly(data: bytes) -> Annotation | None:
    """What is written as dlim writes it; None for any other file, one with a fault in it too."""
    text = data.decode("latin-1")
    head = _HEAD.match(text)
    if head is None:
        return None
    folder, filename, *size = head.groups()
    objects, at = [], head.end()
    while found := _OBJECT.match(text, at):
        label, pose, truncated, difficult, *edges = found.groups()
        xmin, ymin, xmax, ymax = map(int, edges)
        if not label.strip() or xmin >= xmax or ymin >= ymax or {truncated, difficult} - {"0", "1"}:
            return None
        objects.append(
            Object(label, Box(xmin - 1, ymin - 1, xmax, ymax), truncated == "1", difficult == "1", pose.strip())
        )
        at = found.end()
    if text[at:].strip() != "</annotation>":
        return None
    width, height, depth = map(int, size)
    return Annotation(filename.strip(), width, height, tuple(objects), depth, folder.strip())


def _slowly(data: bytes) -> Annotation:
    if b"<!" in data and b"<!ENTITY" in data.upper():
        raise ValueError("declares entities")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - without entities there is nothing that could grow
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # LookupError: no such encoding
        raise ValueError(f"is no XML ({error})") from error
    size = _inner(root, "size")
    return Annotation(
        filename=(root.findtext("filename") or "").strip(),
        width=_number(size, "width"),
        height=_number(size, "height"),
        depth=_number(size, "depth"),
        objects=tuple(_object(item) for item in root.findall("object")),
        folder=(root.findtext("folder") or "").strip(),
    )


def _object(item: Element) -> Object:
    label = item.findtext("name") or ""
    if not label.strip():
        raise ValueError("has an <object> without a <name>")
    pose = item.findtext("pose")
    if pose is None:
        raise ValueError(f'"{label}" has no <pose>')
    edges = _inner(item, "bndbox")
    xmin, ymin, xmax, ymax = (_number(edges, name) for name in _EDGES)
    if xmin >= xmax or ymin >= ymax:
        raise ValueError(f'the box of "{label}" ends where it begins, or before')
    return Object(
        label, Box(xmin - 1, ymin - 1, xmax, ymax), _flag(item, "truncated"), _flag(item, "difficult"), pose.strip()
    )


def _inner(element: Element, name: str) -> Element:
    found = element.find(name)
    if found is None:
        raise ValueError(f"has no <{name}>")
    return found


def _number(element: Element, name: str) -> int:
    text = element.findtext(name)
    if text is None:
        raise ValueError(f"has no <{name}>")
    if not _WHOLE.fullmatch(text):
        raise ValueError(f'<{name}> is "{text}", no whole number')
    return int(text)


def _flag(element: Element, name: str) -> bool:
    text = (element.findtext(name) or "").strip()
    if text not in ("0", "1"):
        raise ValueError(f'<{name}> is "{text}", neither 0 nor 1')
    return text == "1"
