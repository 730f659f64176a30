"""Any augmenter of imgaug as an operation. imgaug 0.4.0 is an extra, and works here under numpy 2 as well.

A script that passes an augmenter imports imgaug itself, after dlim.augment, which gives numpy back what imgaug reads
of it. Nothing else in dlim needs imgaug.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from dlim.augment.images import Pixels, size_of
from dlim.augment.operations import Crop, seed
from dlim.errors import AugmentError, DlimError, WorkspaceError
from dlim.geometry import Box, Mesh, Size, grid

INSTALL = "install it: python -m pip install 'dlim[imgaug]'"

_PROBES = 2
"""With how many keys an augmenter is probed."""

_NEAR = 4
"""Pixels by which an augmenter may spread what it shows, as a blur does, before that counts as elsewhere."""


def _give_back_to_numpy() -> None:
    """Restore the names that imgaug 0.4.0 reads from numpy and that numpy 1.24 and 2.0 took away."""
    lost = {
        "bool": np.bool_,
        "complex": complex,
        "sctypes": {
            "int": [np.int8, np.int16, np.int32, np.int64],
            "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
            "float": [np.float16, np.float32, np.float64],
            "complex": [np.complex64, np.complex128],
            "others": [bool, object, bytes, str, np.void],
        },
    }
    for name, value in lost.items():
        if not hasattr(np, name):
            setattr(np, name, value)


_give_back_to_numpy()  # a script imports imgaug after dlim.augment


def augmenters() -> ModuleType:
    """imgaug's module of augmenters, `iaa` in its manual. The first call takes about a second.

    Raises WorkspaceError where it isn't installed, or OpenCV can't be loaded.
    """
    try:
        import imgaug.augmenters as iaa
    except ModuleNotFoundError as error:
        raise WorkspaceError("imgaug", f"isn't installed ({error})", INSTALL) from error
    except ImportError as error:
        raise WorkspaceError("imgaug", f"can't be loaded ({error})", INSTALL) from error
    _mend(iaa)
    return iaa  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Custom:
    """Any imgaug augmenter as an operation: seeded for each image, its boxes followed through a mesh.

    side: how many points a side the mesh has; what bends an image more finely than that is followed roughly.
    """

    augmenter: Any
    side: int = 9

    def __post_init__(self) -> None:
        """Refuse what is no augmenter of imgaug."""
        if not isinstance(self.augmenter, augmenters().Augmenter):
            fault = f"{type(self.augmenter).__name__} is no augmenter of imgaug"
            raise AugmentError("daug.py", fault, "pass one of imgaug.augmenters, such as iaa.Affine(rotate=10)")

    @property
    def name(self) -> str:
        return type(self.augmenter).__name__

    def vary(self, master: Pixels, keys: Sequence[tuple[object, ...]], cval: int) -> list[Crop]:
        """A crop for every key; the fill is the augmenter's own affair."""
        crops = []
        for key in keys:
            # one at a time: the augmenter draws for a batch as a whole, and 99 would not be 50 and 49
            image, points = self._augmented(master, key, list(grid(*size_of(master), self.side)))
            if len(points) != self.side**2:
                raise AugmentError(
                    self.name,
                    "drops key points, so that boxes can't follow",
                    "leave out what clips or removes them",
                )
            mesh = Mesh(*size_of(master), tuple((float(x), float(y)) for x, y in points))
            crops.append(Crop(np.ascontiguousarray(image), {}, mesh))
        return crops

    def probe(self, master: Pixels, keys: Sequence[tuple[object, ...]]) -> None:
        """Raise AugmentError where pixels go where their key points don't, as with an edge that wraps or mirrors.

        A patch of the master is inverted: what that changes in the augmented image must lie where the points say.
        """
        size = size_of(master)
        for key in keys[:_PROBES]:
            image, points = self._augmented(master, key, list(grid(*size, self.side)))
            mesh = Mesh(*size, tuple((float(x), float(y)) for x, y in points))
            if len(points) != self.side**2 or _is_still(mesh):  # what moves nothing changes colours, often everywhere
                continue
            patches = _patches(size)
            others = [self._augmented(_marked(master, patch), key, [])[0] for patch in patches]
            if any(other.shape != image.shape for other in others):
                return
            changes = [_strong(image, other) for other in others]
            # what changes wherever the patch is hangs on the image's colours as a whole
            often = np.sum(changes, axis=0) > 1
            for patch, change in zip(patches, changes, strict=True):
                if _elsewhere(change & ~often, mesh.followed(patch)):
                    raise AugmentError(
                        self.name,
                        "moves pixels to where its key points don't go, so that boxes can't follow",
                        'leave out what wraps or mirrors at the edge: mode="constant" or "edge"',
                    )

    def _augmented(self, master: Pixels, key: tuple[object, ...], points: list[tuple[float, float]]) -> tuple[Any, Any]:
        self._seed(key)
        try:
            return self.augmenter(image=master, keypoints=points)  # type: ignore[no-any-return]
        except DlimError:
            raise
        except Exception as error:
            if not _in_packages(error):  # a script's own fault, in a Lambda, is told with its line
                raise
            text = " ".join(str(error).split())[:200]
            fault = f"imgaug 0.4.0 can't do that here ({type(error).__name__}: {text})"
            raise AugmentError(self.name, fault, "use another augmenter, or other parameters") from error

    def _seed(self, key: tuple[object, ...]) -> None:
        self.augmenter.seed_(seed(*key))
        for number, part in enumerate(_passed_over(self.augmenter)):
            part.seed_(seed(*key, number))


