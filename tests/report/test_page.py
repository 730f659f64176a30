"""The page in a real browser: it tells all, on a phone and at a desk, and runs nothing that anybody has put into it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dlim.annotation import Box, Object
from dlim.config import Config, Learner, Settings
from dlim.report.facts import Facts, Job, Known, Reason, Service, TaskState
from dlim.report.finding import Thresholds
from dlim.report.gather import Sources, gather
from dlim.report.page import LISTED, page
from dlim.runs.history import Deployed
from tests import browser
from tests.browser import Browser, Page
from tests.report.datasets import BOX, Made, copied, jpeg, made
from tests.report.past import LOG, at_work, learned, output

SCRIPT = "<script>window.hacked = 1</script>"
IMAGE = '"><img src=x onerror="window.hacked = 1">'
TEMPLATE = "{{ 7 * 7 }}{% raw %}"
TURNED = "\u202egnp.exe"
HOSTILE = f"{SCRIPT}{IMAGE}{TEMPLATE}{TURNED}\0\x1b[31m' onload='window.hacked = 1"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium, for all tests here."""
    if browser.program() is None:
        pytest.skip("chromium isn't installed")
    with browser.browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


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
def opened(chromium: Browser, facts: Facts, folder: Path, width: int = 1280, *, dark: bool = False) -> Iterator[Page]:
    """The page of these facts in a tab of its own, which must complain of nothing, and ask for nothing."""
    path = folder / "report.html"
    path.write_text(page(facts), encoding="utf-8")
    tab = chromium.page(width, 800, dark=dark)
    try:
        tab.open(path.as_uri())
        yield tab
        assert tab.errors == []
        assert [address for address in tab.requests if not address.startswith("data:")] == [path.as_uri()]
    finally:
        tab.close()


def whole(tmp_path: Path) -> Facts:
    """Something in every section."""
    output(tmp_path / "output", "first", memo="a first try")
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
    return gathered(
        tmp_path,
        tasks=(
            TaskState("build:close_btn", "to run", (Reason("augment:close_btn", "daug.py changed"),)),
            TaskState("build:skip_btn", "failing", (Reason("locate:skip_btn", "skip_btn: no box", failed=True),)),
            TaskState("build:other_btn", "up to date"),
            TaskState("verify", "on demand"),
        ),
        services=(
            Service("ssd", "gpu", weight, (weight,)),
            Service("resnet34", "far", fault="far: is silent; look there"),
        ),
        jobs={("second", "ssd"): Job("running", "is running, at its learning")},
        thresholds={"ssd": Thresholds(input_size=300, smallest_prior=30)},
    )


@pytest.mark.usefixtures("packed")
def test_everything_is_told(chromium: Browser, tmp_path: Path) -> None:
    """Every section has its heading and what belongs there, and the worst stands at the top."""
    with opened(chromium, whole(tmp_path), tmp_path) as tab:
        text = tab.text("main")
        headings = tab.evaluate("[...document.querySelectorAll('h2')].map(each => each.innerText)")
        assert headings == ["ssd", "Tasks", "Learning", "Outputs", "Deployments", "Changes"]
        assert tab.text("h1") == "games"
        assert tab.text(".verdict") == "1 fault and 2 warnings"
        for told in (
            "10\n7 train, 3 val",
            "locate:skip_btn: skip_btn: no box",
            "augment:close_btn: daug.py changed",
            "darker buttons",
            "is running, at its learning",
            "val_accuracy 0.9, best 0.9 at epoch 4",
            "epoch 4/4 loss 0.2500",
            "a first try",
            "in service",
            "far: is silent; look there",
            "Another dataset: 10 images then, 10 now.",
        ):
            assert told in text, told
        assert "verify" not in text


@pytest.mark.usefixtures("packed")
def test_links_lead_somewhere(chromium: Browser, tmp_path: Path) -> None:
    """Every link of the page has its place in it, and every place its own name."""
    with opened(chromium, whole(tmp_path), tmp_path) as tab:
        script = (
            "[...document.querySelectorAll('a')].map(a => document.getElementById(decodeURIComponent(a.hash.slice(1))))"
        )
        assert tab.evaluate(f"{script}.every(place => place)")
        assert tab.evaluate("document.querySelectorAll('a').length") >= 10
        names = tab.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
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


@pytest.mark.parametrize("key", PLANTED)
def test_planted_defects_are_named(chromium: Browser, packed: Made, tmp_path: Path, key: str) -> None:
    """Each with its file and a picture of it, and the summary leads there."""
    spoil(packed)
    with opened(chromium, gathered(tmp_path), tmp_path) as tab:
        place = f"document.getElementById('learner:ssd:{key}')"
        text = tab.evaluate(f"{place}.textContent")
        assert PLANTED[key] in text
        pictures = f"[...{place}.querySelectorAll('image')]"
        assert tab.evaluate(f"{pictures}.length") >= 1
        if key != "clipped":
            assert tab.evaluate(
                f"[...document.querySelectorAll('.problems a')].some(a => a.hash == '#learner:ssd:{key}')"
            )


def test_boxes_stand_where_they_are(chromium: Browser, packed: Made, tmp_path: Path) -> None:
    """On a sample, a box has the place and size on its picture that its annotation says."""
    with opened(chromium, gathered(tmp_path), tmp_path) as tab:
        picture, box = (
            tab.evaluate(
                f"(box => [box.x, box.y, box.width, box.height])"
                f"(document.querySelector('h3 ~ .shots figure:first-child {name}').getBoundingClientRect())"
            )
            for name in ("image", ".over")
        )
        scale = picture[2] / 64
        assert picture[3] == pytest.approx(48 * scale)
        assert box[0] - picture[0] == pytest.approx(BOX.x1 * scale, abs=1)
        assert box[1] - picture[1] == pytest.approx(BOX.y1 * scale, abs=1)
        assert box[2] == pytest.approx(BOX.width * scale, abs=2)
        assert tab.evaluate("[...document.querySelectorAll('image')].length") >= 10


