"""torchvision's SSDLite320 with MobileNetV3 and SSD300 with VGG16: what they say of an image, and how wrong it is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import boxes
import program
import torch
from boxes import Found
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import detection
from torchvision.models.detection._utils import SSDMatcher
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList

KIND = "ssd"

SIDES = {"ssdlite320": 320, "ssd300": 300}
"""The networks, and the side of the square that each looks at, in pixels."""

SMALL = (0.09, 0.18, 0.33, 0.5, 0.65, 0.8, 1.0)
"""The sides of SSDLite's prior boxes, as shares: torchvision's begin at 0.2, and a button has 0.1."""

MATCH = 0.4
"""How much a prior box overlaps an object that it holds: with 0.5 a third of small objects had a single one."""

LEAST = 0.02
"""Scores below are not told."""


class Detector(nn.Module):
    """An SSD. name: which. labels: what it knows, in the order of their numbers. canvas: the dataset's images' side."""

    anchors: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, name: str, labels: tuple[str, ...], canvas: int) -> None:
        super().__init__()
        self.name, self.labels, self.canvas, self.side = name, labels, canvas, SIDES[name]
        known: dict[str, Any] = {"weights": None, "weights_backbone": None, "num_classes": len(labels) + 1}
        if name == "ssdlite320":
            self.net = detection.ssdlite320_mobilenet_v3_large(**known)
            self.net.anchor_generator = DefaultBoxGenerator([[2, 3]] * 6, scales=list(SMALL))
            for layer in self.net.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.momentum = 0.1  # torchvision's 0.03 is for many more steps
        else:
            self.net = detection.ssd300_vgg16(**known)
        self.net.proposal_matcher = SSDMatcher(MATCH)
        given = self.net.transform
        for key, value in (("mean", given.image_mean), ("deviation", given.image_std)):
            self.register_buffer(key, torch.tensor(value).view(1, 3, 1, 1), persistent=False)
        with torch.inference_mode(False), torch.no_grad():
            blank = torch.zeros(1, 3, self.side, self.side)
            maps = list(self.net.eval().backbone(blank).values())
            prior = self.net.anchor_generator(ImageList(blank, [(self.side, self.side)]), maps)[0]
        self.register_buffer("anchors", prior, persistent=False)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Of images (n, 3, side, side) from 0 to 1, for each prior box: how far the box is from it, and the classes."""
        maps = list(self.net.backbone((pixels - self.mean) / self.deviation).values())
        said = self.net.head(maps)
        return said["bbox_regression"].float(), said["cls_logits"].float()

    def tensor(self, images: Tensor) -> Tensor:
        """Images of uint8 (n, 3, side, side), as the network takes them, on its device."""
        there = images.to(self.anchors.device, non_blocking=True)
        return there.float().div_(255).contiguous(memory_format=torch.channels_last)


class Batch(NamedTuple):
    """Images of uint8 (n, 3, side, side), and of each one the boxes in its pixels with the numbers of their labels."""

    images: Tensor
    boxes: list[Tensor]
    labels: list[Tensor]


def loss(network: nn.Module, batch: Batch) -> Tensor:
    """How wrong a detector is of a batch: as SSD counts it, over all images of the batch together.

    The hardest three prior boxes that hold nothing count for each that holds something, from whatever image: one that
    shows no object teaches, too.
    """
    assert isinstance(network, Detector)  # noqa: S101
    deltas, logits = network(network.tensor(batch.images))
    return wrong(network, deltas, logits, batch)


def wrong(network: Detector, deltas: Tensor, logits: Tensor, batch: Batch) -> Tensor:
    """The loss of what was said of a batch."""
    wanted = torch.zeros(logits.shape[:2], dtype=torch.long, device=logits.device)
    apart: list[Tensor] = []
    for place, (there, labels) in enumerate(zip(batch.boxes, batch.labels, strict=True)):
        if not len(there):
            continue
        there, labels = there.to(logits.device), labels.to(logits.device)
        matched = network.net.proposal_matcher(boxes.overlaps(there, network.anchors))
        inside = matched >= 0
        wanted[place, inside] = labels[matched[inside]] + 1
        aim = network.net.box_coder.encode_single(there[matched[inside]], network.anchors[inside])
        apart.append(functional.smooth_l1_loss(deltas[place, inside], aim, reduction="sum"))
    each = functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="none")
    something = wanted.flatten() > 0
    count = int(something.sum())
    hardest = each[~something].topk(min(max(3 * count, 100), int((~something).sum()))).values
    return (each[something].sum() + hardest.sum() + sum(apart)) / max(count, 1)


def decoded(network: Detector, deltas: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes (n, priors, 4) in the image's pixels, and a score for each label (n, priors, labels)."""
    prior = network.anchors
    size, middle = prior[:, 2:] - prior[:, :2], (prior[:, 2:] + prior[:, :2]) / 2
    centre = deltas[..., :2] / 10 * size + middle
    half = (deltas[..., 2:] / 5).clamp(max=math.log(1000 / 16)).exp() * size / 2
    found = torch.cat([centre - half, centre + half], dim=-1).clamp(0, network.side)
    return found, logits.softmax(-1)[..., 1:]


def found(network: Detector, deltas: Tensor, logits: Tensor, least: float = LEAST) -> list[Found]:
    """What was found on each image of a batch, in the image's pixels, the surest first."""
    there, scores = decoded(network, deltas, logits)
    answers = []
    for one, sure in zip(there, scores, strict=True):
        places, labels = (sure > least).nonzero(as_tuple=True)
        chosen = Found(one[places], sure[places, labels], labels)
        answers.append(boxes.suppressed(chosen))
    return answers


def contents(network: Detector, state: dict[str, Tensor]) -> dict[str, Any]:
    """What a weight holds."""
    labels = list(network.labels)
    return {"kind": KIND, "model": network.name, "labels": labels, "canvas": network.canvas, "state": state}


def load(path: Path, device: torch.device) -> Detector:
    """The network of a weight, ready to look. Raises Fault where the file is none."""
    held = program.load(path, KIND)
    try:
        network = Detector(held["model"], tuple(map(str, held["labels"])), int(held["canvas"]))
        network.load_state_dict(held["state"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise program.Fault(f"{program.shown(path)}: its parts don't fit ({error})"[:300]) from error
    if not all(value.isfinite().all() for value in network.state_dict().values()):
        raise program.Fault(f"{program.shown(path)}: not all of it is numbers; train again")
    return network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload, no-any-return]
