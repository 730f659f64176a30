"""Screens that no application has: pictures drawn from a key that look like a phone's, for objects to stand on."""

from __future__ import annotations

import colorsys
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dlim.augment.alphabet import default_font
from dlim.augment.operations import seed
from dlim.geometry import Size
from dlim.scenes import Raster

# Pixels are reckoned with in whole numbers, or by OpenCV's and Pillow's fixed-point code: the same bytes anywhere.

Colour = tuple[int, int, int]
Point = tuple[float, float]

DP = 360
"""Units across a screen, in which applications measure: a row of a list is 48 to 72 of them high."""

_SHIFT = 4
_ONE = 1 << _SHIFT

# ruff: noqa: SIM905 - a list of words reads better as words
_WORDS = (
    "Settings Search Home Library Music Play Share Download Premium Level Coins Next Cancel OK Continue Account "
    "Profile Photos Recent Albums Friends Message Today Week Update About Help Language Dark Theme Display "
    "Battery Network Bluetooth Sound Volume Player Score Best New Game Shop Free Daily Reward Bonus Start Pause "
    "Resume Restart Edit Done Save Delete Send Reply Follow Like Comment Price Total Order Cart Address City "
    "Weather Sunny Rain Map Route Calendar Monday Sunday Morning Meeting Note Task List File Folder Video Camera "
    "Episode Season Artist Title Mix"
).split()
_SYLLABLES = (
    "an be co da el fo ga hi in jo ka lu me no or pa qui ra so ti un va wen xo yu za tra ble ing ght st".split()
)
_KANA = (
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
    "アイウエオカキクケコサシスセソタチツテトナニノハヒフマミムメモヤユヨラリルレロワン"
)
_KANJI = (
    "日本語設定時間今週年月人大小中上下開始終了画面音量検索新着無料再生録画写真動友達地図"
    "天気予定電話明暗選択保存削除送信返信履歴言語変更登録会員購入商品価格合計注文"
)
_CYRILLIC = "абвгдежзиклмнопрстуфхцчшщыэюя"
_GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
_HERSHEY = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX)


def screen(size: Size, *key: object) -> Raster:
    """A screen of that size; another for every key, and the same for the same one."""
    chance = random.Random(seed("screen", *key))  # noqa: S311 - it must be repeatable, not secret
    page = _Page(size, chance)
    _PAGES[_weighted(chance, [weight for _, weight in _PAGES])][0](page)
    if chance.random() < 0.35:
        _overlay(page)
    return _worn(page.pixels, chance)


def _worn(pixels: Raster, chance: random.Random) -> Raster:
    """As screens come: some were scaled once, some saved as JPEG with what that leaves, some have neither."""
    height, width = pixels.shape[:2]
    if chance.random() < 0.4:
        share = chance.uniform(0.55, 0.95)
        small = Image.fromarray(pixels).resize((int(width * share), int(height * share)), Image.Resampling.BILINEAR)
        pixels = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))
    if chance.random() < 0.4:
        quality = [cv2.IMWRITE_JPEG_QUALITY, chance.randrange(45, 92)]
        pixels = cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_COLOR)
    return np.ascontiguousarray(pixels)


def _weighted(chance: random.Random, weights: list[float]) -> int:
    return chance.choices(range(len(weights)), weights)[0]


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return int(red * 255), int(green * 255), int(blue * 255)


def _between(first: Colour, second: Colour, share: float) -> Colour:
    return tuple(int(a + (b - a) * share) for a, b in zip(first, second, strict=True))  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class _Theme:
    """An application's colours. base: behind all; surface: of cards and bars; ink: of text; faint: of lesser text."""

    base: Colour
    surface: Colour
    ink: Colour
    faint: Colour
    accent: Colour
    second: Colour


def _theme(chance: random.Random) -> _Theme:
    hue, kind = chance.random(), chance.random()
    accent = _hsv(hue, chance.uniform(0.5, 1), chance.uniform(0.5, 1))
    second = _hsv(hue + chance.choice((0.08, 0.33, 0.5, 0.6)), chance.uniform(0.4, 1), chance.uniform(0.4, 1))
    tint = chance.uniform(0, 0.2)
    if kind < 0.4:
        base = _hsv(hue, tint * 0.4, chance.uniform(0.93, 1))
        surface = _hsv(hue, tint, chance.uniform(0.88, 1))
        return _Theme(base, surface, _hsv(hue, 0.3, 0.1), _hsv(hue, 0.1, chance.uniform(0.4, 0.65)), accent, second)
    if kind < 0.78:
        base = _hsv(hue, tint * 2, chance.choice((0, 0, 0.05, 0.08, 0.12, 0.18)))
        surface = _hsv(hue, tint * 2, chance.uniform(0.08, 0.26))
        return _Theme(base, surface, _hsv(hue, 0.03, 0.97), _hsv(hue, 0.08, chance.uniform(0.5, 0.75)), accent, second)
    base = _hsv(hue, chance.uniform(0.35, 0.95), chance.uniform(0.3, 0.95))
    dark = sum(base) < 330
    surface = _between(base, (0, 0, 0) if chance.random() < 0.5 else (255, 255, 255), chance.uniform(0.1, 0.35))
    ink = (255, 255, 255) if dark else (20, 20, 30)
    return _Theme(base, surface, ink, _between(ink, base, 0.3), second, accent)


