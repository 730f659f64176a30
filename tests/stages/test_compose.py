"""Scenes show what they say, and only those are made anew of which something has changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dlim import store, variation
from dlim.augment import images
from dlim.geometry import Box, Object, still
from dlim.scenes import backgrounds as windows
from dlim.scenes.choices import Spot, partners, ring
from dlim.scenes.folder import SCENES
from dlim.stages import annotate
from dlim.stages.backgrounds import pictures
from dlim.stages.compose import Settings, Source, compose

SIZE = (120, 100)
SETTINGS = Settings(SIZE, 1, drawn=0, blend=("hard",), cover=0)
COLOURS = {"red": (250, 10, 10), "green": (10, 250, 10), "blue": (10, 10, 250)}
COUNT = 40


def project(folder: Path, name: str, colour: tuple[int, int, int] | None = None) -> Source:
    """A project of a coloured disc on black, with variations of it that differ a little."""
    place, master = folder / "variations" / name, folder / f"{name}.png"
    colour = colour or COLOURS[name]
    with store.staging(place) as out:
        records = []
        for number in range(COUNT):
            filename = f"mix-{number:04d}.jpg"
            entry = out.write(filename, cv2.imencode(".jpg", disc(colour, number)[..., ::-1])[1].tobytes())
            mesh = still(30, 24)
            records.append(
                variation.Variation(filename, "mix", (30, 24), (30, 24), (0, 0), mesh, {}, None, entry.sha256)
            )
        variation.append(out.path, records)
    Image.fromarray(disc(colour, 0)).save(master)
    return Source(name, place, (Object(name, Box(5, 2, 25, 22)),), master)


def disc(colour: tuple[int, int, int], number: int) -> np.ndarray:
    pixels = np.zeros((24, 30, 3), np.uint8)
    cv2.circle(pixels, (15, 12), 9, tuple(max(0, value - number) for value in colour), -1)
    return pixels


@pytest.fixture
def grounds(tmp_path: Path) -> Path:
    """Twelve pictures in shades of grey, each in one window."""
    (tmp_path / "pictures").mkdir()
    for number in range(12):
        Image.new("RGB", (200, 160), (100 + 10 * number,) * 3).save(tmp_path / f"pictures/{number:02d}.png")
    return lay(tmp_path)


def lay(folder: Path) -> Path:
    with store.staging(folder / "windows") as out:
        windows.fill(pictures(folder / "pictures"), out, windows.Settings(SIZE, 1, 0))
    return folder / "windows"


def composed(folder: Path, sources: list[Source], grounds: Path, settings: Settings = SETTINGS) -> dict[str, bytes]:
    """The scenes of the first source by name, each with its record."""
    place = folder / "scenes"
    with store.staging(place) as out:
        compose(sources, grounds, out, settings, place)
    return {one.filename: (place / one.filename).read_bytes() for one in variation.read(place)}


def fresh(folder: Path) -> int:
    """How many of the last scenes were made anew."""
    return int(store.facts(folder / "scenes/manifest.json")["fresh"])


def test_boxes_are_what_is_seen(tmp_path: Path, grounds: Path) -> None:
    """Each scene shows the project's own object, first; every box lies around pixels of its object's colour."""
    sources = [project(tmp_path, name) for name in COLOURS]
    made = composed(tmp_path, sources, grounds)
    records = list(variation.read(tmp_path / "scenes"))
    assert len(made) == len(records) == COUNT
    for one in records:
        assert one.objects
        assert one.objects[0].label == "red"
        pixels = images.read(tmp_path / "scenes" / one.filename).astype(int)
        assert images.size_of(pixels) == one.size == SIZE
        for label, colour in COLOURS.items():
            alike = np.abs(pixels - colour).max(axis=2) < 110
            box_mask = np.zeros(alike.shape, bool)
            for thing in (thing for thing in one.objects if thing.label == label):
                box = thing.box
                part = alike[int(box.y1) : int(box.y2), int(box.x1) : int(box.x2)]
                assert 0.5 < part.mean() < (0.9 if box.width > 16 else 1.01)  # a disc fills 0.79 of its box
                box_mask[max(0, int(box.y1) - 2) : int(box.y2) + 2, max(0, int(box.x1) - 2) : int(box.x2) + 2] = True
            assert not (alike & ~box_mask).any()
    shown = [len(one.objects) for one in records]
    assert set(shown) == {1, 2, 3, 4}


def test_what_is_cut_off_or_covered_is_truncated(tmp_path: Path, grounds: Path) -> None:
    """Where all objects are cut or covered, each box is the smaller for it, inside the image, and says so."""
    sources = [project(tmp_path, "red")]
    composed(tmp_path, sources, grounds, replace(SETTINGS, cover=1, objects=(1, 1), scale=(1, 1)))
    things = [thing for one in variation.read(tmp_path / "scenes") for thing in one.objects or ()]
    assert len(things) == COUNT
    assert all(thing.truncated and thing.box.clipped(*SIZE) == thing.box for thing in things)
    assert all(min(thing.box.width, thing.box.height) < 18 for thing in things)


def test_annotate_takes_scenes_as_they_are(tmp_path: Path, grounds: Path) -> None:
    """A folder of scenes goes on as a folder of variations does, with the learner's labels."""
    composed(tmp_path, [project(tmp_path, name) for name in COLOURS], grounds)
    with store.staging(tmp_path / "build") as out:
        settings = annotate.Settings("red", "red", {"red": "close", "green": "open"})
        annotate.annotate(tmp_path / "scenes", "", (), out, settings)
    index = annotate.read_index(tmp_path / "build")
    assert len(index.images) == COUNT
    assert {label for labels, _ in index.images.values() for label in labels} == {"close", "open", "blue"}


