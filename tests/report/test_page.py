"""The page: first what somebody should see to; in a real browser it tells all, and runs nothing that it was given."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page

from dlim.config import Config, Learner, Settings
from dlim.geometry import Box, Object
from dlim.report.checks import Case, Check, Finding, Grade, Thresholds
from dlim.report.dataset import Counts, Row
from dlim.report.facts import Course, Facts, Job, Known, LearnerFacts, Part, Reason, Service, Shown, Standing
from dlim.report.gather import Sources, gather
from dlim.report.page import LISTED, causes, page, problems, verdict
from dlim.runs.history import Deployed
from dlim.runs.scores import Baseline
from tests.browser import tab, unfit
from tests.report.datasets import BOX, Made, copied, jpeg, made
from tests.report.past import LOG, at_work, judged, learned, output

# what comes first

MIX = Counts((), (), Row("all", 8, 2, 10))


def finding(key: str, grade: Grade, *cases: Case) -> Shown:
    check = Check(key, grade, f"{key}s", f"{key} is there", f"{key}s are there", "", lambda dataset, thresholds: ())
    return Shown(Finding(check, cases), (), ())


def facts(
    *learners: LearnerFacts, courses: tuple[Course, ...] = (), unread: tuple[str, ...] = (), **known: object
) -> Facts:
    told = Known("now", **known)  # type: ignore[arg-type]
    return Facts("ws", "", told, learners, courses, unread=unread)


def said(found: Facts) -> list[str]:
    return [
        f"{problem.grade} {problem.place}: {problem.told} #{problem.anchor}"
        + (f" > {problem.remedy}" if problem.remedy else "")
        + (f" | {problem.stops}" if problem.stops else "")
        for problem in problems(found)
    ]


def test_all_is_well() -> None:
    """Notes are no problem, nor is a check that found nothing."""
    found = facts(
        LearnerFacts("ssd", "native", mix=MIX, findings=(finding("leak", "fault"), finding("edge", "note", Case("a")))),
        steps=(Standing("augment:a", "up to date"),),
        services=(Service("ssd", "gpu"),),
    )
    assert said(found) == []
    assert verdict([], found) == "All is well"


def test_nothing_is_built_yet() -> None:
    """A workspace without a dataset isn't called well, and its steps aren't counted as problems besides."""
    steps = (Standing("augment:a", "to run", (Reason("augment:a", "was never built"),)),)
    assert said(facts(LearnerFacts("ssd", "native"), steps=steps)) == [
        "warning ssd: no dataset yet #learner:ssd > doit dataset:ssd"
    ]


def test_the_worst_comes_first() -> None:
    """Faults of all kinds stand before warnings of all kinds, with the only place, the way out, and what waits."""
    learner = LearnerFacts(
        "ssd",
        "native",
        mix=MIX,
        findings=(
            finding("tiny", "warning", Case("Annotations/a.xml"), Case("Annotations/b.xml")),
            finding("leak", "fault", Case("JPEGImages/a.jpg")),
        ),
    )
    part = Part("ssd", "its learning ended with status 1; look there", "fault", (), (), ("loss is no number",), ())
    weight = Deployed(by="", output="first", learner="ssd", sha256="0" * 64, fault="its switch has not come to an end")
    fault = Reason("augment:a@native", "a: daug.py raised; mend it", failed=True)
    found = facts(
        learner,
        courses=(Course("third", "", "ann@here", "then", "", (part,)),),
        unread=("output/first/record.json: is no record; restore it",),
        steps=(
            Standing("augment:a@native", "failing", (fault,)),
            Standing("annotate:a@ssd", "failing", (fault,)),
            Standing("tarball:ssd", "failing", (fault,)),
            Standing("locate:b", "to run", (Reason("locate:b", "b.xml changed"),)),
        ),
        services=(Service("ssd", "gpu", weight), Service("resnet34", "gpu2", fault="gpu2: is silent; look there")),
    )
    assert said(found) == [
        "fault files: output/first/record.json: is no record; restore it #summary",
        "fault a: daug.py raised #steps > mend it | 2 steps wait, the dataset of ssd among them",
        "fault ssd: 1 leak is there (JPEGImages/a.jpg) #learner:ssd:leak",
        "fault third, ssd: its learning ended with status 1 #learning-1 > look there",
        "warning datasets: are not up to date (b: b.xml changed) #changes > doit dataset",
        "warning ssd: 2 tinys are there #learner:ssd:tiny",
        "warning third, ssd: loss is no number #learning-1",
        "warning service of ssd: first: its switch has not come to an end #deployments",
        "warning gpu2 of resnet34: gpu2: is silent #deployments > look there",
    ]
    assert verdict(problems(found), found) == "4 faults and 5 warnings"


def test_one_cause_is_one_problem() -> None:
    """What one project has on two canvases, two learners in one dataset, or many steps by one reason, is told once."""
    fault = "a: daug.py raised; mend it"
    tiny = finding("tiny", "warning", Case("x"), Case("y"))
    code = "dlim's own code changed"
    both = (Reason("augment:a@native", fault, failed=True), Reason("augment:a@400x400", fault, failed=True))
    steps = (
        Standing("augment:a@native", "failing", both[:1]),
        Standing("augment:a@400x400", "failing", both[1:]),
        Standing("augment:b@native", "to run", (Reason("augment:b@native", code),)),
        Standing("augment:c@native", "to run", (Reason("augment:c@native", code),)),
        Standing("split:ssd", "failing", (*both, Reason("augment:b@native", code))),
    )
    learners = [LearnerFacts(name, "native", mix=MIX, findings=(tiny,)) for name in ("ssd", "resnet34")]
    assert said(facts(*learners, steps=steps)) == [
        "fault a: daug.py raised #steps > mend it | 1 step waits",
        "warning datasets: are not up to date (b, c: dlim's own code changed) #changes > doit dataset",
        "warning ssd, resnet34: 2 tinys are there #learner:ssd:tiny",
    ]
    assert [(cause.told, cause.places, cause.stops) for cause in causes(steps)] == [
        ("a: daug.py raised", ("a",), 1),
        (code, ("b", "c"), 1),
    ]


def test_a_cancelled_learning_task_is_a_note() -> None:
    """It stands in its section; all is well without it."""
    part = Part("ssd", "was cancelled by ann@here", "note", (), (), (), ())
    course = Course("third", "", "ann@here", "then", "", (part,))
    assert said(facts(LearnerFacts("ssd", "native", mix=MIX), courses=(course,))) == []


def test_past_learning_is_no_problem_any_more() -> None:
    """Of what became an output, only the metrics of the newest are worth a word."""
    part = Part("ssd", "has learned, but its test ended with status 1", "warning", (), (), ("loss is no number",), ())
    past = tuple(Course(name, "", "", "then", "later", (part,)) for name in ("second", "first"))
    assert said(facts(courses=past)) == ["warning second, ssd: loss is no number #learning-1"]


def test_a_weight_that_dlim_knows_nothing_of() -> None:
    """It is told without a name."""
    weight = Deployed(by="", output="", learner="ssd", sha256="0" * 64, fault="was placed by hand, over first")
    found = facts(services=(Service("ssd", "gpu", weight),))
    assert said(found) == ["warning service of ssd: the weight was placed by hand, over first #deployments"]


# in the browser

SCRIPT = "<script>window.hacked = 1</script>"
IMAGE = '"><img src=x onerror="window.hacked = 1">'
TEMPLATE = "{{ 7 * 7 }}{% raw %}"
TURNED = "\u202egnp.exe"
HOSTILE = f"{SCRIPT}{IMAGE}{TEMPLATE}{TURNED}\0\x1b[31m' onload='window.hacked = 1"


def gathered(folder: Path, **more: object) -> Facts:
    """What is to be told of a learner ssd whose dataset and outputs lie in a folder."""
    config = Config(Settings(), {"ssd": Learner(canvas=(64, 48))})
    known = Known("2026-01-02 03:04", **more)  # type: ignore[arg-type]
    return gather(Sources("games", config, {"ssd": {}}, folder / "data_set", folder / "output"), known)


@pytest.fixture
def packed(tmp_path: Path) -> Made:
    """A dataset in which nothing is wrong."""
    return made(tmp_path / "data_set/ssd")


@contextmanager
def opened(
    chromium: Browser, found: Facts, folder: Path, width: int = 1280, *, dark: bool = False, touch: bool = False
) -> Iterator[Page]:
    """The page of these facts in a tab of its own, which must complain of nothing, and ask for nothing."""
    path = folder / "report.html"
    path.write_text(page(found), encoding="utf-8")
    with tab(chromium, width, dark=dark, touch=touch) as shown:
        shown.page.goto(path.as_uri())
        yield shown.page
        assert shown.errors == []
        assert [address for address in shown.requests if not address.startswith("data:")] == [path.as_uri()]


def whole(tmp_path: Path) -> Facts:
    """Something in every section."""
    evaluation = judged(picture="ssd_shots/missed-01.jpg")
    output(tmp_path / "output", "first", memo="a first try", ssd=learned(evaluation=evaluation))
    picture = tmp_path / "output/first/ssd_shots/missed-01.jpg"
    picture.parent.mkdir()
    picture.write_bytes(jpeg(9))
    before = learned(evaluation=judged(58))
    output(tmp_path / "output", "zeroth", "2026-01-01T00:00:00Z", ssd=before)
    at_work(tmp_path / "output", "second", "darker buttons")
    return told(tmp_path)


def told(tmp_path: Path) -> Facts:
    """What is to be told of that."""
    weight = Deployed(
        time="2026-01-03T00:00:00Z",
        by="ann@here",
        output="first",
        learner="ssd",
        sha256="ab" * 32,
        path="weights/best.pth",
    )
    zeroth = msgspec.structs.replace(weight, output="zeroth", sha256="cd" * 32, time="2026-01-01T00:00:00Z")
    weight = msgspec.structs.replace(weight, was=zeroth.sha256, forced="AP50 61.3 on 18 shots")
    least = Baseline("", 4, (), judged(95.2))
    no_box = (Reason("locate:skip_btn", "skip_btn: no box; doit label:skip_btn", failed=True),)
    return gathered(
        tmp_path,
        steps=(
            Standing("annotate:close_btn@ssd", "to run", (Reason("augment:close_btn", "daug.py changed"),)),
            Standing("annotate:skip_btn@ssd", "failing", no_box),
            Standing("locate:skip_btn", "failing", no_box),
            Standing("locate:other_btn", "up to date"),
        ),
        services=(
            Service("ssd", "gpu", weight, (zeroth, weight)),
            Service("resnet34", "far", fault="far: is silent; look there"),
        ),
        jobs={("second", "ssd"): Job("running", "is running, at its learning")},
        thresholds={"ssd": Thresholds(input_size=300, smallest_prior=30)},
        baselines={"ssd": least},
    )


@pytest.mark.usefixtures("packed")
def test_everything_is_told(chromium: Browser, tmp_path: Path) -> None:
    """Every section has its heading and what belongs there; what is in service and what is wrong stand at the top."""
    with opened(chromium, whole(tmp_path), tmp_path) as shown:
        text = shown.inner_text("main")
        headings = shown.locator("h2").all_inner_texts()
        assert headings == ["Learning", "Outputs", "Deployments", "ssd", "Steps", "Changes"]
        assert shown.inner_text("h1") == "games"
        assert shown.inner_text(".verdict") == "1 fault and 3 warnings"
        first = shown.inner_text("#summary")
        for words in ("skip_btn: no box", "doit label:skip_btn", "1 step waits", "first\nsince 2026-01-03", "1 of 4"):
            assert words in first, words
        for words in (
            "10\n7 train, 3 val",
            "daug.py changed",
            "darker buttons",
            "is running, at its learning",
            "val_accuracy 0.9, best 0.9 at epoch 4",
            "epoch 4/4 loss 0.2500",
            "a first try",
            "in service",
            "far: is silent; look there",
            "Another dataset: 10 images then, 10 now.",
            "forced: AP50 61.3 on 18 shots",
        ):
            assert words in text, words
        assert shown.locator("#learning").bounding_box()["y"] < 1200  # type: ignore[index]


@pytest.mark.usefixtures("packed")
def test_how_a_weight_does_on_shots(chromium: Browser, tmp_path: Path) -> None:
    """It stands above val: by label, with the worst as pictures, beside template matching and what was there before."""
    with opened(chromium, whole(tmp_path), tmp_path) as shown:
        assert "AP50 61.3 on shots (+3.3 to the one before)" in shown.inner_text("#summary")
        assert "ssd: finds less on the shots than template matching does" in shown.inner_text("#summary")
        [part] = [each for each in shown.locator(".part").all() if "On 18 shots" in each.inner_text()][:1]
        text = part.inner_text()
        at = [text.index(each) for each in ("On 18 shots", "false finds a shot", "As of val", "val_accuracy")]
        assert at == sorted(at)
        assert "Template matching on the same shots: AP50 95.2; this weight does worse." in text
        assert "it shows variations of masters it was trained on, and no real screen" in text
        assert [row.inner_text().split()[0] for row in part.locator(".judged tbody tr").all()] == ["skip_btn", "close"]
        assert "skip_btn is taken for close 2 times" in text
        assert part.locator(".judged figure").count() == 3
        assert "0.93 on shot_01.jpg" in text
        assert shown.locator(".judged figure").count() == 3  # of the newest alone
        assert "AP50 61.3\n\n+3.3" in shown.inner_text("#outputs")


@pytest.mark.usefixtures("packed")
def test_links_lead_somewhere(chromium: Browser, tmp_path: Path) -> None:
    """Every link of the page has its place in it, and every place its own name."""
    with opened(chromium, whole(tmp_path), tmp_path) as shown:
        script = (
            "[...document.querySelectorAll('a')].map(a => document.getElementById(decodeURIComponent(a.hash.slice(1))))"
        )
        assert shown.evaluate(f"{script}.every(place => place)")
        assert shown.locator("a").count() >= 10
        names = shown.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
        assert len(names) == len(set(names))


PLANTED = {
    "repeat": "JPEGImages/close_0002.jpg",
    "leak": "JPEGImages/close_0005.jpg",
    "tiny": "Annotations/close_0003.xml",
    "label": "Annotations/skip_0001.xml",
    "clipped": "Annotations/skip_0002.xml",
}


def spoil(packed: Made) -> None:
    copied(packed.image("close_0001"), packed.image("close_0002"))
    copied(packed.image("close_0004"), packed.image("close_0005"))
    packed.write("close_0003", Object("close", Box(10, 10, 13, 13)))
    packed.edit("skip_0001", ">skip<", ">Skip<")
    packed.write("skip_0002", Object("skip", Box(0, 10, 30, 40), truncated=True))


def test_planted_defects_are_named(chromium: Browser, packed: Made, tmp_path: Path) -> None:
    """Each with its file and a picture of it, and the summary leads there."""
    spoil(packed)
    with opened(chromium, gathered(tmp_path), tmp_path) as shown:
        for key, file in PLANTED.items():
            place = shown.locator(f"[id='learner:ssd:{key}']")
            assert file in (place.text_content() or "")
            assert place.locator("image").count() >= 1
            assert shown.locator(f".problems a[href='#learner:ssd:{key}']").count() == (key != "clipped")


@pytest.mark.usefixtures("packed")
@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone(chromium: Browser, tmp_path: Path, dark: bool) -> None:
    """Nothing is wider than the screen, a table scrolls inside, and no text is smaller than can be read."""
    memo = "a_word_without_any_end_" * 12
    output(tmp_path / "output", "first", memo=memo)
    at_work(tmp_path / "output", "second", memo, LOG + "x" * 400)
    with opened(chromium, gathered(tmp_path), tmp_path, 390, dark=dark, touch=True) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") == 390
        assert shown.evaluate(
            "[...document.querySelectorAll('main *')].filter(each => !each.closest('.scroll, pre, svg, .badge'))"
            ".every(each => each.getBoundingClientRect().right <= 391)"
        )
        small = (
            "[...document.querySelectorAll('main *')].filter(each => parseFloat(getComputedStyle(each).fontSize) < 12)"
        )
        assert shown.evaluate(f"{small}.length") == 0


@pytest.mark.parametrize("dark", [False, True])
def test_everybody_can_use_it(chromium: Browser, packed: Made, tmp_path: Path, dark: bool) -> None:
    """axe finds nothing, with all that is folded open: names, roles, contrasts, in light colours and in dark ones."""
    spoil(packed)
    with opened(chromium, whole(tmp_path), tmp_path, dark=dark) as shown:
        shown.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert unfit(shown) == []
        paper = shown.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(18, 20, 24)") == dark


def hostile(packed: Made, tmp_path: Path) -> Facts:
    """Markup wherever somebody can put words."""
    for name in (SCRIPT.replace("/", "_"), "a' onload='window.hacked = 1"):
        packed.image(name).write_bytes(jpeg(50))
    packed.write("close_0001", Object(HOSTILE.replace("\0", "").replace("\x1b", ""), BOX))
    packed.edit("close_0002", "<filename>close_0002.jpg<", "<filename>&lt;script>window.hacked = 1&lt;/script><")
    packed.list("train").write_text(f"{SCRIPT}\n{IMAGE}\n")
    (packed.folder / "characters.csv").write_text(f"label,code,character\nclose,1,{SCRIPT}\n", encoding="utf-8")
    outputs = tmp_path / "output"
    part = learned(projects={SCRIPT: {IMAGE: "aa"}}, settings={"workspace": {"seed": SCRIPT}})
    log = LOG + "".join(f"epoch {number} {SCRIPT}{IMAGE} loss 0.5 acc'><b> 0.5\n" for number in (5, 6)) + HOSTILE
    output(outputs, "<b>bold", memo=HOSTILE, log=log, ssd=part)
    at_work(outputs, "second", HOSTILE, HOSTILE)
    weight = Deployed(
        by=HOSTILE, time=SCRIPT, output=HOSTILE, learner=SCRIPT, sha256="0" * 64, path=IMAGE, fault=SCRIPT
    )
    reasons = (Reason(IMAGE, HOSTILE), Reason(SCRIPT, f"{SCRIPT}; {HOSTILE}", failed=True))
    found = gathered(
        tmp_path,
        steps=(Standing(SCRIPT, f"to run'>{IMAGE}", reasons),),
        services=(Service(SCRIPT, IMAGE, weight, (weight,)), Service("ssd", SCRIPT, fault=HOSTILE)),
        jobs={("second", "ssd"): Job("failed", HOSTILE)},
    )
    return replace(found, workspace=HOSTILE, unread=(HOSTILE,))


def test_nothing_hostile_runs(chromium: Browser, packed: Made, tmp_path: Path) -> None:
    """Markup in a memo, a label, a log, a name or a reason is shown as it is, and none of it becomes an element."""
    with opened(chromium, hostile(packed, tmp_path), tmp_path) as shown:
        shown.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert shown.evaluate("window.hacked === undefined")
        assert shown.locator("script, img, iframe, object").count() == 0
        assert shown.evaluate(
            "[...document.querySelectorAll('*')].every(e => [...e.attributes].every(a => !/^on/.test(a.name)))"
        )
        text = shown.text_content("body") or ""
        assert text.count(SCRIPT) > 10
        assert text.count(TEMPLATE) > 3
        assert "\u202e" not in text
        assert "\0" not in text


@pytest.mark.usefixtures("packed")
def test_no_script_may_run(chromium: Browser, tmp_path: Path) -> None:
    """Even where markup got through, the page's policy would let it do nothing: no script, no style, no request."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.png"
    evil = (
        "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'><style>body{color:red}</style>"
        f"<img src='{address}'><link rel=stylesheet href='{address}'>"
        "<iframe src='javascript:parent.hacked = 1'></iframe>"
    )
    path = tmp_path / "evil.html"
    path.write_text(page(gathered(tmp_path)).replace("<main", f"{evil}<main"), encoding="utf-8")
    with tab(chromium) as shown, listener:
        shown.page.goto(path.as_uri())
        assert shown.page.evaluate("window.hacked === undefined")
        assert shown.page.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
        assert any("Content Security Policy" in error for error in shown.errors)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_unspeakable_names(packed: Made, tmp_path: Path) -> None:
    """A file whose name is no text makes a page that is."""
    packed.image("\udcff\udcfe").write_bytes(jpeg(3))
    assert "JPEGImages/\ufffd\ufffd.jpg" in page(gathered(tmp_path)).encode().decode()


