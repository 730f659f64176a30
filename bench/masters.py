"""The workspace that is measured: six real masters and a corpus, augmented as their owners do today."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bench.workspaces import DODO, MARK

ROOT = Path(__file__).resolve().parents[1]


class Case(NamedTuple):
    """A project: what its daug.py calls, how many images that must give, and its label for each learner."""

    calls: str
    images: int
    ssd: str
    resnet34: str
    cval: int = 125
    placement: str = "left-upper"


CASES = {
    "adbutton": Case("suite", 891, "adbutton", "adbutton"),
    "close": Case("height zoom mix6", 792, "close", "close"),
    "closebcow": Case("height zoom mix6", 792, "close", "closebcow", cval=255),
    "closegb": Case("mix6", 594, "close", "closegb", cval=255),
    "ru_close": Case("mix", 99, "close", "close", placement="right-upper"),
    "ru_closegb": Case("mix", 99, "close", "closegb", cval=255, placement="right-upper"),
    "ja_char": Case("", 1000, "ja_char", "ja_char_*"),
}

MASTERS = ROOT.parent / "shared/real"
"""Where they lie: beside the repository."""

CORPUS = "corpus/gingatetsudono_yoru.txt"

LEARNERS = {
    "ssd": (
        'canvas = [400, 400]\n\n[labels]\nclosebcow = "close"\nclosegb = "close"\n"ja_char_*" = "ja_char"\n',
        (400, 400),
    ),
    "resnet34": ('canvas = "native"\nclass_lists = false\n', None),
}
"""Each learner's file, and the size of its images; None where that is the master's own."""


def make(folder: Path, masters: Path, names: Iterable[str] = tuple(CASES), *, dodo: Path = DODO) -> Path:
    """A workspace of these projects in a folder of its own; an older one of ours gives way."""
    if not (masters / CORPUS).is_file():
        raise SystemExit(f"{masters}: holds no {CORPUS}; name the folder of the real masters with --masters")
    if folder.exists() and not (folder / MARK).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise SystemExit(f"{folder}: is not of this program's making; name another with --folder")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "config/learners").mkdir(parents=True)
    (folder / MARK).touch()
    shutil.copyfile(dodo, folder / "dodo.py")
    for learner, (text, _) in LEARNERS.items():
        (folder / f"config/learners/{learner}.toml").write_text(text)
    for name in names:
        _project(folder / "projects" / name, masters, CASES[name])
    return folder


def _project(folder: Path, masters: Path, case: Case) -> None:
    (folder / "data_augmentation").mkdir(parents=True)
    script = folder / "data_augmentation/daug.py"
    if folder.name == "ja_char":
        shutil.copyfile(ROOT / "projects/ja_char/data_augmentation/daug.py", script)
        shutil.copyfile(masters / CORPUS, folder / "data_augmentation/corpus.txt")
        (folder / "project.toml").write_text("generator = true\n")
        return
    (folder / "master").mkdir()
    for file in ("image.jpg", "image_extended.xml"):
        shutil.copyfile(masters / "projects" / folder.name / "master" / file, folder / "master" / file)
    (folder / "project.toml").write_text(f'placement = "{case.placement}"\n')
    calls = "".join(f"variations.{call}()\n" for call in case.calls.split())
    script.write_text(f"from dlim.augment import Augmentation\n\nvariations = Augmentation(cval={case.cval})\n{calls}")
