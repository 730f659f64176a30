"""The labelling page in a real browser: what is drawn with mouse and keys is what the file says."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from dlim.formats import voc as voc_format
from dlim.geometry import Box, Object
from dlim.labelling.reply import page as page_text
from tests.browser import Tab, tab, unfit
from tests.labelling.conftest import CANVAS, CROP, Served, project_in, serving, voc

ALT, CTRL, SHIFT = "Alt+", "Control+", "Shift+"

ASKED = "performance.getEntriesByType('resource').filter(one => one.name.endsWith('/annotation')).length == {}"
"""Whether the page has had so many answers about boxes; the first is what it starts from."""


class Sheet:
    """The page, with the pixels of its image as VOC counts them."""

    def __init__(self, tab: Tab, served: Served) -> None:
        self.tab = tab
        self.page = tab.page
        self.served = served

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The middle of a pixel on the page."""
        left, upper, zoom = self.page.evaluate(
            "(box => [box.x + view.x, box.y + view.y, view.zoom])(stage.getBoundingClientRect())"
        )
        return left + (x - 0.5) * zoom, upper + (y - 0.5) * zoom

    def drag(self, start: tuple[float, float], end: tuple[float, float], keys: str = "") -> None:
        """Press on one pixel, go to another by way of the middle, and let go. keys: held down meanwhile."""
        self.drag_on_page(self.at(*start), self.at(*end), keys=keys)

    def drag_on_page(
        self, start: tuple[float, float], end: tuple[float, float], *, button: str = "left", keys: str = ""
    ) -> None:
        mouse, held = self.page.mouse, keys.removesuffix("+")
        if held:
            self.page.keyboard.down(held)
        mouse.move(*start)
        mouse.down(button=button)  # type: ignore[arg-type]
        mouse.move(*end, steps=2)
        mouse.up(button=button)  # type: ignore[arg-type]
        if held:
            self.page.keyboard.up(held)

    def key(self, key: str, keys: str = "") -> None:
        """Press a key, with others held down."""
        self.page.keyboard.press(f"{keys}{'Space' if key == ' ' else key}")

    def click(self, where: str | tuple[float, float]) -> None:
        """Click on an element, or at a place."""
        if isinstance(where, str):
            self.page.click(where)
        else:
            self.page.mouse.click(*where)

    def wait(self, script: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + 60
        while not self.page.evaluate(script):  # playwright's own way of waiting is one that the page's policy forbids
            assert time.monotonic() < end, f"never came: {script}"
            self.page.wait_for_timeout(20)

    def focus(self) -> str:
        """The id of the element that has the focus."""
        return str(self.page.evaluate("document.activeElement.id"))

    def fill(self, selector: str, text: str) -> None:
        """Type a text into a field in place of what it has, and leave the field."""
        self.page.click(selector)
        self.key("a", CTRL)
        self.page.keyboard.press("Delete")
        self.page.keyboard.type(text)
        self.key("Tab")

    def label(self, text: str) -> None:
        self.fill("#label", text)

    def touch(self, *steps: list[tuple[float, float]]) -> None:
        """Touch the page at the places of the first step, go through the others, and let go. A place is a finger's."""
        session = self.page.context.new_cdp_session(self.page)
        for kind, places in zip(("touchStart", *("touchMove",) * (len(steps) - 1)), steps, strict=True):
            points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    @property
    def state(self) -> str:
        return self.page.inner_text("#state")

    @property
    def rows(self) -> list[str]:
        """The list of objects as it is shown, a line each."""
        return [" ".join(row.split()) for row in self.page.locator("#objects button").all_inner_texts()]

    def save(self) -> None:
        self.key("s", CTRL)
        self.wait("drawing.isSaved")

    def saved(self) -> list[tuple[str, tuple[float, float, float, float]]]:
        """What the file has: each label with xmin, ymin, xmax, ymax."""
        found = voc_format.read(self.served.project.boxes).objects
        return [(thing.label, (thing.box.x1 + 1, thing.box.y1 + 1, thing.box.x2, thing.box.y2)) for thing in found]


@contextmanager
def opened(
    chromium: Browser,
    served: Served,
    width: int = 1280,
    height: int = 800,
    *,
    dark: bool = False,
    touch: bool = False,
) -> Iterator[Sheet]:
    """The page in a tab of its own, which must complain of nothing."""
    with tab(chromium, width, height, dark=dark, touch=touch) as shown:
        shown.page.goto(served.address)
        sheet = Sheet(shown, served)
        sheet.wait("document.getElementById('state').dataset.state")
        yield sheet
        assert shown.errors == []


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
    sheet.key("Escape")
    sheet.drag((22, 3), (31, 12))
    sheet.label("skip_btn")
    sheet.drag((26, 8), (25, 10))  # from inside: the box moves
    sheet.click("#difficult")
    sheet.click("#objects li:first-child button")
    left, upper = sheet.at(20, 15)
    zoom = sheet.page.evaluate("view.zoom")
    corner = left + zoom / 2, upper + zoom / 2
    sheet.drag_on_page(corner, (corner[0] + 2 * zoom, corner[1] + 3 * zoom))
    sheet.click("#truncated")
    assert sheet.rows == ["close_btn truncated x 5–22 y 7–18 18 × 12", "skip_btn difficult x 21–30 y 5–14 10 × 10"]
    sheet.click("#save")
    sheet.wait("drawing.isSaved")
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
    sheet.key("ArrowLeft", CTRL)
    assert sheet.state == "Not saved"
    sheet.key("ArrowRight", CTRL)
    assert sheet.state == "Saved"
    sheet.click("#save")
    sheet.wait(ASKED.format(3))
    assert path.read_bytes() == before
    assert path.stat().st_mtime_ns == 1
    sheet.page.reload()
    sheet.wait("document.getElementById('state').dataset.state == 'saved'")
    assert sheet.rows == ["close_btn x 1–32 y 1–24 32 × 24"]


def test_undo_and_redo(sheet: Sheet) -> None:
    """Each step is taken back and made again, by keys and by buttons; a held arrow is one step."""
    sheet.drag((5, 7), (20, 15))
    sheet.label("skip_btn")
    sheet.click(sheet.at(30, 20))
    assert sheet.page.evaluate("document.getElementById('editor').hidden")
    sheet.click(sheet.at(10, 10))
    sheet.key("Delete")
    assert sheet.rows == []
    sheet.key("z", CTRL)
    assert sheet.rows == ["skip_btn x 5–20 y 7–15 16 × 9"]
    sheet.click("#undo")
    assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]
    sheet.key("z", CTRL)
    assert sheet.rows == []
    assert sheet.state == "No box yet"
    assert sheet.page.evaluate("document.getElementById('undo').disabled")
    sheet.key("z", CTRL + SHIFT)
    sheet.click("#redo")
    assert sheet.rows == ["skip_btn x 5–20 y 7–15 16 × 9"]
    sheet.page.evaluate(
        "for (const repeat of [false, true, true, true])"
        " document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', repeat, bubbles: true}))"
    )
    assert sheet.rows == ["skip_btn x 9–24 y 7–15 16 × 9"]
    sheet.key("z", CTRL)
    assert sheet.rows == ["skip_btn x 5–20 y 7–15 16 × 9"]


