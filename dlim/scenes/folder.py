"""A folder of scenes: one for each variation of a project, those taken over that nothing has changed of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dlim import provenance, variation
from dlim.augment import images, jpeg
from dlim.errors import AugmentError, DlimError
from dlim.geometry import still
from dlim.scenes import Raster, backgrounds, masks
from dlim.scenes import compose as scenes
from dlim.scenes.backgrounds import Window
from dlim.scenes.choices import Settings, Source, Spot
from dlim.scenes.compose import Candidates, CutOut
from dlim.store import Build, Staging
from dlim.variation import Variation

SCENES = "scenes.json"
"""What the stage leaves beside images and records: of each scene the key that decides it, and what it shows."""

LENT = 24
"""How many of its variations a project lends to the scenes of others."""


LOOKED_AT = 48
"""In how many windows of pictures a project's object is looked for, as it may be there by itself."""


def fill(
    sources: Sequence[Source],
    windows: Path,
    out: Staging,
    settings: Settings,
    previous: Path | None = None,
    on_images: Callable[[int], None] = lambda count: None,
    spots: Sequence[Spot] = (),
) -> list[str]:
    """Fill out with a scene for each variation of the first source; what is to be said of them, a line each.

    sources: the project and its partners. windows: the folder of backgrounds. previous: what the stage left before:
    scenes of which nothing has changed are taken from there. on_images: told now and then how many there are. spots:
    where objects may stand; anywhere where there are none.
    """
    cv2.setNumThreads(1)  # a project is a task, and tasks run side by side
    lenders = [_Lender(source) for source in sources]
    own = lenders[0]
    grounds = backgrounds.read(windows)
    earlier, kept = _earlier(previous)
    planned = _planned(own, lenders, grounds, settings, spots)
    lines: list[str] = []
    labels: set[str] = set()
    index: dict[str, list[Any]] = {}
    fresh, pixels = 0, np.empty((settings.size[1], settings.size[0], 3), np.uint8)
    for number, plan in enumerate(planned, 1):
        line = kept.get((plan.filename, plan.key))
        if earlier is not None and line is not None:
            earlier.link(plan.filename, out, plan.filename)
            labels.update(thing.label for thing in variation.from_line(line).objects or ())
        else:
            made = _rendered(plan, out, settings, pixels)
            line = variation.to_line(made)
            labels.update(thing.label for thing in made.objects or ())
            fresh += 1
        lines.append(line)
        shown = [[lender.source.name, name] for lender, name in plan.shown]
        index[plan.filename] = [plan.key, plan.window.name, shown]
        if number % 50 == 0:
            on_images(number)
    if not lines:
        raise AugmentError(own.source.name, "has no variation to make a scene of", "check daug.py")
    out.write(variation.RECORDS, "".join(f"{line}\n" for line in lines).encode())
    out.write(SCENES, _text(index))
    for table in sorted(name for name in own.made.files if name.endswith(".csv")):
        own.made.link(table, out, table)
    looked_at = _looked_through(own, grounds, {} if earlier is None else earlier.facts.get("looked_at", {}))
    out.facts |= {"labels": sorted(labels), "unnamed": False, "fresh": fresh, "looked_at": looked_at}
    return _said(own.source.name, looked_at)


def _text(index: Mapping[str, list[Any]]) -> bytes:
    text = json.JSONEncoder(ensure_ascii=False).encode
    lines = (f"  {text(name)}: {text(entry)}" for name, entry in index.items())
    return "{{\n{}\n}}\n".format(",\n".join(lines)).encode()


def _earlier(previous: Path | None) -> tuple[Build | None, dict[tuple[str, str], str]]:
    """The build before, and its records by the names and keys of scenes; nothing where it can't be read."""
    try:
        if previous is None:
            return None, {}
        made = Build(previous)
        lines = made.read(variation.RECORDS).decode().splitlines()
        index = json.loads(made.read(SCENES))
        return made, {(name, entry[0]): line for (name, entry), line in zip(index.items(), lines, strict=True)}
    except (OSError, ValueError, DlimError):
        return None, {}


