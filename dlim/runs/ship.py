"""ship: a dataset goes to the folder that the learner reads; only what the server lacks is sent."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import NamedTuple

from dlim.config import Learning
from dlim.errors import LearningError
from dlim.runs import job
from dlim.runs.place import OWN, Place, script
from dlim.runs.shipment import Piece, Shipment
from dlim.servers.contract import Done
from dlim.servers.files import Moved

_TRIES = 3
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
    sent: tuple[Piece, ...] = ()
    for _ in range(_TRIES):
        lacking, state = _lacking(place, shipment, learning)
        if state == "current":
            return Shipped(sent, len(shipment.pieces), switched=False)
        if not state:
            _send(place, shipment, lacking, moved)
            sent += tuple(lacking)
            if not _join(place, shipment):
                continue
        if not switch:
            return Shipped(sent, len(shipment.pieces), switched=False)
        if _switch(place, shipment, learning):
            return Shipped(sent, len(shipment.pieces), switched=True)
    raise LearningError(
        place.transport.server, "what was sent is damaged or gone there, again and again", "look at its disk"
    )


def release(shipment: Shipment, learner: str) -> str:
    """The folder of that dataset, below the learner's."""
    return f"{OWN}/{learner}/releases/{shipment.sha256}/data_set"


def _target(place: Place, shipment: Shipment, learning: Learning) -> str:
    """What the link in the place of dataset_dir says, so that the learner's folder can be moved as a whole."""
    return posixpath.relpath(release(shipment, place.learner), posixpath.dirname(learning.dataset_dir) or ".")


def _lacking(place: Place, shipment: Shipment, learning: Learning) -> tuple[list[Piece], str]:
    """The pieces that the server lacks; "here" where it has the dataset, "current" where its learner reads it."""
    lines = "".join(f"{piece.sha256} {piece.size}\n" for piece in shipment.pieces)
    link = learning.dataset_dir
    done = _run(place, lines, "ask", shipment.sha256, link, _target(place, shipment, learning))
    place.transport.require(done)
    words = done.text.split()
    state = next((word for word in words if word in ("here", "current")), "")
    wanted = {piece.sha256: piece for piece in shipment.pieces if piece.sha256 in words}
    return list(wanted.values()), state


def _send(place: Place, shipment: Shipment, pieces: Sequence[Piece], moved: Moved | None) -> None:
    def counted() -> object:
        for data in shipment.read(pieces):
            if moved:
                moved(len(data))
            yield data

    if pieces:
        place.transport.require(place.run(_script(), "take", feed=counted()))  # type: ignore[arg-type]


def _join(place: Place, shipment: Shipment) -> bool:
    """Join and extract the dataset there; False where pieces were lacking or damaged."""
    lines = "".join(f"{piece.sha256}\n" for piece in shipment.pieces)
    done = _run(place, lines, "join", shipment.sha256)
    if done.status != _LACKING:
        place.transport.require(done)
    return done.status == 0


def _switch(place: Place, shipment: Shipment, learning: Learning) -> bool:
    """Let the learner read the dataset; False where another ship has removed it."""
    target = _target(place, shipment, learning)
    done = _run(place, "", "switch", shipment.sha256, learning.dataset_dir, target, str(learning.keep))
    server = place.transport.server
    if done.status == _LEARNING:
        raise _busy(place)
    if done.status == _FOREIGN:
        raise LearningError(
            server,
            f"{learning.dataset_dir} is there already, and not of dlim's making",
            "move it out of the way, or give another dataset_dir",
        )
    if done.status != _LACKING:
        place.transport.require(done)
    return done.status == 0


def _busy(place: Place) -> LearningError:
    """The error that says who learns there."""
    other = job.running(place)
    if other and other.name:
        return job.busy(place, other)
    fault = f"{place.learner} is learning there, from the dataset that it has"
    return LearningError(place.transport.server, fault, "ship when that has ended")


def _run(place: Place, text: str, *arguments: str) -> Done:
    return place.run(_script(), *arguments, feed=[text.encode()])


def _script() -> str:
    return script("ship.sh")
