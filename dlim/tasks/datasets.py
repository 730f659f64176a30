"""All that dlim does, as doit's tasks: which stage runs on what, what it depends on, and what it leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from doit.exceptions import InvalidDodoFile

from dlim import builds, config, progress, projects, provenance, variation
from dlim.config import Config, Learner
from dlim.errors import DlimError
from dlim.formats import FORMATS
from dlim.frame import Canvas, canvas_name
from dlim.mix.account import Mix
from dlim.mix.limits import Limits, require
from dlim.plugins.meta import FAULT, STAGE
from dlim.plugins.reason import IMAGES, SEAL, Inputs, Same, Sealed, Settings
from dlim.plugins.reporter import SUMMARY, Reporter
from dlim.plugins.state import Checker
from dlim.plugins.work import Fill, Refusal, Seals, Watched, remove, unseal, unusable
from dlim.projects import Broken, Project
from dlim.stages import annotate, augment, extend, locate, pack, shard, split, tarball
from dlim.tasks import mixes

INTERNAL = Path(".dlim")
"""What nobody needs to look at: doit's state, the scripts' logs, splits and shards."""

DATA_SET = Path("data_set")

BACKEND = "dlim"

DOIT_CONFIG = {
    "backend": BACKEND,
    "dep_file": str(INTERNAL / "state.db"),
    "check_file_uptodate": Checker,
    "reporter": Reporter,
    # what must not be interrupted or take doit down with it has a process of its own
    "par_type": "thread",
    "default_tasks": ["dataset"],
}


@dataclass(frozen=True)
class Workspace:
    """A folder with config/ and projects/; its methods yield doit's tasks.

    Paths are relative to that folder, which is the current one while doit runs.
    """

    config: Config
    projects: Mapping[str, Mapping[str, Project | Broken]]
    """By projects folder, by name."""

    @classmethod
    def here(cls) -> Workspace:
        """The workspace in the current folder; a fault in its files is one line that doit shows."""
        if not metadata.entry_points(group="doit.BACKEND", name=BACKEND):
            raise InvalidDodoFile("dlim isn't installed in this Python; set it up with the line in README.md")
        try:
            settings = config.load(Path("config"))
            folders = sorted({learner.projects for learner in settings.learners.values()})
            found = {folder: projects.load(Path(folder)) for folder in folders}
            for name, learner in settings.learners.items():
                place, names = Path("config/learners", f"{name}.toml"), found[learner.projects]
                projects.chosen(names, learner, place)
                require(place, "limit.projects", learner.limit.projects, names, "project")
            return cls(settings, found)
        except DlimError as error:
            raise InvalidDodoFile(str(error)) from error
        except OSError as error:
            raise InvalidDodoFile(unusable(error)) from error

    # what people type

    def extend(self) -> Iterator[Row]:
        """Put each master on the labelling canvas."""
        yield {"name": None, "doc": "masters on the labelling canvas"}
        for title, project in self._projects():
            if isinstance(project, Project) and _has_master(project):
                yield self._extend_one(title, project)

    def _extend_one(self, title: str, project: Project) -> Row:
        canvas = self.config.settings.labelling_canvas
        settings = {"labelling_canvas": canvas_name(canvas), "placement": project.settings.placement}
        files = _existing([project.image])
        return {
            "name": title,
            "doc": str(project.extended),
            "actions": [Watched(_Extend(project, canvas), files)],
            "file_dep": files,
            "uptodate": [_inputs("extend", lambda: settings), Same(project.extended)],
            "io": _IO,
        }

    def build(self) -> Iterator[Row]:
        """Bring each project to its images, for every learner that takes it."""
        yield {"name": None, "doc": "all projects' images"}
        for title, project in self._projects():
            steps = [f"annotate:{title}@{name}" for name, _ in self._takers(project)]
            if isinstance(project, Project) and _has_master(project):
                steps.insert(0, f"extend:{title}")
            yield {
                "name": title,
                "doc": f"images of {title}",
                "actions": None,
                "task_dep": steps,
                "clean": [(remove, [[project.folder / "build"]])],
            }

    def dataset(self) -> Iterator[Row]:
        """Bring each learner to its dataset."""
        yield {"name": None, "doc": "all learners' datasets"}
        for name, learner in self.config.learners.items():
            masters = [f"build:{title}" for title, _ in self._taken(learner)]
            made = [self._split_folder(name), self._shards(name), DATA_SET / name, *_tarball_files(name)]
            yield {
                "name": name,
                "doc": f"{DATA_SET / name}.tar.gz",
                "actions": None,
                "task_dep": [*masters, f"tarball:{name}"],
                "clean": [(remove, [made])],
            }

    def verify(self) -> Row:
        """Read all that was built; what is damaged is built anew by the next run."""
        stages = [self.locate, self.augment, self.annotate, self.split, self.shard, self.pack, self.tarball]
        seals = Seals(lambda: (row for stage in stages for row in stage()))
        return {"actions": [seals.verify], "io": _IO, "uptodate": [seals, False], "doc": self.verify.__doc__}

    def mix(self) -> Iterator[Row]:
        """What datasets consist of, before anything runs."""
        yield self._mix_of("mix", list(self.config.learners), "what each dataset consists of, before anything runs")
        for name in self.config.learners:
            yield self._mix_of(f"mix:{name}", [name], f"what the dataset of {name} consists of, before anything runs")

    def _mix_of(self, title: str, names: list[str], doc: str) -> Row:
        return mixes.row(
            title,
            doc,
            lambda: (row for name in names for row in self._steps(name)),
            lambda survey: (self.mixed(name, survey) for name in names),
        )

    # the steps of these

    def locate(self) -> Iterator[Row]:
        """Read each master's boxes."""
        for title, project in self._projects():
            if isinstance(project, Project) and _has_master(project):
                yield self._locate_one(title, project)

    def _locate_one(self, title: str, project: Project) -> Row:
        canvas = self.config.settings.labelling_canvas
        settings = {
            "labelling_canvas": canvas_name(canvas),
            "placement": project.settings.placement,
            "label": project.settings.label,
        }
        return _stage(
            "locate",
            title,
            lambda out: locate.locate(project, out, canvas),
            project.build / ".objects" / builds.MANIFEST,
            [project.image, project.boxes],
            lambda: settings,
        )

    def augment(self) -> Iterator[Row]:
        """Run each project's daug.py, once for every canvas that its learners have."""
        for title, project in self._projects():
            canvases = {learner.size for _, learner in self._takers(project)}
            if isinstance(project, Project):
                for canvas in sorted(canvases, key=canvas_name):
                    yield self._augment_on(title, project, canvas)

    def _augment_on(self, title: str, project: Project, canvas: Canvas) -> Row:
        shared = self.config.settings
        settings = augment.Settings(
            canvas, project.settings.placement, shared.seed, shared.augment.count, shared.augment.cval
        )
        name = f"{title}@{canvas_name(canvas)}"
        log = INTERNAL / "logs" / f"{name.replace('/', '.')}.log"

        def run(out: Path) -> list[str]:
            console = progress.current()
            return augment.augment(
                project, out, settings, log, lambda count: console.note(f"augment:{name}", f"{count:,} images")
            )

        return _stage(
            "augment",
            name,
            run,
            _variations(project, canvas) / builds.MANIFEST,
            [*([] if project.settings.generator else [project.image]), *project.sources()],
            lambda: {
                **asdict(settings),
                "canvas": canvas_name(canvas),
                "generator": project.settings.generator,
            },
        )

    def annotate(self) -> Iterator[Row]:
        """Give each variation its annotation, for every learner that takes the project."""
        for name, learner in self.config.learners.items():
            for title, project in self._taken(learner):
                if isinstance(project, Broken):
                    yield _broken(title, name, project)
                else:
                    yield self._annotate_for(name, learner, title, project)

    def _annotate_for(self, name: str, learner: Learner, title: str, project: Project) -> Row:
        variations = _variations(project, learner.size)
        objects = project.build / ".objects"
        follow = learner.boxes == "follow"
        label = project.settings.label or project.name

        def labels() -> dict[str, str]:
            return annotate.relevant(learner.labels, _labels(project, variations, objects, label))

        def run(out: Path) -> list[str]:
            master, _, things = locate.read(objects) if _has_master(project) else ("", (0, 0), ())
            settings = annotate.Settings(project.name, label, labels(), follow, learner.format)
            return annotate.annotate(variations, master, things, out, settings)

        inputs = [variations, objects] if _has_master(project) else [variations]
        return _stage(
            "annotate",
            f"{title}@{name}",
            run,
            project.build / name / builds.MANIFEST,
            [folder / builds.MANIFEST for folder in inputs],
            lambda: {"boxes": learner.boxes, "format": learner.format, "label": label, "labels": labels},
        )

    def split(self) -> Iterator[Row]:
        """Divide each learner's images into train and val."""
        for name, learner in self.config.learners.items():
            yield self._split_for(name, self._builds(name, learner))

    def _split_for(self, name: str, made: Mapping[str, Path]) -> Row:
        settings = _division(name, self.config.settings, self._limits(name))
        return _stage(
            "split",
            name,
            lambda out: split.split([mixes.share(title, folder) for title, folder in made.items()], out, settings),
            self._split_folder(name) / builds.MANIFEST,
            [folder / builds.MANIFEST for folder in made.values()],
            lambda: {**asdict(settings), "limits": str(settings.limits)},
        )

    def shard(self) -> Iterator[Row]:
        """Pack each project's share of each learner's dataset."""
        for name, learner in self.config.learners.items():
            limits = self._limits(name)
            for title, folder in self._builds(name, learner).items():
                yield self._shard_for(name, learner, title, folder, limited=limits.concern(title))

    def _shard_for(self, name: str, learner: Learner, title: str, build: Path, *, limited: bool) -> Row:
        settings = shard.Settings(learner.format)

        def taken() -> list[str] | None:
            return split.taken(self._split_folder(name), title) if limited else None

        return _stage(
            "shard",
            f"{title}@{name}",
            lambda out: shard.shard(build, out, settings, taken()),
            self._shards(name) / build.parents[1].name / builds.MANIFEST,
            [build / builds.MANIFEST],
            # not the split's manifest: what limits leave of this project is all that it needs of that
            lambda: {**asdict(settings), "what limits leave of it": lambda: _digest(taken())},
            after=[f"split:{name}"] if limited else (),
        )

    def pack(self) -> Iterator[Row]:
        """Lay each learner's dataset out."""
        for name, learner in self.config.learners.items():
            yield self._pack_for(name, learner, self._builds(name, learner))

    def _pack_for(self, name: str, learner: Learner, made: Mapping[str, Path]) -> Row:
        parts = self._split_folder(name)
        settings = pack.Settings(name, learner.class_lists, learner.format)
        return _stage(
            "pack",
            name,
            lambda out: pack.pack(_content(made, parts), out, settings),
            DATA_SET / name / builds.MANIFEST,
            [folder / builds.MANIFEST for folder in [parts, *made.values()]],
            lambda: asdict(settings),
        )

    def tarball(self) -> Iterator[Row]:
        """Join each learner's dataset into one archive."""
        for name, learner in self.config.learners.items():
            yield self._tarball_for(name, learner)

    def _tarball_for(self, name: str, learner: Learner) -> Row:
        settings = tarball.Settings(learner.format)
        shards = [self._shards(name) / folder.parents[1].name for folder in self._builds(name, learner).values()]
        archive, manifest = _tarball_files(name)
        pieces = [folder / shard.SHARD for folder in shards]
        return _row(
            "tarball",
            name,
            _Tarball(DATA_SET / name, pieces, archive, manifest, settings),
            manifest,
            [folder / builds.MANIFEST for folder in [DATA_SET / name, *shards]],
            lambda: asdict(settings),
        )

    # what learning needs to know

    def archive(self, name: str) -> tuple[Path, Path, dict[str, Path]]:
        """A learner's archive, its manifest, and the manifest of each project's shard in it, in its order."""
        made = self._builds(name, self.config.learners[name])
        shards = {title: self._shards(name) / folder.parents[1].name for title, folder in made.items()}
        archive, manifest = _tarball_files(name)
        return archive, manifest, {title: folder / builds.MANIFEST for title, folder in shards.items()}

    def taken(self, name: str) -> dict[str, Project]:
        """The projects that a learner takes, by their names in tasks, without those that can't be projects."""
        found = self._taken(self.config.learners[name])
        return {title: project for title, project in found if isinstance(project, Project)}

    def takers(self) -> Iterator[tuple[str, Project, list[tuple[str, Learner]]]]:
        """Each project that some learner takes, with its name in tasks and those learners."""
        for title, project in self._projects():
            found = self._takers(project)
            if found and isinstance(project, Project):
                yield title, project, found

    def variations(self, project: Project, learner: Learner) -> Path:
        """The folder of a project's variations on a learner's canvas."""
        return _variations(project, learner.size)

    def mastered(self) -> dict[str, Project]:
        """The projects that have a master, by their names in tasks."""
        found = self._projects()
        return {title: project for title, project in found if isinstance(project, Project) and _has_master(project)}

    def mixed(self, name: str, survey: mixes.Survey) -> Mix:
        """What a learner's dataset consists of, as far as its projects are built."""
        learner = self.config.learners[name]
        standings = [
            mixes.standing(title, project, name, learner, survey.found[f"annotate:{title}@{name}"])
            for title, project in self._taken(learner)
        ]
        excluded = [project for project in self.projects[learner.projects] if not learner.takes(project)]
        return mixes.account(standings, _division(name, self.config.settings, self._limits(name)), excluded)

    def _steps(self, name: str) -> Iterator[Row]:
        """What brings a learner's projects to their images."""
        learner = self.config.learners[name]
        for title, project in self._taken(learner):
            if isinstance(project, Broken):
                yield _broken(title, name, project)
                continue
            if _has_master(project):
                yield self._locate_one(title, project)
            yield self._augment_on(title, project, learner.size)
            yield self._annotate_for(name, learner, title, project)

    # what is where

    def _projects(self) -> Iterator[tuple[str, Project | Broken]]:
        """Every project with its name in tasks: outside projects/, the folder stands before it."""
        for folder, found in self.projects.items():
            for name, project in found.items():
                yield _title(folder, name), project

    def _taken(self, learner: Learner) -> list[tuple[str, Project | Broken]]:
        found = self.projects[learner.projects]
        return [(_title(learner.projects, name), found[name]) for name in found if learner.takes(name)]

    def _takers(self, project: Project | Broken) -> list[tuple[str, Learner]]:
        """The learners that take a project, with their names."""
        return [
            (name, learner)
            for name, learner in self.config.learners.items()
            if Path(learner.projects) == project.folder.parent and learner.takes(project.name)
        ]

    def _limits(self, name: str) -> Limits:
        """A learner's limits, for the projects that it takes."""
        limit = self.config.learners[name].limit
        counts = {title: limit.of_project(project.name) for title, project in self._taken(self.config.learners[name])}
        return Limits({title: count for title, count in counts.items() if count is not None}, limit)

    def _builds(self, name: str, learner: Learner) -> dict[str, Path]:
        """The folder of each project's build for a learner, by the project's name in tasks."""
        return {title: project.folder / "build" / name for title, project in self._taken(learner)}

    def _split_folder(self, name: str) -> Path:
        return INTERNAL / "split" / name

    def _shards(self, name: str) -> Path:
        return INTERNAL / "shards" / name


