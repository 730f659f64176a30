"""Learning, whatever the network: epochs, mixed precision, checkpoints, and an end when nothing gets better."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import program
import torch
from program import Fault, say, shown
from torch import Tensor, nn

WARM_UP = 0.05
"""The share of the training in which the rate rises."""


@dataclass(frozen=True)
class Course:
    """What is learned.

    train: a dataset with a batch's `collate`, told the number of each epoch by `begin`. loss: of a
    batch. judged: numbers after an epoch, with `val_loss`. best_by: which of them chooses the epoch whose network is
    kept, the highest; among equals val_loss does. about: all that a checkpoint must agree with to go on from it.
    """

    network: nn.Module
    train: Any
    loss: Callable[[nn.Module, Any], Tensor]
    judged: Callable[[nn.Module], dict[str, float]]
    best_by: str
    about: dict[str, Any]


def options(found: ArgumentParser, *, epochs: int, rate: float | None) -> ArgumentParser:
    found.add_argument("--dataset", metavar="DIR", help="the dataset's folder; what DLIM_DATASET says")
    found.add_argument("--epochs", type=program.count, default=epochs, help="how often train is seen at most")
    found.add_argument("--steps", type=program.count, help="batches an epoch at most")
    found.add_argument("--minutes", type=float, help="how long it learns at most")
    found.add_argument("--patience", type=program.count, default=10, help="epochs without a better one that end it")
    found.add_argument("--rate", type=float, default=rate, help="of learning, at its highest; the network's own")
    found.add_argument("--precision", choices=("auto", "full", "mixed"), default="auto", help="auto mixes on CUDA")
    found.add_argument("--workers", type=int, default=None, help="processes that read images; as many as fit")
    found.add_argument("--seed", type=int, default=1, help="another seed draws anew")
    found.add_argument("--pretrained", type=Path, metavar="FILE", help="weights to begin with, instead of random ones")
    found.add_argument("--weight", type=Path, default=Path("weights/best_weight.pth"), help="written")
    found.add_argument("--checkpoint", type=Path, default=Path("checkpoint/last.pt"), help="to go on from")
    return found


@dataclass
class State:
    """How far it is. taken: the epoch whose network is kept. idle: epochs since then. seconds: spent so far."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    best: tuple[float, float] = (-math.inf, -math.inf)
    taken: int = 0
    idle: int = 0


def learn(course: Course, chosen: Namespace, made: Callable[[dict[str, Tensor]], dict[str, Any]]) -> None:
    """Learn, and write the best epoch's network as a weight. made: a weight's contents, of a network's tensors.

    A training of the same data and options that was cut off goes on from its last whole epoch.
    """
    device = program.device(chosen.device)
    chosen.weight.parent.mkdir(parents=True, exist_ok=True)  # if it can't be made, better known before than after
    network = course.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=chosen.rate, weight_decay=1e-4)
    mixed = _mixed(chosen.precision, device)
    scaler = torch.amp.GradScaler(device.type, enabled=mixed is torch.float16)
    checkpoint = _Checkpoint(chosen.checkpoint, _key(course, chosen))
    state, kept = State(), deepcopy(network.state_dict())
    if checkpoint.path.exists():
        state, kept = checkpoint.read(network, optimiser, scaler) or (state, kept)
    batches = math.ceil(len(course.train) / chosen.batch)
    steps = min(batches, chosen.steps or batches)
    precision = {None: "full", torch.bfloat16: "mixed, bfloat16", torch.float16: "mixed, float16"}[mixed]
    say(f"{device}, {precision} precision; {steps} steps of {chosen.batch} images an epoch")
    while state.epoch < chosen.epochs and not _over(state, chosen, steps):
        if state.idle >= chosen.patience:
            say(f"nothing got better in {state.idle} epochs: it ends here")
            break
        began, before, state.epoch = time.monotonic(), state.seconds, state.epoch + 1
        losses = []
        network.train()
        for batch in itertools.islice(_batches(course, chosen, state.epoch, device), steps):
            for group in optimiser.param_groups:
                group["lr"] = chosen.rate * _share(_progress(state, chosen, steps))
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast(device.type, mixed or torch.bfloat16, enabled=mixed is not None):
                loss = course.loss(network, batch)
            _step(network, loss, optimiser, scaler)
            losses.append(loss.detach())
            state.step += 1
            state.seconds = before + time.monotonic() - began
            if _over(state, chosen, steps):
                break
        mean = float(torch.stack(losses).float().mean())
        if not math.isfinite(mean):
            raise Fault(f"epoch {state.epoch}: the loss is no number any more; say a --rate below {chosen.rate:g}")
        network.eval()
        with torch.inference_mode():
            numbers = {"loss": mean, **course.judged(network)}
        state.seconds = before + time.monotonic() - began
        told = " ".join(f"{name} {value:.4f}" for name, value in numbers.items())
        say(f"epoch {state.epoch}/{chosen.epochs} {told} seconds {state.seconds - before:.1f}")
        rank = (round(numbers[course.best_by], 4), -numbers["val_loss"])
        state.idle += 1
        if rank > state.best:
            state.best, state.taken, state.idle = rank, state.epoch, 0
            kept = deepcopy(network.state_dict())
        checkpoint.write(network, optimiser, scaler, state, kept)
    program.save(chosen.weight, made({name: value.cpu() for name, value in kept.items()}))
    checkpoint.path.unlink(missing_ok=True)
    score = f"{course.best_by} {state.best[0]:.4f}"
    say(f"{shown(chosen.weight)}: the network after epoch {state.taken}, the best by {score}; {state.seconds:.1f} s")


