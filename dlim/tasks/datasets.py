"""Masters to datasets, as doit's tasks: which stage runs on what, what it depends on, and what it leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from dlim import builds, config, progress, projects, variation
from dlim.config import Learner
from dlim.errors import ProjectError
from dlim.frame import Canvas, canvas_name
from dlim.labelling import label
from dlim.mix.account import Mix, Standing
from dlim.mix.limits import Limits
from dlim.plugins.reason import Same
from dlim.plugins.work import Seals, Watched, remove
from dlim.projects import Broken, Project
from dlim.stages import annotate, augment, boxes, dataset, split
from dlim.store import Staging
from dlim.tasks import mixes
from dlim.tasks.asking import asked
from dlim.tasks.rows import IO, Extend, Packed, Row, Tarball, broken, existing, inputs, row, stage
from dlim.tasks.workspace import (
    DATA_SET,
    INTERNAL,
    Workspace,
    archive_files,
    has_master,
    objects,
    shards_folder,
    split_folder,
    variations,
)


@dataclass(frozen=True)
class Datasets:
    """The tasks of a workspace that bring masters to datasets."""

    workspace: Workspace

    # what people type

    def extend(self) -> Iterator[Row]:
        """Put each master on the labelling canvas."""
        yield {"name": None, "doc": "masters on the labelling canvas"}
        for title, project in self.workspace.everything():
            if has_master(project):
                yield self._extend_one(title, project)

    def _extend_one(self, title: str, project: Project) -> Row:
        canvas = self.workspace.config.settings.labelling_canvas
        settings = {"labelling_canvas": canvas_name(canvas), "placement": project.settings.placement}
        files = existing([project.image])
        return {
            "name": title,
            "doc": str(project.extended),
            "actions": [Watched(Extend(project, canvas), files)],
            "file_dep": files,
            "uptodate": [inputs("extend", lambda: settings), Same(project.extended)],
            "io": IO,
        }

    def build(self) -> Iterator[Row]:
        """Bring each project to its images, for every learner that takes it."""
        yield {"name": None, "doc": "all projects' images"}
        for title, project in self.workspace.everything():
            steps = [f"annotate:{title}@{name}" for name, _ in self.workspace.takers_of(project)]
            if has_master(project):
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
        for name in self.workspace.config.learners:
            extended = [f"extend:{title}" for title, project in self.workspace.chosen(name) if has_master(project)]
            made = [split_folder(name), shards_folder(name), DATA_SET / name, *archive_files(name)]
            yield {
                "name": name,
                "doc": f"{DATA_SET / name}.tar.gz",
                "actions": None,
                "task_dep": [*extended, f"tarball:{name}"],
                "clean": [(remove, [made])],
            }

    def verify(self) -> Row:
        """Read all that was built; what is damaged is built anew by the next run."""
        stages = [self.locate, self.augment, self.annotate, self.split, self.shard, self.pack, self.tarball]
        seals = Seals(lambda: (row for stage in stages for row in stage()))
        doc = "read all that was built; what is damaged is built anew by the next run"
        return {**asked("verify", seals.verify, doc, answer=False), "uptodate": [seals, False]}

    def mix(self) -> Iterator[Row]:
        """What datasets consist of, before anything runs."""
        yield self._mix_of(
            "mix", list(self.workspace.config.learners), "what each dataset consists of, before anything runs"
        )
        for name in self.workspace.config.learners:
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
        for title, project in self.workspace.everything():
            if has_master(project):
                yield self._locate_one(title, project)

    def _locate_one(self, title: str, project: Project) -> Row:
        canvas = self.workspace.config.settings.labelling_canvas
        settings = {
            "labelling_canvas": canvas_name(canvas),
            "placement": project.settings.placement,
            "label": project.settings.label,
        }
        return stage(
            "locate",
            title,
            lambda out: boxes.locate(project, out, canvas),
            objects(project) / builds.MANIFEST,
            [project.image, project.boxes],
            lambda: settings,
        )

    def augment(self) -> Iterator[Row]:
        """Run each project's daug.py, once for every canvas that its learners have."""
        for title, project in self.workspace.everything():
            canvases = {learner.size for _, learner in self.workspace.takers_of(project)}
            if isinstance(project, Project):
                for canvas in sorted(canvases, key=canvas_name):
                    yield self._augment_on(title, project, canvas)

    def _augment_on(self, title: str, project: Project, canvas: Canvas) -> Row:
        shared = self.workspace.config.settings
        settings = augment.Settings(
            canvas,
            project.settings.placement,
            shared.seed,
            shared.augment.count,
            shared.augment.cval,
            shrink=any(one.fit == "shrink" for _, one in self.workspace.takers_of(project) if one.size == canvas),
        )
        name = f"{title}@{canvas_name(canvas)}"
        log = INTERNAL / "logs" / f"{name.replace('/', '.')}.log"

        def run(out: Staging) -> list[str]:
            console = progress.current()
            return augment.augment(
                project,
                out,
                settings,
                log,
                lambda count: console.note(f"augment:{name}", f"{count:,} images"),
                shared.augment.time_limit,
            )

        return stage(
            "augment",
            name,
            run,
            variations(project, canvas) / builds.MANIFEST,
            [*([] if project.settings.generator else [project.image]), *project.sources()],
            lambda: {
                **asdict(settings),
                "canvas": canvas_name(canvas),
                "generator": project.settings.generator,
            },
        )

    def annotate(self) -> Iterator[Row]:
        """Give each variation its annotation, for every learner that takes the project."""
        for name, learner in self.workspace.config.learners.items():
            for title, project in self.workspace.chosen(name):
                if isinstance(project, Broken):
                    yield broken(title, name, project)
                else:
                    yield self._annotate_for(name, learner, title, project)

    def _annotate_for(self, name: str, learner: Learner, title: str, project: Project) -> Row:
        made = variations(project, learner.size)
        marked = objects(project)
        follow = learner.boxes == "follow"
        label = project.settings.label or project.name

        def labels() -> dict[str, str]:
            return annotate.relevant(learner.labels, _labels(project, made, marked, label))

        def run(out: Staging) -> list[str]:
            master, _, things = boxes.read(marked) if has_master(project) else ("", (0, 0), ())
            settings = annotate.Settings(project.name, label, labels(), follow, learner.format)
            return annotate.annotate(made, master, things, out, settings)

        files = [made, marked] if has_master(project) else [made]
        return stage(
            "annotate",
            f"{title}@{name}",
            run,
            project.build / name / builds.MANIFEST,
            [folder / builds.MANIFEST for folder in files],
            lambda: {"boxes": learner.boxes, "format": learner.format, "label": label, "labels": labels},
        )

    def split(self) -> Iterator[Row]:
        """Divide each learner's images into train and val."""
        for name in self.workspace.config.learners:
            yield self._split_for(name, self.workspace.builds(name))

    def _split_for(self, name: str, made: Mapping[str, Path]) -> Row:
        settings = _division(name, self.workspace.config.settings, self.workspace.limits(name))
        learner = self.workspace.config.learners[name]

        def run(out: Staging) -> list[str]:
            if not made:
                raise ProjectError(
                    learner.projects, "holds no project yet", "doit new NAME --image crop.png begins one"
                )
            return split.split([split.share(title, folder) for title, folder in made.items()], out, settings)

        return stage(
            "split",
            name,
            run,
            split_folder(name) / builds.MANIFEST,
            [folder / builds.MANIFEST for folder in made.values()],
            lambda: {**asdict(settings), "limits": str(settings.limits)},
        )

    def shard(self) -> Iterator[Row]:
        """Pack each project's share of each learner's dataset."""
        for name, learner in self.workspace.config.learners.items():
            shards = self.workspace.shards(name)
            for title, build in self.workspace.builds(name).items():
                yield self._shard_for(name, learner, title, build, shards[title])

    def _shard_for(self, name: str, learner: Learner, title: str, build: Path, folder: Path) -> Row:
        def taken() -> list[str] | None:
            return split.taken(split_folder(name), title)

        return stage(
            "shard",
            f"{title}@{name}",
            lambda out: dataset.shard(build, out, learner.format, taken()),
            folder / builds.MANIFEST,
            [build / builds.MANIFEST],
            # not the split's manifest: what is taken of this project is all that it needs of that
            lambda: {"format": learner.format, "what is taken of it": lambda: _digest(taken())},
            after=[f"split:{name}"],
        )

    def pack(self) -> Iterator[Row]:
        """Lay each learner's dataset out."""
        for name, learner in self.workspace.config.learners.items():
            yield self._pack_for(name, learner, self.workspace.builds(name))

    def _pack_for(self, name: str, learner: Learner, made: Mapping[str, Path]) -> Row:
        parts = split_folder(name)
        settings = dataset.Settings(name, learner.class_lists, learner.format)
        return row(
            "pack",
            name,
            Packed(lambda: _content(made, parts), DATA_SET / name, settings),
            DATA_SET / name / builds.MANIFEST,
            [folder / builds.MANIFEST for folder in [parts, *made.values()]],
            lambda: asdict(settings),
        )

    def tarball(self) -> Iterator[Row]:
        """Join each learner's dataset into one archive."""
        for name, learner in self.workspace.config.learners.items():
            yield self._tarball_for(name, learner)

    def _tarball_for(self, name: str, learner: Learner) -> Row:
        settings = dataset.Settings(name, learner.class_lists, learner.format)
        shards = list(self.workspace.shards(name).values())
        archive, manifest = archive_files(name)
        return row(
            "tarball",
            name,
            Tarball(DATA_SET / name, shards, archive, manifest, settings),
            manifest,
            [folder / builds.MANIFEST for folder in [DATA_SET / name, *shards]],
            lambda: {"format": learner.format},
        )

    def mixed(self, name: str, survey: mixes.Survey) -> Mix:
        """What a learner's dataset consists of, as far as its projects are built."""
        learner = self.workspace.config.learners[name]
        standings = [
            mixes.standing(title, project, name, learner, survey.found[f"annotate:{title}@{name}"])
            for title, project in self.workspace.chosen(name)
        ]
        excluded = [project for project in self.workspace.projects[learner.projects] if not learner.takes(project)]
        division = _division(name, self.workspace.config.settings, self.workspace.limits(name))
        return mixes.account(standings, division, excluded, self._strangers(name, standings))

    def _strangers(self, name: str, standings: Iterable[Standing]) -> list[str]:
        """The names in a learner's file that nothing is called so far, and that may be mistaken."""
        learner, taken = self.workspace.config.learners[name], self.workspace.taken(name)
        drawn = [each for each in standings if each.project in taken and taken[each.project].settings.generator]
        known = all(each.share is not None for each in drawn)
        labels = [text for each in drawn for text in each.labels] if known else None
        place = f"config/learners/{name}.toml"
        return [
            *projects.unmatched(self.workspace.projects[learner.projects], learner, place),
            *label.unmatched(learner.labels, taken.values(), labels, place),
        ]

    def _steps(self, name: str) -> Iterator[Row]:
        """What brings a learner's projects to their images."""
        learner = self.workspace.config.learners[name]
        for title, project in self.workspace.chosen(name):
            if isinstance(project, Broken):
                yield broken(title, name, project)
                continue
            if has_master(project):
                yield self._locate_one(title, project)
            yield self._augment_on(title, project, learner.size)
            yield self._annotate_for(name, learner, title, project)


def _labels(project: Project, variations: Path, objects: Path, label: str) -> set[str]:
    """The labels that a project's objects have before a learner maps them; none before they are known."""
    named, unnamed = variation.labels(variations)
    if has_master(project):
        return named | boxes.labels(objects)
    return named | {label} if unnamed else named


def _division(name: str, shared: config.Settings, limits: Limits) -> split.Settings:
    """How a learner's images are divided."""
    return split.Settings(name, shared.seed, shared.split.train_percent, shared.split.by, limits)


def _content(made: Mapping[str, Path], parts: Path) -> dataset.Content:
    """What goes into a dataset, from its builds and its split."""
    divided = split.read(parts).values()
    found = {title: split.taken(parts, title) for title in made}
    return dataset.Content(
        builds=made,
        train=[image for part in divided for image in part.train],
        val=[image for part in divided for image in part.val],
        labels=split.shown(parts),
        taken={title: ids for title, ids in found.items() if ids is not None},
    )


def _digest(taken: list[str] | None) -> str:
    return "all" if taken is None else hashlib.sha256("\n".join(taken).encode()).hexdigest()