class _Lender:
    """A project's variations, cut out when they are asked for."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.made = Build(source.variations)
        self.records = variation.by_name(self.made)
        self._cut: dict[str, CutOut | None] = {}

    @cached_property
    def mask(self) -> Raster | None:
        """On the master: drawn, or suggested by its boxes and border; None of a generator, whose boxes count."""
        if self.source.master is None:
            return None
        master = images.read(self.source.master)
        if self.source.mask is not None and self.source.mask.exists():
            return masks.read(self.source.mask, images.size_of(master))
        return masks.suggested(master, [thing.box for thing in self.source.objects])

    @cached_property
    def digest(self) -> str:
        """Of what decides how its variations are cut out, beside themselves."""
        master = b"" if self.source.master is None else self.source.master.read_bytes()
        mask = b"" if self.mask is None else self.mask.tobytes()
        return hashlib.blake2b(master + mask + repr(self.source.objects).encode(), digest_size=16).hexdigest()

    @cached_property
    def lent(self) -> list[str]:
        """The variations that others show too."""
        names = Candidates(sorted(self.records))
        return [names.names[place] for place in names.first(LENT, f"lent {self.source.name}")]

    def key(self, name: str) -> tuple[str, ...]:
        return self.source.name, name, self.made.files[name].sha256, self.digest

    @lru_cache(LENT)  # noqa: B019 - lenders live as long as what asks them
    def record(self, name: str) -> Variation:
        return variation.from_line(self.records[name])

    def cut_out(self, name: str, *, keep: bool) -> CutOut | None:
        """A variation's object. keep: others will ask for it again."""
        if name in self._cut:
            return self._cut[name]
        data = np.frombuffer(self.made.read(name), np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
        found = scenes.cut_out(pixels, self.record(name), self.source.objects, self.mask)
        if keep:
            self._cut[name] = found
        return found


@dataclass(frozen=True, slots=True)
class _Plan:
    """A scene before it is rendered: what was drawn for it, and what it shows. key: of all that decides it."""

    filename: str
    drawn: list[list[float]]
    window: Window
    shown: list[tuple[_Lender, str]]
    spots: list[Spot]
    key: str


def _planned(
    own: _Lender, lenders: Sequence[_Lender], grounds: Sequence[Window], settings: Settings, spots: Sequence[Spot]
) -> Iterator[_Plan]:
    by_kind = {drawn: [one for one in grounds if one.drawn == drawn] for drawn in (True, False)}
    ranked = {drawn: Candidates([one.name for one in found]) for drawn, found in by_kind.items()}
    lent = [(lender, name) for lender in lenders for name in lender.lent]
    others = Candidates([f"{lender.source.name}/{name}" for lender, name in lent])
    low, high = settings.objects
    common = f"{sorted(provenance.makers('compose').items())}{settings}"
    keys = [f"{settings.seed} {own.source.name} {name}" for name in own.records]
    grounded = {drawn: iter(found.chosen(keys)) for drawn, found in ranked.items() if found.names}
    chosen = [others.chosen(f"{key} {number}" for key in keys) for number in range(1, high)]
    standing = Candidates([" ".join(map(str, spot)) for spot in spots])
    stands = [standing.chosen(f"{key} {number} stands" for key in keys) for number in range(high if spots else 0)]
    for row, name in enumerate(own.records):
        drawn = scenes.draws(settings, own.source.name, name)
        _, _, kind, count, empty, *_ = drawn[0]
        ground = kind < settings.drawn if len(grounded) == 2 else True in grounded
        window = {which: by_kind[which][next(places)] for which, places in grounded.items()}[ground]
        shown = [(own, name), *(lent[places[row]] for places in chosen)][: low + int(count * (high - low + 1))]
        if empty < settings.empty:
            shown = []
        where = [spots[places[row]] for places in stands][: len(shown)]
        shows = [lender.key(one) for lender, one in shown]
        decides = f"{common}{window.name}{window.digest}{shows}{[spot[1:] for spot in where]}".encode()
        yield _Plan(name, drawn, window, shown, where, hashlib.blake2b(decides, digest_size=16).hexdigest())


_still = lru_cache(still)


def _rendered(plan: _Plan, out: Staging, settings: Settings, pixels: Raster) -> Variation:
    found = [
        lender.cut_out(name, keep=number > 0 or name in lender.lent) for number, (lender, name) in enumerate(plan.shown)
    ]
    made = scenes.scene(
        plan.window, [one for one in found if one is not None], settings, plan.drawn, pixels, plan.spots
    )
    entry = out.write(plan.filename, jpeg.encode_bgr(pixels))
    first = plan.shown[0][0].record(plan.filename) if plan.shown else None
    return Variation(
        filename=plan.filename,
        operation=first.operation if first else "empty",
        size=settings.size,
        crop=settings.size,
        origin=(0, 0),
        mesh=_still(*settings.size),
        parameters={**first.parameters, "scale": round(made.scale, 4)} if first else {},
        objects=made.objects,
        sha256=entry.sha256,
    )


def _looked_through(own: _Lender, grounds: Sequence[Window], known: Mapping[str, bool]) -> dict[str, bool]:
    """Which pictures show this project's object by themselves: there it is learned as background.

    By window and master; what is known already isn't looked for again.
    """
    if own.mask is None or own.source.master is None:
        return {}
    windows = [one for one in grounds if not one.drawn]
    names = Candidates(one.name for one in windows)
    master, found = images.read(own.source.master), {}
    for place in names.first(LOOKED_AT, f"looked at {own.source.name}"):
        key = f"{windows[place].name}/{windows[place].digest[:16]}/{own.digest}"
        found[key] = (
            known[key] if key in known else backgrounds.shows(windows[place].pixels[..., ::-1], master, own.mask)
        )
    return found


def _said(project: str, looked_at: Mapping[str, bool]) -> list[str]:
    names = sorted({key.rpartition("#")[0] for key, shown in looked_at.items() if shown})
    return [f"{name} seems to show {project} by itself: cut it out there, or leave the picture out" for name in names]