def test_the_keyboard(sheet: Sheet) -> None:
    """Arrows move by a pixel, with Shift by ten, and with Alt or Ctrl resize; the image's edges hold."""
    page = sheet.page
    sheet.drag((5, 7), (20, 15))
    for key, keys, where in (
        ("ArrowRight", "", "x 6–21 y 7–15"),
        ("ArrowDown", SHIFT, "x 6–21 y 17–25"),
        ("ArrowLeft", SHIFT, "x 1–16 y 17–25"),  # as far as there is room
        ("ArrowUp", "", "x 1–16 y 16–24"),
        ("ArrowRight", ALT, "x 1–17 y 16–24"),
        ("ArrowUp", CTRL, "x 1–17 y 16–23"),
        ("ArrowUp", CTRL + SHIFT, "x 1–17 y 16–17"),  # two pixels are the least
        ("ArrowLeft", ALT + SHIFT, "x 1–7 y 16–17"),
    ):
        sheet.key(key, keys)
        assert where in sheet.rows[0]
    sheet.key("b")
    sheet.key("t")
    sheet.key("d")
    assert sheet.rows == ["close_btn truncated, difficult x 1–32 y 1–24 32 × 24"]
    sheet.key("d")
    sheet.key("Enter")
    page.keyboard.type("round")
    sheet.key("Enter")
    sheet.key("ArrowRight")  # which moves the box again, and no cursor
    assert sheet.rows[0].startswith("round truncated x 2–33 y 1–24 32 × 24")
    sheet.key("Escape")
    sheet.key("[")
    sheet.key("Backspace")
    assert sheet.rows == []