Row = dict[str, Any]
"""A task as doit has it."""

# doit's capturing would mix the output of tasks that run side by side
_IO = {"capture": False}


def _title(folder: str, name: str) -> str:
    # doit allows no = in a name; a project that has one is refused, but by a task that says so
    return (name if folder == "projects" else f"{folder}/{name}").replace("=", "%3D")


def _has_master(project: Project) -> bool:
    return not project.settings.generator


def _variations(project: Project, canvas: Canvas) -> Path:
    return project.build / ".variations" / canvas_name(canvas)


def _tarball_files(name: str) -> tuple[Path, Path]:
    return DATA_SET / f"{name}.tar.gz", DATA_SET / f"{name}.manifest.json"


def _labels(project: Project, variations: Path, objects: Path, label: str) -> set[str]:
    """The labels that a project's objects have before a learner maps them; none before they are known."""
    named, unnamed = variation.labels(variations)
    if _has_master(project):
        known = (objects / locate.OBJECTS).exists()
        return named | {thing.label for thing in locate.read(objects)[2]} if known else named
    return named | {label} if unnamed else named


def _division(name: str, shared: config.Settings, limits: Limits) -> split.Settings:
    """How a learner's images are divided."""
    return split.Settings(name, shared.seed, shared.split.train_percent, shared.split.by, limits)


