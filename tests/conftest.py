"""What tests share: a workspace of their own, and dlim run in it as its users run it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from PIL import Image, ImageDraw

from dlim.geometry import Box
from tests import in_process

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]

# What is compiled once is compiled for all the processes that tests start, also where nobody else is to keep it.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell that starts the tests behind its back lets them ignore Ctrl-C, and all that they start as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# How long an example takes is a matter of what else the machine does.
settings.register_profile("dlim", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("dlim")

LEARNERS = {
    "ssd": 'canvas = [400, 400]\n[labels]\n"ja_char_*" = "ja_char"\n',
    "resnet34": 'canvas = "native"\n',
}

XML = """<annotation><folder>master</folder><filename>image_extended.jpg</filename>
<size><width>{width}</width><height>{height}</height><depth>3</depth></size>
<object><name>{label}</name><truncated>0</truncated><difficult>0</difficult>
<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>
</annotation>
"""

FEW = """from dlim.augment import Augmentation
variations = Augmentation(count=5)
variations.height()
variations.mix()
"""


@dataclass(frozen=True)
class Workspace:
    """A folder with dodo.py, config/ and projects/, and doit run in it."""

    folder: Path

    def doit(self, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run doit as a person does; with an environment of its own, in a process of its own."""
        if env is None:
            answer = in_process.line(self.folder, *arguments)
            return subprocess.CompletedProcess(arguments, answer.status, answer.out, answer.err)
        return subprocess.run(
            [sys.executable, "-m", "doit", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, **env},
            timeout=300,
            check=False,
        )

    def ran(self, *arguments: str) -> set[str]:
        """Run doit, which must succeed, and name the tasks that it ran."""
        done = self.doit(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [line.partition(": ") for line in done.stdout.splitlines()]
        return {name for name, colon, _ in lines if colon and ":" in name and " " not in name}

    def project(
        self,
        name: str,
        script: str = FEW,
        size: tuple[int, int] = (32, 24),
        label: str | None = None,
        settings: str = "",
    ) -> Path:
        """Make a project: a master with a white box in its middle, its annotation, its daug.py."""
        folder = self.folder / "projects" / name
        (folder / "master").mkdir(parents=True)
        (folder / "data_augmentation").mkdir()
        width, height = size
        box = width // 4, height // 4, width * 3 // 4, height * 3 // 4
        # no two alike: one picture under two labels is an error
        draw_master(folder / "master/image.jpg", size, box, colour=20 + zlib.crc32(name.encode()) % 100)
        marked = (box[0] + 1, box[1] + 1, box[2], box[3])
        text = XML.format(width=width, height=height, label=label or name, box=marked)
        (folder / "master/image_extended.xml").write_text(text)
        (folder / "data_augmentation/daug.py").write_text(script)
        if settings:
            (folder / "project.toml").write_text(settings)
        return folder

    def learner(self, name: str, text: str) -> None:
        """Write a learner's file."""
        (self.folder / "config/learners" / f"{name}.toml").write_text(text)


def draw_master(path: Path, size: tuple[int, int], box: tuple[int, int, int, int], colour: int = 40) -> None:
    """A grey crop with a white rectangle, half-open and 0-based, on it."""
    image = Image.new("RGB", size, (colour, colour, colour))
    ImageDraw.Draw(image).rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill="white")
    image.save(path, quality=95)


def unpack(archive: Path, to: Path) -> None:
    """Unpack an archive with Python's tarfile, and with its check of names where that is there (from 3.11.4 on)."""
    checked = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(archive, "r:gz") as tar:
        tar.extractall(to, **checked)


def new_workspace(folder: Path) -> Workspace:
    """A workspace with the two usual learners, and no project yet."""
    shutil.copy(ROOT / "dodo.py", folder)
    (folder / "projects").mkdir()
    (folder / "config/learners").mkdir(parents=True)
    made = Workspace(folder)
    for name, text in LEARNERS.items():
        made.learner(name, text)
    return made


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    shared = Box(max(one.x1, other.x1), max(one.y1, other.y1), min(one.x2, other.x2), min(one.y2, other.y2))
    common = shared.area if shared.width > 0 and shared.height > 0 else 0.0
    union = one.area + other.area - common
    return common / union if union else 0.0


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace of the test's own."""
    return new_workspace(tmp_path)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium, for all tests of a process."""
    from tests import browser

    with browser.started() as started:
        yield started
