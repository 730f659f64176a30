"""What common programs print is read as metrics, and what they print beside it isn't."""

from __future__ import annotations

import timeit
from pathlib import Path

import pytest

from dlim.report import metrics
from dlim.report.metrics import Series

SAMPLE = """reading data_set
2051 boxes to learn, of 4 labels; 512 to validate
epoch 1/3 loss 0.4120 val_loss 0.5000 val_accuracy 0.8710
epoch 2/3 loss 0.2000 val_loss 0.3000 val_accuracy 0.9000
epoch 3/3 loss 0.1000 val_loss 0.4000 val_accuracy 0.8900
weights/best_weight.pth: the network after epoch 2, the best by val_accuracy; 14.6 s
== test: python3 test.py
close 336 336 0.9970
epoch 9 loss 7
"""

SSD = """Training SSD on: VOC0712
timer: 0.1234 sec.
iter 0 || Loss: 23.1000 || timer: 0.0913 sec.
iter 10 || Loss: 13.2000 || timer: 0.0915 sec.
Saving state, iter: 10
"""

PYTORCH = """Epoch 0/1
----------
train Loss: 0.6000 Acc: 0.7000
val Loss: 0.3000 Acc: 0.9000

Epoch 1/1
----------
train Loss: 0.5000 Acc: 0.8000
val Loss: 0.2000 Acc: 0.9500

Training complete in 1m 2s
Best val Acc: 0.950000
"""

KERAS = """Epoch 1/2
1/100 [>...] - ETA: 59s - loss: 2.0000\r100/100 [====] - 5s 50ms/step - loss: 1.0000 - val_accuracy: 0.9000
Epoch 2/2
100/100 [====] - 5s 50ms/step - loss: 0.5000 - val_accuracy: 0.9100
"""

IMAGENET = """Epoch: [0][  0/100]\tTime  0.123 ( 0.123)\tLoss 6.9e+00 (6.9e+00)\tAcc@1   0.00 (  0.00)
Epoch: [0][ 10/100]\tTime  0.123 ( 0.123)\tLoss 6.8e+00 (6.9e+00)\tAcc@1   1.00 (  0.50)
Epoch: [1][ 10/100]\tTime  0.123 ( 0.123)\tLoss 6.0e+00 (6.9e+00)\tAcc@1   3.50 (  2.00)
"""

JSON = '{"epoch": 1, "loss": 0.5, "mAP": 54.1}\n{"epoch": 2, "loss": 0.25, "mAP": 55}\n'

COMMAS = "2026-01-02 10:11:12 INFO Epoch: 3, Loss: 0.4, Top-1 accuracy: 87.1%\n[Epoch 4] Loss=.3; Top-1 accuracy=88%\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            SAMPLE,
            [
                Series("loss", "epoch", ((1, 0.412), (2, 0.2), (3, 0.1))),
                Series("val_loss", "epoch", ((1, 0.5), (2, 0.3), (3, 0.4))),
                Series("val_accuracy", "epoch", ((1, 0.871), (2, 0.9), (3, 0.89))),
            ],
        ),
        (SSD, [Series("loss", "step", ((0, 23.1), (10, 13.2)))]),
        (
            PYTORCH,
            [
                Series("train loss", "epoch", ((0, 0.6), (1, 0.5))),
                Series("train acc", "epoch", ((0, 0.7), (1, 0.8))),
                Series("val loss", "epoch", ((0, 0.3), (1, 0.2))),
                Series("val acc", "epoch", ((0, 0.9), (1, 0.95))),
            ],
        ),
        (
            KERAS,
            [Series("loss", "epoch", ((1, 1.0), (2, 0.5))), Series("val_accuracy", "epoch", ((1, 0.9), (2, 0.91)))],
        ),
        (IMAGENET, [Series("loss", "epoch", ((0, 6.8), (1, 6.0))), Series("acc@1", "epoch", ((0, 1.0), (1, 3.5)))]),
        (JSON, [Series("loss", "epoch", ((1, 0.5), (2, 0.25))), Series("map", "epoch", ((1, 54.1), (2, 55.0)))]),
        (
            COMMAS,
            [
                Series("loss", "epoch", ((3, 0.4), (4, 0.3))),
                Series("top-1 accuracy", "epoch", ((3, 87.1), (4, 88.0))),
            ],
        ),
        ("\x1b[1mepoch 1\x1b[0m loss 0.4\r\nepoch 2 loss 0.3\r\n", [Series("loss", "epoch", ((1, 0.4), (2, 0.3)))]),
        ("no epoch at all: loss 0.4\n", []),
        ("epoch 1 loss 0.4\n", []),
        ("epoch 1 time 3.2 lr 0.01 batch 32\nepoch 2 time 3.3 lr 0.005 batch 32\n", []),
        ("", []),
    ],
)
def test_what_programs_print(text: str, wanted: list[Series]) -> None:
    """Metrics by epoch or step; neither times nor sizes, nothing of the test, and no name with a single value."""
    assert list(metrics.series(text)) == wanted


