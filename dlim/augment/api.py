"""What a daug.py writes with: operations on a project's master, each image once, with a record of each."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from dlim import variation
from dlim.augment import context as contexts
from dlim.augment import images, jpeg, operations
from dlim.augment.images import Pixels
from dlim.augment.imgaug import Custom
from dlim.augment.operations import Crop, Varies
from dlim.errors import AugmentError
from dlim.geometry import PLACEMENTS, Box, Canvas, Mesh, Object, Size, origin, still, too_large
from dlim.names import one_of
from dlim.variation import Variation

ATTEMPTS = 21
"""How often an image is drawn before its operation counts as exhausted: a draw may show what there is already."""

AT_ONCE = 4
"""How many draws are tried at once after the first."""

BATCH = 256
"""How many images are in memory at once."""


@dataclass(slots=True)
class _Folder:
    """What a script has written so far: all its Augmentations share it."""

    path: Path
    written: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)

    def is_new(self, digest: str) -> bool:
        """Whether none of the images so far has this digest; from now on one has."""
        new = digest not in self.written
        self.written.add(digest)
        return new

    def write(self, name: str, data: bytes) -> str:
        """Write an image under the next name of its operation, and return that name."""
        self.numbers[name] += 1
        filename = f"{name}-{self.numbers[name]:04d}.jpg"
        # Python's own file objects take as long again as the file system
        descriptor = os.open(f"{self.path}/{filename}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        return filename


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@cache
def _context(project: str) -> contexts.Context:
    return contexts.current(project)


@cache
def _master(path: Path, canvas: Canvas, shrink: bool) -> tuple[Pixels, Size]:
    """A master as it is varied for a canvas, and the size that it has in its file."""
    pixels = images.read(path)
    size = images.size_of(pixels)
    return jpeg.shrunk(pixels, canvas) if shrink else pixels, size


@cache
def _folder(path: Path) -> _Folder:
    return _Folder(path)


class Augmentation:
    """The variations of one project, written as JPEG files.

    project: its name, a script's first argument. cval: the grey, 0 to 255, that fills what a shift bares.
    placement: where a crop stands on the learner's canvas. count: how many images a call makes. What isn't
    given is the workspace's setting.

    Every draw is decided by the workspace's seed, the project, the operation and the image's number, so the
    same script makes the same files. An image that there is already is drawn anew; when an operation has no
    other left, it makes fewer, and prints that.
    """

    def __init__(
        self,
        project: str | None = None,
        *,
        cval: int | None = None,
        placement: str | None = None,
        count: int | None = None,
    ) -> None:
        self.context = _context(project or contexts.named())
        self.cval = self.context.cval if cval is None else cval
        self.placement = placement or self.context.placement
        self.count = self.context.count if count is None else count
        one_of("daug.py", "placement", self.placement, PLACEMENTS)
        _counted(self.count)
        if not 0 <= self.cval <= 255:
            raise AugmentError("daug.py", f"cval is {self.cval}", "say a grey from 0 to 255")
        self._folder = _folder(self.context.out)

    @property
    def master(self) -> Pixels:
        """The master's pixels, height x width x 3, RGB; smaller than in its file where the canvas wants that."""
        return _master(self.context.master, self.context.canvas, self.context.shrink)[0]

    def rotation(self, degrees: float = 5, count: int | None = None) -> None:
        """Turn by up to that many degrees, either way."""
        self._write("rotation", operations.rotation(degrees), count)

    def height(self, pixels: float = 5, count: int | None = None) -> None:
        """Shift up or down by up to that many pixels."""
        self._write("height", operations.height(pixels), count)

    def zoom(self, low: float = 0.7, high: float = 1.3, count: int | None = None) -> None:
        """Zoom width and height, each by a factor of its own."""
        self._write("zoom", operations.zoom(low, high), count)

    def brightness(self, low: float = 0.1, high: float = 0.5, count: int | None = None) -> None:
        """Multiply all channels by a factor."""
        self._write("brightness", operations.brightness(low, high), count)

    def mix(
        self,
        degrees: float = 0.5,
        shift: float = 0.1,
        low: float = 0.7,
        high: float = 1.3,
        count: int | None = None,
    ) -> None:
        """Turn, shift by up to that share of width and height, and zoom, all at once."""
        size = images.size_of(self.master)
        self._write("mix", operations.mix(size, degrees, shift, low, high), count)

    def mix6(self, count: int | None = None) -> None:
        """`mix` six times over."""
        for _ in range(6):
            self.mix(count=count)

    def suite(self, count: int | None = None) -> None:
        """height, zoom, brightness and mix6: nine times the count."""
        self.height(count=count)
        self.zoom(count=count)
        self.brightness(count=count)
        self.mix6(count=count)

    def imgaug(self, augmenter: Any, name: str | None = None, count: int | None = None) -> None:
        """Any augmenter of imgaug; boxes follow what it does to key points.

        name: what its files are called by; the augmenter's class if it isn't given.
        """
        operation = Custom(augmenter)
        name = name or operation.name.lower()
        operation.probe(self.master, self._keys((name, self._folder.calls[name]), [(index, 0) for index in range(2)]))
        self._write(name, operation, count)

    def image(self, pixels: Pixels, label: str, box: tuple[float, float, float, float], name: str) -> bool:
        """Write one image that a script made itself, such as a drawn character; whether it is no image there was.

        pixels: height x width x 3, RGB. label, box: of the thing on it; the box half-open and 0-based (x1, y1, x2, y2).
        name: what its file is called.
        """
        data = self._encoded(pixels)
        path = self.context.out / f"{name}.jpg"
        if path.exists():
            raise AugmentError("daug.py", f"there is an image called {name} already", "give each its own name")
        digest = _digest(data)
        if not self._folder.is_new(digest):
            print(f"{name}: shows the same as an image before it; left out")
            return False
        thing = Object(label, Box(*box))
        path.write_bytes(data)
        crop = Crop(pixels, {}, still(*images.size_of(pixels)))
        variation.append(self.context.out, [self._variation(path.name, digest, "image", crop, (thing,))])
        return True

    def table(self, filename: str, text: str) -> None:
        """Write a CSV file beside the images; it comes to lie beside the dataset's."""
        (self.context.out / filename).write_text(text, encoding="utf-8", newline="\n")

    def _write(self, name: str, operation: Varies, count: int | None) -> None:
        """Write the images of one call, as many as differ from all before."""
        count = _counted(self.count if count is None else count)
        call = self._folder.calls[name]
        self._folder.calls[name] += 1
        made = 0
        for start in range(0, count, BATCH):
            indexes = range(start, min(start + BATCH, count))
            records = [
                self._variation(self._folder.write(name, data), digest, name, crop)
                for crop, data, digest in self._distinct(operation, (name, call), indexes)
            ]
            variation.append(self.context.out, records)
            made += len(records)
        if made < count:
            print(f"{name}: {made} images instead of {count}: every further draw repeats one of them")

    def _distinct(
        self, operation: Varies, key: tuple[object, ...], indexes: Sequence[int]
    ) -> Iterator[tuple[Crop, bytes, str]]:
        """The crop, the file and its digest for every index that gives an image not seen before.

        The images before it alone decide what an index gives, so that fewer images are the first of more.
        """
        first = self._varied(operation, key, [(index, 0) for index in indexes])
        for index, crop in zip(indexes, first, strict=True):
            for candidate in self._candidates(operation, key, index, crop):
                data = self._encoded(candidate.pixels)
                digest = _digest(data)
                if self._folder.is_new(digest):
                    yield candidate, data, digest
                    break

    def _candidates(self, operation: Varies, key: tuple[object, ...], index: int, crop: Crop) -> Iterator[Crop]:
        """What an index may give: its first crop and, once that is no new image, further draws."""
        yield crop
        for start in range(1, ATTEMPTS, AT_ONCE):
            yield from self._varied(operation, key, [(index, start + more) for more in range(AT_ONCE)])

    def _varied(self, operation: Varies, key: tuple[object, ...], draws: Sequence[tuple[int, int]]) -> list[Crop]:
        """The crop of every draw, an index and an attempt."""
        return operation.vary(self.master, self._keys(key, draws), self.cval)

    def _keys(self, key: tuple[object, ...], draws: Sequence[tuple[int, int]]) -> list[tuple[object, ...]]:
        return [(self.context.seed, self.context.project, *key, *one) for one in draws]

    def _encoded(self, crop: Pixels) -> bytes:
        """The image file of a crop: on the learner's canvas, or as it is."""
        size = images.size_of(crop)
        canvas = self.context.canvas
        if error := too_large(self.context.project, size, canvas):
            raise error
        return jpeg.on_canvas(crop, canvas or size, origin(size, canvas, self.placement))

    def _variation(
        self, filename: str, digest: str, name: str, crop: Crop, objects: tuple[Object, ...] | None = None
    ) -> Variation:
        canvas, size = self.context.canvas, images.size_of(crop.pixels)
        return Variation(
            filename=filename,
            operation=name,
            size=canvas or size,
            crop=size,
            origin=origin(size, canvas, self.placement),
            mesh=crop.mesh if objects is not None else self._of_master(crop.mesh),
            parameters=crop.parameters,
            objects=objects,
            sha256=digest,
        )

    def _of_master(self, mesh: Mesh) -> Mesh:
        """The mesh, measured over the master as its file has it and its boxes see it."""
        _, size = _master(self.context.master, self.context.canvas, self.context.shrink)
        return mesh if (mesh.width, mesh.height) == size else replace(mesh, width=size[0], height=size[1])


def _counted(count: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise AugmentError("daug.py", f"count is {count}", "say how many images a call makes, 1 or more")
    return count
