"""Shots: what of a folder is one, what is wrong with another, and what their digest depends on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from dlim import shots
from dlim.errors import DlimError
from dlim.formats import voc
from dlim.geometry import Annotation, Box, Object
from tests.conftest import Workspace, new_workspace
from tests.in_process import doit

SIZE = 60, 90
CLOSE = Object("close", Box(10, 20, 30, 40))


def shot(folder: Path, name: str, objects: tuple[Object, ...] | None = (CLOSE,), colour: str = "navy") -> Path:
    """A picture in a folder, with its box file unless objects are None."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    Image.new("RGB", SIZE, colour).save(path)
    if objects is not None:
        path.with_suffix(".xml").write_text(voc.write(Annotation(name, *SIZE, objects)))
    return path


def test_shots_are_pictures_with_or_without_a_box_file(tmp_path: Path) -> None:
    """A shot without a box file is open; one whose file marks nothing is labelled."""
    shot(tmp_path, "b.png", None)
    shot(tmp_path, "a.jpg")
    shot(tmp_path, "c.jpg", ())
    (tmp_path / "notes.txt").write_text("taken on a phone")
    a, b, c = shots.read(tmp_path)
    assert [one.name for one in (a, b, c)] == ["a", "b", "c"]
    assert a.objects == (CLOSE,)
    assert a.size == SIZE
    assert [one.labelled for one in (a, b, c)] == [True, False, True]
    assert shots.read(tmp_path / "nowhere") == ()


def test_the_digest_is_that_of_what_is_judged(tmp_path: Path) -> None:
    """It changes with pictures, boxes and names of labelled shots, and with nothing else."""
    shot(tmp_path, "a.png", (CLOSE, Object("skip", Box(0, 0, 9, 9))))
    before = shots.digest(shots.read(tmp_path))
    shot(tmp_path, "open.png", None)
    shot(tmp_path, "a.png", (Object("skip", Box(0, 0, 9, 9), truncated=True), CLOSE))
    assert shots.digest(shots.read(tmp_path)) == before
    told = {before}
    shot(tmp_path, "a.png", (CLOSE,))
    told.add(shots.digest(shots.read(tmp_path)))
    shot(tmp_path, "a.png", (CLOSE,), "red")
    told.add(shots.digest(shots.read(tmp_path)))
    shot(tmp_path, "b.png", ())
    told.add(shots.digest(shots.read(tmp_path)))
    assert len(told) == 4


def _turned(folder: Path, name: str = "a.jpg") -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", SIZE).save(folder / name, exif=exif)


def _small(folder: Path) -> None:
    path = shot(folder, "a.jpg")
    path.with_suffix(".xml").write_text(voc.write(Annotation("a.jpg", 30, 45, (CLOSE,))))


FAULTS = {
    "a box over the edge": (
        lambda folder: shot(folder, "a.jpg", (Object("close", Box(50, 0, 70, 20)),)),
        'a.xml: the box of "close" hangs over the picture by 10 px; draw it around what is seen',
    ),
    "boxes of a smaller copy": (
        _small,
        "a.xml: <size> says 30x45, and the picture is 60x90; label the shot itself, not a smaller copy",
    ),
    "no XML": (lambda folder: shot(folder, "a.jpg").with_suffix(".xml").write_text("{}"), "a.xml: is no XML file"),
    "a box file alone": (lambda folder: shot(folder, "a.jpg").unlink(), "a.xml: has no picture beside it"),
    "one name twice": (
        lambda folder: (shot(folder, "a.jpg"), shot(folder, "a.png")),
        "a.png: is a.jpg under a second ending; delete or rename one of the two",
    ),
    "boxes behind a link to nothing": (
        lambda folder: shot(folder, "a.jpg", None).with_suffix(".xml").symlink_to("/nowhere/a.xml"),
        "a.xml: is a link to nothing; put the boxes there, or delete it",
    ),
    "no image": (lambda folder: (folder / "a.png").write_bytes(b"hello"), "a.png: is no image that can be read"),
    "another form": (
        lambda folder: shot(folder, "a.webp", None),
        "a.webp: is no .jpg or .png; move it elsewhere, and bring it in by doit shots --from-folder DIR",
    ),
    "a name of two words": (lambda folder: shot(folder, "a b.png"), "a b.png: is no name for a shot; rename it"),
    "turned by EXIF": (_turned, "a.jpg: is turned by its EXIF; move it elsewhere"),
}


@pytest.mark.parametrize(("arrange", "said"), FAULTS.values(), ids=FAULTS)
def test_what_is_wrong_is_one_line_with_the_file(tmp_path: Path, arrange: object, said: str) -> None:
    """Nothing is guessed: a folder with such a file can't be judged by."""
    assert callable(arrange)
    arrange(tmp_path)
    with pytest.raises(DlimError) as caught:
        shots.read(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}/{said}")


def test_how_many_more_are_wrong_is_said(tmp_path: Path) -> None:
    """The first fault, and that there are others, a half picture among them; doit shots lists all."""
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        data = shot(tmp_path / "shots", name, ()).read_bytes()
    (tmp_path / "shots/b.jpg").write_bytes(b"")
    (tmp_path / "shots/c.jpg").write_bytes(data[: len(data) - 40])
    with pytest.raises(DlimError, match=r"b.jpg: is no image that can be read; save it as PNG or JPEG; and 1 more; "):
        shots.read(tmp_path / "shots", whole=True)
    new_workspace(tmp_path)
    listed = [line.partition(":")[0] for line in doit(tmp_path, "shots").lines]
    assert [line for line in listed if line.startswith("shots/")] == ["shots/b.jpg", "shots/c.jpg"]
    assert "; and 1 more; doit shots lists them" in doit(tmp_path, "baseline").err


