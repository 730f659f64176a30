"""The shots of a learning task: set apart when it begins, as they judge it as they were, and sent to its server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from dlim import shots, store
from dlim.errors import LearningError
from dlim.geometry import Box, Object
from dlim.names import mapped
from dlim.runs import files
from dlim.runs.place import Place, script
from dlim.runs.record import Edges, File, Part
from dlim.runs.unfinished import Unfinished
from dlim.shots import Shot

_FROZEN = "shots.json"
_PICTURES = ".shots"
"""The folder, beside those of a task's learners, of its shots' pictures by their digests: no learner is called so."""

_AT_ONCE = 1 << 25
"""Bytes of pictures that are sent in one go."""


class Thing(Part, frozen=True):
    """An object on a shot, as the learner calls it."""

    label: str
    box: Edges
    difficult: bool = False


class Still(Part, frozen=True):
    """A shot as it was. name: of its file. objects: None where nobody had labelled it. size: in pixels."""

    name: str
    image: File
    objects: tuple[Thing, ...] | None = None
    size: tuple[int, int] | None = None


class Frozen(Part, frozen=True):
    """The shots by which a learner is judged. digest: of the labelled ones. labels: what the learner learns."""

    digest: str
    labels: tuple[str, ...]
    shots: tuple[Still, ...]

    @property
    def truth(self) -> dict[str, list[Object]]:
        """What is asked for on each labelled shot: the objects whose label the learner learns."""
        return {
            shot.name: [_object(thing) for thing in shot.objects if thing.label in self.labels]
            for shot in self.shots
            if shot.objects is not None
        }

    @property
    def unlearned(self) -> list[str]:
        """The labels on shots that the learner doesn't learn."""
        found = {thing.label for shot in self.shots for thing in shot.objects or ()}
        return sorted(found - set(self.labels))


def whole() -> Sequence[Shot]:
    """The workspace's shots, all of them read: half a picture is found out here, and not by a program in an hour.

    Raises ProjectError, AnnotationError.
    """
    return shots.read(whole=True)


def freeze(
    task: Unfinished, learner: str, found: Sequence[Shot], renamed: Mapping[str, str], labels: Sequence[str]
) -> None:
    """Keep some shots as they are now. renamed: what the learner calls labels. labels: what its dataset shows."""
    stills = []
    for shot in found:
        image = File(shot.image.stat().st_size, store.sha256(shot.image))
        kept = _picture(task, image)
        if not kept.exists():
            store.write_file(kept, lambda making, path=shot.image: shutil.copyfile(path, making))  # type: ignore[misc]
        stills.append(Still(shot.image.name, image, _things(shot, renamed), shot.size))
    task.write(learner, _FROZEN, Frozen(shots.digest(found), tuple(labels), tuple(stills)))


def read(task: Unfinished, learner: str) -> Frozen | None:
    """The shots that were set apart for a learner; None where there were none."""
    return task.read(learner, _FROZEN, Frozen)


def pictures(task: Unfinished, frozen: Frozen) -> dict[str, Path]:
    """The picture of each shot that was set apart, by its name."""
    return {shot.name: _picture(task, shot.image) for shot in frozen.shots}


_LAY = """
shots=$own/shots
into=$own/jobs/$1/shots
rm -rf "$into" && mkdir -p "$into" || exit 1
while read -r piece name; do
    [ -e "$shots/$piece" ] || exit 3
    ln "$shots/$piece" "$into/$name" 2>/dev/null || cp "$shots/$piece" "$into/$name" || exit 1
done
# what no job has any more
find "$shots" -type f -links 1 -exec rm -f {} + 2>/dev/null || :
"""

_GONE = 3  # the end of that where another task has removed a picture


def bring(place: Place, job: str, task: Unfinished, frozen: Frozen) -> list[str]:
    """Bring the pictures, and no boxes, to where a job of that name finds them; those that weren't there already."""
    there = pictures(task, frozen)
    by_digest = {shot.image.sha256: there[shot.name] for shot in frozen.shots}
    sent: list[str] = []
    for some in _batches(by_digest):
        sent += files.bring(place.transport, place.path("shots"), some)
    lines = "".join(f"{shot.image.sha256} {shot.name}\n" for shot in frozen.shots)
    done = place.run(script("common.sh") + _LAY, job, feed=[lines.encode()])
    if done.status == _GONE:
        raise LearningError(place.title, "its shots were removed while they were sent", "run the same command again")
    place.transport.require(done)
    return sent


def _batches(paths: Mapping[str, Path]) -> Iterator[dict[str, Path]]:
    some: dict[str, Path] = {}
    size = 0
    for name, path in paths.items():
        some[name] = path
        size += path.stat().st_size
        if size > _AT_ONCE:
            yield some
            some, size = {}, 0
    if some:
        yield some


def _picture(task: Unfinished, image: File) -> Path:
    return task.of(_PICTURES, image.sha256)


def _things(shot: Shot, renamed: Mapping[str, str]) -> tuple[Thing, ...] | None:
    if not shot.labelled:
        return None
    return tuple(
        Thing(
            mapped(thing.label, renamed),
            (thing.box.x1, thing.box.y1, thing.box.width, thing.box.height),
            thing.difficult,
        )
        for thing in shot.objects
    )


def _object(thing: Thing) -> Object:
    x, y, width, height = thing.box
    return Object(thing.label, Box(x, y, x + width, y + height), difficult=thing.difficult)
