"""What a program says that it found is read with care, and judged by what people said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from dlim.runs.predictions import judge, read
from dlim.runs.record import File
from dlim.runs.shots import Frozen, Still, Thing

FROZEN = Frozen(
    "digest",
    ("close", "skip"),
    (
        Still("a.png", File(1, "a"), (Thing("close", (10, 10, 20, 20)), Thing("ok", (50, 50, 20, 20))), (100, 120)),
        Still("b.png", File(1, "b"), ()),
        Still("open.png", File(1, "c")),
    ),
)


def found(
    name: object = "a.png", label: object = "close", bbox: object = (10, 10, 20, 20), score: object = 0.9
) -> object:
    return {"file_name": name, "label": label, "bbox": bbox, "score": score}


WHOLE = {
    "no JSON": (b"{", "is no JSON"),
    "bytes": (b"\xff\xfe\x00", "is no JSON"),
    "deep": (b"[" * 100_000, "is no JSON"),
    "a table": (b"{}", "is no list of predictions"),
    "too many": (
        b"[" + b"0," * 500_000 + b"0]",
        "has 500,001 predictions, more than 500,000: let predict keep the surest",
    ),
}


@pytest.mark.parametrize(("data", "said"), WHOLE.values(), ids=WHOLE)
def test_a_file_that_says_nothing(data: bytes, said: str) -> None:
    """It is a line, and nothing is judged by it."""
    predictions, lines = read(data, FROZEN)
    assert predictions == []
    assert [line[: len(said)] for line in lines] == [said]


ONE = {
    "a number": (3, "it is no object with file_name, label, bbox and score"),
    "no name": (found(name=None), "file_name is missing"),
    "another shot": (found("c.png"), 'file_name "c.png" is not that of a shot'),
    "another label": (found(label="clsoe"), 'label "clsoe" is none that it learns; did you mean "close"?'),
    "a score of no number": (found(score=float("nan")), "score NaN is not finite"),
    "a score in words": (found(score="high"), 'score "high" is no number'),
    "two corners": (found(bbox=[1, 2]), "bbox [1.0, 2.0] is not [x, y, width, height]"),
    "an endless box": (found(bbox=[0, 0, float("inf"), 1]), "bbox [0.0, 0.0, Infinity, 1.0] is not finite"),
    "a box turned round": (found(bbox=[10, 10, -5, 5]), "bbox has no area, or lies far outside"),
    "a score in percent": (found(score=90), "score is below 0 or above 1"),
    "a box beside the shot": (found(bbox=[100, 0, 5, 5]), "bbox lies wholly beside its shot"),
    "true for a number": (found(bbox=[True, 0, 5, 5]), "bbox [true, 0.0, 5.0, 5.0] is not"),
}


@pytest.mark.parametrize(("one", "said"), ONE.values(), ids=ONE)
def test_a_prediction_that_cant_be_one(one: object, said: str) -> None:
    """It is left out with a line for its kind of fault, and the others count."""
    predictions, lines = read(json.dumps([one, found(), one]).encode(), FROZEN)
    assert [(each.shot, each.label, each.score) for each in predictions] == [("a.png", "close", 0.9)]
    [line] = lines
    assert line.startswith(f"2 predictions left out: {said}")


def test_what_is_judged(tmp_path: Path) -> None:
    """Labelled shots alone, and labels that are learned; crops of the worst are kept, whatever the boxes are."""
    pictures = {}
    for shot in FROZEN.shots:
        pictures[shot.name] = tmp_path / shot.name
        Image.new("RGB", (100, 120), "navy").save(pictures[shot.name])
    wrong = [found("b.png", "skip", [-4, 0, 5, 5], 0.95), found("b.png", "close", [90, 100, 500, 3], 0.95)]
    data = json.dumps([found(), *wrong, found("open.png")]).encode()
    judged, lines = judge(data, FROZEN, pictures, tmp_path / "ssd_shots")
    assert judged is not None
    assert (judged.shots.digest, judged.shots.count, judged.shots.objects) == ("digest", 2, 1)
    assert judged.told == "AP50 50.0, 1 of 1 found, 1.00 false finds a shot"
    assert lines == ["shots show ok, which it doesn't learn and isn't asked for"]
    assert [one.picture for one in judged.false] == ["ssd_shots/false-01.jpg", "ssd_shots/false-02.jpg"]
    for one in judged.false:
        with Image.open(tmp_path / one.picture) as image:
            assert 1 <= max(image.size) <= 240
    data = json.dumps([found("b.png", "skip", [40, 40, 20, 20])]).encode()
    judged, _ = judge(data, FROZEN, pictures, tmp_path / "framed")
    assert judged is not None
    with Image.open(tmp_path / judged.false[0].picture) as image:
        row = [image.convert("RGB").getpixel((x, 100)) for x in range(120)]  # twice as large as the shot
    assert [x for x, (red, green, blue) in enumerate(row) if red > 150 and red > green + 40] == [77, 78, 79]
    nothing = Frozen("", ("close",), (Still("open.png", File(1, "c")),))
    assert judge(data, nothing, {}, tmp_path)[0] is None
    gone = {name: tmp_path / "gone" / name for name in pictures}
    judged, lines = judge(b"[]", FROZEN, gone, tmp_path / "none")
    assert judged is not None
    assert (judged.total.found, lines[-1][:32]) == (0, "the worst of them can't be shown")
