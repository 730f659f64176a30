"""A workspace is read as it is: what is there is told, and what can't be read stops nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from dlim import config, projects, store
from dlim.projects import Project
from dlim.report.checks import Thresholds
from dlim.report.facts import Facts, Job, Known, LearnerFacts, Service
from dlim.report.gather import PAST, Sources, by_label, gather
from dlim.runs.history import Deployed
from dlim.runs.origin import made_by_hand
from tests.conftest import Workspace, new_workspace
from tests.report.past import LOG, at_work, learned, output

DRAWN = """import numpy as np
from dlim.augment import Augmentation
drawing = Augmentation()
for number in range(8):
    pixels = np.full((20, 20, 3), 255, np.uint8)
    pixels[4:16, 2 : 6 + number] = number
    drawing.image(pixels, f"sign_{number:03d}", (2, 4, 6 + number, 16), f"sign_{number:03d}")
"""

SSD = 'canvas = [400, 400]\n[labels]\n"sign_*" = "sign"\nfar_btn = "close"\nclose_btn = "close"\n'


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with two masters and a generator, and the datasets of two learners; nothing in it may be changed."""
    made = new_workspace(tmp_path_factory.mktemp("packed"))
    made.learner("ssd", SSD)
    made.project("close_btn")
    made.project("far_btn", size=(120, 60), settings='placement = "right-upper"\n')
    drawn = made.project("drawn", DRAWN, settings="generator = true\n")
    for name in ("image.jpg", "image_extended.xml"):
        (drawn / "master" / name).unlink()
    done = made.doit("dataset")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    return tmp_path / "output"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock on the wall shows UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def sources(workspace: Workspace, outputs: Path, data_set: Path | None = None) -> Sources:
    settings = config.load(workspace.folder / "config")
    found = projects.load(workspace.folder / "projects")
    taken = {name: project for name, project in found.items() if isinstance(project, Project)}
    folder = data_set or workspace.folder / "data_set"
    return Sources("packed", settings, dict.fromkeys(settings.learners, taken), folder, outputs)


def gathered(workspace: Workspace, outputs: Path, data_set: Path | None = None, **known: object) -> Facts:
    return gather(sources(workspace, outputs, data_set), Known("now", **known))  # type: ignore[arg-type]


def learner(found: Facts, name: str) -> LearnerFacts:
    return next(each for each in found.learners if each.name == name)


def test_a_learner(packed: Workspace, outputs: Path) -> None:
    """Its mix by label and project, its archive, what is to be known of it, and samples of every project."""
    found = learner(gathered(packed, outputs), "ssd")
    assert found.mix is not None
    assert {row.name: row.images for row in found.mix.projects} == {"close_btn": 10, "far_btn": 10, "drawn": 8}
    assert {row.name: row.images for row in found.mix.labels} == {"close": 20, "sign": 8}
    assert (found.mix.total.train, found.mix.total.val) == (22, 6)
    assert found.canvas == "400x400"
    assert found.archive is not None
    archive = packed.folder / "data_set/ssd.tar.gz"
    assert (found.archive.size, found.archive.sha256) == (archive.stat().st_size, store.sha256(archive))
    assert {shown.finding.check.key for shown in found.findings if shown.finding.cases} <= {"clipped", "master", "tiny"}
    assert [(sample.project, sample.images) for sample in found.samples] == [
        ("close_btn", 10),
        ("drawn", 8),
        ("far_btn", 10),
    ]
    captions = [picture.caption for sample in found.samples for picture in sample.pictures]
    assert len(captions) == 24
    assert {caption[1] for caption in captions} == {"train", "val"}
    assert {caption[0].rpartition("_")[0] for caption in captions} == {"close", "sign"}


def test_a_finding_has_pictures(packed: Workspace, outputs: Path) -> None:
    """The first places are shown, and how many each project has, by what the learner's own thresholds find."""
    thresholds = {"ssd": Thresholds(input_size=300, smallest_prior=290)}
    found = learner(gathered(packed, outputs, thresholds=thresholds), "ssd")
    [shown] = [shown for shown in found.findings if shown.finding.check.key == "small"]
    assert dict(shown.projects) == {"close_btn": 10, "far_btn": 10, "drawn": 8}
    assert 1 <= len(shown.pictures) <= 6
    assert all(len(picture.lines) == 1 for picture in shown.pictures)


