"""ship: a dataset goes to the folder that the learner reads; only what the server lacks is sent."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dlim.config import Learning
from dlim.errors import LearningError
from dlim.runs import job
from dlim.runs.place import OWN, Place, script
from dlim.runs.shipment import Piece, Shipment
from dlim.servers.files import Moved

_TRIES = 4
"""How often a ship begins anew because another one has removed what it needs: pieces, or the dataset itself."""

_LACKING, _LEARNING, _FOREIGN = 3, 4, 5  # the ends of ship.sh


class Shipped(NamedTuple):
    """What a ship did. sent: the pieces that went there. total: how many there are. switched: whether it is new."""

    sent: tuple[Piece, ...]
    total: int
    switched: bool

    @property
    def size(self) -> int:
        """Bytes of the pieces that went there."""
        return sum(piece.size for piece in self.sent)


def ship(
    place: Place, shipment: Shipment, learning: Learning, moved: Moved | None = None, *, switch: bool = True
) -> Shipped:
    """Bring a dataset to a learner, and switch to it once it is whole there.

    A reader sees the dataset before or this one, never half of one; a ship that was interrupted goes on with what
    had arrived. switch: whether the learner is to read it. Raises LearningError where the learner is learning, or where
    its dataset_dir is a folder that dlim didn't make.
    """
    lines = "".join(f"{piece.sha256} {piece.size}\n" for piece in shipment.pieces).encode()
    link = (learning.dataset_dir, _target(place, shipment, learning)) if switch else ("", "")
    words = (shipment.sha256, *link, str(learning.keep))
    sent: tuple[Piece, ...] = ()
    lacking: list[Piece] = []
    for _ in range(_TRIES):
        step, feed = ("bring", _tar(shipment, lines, lacking, moved)) if lacking else ("ship", [lines])
        done = place.run(script("ship.sh"), step, *words, feed=feed)
        sent += tuple(lacking) if done.status in (0, _LACKING) else ()
        if done.status == 0:
            return Shipped(sent, len(shipment.pieces), switched=done.text == "switched")
        if done.status == _LEARNING:
            raise _busy(place)
        if done.status == _FOREIGN:
            raise LearningError(
                place.transport.server,
                f"{learning.dataset_dir} is there already, and not of dlim's making",
                "move it out of the way, or give another dataset_dir",
            )
        if done.status != _LACKING:
            place.transport.require(done)
        words_there = set(done.text.split())
        lacking = list({piece.sha256: piece for piece in shipment.pieces if piece.sha256 in words_there}.values())
    fault = "what was sent is damaged or gone there, again and again"
    raise LearningError(place.transport.server, fault, "look at its disk")


def _tar(shipment: Shipment, lines: bytes, pieces: Sequence[Piece], moved: Moved | None) -> Iterator[bytes]:
    """The list of all pieces and those that are lacking, as a tar."""
    info = tarfile.TarInfo("wanted")
    info.size = len(lines)
    yield info.tobuf(tarfile.USTAR_FORMAT) + lines + b"\0" * (-len(lines) % tarfile.BLOCKSIZE)
    for data in shipment.read(pieces):
        if moved:
            moved(len(data))
        yield data


def release(shipment: Shipment, learner: str) -> str:
    """The folder of that dataset, below the learner's."""
    return f"{OWN}/{learner}/releases/{shipment.sha256}/data_set"


def _target(place: Place, shipment: Shipment, learning: Learning) -> str:
    """What the link in the place of dataset_dir says, so that the learner's folder can be moved as a whole."""
    return posixpath.relpath(release(shipment, place.learner), posixpath.dirname(learning.dataset_dir) or ".")


def _busy(place: Place) -> LearningError:
    """The error that says who learns there."""
    other = job.running(place)
    if other and other.name:
        return job.busy(place, other)
    fault = f"{place.learner} is learning there, from the dataset that it has"
    return LearningError(place.transport.server, fault, "ship when that has ended")