def test_nothing_yet(chromium: Browser, tmp_path: Path) -> None:
    """An empty workspace has a page that says what to do."""
    with opened(chromium, gathered(tmp_path), tmp_path) as shown:
        text = shown.inner_text("main")
        for command in ("doit new NAME --image crop.png", "doit label:NAME", "doit dataset", "doit task --name first"):
            assert command in text
        assert unfit(shown) == []


def test_same_facts_same_page(packed: Made, tmp_path: Path) -> None:
    """The page depends on nothing but the files and what was told."""
    spoil(packed)
    text = page(whole(tmp_path))
    assert page(told(tmp_path)) == text


def test_printing_cuts_no_picture(chromium: Browser, packed: Made, tmp_path: Path) -> None:
    """On paper, nothing stands beside another thing in a grid, whose rows Chromium would cut at a page's end."""
    with opened(chromium, gathered(tmp_path), tmp_path) as shown:
        shown.emulate_media(media="print")
        around = "figures => figures.map(figure => getComputedStyle(figure.parentElement).display)"
        assert "grid" not in shown.locator("figure").evaluate_all(around)
        assert shown.locator("figure").count() >= 10


def test_long_lists_are_cut(packed: Made, tmp_path: Path) -> None:
    """Thousands of cases don't make a page that nobody can load."""
    things = [Object("close", Box(0, 0, 3, 3 + number % 40)) for number in range(30)]
    for name in ("close_0001", "close_0002", "close_0003", "close_0004"):
        packed.write(name, *things)
    text = page(gathered(tmp_path, thresholds={"ssd": Thresholds(overlap=0.01)}))
    assert f"The first {LISTED} of 1,740" in text
    assert len(text) < 1_000_000


def test_policy_allows_nothing(packed: Made, tmp_path: Path) -> None:
    """The policy stands before all it is for, and its style is the one that the page has."""
    text = page(gathered(tmp_path))
    assert text.count("Content-Security-Policy") == 1
    assert text.index("Content-Security-Policy") < text.index("<style>")
    assert "unsafe" not in text
    assert text.startswith("<!doctype html>\n")
