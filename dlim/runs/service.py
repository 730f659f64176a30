"""An output in service: its newest weight, and on demand its dataset, handed from the archives to a server."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dlim import archive, console, store
from dlim.config import Service
from dlim.errors import OutputError
from dlim.names import matches
from dlim.runs import deployment, outputs, record, weights
from dlim.runs.history import Deployed
from dlim.runs.outputs import UNPACKED, Output
from dlim.runs.place import Place
from dlim.runs.shipment import Shipment, placed
from dlim.runs.weights import Weight


def newest(output: Output, learner: str, pattern: str) -> Weight:
    """The weight that a learner wrote last, of those that match; the record says which there are.

    Raises OutputError where none matches.
    """
    for path, file in reversed(output.record.learners[learner].weights.items()):
        if matches(path, (pattern,)):
            return Weight(path, file.size, 0.0, file.sha256)
    raise OutputError(output.name, f"{learner}: holds no weight that matches {pattern}", "correct learning.weights")


def deploy(place: Place, service: Service, output: Output, weight: Weight) -> Deployed:
    """Put a weight of an output into service, with a record of where it comes from beside it.

    Raises OutputError where the output's archive isn't as its record says, wherever in it the weight lies.
    """
    shown, name, sent = console.current(), f"deploy:{place.learner}", 0

    def moved(count: int) -> None:
        nonlocal sent
        sent += count
        shown.note(name, f"{sent / 1e6:,.1f} of {weight.size / 1e6:,.1f} MB")

    whole = output.record
    source = output.archive(place.learner)
    fault = outputs.fault(source, whole.learners[place.learner].archive)
    if fault:
        raise OutputError(source, fault, "restore it, or deploy another output")
    own = msgspec.structs.replace(whole, learners={place.learner: whole.learners[place.learner]})
    with tempfile.TemporaryDirectory(prefix=UNPACKED, dir=output.folder.parent) as folder, shown.working(name):
        file = Path(folder, "weight")
        weights.take(source, weight, file)
        wanted = Deployed(
            by=record.person(), output=output.name, learner=place.learner, sha256=weight.sha256, path=weight.path
        )
        return deployment.deploy(
            place,
            service,
            file,
            wanted,
            record.write(own),
            moved,
            lambda line: shown.line(f"{place.learner} | {line}"),
        )


@contextmanager
def dataset(output: Output, learner: str) -> Iterator[Shipment]:
    """The dataset that a learner learned from, out of the snapshot of that time.

    Raises OutputError where the snapshot is damaged.
    """
    known = output.record.learners[learner].origin.dataset
    with tempfile.TemporaryDirectory(prefix=UNPACKED, dir=output.folder.parent) as folder:
        file = Path(folder, f"{learner}.tar.gz")
        _unpack(output.snapshot(learner), f"data_set/{learner}.tar.gz", file)
        if store.sha256(file) != known.archive.sha256:
            raise OutputError(output.snapshot(learner), "holds another dataset than its record says", "restore it")
        shards = [(name, shard.size, shard.sha256) for name, shard in known.shards.items()]
        first = known.archive.size - sum(size for _, size, _ in shards) - len(archive.end())
        yield Shipment(file, known.archive.sha256, placed(file, first, shards))


def _unpack(snapshot: Path, name: str, target: Path) -> None:
    try:
        with tarfile.open(snapshot, "r:gz") as tar, target.open("wb") as out:
            shutil.copyfileobj(tar.extractfile(tar.getmember(name)) or io.BytesIO(), out)
    except (OSError, EOFError, KeyError, tarfile.TarError) as error:
        raise OutputError(
            snapshot, f"is damaged, or holds no {name}", "restore it, or deploy without --dataset"
        ) from error
