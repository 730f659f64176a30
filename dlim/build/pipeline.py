"""The steps of a workspace: what each is made from, what makes it, and what it leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import msgspec

from dlim import config, projects, provenance, store, variation
from dlim.build.work import Fill, Made, Refused, Told, Work, sealed
from dlim.config import Learner, Scene
from dlim.console import megabytes
from dlim.errors import ProjectError
from dlim.formats import FORMATS
from dlim.geometry import Canvas, canvas_name
from dlim.mix.limits import Limits
from dlim.projects import Broken, Project
from dlim.scenes.choices import Ring, partners, ring
from dlim.shots import SHOTS
from dlim.stages import annotate, augment, backgrounds, boxes, compose, dataset, extend, split, spots
from dlim.store import Staging
from dlim.workspace import (
    DATA_SET,
    INTERNAL,
    Workspace,
    archive_files,
    backgrounds_folder,
    has_master,
    objects,
    scenes,
    shards_folder,
    split_folder,
    spots_folder,
    variations,
)

Settings = Mapping[str, Any]
"""Flat, of JSON values."""

OF_PROJECTS = ("extend", "locate", "augment", "compose", "annotate", "shard")
OF_LEARNERS = ("backgrounds", "spots", "split", "pack", "tarball")
KINDS = (*OF_PROJECTS, *OF_LEARNERS)
"""The kinds of steps: what stands before the colon of a step's name."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `kind:what`.

    target: the file that says what it left. work: gives what makes it; again: the same where what it left before is
    still as it was. links: the steps whose files it has under other names. sources: the hand-made files that it
    reads; one that is missing is the stage's to tell. after: the steps whose output it reads. order: steps that
    come before it, of whose output only a part concerns it. settings: what else decides what it makes. derived:
    settings that come from what the steps before it left; they are asked for when those have run, and when basis,
    or one of those outputs, has changed. fault: why it can only fail.
    """

    name: str
    target: str
    work: Callable[[], Work]
    sources: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    settings: Callable[[], Settings] = dict
    derived: Callable[[], Settings] | None = None
    basis: Callable[[], Any] = dict
    again: Callable[[], Work] | None = None
    links: frozenset[str] = frozenset()
    fault: str = ""

    @property
    def kind(self) -> str:
        return self.name.partition(":")[0]

    @property
    def before(self) -> tuple[str, ...]:
        """All steps that come before it."""
        return (*self.after, *self.order)


class Group(NamedTuple):
    """A name for several steps, or for other groups. removes: the files and folders that `doit clean` takes away."""

    name: str
    members: tuple[str, ...]
    doc: str
    removes: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Pipeline:
    """All steps of a workspace. strict: whether what is unfinished is a fault instead of being left out."""

    workspace: Workspace
    strict: bool = False
    _made: dict[str, dict[str, Step]] = field(default_factory=dict, init=False)

    # names

    def step(self, name: str) -> Step | None:
        """The step of a name; None where there is none."""
        kind, _, what = name.partition(":")
        if kind in OF_PROJECTS:
            title = what if kind in ("extend", "locate") else what.rpartition("@")[0]
            return self.of_project(title).get(name)
        return self.of_learner(what).get(name) if kind in OF_LEARNERS else None

    def group(self, name: str) -> Group | None:
        """The group of a name; None where there is none."""
        kind, colon, what = name.partition(":")
        match kind, bool(colon):
            case "build", True if what in self._by_title:
                return self._of_build(what)
            case "dataset", True if what in self.workspace.config.learners:
                return self._of_dataset(what)
            case "build", False:
                return Group(name, tuple(f"build:{title}" for title in self._finished()), "all projects' images")
            case "dataset", False:
                return Group(name, tuple(f"dataset:{each}" for each in self.workspace.config.learners), _ALL)
            case "extend", False:
                found = tuple(f"extend:{title}" for title in self._finished() if has_master(self._by_title[title]))
                return Group(name, found, "masters on the labelling canvas")
            case _, False if kind in KINDS:
                return Group(name, tuple(each for each in self.steps if each.startswith(f"{kind}:")), "")
        return None

    def _of_build(self, title: str) -> Group:
        steps = self.of_project(title)
        members = tuple(name for name in steps if name.startswith(("extend:", "annotate:")))
        removes = (self._by_title[title].folder / "build",)
        return Group(f"build:{title}", members, f"images of {title}", removes)

    def _of_dataset(self, name: str) -> Group:
        extended = [f"extend:{title}" for title, project in self.chosen(name) if has_master(project)]
        made = (split_folder(name), shards_folder(name), DATA_SET / name, *archive_files(name))
        return Group(f"dataset:{name}", (*extended, f"tarball:{name}"), f"{DATA_SET / name}.tar.gz", made)

    @cached_property
    def groups(self) -> dict[str, Group]:
        """All groups that people type."""
        names = [
            *("build", "dataset", *KINDS),
            *(f"build:{title}" for title in self._by_title),
            *(f"dataset:{name}" for name in self.workspace.config.learners),
        ]
        return {name: found for name in names if (found := self.group(name))}

    @cached_property
    def steps(self) -> dict[str, Step]:
        """All steps, a project's together, then each learner's."""
        found: dict[str, Step] = {}
        for title in self._by_title:
            found |= self.of_project(title)
        for name in self.workspace.config.learners:
            found |= self.of_learner(name)
        return found

    def resolve(self, words: Iterable[str]) -> list[str] | None:
        """The steps and groups that words name, or patterns, or files that they leave; None where one names none."""
        found: list[str] = []
        for word in words:
            if "*" in word:
                names = [name for name in (*self.groups, *self.steps) if fnmatchcase(name, word)]
                if not names:
                    return None
                found += names
            elif self.group(word) or self.step(word):
                found.append(word)
            else:
                made = next((step.name for step in self.steps.values() if step.target == word), None)
                if made is None:
                    return None
                found.append(made)
        return found

    def closure(self, names: Iterable[str]) -> dict[str, Step]:
        """Those steps, those in groups, and all that come before them, in an order in which they can be run."""
        found: dict[str, Step] = {}

        def visit(name: str) -> None:
            if name in found:
                return
            step = self.step(name)
            if step is None:
                group = self.group(name)
                for member in group.members if group else ():
                    visit(member)
                return
            for before in step.before:
                visit(before)
            found[name] = step

        for name in names:
            visit(name)
        return found

    # who takes what

    @cached_property
    def _by_title(self) -> dict[str, Project | Broken]:
        return dict(self.workspace.everything())

    @cached_property
    def unfinished(self) -> dict[str, str]:
        """Why projects are left out of all datasets so far, by title: they have no image, or no boxes yet."""
        if self.strict:
            return {}
        found = ((title, projects.unfinished(project)) for title, project in self._by_title.items())
        return {title: why for title, why in found if why}

    def _finished(self) -> Iterator[str]:
        return (title for title in self._by_title if title not in self.unfinished)

    def chosen(self, name: str) -> list[tuple[str, Project | Broken]]:
        """What a learner takes of what is finished."""
        return [(title, project) for title, project in self.workspace.chosen(name) if title not in self.unfinished]

    # the steps of a project

    def of_project(self, title: str) -> dict[str, Step]:
        """The steps of a project, for every learner that takes it; none where there is no such project."""
        if title not in self._made:
            project = self._by_title.get(title)
            steps = [] if project is None else self._project_steps(title, project)
            self._made[title] = {step.name: step for step in steps}
        return self._made[title]

    def _project_steps(self, title: str, project: Project | Broken) -> Iterator[Step]:
        takers = self.workspace.takers_of(project)
        if isinstance(project, Broken):
            for name, _ in takers:
                target = f"{project.folder}/build/{name}/{store.MANIFEST}"
                refused = partial(Refused, project.error)
                yield Step(f"annotate:{title}@{name}", target, refused, fault=str(project.error))
                yield self._shard(title, name)
            return
        if has_master(project):
            yield self._extend(title, project)
            yield self._locate(title, project)
        for canvas in sorted({_canvas(learner) for _, learner in takers}, key=canvas_name):
            yield self._augment(title, project, canvas)
        for name, learner in takers:
            if learner.scene is not None:
                yield self._compose(title, project, name, learner, learner.scene)
            yield self._annotate(title, project, name, learner)
            yield self._shard(title, name)

    def _extend(self, title: str, project: Project) -> Step:
        canvas = self.workspace.config.settings.labelling_canvas
        folder = f"{project.folder}/master"
        return Step(
            f"extend:{title}",
            f"{folder}/{project.extended.name}",
            lambda: Extend(project, canvas),
            (f"{folder}/{project.image.name}",),
            settings=lambda: {
                "labelling_canvas": canvas_name(canvas),
                "placement": project.settings.placement,
                **_makers("extend"),
            },
        )

    def _locate(self, title: str, project: Project) -> Step:
        canvas = self.workspace.config.settings.labelling_canvas
        target = f"{objects(project)}/{store.MANIFEST}"
        folder = f"{project.folder}/master"
        return Step(
            f"locate:{title}",
            target,
            lambda: Fill(target, partial(_locate, project, canvas)),
            (f"{folder}/{project.image.name}", f"{folder}/{project.boxes.name}"),
            settings=lambda: {
                "labelling_canvas": canvas_name(canvas),
                "placement": project.settings.placement,
                "label": project.settings.label,
                **_makers("locate"),
            },
        )

    def _augment(self, title: str, project: Project, canvas: Canvas) -> Step:
        shared = self.workspace.config.settings
        settings = augment.Settings(
            canvas,
            project.settings.placement,
            shared.seed,
            shared.augment.count,
            shared.augment.cval,
            shrink=any(
                each.fit == "shrink" for _, each in self.workspace.takers_of(project) if _canvas(each) == canvas
            ),
        )
        name = f"{title}@{canvas_name(canvas)}"
        log = f"{INTERNAL}/logs/{name.replace('/', '.')}.log"
        target = f"{variations(project, canvas)}/{store.MANIFEST}"
        master = () if project.settings.generator else (f"{project.folder}/master/{project.image.name}",)
        scripts = project.source_files()
        return Step(
            f"augment:{name}",
            target,
            lambda: Fill(target, partial(_augment, project, settings, Path(log), shared.augment.time_limit)),
            (*master, *scripts),
            settings=lambda: {
                **_flat(settings),
                "canvas": canvas_name(canvas),
                "generator": project.settings.generator,
                **_makers("augment"),
                **provenance.imported(scripts),
            },
        )

    def _compose(self, title: str, project: Project, name: str, learner: Learner, scene: Scene) -> Step:
        shared = self.workspace.config.settings
        there = {title: project, **{each: self._by_title[each] for each in self._partners(title, name)}}
        shown = {each: one for each, one in there.items() if isinstance(one, Project)}
        target = f"{scenes(project, name)}/{store.MANIFEST}"
        masters = [one for one in shown.values() if has_master(one)]
        return Step(
            f"compose:{title}@{name}",
            target,
            lambda: Fill(
                target, partial(_compose, list(shown.values()), backgrounds_folder(name), learner, scene, shared.seed)
            ),
            tuple(str(path) for each in masters for path in (each.image, each.mask)),
            after=(
                f"backgrounds:{name}",
                *([f"spots:{name}"] if scene.position == "shots" else []),
                *(f"locate:{each}" for each, one in shown.items() if has_master(one)),
                *(f"augment:{each}@{canvas_name(None)}" for each in shown),
            ),
            settings=lambda: {
                **{key: value for key, value in msgspec.structs.asdict(scene).items() if key != "backgrounds"},
                "canvas": canvas_name(learner.size),
                "seed": shared.seed,
                "placement": project.settings.placement,
                "partners": ", ".join(each for each in shown if each != title),
                **_makers("compose"),
            },
        )

    def _partners(self, title: str, name: str) -> list[str]:
        """The other projects of a learner that stand in a project's scenes."""
        if name not in self._rings:
            self._rings[name] = ring(each for each, one in self.chosen(name) if isinstance(one, Project))
        return partners(title, self._rings[name])

    @cached_property
    def _rings(self) -> dict[str, Ring]:
        return {}

    def _annotate(self, title: str, project: Project, name: str, learner: Learner) -> Step:
        made = scenes(project, name) if learner.scene else variations(project, learner.size)
        marked = objects(project)
        label = project.settings.label or project.name
        shown = partial(_labels, project, made, marked, label)
        settings = annotate.Settings(project.name, label, {}, learner.boxes == "follow", learner.format)
        target = f"{project.folder}/build/{name}/{store.MANIFEST}"
        return Step(
            f"annotate:{title}@{name}",
            target,
            lambda: Fill(target, partial(_annotate, project, made, marked, settings, learner.labels, shown)),
            after=(
                *((f"locate:{title}",) if has_master(project) else ()),
                f"compose:{title}@{name}" if learner.scene else f"augment:{title}@{canvas_name(learner.size)}",
            ),
            settings=lambda: {
                "boxes": learner.boxes,
                "format": learner.format,
                "label": label,
                **_makers("annotate"),
            },
            derived=lambda: {"labels": annotate.relevant(learner.labels, shown())},
            basis=lambda: learner.labels,
        )

    def _shard(self, title: str, name: str) -> Step:
        form = self.workspace.config.learners[name].format
        project = self._by_title[title]
        # what is unfinished, and built all the same as somebody asked for it, is in no split
        divided = title not in self.unfinished
        taken = partial(_taken, name, title if divided else None)
        target = f"{shards_folder(name)}/{project.folder.name}/{store.MANIFEST}"
        return Step(
            f"shard:{title}@{name}",
            target,
            lambda: Fill(target, partial(_shard, project.folder / "build" / name, form, taken)),
            after=(f"annotate:{title}@{name}",),
            order=(f"split:{name}",) if divided else (),
            settings=lambda: {"format": form, **_makers("shard")},
            # not all of the split: what is taken of this project is all that it needs of that
            derived=lambda: {"what is taken of it": _digest(taken())},
        )

    # the steps of a learner

    def of_learner(self, name: str) -> dict[str, Step]:
        """The steps of a learner; none where there is no such learner."""
        if name not in self.workspace.config.learners:
            return {}
        key = f"{name}\0"  # no project's title
        if key not in self._made:
            made = {title: project.folder / "build" / name for title, project in self.chosen(name)}
            steps = [self._split(name, made), self._pack(name, made), self._tarball(name, made)]
            learner = self.workspace.config.learners[name]
            if learner.scene is not None:
                steps.insert(0, self._backgrounds(name, learner, learner.scene))
                if learner.scene.position == "shots":
                    steps.insert(0, self._spots(name))
            self._made[key] = {step.name: step for step in steps}
        return self._made[key]

    def _backgrounds(self, name: str, learner: Learner, scene: Scene) -> Step:
        folder = Path(scene.backgrounds) if scene.backgrounds else None
        size, seed = learner.size or (0, 0), self.workspace.config.settings.seed
        target = str(backgrounds_folder(name) / store.MANIFEST)
        pictures = [] if folder is None or not folder.is_dir() else backgrounds.pictures(folder)
        return Step(
            f"backgrounds:{name}",
            target,
            lambda: Fill(target, partial(_backgrounds, folder, scene.drawn, size, seed)),
            tuple(map(str, pictures)),
            settings=lambda: {
                "size": canvas_name(size),
                "seed": seed,
                "backgrounds": scene.backgrounds,
                "drawn": scene.drawn,
                **_makers("backgrounds"),
            },
        )

    def _spots(self, name: str) -> Step:
        target = str(spots_folder(name) / store.MANIFEST)
        file = f"config/learners/{name}.toml"
        found = sorted(str(path) for path in SHOTS.glob("[!.]*") if path.is_file())
        return Step(
            f"spots:{name}",
            target,
            lambda: Fill(target, partial(_spots, file)),
            tuple(found),
            settings=lambda: {**_makers("spots")},
        )

    def _limits(self, name: str) -> Limits:
        if name not in self._known_limits:
            self._known_limits[name] = self.workspace.limits(name)
        return self._known_limits[name]

    @cached_property
    def _known_limits(self) -> dict[str, Limits]:
        return {}

    def _split(self, name: str, made: Mapping[str, Path]) -> Step:
        settings = division(name, self.workspace.config.settings, self._limits(name))
        target = str(split_folder(name) / store.MANIFEST)
        folder = self.workspace.config.learners[name].projects
        return Step(
            f"split:{name}",
            target,
            lambda: Fill(target, partial(_split, folder, dict(made), settings)),
            after=tuple(f"annotate:{title}@{name}" for title in made),
            settings=lambda: {**_flat(settings), "limits": str(settings.limits), **_makers("split")},
        )

    def _pack(self, name: str, made: Mapping[str, Path]) -> Step:
        learner = self.workspace.config.learners[name]
        settings = dataset.Settings(name, learner.class_lists, learner.format, learner.trainval)
        pack = Pack(dict(made), split_folder(name), DATA_SET / name, settings)
        annotated = [f"annotate:{title}@{name}" for title in made]
        return Step(
            f"pack:{name}",
            str(DATA_SET / name / store.MANIFEST),
            lambda: pack,
            after=(*annotated, f"split:{name}"),
            settings=lambda: {**_flat(settings), **_makers("pack")},
            again=lambda: replace(pack, intact=True),
            links=frozenset(annotated),
        )

    def _tarball(self, name: str, made: Mapping[str, Path]) -> Step:
        learner = self.workspace.config.learners[name]
        settings = dataset.Settings(name, learner.class_lists, learner.format, learner.trainval)
        archive, manifest = archive_files(name)
        shards = [shards_folder(name) / self._by_title[title].folder.name for title in made]
        return Step(
            f"tarball:{name}",
            str(manifest),
            lambda: Tarball(DATA_SET / name, shards, archive, manifest, settings),
            after=(*(f"shard:{title}@{name}" for title in made), f"pack:{name}"),
            settings=lambda: {"format": learner.format, **_makers("tarball")},
        )

    # what of the workspace all of this comes from

    def seen(self) -> Iterator[str]:
        """The files and folders that decide which steps there are, and what of dlim itself decides what they make."""
        yield from ("dodo.py", "config/", "config/dlim.toml", "config/learners/")
        yield from (f"config/learners/{name}.toml" for name in self.workspace.config.learners)
        yield from (f"{folder}/" for folder in self.workspace.projects)
        yield f"{SHOTS}/"
        for learner in self.workspace.config.learners.values():
            if learner.scene is not None and learner.scene.backgrounds:
                folder = Path(learner.scene.backgrounds)
                yield from (f"{each}/" for each in (folder, *folder.rglob("*/")) if each.is_dir())
        for project in self._by_title.values():
            yield f"{project.folder}/"
            yield str(project.folder / "project.toml")
            if isinstance(project, Project):
                yield f"{project.folder}/master/"
                yield from (f"{folder}/" for folder in project.source_folders())
                yield from provenance.imported_files(project.source_files())
        yield from provenance.files()


