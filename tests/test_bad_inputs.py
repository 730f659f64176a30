"""A table of what people and programs write wrong, and the whole line that is said of each: tests/bad_inputs.txt.

A case is two lines: the input, with Python's escapes, and the message. `python -m tests.test_bad_inputs` writes the
messages anew, to be read as a difference.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from doit.exceptions import InvalidDodoFile
from PIL import Image

from dlim import config, crop, projects, store
from dlim.build.state import Memory
from dlim.errors import DlimError
from dlim.formats import voc
from dlim.runs import predictions, record, unfinished, weights
from dlim.runs.shots import Frozen, Still
from dlim.scenes import masks
from dlim.stages import boxes
from tests.in_process import doit

TABLE = Path(__file__).with_name("bad_inputs.txt")


class Case(NamedTuple):
    """area: what the input is of; text: as it stands in the table."""

    area: str
    text: str
    message: str

    @property
    def input(self) -> str:
        return self.text.encode("latin-1", "backslashreplace").decode("unicode_escape")


def cases() -> Iterator[Case]:
    area = ""
    lines = iter(TABLE.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if line.startswith("## "):
            area = line.removeprefix("## ")
        elif line.strip():
            yield Case(area, line.removeprefix("> "), next(lines))


def learner(text: str, folder: Path) -> object:
    (folder / "config/learners").mkdir(parents=True)
    (folder / "config/learners/ssd.toml").write_text(text)
    return config.load(folder / "config")


def dlim_toml(text: str, folder: Path) -> object:
    (folder / "config").mkdir()
    (folder / "config/dlim.toml").write_text(text)
    return learner('canvas = "native"', folder) if not (folder / "config/learners").exists() else None


def servers(text: str, folder: Path) -> object:
    (folder / "servers.toml").write_text(text)
    return config.servers(folder / "servers.toml")


def project_toml(text: str, folder: Path) -> object:
    (folder / "project.toml").write_text(text)
    return config.project_settings(folder / "project.toml")


def project_name(text: str, folder: Path) -> object:
    (folder / "projects" / text / "master").mkdir(parents=True)
    [found] = projects.load(folder / "projects").values()
    if isinstance(found, projects.Broken):
        raise found.error
    return found


def annotation(text: str, folder: Path) -> object:
    (folder / "a.xml").write_bytes(text.encode("utf-8", "surrogateescape"))
    return voc.read(folder / "a.xml")


def boxes_of(text: str, folder: Path) -> object:
    """On a crop of 40x30, with the labelling canvas 400x400."""
    (folder / "red/master").mkdir(parents=True)
    Image.new("RGB", (40, 30)).save(folder / "red/master/image.jpg")
    (folder / "red/master/image_extended.xml").write_text(text)
    return boxes.objects_of(projects.Project("red", folder / "red", config.ProjectSettings()), (400, 400))


def picture(text: str, folder: Path) -> object:
    """Bytes, or a picture of `mode width height` and a box."""
    path = folder / "a.png"
    what, _, box = text.partition("|")
    words = what.split(" ")
    if words[0] in ("RGB", "I", "F", "CMYK") and len(words) == 3:
        Image.new(words[0], (int(words[1]), int(words[2]))).save(path, "TIFF" if words[0] in "ICMYKF" else "PNG")
    else:
        path.write_bytes(what.encode("latin-1"))
    return crop.read(path, crop.rectangle(box) if box else None)


def mask(text: str, folder: Path) -> object:
    """`width height level`, for a master of 40x30; or bytes."""
    path = folder / "mask.png"
    words = text.split(" ")
    if len(words) == 3:
        Image.new("L", (int(words[0]), int(words[1])), int(words[2])).save(path)
    else:
        path.write_bytes(text.encode("latin-1"))
    return masks.read(path, (40, 30))


def name_of_a_task(text: str, folder: Path) -> object:
    (folder / "taken").mkdir()
    return unfinished.check_name(folder, text)


def record_json(text: str, folder: Path) -> object:
    (folder / "record.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    return record.read(folder)


def manifest(text: str, folder: Path) -> object:
    (folder / "manifest.json").write_bytes(text.encode("latin-1"))
    (folder / "a.jpg").write_bytes(b"x")
    return store.Build(folder).read("a.jpg")


def state(text: str, folder: Path) -> object:
    """Bytes, or statements of SQL."""
    import sqlite3

    path = folder / "state.db"
    if text.startswith(("create", "insert")):
        with contextlib.closing(sqlite3.connect(path)) as made:
            made.executescript(text)
    else:
        path.write_bytes(text.encode("latin-1"))
    return Memory(str(path), None)


def archive(text: str, folder: Path) -> object:
    """Bytes, or members of a tar as `name=contents`, `name->target`, `name:type`, with | between them."""
    path = folder / "a.tar.gz"
    if text.startswith("tar "):
        with tarfile.open(path, "w:gz") as tar:
            for part in text.removeprefix("tar ").split("|"):
                tar.addfile(*_member(part))
    else:
        path.write_bytes(text.encode("latin-1"))
    return weights.newest(path, "weights/*.pth")


def _member(text: str) -> tuple[tarfile.TarInfo, io.BytesIO]:
    for sign, kind in (("->", tarfile.SYMTYPE), ("=>", tarfile.LNKTYPE), (":", tarfile.FIFOTYPE)):
        name, found, target = text.partition(sign)
        if found:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            return info, io.BytesIO()
    name, _, data = text.partition("=")
    info = tarfile.TarInfo(name)
    info.size = len(data)
    return info, io.BytesIO(data.encode())


def predicted(text: str, folder: Path) -> object:
    """Of a shot a.png of 100x80, with the labels close and skip."""
    still = Still("a.png", record.File(1, "a"), (), (100, 80))
    found, lines = predictions.read(text.encode(), Frozen("0" * 64, ("close", "skip"), (still,)))
    if not lines:
        return found
    raise DlimError("; ".join(lines), "", "")


def command(text: str, folder: Path) -> object:
    answer = doit(folder, *text.split(" "))
    lines = [line for line in (answer.out + answer.err).splitlines() if line]
    assert answer.status
    assert len(lines) == 1, lines
    raise DlimError(lines[0], "", "")


AREAS: dict[str, Callable[[str, Path], object]] = {
    "config/dlim.toml": dlim_toml,
    "config/learners/ssd.toml": learner,
    "config/servers.toml": servers,
    "projects/red/project.toml": project_toml,
    "the name of a project": project_name,
    "a VOC file": annotation,
    "boxes on a crop of 40x30": boxes_of,
    "a picture": picture,
    "a mask of a crop of 40x30": mask,
    "the name of a learning task": name_of_a_task,
    "record.json": record_json,
    "a manifest": manifest,
    "state.db": state,
    "an archive from a server": archive,
    "predictions": predicted,
    "a command line": command,
}


def said(case: Case, folder: Path) -> str:
    """The message, with the folder's path left out."""
    try:
        AREAS[case.area](case.input, folder)
    except (DlimError, InvalidDodoFile) as error:
        text = str(error).removesuffix(": ;")
        return text.replace(f"{folder}/", "").replace(str(folder), ".")
    return "is taken"


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: f"{case.area} {case.text}"[:60])
def test_the_whole_message(case: Case, tmp_path: Path, workspace_of_commands: Path) -> None:
    folder = workspace_of_commands if case.area == "a command line" else tmp_path
    found = said(case, folder)
    assert found == case.message
    assert "Traceback" not in found
    assert found.isprintable()


@pytest.fixture(scope="session")
def workspace_of_commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(tmp_path_factory.mktemp("commands"))


def small(folder: Path) -> Path:
    """A workspace with a learner and a project that isn't finished."""
    from tests.conftest import new_workspace

    made = new_workspace(folder)
    (folder / "config/learners/resnet34.toml").unlink()
    made.project("red")
    return folder


def test_there_are_as_many_as_are_promised() -> None:
    assert len(set(cases())) == len(list(cases())) >= 400


if __name__ == "__main__":
    written, area = [], ""
    with tempfile.TemporaryDirectory() as there:
        (commands := Path(there, "commands")).mkdir()
        small(commands)
        for number, case in enumerate(cases()):
            if case.area != area:
                written.append(f"{chr(10) if area else ''}## {case.area}\n")
                area = case.area
            (folder := Path(there, str(number))).mkdir()
            written.append(f"> {case.text}\n{said(case, commands if area == 'a command line' else folder)}\n")
    TABLE.write_text("".join(written), encoding="utf-8")
    sys.exit(json.dumps(len(list(cases()))))
