"""A dataset's annotation is read by the letter: what dlim writes means what it meant, and nothing else is guessed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlim.formats import voc, voc_strict
from dlim.geometry import Annotation, Box, Object

EDGES = st.integers(0, 398)
BOXES = st.tuples(EDGES, EDGES, st.integers(2, 400), st.integers(2, 400)).map(
    lambda edges: Box(edges[0], edges[1], min(400, edges[0] + edges[2]), min(400, edges[1] + edges[3]))
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zs", "Zl", "Zp")), min_size=1)
OBJECTS = st.builds(Object, TEXT, BOXES, st.booleans(), st.booleans())


@given(st.builds(Annotation, TEXT, st.just(400), st.just(400), st.lists(OBJECTS).map(tuple)))
def test_what_was_written_is_read(annotation: Annotation) -> None:
    """Whatever dlim writes comes back as it was, whatever the labels are."""
    assert voc_strict.read(voc.write(annotation).encode()) == annotation


def test_both_readers_agree(tmp_path: Path) -> None:
    """What dlim writes means the same to the reader of people's files, where the least edge isn't the image's own."""
    annotation = Annotation("a.jpg", 400, 300, (Object("close", Box(3, 4, 30, 40), truncated=True),))
    path = tmp_path / "a.xml"
    path.write_text(voc.write(annotation))
    assert voc.read(path) == voc_strict.read(path.read_bytes())


GOOD = voc.write(Annotation("a.jpg", 400, 300, (Object("close", Box(0, 0, 30, 40)),)))


def test_boxes_are_what_they_say() -> None:
    """A box over the edge, or one that counts from 0, isn't moved to where it was meant to be."""
    text = GOOD.replace("<xmin>1<", "<xmin>0<").replace("<xmax>30<", "<xmax>444<")
    assert voc_strict.read(text.encode()).objects[0].box == Box(-1, 0, 444, 40)


def test_labels_are_what_they_say() -> None:
    """Spaces and capital letters stay, as it is these that lead to harm."""
    assert voc_strict.read(GOOD.replace(">close<", "> Close <").encode()).objects[0].label == " Close "


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("<size>", "<sizes>", "is no XML"),
        (GOOD, "", "is no XML"),
        (GOOD, "\0\0\0", "is no XML"),
        ("<annotation>", '<?xml version="1.0" encoding="klingon"?><annotation>', "is no XML"),
        ("<width>400</width>", "", "has no <width>"),
        ("<depth>3<", "<depth>three<", '<depth> is "three", no whole number'),
        ("<width>400<", "<width>4e2<", '<width> is "4e2", no whole number'),
        ("<width>400<", "<width>٤٠٠<", '<width> is "٤٠٠", no whole number'),
        ("<name>close</name>", "", "has an <object> without a <name>"),
        ("<name>close<", "<name> <", "has an <object> without a <name>"),
        ("<pose>Unspecified</pose>", "", '"close" has no <pose>'),
        ("<difficult>0</difficult>", "", '<difficult> is "", neither 0 nor 1'),
        ("<truncated>0<", "<truncated>no<", '<truncated> is "no", neither 0 nor 1'),
        ("<bndbox>", "<bndbox/><x>", "is no XML"),
        ("<xmin>1<", "<xmin>1.5<", '<xmin> is "1.5", no whole number'),
        ("<xmin>1<", "<xmin>30<", 'the box of "close" ends where it begins, or before'),
        ("<ymax>40<", "<ymax>-40<", 'the box of "close" ends where it begins, or before'),
        (
            "<annotation>",
            '<!DOCTYPE a [<!ENTITY b "1234567890">]><annotation>',
            "declares entities",
        ),
    ],
)
def test_what_readers_fail_on(before: str, after: str, fault: str) -> None:
    """A missing element, a fraction, a flag in words: each is said in a few words."""
    assert before in GOOD
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}"):
        voc_strict.read(GOOD.replace(before, after).encode())