def test_labels_by_number(sheet: Sheet) -> None:
    """A digit gives the chosen box one of the labels in use."""
    sheet.drag((2, 2), (10, 10))
    sheet.drag((12, 12), (20, 20), SHIFT)
    sheet.label("skip_btn")
    assert sheet.page.inner_text("#chips").split() == ["close_btn", "1", "skip_btn", "2"]
    sheet.click("#stage")
    sheet.key("Escape")
    sheet.key("[")
    sheet.key("1")
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
    sheet.click("#label")
    sheet.key("a", CTRL)
    sheet.key("Delete")
    sheet.page.keyboard.type(text)
    sheet.key("s", CTRL)
    assert sheet.page.inner_text("#label-fault") == reason
    assert sheet.focus() == "label"
    assert sheet.rows[0].startswith("close_btn ")
    sheet.key("Enter", CTRL)  # nor does it end there
    assert sheet.focus() == "label"
    assert not sheet.served.project.boxes.exists()
    sheet.label("close")
    assert sheet.page.evaluate("document.getElementById('label-fault').hidden")
    sheet.save()
    assert sheet.saved() == [("close", (5, 7, 20, 15))]


def test_what_the_server_refuses(sheet: Sheet) -> None:
    """A box that no build could use is told where it is drawn, and again when it is to be saved."""
    sheet.key("0")
    sheet.drag((200, 200), (220, 220))
    assert sheet.rows[0].endswith("Lies outside the crop.")
    sheet.key("s", CTRL)
    sheet.wait("!document.getElementById('message').hidden")
    assert (
        sheet.page.inner_text("#told") == "object 1: its box lies outside the crop; draw it around what the crop shows"
    )
    assert sheet.state == "Not saved"
    assert not sheet.served.project.boxes.exists()
    assert len(sheet.tab.errors) == 1  # the browser's own line about a status of 400
    sheet.tab.errors.clear()
    sheet.key("b")
    sheet.save()
    assert sheet.page.evaluate("document.getElementById('message').hidden")
    assert sheet.saved() == [("close_btn", (1, 1, *CROP))]


def test_drawing_to_the_edges(sheet: Sheet) -> None:
    """A drag from beside the image to far beyond it covers all of it, in any direction; a click draws nothing."""
    sheet.key("0")
    for start, end in (((-20, -20), (500, 400)), ((420, -20), (-20, 400))):
        sheet.drag(start, end, SHIFT)
        assert sheet.rows[0].startswith("close_btn x 1–400 y 1–300 400 × 300")
        sheet.key("Delete")
    sheet.click(sheet.at(10, 10))
    assert sheet.rows == []
    sheet.key("c")
    sheet.drag((9, 9), (9, 9.4))  # within one pixel
    assert sheet.rows == ["close_btn x 9–10 y 9–10 2 × 2"]


def test_escape_lets_go(sheet: Sheet) -> None:
    """Escape during a drag takes it back."""
    sheet.page.mouse.move(*sheet.at(5, 5))
    sheet.page.mouse.down()
    sheet.page.mouse.move(*sheet.at(15, 15))
    assert sheet.page.inner_text("#tags") == "close_btn11 × 11"
    sheet.key("Escape")
    sheet.page.mouse.up()
    assert sheet.rows == []


