"""Scenes: what a learner's images are composed of, and how."""

from __future__ import annotations

from typing import Any, TypeAlias

Raster: TypeAlias = Any
"""An image or a mask: height x width, or x channels, 0 to 255 in 8 bits; OpenCV's stubs say numbers of any kind."""
