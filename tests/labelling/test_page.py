"""The labelling page in a real browser: what is drawn with mouse and keys is what the file says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dlim.annotation import Box, Object
from dlim.formats import voc as voc_format
from dlim.labelling.page import page as page_text
from tests.browser import ALT, CTRL, SHIFT, Browser, Page
from tests.labelling.conftest import CANVAS, CROP, Served, project_in, serving, voc

ASKED = "performance.getEntriesByType('resource').filter(one => one.name.endsWith('/annotation')).length == {}"
"""Whether the page has had so many answers about boxes; the first is what it starts from."""


class Sheet:
    """The page, with the pixels of its image as VOC counts them."""

    def __init__(self, page: Page, served: Served) -> None:
        self.page = page
        self.served = served

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The middle of a pixel on the page."""
        left, upper, zoom = self.page.evaluate(
            "(box => [box.x + view.x, box.y + view.y, view.zoom])(stage.getBoundingClientRect())"
        )
        return left + (x - 0.5) * zoom, upper + (y - 0.5) * zoom

    def drag(self, start: tuple[float, float], end: tuple[float, float], keys: int = 0) -> None:
        self.page.drag(self.at(*start), self.at(*end), keys=keys)

    def label(self, text: str) -> None:
        self.page.fill("#label", text)

    @property
    def state(self) -> str:
        return self.page.text("#state")

    @property
    def rows(self) -> list[str]:
        """The list of objects as it is shown, a line each."""
        rows = self.page.evaluate("[...document.querySelectorAll('#objects button')].map(row => row.innerText)")
        return [" ".join(row.split()) for row in rows]

    def save(self) -> None:
        self.page.key("s", CTRL)
        self.page.wait("drawing.isSaved")

    def saved(self) -> list[tuple[str, tuple[float, float, float, float]]]:
        """What the file has: each label with xmin, ymin, xmax, ymax."""
        found = voc_format.read(self.served.project.boxes).objects
        return [(thing.label, (thing.box.x1 + 1, thing.box.y1 + 1, thing.box.x2, thing.box.y2)) for thing in found]


@contextmanager
def opened(chromium: Browser, served: Served) -> Iterator[Sheet]:
    """The page in a tab of its own, which must complain of nothing."""
    page = chromium.page()
    try:
        page.open(served.address)
        page.wait("document.getElementById('state').dataset.state")
        sheet = Sheet(page, served)
        yield sheet
        assert page.errors == []
    finally:
        page.close()


@pytest.fixture
def sheet(chromium: Browser, served: Served) -> Iterator[Sheet]:
    """The page of a project that nobody has labelled yet."""
    with opened(chromium, served) as one:
        yield one


def test_drawing_and_saving(sheet: Sheet) -> None:
    """Two boxes are drawn, one is moved and one resized, labels are typed: the file has just these pixels."""
    assert sheet.state == "No box yet"
    sheet.drag((5, 7), (20, 15))
    assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]
    assert sheet.state == "Not saved"
    sheet.page.key("Escape")
    sheet.drag((22, 3), (31, 12))
    sheet.label("skip_btn")
    sheet.drag((26, 8), (25, 10))  # from inside: the box moves
    sheet.page.click("#difficult")
    sheet.page.click("#objects li:first-child button")
    left, upper = sheet.at(20, 15)
    zoom = sheet.page.evaluate("view.zoom")
    corner = left + zoom / 2, upper + zoom / 2
    sheet.page.drag(corner, (corner[0] + 2 * zoom, corner[1] + 3 * zoom))
    sheet.page.click("#truncated")
    assert sheet.rows == ["close_btn truncated x 5–22 y 7–18 18 × 12", "skip_btn difficult x 21–30 y 5–14 10 × 10"]
    sheet.page.click("#save")
    sheet.page.wait("drawing.isSaved")
    assert sheet.state == "Saved"
    annotation = voc_format.read(sheet.served.project.boxes)
    assert (annotation.width, annotation.height) == CANVAS
    assert annotation.objects == (
        Object("close_btn", Box(4, 6, 22, 18), truncated=True),
        Object("skip_btn", Box(20, 4, 30, 14), difficult=True),
    )


def test_saving_twice(sheet: Sheet) -> None:
    """A second save of the same boxes changes no byte, and does not touch the file."""
    sheet.drag((1, 1), CROP)
    sheet.save()
    path = sheet.served.project.boxes
    os.utime(path, ns=(1, 1))
    before = path.read_bytes()
    sheet.page.key("ArrowLeft", CTRL)
    assert sheet.state == "Not saved"
    sheet.page.key("ArrowRight", CTRL)
    assert sheet.state == "Saved"
    sheet.page.click("#save")
    sheet.page.wait(ASKED.format(3))
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == 1
    sheet.page.reload()
    sheet.page.wait("document.getElementById('state').dataset.state == 'saved'")
    assert sheet.rows == ["close_btn x 1–32 y 1–24 32 × 24"]