def _content(made: Mapping[str, Path], parts: Path) -> pack.Content:
    """What goes into a dataset, from its builds and its split."""
    divided = split.read(parts).values()
    found = {title: split.taken(parts, title) for title in made}
    taken = {title: frozenset(ids) for title, ids in found.items() if ids is not None}
    return pack.Content(
        builds=made,
        labels={
            stem: labels
            for title, folder in made.items()
            for stem, (labels, _) in annotate.read_index(folder).images.items()
            if title not in taken or stem in taken[title]
        },
        train=[image for part in divided for image in part.train],
        val=[image for part in divided for image in part.val],
        taken=taken,
    )


def _digest(taken: list[str] | None) -> str:
    return "all" if taken is None else hashlib.sha256("\n".join(taken).encode()).hexdigest()


# how a stage becomes a task


def _stage(
    kind: str,
    name: str,
    run: Callable[[Path], list[str] | None],
    manifest: Path,
    inputs: Iterable[Path],
    settings: Callable[[], Settings] = dict,
    *,
    after: Iterable[str] = (),
) -> Row:
    """A task that fills a folder; run gets the folder, and returns what is to be said.

    after: tasks that come before it, and whose targets are none of its inputs as a whole.
    """
    row = _row(kind, name, Fill(f"{kind}:{name}", run, manifest), manifest, inputs, settings)
    return {**row, "task_dep": list(after)}