def _passed_over(augmenter: Any) -> Iterator[Any]:
    """What imgaug's seed_ leaves unseeded: augmenters that hold others, where they are another's list of children.

    The OneOf in Sometimes(0.5, OneOf([...])) is one: only what is in it would be seeded.
    """
    for children in augmenter.get_children_lists():
        if children is not augmenter and hasattr(children, "seed_"):
            yield children
        for child in children:
            yield from _passed_over(child)


def _in_packages(error: BaseException) -> bool:
    """Whether an error comes from installed packages all the way, once the augmenter was called."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return all("site-packages" in frame.filename or "dist-packages" in frame.filename for frame in frames)


def _patches(size: Size) -> list[Box]:
    """A patch in each corner of an image, and one in its middle."""
    width, height = size
    across, down = max(2, width // 5), max(2, height // 5)
    lefts, tops = (1, width - across - 1), (1, height - down - 1)
    corners = [Box(x, y, x + across, y + down) for x in lefts for y in tops]
    middle = Box((width - across) // 2, (height - down) // 2, (width + across) // 2, (height + down) // 2)
    return [*corners, middle]


def _is_still(mesh: Mesh) -> bool:
    there = grid(mesh.width, mesh.height, mesh.side)
    return all(abs(x - a) + abs(y - b) < 0.01 for (x, y), (a, b) in zip(mesh.points, there, strict=True))


def _marked(master: Pixels, patch: Box) -> Pixels:
    marked = master.copy()
    part = marked[int(patch.y1) : int(patch.y2), int(patch.x1) : int(patch.x2)]
    part[...] = np.where(part < 128, 255, 0)
    return marked


def _strong(image: Pixels, other: Pixels) -> npt.NDArray[np.bool_]:
    """Where two images differ about as much as they do anywhere."""
    change = np.abs(image.astype(np.int16) - other).max(axis=2)
    return np.asarray(change > max(64, int(change.max()) * 0.6))


def _elsewhere(change: npt.NDArray[np.bool_], box: Box) -> bool:
    """Whether a good part of what changed lies outside a box."""
    height, width = change.shape
    x1, y1 = max(0, int(box.x1) - _NEAR), max(0, int(box.y1) - _NEAR)
    x2, y2 = min(width, int(box.x2) + _NEAR + 1), min(height, int(box.y2) + _NEAR + 1)
    outside = int(change.sum()) - int(change[y1:y2, x1:x2].sum() if x2 > x1 and y2 > y1 else 0)
    return outside > max(4, 0.2 * box.area)


def _mend(iaa: Any) -> None:
    """Have two augmenters work under numpy 2, whose sums are wider and whose arrays of one are no numbers."""
    if getattr(iaa, "mended_by_dlim", False):
        return
    iaa.mended_by_dlim = True
    elastic, autocontrast = iaa.ElasticTransformation, iaa.pillike._autocontrast_pil
    remapped = elastic.__dict__["_map_coordinates"].__func__

    def map_coordinates(cls: Any, /, image: Any, dx: Any, dy: Any, **options: Any) -> Any:
        return remapped(cls, image, np.float32(dx), np.float32(dy), **options)

    elastic._map_coordinates = classmethod(map_coordinates)
    iaa.pillike._autocontrast_pil = lambda image, cutoff, ignore: autocontrast(
        image, np.asarray(cutoff).reshape(-1)[0].item(), ignore
    )
