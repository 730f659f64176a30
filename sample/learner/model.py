"""The network: patches in, a probability for each label out, with one hidden layer between; and its file."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from program import Fault, shown, write_file

Array = NDArray[Any]

HIDDEN = 64
"""Units of the hidden layer."""

AT_ONCE = 1024
"""Patches that are judged in one go: a dataset may be large, its float32 need not be."""

FLOOR = np.float32(8)
"""Grey levels, beside a patch's own contrast: what is nearly flat is not blown up to noise."""


class Layers(NamedTuple):
    """What is learned: float32 of shapes (inputs, hidden), (hidden,), (hidden, labels), (labels,)."""

    inner: Array
    inner_bias: Array
    outer: Array
    outer_bias: Array


@dataclass(frozen=True)
class Network:
    """labels: the classes, in the order of the outputs. side: width and height of a patch, in pixels."""

    labels: tuple[str, ...]
    side: int
    layers: Layers


def new(labels: tuple[str, ...], side: int, random: np.random.Generator) -> Network:
    """A network that has learned nothing yet."""
    inputs = side * side * 3
    inner = random.standard_normal((inputs, HIDDEN), np.float32) * np.float32((2 / inputs) ** 0.5)
    outer = random.standard_normal((HIDDEN, len(labels)), np.float32) * np.float32((1 / HIDDEN) ** 0.5)
    return Network(labels, side, Layers(inner, np.zeros(HIDDEN, np.float32), outer, np.zeros(len(labels), np.float32)))


def classes(network: Network, labels: tuple[str, ...]) -> Array:
    """Each label's place among the network's, -1 where it is none of them."""
    places = {label: place for place, label in enumerate(network.labels)}
    return np.array([places.get(label, -1) for label in labels])


def probabilities(network: Network, patches: Array) -> Array:
    """How likely each label is, (boxes, labels), from patches of (boxes, side, side, 3) of uint8."""
    starts = range(0, len(patches), AT_ONCE)
    return np.concatenate([_judged(network.layers, _rows(patches[at : at + AT_ONCE]))[1] for at in starts])


def loss(chances: Array, wanted: Array) -> float:
    """The mean cross entropy. chances: (boxes, labels). wanted: each box's class."""
    right = chances[np.arange(len(wanted)), wanted]
    return float(-np.log(np.maximum(right, np.float32(1e-12))).mean())


def slopes(network: Network, patches: Array, wanted: Array) -> tuple[float, Layers]:
    """The loss over some boxes, and its slope along everything that is learned."""
    rows, layers = _rows(patches), network.layers
    hidden, chances = _judged(layers, rows)
    error = chances.copy()
    error[np.arange(len(wanted)), wanted] -= 1
    error /= np.float32(len(wanted))
    behind = (error @ layers.outer.T) * (hidden > 0)
    found = Layers(rows.T @ behind, behind.sum(axis=0), hidden.T @ error, error.sum(axis=0))
    return loss(chances, wanted), found


def _rows(patches: Array) -> Array:
    """Each patch as a row, its mean and its contrast taken out: a darkened button is the same button."""
    rows = patches.reshape(len(patches), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= rows.std(axis=1, keepdims=True) + FLOOR
    return rows


def _judged(layers: Layers, rows: Array) -> tuple[Array, Array]:
    """The hidden units, and the labels' probabilities."""
    hidden = np.maximum(rows @ layers.inner + layers.inner_bias, 0)
    outputs = hidden @ layers.outer + layers.outer_bias
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return hidden, powers / powers.sum(axis=1, keepdims=True)


def save(network: Network, path: Path) -> None:
    """Write a network as numpy's .npz, without pickles. It holds no time: the same network is the same bytes."""
    data = io.BytesIO()
    np.savez(data, labels=np.array(network.labels), side=np.array(network.side), **network.layers._asdict())
    write_file(path, data.getvalue())


def load(path: Path) -> Network:
    """The network in a file. Raises Fault where there is none, or where it is broken."""
    try:
        return _network(io.BytesIO(path.read_bytes()))
    except FileNotFoundError as error:
        raise Fault(f"{shown(path)} is missing; train first, or name another weight") from error
    except OSError:
        raise
    except Exception as error:  # what a broken .npz can raise is written down nowhere
        fault = f"{shown(path)} is broken, or no weight of this learner ({error})"
        raise Fault(f"{fault}; train again, or name another weight") from error


def _network(file: io.BytesIO) -> Network:
    """Raises ValueError, and much else, where it isn't one."""
    with np.load(file, allow_pickle=False) as arrays:
        labels, side = tuple(str(label) for label in arrays["labels"]), int(arrays["side"])
        layers = Layers(*(arrays[name].astype(np.float32, casting="same_kind") for name in Layers._fields))
    hidden = len(layers.inner_bias)
    shapes = ((side * side * 3, hidden), (hidden,), (hidden, len(labels)), (len(labels),))
    if not labels or side < 1 or tuple(layer.shape for layer in layers) != shapes:
        raise ValueError("its parts don't fit each other")
    if not all(np.isfinite(layer).all() for layer in layers):
        raise ValueError("not all of it is numbers")
    return Network(labels, side, layers)