class _Page:
    """A screen that is being drawn: its pixels, its colours, its chance, and what it can draw. Lengths are in dp."""

    def __init__(self, size: Size, chance: random.Random, theme: _Theme | None = None) -> None:
        self.chance = chance
        self.theme = theme or _theme(chance)
        self.width, self.height = size
        self.dp = self.width / DP
        self.tall = self.height / self.dp
        self.pixels: Raster = np.empty((self.height, self.width, 3), np.uint8)
        self.pixels[:] = self.theme.base
        self.script = ("latin", "japanese", "cyrillic", "greek")[_weighted(chance, [0.6, 0.25, 0.1, 0.05])]
        self.face = chance.choice(("gothic",) * 6 + ("bold",) * 3 + _HERSHEY)
        self.corner = chance.choice((0, 2, 4, 8, 8, 12, 16, 24))

    def noise(self) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64(self.chance.getrandbits(64)))

    # shapes

    def px(self, length: float) -> int:
        return int(length * self.dp + 0.5)

    def _points(self, points: list[Point]) -> np.ndarray:
        return np.array([[int(x * self.dp * _ONE), int(y * self.dp * _ONE)] for x, y in points], np.int32)

    def polygon(self, points: list[Point], colour: Colour) -> None:
        cv2.fillPoly(self.pixels, [self._points(points)], colour, cv2.LINE_AA, _SHIFT)

    def line(self, points: list[Point], colour: Colour, thick: float = 1.5, *, closed: bool = False) -> None:
        cv2.polylines(self.pixels, [self._points(points)], closed, colour, max(1, self.px(thick)), cv2.LINE_AA, _SHIFT)

    def circle(self, x: float, y: float, radius: float, colour: Colour, thick: float = 0) -> None:
        centre = int(x * self.dp * _ONE), int(y * self.dp * _ONE)
        stroke = max(1, self.px(thick)) if thick else -1
        cv2.circle(self.pixels, centre, max(1, int(radius * self.dp * _ONE)), colour, stroke, cv2.LINE_AA, _SHIFT)

    def panel(
        self, x: float, y: float, w: float, h: float, colour: Colour, corner: float = 0, thick: float = 0
    ) -> None:
        """A rectangle with round corners; only its outline where it has a thickness."""
        points = _rounded(x, y, w, h, min(corner, w / 2, h / 2))
        if thick:
            self.line(points, colour, thick, closed=True)
        else:
            self.polygon(points, colour)

    def veil(self, x: float, y: float, w: float, h: float, colour: Colour, share: float) -> None:
        """A colour through which what is below still shows."""
        part = self._part(x, y, w, h)
        amount = int(share * 256)
        mixed = (part.astype(np.uint16) * (256 - amount) + np.array(colour, np.uint16) * amount) >> 8
        part[:] = mixed.astype(np.uint8)

    def gradient(self, x: float, y: float, w: float, h: float, first: Colour, last: Colour, corner: float = 0) -> None:
        part = self._part(x, y, w, h)
        if not part.size:
            return
        across = self.chance.random() < 0.3
        steps = part.shape[1] if across else part.shape[0]
        ramp = np.arange(steps, dtype=np.int32)[:, None] * 256 // max(steps - 1, 1)
        colours = (np.array(first, np.int32) * (256 - ramp) + np.array(last, np.int32) * ramp) >> 8
        filled = np.empty_like(part)
        filled[:] = (colours[None] if across else colours[:, None]).astype(np.uint8)
        self._fill(part, filled, corner)

    def photo(self, x: float, y: float, w: float, h: float, corner: float = 0) -> None:
        """What could be a photograph, a cover or a painting."""
        part = self._part(x, y, w, h)
        if min(part.shape[:2], default=0) >= 2:
            self._fill(part, _photo((part.shape[1], part.shape[0]), self.chance, self.noise()), corner)

    def _part(self, x: float, y: float, w: float, h: float) -> Raster:
        x1, y1, x2, y2 = (max(0, self.px(value)) for value in (x, y, x + w, y + h))
        return self.pixels[y1:y2, x1:x2]

    def _fill(self, part: Raster, filled: Raster, corner: float) -> None:
        radius = min(self.px(corner), part.shape[0] // 2, part.shape[1] // 2)
        if radius < 2:
            part[:] = filled
            return
        mask = np.zeros(part.shape[:2], np.uint8)
        points = _rounded(0, 0, part.shape[1] - 1, part.shape[0] - 1, radius)
        cv2.fillPoly(mask, [np.array(points).astype(np.int32)], 255, cv2.LINE_AA)
        _blend(part, filled, mask)

    # text

    def words(self, count: int) -> str:
        return " ".join(_word(self.chance, self.script) for _ in range(count))

    def text(self, x: float, y: float, size: float, colour: Colour, words: str = "", room: float = 0) -> None:
        """A line of text whose middle is at y. room: what of the line there is place for."""
        words = words or self.words(self.chance.randrange(1, 4))
        mask = _line(words, max(7, self.px(size)), self.face)
        if room and mask.shape[1] > self.px(room):  # cut between letters, as a screen does
            fitting = _cut(words, int(len(words) * self.px(room) / mask.shape[1]) - 1)
            mask = _line(fitting + self.chance.choice(("", "…", "...")), max(7, self.px(size)), self.face)
        self._stamp(mask, self.px(x), self.px(y) - mask.shape[0] // 2, colour)

    def centred(self, x: float, y: float, size: float, colour: Colour, words: str = "") -> None:
        words = words or self.words(self.chance.randrange(1, 3))
        mask = _line(words, max(7, self.px(size)), self.face)
        self._stamp(mask, self.px(x) - mask.shape[1] // 2, self.px(y) - mask.shape[0] // 2, colour)

    def paragraph(self, x: float, y: float, w: float, size: float, lines: int, colour: Colour) -> float:
        """Lines of text, one below the other; where they end."""
        for number in range(lines):
            room = w * (self.chance.uniform(0.3, 0.9) if number == lines - 1 else 1)
            self.text(x, y + size * 0.7, size, colour, self.words(int(room / size / 2.2) + 2), room)
            y += size * 1.5
        return y

    def _stamp(self, mask: Raster, x: int, y: int, colour: Colour) -> None:
        left, top = max(0, -x), max(0, -y)
        x, y = max(0, x), max(0, y)
        part = self.pixels[y : y + mask.shape[0] - top, x : x + mask.shape[1] - left]
        if part.size:
            mask = mask[top : top + part.shape[0], left : left + part.shape[1]]
            _blend(part, np.broadcast_to(np.array(colour, np.uint8), part.shape), mask)

    # parts of screens

    def icon(self, x: float, y: float, size: float, colour: Colour, kind: str = "") -> None:
        """A sign around a middle."""
        _icon(self, kind or self.chance.choice(_ICONS), x, y, size / 2, colour)

    def button(self, x: float, y: float, w: float, h: float, colour: Colour) -> None:
        chance = self.chance
        corner = chance.choice((self.corner, h / 2, 4))
        light = sum(colour) > 400
        style = chance.random()
        if style < 0.2:
            self.panel(x, y + h * 0.08, w, h, _between(colour, (0, 0, 0), 0.5), corner)
        if style < 0.35:
            self.gradient(x, y, w, h, _between(colour, (255, 255, 255), 0.25), colour, corner)
        elif style < 0.5:
            self.panel(x, y, w, h, colour, corner, thick=chance.uniform(0.7, 2))
            light = sum(self.theme.base) > 400
        else:
            self.panel(x, y, w, h, colour, corner)
        ink = (25, 25, 30) if light else (250, 250, 250)
        if chance.random() < 0.3:
            self.icon(x + h * 0.6, y + h / 2, h * 0.5, ink)
            self.text(x + h, y + h / 2, h * 0.4, ink, room=max(4, w - h * 1.2))
        else:
            self.centred(x + w / 2, y + h / 2, h * chance.uniform(0.3, 0.5), ink, _cut(self.words(2), int(w / h * 3.4)))

    def round_button(self, x: float, y: float, radius: float) -> None:
        chance, theme = self.chance, self.theme
        fill = chance.choice((theme.accent, theme.second, theme.surface, (255, 255, 255), (40, 40, 48), (0, 0, 0)))
        self.circle(x, y, radius, fill)
        if chance.random() < 0.25:
            self.circle(x, y, radius, _between(fill, (128, 128, 128), 0.5), thick=1.2)
        ink = (30, 30, 36) if sum(fill) > 400 else (245, 245, 245)
        if chance.random() < 0.8:
            kind = chance.choice(("plus", "check", "dot", "play", "arrow", "bars", "heart", "star", "gear", "")) or ""
            self.icon(x, y, radius * chance.uniform(0.8, 1.2), ink, kind)
        else:
            self.centred(x, y, radius, ink, _cut(self.words(1), 2))

    def thumbnail(self, x: float, y: float, size: float, *, circular: bool) -> None:
        chance = self.chance
        corner = size / 2 if circular else self.corner / 2
        if chance.random() < 0.6:
            self.photo(x, y, size, size, corner)
        else:
            fill = _hsv(chance.random(), chance.uniform(0, 0.9), chance.uniform(0.2, 1))
            self.panel(x, y, size, size, fill, corner)
            ink = (30, 30, 36) if sum(fill) > 420 else (250, 250, 250)
            if chance.random() < 0.6:
                self.icon(x + size / 2, y + size / 2, size * 0.55, ink)
            else:
                self.centred(x + size / 2, y + size / 2, size * 0.5, ink, _cut(self.words(1), 1))

    def switch(self, x: float, y: float) -> None:
        on = self.chance.random() < 0.5
        kind = self.chance.randrange(4)
        colour = self.theme.accent if on else self.theme.faint
        if kind < 2:
            self.panel(x, y - 8, 30, 16, colour if on else _between(colour, self.theme.base, 0.6), 8)
            self.circle(x + (22 if on else 8), y, 6.5, (250, 250, 250) if on else self.theme.faint)
        elif kind == 2:
            self.circle(x + 20, y, 8, colour, thick=1.5)
            if on:
                self.circle(x + 20, y, 4.5, colour)
        else:
            self.panel(x + 12, y - 8, 16, 16, colour, 2, thick=0 if on else 1.5)
            if on:
                self.icon(x + 20, y, 11, self.theme.base, "check")

    def status_bar(self, ink: Colour) -> float:
        chance = self.chance
        high = chance.choice((20, 24, 28, 32))
        y = high / 2 + 2
        self.text(chance.uniform(8, 24), y, 11, ink, f"{chance.randrange(24)}:{chance.randrange(60):02d}")
        x = 350 - chance.uniform(0, 10)
        for _ in range(chance.randrange(2, 6)):
            x -= 15
            self.icon(x, y, 10, ink)
        if chance.random() < 0.2:
            self.circle(DP / 2, y, 7, (0, 0, 0))
        return high

    def app_bar(self, y: float) -> float:
        chance, theme = self.chance, self.theme
        high = chance.uniform(44, 64)
        fill = chance.choice((None, None, theme.accent, theme.surface))
        if fill:
            self.panel(0, 0 if chance.random() < 0.5 else y, DP, high + (y if chance.random() < 0.5 else 0), fill)
        ink = theme.ink if fill is not theme.accent else ((20, 20, 24) if sum(theme.accent) > 420 else (255, 255, 255))
        middle = y + high / 2
        x = 18.0
        if chance.random() < 0.6:
            self.icon(x + 4, middle, 18, ink, chance.choice(("arrow", "bars", "chevron", "")))
            x += 36
        if chance.random() < 0.25:
            self.panel(x, middle - 17, DP - x - 20, 34, theme.surface, chance.choice((4, 17)))
            self.icon(x + 18, middle, 14, theme.faint, "lens")
            self.text(x + 36, middle, 13, theme.faint, room=150)
        else:
            size = chance.uniform(15, 24)
            if chance.random() < 0.3:
                self.centred(DP / 2, middle, size, ink)
            else:
                self.text(x, middle, size, ink, room=200)
            for number in range(chance.randrange(0, 4)):
                self.icon(DP - 24 - 36 * number, middle, chance.uniform(14, 20), ink)
        return y + high

    def tab_bar(self) -> float:
        """The bar at a screen's lower end; where it begins."""
        chance, theme = self.chance, self.theme
        high, below = chance.uniform(48, 72), chance.choice((0, 0, 16, 44))
        top = self.tall - high - below
        self.panel(0, top, DP, high + below, chance.choice((theme.surface, theme.base, theme.accent)))
        count = chance.randrange(3, 6)
        chosen, named = chance.randrange(count), chance.random() < 0.6
        for number in range(count):
            x = DP * (number + 0.5) / count
            ink = theme.accent if number == chosen else theme.faint
            self.icon(x, top + high * (0.38 if named else 0.5), 20, ink)
            if named:
                self.centred(x, top + high * 0.76, 10, ink, _cut(self.words(1), 9))
        if below > 20:
            for number, kind in enumerate(("chevron", "ring", "square")):
                self.icon(DP * (number + 1) / 4, top + high + below / 2, 14, theme.faint, kind)
        elif below:
            self.panel(DP / 2 - 50, top + high + 6, 100, 4, theme.ink, 2)
        return top


def _cut(words: str, length: int) -> str:
    return words[: max(1, length)]


def _blend(part: Raster, over: Raster, mask: Raster) -> None:
    """Put pixels over a part of an image, as much of each as a mask says."""
    share = mask.astype(np.uint16)[..., None]
    share += share >> 7  # 255 becomes 256, which is all of it
    part[:] = ((part * (256 - share) + over * share) >> 8).astype(np.uint8)


def _rounded(x: float, y: float, w: float, h: float, r: float) -> list[Point]:
    if r < 0.5:
        return [(x, y), (x + w, y), (x + w, y + h), (x, y + h)]
    middles = ((x + w - r, y + h - r), (x + r, y + h - r), (x + r, y + r), (x + w - r, y + r))
    return [
        (cx + r * cos(pi / 2 * (quarter + step / 6)), cy + r * sin(pi / 2 * (quarter + step / 6)))
        for quarter, (cx, cy) in enumerate(middles)
        for step in range(7)
    ]


def _word(chance: random.Random, script: str) -> str:
    if chance.random() < 0.12:
        return chance.choice(("{}", "{}%", "{}:30", "${}.99", "{} MB", "{}x{}", "+{}", "Lv.{}")).replace(
            "{}", str(chance.randrange(1, 2500))
        )
    if script == "japanese" and chance.random() < 0.85:
        letters = chance.choice((_KANA, _KANJI, _KANJI))
        return "".join(chance.choice(letters) for _ in range(chance.randrange(2, 6)))
    if script in ("cyrillic", "greek") and chance.random() < 0.85:
        letters = _CYRILLIC if script == "cyrillic" else _GREEK
        word = "".join(chance.choice(letters) for _ in range(chance.randrange(2, 10)))
    elif chance.random() < 0.5:
        return chance.choice(_WORDS)
    else:
        word = "".join(chance.choice(_SYLLABLES) for _ in range(chance.randrange(1, 4)))
    return chance.choice((word, word, word.capitalize(), word.upper()))


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(default_font(), size, layout_engine=ImageFont.Layout.BASIC)


def _line(words: str, size: int, face: str | int) -> Raster:
    """A line of text as how much of each pixel is ink."""
    if isinstance(face, int) and words.isascii():
        scale, thick = size / 30, max(1, size // 14)
        (width, height), below = cv2.getTextSize(words, face, scale, thick)
        mask = np.zeros((height + below + 4, width + 4), np.uint8)
        cv2.putText(mask, words, (2, height + 1), face, scale, 255, thick, cv2.LINE_AA)
        return mask
    stroke = size / 28 if face == "bold" else 0
    left, top, right, bottom = _font(size).getbbox(words, stroke_width=stroke)
    sheet = Image.new("L", (max(2, int(right - left) + 2), max(2, int(bottom - top) + 2)))
    ImageDraw.Draw(sheet).text((1 - left, 1 - top), words, fill=255, font=_font(size), stroke_width=stroke)
    return np.asarray(sheet)


def _photo(size: Size, chance: random.Random, noise: np.random.Generator) -> Raster:
    """Colours that run into each other, some things on them, and grain, in a palette of its own."""
    width, height = size
    hue, spread = chance.random(), chance.choice((0.05, 0.15, 0.5, 1))
    bright, depth = chance.uniform(0.35, 1.1), chance.uniform(0, 0.9)

    def colour() -> Colour:
        return _hsv(
            hue + chance.uniform(-spread, spread) / 2, depth * chance.random() * 1.4, bright * chance.uniform(0.25, 1.2)
        )

    cells = chance.randrange(2, 6), chance.randrange(2, 6)
    coarse = np.array([[colour() for _ in range(cells[0])] for _ in range(cells[1])], np.uint8)
    # drawn at half the size: what a photograph has of detail is in the grain
    small = max(2, width // 2), max(2, height // 2)
    method = chance.choice((Image.Resampling.BICUBIC, Image.Resampling.BICUBIC, Image.Resampling.NEAREST))
    picture = np.asarray(Image.fromarray(coarse).resize(small, method)).copy()
    for _ in range(chance.randrange(0, 14)):
        x, y = chance.randrange(small[0]), chance.randrange(small[1])
        reach = max(2, int(min(small) * chance.uniform(0.03, 0.4)))
        kind = chance.randrange(4)
        if kind == 0:
            axes = reach, max(1, int(reach * chance.uniform(0.3, 1)))
            cv2.ellipse(picture, (x, y), axes, chance.randrange(180), 0, 360, colour(), -1, cv2.LINE_AA)
        elif kind == 1:
            points = [
                (x + chance.randrange(-reach, reach), y + chance.randrange(-reach, reach))
                for _ in range(chance.randrange(3, 7))
            ]
            cv2.fillPoly(picture, [np.array(points, np.int32)], colour(), cv2.LINE_AA)
        elif kind == 2:
            end = x + chance.randrange(-reach, reach) * 2, y + chance.randrange(-reach, reach) * 2
            cv2.line(picture, (x, y), end, colour(), max(1, reach // chance.randrange(3, 12)), cv2.LINE_AA)
        else:
            cv2.rectangle(picture, (x, y), (x + reach, y + int(reach * chance.uniform(0.4, 3))), colour(), -1)
    if chance.random() < 0.6:
        blur = 2 * chance.randrange(1, max(2, min(6, min(small) // 6))) + 1
        picture = cv2.GaussianBlur(picture, (blur, blur), 0)
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR_EXACT)
    for cell, share in ((1, chance.uniform(0, 8)), (chance.randrange(2, 9), chance.uniform(0, 20))):
        grain = noise.integers(0, 256, (height // cell + 1, width // cell + 1), np.uint8)
        if cell > 1:
            grain = cv2.resize(grain, size, interpolation=cv2.INTER_LINEAR_EXACT)
        grain = grain[:height, :width].astype(np.int16) - 128
        amount = int(share * 2)
        picture = np.clip(picture + ((grain * amount) >> 8)[..., None], 0, 255).astype(np.uint8)
    return picture


_ICONS = (
    "arrow bars chevron dots plus check ring square dot play pause lens house heart star gear bell person grid wave "
    "triangle battery cloud pin cart letters slash asterisk"
).split()


def _icon(page: _Page, kind: str, x: float, y: float, r: float, ink: Colour) -> None:
    thick = max(0.9, r * page.chance.choice((0.14, 0.2, 0.28)))

    def at(*points: float) -> list[Point]:
        return [(x + a * r, y + b * r) for a, b in zip(points[::2], points[1::2], strict=True)]

    def star(count: int, inner: float) -> list[Point]:
        return [
            (x + r * s * sin(pi * n / count), y - r * s * cos(pi * n / count))
            for n in range(2 * count)
            for s in [1 if n % 2 == 0 else inner]
        ]

    match kind:
        case "arrow":
            page.line(at(0.2, -0.7, -0.6, 0, 0.2, 0.7), ink, thick)
            page.line(at(-0.6, 0, 0.8, 0), ink, thick)
        case "chevron":
            way = page.chance.choice((-1, 1))
            page.line(at(-0.3 * way, -0.7, 0.4 * way, 0, -0.3 * way, 0.7), ink, thick)
        case "bars":
            for b in (-0.6, 0, 0.6):
                page.line(at(-0.8, b, 0.8, b), ink, thick)
        case "dots":
            for b in (-0.7, 0, 0.7):
                page.circle(x, y + b * r, r * 0.16, ink)
        case "plus":
            page.line(at(-0.8, 0, 0.8, 0), ink, thick)
            page.line(at(0, -0.8, 0, 0.8), ink, thick)
        case "check":
            page.line(at(-0.75, 0, -0.2, 0.55, 0.8, -0.55), ink, thick)
        case "ring":
            page.circle(x, y, r * 0.8, ink, thick)
        case "square":
            page.panel(x - r * 0.7, y - r * 0.7, r * 1.4, r * 1.4, ink, r * 0.2, thick)
        case "dot":
            page.circle(x, y, r * 0.6, ink)
        case "play":
            page.polygon(at(-0.5, -0.8, 0.8, 0, -0.5, 0.8), ink)
        case "pause":
            for a in (-0.55, 0.15):
                page.panel(x + a * r, y - 0.7 * r, 0.4 * r, 1.4 * r, ink)
        case "lens":
            page.circle(x - 0.15 * r, y - 0.15 * r, r * 0.55, ink, thick)
            page.line(at(0.25, 0.25, 0.8, 0.8), ink, thick)
        case "house":
            page.polygon(at(0, -0.85, 0.9, 0, -0.9, 0), ink)
            page.polygon(at(-0.6, 0, 0.6, 0, 0.6, 0.8, -0.6, 0.8), ink)
        case "heart":
            page.circle(x - 0.38 * r, y - 0.25 * r, 0.42 * r, ink)
            page.circle(x + 0.38 * r, y - 0.25 * r, 0.42 * r, ink)
            page.polygon(at(-0.76, -0.1, 0.76, -0.1, 0, 0.85), ink)
        case "star":
            page.polygon(star(5, 0.42), ink)
        case "gear":
            page.line(star(8, 0.72), ink, thick, closed=True)
            page.circle(x, y, r * 0.3, ink, thick)
        case "bell":
            page.polygon(at(-0.7, 0.5, -0.5, -0.3, 0, -0.85, 0.5, -0.3, 0.7, 0.5), ink)
            page.circle(x, y + 0.65 * r, 0.2 * r, ink)
        case "person":
            page.circle(x, y - 0.4 * r, 0.38 * r, ink)
            page.polygon(at(-0.75, 0.85, -0.5, 0.15, 0.5, 0.15, 0.75, 0.85), ink)
        case "grid":
            for a in (-0.75, 0.1):
                for b in (-0.75, 0.1):
                    page.panel(x + a * r, y + b * r, 0.65 * r, 0.65 * r, ink, 0.1 * r)
        case "wave":
            heights = [page.chance.uniform(0.2, 0.9) for _ in range(4)]
            for n, b in enumerate(heights):
                page.line(at(-0.75 + 0.5 * n, b, -0.75 + 0.5 * n, -b), ink, thick)
        case "triangle":
            page.line(at(0, -0.8, 0.85, 0.7, -0.85, 0.7), ink, thick, closed=True)
        case "battery":
            page.panel(x - 0.5 * r, y - 0.8 * r, r, 1.7 * r, ink, 0.1 * r)
        case "cloud":
            page.circle(x - 0.35 * r, y + 0.1 * r, 0.4 * r, ink)
            page.circle(x + 0.2 * r, y - 0.1 * r, 0.5 * r, ink)
            page.panel(x - 0.6 * r, y, 1.3 * r, 0.5 * r, ink, 0.2 * r)
        case "pin":
            page.circle(x, y - 0.3 * r, 0.5 * r, ink, thick)
            page.line(at(-0.4, 0, 0, 0.9, 0.4, 0), ink, thick)
        case "cart":
            page.line(at(-0.9, -0.7, -0.5, -0.7, -0.2, 0.4, 0.7, 0.4, 0.9, -0.4, -0.4, -0.4), ink, thick)
            page.circle(x - 0.1 * r, y + 0.75 * r, 0.15 * r, ink)
            page.circle(x + 0.6 * r, y + 0.75 * r, 0.15 * r, ink)
        case "slash":
            page.line(at(-0.7, 0.7, 0.7, -0.7), ink, thick)
        case "asterisk":
            for n in range(3):
                a, b = cos(pi * n / 3), sin(pi * n / 3)
                page.line(at(-a * 0.8, -b * 0.8, a * 0.8, b * 0.8), ink, thick)
        case "cross":  # as thin as letters have it, with nothing behind it
            page.line(at(-0.6, -0.6, 0.6, 0.6), ink, max(0.8, r * 0.1))
            page.line(at(-0.6, 0.6, 0.6, -0.6), ink, max(0.8, r * 0.1))
        case _:
            page.centred(x, y, r * 1.5, ink, _cut(page.words(1), 2))


# pages: each fills a screen


def _begun(page: _Page) -> float:
    """The upper end of an application's screen; where its own part begins."""
    if page.chance.random() < 0.25:
        page.gradient(0, 0, DP, page.tall, page.theme.base, _between(page.theme.base, page.theme.second, 0.5))
    y = page.status_bar(page.theme.ink)
    return page.app_bar(y) if page.chance.random() < 0.85 else y


def _listed(page: _Page) -> None:
    chance, theme = page.chance, page.theme
    y, end = _begun(page), page.tall
    rowed = chance.uniform(44, 84)
    lead, tail = chance.randrange(4), chance.randrange(5)
    lines, lined, carded = chance.randrange(1, 4), chance.random() < 0.4, chance.random() < 0.3
    edge, ending = chance.choice((0, 12, 16)), chance.choice(("dots", "chevron", "cross", "bars", "", "check"))
    while y < end:
        if chance.random() < 0.12:
            page.text(16, y + 18, chance.uniform(12, 22), chance.choice((theme.accent, theme.ink)), room=250)
            y += 36
        if carded:
            page.panel(edge, y + 3, DP - 2 * edge, rowed - 6, theme.surface, page.corner, thick=chance.choice((0, 1)))
        middle, x = y + rowed / 2, edge + 14.0
        if lead:
            size = rowed * 0.62
            if lead == 1:
                page.icon(x + 12, middle, 20, chance.choice((theme.ink, theme.accent)))
                size = 24
            else:
                page.thumbnail(x, middle - size / 2, size, circular=lead == 2)
            x += size + 14
        room = DP - x - 70
        count = max(1, min(lines, int(rowed / 22)))
        for number in range(count):
            at = middle + (number - (count - 1) / 2) * 17
            size = 14.5 if number == 0 else 11.5
            page.text(x, at, size, theme.ink if number == 0 else theme.faint, room=room * chance.uniform(0.5, 1))
        if tail == 1:
            page.switch(DP - edge - 46, middle)
        elif tail == 2:
            page.icon(DP - edge - 24, middle, 16, theme.faint, ending)
        elif tail == 3:
            page.text(DP - edge - 56, middle, 11, theme.faint, room=46)
        elif tail == 4 and chance.random() < 0.5:
            page.button(DP - edge - 66, middle - 13, 56, 26, chance.choice((theme.accent, theme.surface)))
        y += rowed
        if lined:
            page.line([(edge + 14, y), (DP - edge, y)], _between(theme.base, theme.faint, 0.35), 0.7)


def _tiled(page: _Page) -> None:
    chance, theme = page.chance, page.theme
    y, end = _begun(page), page.tall
    while y < end:
        page.text(14, y + 18, chance.uniform(13, 24), theme.ink, room=220)
        y += 38
        columns, gap = chance.randrange(2, 5), chance.uniform(2, 14)
        side = (DP - 20 - gap * (columns - 1)) / columns
        high, named = side * chance.uniform(0.6, 1.4), chance.random() < 0.7
        for _ in range(chance.randrange(1, 4)):
            for column in range(columns):
                x = 10 + column * (side + gap)
                if chance.random() < 0.15:
                    page.panel(x, y, side, high, theme.surface, page.corner)
                    page.icon(x + side / 2, y + high / 2, side * 0.4, theme.accent)
                else:
                    page.photo(x, y, side, high, page.corner)
                    if chance.random() < 0.25:
                        page.text(x + 8, y + high - 14, chance.uniform(10, 20), (250, 250, 250), room=side - 14)
                if named:
                    page.text(x + 4, y + high + 12, 12, theme.ink, room=side - 8)
                    page.text(x + 4, y + high + 27, 10, theme.faint, room=side * 0.7)
            y += high + gap + (36 if named else 0)


def _fed(page: _Page) -> None:
    chance, theme = page.chance, page.theme
    y, end = _begun(page), page.tall
    while y < end:
        page.thumbnail(12, y + 8, 36, circular=True)
        page.text(58, y + 18, 14, theme.ink, room=180)
        page.text(58, y + 35, 11, theme.faint, room=120)
        page.icon(DP - 22, y + 26, 16, theme.faint, "dots")
        y += 56
        if chance.random() < 0.6:
            y = page.paragraph(14, y, DP - 28, 13, chance.randrange(1, 5), theme.ink) + 8
        high = chance.uniform(100, 320)
        inset = chance.choice((0, 0, 12))
        page.photo(inset, y, DP - 2 * inset, high, page.corner if inset else 0)
        if chance.random() < 0.4:
            page.round_button(DP / 2, y + high / 2, chance.uniform(16, 34))
        y += high + 6
        for number in range(chance.randrange(2, 5)):
            page.icon(24 + 56 * number, y + 16, 20, theme.faint)
            page.text(40 + 56 * number, y + 16, 11, theme.faint, str(chance.randrange(900)))
        y += 40


def _written(page: _Page) -> None:
    chance, theme = page.chance, page.theme
    y, end = _begun(page), page.tall
    while y < end:
        if chance.random() < 0.4:
            y = page.paragraph(16, y + 8, DP - 40, chance.uniform(18, 34), chance.randrange(1, 3), theme.ink) + 6
        if chance.random() < 0.3:
            high = chance.uniform(70, 200)
            page.photo(16, y, DP - 32, high, page.corner)
            y += high + 12
        y = page.paragraph(16, y, DP - 32, chance.uniform(11, 17), chance.randrange(2, 9), theme.ink) + 12
        if chance.random() < 0.3:
            x = 16.0
            while x < DP - 60:
                wide = chance.uniform(44, 96)
                page.button(x, y, wide, 28, chance.choice((theme.surface, theme.accent, theme.second)))
                x += wide + 8
            y += 42


def _asked(page: _Page) -> None:
    """A dialog over a darkened screen."""
    chance, theme = page.chance, page.theme
    chance.choice((_listed, _tiled, _fed, _played))(page)
    page.veil(0, 0, DP, page.tall, (0, 0, 0), chance.uniform(0.3, 0.75))
    wide, high = chance.uniform(240, 340), chance.uniform(160, 420)
    x, y = (DP - wide) / 2, chance.uniform(0.1, 0.9) * max(page.tall - high, 1)
    page.panel(x, y, wide, high, theme.surface, chance.choice((4, 12, 24)))
    if chance.random() < 0.4:
        page.photo(x + 12, y + 12, wide - 24, high * 0.4, 8)
    end = page.paragraph(x + 20, y + high * 0.45, wide - 40, chance.uniform(12, 20), chance.randrange(1, 4), theme.ink)
    page.button(x + 20, max(end, y + high - 56), (wide - 52) / 2, 40, theme.surface)
    page.button(x + 32 + (wide - 52) / 2, max(end, y + high - 56), (wide - 52) / 2, 40, theme.accent)


def _played(page: _Page) -> None:
    """A video or a song that plays, with what steers it."""
    chance = page.chance
    if chance.random() < 0.6:
        page.photo(0, 0, DP, page.tall)
    else:
        page.gradient(0, 0, DP, page.tall, page.theme.base, page.theme.accent)
        side = chance.uniform(200, 320)
        page.photo((DP - side) / 2, page.tall * 0.2, side, side, chance.choice((0, 12, side / 2)))
    ink = (250, 250, 250)
    page.status_bar(ink)
    y = page.tall * chance.uniform(0.6, 0.85)
    page.veil(0, y - 60, DP, page.tall - y + 60, (0, 0, 0), chance.uniform(0, 0.6))
    page.text(20, y - 40, chance.uniform(16, 26), ink, room=260)
    page.text(20, y - 18, 13, (190, 190, 190), room=200)
    page.line([(20, y), (DP - 20, y)], (120, 120, 120), 3)
    reached = chance.uniform(30, DP - 30)
    page.line([(20, y), (reached, y)], page.theme.accent, 3)
    page.circle(reached, y, 6, page.theme.accent)
    for number, kind in enumerate(("", "arrow", "pause", "chevron", "")):
        x = DP * (number + 0.5) / 5
        if number == 2 and chance.random() < 0.7:
            page.round_button(x, y + 48, 28)
        else:
            page.icon(x, y + 48, 24, ink, kind)


def _gamed(page: _Page) -> None:
    """A game: painted ground, a board or figures, counters and big buttons."""
    chance, noise = page.chance, page.noise()
    hue = chance.random()
    first, last = (
        _hsv(hue + chance.uniform(-0.2, 0.2), chance.uniform(0.3, 0.9), chance.uniform(0.2, 1)) for _ in "ab"
    )
    page.gradient(0, 0, DP, page.tall, first, last)
    ground = chance.randrange(4)
    if ground == 0:
        page.photo(0, 0, DP, page.tall)
    elif ground == 1:  # stripes, rays
        for n in range(0, 24, 2):
            a, b = 2 * pi * n / 24, 2 * pi * (n + 1) / 24
            far = page.tall * 1.2
            middle = DP / 2, page.tall / 2
            ray = [
                middle,
                (middle[0] + far * cos(a), middle[1] + far * sin(a)),
                (middle[0] + far * cos(b), middle[1] + far * sin(b)),
            ]
            page.polygon(ray, _between(first, (255, 255, 255), 0.2))
    elif ground == 2:  # hills
        for step in range(chance.randrange(2, 6)):
            base = page.tall * (0.3 + 0.15 * step)
            colour = _hsv(hue + 0.1 * step, 0.6, 0.9 - 0.12 * step)
            points = [(DP * n / 8, base + float(noise.integers(-60, 60))) for n in range(9)]
            page.polygon([*points, (DP, page.tall), (0, page.tall)], colour)
    for _ in range(chance.randrange(0, 26)):  # stones, coins, clouds, bricks
        x, y, r = chance.uniform(0, DP), chance.uniform(0, page.tall), chance.uniform(5, 46)
        colour = _hsv(chance.random(), chance.uniform(0.2, 1), chance.uniform(0.3, 1))
        dark = _between(colour, (0, 0, 0), 0.45)
        if chance.random() < 0.4:
            page.circle(x, y, r, dark)
            page.circle(x - r * 0.06, y - r * 0.08, r * 0.85, colour)
            if chance.random() < 0.5:
                page.icon(x, y, r * chance.uniform(0.6, 1.2), dark)
        elif chance.random() < 0.5:
            page.panel(x, y, r * 2, r * chance.uniform(0.6, 2), dark, r / 4)
            page.panel(x, y, r * 2, r * 0.5, colour, r / 4)
        else:
            page.icon(x, y, r * 2, colour)
    if chance.random() < 0.6:
        _board(page)
    ink = chance.choice(((255, 255, 255), (30, 20, 10)))
    for number in range(chance.randrange(0, 4)):
        x = 12 + 112 * number
        page.panel(x, 30, 100, 28, _between(first, (0, 0, 0), 0.5), 14)
        page.circle(x + 14, 44, 13, _hsv(chance.random(), 0.8, 0.95))
        page.text(x + 34, 44, 14, (255, 255, 255), str(chance.randrange(99999)))
    if chance.random() < 0.6:
        page.centred(DP / 2, chance.uniform(0.12, 0.3) * page.tall, chance.uniform(26, 54), ink, _cut(page.words(1), 8))
    for _ in range(chance.randrange(0, 4)):
        colour = _hsv(chance.random(), chance.uniform(0.5, 1), chance.uniform(0.5, 1))
        page.button(
            chance.uniform(10, 220),
            chance.uniform(0.4, 0.95) * page.tall,
            chance.uniform(60, 180),
            chance.uniform(28, 60),
            colour,
        )
    for _ in range(chance.randrange(0, 5)):
        page.round_button(chance.uniform(20, DP - 20), chance.uniform(20, page.tall - 20), chance.uniform(12, 30))


def _board(page: _Page) -> None:
    chance = page.chance
    count, wide = chance.randrange(3, 9), chance.uniform(280, 350)
    x, y, cell = (DP - wide) / 2, chance.uniform(0.15, 0.5) * page.tall, wide / count
    page.panel(x - 6, y - 6, wide + 12, wide + 12, _hsv(chance.random(), 0.3, chance.uniform(0.1, 0.9)), 8)
    hue, kind, corner = chance.random(), chance.randrange(3), chance.choice((0, 4, cell / 2))
    for row in range(count):
        for column in range(count):
            value = chance.randrange(6)
            colour = _hsv(hue + value * 0.13, 0.7, 0.9) if kind else _hsv(hue, 0.12 * value, 0.95 - 0.1 * value)
            left, top = x + column * cell, y + row * cell
            page.panel(left + 2, top + 2, cell - 4, cell - 4, colour, corner)
            if kind == 2:
                page.icon(left + cell / 2, top + cell / 2, cell * 0.6, _between(colour, (0, 0, 0), 0.5))
            elif kind == 0 and value:
                ink = (250, 250, 250) if value > 2 else (60, 60, 70)
                page.centred(left + cell / 2, top + cell / 2, cell * 0.36, ink, str(2**value))


def _advertised(page: _Page) -> None:
    """Large words, and a phone that shows another screen."""
    chance = page.chance
    first, last = (_hsv(chance.random(), chance.uniform(0.1, 0.9), chance.uniform(0.4, 1)) for _ in "ab")
    page.gradient(0, 0, DP, page.tall, first, last)
    ink = (250, 250, 250) if sum(first) < 420 else (20, 20, 24)
    y = page.paragraph(24, 30, DP - 48, chance.uniform(24, 40), chance.randrange(1, 3), ink)
    y = page.paragraph(24, y + 8, DP - 48, chance.uniform(13, 18), chance.randrange(1, 4), ink) + 16
    wide = chance.uniform(220, 310)
    x = (DP - wide) / 2
    page.panel(x - 8, y - 8, wide + 16, page.tall, (10, 10, 12), 26)
    inner = page._part(x, y, wide, page.tall - y)
    if min(inner.shape[:2]) > 60:
        small = _Page((inner.shape[1], inner.shape[0]), chance)
        chance.choice((_listed, _tiled, _fed, _written))(small)
        inner[:] = small.pixels


def _mapped(page: _Page) -> None:
    chance, noise = page.chance, page.noise()
    light = chance.random() < 0.7
    page.pixels[:] = _hsv(chance.random(), 0.06, 0.93 if light else 0.15)
    for _ in range(chance.randrange(4, 14)):
        x, y, r = chance.uniform(0, DP), chance.uniform(0, page.tall), chance.uniform(20, 130)
        points = [(x + r * cos(a / 7 * 2 * pi) * float(noise.random()), y + r * sin(a / 7 * 2 * pi)) for a in range(7)]
        page.polygon(points, _hsv(chance.choice((0.3, 0.55, 0.1)), 0.3, 0.85 if light else 0.25))
    road = (255, 255, 255) if light else (70, 70, 80)
    for _ in range(chance.randrange(6, 30)):
        x, y, a = chance.uniform(0, DP), chance.uniform(0, page.tall), chance.choice((0.1, 1.67, chance.uniform(0, pi)))
        far = chance.uniform(60, 700)
        page.line(
            [(x - far * cos(a), y - far * sin(a)), (x + far * cos(a), y + far * sin(a))], road, chance.uniform(1, 7)
        )
    for _ in range(chance.randrange(3, 16)):
        x, y = chance.uniform(0, DP), chance.uniform(0, page.tall)
        page.text(x, y, chance.uniform(9, 14), (90, 90, 100) if light else (180, 180, 190), room=90)
        if chance.random() < 0.4:
            page.round_button(x, y + 20, chance.uniform(8, 16))
    page.status_bar(page.theme.ink)


def _talked(page: _Page) -> None:
    """A chat, with a keyboard at times."""
    chance, theme = page.chance, page.theme
    y, end = _begun(page), page.tall
    keys = chance.random() < 0.5
    while y < end:
        wide, lines = chance.uniform(80, 250), chance.randrange(1, 4)
        own = chance.random() < 0.5
        x = DP - wide - 16 if own else 52
        high = lines * 19 + 16
        fill = theme.accent if own else theme.surface
        page.panel(x, y, wide, high, fill, 14)
        ink = (20, 20, 24) if sum(fill) > 420 else (250, 250, 250)
        page.paragraph(x + 12, y + 9, wide - 24, 12.5, lines, ink)
        if not own:
            page.thumbnail(10, y + high - 32, 32, circular=True)
        y += high + chance.uniform(6, 20)
    if keys:
        top = page.tall - 220
        page.panel(0, top, DP, 220, _between(theme.base, theme.faint, 0.3))
        for row, letters in enumerate(("qwertyuiop", "asdfghjkl", "zxcvbnm")):
            for column, letter in enumerate(letters):
                x = (DP - 36 * len(letters)) / 2 + 36 * column
                page.panel(x + 2, top + 10 + 50 * row, 32, 42, theme.surface, 5)
                page.centred(x + 18, top + 31 + 50 * row, 17, theme.ink, letter)
        page.panel(80, top + 162, 200, 42, theme.surface, 5)


def _homed(page: _Page) -> None:
    """The phone's own screen: a picture, and applications on it."""
    chance = page.chance
    page.photo(0, 0, DP, page.tall)
    page.status_bar((250, 250, 250))
    columns, side = chance.randrange(3, 6), chance.uniform(38, 58)
    page.corner = chance.choice((6, 24, 60))
    y = chance.uniform(40, 200)
    while y < page.tall:
        for column in range(columns):
            if chance.random() < 0.8:
                x = DP * (column + 0.5) / columns
                page.thumbnail(x - side / 2, y, side, circular=page.corner == 60)
                page.centred(x, y + side + 12, 11, (245, 245, 245), _cut(page.words(1), 9))
        y += side + chance.uniform(30, 60)


def _overlay(page: _Page) -> None:
    """What lies over screens: a banner, a round button, a message, bars."""
    chance, theme = page.chance, page.theme
    for _ in range(chance.randrange(1, 4)):
        kind = chance.randrange(4)
        if kind == 0:
            high = chance.uniform(50, 110)
            y = chance.choice((0, page.tall - high, chance.uniform(0, page.tall)))
            page.photo(0, y, DP, high)
            page.text(14, y + high * 0.35, high * 0.22, (250, 250, 250), room=190)
            page.button(230, y + high * 0.3, 110, high * 0.4, chance.choice((theme.accent, theme.second)))
        elif kind == 1:
            page.round_button(chance.uniform(30, DP - 30), chance.uniform(30, page.tall - 30), chance.uniform(14, 30))
        elif kind == 2:
            y = chance.uniform(0, page.tall)
            page.panel(16, y, DP - 32, 46, (40, 40, 44), page.corner)
            page.text(32, y + 23, 13, (240, 240, 240), room=200)
        else:
            page.tab_bar()


_PAGES: tuple[tuple[Callable[[_Page], None], float], ...] = (
    (_listed, 5),
    (_tiled, 3),
    (_fed, 3),
    (_written, 2.5),
    (_asked, 1.5),
    (_played, 2),
    (_gamed, 4),
    (_advertised, 1.5),
    (_mapped, 0.7),
    (_talked, 1.3),
    (_homed, 1.5),
)