def test_more_projects_than_samples(packed: Workspace, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not every project has room, those with a finding have, and of the others some."""
    monkeypatch.setattr("dlim.report.gather.SAMPLES", 4)
    found = learner(gathered(packed, outputs), "resnet34")
    shown = [picture.caption[0] for sample in found.samples for picture in sample.pictures]
    assert shown == ["close_btn_0001", "sign_000_drawn-0001"]


def test_an_empty_workspace(packed: Workspace, outputs: Path, tmp_path: Path) -> None:
    """Where nothing was made there is nothing to tell, and nothing goes wrong."""
    found = gathered(packed, outputs, tmp_path / "data_set")
    assert [each.mix for each in found.learners] == [None, None]
    assert (found.courses, found.outputs, found.unread) == ((), (), ())


def test_a_dataset_without_its_builds(packed: Workspace, outputs: Path) -> None:
    """Where the builds were cleaned away, the dataset is told all the same, of projects that aren't known."""
    given = sources(packed, outputs)
    bare = Sources(given.name, given.config, {name: {} for name in given.taken}, given.data_set, outputs)
    found = learner(gather(bare, Known("now")), "ssd")
    assert found.mix is not None
    assert [(row.name, row.images) for row in found.mix.projects] == [("", 28)]


def test_past_learning(packed: Workspace, outputs: Path) -> None:
    """The newest first: how it ended, its results, its metrics, and its log's end; the oldest in the table alone."""
    for number in range(PAST + 2):
        output(outputs, f"task_{number}", f"2026-01-{number + 2:02d}T05:00:00Z", memo=f"memo {number}")
    weight = Deployed(by="ann@here", output="task_3", learner="ssd", sha256="0" * 64)
    found = gathered(packed, outputs, services=(Service("ssd", "gpu", weight),))
    assert [course.name for course in found.courses] == [f"task_{number}" for number in range(PAST + 1, 1, -1)]
    assert found.past == 2
    assert len(found.outputs) == PAST + 2
    newest = found.courses[0]
    assert (newest.memo, newest.by, newest.began, newest.ended) == (
        f"memo {PAST + 1}",
        "ann@here",
        "2026-01-02 03:00",
        f"2026-01-{PAST + 3:02d} 05:00",
    )
    [part] = newest.parts
    assert part.told == "has learned on trainer@gpu"
    assert part.results == (("val_accuracy", "0.875"), ("images", "512"))
    assert [chart.title for chart in part.charts] == ["loss", "score"]
    assert part.end == tuple(LOG.splitlines())
    assert [each.name for each in found.outputs if each.parts[0].serving] == ["task_3"]
    assert found.outputs[0].parts[0].weight == "weights/best.pth"


def test_a_test_that_failed(packed: Workspace, outputs: Path) -> None:
    """It is told with its status."""
    output(outputs, "first", ssd=learned(test=1))
    [part] = gathered(packed, outputs).courses[0].parts
    assert (part.told, part.grade) == ("has learned on trainer@gpu, but its test ended with status 1", "warning")


def test_a_predict_that_failed(packed: Workspace, outputs: Path) -> None:
    """That a weight wasn't judged though it was to be is a warning, with the way out."""
    failed = replace(learned(), unjudged="predict failed with status 7")
    output(outputs, "first", ssd=failed)
    [part] = gathered(packed, outputs).courses[0].parts
    assert part.troubles[0] == (
        "was not judged on shots: predict failed with status 7; mend predict, and learn again under another name"
    )


def test_learning_at_work(packed: Workspace, outputs: Path) -> None:
    """What the server says of it, with the metrics so far; and without the server, what is known here."""
    task = at_work(outputs, "second", "darker buttons")
    jobs = {("second", "ssd"): Job("running", "is running, at its learning")}
    [course] = gathered(packed, outputs, jobs=jobs).courses
    assert (course.name, course.memo, course.ended) == ("second", "darker buttons", "")
    assert [(part.learner, part.told, part.grade) for part in course.parts] == [
        ("resnet34", "has learned, and was brought back", None),
        ("ssd", "is running, at its learning", None),
    ]
    assert [chart.title for chart in course.parts[1].charts] == ["loss", "score"]
    [course] = gathered(packed, outputs, jobs={("second", "ssd"): Job("lost", "was lost: killed")}).courses
    assert course.parts[1].grade == "fault"
    assert course.parts[1].told == (
        "was lost: killed; the same doit task begins it anew, doit output:rm second drops it"
    )
    [course] = gathered(packed, outputs).courses
    assert course.parts[1].told == "isn't brought back yet"
    (task.folder / "ssd.log").unlink()
    [course] = gathered(packed, outputs, jobs={("second", "ssd"): Job("none", "isn't there")}).courses
    assert course.parts[1].told == "not yet"


def test_learning_that_was_cancelled(packed: Workspace, outputs: Path) -> None:
    """Somebody wanted that: it is a note, with what begins it anew and what drops it."""
    at_work(outputs, "third")
    jobs = {("third", "ssd"): Job("cancelled", "was cancelled by ann@here at 2026-01-02 03:04 UTC")}
    [course] = gathered(packed, outputs, jobs=jobs).courses
    assert course.parts[1].grade == "note"
    assert course.parts[1].told == (
        "was cancelled by ann@here at 2026-01-02 03:04 UTC; "
        "the same doit task begins it anew, doit output:rm third drops it"
    )


def test_how_long_it_took(packed: Workspace, outputs: Path) -> None:
    """A course says for how long it went on, where its times can be told."""
    output(outputs, "first")
    output(outputs, "odd", "once upon a time")
    assert {course.name: course.lasted for course in gathered(packed, outputs).courses} == {
        "first": "2 h 0 min",
        "odd": "",
    }


def test_what_cannot_be_read(packed: Workspace, outputs: Path) -> None:
    """A broken record is a line, and all others are told."""
    output(outputs, "first")
    output(outputs, "second")
    (outputs / "first/record.json").write_text("{")
    at_work(outputs, "third")
    (outputs / ".unfinished/third/task.json").write_text("{")
    found = gathered(packed, outputs)
    assert [each.name for each in found.outputs] == ["second"]
    assert [line.partition(": ")[0] for line in found.unread] == [
        str(outputs / "first/record.json"),
        str(outputs / ".unfinished/third/task.json"),
    ]


def test_a_time_that_is_none(packed: Workspace, outputs: Path) -> None:
    """It stands there as it is."""
    output(outputs, "first", "once upon a time")
    assert gathered(packed, outputs).outputs[0].when == "once upon a time"


def test_nothing_has_changed(packed: Workspace, outputs: Path) -> None:
    """Where a learner learned from just this dataset, that is said."""
    given = sources(packed, outputs)
    now = {title: made_by_hand(project) for title, project in given.taken["ssd"].items()}
    digest = store.sha256(packed.folder / "data_set/ssd.tar.gz")
    output(outputs, "first", ssd=learned(projects=now, dataset=digest))
    found = gather(given, Known("now"))
    since = learner(found, "ssd").since
    assert since is not None
    assert (since.output, since.when, since.lines, since.same) == ("first", "2026-01-02 05:00", (), True)
    assert learner(found, "resnet34").since is None


def test_what_has_changed(packed: Workspace, outputs: Path) -> None:
    """Since the newest output of a learner: hand-made files that came, went or changed, settings, and the images."""
    given = sources(packed, outputs)
    then = {title: made_by_hand(project) for title, project in given.taken["ssd"].items()}
    then["close_btn"] |= {"master/image.jpg": "other", "data_augmentation/words.txt": "gone"}
    del then["far_btn"]["data_augmentation/daug.py"]
    del then["drawn"]
    then["old_btn"] = {"master/image.jpg": "aa"}
    settings = {
        "workspace": {"seed": 7, "labelling_canvas": [400, 400], "split": {"train_percent": 80}, "former": 1},
        "learner": {"canvas": [300, 300], "labels": {"close_btn": "close"}},
    }
    output(outputs, "older", "2026-01-01T05:00:00Z")
    output(outputs, "first", ssd=learned(projects=then, settings=settings))
    output(outputs, "newer", "2026-01-09T05:00:00Z", resnet34=learned())
    since = learner(gather(given, Known("now")), "ssd").since
    assert since is not None
    assert (since.output, since.images, since.same) == ("first", (10, 28), False)
    assert since.lines == (
        "close_btn: data_augmentation/words.txt is gone",
        "close_btn: master/image.jpg changed",
        "drawn: is new",
        "far_btn: data_augmentation/daug.py is new",
        "old_btn: is gone",
        "learner.canvas: [300,300] became [400,400]",
        'learner.labels: {"close_btn":"close"} became {"sign_*":"sign","far_btn":"close","close_btn":"close"}',
        "workspace.seed: 7 became 1",
    )


def test_numbers_by_label() -> None:
    """What the results say of each label is a table, the worst label first; one without boxes comes last."""
    numbers = {
        "val_accuracy": 0.9,
        "speed.all": 3.0,
        "classes.close.images": 20,
        "classes.close.recall": 0.5,
        "classes.skip.images": 4,
        "classes.skip.recall": 0.25,
        "classes.sign.images": 1,
        "classes.nowhere.images": 0,
        "classes.nowhere.boxes": 0,
        "classes.nowhere.recall": 0,
    }
    found = by_label(numbers)
    assert found is not None
    assert (found.by, found.columns) == ("recall", ("images", "recall", "boxes"))
    assert [(row.label, row.values) for row in found.rows] == [
        ("sign", ("1", "", "")),
        ("skip", ("4", "0.25", "")),
        ("close", ("20", "0.5", "")),
        ("nowhere", ("0", "0", "0")),
    ]
    assert by_label({"val_accuracy": 0.9, "speed.all": 3.0}) is None