def test_zoom(sheet: Sheet) -> None:
    """Wheel, keys and buttons zoom; the pixel under the pointer stays; drawing is exact at every zoom."""
    page = sheet.page
    x, y = sheet.at(16, 12)
    page.mouse.move(x, y)
    before = page.evaluate("view.zoom")
    page.mouse.wheel(0, -120)
    sheet.wait(f"view.zoom > {before}")
    assert sheet.at(16, 12) == pytest.approx((x, y), abs=1)
    assert page.inner_text("#pointer").split() == ["x", "16", "y", "12"]
    page.mouse.wheel(0, 120)
    sheet.wait(f"view.zoom == {before}")
    sheet.key("-")
    assert page.evaluate("view.zoom") < before
    sheet.click("#larger")
    assert page.evaluate("view.zoom") == before
    for zoom in (1, 2, 3, 6, 12):
        page.evaluate(f"showPart({{x1: 0, y1: 0, x2: 32, y2: 24}}), zoomTo({zoom})")
        sheet.drag((3, 4), (30, 21), SHIFT)
        assert sheet.rows == ["close_btn x 3–30 y 4–21 28 × 18"]
        sheet.key("Delete")
    assert page.evaluate("getComputedStyle(document.getElementById('image')).imageRendering") == "pixelated"


def test_moving_the_image(sheet: Sheet) -> None:
    """The middle button, or Space and the left one, move the image and draw nothing."""
    for button, space in (("middle", False), ("left", True)):
        x, y = sheet.at(16, 12)
        if space:
            sheet.page.keyboard.down("Space")
        sheet.drag_on_page((x, y), (x + 40, y + 30), button=button)
        if space:
            sheet.page.keyboard.up("Space")
        assert sheet.at(16, 12) == (x + 40, y + 30)
    assert sheet.rows == []


def test_fingers(chromium: Browser, served: Served) -> None:
    """On a phone one finger draws, and two zoom and move the image and draw nothing."""
    with opened(chromium, served, 390, 844, touch=True) as sheet:
        sheet.click("#to-crop")
        sheet.touch([sheet.at(5, 7)], [sheet.at(9, 9)], [sheet.at(20, 15)])
        assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]
        before = sheet.page.evaluate("view.zoom")
        (x, y), middle = sheet.at(16, 12), sheet.at(16, 12)
        spread = [[(x - far, y), (x + far, y)] for far in (40, 60, 80)]
        sheet.touch(*spread)
        assert sheet.page.evaluate("view.zoom") == pytest.approx(2 * before)
        assert sheet.at(16, 12) == pytest.approx(middle, abs=1)
        assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]


def test_a_double_click(sheet: Sheet) -> None:
    """Save and Done, clicked twice in a row, do it once and complain of nothing."""
    sheet.drag((5, 7), (20, 15))
    sheet.page.evaluate("for (let i = 0; i < 2; i++) document.getElementById('save').click()")
    sheet.wait(ASKED.format(1 + 2))
    assert sheet.page.evaluate("document.getElementById('message').hidden")
    assert sheet.state == "Saved"
    sheet.page.evaluate("for (let i = 0; i < 2; i++) document.getElementById('done').click()")
    sheet.wait("!document.getElementById('ended').hidden")
    assert sheet.page.evaluate("document.getElementById('message').hidden")
    assert sheet.served.thread is not None
    sheet.served.thread.join(60)


def test_escape_while_typing(sheet: Sheet) -> None:
    """Escape puts back the label or the edge that was there, also where what was typed can't be one."""
    sheet.drag((5, 7), (20, 15))
    for field, text in (("xmin", "9"), ("xmin", "30.5"), ("label", "other"), ("label", "No Label")):
        before = sheet.page.evaluate(f"document.getElementById('{field}').value")
        sheet.click(f"#{field}")
        sheet.key("a", CTRL)
        sheet.page.keyboard.type(text)
        sheet.key("Escape")
        assert sheet.page.evaluate(f"document.getElementById('{field}').value") == before
        assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]


