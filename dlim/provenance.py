"""What made a build, beside its inputs: dlim's own code, and the packages whose versions decide bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

CODE = {
    "extend": ["stages/extend", "augment/images", "builds", "config", "frame", "names", "projects", "toml"],
    "locate": [
        "stages/locate",
        "annotation",
        "augment/images",
        "builds",
        "config",
        "formats/voc",
        "formats/voc_reader",
        "frame",
        "mesh",
        "names",
        "projects",
        "toml",
        "variation",
    ],
    "augment": [
        "stages/augment",
        "annotation",
        "augment/__init__",
        "augment/alphabet",
        "augment/aozora",
        "augment/augmentation",
        "augment/characters",
        "augment/context",
        "augment/corpus",
        "augment/draw",
        "augment/encoding",
        "augment/font",
        "augment/images",
        "augment/imgaug",
        "augment/operations",
        "augment/warm",
        "augment/worker",
        "builds",
        "config",
        "frame",
        "mesh",
        "names",
        "projects",
        "toml",
        "variation",
    ],
    "annotate": [
        "stages/annotate",
        "annotation",
        "builds",
        "config",
        "formats/voc",
        "formats/voc_reader",
        "frame",
        "mesh",
        "names",
        "projects",
        "toml",
        "variation",
    ],
    "split": ["stages/split", "config", "frame", "mix/limits", "names", "toml"],
    "shard": ["stages/shard", "annotation", "archive", "formats/voc", "formats/voc_reader"],
    "pack": ["stages/pack", "annotation", "builds", "formats/voc", "formats/voc_reader"],
    "tarball": ["stages/tarball", "annotation", "archive", "builds", "formats/voc", "formats/voc_reader"],
}
"""dlim's own modules that decide what a stage leaves: a change in one of them is a change of its input."""

PACKAGES = {
    "extend": ("Pillow", "opencv-python-headless"),
    "augment": ("imgaug", "matplotlib-fontja", "numpy", "opencv-python-headless", "Pillow", "scikit-image", "scipy"),
    "shard": ("deflate",),
    "tarball": ("deflate",),
}
"""Packages of which another version may leave other bytes."""


@cache
def makers(stage: str) -> Mapping[str, str]:
    """The versions of a stage's packages and the digest of its code, by what a person calls each."""
    versions = {f"the version of {package}": _version(package) for package in PACKAGES.get(stage, ())}
    return {**versions, "dlim's own code": _code(stage)}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"


def _code(stage: str) -> str:
    digest = hashlib.sha256()
    for name in CODE[stage]:
        digest.update((Path(__file__).parent / f"{name}.py").read_bytes())
    return digest.hexdigest()