@pytest.mark.usefixtures("packed")
@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone(chromium: Browser, tmp_path: Path, dark: bool) -> None:
    """Nothing is wider than the screen, a table scrolls inside, and no text is smaller than can be read."""
    memo = "a_word_without_any_end_" * 12
    output(tmp_path / "output", "first", memo=memo)
    at_work(tmp_path / "output", "second", memo, LOG + "x" * 400)
    with opened(chromium, gathered(tmp_path), tmp_path, 390, dark=dark) as tab:
        tab.size(390, 844, scale=2, touch=True)
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        assert tab.evaluate(
            "[...document.querySelectorAll('main *')].filter(each => !each.closest('.scroll, pre, svg, .badge'))"
            ".every(each => each.getBoundingClientRect().right <= 391)"
        )
        small = (
            "[...document.querySelectorAll('main *')].filter(each => parseFloat(getComputedStyle(each).fontSize) < 12)"
        )
        assert tab.evaluate(f"{small}.length") == 0


CONTRAST = """
(() => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
    .getContext('2d', {willReadFrequently: true});
  const parts = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parts(getComputedStyle(each).backgroundColor);
      if (colour[3] == 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  return [...document.querySelectorAll('body *')]
    .filter(each => each.tagName != 'title')
    .filter(each => [...each.childNodes].some(node => node.nodeType == 3 && node.data.trim()))
    .map(each => {
      const style = getComputedStyle(each);
      const ink = light(parts(each instanceof SVGElement ? style.fill : style.color)), paper = light(ground(each));
      const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      return [contrast, each.tagName, each.textContent.slice(0, 40)];
    })
    .filter(([contrast]) => contrast < 4.5);
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_contrast(chromium: Browser, packed: Made, tmp_path: Path, dark: bool) -> None:
    """Every text stands out from its ground by 4.5 to 1 at least, in light colours and in dark ones."""
    spoil(packed)
    with opened(chromium, whole(tmp_path), tmp_path, dark=dark) as tab:
        assert tab.evaluate(CONTRAST) == []
        paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
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
    facts = gathered(
        tmp_path,
        tasks=(TaskState(SCRIPT, f"to run'>{IMAGE}", (Reason(IMAGE, HOSTILE), Reason(SCRIPT, SCRIPT, failed=True))),),
        services=(Service(SCRIPT, IMAGE, weight, (weight,)), Service("ssd", SCRIPT, fault=HOSTILE)),
        jobs={("second", "ssd"): Job("failed", HOSTILE)},
    )
    return replace(facts, workspace=HOSTILE, unread=(HOSTILE,))


def test_nothing_hostile_runs(chromium: Browser, packed: Made, tmp_path: Path) -> None:
    """Markup in a memo, a label, a log, a name or a reason is shown as it is, and none of it becomes an element."""
    with opened(chromium, hostile(packed, tmp_path), tmp_path) as tab:
        tab.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert tab.evaluate("window.hacked === undefined")
        assert tab.evaluate("document.querySelectorAll('script, img, iframe, object').length") == 0
        assert tab.evaluate(
            "[...document.querySelectorAll('*')].every(e => [...e.attributes].every(a => !/^on/.test(a.name)))"
        )
        text = str(tab.evaluate("document.body.textContent"))
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
    tab = chromium.page()
    try:
        tab.open(path.as_uri())
        assert tab.evaluate("window.hacked === undefined")
        assert tab.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
        assert any("Content Security Policy" in error for error in tab.errors)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
    finally:
        tab.close()
        listener.close()


def test_unspeakable_names(packed: Made, tmp_path: Path) -> None:
    """A file whose name is no text makes a page that is."""
    packed.image("\udcff\udcfe").write_bytes(jpeg(3))
    assert "JPEGImages/\ufffd\ufffd.jpg" in page(gathered(tmp_path)).encode().decode()


def test_nothing_yet(chromium: Browser, tmp_path: Path) -> None:
    """An empty workspace has a page that says what to do."""
    with opened(chromium, gathered(tmp_path), tmp_path) as tab:
        assert "No dataset yet. doit dataset:ssd makes it." in tab.text("main")
        assert "Nothing was learned yet. doit task begins." in tab.text("main")


def test_same_facts_same_page(packed: Made, tmp_path: Path) -> None:
    """The page depends on nothing but the files and what was told."""
    spoil(packed)
    text = page(whole(tmp_path))
    assert page(told(tmp_path)) == text


def test_bars_of_many_labels(chromium: Browser, packed: Made, tmp_path: Path) -> None:
    """The largest label has the longest bar; what stands together has none, however many it is."""
    things = [Object(f"label_{number:02d}", Box(number, 1, number + 9, 20)) for number in range(40)]
    for name in ("close_0001", "close_0002"):
        packed.write(name, *things)
    with opened(chromium, gathered(tmp_path), tmp_path) as tab:
        rows = "[...document.querySelector('.mix').querySelectorAll('tbody tr')]"
        names = tab.evaluate(f"{rows}.map(row => row.querySelector('th').innerText)")
        assert (names[0], names[-1], len(names)) == ("close", "30 more", 13)
        widths = tab.evaluate(
            f"{rows}.map(row => [...row.querySelectorAll('rect')].map(each => each.getBoundingClientRect().width)"
            ".reduce((sum, width) => sum + width, 0) / row.querySelector('.bar').clientWidth)"
        )
        assert widths[0] > 0.7
        assert widths[2] == pytest.approx(widths[0] / 2, abs=0.01)
        assert widths[-1] == 0


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