def test_undo_and_redo(sheet: Sheet) -> None:
    """Each step is taken back and made again, by keys and by buttons; a held arrow is one step."""
    sheet.drag((5, 7), (20, 15))
    sheet.label("skip_btn")
    sheet.page.click(sheet.at(30, 20))
    assert sheet.page.evaluate("document.getElementById('editor').hidden")
    sheet.page.click(sheet.at(10, 10))
    sheet.page.key("Delete")
    assert sheet.rows == []
    sheet.page.key("z", CTRL)
    assert sheet.rows == ["skip_btn x 5–20 y 7–15 16 × 9"]
    sheet.page.click("#undo")
    assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]
    sheet.page.key("z", CTRL)
    assert sheet.rows == []
    assert sheet.state == "No box yet"
    assert sheet.page.evaluate("document.getElementById('undo').disabled")
    sheet.page.key("z", CTRL | SHIFT)
    sheet.page.click("#redo")
    assert sheet.rows == ["skip_btn x 5–20 y 7–15 16 × 9"]
    sheet.page.evaluate(
        "for (const repeat of [false, true, true, true])"
        " document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', repeat, bubbles: true}))"
    )
    assert sheet.rows == ["skip_btn x 9–24 y 7–15 16 × 9"]
    sheet.page.key("z", CTRL)
    assert sheet.rows == ["skip_btn x 5–20 y 7–15 16 × 9"]


def test_the_keyboard(sheet: Sheet) -> None:
    """Arrows move by a pixel, with Shift by ten, and with Alt or Ctrl resize; the image's edges hold."""
    page = sheet.page
    sheet.drag((5, 7), (20, 15))
    for key, keys, where in (
        ("ArrowRight", 0, "x 6–21 y 7–15"),
        ("ArrowDown", SHIFT, "x 6–21 y 17–25"),
        ("ArrowLeft", SHIFT, "x 1–16 y 17–25"),  # as far as there is room
        ("ArrowUp", 0, "x 1–16 y 16–24"),
        ("ArrowRight", ALT, "x 1–17 y 16–24"),
        ("ArrowUp", CTRL, "x 1–17 y 16–23"),
        ("ArrowUp", CTRL | SHIFT, "x 1–17 y 16–17"),  # two pixels are the least
        ("ArrowLeft", ALT | SHIFT, "x 1–7 y 16–17"),
    ):
        page.key(key, keys)
        assert where in sheet.rows[0]
    page.key("b")
    page.key("t")
    page.key("d")
    assert sheet.rows == ["close_btn truncated, difficult x 1–32 y 1–24 32 × 24"]
    page.key("d")
    page.key("Enter")
    page.type("round")
    page.key("Enter")
    page.key("ArrowRight")  # which moves the box again, and no cursor
    assert sheet.rows == ["round truncated x 2–33 y 1–24 32 × 24"]
    page.key("Escape")
    page.key("[")
    page.key("Backspace")
    assert sheet.rows == []


def test_labels_by_number(sheet: Sheet) -> None:
    """A digit gives the chosen box one of the labels in use."""
    sheet.drag((2, 2), (10, 10))
    sheet.drag((12, 12), (20, 20), SHIFT)
    sheet.label("skip_btn")
    assert sheet.page.text("#chips").split() == ["close_btn1", "skip_btn2"]
    sheet.page.click("#stage")
    sheet.page.key("Escape")
    sheet.page.key("[")
    sheet.page.key("1")
    assert [row.split()[0] for row in sheet.rows] == ["close_btn", "close_btn"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Close", "Upper-case letters are lower-cased by SSD loaders: write “close”."),
        ("close btn", "Use a-z, 0-9, _ and - only, up to 40 of them."),
        ("", "Type a label."),
    ],
)
def test_a_broken_label(sheet: Sheet, text: str, reason: str) -> None:
    """A text that can't be a label shows why, changes nothing, and is not saved."""
    sheet.drag((5, 7), (20, 15))
    sheet.page.click("#label")
    sheet.page.key("a", CTRL)
    sheet.page.key("Delete")
    sheet.page.type(text)
    sheet.page.key("s", CTRL)
    assert sheet.page.text("#label-fault") == reason
    assert sheet.page.evaluate("document.activeElement.id") == "label"
    assert sheet.rows[0].startswith("close_btn ")
    sheet.page.key("Enter", CTRL)  # nor does it end there
    assert sheet.page.evaluate("document.activeElement.id") == "label"
    assert not sheet.served.project.boxes.exists()
    sheet.label("close")
    assert sheet.page.evaluate("document.getElementById('label-fault').hidden")
    sheet.save()
    assert sheet.saved() == [("close", (5, 7, 20, 15))]


