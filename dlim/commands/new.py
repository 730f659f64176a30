"""`doit new`: begins projects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from dlim import console, scaffold
from dlim.commands.base import Command, Option, option
from dlim.errors import ConfigError, ProjectError, shown
from dlim.geometry import canvas_name, fits
from dlim.scaffold import Made, Skipped
from dlim.workspace import Workspace

PROJECTS = Path("projects")

TEMPLATE = Path("sample/daug.py")


class New(Command):
    """`doit new NAME --image crop.png`: a project with its master; --from-folder begins many."""

    name = "new"
    doc_purpose = "begin a project: doit new NAME --image crop.png"
    doc_usage = "NAME"
    words = True
    options: ClassVar[Sequence[Option]] = (
        option("image", "the picture that shows it; its crop, or with --box a screenshot"),
        option("box", "x,y,w,h in pixels: what of the picture it is"),
        option("label", "its class, where that isn't its name"),
        option("placement", "where on the canvas it stands: left-upper unless given"),
        option("folder", "the folder of projects; projects unless given"),
        option("from_folder", "a project for each new picture in that folder"),
    )

    def answer(  # type: ignore[override]
        self,
        workspace: Workspace,
        words: Sequence[str],
        image: str,
        box: str,
        label: str,
        placement: str,
        folder: str,
        from_folder: str,
    ) -> None:
        to = Path(folder or PROJECTS)
        learned = {learner.projects for learner in workspace.config.learners.values()}
        if to.as_posix() not in learned:
            raise ConfigError("--folder", f"no learner learns from {to}", f"say one of: {', '.join(sorted(learned))}")
        taken = scaffold.taken(sorted({to, *map(Path, learned)}))
        template = TEMPLATE if TEMPLATE.is_file() else None
        given = {"label": label or None, "placement": placement or None, "taken": taken, "template": template}
        if from_folder:
            if words or image or box:
                raise ProjectError("--from-folder", "names its projects itself", "leave out NAME, --image and --box")
            count = 0
            # one after the other: what is there when something fails has been told
            for found in scaffold.from_folder(to, Path(from_folder), **given):  # type: ignore[arg-type]
                _tell(found, workspace, named=True)
                count += 1
            if not count:
                console.current().line(f"there is no image in {from_folder}")
            return
        if len(words) != 1:
            raise ProjectError("new", "wants one name", "say doit new NAME, or --from-folder DIR")
        from dlim import crop

        cut = crop.rectangle(box) if box else None
        made = scaffold.create(to, words[0], image=Path(image) if image else None, box=cut, **given)  # type: ignore[arg-type]
        _tell(made, workspace)


def _tell(found: Made | Skipped, workspace: Workspace, *, named: bool = False) -> None:
    """Say what became of an image. named: the project was called after its file, which nobody may guess."""
    line = console.current().line
    if isinstance(found, Skipped):
        line(f"{shown(found.source.name)}: {found.reason}; skipped")
        return
    title = found.name if found.folder.parent == PROJECTS else found.folder.as_posix()
    then = f"doit label:{title}" if found.source else f"doit new {found.name} --image crop.png"
    if named and found.source:
        line(f"{shown(found.source.name)}: begun as {found.name}, in {found.folder}; next: {then}")
    else:
        done = "has its image now" if found.begun else f"begun in {found.folder}"
        line(f"{found.name}: {done}; next: {then}")
    for note in [*found.notes, *_notes(found, workspace)]:
        line(f"{found.name}: {note}")


def _notes(made: Made, workspace: Workspace) -> Iterator[str]:
    """What stands between a new project and the datasets."""
    from dlim.augment import images

    learners = workspace.config.learners.items()
    takers = [
        (name, learner)
        for name, learner in learners
        if Path(learner.projects) == made.folder.parent and learner.takes(made.name)
    ]
    if not takers:
        yield f"no learner takes it: {made.folder.parent} and its name fit no file in config/learners"
    if made.source:
        size = images.size_of(images.read(made.folder / "master/image.jpg"))
        for name, learner in takers:
            if learner.fit == "refuse" and not fits(size, learner.size):
                yield (
                    f"is {size[0]}x{size[1]}, larger than the canvas {canvas_name(learner.size)} of {name}; delete "
                    f'{made.folder} and cut it out with --box x,y,w,h, or say fit = "shrink" in {name}.toml'
                )