_ALL = "all learners' datasets"


def _canvas(learner: Learner) -> Canvas:
    """The canvas of the variations that a learner's images come from: scenes are made of crops."""
    return None if learner.scene else learner.size


def _makers(stage: str) -> Mapping[str, Any]:
    return provenance.makers(stage)


def _flat(settings: Any) -> dict[str, Any]:
    """The fields of a dataclass; `asdict` copies what is in them as well, for each of a thousand projects."""
    return {name: getattr(settings, name) for name in settings.__match_args__}


def division(name: str, shared: config.Settings, limits: Limits) -> split.Settings:
    """How a learner's images are divided."""
    return split.Settings(name, shared.seed, shared.split.train_percent, shared.split.by, limits)


# What the steps do: functions of values, which another process can be sent.


@dataclass(frozen=True)
class Extend:
    """Makes a master's labelling image."""

    project: Project
    canvas: tuple[int, int]

    def __call__(self, told: Told) -> Made:
        """Write it."""
        extend.extend(self.project, self.canvas)
        return Made(store.sha256(self.project.extended), (str(self.project.extended),))


def _locate(project: Project, canvas: tuple[int, int], out: Staging, told: Told) -> list[str]:
    return boxes.locate(project, out, canvas)


def _augment(
    project: Project, settings: augment.Settings, log: Path, seconds: float, out: Staging, told: Told
) -> list[str]:
    return augment.augment(project, out, settings, log, told, seconds)