def test_what_the_server_refuses(sheet: Sheet) -> None:
    """A box that no build could use is told where it is drawn, and again when it is to be saved."""
    sheet.page.key("0")
    sheet.drag((200, 200), (220, 220))
    assert sheet.rows[0].endswith("Lies outside the crop.")
    sheet.page.key("s", CTRL)
    sheet.page.wait("!document.getElementById('message').hidden")
    assert sheet.page.text("#told") == "object 1: its box lies outside the crop; draw it around what the crop shows"
    assert sheet.state == "Not saved"
    assert not sheet.served.project.boxes.exists()
    assert len(sheet.page.errors) == 1  # the browser's own line about a status of 400
    sheet.page.errors.clear()
    sheet.page.key("b")
    sheet.save()
    assert sheet.page.evaluate("document.getElementById('message').hidden")
    assert sheet.saved() == [("close_btn", (1, 1, *CROP))]


def test_drawing_to_the_edges(sheet: Sheet) -> None:
    """A drag from beside the image to far beyond it covers all of it, in any direction; a click draws nothing."""
    sheet.page.key("0")
    for start, end in (((-20, -20), (500, 400)), ((420, -20), (-20, 400))):
        sheet.drag(start, end, SHIFT)
        assert sheet.rows == ["close_btn x 1–400 y 1–300 400 × 300"]
        sheet.page.key("Delete")
    sheet.page.click(sheet.at(10, 10))
    assert sheet.rows == []
    sheet.page.key("c")
    sheet.drag((9, 9), (9, 9.4))  # within one pixel
    assert sheet.rows == ["close_btn x 9–10 y 9–10 2 × 2"]


def test_escape_lets_go(sheet: Sheet) -> None:
    """Escape during a drag takes it back."""
    sheet.page.move(*sheet.at(5, 5))
    sheet.page.press(*sheet.at(5, 5))
    sheet.page.move(*sheet.at(15, 15))
    assert sheet.page.text("#tags") == "close_btn11 × 11"
    sheet.page.key("Escape")
    sheet.page.release(*sheet.at(15, 15))
    assert sheet.rows == []


def test_zoom(sheet: Sheet) -> None:
    """Wheel, keys and buttons zoom; the pixel under the pointer stays; drawing is exact at every zoom."""
    page = sheet.page
    x, y = sheet.at(16, 12)
    page.move(x, y)
    before = page.evaluate("view.zoom")
    page.wheel(x, y, -120)
    page.wait(f"view.zoom > {before}")
    assert sheet.at(16, 12) == pytest.approx((x, y), abs=1)
    assert page.text("#pointer").split() == ["x", "16", "y", "12"]
    page.wheel(x, y, 120)
    page.wait(f"view.zoom == {before}")
    page.key("-")
    assert page.evaluate("view.zoom") < before
    page.click("#larger")
    assert page.evaluate("view.zoom") == before
    for zoom in (1, 2, 3, 6, 12):
        page.evaluate(f"showPart({{x1: 0, y1: 0, x2: 32, y2: 24}}), zoomTo({zoom})")
        sheet.drag((3, 4), (30, 21), SHIFT)
        assert sheet.rows == ["close_btn x 3–30 y 4–21 28 × 18"]
        page.key("Delete")
    assert page.evaluate("getComputedStyle(document.getElementById('image')).imageRendering") == "pixelated"


def test_moving_the_image(sheet: Sheet) -> None:
    """The middle button, or Space and the left one, move the image and draw nothing."""
    for button, space in (("middle", False), ("left", True)):
        x, y = sheet.at(16, 12)
        if space:
            sheet.page.hold(" ", True)
        sheet.page.drag((x, y), (x + 40, y + 30), button=button)
        if space:
            sheet.page.hold(" ", False)
        assert sheet.at(16, 12) == (x + 40, y + 30)
    assert sheet.rows == []


