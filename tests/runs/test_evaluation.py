"""Predictions are judged as COCO judges them."""

from __future__ import annotations

import contextlib
import io
import random

import pytest

from dlim.geometry import Box, Object
from dlim.runs.evaluation import Prediction, evaluate, false_at_recall, from_json, to_json

TEN = Box(0, 0, 10, 10)


def drawn(seed: int) -> tuple[dict[str, list[Object]], list[Prediction]]:
    """Shots with objects of three labels, some difficult, and predictions beside, near and far from them."""
    chance = random.Random(seed)
    truth: dict[str, list[Object]] = {}
    predictions: list[Prediction] = []

    def box() -> Box:
        x, y = chance.uniform(0, 300), chance.uniform(0, 500)
        return Box(x, y, x + chance.uniform(8, 90), y + chance.uniform(8, 90))

    for number in range(12):
        shot = f"shot_{number}"
        labels = [chance.choice(("close", "skip", "install")) for _ in range(chance.randrange(6))]
        truth[shot] = [Object(label, box(), difficult=chance.random() < 0.15) for label in labels]
        for thing in truth[shot]:
            for _ in range(chance.randrange(4)):
                shift = [chance.gauss(0, 6) for _ in range(4)]
                b = thing.box
                x, y = b.x1 + shift[0], b.y1 + shift[1]
                moved = Box(x, y, x + max(b.width + shift[2], 1), y + max(b.height + shift[3], 1))
                predictions.append(Prediction(shot, thing.label, moved, chance.random()))
        predictions += [Prediction(shot, chance.choice(("close", "skip")), box(), chance.random()) for _ in range(3)]
    return truth, predictions


@pytest.mark.readers
@pytest.mark.parametrize("seed", range(6))
def test_average_precision_is_cocos(seed: int) -> None:
    """AP50 and AP50:95 agree with faster-coco-eval to a millionth, by label and in all."""
    coco = pytest.importorskip("faster_coco_eval")
    truth, predictions = drawn(seed)
    shots = {shot: number for number, shot in enumerate(truth, 1)}
    labels = {"close": 1, "install": 2, "skip": 3}

    def xywh(box: Box) -> list[float]:
        return [box.x1, box.y1, box.width, box.height]

    things = [(shot, thing) for shot in truth for thing in truth[shot]]
    record = {
        "images": [{"id": number, "width": 400, "height": 600, "file_name": shot} for shot, number in shots.items()],
        "categories": [{"id": number, "name": label} for label, number in labels.items()],
        "annotations": [
            {
                "id": number,
                "image_id": shots[shot],
                "category_id": labels[thing.label],
                "bbox": xywh(thing.box),
                "area": thing.box.area,
                "iscrowd": 0,
                "ignore": int(thing.difficult),
            }
            for number, (shot, thing) in enumerate(things, 1)
            if not thing.difficult
        ],
    }
    plain = {shot: [thing for thing in truth[shot] if not thing.difficult] for shot in truth}
    found = [
        {"image_id": shots[o.shot], "category_id": labels[o.label], "bbox": xywh(o.box), "score": o.score}
        for o in predictions
    ]
    mine = evaluate(plain, predictions)
    with contextlib.redirect_stdout(io.StringIO()):
        oracle = coco.COCO(record)
        judged = coco.COCOeval_faster(oracle, oracle.loadRes(found), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
        precision = judged.eval["precision"]  # overlap, recall, label, area, how many
    assert mine.total.ap == pytest.approx(judged.stats[0], abs=1e-6)
    assert mine.total.ap50 == pytest.approx(judged.stats[1], abs=1e-6)
    for label, number in labels.items():
        assert mine.labels[label].ap == pytest.approx(precision[:, :, number - 1, 0, -1].mean(), abs=1e-6)


def test_what_is_found_missed_and_false() -> None:
    """At the best score: what was found, what nothing found, what is nothing, and what was taken for another label."""
    truth = {"a": [Object("close", TEN), Object("skip", TEN.shifted(50, 0))], "b": [Object("close", TEN)], "c": []}
    predictions = [
        Prediction("a", "close", TEN, 0.9),
        Prediction("b", "skip", TEN, 0.85),
        Prediction("a", "skip", TEN.shifted(50, 1), 0.8),
        Prediction("c", "close", TEN, 0.1),
    ]
    judged = evaluate(truth, predictions)
    assert (judged.score, judged.total.found, judged.total.objects) == (0.8, 2, 3)
    assert judged.total.recall == pytest.approx(2 / 3)
    assert judged.total.false == pytest.approx(1 / 3)
    assert judged.missed == (("b", truth["b"][0]),)
    assert judged.false == (predictions[1],)
    assert judged.confused == {("close", "skip"): 1}
    assert judged.labels["skip"].ap50 == pytest.approx(0.5)
    assert false_at_recall(truth, predictions, 0.6) == pytest.approx(1 / 3)
    assert false_at_recall(truth, predictions, 0.8) is None
    assert from_json(to_json(judged, "of the shots", 3)) == judged


def test_a_difficult_object_is_not_asked_for() -> None:
    """Nobody is told off for missing a difficult object, nor for finding it."""
    truth = {"a": [Object("close", TEN, difficult=True), Object("close", TEN.shifted(50, 0))]}
    found = [Prediction("a", "close", TEN, 0.9), Prediction("a", "close", TEN.shifted(50, 0), 0.8)]
    for predictions in (found, found[1:]):
        judged = evaluate(truth, predictions)
        assert (judged.total.ap50, judged.total.ap, judged.missed, judged.false) == (1, 1, (), ())


def test_nothing_found_and_nothing_to_find() -> None:
    """Without a prediction all is missed; without an object there is no figure."""
    assert evaluate({"a": [Object("close", TEN)]}, []).total.ap50 == 0
    nothing = evaluate({"a": []}, [Prediction("a", "close", TEN, 0.5)])
    assert (nothing.total.ap50, nothing.total.recall, nothing.total.false) == (None, None, 1)