def test_only_what_has_changed_is_made_anew(tmp_path: Path, grounds: Path) -> None:
    """A changed partner, background or setting renders the scenes that show it, and leaves the others' bytes."""
    sources = [project(tmp_path, name) for name in COLOURS]
    first = composed(tmp_path, sources, grounds)
    assert fresh(tmp_path) == COUNT
    assert composed(tmp_path, sources, grounds) == first
    assert fresh(tmp_path) == 0

    index = json.loads((tmp_path / "scenes" / SCENES).read_text())
    showing = {name for name, (_, _, shown) in index.items() if any(source == "blue" for source, _ in shown)}
    sources[2] = project(tmp_path, "blue", (10, 60, 250))
    second = composed(tmp_path, sources, grounds)
    assert 0 < fresh(tmp_path) == len(showing) < COUNT
    assert {name for name in first if first[name] != second[name]} <= showing

    on_first = {name for name, (_, window, _) in index.items() if window.startswith("00.png")}
    Image.new("RGB", (200, 160), (90, 140, 90)).save(tmp_path / "pictures/00.png")
    third = composed(tmp_path, sources, lay(tmp_path))
    assert 0 < fresh(tmp_path) == len(on_first) < COUNT / 3
    assert {name for name in second if second[name] != third[name]} == on_first

    Image.new("RGB", (200, 160), (90, 90, 140)).save(tmp_path / "pictures/12.png")
    composed(tmp_path, sources, lay(tmp_path))
    assert fresh(tmp_path) < COUNT / 3
    composed(tmp_path, sources, grounds, replace(SETTINGS, cover=0.5))
    assert fresh(tmp_path) == COUNT


def test_partners_stay(tmp_path: Path) -> None:
    """Another project becomes the partner of few, and takes no more than its own place from each."""
    names = [f"p{number:03d}" for number in range(200)]
    before = {name: set(partners(name, ring(names))) for name in names}
    after = {name: set(partners(name, ring([*names, "new"]))) for name in names}
    changed = [name for name in names if before[name] != after[name]]
    assert len(changed) < 20
    assert all(len(before[name] - after[name]) == 1 for name in changed)


def test_a_picture_with_the_object_is_said(tmp_path: Path, grounds: Path) -> None:
    """A background that shows the object by itself is named, once it is one of the pictures."""
    source = project(tmp_path, "red")
    pixels = np.full((160, 200, 3), 60, np.uint8)
    pixels[20:44, 30:60] = disc(COLOURS["red"], 0)
    Image.fromarray(pixels).save(tmp_path / "pictures/shown.png")
    with store.staging(tmp_path / "windows") as out:
        windows.fill(pictures(tmp_path / "pictures"), out, windows.Settings(SIZE, 1, 0, wide=200))
    with store.staging(tmp_path / "scenes") as out:
        said = compose([source], tmp_path / "windows", out, SETTINGS)
    assert said == ["shown.png seems to show red by itself: cut it out there, or leave the picture out"]


def test_objects_stand_where_shots_have_boxes(tmp_path: Path, grounds: Path) -> None:
    """Each stands at most half its size from such a place; another box moves few of them."""
    sources = [project(tmp_path, name) for name in COLOURS]
    settings = replace(SETTINGS, position="shots", scale=(1, 1))
    some = [Spot(f"shot-{number}", 0.2 + 0.15 * number, 0.5) for number in range(4)]

    def made(spots: list[Spot]) -> dict[str, bytes]:
        with store.staging(tmp_path / "scenes") as out:
            compose(sources, grounds, out, settings, tmp_path / "scenes", spots=spots)
        records = list(variation.read(tmp_path / "scenes"))
        for thing in (thing for one in records for thing in one.objects or ()):
            x, y = (thing.box.x1 + thing.box.x2) / 2 / SIZE[0], (thing.box.y1 + thing.box.y2) / 2 / SIZE[1]
            assert any(abs(x - spot.x) < 0.13 and abs(y - spot.y) < 0.13 for spot in spots)
        return {one.filename: (tmp_path / "scenes" / one.filename).read_bytes() for one in records}

    first = made(some)
    second = made([*some, Spot("shot-9", 0.8, 0.2)])
    moved = sum(first[name] != second[name] for name in first)
    assert 0 < moved <= fresh(tmp_path) < COUNT * 0.7  # of up to four objects each
    assert made(some) == first