def test_typed_pixels(sheet: Sheet) -> None:
    """An edge can be typed; what is no whole number is put back, what leaves the image is held by its edge."""
    sheet.drag((5, 7), (20, 15))
    sheet.fill("#xmin", "3")
    sheet.fill("#ymax", "9999")
    sheet.fill("#xmax", "30.5")
    sheet.fill("#ymin", "")
    assert sheet.rows[0].startswith("close_btn x 3–20 y 7–300 18 × 294")
    assert sheet.page.evaluate("document.getElementById('xmax').value") == "20"
    assert sheet.page.evaluate("document.getElementById('ymin').value") == "7"


def test_leaving_unsaved(sheet: Sheet) -> None:
    """The browser asks before boxes are lost that were not saved, and only then."""
    sheet.drag((5, 7), (20, 15))
    sheet.page.goto(sheet.served.address)
    assert sheet.tab.dialogs == ["beforeunload"]
    sheet.wait("document.getElementById('state').dataset.state == 'empty'")
    sheet.drag((5, 7), (20, 15))
    sheet.save()
    sheet.page.goto(sheet.served.address)
    assert sheet.tab.dialogs == ["beforeunload"]


def test_done(chromium: Browser, served: Served) -> None:
    """Done saves, says so, and ends the server; then the page asks nothing any more."""
    with opened(chromium, served) as sheet:
        sheet.drag((5, 7), (20, 15))
        sheet.click("#done")
        sheet.wait("!document.getElementById('ended').hidden")
        assert sheet.page.inner_text("#ended-text") == f"1 object is in {served.project.boxes}. You can close this tab."
        assert sheet.saved() == [("close_btn", (5, 7, 20, 15))]
        assert served.thread is not None
        served.thread.join(60)
        assert not served.thread.is_alive()
        sheet.page.goto("about:blank")
        assert sheet.tab.dialogs == []


def test_a_server_that_has_ended(chromium: Browser, served: Served) -> None:
    """When dlim is gone the page says so, and keeps what was drawn."""
    with opened(chromium, served) as sheet:
        served.ask("POST", "/done", {})
        assert served.thread is not None
        served.thread.join(60)
        sheet.drag((5, 7), (20, 15))
        sheet.click("#save")
        sheet.wait("!document.getElementById('message').hidden")
        assert sheet.page.inner_text("#told").startswith("dlim doesn’t answer")
        assert sheet.state == "Not saved"
        assert sheet.rows == ["close_btn x 5–20 y 7–15 16 × 9"]
        sheet.tab.errors.clear()  # the browser's own line about the connection


def test_another_program_saves_meanwhile(sheet: Sheet) -> None:
    """The page offers to load what is there now, or to save over it."""
    boxes = sheet.served.project.boxes
    sheet.drag((5, 7), (20, 15))
    for choice, left in (("#replace", "close_btn x 5–20 y 7–15 16 × 9"), ("#reload", "other x 2–9 y 3–9 8 × 7")):
        boxes.write_text(voc(CANVAS, ("other", 2, 3, 9, 9)))
        sheet.key("s", CTRL)
        sheet.wait("!document.getElementById('choices').hidden")
        sheet.click(choice)
        sheet.wait("document.getElementById('message').hidden")
        assert sheet.rows == [left]
        assert sheet.state == "Saved"
    sheet.tab.errors.clear()


def test_a_file_of_another_program(chromium: Browser, tmp_path: Path) -> None:
    """Boxes drawn on the crop are shown where it stands; what had to be mended is said, and counts as not saved."""
    project = project_in(tmp_path / "p", placement="right-lower")
    project.boxes.write_text(voc(CROP, ("Close", 5, 7, 40, 20)))
    with serving(project) as served, opened(chromium, served) as sheet:
        assert sheet.rows[0].startswith("Close x 373–400 y 283–296 28 × 14 Upper-case letters")
        assert sheet.page.inner_text("#told") == 'the box of "Close" is brought to whole pixels inside the image'
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
        assert sheet.tab.dialogs == []


def test_nothing_from_elsewhere(sheet: Sheet) -> None:
    """The page asks its own server for the image and the boxes, and nobody for anything else."""
    own = f"http://127.0.0.1:{sheet.served.port}/"
    asked = [address.removeprefix(own) for address in sheet.tab.requests if not address.startswith(f"blob:{own}")]
    assert asked == [f"?token={sheet.served.token}", "annotation", "image"]
    assert b"http" not in page_text().html.replace(b"http://www.w3.org/2000/svg", b"")


