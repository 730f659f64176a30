#!/usr/bin/env python3
"""Show what augmentation makes of a master, before there is a daug.py. A sample: copy it, and edit it.

Once there is one, `doit preview:close_btn` shows what its build looks like.

sample/data_aug_sample.py close_btn mix zoom
sample/data_aug_sample.py crop.png mix --count 32 --cval 60 --out sheet.png
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageShow

from dlim import config, projects
from dlim.augment.context import workspace
from dlim.config import Settings
from dlim.errors import DlimError, ProjectError
from dlim.geometry import Box
from dlim.names import nearest
from dlim.projects import Broken, Project
from dlim.report.preview import BUILT_IN, tried
from dlim.report.sheet import PAPER
from dlim.stages import boxes

# Operations of your own go here, by the name to call them by on the command line, such as
#   "shaky": operations.Operation(rotation=(-15, 15), shift_x=(-2, 2)),      from dlim.augment import operations
#   "blur": augmenters().GaussianBlur((0.2, 1.2)),                           from dlim.augment.imgaug import augmenters
OPERATIONS: dict[str, object] = {name: name for name in BUILT_IN}


def main() -> None:
    arguments = parser().parse_args()
    try:
        sheet = stacked(sheets(arguments))
        if arguments.out or not on_desktop() or not ImageShow.show(sheet):
            write(sheet, arguments.out or Path("sheet.png"))
    except DlimError as error:
        sys.exit(str(error))


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        description="Show variations of masters on a sheet: the master first, what was drawn under each, boxes pink.",
        epilog="Of a project it shows the first images that its build gets from the same call in daug.py.",
    )
    found.add_argument(
        "words",
        nargs="+",
        metavar="WORD",
        help=f"a project, an image file, or an operation: {', '.join(OPERATIONS)}; no operation is all of them",
    )
    found.add_argument("--count", type=int, default=16, help="how many variations of each (%(default)s)")
    found.add_argument("--cval", type=int, help="the grey, 0 to 255, that fills what a shift bares (the workspace's)")
    found.add_argument("--seed", type=int, help="another seed draws anew (the workspace's)")
    found.add_argument("--out", type=Path, help="write a PNG file; without it the sheet is shown, on a desktop")
    return found


def sheets(arguments: argparse.Namespace) -> list[Image.Image]:
    """A sheet for every master and operation among the words."""
    settings = config.load(workspace() / "config").settings
    masters = [word for word in arguments.words if word not in OPERATIONS]
    chosen = [word for word in arguments.words if word in OPERATIONS] or list(OPERATIONS)
    if not masters:
        raise ProjectError(" ".join(chosen), "has no master to vary", "name a project or an image file too")
    cval = settings.augment.cval if arguments.cval is None else arguments.cval
    seed = settings.seed if arguments.seed is None else arguments.seed
    return [
        tried(image, OPERATIONS[name], arguments.count, cval, boxes, seed, name)
        for image, boxes in [master(word, settings) for word in masters]
        for name in chosen
    ]


def master(word: str, settings: Settings) -> tuple[Path, list[Box]]:
    """The image that a word means, a project's master or a file, and the boxes on it."""
    known = projects.load(workspace() / "projects")
    if word in known:
        project = known[word]
        if isinstance(project, Broken):
            raise project.error
        return project.image, boxes_of(project, settings)
    path = Path(word)
    if not path.is_file():
        raise ProjectError(word, "is no project, no image file and no operation", nearest(word, [*known, *OPERATIONS]))
    own = [
        project
        for project in known.values()
        if isinstance(project, Project) and project.image.resolve() == path.resolve()
    ]
    return path, boxes_of(own[0], settings) if own else []


def boxes_of(project: Project, settings: Settings) -> list[Box]:
    """The boxes on a project's master as its build reads them; none as long as nobody has labelled it."""
    if project.settings.generator:
        raise ProjectError(
            project.name, "draws its images itself and has no master", f"see them with doit preview:{project.name}"
        )
    if not project.boxes.is_file():
        return []
    _, objects, _ = boxes.objects_of(project, settings.labelling_canvas)
    return [thing.box for thing in objects]


def stacked(found: Sequence[Image.Image]) -> Image.Image:
    """Sheets, one below the other."""
    whole = Image.new("RGB", (max(one.width for one in found), sum(one.height for one in found)), PAPER)
    top = 0
    for one in found:
        whole.paste(one, (0, top))
        top += one.height
    return whole


def on_desktop() -> bool:
    return sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())


def write(sheet: Image.Image, path: Path) -> None:
    try:
        sheet.save(path, format="PNG", optimize=True)
    except OSError as error:
        raise ProjectError(path, f"can't be written ({error.strerror})", "name another file") from error
    print(path)


if __name__ == "__main__":
    main()
