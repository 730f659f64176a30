"""What people do with masters, as doit's tasks: new projects, their boxes, sheets of what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dlim import progress, scaffold
from dlim.config import Learner
from dlim.errors import ConfigError, ProjectError, shown
from dlim.frame import canvas_name, fits
from dlim.plugins.state import unlocked
from dlim.projects import Project
from dlim.report import samples
from dlim.report.samples import Built
from dlim.scaffold import Made, Skipped
from dlim.tasks.asking import Row, asked, option
from dlim.tasks.workspace import Workspace, objects, variations

PROJECTS = Path("projects")

TEMPLATE = Path("sample/daug.py")


@dataclass(frozen=True)
class Masters:
    """The tasks of a workspace around what people make by hand."""

    workspace: Workspace

    # new projects

    def new(self) -> Iterator[Row]:
        """Begin projects."""
        yield asked(
            "new", self._new, "begin a project: doit new NAME --image crop.png", NEW, names="names", answer=False
        )

    def _new(
        self, names: Sequence[str], image: str, box: str, label: str, placement: str, folder: str, from_folder: str
    ) -> None:
        to = Path(folder or PROJECTS)
        learned = {learner.projects for learner in self.workspace.config.learners.values()}
        if to.as_posix() not in learned:
            raise ConfigError("--folder", f"no learner learns from {to}", f"say one of: {', '.join(sorted(learned))}")
        taken = scaffold.taken(sorted({to, *map(Path, learned)}))
        template = TEMPLATE if TEMPLATE.is_file() else None
        given = {"label": label or None, "placement": placement or None, "taken": taken, "template": template}
        if from_folder:
            if names or image or box:
                raise ProjectError("--from-folder", "names its projects itself", "leave out NAME, --image and --box")
            count = 0
            # one after the other: what is there when something fails has been told
            for found in scaffold.from_folder(to, Path(from_folder), **given):  # type: ignore[arg-type]
                self._tell(found, named=True)
                count += 1
            if not count:
                progress.current().line(f"there is no image in {from_folder}")
            return
        if len(names) != 1:
            raise ProjectError("new", "wants one name", "say doit new NAME, or --from-folder DIR")
        from dlim import crop

        cut = crop.rectangle(box) if box else None
        made = scaffold.create(to, names[0], image=Path(image) if image else None, box=cut, **given)  # type: ignore[arg-type]
        self._tell(made)

    def _tell(self, found: Made | Skipped, *, named: bool = False) -> None:
        """Say what became of an image. named: the project was called after its file, which nobody may guess."""
        console = progress.current()
        if isinstance(found, Skipped):
            console.line(f"{shown(found.source.name)}: {found.reason}; skipped")
            return
        title = found.name if found.folder.parent == PROJECTS else found.folder.as_posix()
        then = f"doit label:{title}" if found.source else f"doit new {found.name} --image crop.png"
        if named and found.source:
            console.line(f"{shown(found.source.name)}: begun as {found.name}, in {found.folder}; next: {then}")
        else:
            done = "has its image now" if found.begun else f"begun in {found.folder}"
            console.line(f"{found.name}: {done}; next: {then}")
        for note in [*found.notes, *self._notes(found)]:
            console.line(f"{found.name}: {note}")

    def _notes(self, made: Made) -> Iterator[str]:
        """What stands between a new project and the datasets."""
        from dlim.augment import images

        learners = self.workspace.config.learners.items()
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
                if not fits(size, learner.size):
                    yield (
                        f"is {size[0]}x{size[1]}, larger than the canvas {canvas_name(learner.size)} of {name}; "
                        f"delete {made.folder}, and cut it out with --box x,y,w,h"
                    )

    # boxes

    def label(self) -> Iterator[Row]:
        """Draw the boxes."""
        projects = self.workspace.mastered()
        cropped = {title: project for title, project in projects.items() if project.image.exists()}
        yield asked(
            "label",
            partial(self._label_all, cropped),
            "draw the boxes of all that have none yet, one after the other, or --auto",
            LABEL,
            after=[f"extend:{title}" for title in cropped],
            answer=False,
        )
        for title, project in projects.items():
            yield asked(
                f"label:{title}",
                partial(self._label, project),
                f"draw the box of {title} in the browser, or --auto",
                LABEL,
                after=[f"extend:{title}"],
                answer=False,
            )

    def _label_all(self, projects: Mapping[str, Project], auto: bool, replace: bool, port: str) -> None:
        waiting = [project for project in projects.values() if replace or not project.boxes.exists()]
        for project in waiting:
            self._label(project, auto, replace, port)
        if not projects:
            progress.current().line("there is no project with an image yet; doit new NAME --image crop.png begins one")
        elif not waiting:
            progress.current().line("every master has its boxes; doit label:NAME opens one's page")

    def _label(self, project: Project, auto: bool, replace: bool, port: str) -> None:
        # the page needs a server and a browser: nobody else should wait for their import
        from dlim.labelling import box_file, label, server

        canvas = self.workspace.config.settings.labelling_canvas
        console = progress.current()
        if auto:
            name = label.suggested(project, [])
            changed = box_file.auto(project, name, canvas, replace=replace)
            console.line(f"{project.boxes}: {f'one box around the whole crop, {name}' if changed else 'as it was'}")
            return
        if port and not (port.isdecimal() and int(port) < 1 << 16):
            raise ProjectError("--port", f'"{port}" is no port', "say a number from 1024 to 65535")
        known = label.known(self.workspace.mastered().values())
        # a person takes their time
        with unlocked():
            server.serve(project, known, canvas, port=int(port or 0), say=console.line)

    # sheets

    def preview(self) -> Iterator[Row]:
        """Draw a sheet of each project's images, a file for every learner that takes it."""
        yield {"basename": "preview", "name": None, "doc": "sheets of all projects' images, to look at"}
        for title, project, takers in self.workspace.takers():
            where = project.folder / "build" / samples.FOLDER
            row = asked(
                "preview",
                partial(self._preview, project, takers),
                f"a sheet of its images: {where}",
                PREVIEW,
                after=[f"build:{title}"],
                answer=False,
            )
            yield {**row, "name": title}

    def _preview(self, project: Project, takers: Sequence[tuple[str, Learner]], count: str, worst: bool) -> None:
        if count and not (count.isdecimal() and int(count)):
            raise ProjectError("--count", f'"{count}" is no number of images', "say one such as 16")
        for name, learner in takers:
            drawn = variations(project, learner.size)
            made = Built(project, name, learner, objects(project), drawn, project.build / name)
            progress.current().line(str(samples.written(made, int(count) if count else None, worst=worst)))


NEW = (
    option("image", "the picture that shows it; its crop, or with --box a screenshot"),
    option("box", "x,y,w,h in pixels: what of the picture it is"),
    option("label", "its class, where that isn't its name"),
    option("placement", "where on the canvas it stands: left-upper unless given"),
    option("folder", "the folder of projects; projects unless given"),
    option("from_folder", "a project for each new picture in that folder"),
)
LABEL = (
    option("auto", "a box around the whole crop, without a page", flag=True),
    option("replace", "with --auto: also where there are other boxes", flag=True),
    option("port", "the page's port on this machine; any that is free unless given"),
)
PREVIEW = (
    option("count", "how many images a sheet shows: 16 unless given, 96 of a generator, 15 of the worst"),
    option("worst", "the smallest, the most cut off and the darkest images", flag=True),
)
