"""Workspaces to measure in: as many projects as one likes, each of one drawn master, one `mix` and 99 images.

    python -m bench.workspaces DIR --projects 1000 --learners 1

The same numbers give the same files. It needs nothing of dlim: what is made is what people would make by hand.
"""

from __future__ import annotations

import argparse
import colorsys
import random
import shutil
import sys
from pathlib import Path

from PIL import Image, ImageDraw

DODO = Path(__file__).parents[1] / "dodo.py"

MARK = ".dlim-bench"
"""A file that says that a folder is ours to throw away."""

SCRIPT = "from dlim.augment import Augmentation\n\nAugmentation().mix()\n"
"""Every project's daug.py."""

IMAGES = 99
"""What that script makes."""

LEARNERS = {"ssd": "canvas = [400, 400]\n", "resnet34": 'canvas = "native"\n', "wide": "canvas = [640, 480]\n"}
"""Learners in the order in which they are taken, and what their files begin with."""

LEARNING = '\n[learning]\ncommand = "true"\n'
"""For `doit ship`, which wants to know where."""

VOC = """<annotation>
	<folder>master</folder>
	<filename>image.jpg</filename>
	<size><width>{width}</width><height>{height}</height><depth>3</depth></size>
	<object>
		<name>{label}</name>
		<pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>
		<bndbox><xmin>3</xmin><ymin>3</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox>
	</object>
</annotation>
"""
"""A box on the crop itself, two pixels inside its edges."""


def main() -> None:
    """Make one from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.workspaces", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR", help="new, empty, or an earlier one of this program's")
    parser.add_argument("--projects", type=int, default=1000, help="how many (%(default)s)")
    parser.add_argument("--learners", type=int, default=1, choices=range(1, len(LEARNERS) + 1), help="(%(default)s)")
    parser.add_argument("--labels", type=int, default=0, help="so many labels, taken in turns; else each its own")
    parser.add_argument("--class-lists", action="store_true", help="with <label>_train.txt and so on for each label")
    parser.add_argument("--images", type=int, default=IMAGES, help="of each project (%(default)s)")
    parser.add_argument("--dodo", type=Path, default=DODO, help="the dodo.py to copy, that of another version say")
    given = parser.parse_args()
    make(
        given.folder,
        given.projects,
        learners=given.learners,
        labels=given.labels,
        class_lists=given.class_lists,
        images=given.images,
        dodo=given.dodo,
    )


def make(
    folder: Path,
    projects: int,
    *,
    learners: int = 1,
    labels: int = 0,
    class_lists: bool = False,
    images: int = IMAGES,
    dodo: Path = DODO,
) -> Path:
    """Make a workspace; an earlier one of ours there gives way, anything else is left alone."""
    if folder.exists() and not (folder / MARK).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        sys.exit(f"{folder}: is not of this program's making; name another folder")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "config/learners").mkdir(parents=True)
    (folder / MARK).touch()
    shutil.copyfile(dodo, folder / "dodo.py")
    for learner in list(LEARNERS)[:learners]:
        text = f"{LEARNERS[learner]}class_lists = {str(class_lists).lower()}\n{LEARNING}"
        (folder / f"config/learners/{learner}.toml").write_text(text)
    if images != IMAGES:
        (folder / "config/dlim.toml").write_text(f"[augment]\ncount = {images}\n")
    for number, name in enumerate(names(projects)):
        _project(folder / "projects" / name, number, f"c{number % labels:03}" if labels else name)
    return folder


def names(projects: int) -> list[str]:
    """What the projects are called: p0001 and so on."""
    width = max(4, len(str(projects)))
    return [f"p{number:0{width}}" for number in range(1, projects + 1)]


def change_a_master(folder: Path, name: str) -> None:
    """Draw one master anew, in other colours."""
    master = folder / "projects" / name / "master/image.jpg"
    with Image.open(master) as image:
        size = image.size
    _drawn(f"{name} {master.stat().st_mtime_ns}", size).save(master, quality=95)


def _project(folder: Path, number: int, label: str) -> None:
    draw = random.Random(number)
    size = width, height = draw.randrange(40, 73), draw.randrange(32, 65)
    (folder / "master").mkdir(parents=True)
    (folder / "data_augmentation").mkdir()
    (folder / "data_augmentation/daug.py").write_text(SCRIPT)
    _drawn(folder.name, size).save(folder / "master/image.jpg", quality=95)
    boxes = VOC.format(width=width, height=height, label=label, right=width - 2, bottom=height - 2)
    (folder / "master/image_extended.xml").write_text(boxes)


def _drawn(seed: str, size: tuple[int, int]) -> Image.Image:
    """A button of two hues with a sign on it, like no other."""
    draw = random.Random(seed)
    width, height = size

    def colour() -> tuple[int, int, int]:
        red, green, blue = colorsys.hsv_to_rgb(draw.random(), 0.3 + 0.7 * draw.random(), 0.3 + 0.7 * draw.random())
        return int(255 * red), int(255 * green), int(255 * blue)

    image = Image.new("RGB", size, colour())
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((2, 2, width - 3, height - 3), radius=draw.randrange(3, 12), fill=colour(), outline=colour())
    points = [(draw.randrange(6, width - 6), draw.randrange(6, height - 6)) for _ in range(draw.randrange(3, 7))]
    pen.polygon(points, fill=colour())
    return image


if __name__ == "__main__":
    main()
