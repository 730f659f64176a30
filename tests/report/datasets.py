"""Datasets to be judged: made as dlim packs them, of real files, and then spoilt."""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from dlim import store
from dlim.formats import voc
from dlim.geometry import Annotation, Box, Object
from dlim.report import checks, dataset
from dlim.report.checks import Case, Finding, Thresholds
from dlim.report.dataset import Dataset, Owners

SIZE = 64, 48
BOX = Box(16, 12, 48, 36)

TRAIN = ("close_0001", "close_0002", "close_0003", "close_0004", "skip_0001", "skip_0002", "skip_0003")
VAL = ("close_0005", "close_0006", "skip_0004")
"""The ids of a dataset that nobody has spoilt; an id's label stands before its last _."""


def jpeg(number: int, size: tuple[int, int] = SIZE) -> bytes:
    """An image of its own for each number."""
    pixels = np.random.default_rng(number).integers(0, 200, (size[1], size[0], 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=90)
    return out.getvalue()


@dataclass
class Made:
    """A dataset in a folder. masters: the digest of each project's master; a project is called as its label."""

    folder: Path
    masters: dict[str, str] = field(default_factory=dict)

    def image(self, name: str) -> Path:
        return self.folder / voc.IMAGES / f"{name}.jpg"

    def xml(self, name: str) -> Path:
        return self.folder / voc.ANNOTATIONS / f"{name}.xml"

    def list(self, part: str) -> Path:
        return self.folder / dataset.list_path(part)

    def write(self, name: str, *things: Object, size: tuple[int, int] = SIZE) -> None:
        """Write an annotation."""
        text = voc.write(Annotation(f"{name}.jpg", *size, things))
        self.xml(name).write_text(text, encoding="utf-8", newline="\n")

    def edit(self, name: str, before: str, after: str) -> None:
        """Change a word in an annotation."""
        text = self.xml(name).read_text(encoding="utf-8")
        assert before in text
        self.xml(name).write_text(text.replace(before, after), encoding="utf-8", newline="\n")

    def seal(self) -> None:
        """Let it be as dlim packed it, as it is now."""
        (self.folder / store.MANIFEST).unlink(missing_ok=True)
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        store.seal(self.folder / store.MANIFEST, [path.relative_to(self.folder).as_posix() for path in files])

    def read(self) -> Dataset:
        projects = {name: name.rpartition("_")[0] for name in (*TRAIN, *VAL)}
        found = dataset.read(self.folder, Owners(projects, self.masters))
        assert found is not None
        return found

    def findings(self, thresholds: Thresholds | None = None) -> dict[str, Finding]:
        """What is found, by the check's key; what finds nothing isn't among it."""
        found = checks.judged(self.read(), thresholds or Thresholds())
        return {finding.check.key: finding for finding in found if finding.cases}

    def cases(self, key: str, thresholds: Thresholds | None = None) -> list[tuple[str, str]]:
        """Where a check finds something, and what."""
        found = self.findings(thresholds).get(key)
        return [told(case) for case in found.cases] if found else []


def told(case: Case) -> tuple[str, str]:
    return case.where, case.told


def made(folder: Path) -> Made:
    """A dataset of ten images of two labels, in which nothing is wrong."""
    for name in (voc.IMAGES, voc.ANNOTATIONS, voc.LISTS):
        (folder / name).mkdir(parents=True)
    result = Made(folder)
    for number, name in enumerate((*TRAIN, *VAL)):
        result.image(name).write_bytes(jpeg(number))
        result.write(name, Object(name.rpartition("_")[0], BOX))
    labels = {name: [name.rpartition("_")[0]] for name in (*TRAIN, *VAL)}
    for name, text in voc.lists(TRAIN, VAL, labels, class_lists=False).items():
        (folder / name).write_text(text, encoding="utf-8")
    result.seal()
    return result


def copied(source: Path, target: Path) -> None:
    """One file over another, as somebody does it who forgets to give it a new name."""
    shutil.copyfile(source, target)
