"""The record of one augmented image: one line, and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlim import variation
from dlim.errors import AugmentError
from dlim.geometry import Box, Mesh, Object, grid, still
from dlim.variation import RECORDS, Variation

calm = settings(deadline=None)

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NUMBERS = st.floats(-1e4, 1e4, allow_nan=False)
SIZES = st.tuples(st.integers(1, 4000), st.integers(1, 4000))


@st.composite
def objects(draw: st.DrawFn) -> Object:
    return Object(
        draw(WORDS), Box(*(draw(NUMBERS) for _ in range(4))), draw(st.booleans()), draw(st.booleans()), draw(WORDS)
    )


@st.composite
def variations(draw: st.DrawFn) -> Variation:
    """Any record; the mesh's points have the four decimals that are kept."""
    side = draw(st.integers(2, 4))
    points = tuple((round(draw(NUMBERS), 4), round(draw(NUMBERS), 4)) for _ in range(side * side))
    return Variation(
        filename=draw(WORDS),
        operation=draw(WORDS),
        size=draw(SIZES),
        crop=draw(SIZES),
        origin=draw(SIZES),
        mesh=Mesh(*draw(SIZES), points),
        parameters=draw(st.dictionaries(WORDS, NUMBERS, max_size=3)),
        objects=draw(st.none() | st.lists(objects(), max_size=2).map(tuple)),
    )


@calm
@given(variations())
def test_a_line_says_all(record: Variation) -> None:
    """What a line was made from is what is read from it, and it is one line."""
    line = variation.to_line(record)
    assert "\n" not in line
    assert variation.from_line(line) == record


@calm
@given(objects())
def test_an_object_says_all(thing: Object) -> None:
    """An object through JSON is the same object."""
    assert variation.object_from(json.loads(json.dumps(variation.object_record(thing)))) == thing


def _record(filename: str) -> Variation:
    return Variation(filename, "zoom", (400, 400), (8, 4), (0, 0), still(8, 4), {"zoom_x": 1.25})


def test_a_line_can_be_read_by_a_person() -> None:
    """A line names its values, and writes Japanese as it is."""
    assert variation.to_line(_record("あ.jpg")) == (
        '{"filename": "あ.jpg", "sha256": "", "operation": "zoom", "parameters": {"zoom_x": 1.25}, "size": [400, 400], '
        '"crop": [8, 4], "origin": [0, 0], "master": [8, 4], "mesh": [[0.0, 0.0], [8.0, 0.0], [0.0, 4.0], [8.0, 4.0]]}'
    )


def test_points_keep_four_decimals() -> None:
    """A mesh is written to a ten-thousandth of a pixel: more would be noise that differs between machines."""
    exact = Variation("a.jpg", "own", (8, 4), (8, 4), (0, 0), Mesh(8, 4, ((1 / 3, 2 / 3), *grid(8, 4, 2)[1:])))
    assert '"mesh": [[0.3333, 0.6667], ' in variation.to_line(exact)


def test_records_keep_their_order(tmp_path: Path) -> None:
    """What is appended comes after what is there, and is read in that order."""
    variation.append(tmp_path, [_record("b.jpg"), _record("c.jpg")])
    variation.append(tmp_path, [_record("a.jpg")])
    assert [record.filename for record in variation.read(tmp_path)] == ["b.jpg", "c.jpg", "a.jpg"]


def test_a_folder_without_records_has_none(tmp_path: Path) -> None:
    """Where no script used dlim.augment, there is no record and no error."""
    assert list(variation.read(tmp_path)) == []


GOOD = variation.to_line(_record("a.jpg"))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("", id="an empty line"),
        pytest.param("{", id="half a line"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="an empty object"),
        pytest.param("null", id="null"),
        pytest.param("3", id="a number"),
        pytest.param(GOOD.replace('"crop": [8, 4]', '"crop": 8'), id="a number for a size"),
        pytest.param(GOOD.replace('"master": [8, 4]', '"master": [8]'), id="a size of one number"),
        pytest.param(GOOD.replace("[8.0, 4.0]]", "[8.0]]"), id="a point of one number"),
        pytest.param(GOOD[:-1] + ', "objects": [{}]}', id="an object without a box"),
        pytest.param(GOOD[:-1] + ', "objects": [{"label": "a", "box": [1]}]}', id="a box of one number"),
        pytest.param(GOOD[:-1] + ', "objects": ["a"]}', id="a word for an object"),
        pytest.param(GOOD[:-1] + ', "objects": 3}', id="a number for objects"),
    ],
)
def test_what_is_no_record(tmp_path: Path, line: str) -> None:
    """A broken line is refused with the file and the line's number."""
    path = tmp_path / RECORDS
    path.write_text(f"{GOOD}\n{line}\n", encoding="utf-8")
    with pytest.raises(AugmentError) as caught:
        list(variation.read(tmp_path))
    assert str(caught.value) == (
        f"{path}:2: is no record of a variation; leave that file to dlim.augment, or don't write one"
    )