def _row(
    kind: str,
    name: str,
    action: Callable[[], object],
    manifest: Path,
    inputs: Iterable[Path],
    settings: Callable[[], Settings] = dict,
) -> Row:
    files = _existing(inputs)
    return {
        "basename": kind,
        "name": name,
        "actions": [Watched(action, files)],
        "file_dep": files,
        "targets": [str(manifest)],
        "uptodate": [_inputs(kind, settings), Sealed(manifest)],
        "clean": [(unseal, [manifest])],
        "io": _IO,
        "meta": {STAGE: True},
    }


def _broken(title: str, learner: str, project: Broken) -> Row:
    """The task of a folder that should be a project: it fails and says why."""
    return {
        "basename": "annotate",
        "name": f"{title}@{learner}",
        "actions": [Watched(Refusal(project.error), [])],
        "targets": [str(project.folder / "build" / learner / builds.MANIFEST)],
        "io": _IO,
        "meta": {STAGE: True, FAULT: str(project.error)},
    }


def _existing(paths: Iterable[Path]) -> list[str]:
    """Paths as doit has them, without the hand-made files that are missing: the stage says so in better words."""
    return [str(path) for path in paths if path.name == builds.MANIFEST or path.exists()]


@dataclass(frozen=True)
class _Extend:
    """Makes a master's labelling image."""

    project: Project
    canvas: tuple[int, int]

    def __call__(self) -> dict[str, Any]:
        extend.extend(self.project, self.canvas)
        return {SEAL: [builds.sha256(self.project.extended)]}