def test_fingers(sheet: Sheet) -> None:
    """On a phone one finger draws, and two zoom and move the image and draw nothing."""
    sheet.page.size(390, 844, touch=True)
    sheet.page.click("#to-crop")
    sheet.page.touch([sheet.at(5, 7)], [sheet.at(9, 9)], [sheet.at(20, 15)])
    assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]
    before = sheet.page.evaluate("view.zoom")
    (x, y), middle = sheet.at(16, 12), sheet.at(16, 12)
    spread = [[(x - far, y), (x + far, y)] for far in (40, 60, 80)]
    sheet.page.touch(*spread)
    assert sheet.page.evaluate("view.zoom") == pytest.approx(2 * before)
    assert sheet.at(16, 12) == pytest.approx(middle, abs=1)
    assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]


def test_a_double_click(sheet: Sheet) -> None:
    """Save and Done, clicked twice in a row, do it once and complain of nothing."""
    sheet.drag((5, 7), (20, 15))
    sheet.page.evaluate("for (let i = 0; i < 2; i++) document.getElementById('save').click()")
    sheet.page.wait(ASKED.format(1 + 2))
    assert sheet.page.evaluate("document.getElementById('message').hidden")
    assert sheet.state == "Saved"
    sheet.page.evaluate("for (let i = 0; i < 2; i++) document.getElementById('done').click()")
    sheet.page.wait("!document.getElementById('ended').hidden")
    assert sheet.page.evaluate("document.getElementById('message').hidden")
    assert sheet.served.thread is not None
    sheet.served.thread.join(60)


def test_escape_while_typing(sheet: Sheet) -> None:
    """Escape puts back the label or the edge that was there, also where what was typed can't be one."""
    sheet.drag((5, 7), (20, 15))
    for field, text in (("xmin", "9"), ("xmin", "30.5"), ("label", "other"), ("label", "No Label")):
        before = sheet.page.evaluate(f"document.getElementById('{field}').value")
        sheet.page.click(f"#{field}")
        sheet.page.key("a", CTRL)
        sheet.page.type(text)
        sheet.page.key("Escape")
        assert sheet.page.evaluate(f"document.getElementById('{field}').value") == before
        assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]


def test_typed_pixels(sheet: Sheet) -> None:
    """An edge can be typed; what is no whole number is put back, what leaves the image is held by its edge."""
    sheet.drag((5, 7), (20, 15))
    sheet.page.fill("#xmin", "3")
    sheet.page.fill("#ymax", "9999")
    sheet.page.fill("#xmax", "30.5")
    sheet.page.fill("#ymin", "")
    assert sheet.rows == ["close_btn x 3–20 y 7–300 18 × 294"]
    assert sheet.page.evaluate("document.getElementById('xmax').value") == "20"
    assert sheet.page.evaluate("document.getElementById('ymin').value") == "7"


def test_leaving_unsaved(sheet: Sheet) -> None:
    """The browser asks before boxes are lost that were not saved, and only then."""
    sheet.drag((5, 7), (20, 15))
    sheet.page.open(sheet.served.address)
    assert sheet.page.dialogs == ["beforeunload"]
    sheet.page.wait("document.getElementById('state').dataset.state == 'empty'")
    sheet.drag((5, 7), (20, 15))
    sheet.save()
    sheet.page.open(sheet.served.address)
    assert sheet.page.dialogs == ["beforeunload"]


def test_done(chromium: Browser, served: Served) -> None:
    """Done saves, says so, and ends the server; then the page asks nothing any more."""
    with opened(chromium, served) as sheet:
        sheet.drag((5, 7), (20, 15))
        sheet.page.click("#done")
        sheet.page.wait("!document.getElementById('ended').hidden")
        assert sheet.page.text("#ended-text") == f"1 object is in {served.project.boxes}. You can close this tab."
        assert sheet.saved() == [("close_btn", (5, 7, 20, 15))]
        assert served.thread is not None
        served.thread.join(60)
        assert not served.thread.is_alive()
        sheet.page.open("about:blank")
        assert sheet.page.dialogs == []


def test_a_server_that_has_ended(chromium: Browser, served: Served) -> None:
    """When dlim is gone the page says so, and keeps what was drawn."""
    with opened(chromium, served) as sheet:
        served.ask("POST", "/done", {})
        assert served.thread is not None
        served.thread.join(60)
        sheet.drag((5, 7), (20, 15))
        sheet.page.click("#save")
        sheet.page.wait("!document.getElementById('message').hidden")
        assert sheet.page.text("#told").startswith("dlim doesn’t answer")
        assert sheet.state == "Not saved"
        assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]
        sheet.page.errors.clear()  # the browser's own line about the connection