def _backgrounds(
    folder: Path | None, drawn: float, size: tuple[int, int], seed: int, out: Staging, told: Told
) -> list[str]:
    return backgrounds.backgrounds(folder, drawn, out, size, seed)


def _spots(file: str, out: Staging, told: Told) -> list[str]:
    return spots.spots(file, out)


def _compose(
    projects: Sequence[Project],
    windows: Path,
    learner: Learner,
    scene: Scene,
    seed: int,
    out: Staging,
    told: Told,
) -> list[str]:
    sources = [
        compose.source(each, variations(each, None), boxes.read(objects(each))[2] if has_master(each) else ())
        for each in projects
    ]
    settings = compose.settings(learner, scene, seed, projects[0])
    # what the stage left before lies where this is going to be
    before = out.path.with_name(out.path.name.removeprefix(store.FRESH))
    stand = spots.read(spots_folder(windows.name)) if scene.position == "shots" else ()
    return compose.compose(sources, windows, out, settings, before if before.is_dir() else None, told, stand)


def _labels(project: Project, variations: Path, objects: Path, label: str) -> set[str]:
    """The labels that a project's objects have before a learner maps them; none before they are known."""
    named, unnamed = variation.labels(variations)
    if has_master(project):
        return named | boxes.labels(objects)
    return named | {label} if unnamed else named


