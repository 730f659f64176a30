"""A network as an ONNX file that says the same."""

from __future__ import annotations

import sys
from pathlib import Path

import program
import torch
from torch import nn

try:
    import onnx
    import onnxruntime
    import onnxscript  # noqa: F401 - torch's exporter needs it
except ImportError as missing:
    sys.exit(f"{sys.executable}: {missing}; python3 -m pip install onnx onnxruntime onnxscript")

APART = 1e-3
"""How much an output of onnxruntime may differ from torch's, as a share of the largest."""


def write(path: Path, network: nn.Module, side: int, outputs: tuple[str, ...], about: dict[str, str]) -> None:
    """Write a network that takes images (n, 3, side, side) from 0 to 1, for any n.

    Raises Fault where onnxruntime says something else of it than torch does; then no file is left.
    """
    pixels = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}.part")
    try:
        made = torch.onnx.export(
            network,
            (pixels,),
            input_names=["pixels"],
            output_names=list(outputs),
            dynamic_shapes=({0: torch.export.Dim("n", min=1, max=1024)},),
            dynamo=True,
            verbose=False,
        )
        assert made is not None  # noqa: S101
        file = made.model_proto
        onnx.helper.set_model_props(file, about)
        onnx.save(file, making)
        apart = _apart(making, network, pixels[:1], outputs)
        if not apart <= APART:
            raise program.Fault(f"{program.shown(path)}: onnxruntime's answers differ from torch's by {apart:.1e}")
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)
    size = path.stat().st_size / 1e6
    program.say(f"{program.shown(path)}: {size:.1f} MB; onnxruntime's answers differ from torch's by {apart:.1e}")


def _apart(path: Path, network: nn.Module, pixels: torch.Tensor, outputs: tuple[str, ...]) -> float:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        wanted = network(pixels)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    worst = 0.0
    for one, other in zip(session.run(list(outputs), {"pixels": pixels.numpy()}), wanted, strict=True):
        largest = max(float(other.abs().max()), 1e-9)
        worst = max(worst, float((torch.from_numpy(one) - other).abs().max()) / largest)
    return worst