@pytest.mark.parametrize(("width", "height", "dark"), [(1280, 800, False), (1280, 800, True), (360, 640, False)])
def test_everybody_can_use_it(chromium: Browser, served: Served, width: int, height: int, dark: bool) -> None:
    """On a desk and on a phone, by day and by night, nothing is cut off sideways, and axe finds nothing."""
    with opened(chromium, served, width, height, dark=dark, touch=width < 500) as sheet:
        assert unfit(sheet.page) == []
        sheet.drag((5, 7), (20, 15))
        sheet.key("Escape")
        sheet.drag((5, 7), (20, 15))
        sheet.fill("#label", "a" * 40)
        assert sheet.page.evaluate("document.documentElement.scrollWidth") <= width
        assert sheet.page.evaluate(CUT_OFF) == []
        assert unfit(sheet.page) == []
        sheet.click("#ask")
        assert unfit(sheet.page) == []


CUT_OFF = """
[...document.querySelectorAll("header *, .tools *, aside *")].filter((element) => {
  const box = element.getBoundingClientRect();
  return box.width && (box.left < 0 || box.right > innerWidth + 1);
}).map((element) => element.id || element.className || element.tagName)
"""


def test_hints(sheet: Sheet) -> None:
    """A box over the crop's edge, and one that is there already, are said and saved all the same."""
    sheet.key("0")
    sheet.drag((20, 10), (50, 20))
    assert sheet.rows[0].endswith("Reaches over the crop: what lies outside is cut off.")
    for _ in range(2):
        sheet.key("Escape")
        sheet.drag((2, 2), (9, 9))
    assert [row.endswith("The same box twice.") for row in sheet.rows] == [False, True, True]
    sheet.label("skip_btn")
    assert sheet.rows[1].endswith("The same box as “skip_btn”.")
    sheet.save()
    assert len(sheet.saved()) == 3


def test_focus_stays(sheet: Sheet) -> None:
    """After saving, and after a choice in a list, the keyboard goes on where it was."""
    sheet.drag((5, 7), (20, 15))
    for selector, name in (("#label", "label"), ("#xmin", "xmin"), ("#stage", "stage")):
        sheet.page.focus(selector)
        sheet.save()
        assert sheet.focus() == name
    sheet.page.focus("#objects button")
    sheet.key("ArrowRight")
    sheet.save()
    assert sheet.page.evaluate("document.activeElement.matches('#objects button')")