def test_losses_that_come_to_nothing() -> None:
    """A loss that is nan or inf is told, with its first place."""
    found = metrics.series("epoch 1 loss 0.4 acc 0.1\nepoch 2 loss nan acc 0.2\nepoch 3 loss inf acc 0.3\n")
    assert metrics.troubles(found) == ["loss is no number at epoch 2"]


def test_metrics_share_an_axis_where_they_can() -> None:
    """Losses with losses, scores with scores, and what is neither by itself behind them."""
    lines = (f"epoch {number} momentum 3 val_acc 0.9 loss 1 mAP 0.5 val_loss 2\n" for number in (1, 2))
    found = metrics.panels(metrics.series("".join(lines)))
    assert [[each.name for each in group] for group in found] == [
        ["loss", "val_loss"],
        ["val_acc", "map"],
        ["momentum"],
    ]


def test_the_end_of_a_log() -> None:
    """The last lines that say something, without what moves a cursor; one that is too long is cut."""
    text = "first\n\n10%\r\x1b[K20%\rdone\0\n" + "x" * 9000 + "\n \n"
    assert metrics.end(text, 3) == ("20%", "done", "x" * metrics.WIDEST)
    assert metrics.end("", 3) == ()


def test_a_log_without_end(tmp_path: Path) -> None:
    """Of a huge log the end is read, whatever bytes it has; of none, nothing."""
    path = tmp_path / "ssd.log"
    with path.open("wb") as file:
        file.truncate(50 << 20)
        file.seek(0, 2)
        file.write(b"\xff\xfe epoch 1 loss 3\nepoch 2 loss 2\n")
    text = metrics.read(path)
    assert len(text) <= metrics.LONGEST
    assert metrics.series(text) == (Series("loss", "epoch", ((1, 3.0), (2, 2.0))),)
    assert metrics.read(tmp_path / "none.log") == ""
    assert metrics.read(tmp_path) == ""


@pytest.mark.parametrize(
    "sign",
    ["1", "1.", "1e1", "a ", "a", "a.b-", "a b c d e ", "epoch ", "loss 1 ", "a 1", "loss: ", '"\\', "\x1b[", " "],
)
def test_hostile_logs(sign: str) -> None:
    """Lines that all but match, as long as they are looked at, take about as long as plain ones."""
    line = f"epoch 1 loss {sign * (470 // len(sign))}x"
    assert seconds(line) < 20 * seconds("epoch 1 loss 0.4120 val_loss 0.5000 val_accuracy 0.8710")


def test_a_line_without_end() -> None:
    """Of a line that never ends the beginning is looked at."""
    assert seconds("epoch 1 " + "loss 1 " * 30_000) < seconds("epoch 1 loss 0.4120 val_loss 0.5000")


def seconds(line: str) -> float:
    """What a log of 40 kB takes that has such lines: at best, as other work on the machine adds to it."""
    text = f"{line}\n" * (40_000 // len(line) + 1)
    return min(timeit.repeat(lambda: metrics.series(text), number=1, repeat=4))
