"""Whether a dataset, or what it is made of, shows a shot: what a weight is judged by must not be learned from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dlim import store
from dlim.geometry import Size

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Grey = npt.NDArray[np.uint8]

NEAR = 10
"""By how many of 64 bits two pictures' difference hashes may differ, for a second look at both."""

ALIKE = 0.95
"""How alike they must then be, as copies of 32x32 in grey: their correlation, of 1."""

SHAPE = 0.1
"""By how much of it the proportions of an image may differ from a shot's, to be looked at."""

MOST = 20_000
"""Images that are hashed for one report; what is known from earlier ones isn't counted."""


class Candidate(NamedTuple):
    """A picture that must show no shot. where: what it is called. path: its file. sha256: empty where unknown."""

    where: str
    path: Path
    sha256: str = ""


class Seen(NamedTuple):
    """A candidate that shows a shot, and whether byte for byte."""

    candidate: Candidate
    shot: Path
    same: bool


class Looks:
    """The difference hashes of pictures by their digests, kept in a file: a picture is decoded once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[bytes, bytes] = {}
        self._used: dict[bytes, bytes] = {}
        self.left = MOST
        with suppress(OSError):
            data = path.read_bytes()
            self._known = {data[at : at + 32]: data[at + 32 : at + 40] for at in range(0, len(data) - 39, 40)}

    def of(self, path: Path, sha256: str) -> bytes | None:
        """The hash of a picture; None where it can't be read, or too many have been looked at."""
        key = bytes.fromhex(sha256)
        if key not in self._used:
            if key in self._known:
                self._used[key] = self._known[key]
            elif self.left:
                self.left -= 1
                grey = _grey(path)
                self._used[key] = b"" if grey is None else _difference(grey)
        return self._used.get(key) or None

    def keep(self) -> None:
        """Write what was asked for, and nothing else: what is in no dataset any more goes."""
        found = {key: look for key, look in self._used.items() if look}
        if found != self._known:
            data = b"".join(key + look for key, look in found.items())
            store.write_file(self.path, lambda making: making.write_bytes(data))


@dataclass(frozen=True)
class _Shown:
    """A shot as it is compared."""

    path: Path
    sha256: str

    @cached_property
    def small(self) -> Grey | None:
        return _small(self.path)


def seen(shots: Sequence[tuple[Path, Size]], candidates: Iterable[Candidate], looks: Looks) -> list[Seen]:
    """Which of some pictures show a shot, byte for byte or nearly, each with the first that it shows."""
    import numpy as np

    shown = [_Shown(path, store.sha256(path)) for path, _ in shots]
    by_digest = {one.sha256: one for one in reversed(shown)}
    hashed = [(one, look) for one in shown if (look := looks.of(one.path, one.sha256))]
    table = np.array([int.from_bytes(look, "big") for _, look in hashed], np.uint64)
    found = []
    for candidate in candidates:
        with suppress(OSError):
            digest = candidate.sha256 or store.sha256(candidate.path)
            if digest in by_digest:
                found.append(Seen(candidate, by_digest[digest].path, same=True))
                continue
            look = looks.of(candidate.path, digest) if hashed else None
            if look is None:
                continue
            far = np.bitwise_count(table ^ np.uint64(int.from_bytes(look, "big")))
            near = (hashed[place][0] for place in np.flatnonzero(far <= NEAR))
            small = _small(candidate.path) if (far <= NEAR).any() else None
            alike = next((one for one in near if _are_alike(small, one.small)), None)
            if alike:
                found.append(Seen(candidate, alike.path, same=False))
    return found


def shaped(images: Mapping[str, Size | None], shots: Iterable[Size]) -> Iterator[str]:
    """Those of some images that have a shot's proportions: no other can show all of one."""
    wanted = {math.log(width / height) for width, height in shots}
    fit = {
        size
        for size in set(images.values())
        if size and any(abs(math.log(size[0] / size[1]) - each) <= SHAPE for each in wanted)
    }
    yield from (name for name, size in images.items() if size in fit)


def _grey(path: Path) -> Grey | None:
    """A picture in grey, as small as it is quickly decoded; None where it can't be."""
    import cv2
    import numpy as np

    with suppress(OSError, cv2.error):
        data = np.fromfile(path, np.uint8)
        if not data.size:
            return None
        grey = cv2.imdecode(data, cv2.IMREAD_REDUCED_GRAYSCALE_8)
        if grey is not None and min(grey.shape) < 16:
            grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
        return grey  # type: ignore[return-value]
    return None


def _difference(grey: Grey) -> bytes:
    """The difference hash: of a copy of 9x8, which pixels are brighter than the one to their left."""
    import cv2
    import numpy as np

    small = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes()


def _small(path: Path) -> Grey | None:
    import cv2

    grey = _grey(path)
    return None if grey is None else cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _are_alike(one: Grey | None, other: Grey | None) -> bool:
    import numpy as np

    if one is None or other is None or min(float(one.std()), float(other.std())) < 4:  # one colour is everywhere
        return False
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) > ALIKE