def test_keys_by_their_place(sheet: Sheet) -> None:
    """With an input method on, or another script, a key does what it does elsewhere."""
    session = sheet.page.context.new_cdp_session(sheet.page)

    def press(key: str, code: str, number: int, modifiers: int = 0) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            event = {"type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
            session.send("Input.dispatchKeyEvent", event)

    sheet.page.focus("#stage")
    press("Process", "KeyB", 229)
    press("た", "KeyT", 84)
    assert sheet.rows == ["close_btn truncated x 1–32 y 1–24 32 × 24"]
    press("Process", "KeyS", 229, 2)
    sheet.wait("drawing.isSaved")
    press("Process", "BracketLeft", 229)
    press("Process", "KeyZ", 229, 2)
    assert sheet.rows == ["close_btn x 1–32 y 1–24 32 × 24"]


def test_arrows_move_the_image(sheet: Sheet) -> None:
    """With no box chosen, the keyboard brings another part of the image into sight."""
    x, y = sheet.at(16, 12)
    sheet.page.focus("#stage")
    sheet.key("ArrowRight")
    sheet.key("ArrowDown", SHIFT)
    assert sheet.at(16, 12) == (x - 40, y - 200)


def test_a_box_inside_a_box_by_touch(chromium: Browser, served: Served) -> None:
    """A button lets the next finger draw inside the chosen box; the one after moves what is chosen then."""
    with opened(chromium, served, 390, 844, touch=True) as sheet:
        sheet.click("#to-crop")
        sheet.touch([sheet.at(2, 2)], [sheet.at(9, 9)], [sheet.at(30, 22)])
        sheet.click("#draw")  # a busy machine makes a slow tap, which is no click
        sheet.wait("drawsNext()")
        sheet.touch([sheet.at(5, 7)], [sheet.at(9, 9)], [sheet.at(20, 15)])
        assert sheet.rows == ["close_btn x 2–30 y 2–22 29 × 21", "close_btn x 5–20 y 7–15 16 × 9"]
        sheet.touch([sheet.at(10, 10)], [sheet.at(11, 10)], [sheet.at(12, 10)])
        assert sheet.rows[1] == "close_btn x 7–22 y 7–15 16 × 9"
        assert sheet.page.get_attribute("#draw", "aria-pressed") == "false"


def mask_file(sheet: Sheet) -> Path:
    return sheet.served.project.image.with_name("mask.png")


def test_a_mask_is_suggested_and_corrected(sheet: Sheet) -> None:
    """The boxes suggest a mask; brush and eraser correct it by mouse; what is saved are just these pixels."""
    sheet.drag((5, 7), (28, 20))
    sheet.save()
    sheet.click("#to-mask")
    sheet.wait("mask.data")
    assert sheet.page.inner_text("#mask-source") == "Suggested from the boxes."
    before = sheet.page.evaluate("[...mask.data].filter(Boolean).length")
    assert 0 < before < CROP[0] * CROP[1]
    sheet.page.fill("#brush-size", "1")
    sheet.drag((1, 1), (10, 1))
    sheet.click("#eraser")
    sheet.drag((3, 1), (4, 1))
    assert sheet.state == "Not saved"
    sheet.key("s", CTRL)
    sheet.wait("mask.isSaved")
    assert sheet.page.inner_text("#mask-source") == "Saved in mask.png."
    with Image.open(mask_file(sheet)) as saved:
        assert (saved.size, saved.mode) == (CROP, "L")
        assert [saved.getpixel((x, 0)) for x in range(11)] == [255, 255, 0, 0, *[255] * 6, 0]
    assert len(sheet.saved()) == 1, "a mask changes no box"
    assert unfit(sheet.page) == []


def test_a_mask_by_keyboard_alone(sheet: Sheet) -> None:
    """Arrows move the brush, with Alt they paint, Space paints a spot, E erases; each is taken back; empty is none."""
    sheet.page.focus("#stage")
    sheet.key("m")
    sheet.wait("mask.data")
    assert sheet.page.inner_text("#mask-source").startswith("There is none")
    for _ in range(5):
        sheet.key("[")
    sheet.key(" ")
    sheet.key("ArrowRight", ALT)
    sheet.key("ArrowDown", ALT)
    painted = "[...mask.data].flatMap((each, at) => each ? [at] : [])"
    middle = CROP[1] // 2 * CROP[0] + CROP[0] // 2
    assert sheet.page.evaluate(painted) == [middle, middle + 1, middle + 1 + CROP[0]]
    sheet.key("e")
    sheet.key(" ")
    assert sheet.page.evaluate(painted) == [middle, middle + 1]
    sheet.key("z", CTRL)
    assert len(sheet.page.evaluate(painted)) == 3
    sheet.key("s", CTRL)
    sheet.wait("mask.isSaved")
    assert mask_file(sheet).exists()
    sheet.click("#clear")
    sheet.key("s", CTRL)
    sheet.wait("mask.isSaved")
    assert not mask_file(sheet).exists()
    sheet.key("m")
    sheet.key("b")  # and the keys are the boxes' again
    assert len(sheet.rows) == 1


def test_a_mask_that_is_none(served: Served) -> None:
    """What hasn't the crop's pixels is refused, and nothing is written."""
    for runs in ([], [5], [-1, CROP[0] * CROP[1] + 1], [10**9]):
        status, data, _ = served.ask("POST", "/mask", {"runs": runs})
        assert (status, b"hasn't the crop's 32x24 pixels" in data) == (400, True)
    assert not served.project.image.with_name("mask.png").exists()