def _annotate(
    project: Project,
    made: Path,
    marked: Path,
    settings: annotate.Settings,
    labels: Mapping[str, str],
    shown: Callable[[], set[str]],
    out: Staging,
    told: Told,
) -> list[str]:
    master, _, things = boxes.read(marked) if has_master(project) else ("", (0, 0), ())
    return annotate.annotate(made, master, things, out, replace(settings, labels=annotate.relevant(labels, shown())))


def _taken(name: str, title: str | None) -> list[str] | None:
    return None if title is None else split.taken(split_folder(name), title)


def _shard(build: Path, form: str, taken: Callable[[], list[str] | None], out: Staging, told: Told) -> None:
    dataset.shard(build, out, form, taken())


def _split(folder: str, made: Mapping[str, Path], settings: split.Settings, out: Staging, told: Told) -> list[str]:
    if not made:
        raise ProjectError(folder, "holds no project yet", "doit new NAME --image crop.png begins one")
    return split.split([split.share(title, build) for title, build in made.items()], out, settings)


@dataclass(frozen=True)
class Pack:
    """Brings a learner's dataset up to date."""

    made: Mapping[str, Path]
    parts: Path
    folder: Path
    settings: dataset.Settings
    intact: bool = False

    def __call__(self, told: Told) -> Made:
        """Link what isn't there yet, and take away what is too much."""
        divided = split.read(self.parts).values()
        found = {title: split.taken(self.parts, title) for title in self.made}
        content = dataset.Content(
            builds=self.made,
            train=[image for part in divided for image in part.train],
            val=[image for part in divided for image in part.val],
            labels=split.shown(self.parts),
            taken={title: ids for title, ids in found.items() if ids is not None},
        )
        dataset.pack(content, self.folder, self.settings, intact=self.intact)
        form = FORMATS[self.settings.format]
        below = {"", *(str(each) for name in (form.ANNOTATIONS, form.IMAGES, form.LISTS) for each in _upwards(name))}
        return sealed(self.folder / store.MANIFEST, folders=[str(self.folder / name) for name in below])


def _upwards(name: str) -> list[PurePosixPath]:
    path = PurePosixPath(name)
    return [path, *(each for each in path.parents if each.name)]


@dataclass(frozen=True)
class Tarball:
    """Makes a learner's archive, and seals it."""

    folder: Path
    shards: Sequence[Path]
    archive: Path
    manifest: Path
    settings: dataset.Settings

    def __call__(self, told: Told) -> Made:
        """Join the shards."""
        dataset.tarball(self.folder, self.shards, self.archive, self.manifest, self.settings)
        digest = store.read(self.manifest)[self.archive.name].sha256
        facts = store.facts(self.manifest)
        summary = (
            f"{self.archive}: {facts['images']:,} images, {facts['train']:,} train and {facts['val']:,} val, "
            f"{megabytes(facts['bytes'])}, sha256 {digest[:12]}"
        )
        looks = (str(self.manifest), str(self.archive))
        return Made(store.sha256(self.manifest), looks, facts["images"], facts["bytes"], (), summary)


def _digest(taken: Sequence[str] | None) -> str:
    return "all" if taken is None else hashlib.sha256("\n".join(taken).encode()).hexdigest()