def test_another_program_saves_meanwhile(sheet: Sheet) -> None:
    """The page offers to load what is there now, or to save over it."""
    boxes = sheet.served.project.boxes
    sheet.drag((5, 7), (20, 15))
    for choice, left in (("#replace", "close_btn x 5–20 y 7–15 16 × 9"), ("#reload", "other x 2–9 y 3–9 8 × 7")):
        boxes.write_text(voc(CANVAS, ("other", 2, 3, 9, 9)))
        sheet.page.key("s", CTRL)
        sheet.page.wait("!document.getElementById('choices').hidden")
        sheet.page.click(choice)
        sheet.page.wait("document.getElementById('message').hidden")
        assert sheet.rows == [left]
        assert sheet.state == "Saved"
    sheet.page.errors.clear()


def test_a_file_of_another_program(chromium: Browser, tmp_path: Path) -> None:
    """Boxes drawn on the crop are shown where it stands; what had to be mended is said, and counts as not saved."""
    project = project_in(tmp_path / "p", placement="right-lower")
    project.boxes.write_text(voc(CROP, ("Close", 5, 7, 40, 20)))
    with serving(project) as served, opened(chromium, served) as sheet:
        assert sheet.rows[0].startswith("Close x 373–400 y 283–296 28 × 14 Upper-case letters")
        assert sheet.page.text("#told") == 'the box of "Close" is brought to whole pixels inside the image'
        assert sheet.state == "Not saved"
        sheet.label("close")
        sheet.save()
        assert sheet.saved() == [("close", (373, 283, 400, 296))]


def test_hostile_texts(chromium: Browser, tmp_path: Path) -> None:
    """Markup in names and labels of a file is text on the page, and nothing else."""
    project = project_in(tmp_path / "<img src=x onerror=alert(1)>")
    evil = "&lt;/script&gt;&lt;img src=x onerror=&quot;document.title='evil'&quot;&gt;"
    project.boxes.write_text(voc(CROP, (evil, 5, 7, 20, 20)))
    labels = "</datalist><script>alert(1)</script>", "close_btn"
    with serving(project, labels) as served, opened(chromium, served) as sheet:
        assert sheet.rows[0].startswith("</script><img src=x onerror=")
        assert sheet.page.evaluate("document.title") == "close_btn – dlim"
        assert sheet.page.evaluate("document.images.length") == 1
        assert sheet.page.dialogs == []


def test_nothing_from_elsewhere(sheet: Sheet) -> None:
    """The page asks its own server for the image and the boxes, and nobody for anything else."""
    own = f"http://127.0.0.1:{sheet.served.port}/"
    asked = [address.removeprefix(own) for address in sheet.page.requests if not address.startswith(f"blob:{own}")]
    assert asked == [f"?token={sheet.served.token}", "annotation", "image"]
    assert b"http" not in page_text().html.replace(b"http://www.w3.org/2000/svg", b"")


@pytest.mark.parametrize(("width", "height", "dark"), [(1280, 800, False), (1280, 800, True), (360, 640, False)])
def test_it_fits(sheet: Sheet, width: int, height: int, dark: bool) -> None:
    """On a desk and on a phone, by day and by night, nothing is cut off sideways and all texts can be read."""
    sheet.page.size(width, height, touch=width < 500)
    sheet.page.dark(dark)
    sheet.drag((5, 7), (20, 15))
    sheet.page.fill("#label", "a" * 40)
    assert sheet.page.evaluate("document.documentElement.scrollWidth") <= width
    assert sheet.page.evaluate(CUT_OFF) == []
    assert sheet.page.evaluate(FAINT) == []


CUT_OFF = """
[...document.querySelectorAll("header *, .tools *, aside *")].filter((element) => {
  const box = element.getBoundingClientRect();
  return box.width && (box.left < 0 || box.right > innerWidth + 1);
}).map((element) => element.id || element.className || element.tagName)
"""

FAINT = """
(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = numbers(colour).map((value) => linear(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const back = getComputedStyle(element).backgroundColor;
    return !element.parentElement || (numbers(back)[3] ?? 1) === 1 ? back : behind(element.parentElement);
  };
  const texts = [...document.querySelectorAll("header *, .tools *, aside *, .tag")].filter((element) =>
    element.checkVisibility() && !element.closest(":disabled") &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return texts.filter((element) => {
    const [one, other] = [light(getComputedStyle(element).color), light(behind(element))];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) < 4.5;
  }).map((element) => `${element.tagName}.${element.id || element.className}: ${element.textContent}`);
})()
"""
"""The elements whose text stands out from what is behind it by less than 4.5, the WCAG's least contrast."""
