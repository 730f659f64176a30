"""torchvision's ResNet34: what a cut-out shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import program
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet34

KIND = "resnet34"

SIDE = 64
"""Pixels: what a cut-out is brought to, in width and height."""


class Classifier(nn.Module):
    """A ResNet34.

    labels: what it knows, in the order of their numbers; behind them it knows what is none of them. shapes: the widths
    and heights that objects had where it learned.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, labels: tuple[str, ...], shapes: tuple[tuple[float, float], ...]) -> None:
        super().__init__()
        self.labels, self.shapes = labels, shapes
        self.net = resnet34(weights=None, num_classes=len(labels) + 1)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Of cut-outs (n, 3, side, side) from 0 to 1: the classes, as logits."""
        said: Tensor = self.net((pixels - self.mean) / self.deviation)
        return said.float()

    def tensor(self, images: Tensor) -> Tensor:
        """Cut-outs of uint8 (n, 3, side, side), as the network takes them, on its device."""
        there = images.to(self.mean.device, non_blocking=True)
        return there.float().div_(255).contiguous(memory_format=torch.channels_last)


class Batch(NamedTuple):
    """Cut-outs of uint8 (n, 3, side, side), and the number of each one's class."""

    images: Tensor
    classes: Tensor


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """How wrong a classifier is of a batch."""
    assert isinstance(network, Classifier)  # noqa: S101
    return functional.cross_entropy(network(network.tensor(batch.images)), batch.classes.to(network.mean.device))


def cut(image: Image.Image, box: tuple[float, float, float, float]) -> np.ndarray:
    """What a box holds of an image, as (side, side, 3) of uint8: of what is beside the image nothing."""
    left, top, right, bottom = max(box[0], 0), max(box[1], 0), min(box[2], image.width), min(box[3], image.height)
    if not (right - left >= 1 and bottom - top >= 1):
        raise program.Fault(f"a box {box} shows nothing of an image of {image.width}x{image.height}")
    return np.asarray(image.resize((SIDE, SIDE), box=(left, top, right, bottom)))


def chances(network: Classifier, images: list[np.ndarray], batch: int = 64) -> Tensor:
    """The probability of each class, for each cut-out."""
    said = [torch.zeros(0, len(network.labels) + 1)]
    for start in range(0, len(images), batch):
        part = torch.from_numpy(np.stack(images[start : start + batch])).permute(0, 3, 1, 2)
        said.append(network(network.tensor(part)).softmax(1).cpu())
    return torch.cat(said)


def contents(network: Classifier, state: dict[str, Tensor]) -> dict[str, Any]:
    """What a weight holds."""
    return {"kind": KIND, "labels": list(network.labels), "shapes": [*map(list, network.shapes)], "state": state}


def load(path: Path, device: torch.device) -> Classifier:
    """The network of a weight, ready to look. Raises Fault where the file is none."""
    held = program.load(path, KIND)
    try:
        shapes = tuple((float(wide), float(high)) for wide, high in held["shapes"])
        network = Classifier(tuple(map(str, held["labels"])), shapes)
        network.load_state_dict(held["state"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise program.Fault(f"{program.shown(path)}: its parts don't fit ({error})"[:300]) from error
    if not all(value.isfinite().all() for value in network.state_dict().values()):
        raise program.Fault(f"{program.shown(path)}: not all of it is numbers; train again")
    return network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload, no-any-return]