@dataclass(frozen=True)
class _Tarball:
    """Makes a learner's archive, and seals it."""

    dataset: Path
    shards: list[Path]
    archive: Path
    manifest: Path
    settings: tarball.Settings

    def __call__(self) -> dict[str, Any]:
        builds.write_file(
            self.archive, lambda making: tarball.tarball(self.dataset, self.shards, making, self.settings)
        )
        builds.seal(self.manifest, [self.archive.name])
        train, val = self._images("train"), self._images("val")
        return {SEAL: builds.look(self.manifest), SUMMARY: self._summary(train, val), IMAGES: train + val}

    def _images(self, part: str) -> int:
        """How many images a part of the dataset has."""
        lists = self.dataset / FORMATS[self.settings.format].LISTS
        return len((lists / f"{part}.txt").read_text(encoding="utf-8").splitlines())

    def _summary(self, train: int, val: int) -> str:
        entry = builds.read(self.manifest)[self.archive.name]
        return (
            f"{self.archive}: {train + val:,} images, {train:,} train and {val:,} val, "
            f"{entry.size / 1e6:.1f} MB, sha256 {entry.sha256[:12]}"
        )


def _inputs(kind: str, settings: Callable[[], Settings]) -> Inputs:
    return Inputs(lambda: {**settings(), **provenance.makers(kind)})