def _step(network: nn.Module, loss: Tensor, optimiser: torch.optim.Optimizer, scaler: torch.amp.GradScaler) -> None:
    """Move a network down its loss; a step whose slopes are beyond float16's numbers is left out."""
    scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    scaler.unscale_(optimiser)
    nn.utils.clip_grad_norm_(network.parameters(), 5)
    scaler.step(optimiser)
    scaler.update()


def _mixed(precision: str, device: torch.device) -> torch.dtype | None:
    """The smaller type of mixed precision; None for full. float16 needs its losses scaled, bfloat16 doesn't."""
    if precision == "full" or (precision == "auto" and device.type == "cpu"):
        return None
    return torch.bfloat16 if device.type == "cpu" or torch.cuda.is_bf16_supported() else torch.float16


def _batches(course: Course, chosen: Namespace, epoch: int, device: torch.device) -> torch.utils.data.DataLoader[Any]:
    course.train.begin(epoch)
    fit = min(8, len(os.sched_getaffinity(0)) - 1) if device.type == "cuda" else 0
    order = torch.Generator().manual_seed(chosen.seed * 10007 + epoch)
    return torch.utils.data.DataLoader(
        course.train,
        chosen.batch,
        sampler=torch.randperm(len(course.train), generator=order).tolist(),
        collate_fn=course.train.collate,
        num_workers=fit if chosen.workers is None else chosen.workers,
        pin_memory=device.type == "cuda",
    )


def _progress(state: State, chosen: Namespace, steps: int) -> float:
    """How much of the training is behind it: of its steps or of its time, whichever is further."""
    spent: float = state.seconds / (60 * chosen.minutes) if chosen.minutes else 0.0
    behind: float = state.step / (steps * chosen.epochs)
    return min(1.0, max(behind, spent))


def _over(state: State, chosen: Namespace, steps: int) -> bool:
    return bool(chosen.minutes) and _progress(state, chosen, steps) >= 1


def _share(progress: float) -> float:
    """Of the highest rate: rising at first, then falling as a cosine does."""
    if progress < WARM_UP:
        return 0.1 + 0.9 * progress / WARM_UP
    return 0.01 + 0.99 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))) / 2


def _key(course: Course, chosen: Namespace) -> str:
    """What a training has to agree in with the checkpoint that it goes on from; DLIM_TASK is dlim's name for it."""
    same = {name: str(value) for name, value in vars(chosen).items() if name not in ("device", "workers", "dataset")}
    return json.dumps({**same, **course.about, "task": os.environ.get("DLIM_TASK")}, sort_keys=True)


def lit(pixels: np.ndarray, chance: random.Random) -> np.ndarray:
    """Pixels, brighter or darker and of more or less contrast."""
    contrast, bright = chance.uniform(0.75, 1.25), chance.uniform(-25, 25)
    changed: np.ndarray = np.clip((pixels.astype(np.float32) - 128) * contrast + 128 + bright, 0, 255)
    return changed.astype(np.uint8)


@dataclass(frozen=True)
class _Checkpoint:
    """The file that a training leaves after each epoch, and takes away at its end."""

    path: Path
    key: str

    def write(self, network: nn.Module, optimiser: Any, scaler: Any, state: State, kept: dict[str, Tensor]) -> None:
        parts = [part.state_dict() for part in (network, optimiser, scaler)]
        program.save(self.path, {"key": self.key, "parts": parts, "state": vars(state), "kept": kept})

    def read(self, network: nn.Module, optimiser: Any, scaler: Any) -> tuple[State, dict[str, Tensor]] | None:
        """What is there, the parts brought to it; None where it is another training's."""
        try:
            found = torch.load(self.path, map_location="cpu", weights_only=True)
            if found["key"] != self.key:
                say(f"{shown(self.path)} is another training's; this one begins at its beginning")
                return None
            for part, there in zip((network, optimiser, scaler), found["parts"], strict=True):
                part.load_state_dict(there)
            state = State(**found["state"])
        except Exception as error:
            say(f"{shown(self.path)} can't be read ({type(error).__name__}); the training begins at its beginning")
            return None
        say(f"{shown(self.path)}: goes on after epoch {state.epoch}")
        return state, found["kept"]