@pytest.mark.parametrize(
    ("arrange", "said"),
    [
        (lambda path: path.write_text(""), "shots: is no folder; move it elsewhere: the shots' folder is called so"),
        (lambda path: path.symlink_to("nowhere"), "shots: is a link to nothing; mend it, or delete it"),
    ],
    ids=["a file", "a link to nothing"],
)
def test_no_folder_of_shots(tmp_path: Path, arrange: Callable[[Path], object], said: str) -> None:
    """One line says what `shots` is, and not one for each picture that is to come there."""
    new_workspace(tmp_path)
    arrange(tmp_path / "shots")
    shot(tmp_path / "phone", "a.jpg")
    shot(tmp_path / "phone", "b.jpg")
    brought = doit(tmp_path, "shots", "--from-folder", "phone")
    assert (brought.status, brought.err.splitlines(), brought.out) == (3, [said], "")
    listed = doit(tmp_path, "shots")
    assert (listed.status, listed.lines[0]) == (3, said)


def test_what_can_be_no_shot_is_brought_in_or_told(tmp_path: Path) -> None:
    """A name of which nothing is left becomes a number; boxes without a picture, or behind a dead link, are a line."""
    new_workspace(tmp_path)
    source = tmp_path / "phone"
    shot(source, "ホーム.jpg", None, "red")
    shot(source, "設定.jpg", (CLOSE,), "green")
    shot(source, "画面 1.jpg", None, "blue")
    shot(source, "lost.jpg").unlink()
    shot(source, "linked.jpg", None).with_suffix(".xml").symlink_to("/nowhere/a.xml")
    done = doit(tmp_path, "shots", "--from-folder", "phone")
    assert done.status == 3
    assert done.lines == [
        "phone/linked.xml: is a link to nothing; put the boxes there, or delete it; left out",
        "phone/lost.xml: has no picture beside it; left out",
        "ホーム.jpg: shots/shot-1.jpg, 60x90",
        "画面 1.jpg: shots/_1.jpg, 60x90",
        "設定.jpg: shots/shot-2.jpg, 60x90, with 1 box",
        "3 brought in (1 labelled), 0 there already, 2 left out",
    ]


def test_pictures_are_brought_in(workspace: Workspace) -> None:
    """Each becomes a shot once, upright, with its boxes, over nothing that is there; what is refused is a line each."""
    source, folder = workspace.folder / "phone", workspace.folder / "shots"
    assert "there is no shot in shots/" in workspace.doit("shots").stdout
    shot(source, "a.jpg", (CLOSE, Object("clsoe", Box(2, 2, 20, 20))))
    shot(source, "screen one.png", None, "red")
    shot(source, "copy of a.jpg", None)
    shot(source, "bad.png", (Object("close", Box(50, 0, 70, 20)),), "green")
    _turned(source, "turned.jpg")
    Image.new("RGBA", SIZE, (9, 9, 9, 0)).save(source / "clear.png")
    shot(folder, "turned.jpg", None, "yellow")
    kept = (folder / "turned.jpg").read_bytes()

    done = workspace.doit("shots", "--from-folder", "phone")
    assert done.returncode == 3
    assert done.stdout.splitlines() == [
        "a.jpg: shots/a.jpg, 60x90, with 2 boxes",
        'phone/bad.xml: the box of "close" hangs over the picture by 10 px; draw it around what is seen; left out',
        "clear.png: shots/clear.png, 60x90",
        "copy of a.jpg: is shots/a.jpg already",
        "screen one.png: shots/screen_one.png, 60x90",
        "turned.jpg: shots/turned-2.png, 90x60",
        "4 brought in (1 labelled), 1 there already, 1 left out",
    ]
    assert (folder / "a.jpg").read_bytes() == (source / "a.jpg").read_bytes()
    assert (folder / "turned.jpg").read_bytes() == kept
    with Image.open(folder / "clear.png") as image:
        assert (image.mode, image.getpixel((5, 5))) == ("RGB", (255, 255, 255))

    shot(source, "screen one.png", (CLOSE,), "red")
    said = workspace.doit("shots", "--from-folder", "phone").stdout
    assert "screen one.png: is shots/screen_one.png already, with 1 box now" in said
    assert said.endswith("0 brought in, 5 there already (1 labelled now), 1 left out\n")
    workspace.project("close_btn", label="close")
    (folder / "broken.png").write_bytes(b"")
    done = workspace.doit("shots")
    assert done.returncode == 3
    for line in (
        "a.jpg           60x90  labelled  1 close, 1 clsoe",
        "turned-2.png    90x60  open",
        "shots/broken.png: is no image that can be read; save it as PNG or JPEG",
        (
            "no learner is judged by them: none has learning.predict in its file; "
            "docs/how-to/sample-learners.md has learners that predict"
        ),
        'shots/a.xml: no project has the label "clsoe"; did you mean "close"?',
        "2 labelled (2 close, 1 clsoe), 3 open: doit label:shots draws the next one's boxes; 1 can't be used",
    ):
        assert line in done.stdout.splitlines()
