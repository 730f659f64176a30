"""Aozora Bunko's markup: what of a file is the text itself, and which characters its notes stand for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

LOST = "\ufffd"
"""What stands in a text for a character that has no code, and is only described."""

MARK = "※"
"""What is drawn for such a character: the mark that stands before its description, as in Aozora's own pages."""

LISTED = 5
"""How many of the places are named at which something was not understood."""

_DASHES = re.compile(r"^-{20,}$\n?", re.MULTILINE)
_NOTATION = "テキスト中に現れる記号"
_FOOTER = re.compile(r"^底本[：:]|［＃本文終わり］", re.MULTILINE)
_NOTE = re.compile(r"(※?)［＃((?:「[［］]」|［(?!＃)[^［］\n]*］|[^［］\n])*)］")
_RUBY = re.compile(r"《[^《》\n]*》")
_PLACE = re.compile(r"(?<![\d-])([12])-(\d{1,2})-(\d{1,2})(?![\d-])", re.ASCII)
_CODE_POINT = re.compile(r"U\+([0-9A-F]{4,6})(?![0-9A-F])", re.ASCII | re.IGNORECASE)

_PROTECTED = "《》｜［］〔〕＃※／＼"
"""The characters of the markup. A text that has one for itself says so in a note: ※［＃始め二重山括弧、1-1-52］."""

_HIDDEN = {ord(mark): 0xFDD0 + number for number, mark in enumerate(_PROTECTED)}  # code points that are no characters
_SHOWN = {code: mark for mark, code in _HIDDEN.items()}

_RETURN = re.compile("[一二三四上中下甲乙丙丁天地人]?レ?‐?[一二三四上中下甲乙丙丁天地人]?レ?")
_OKURIGANA = re.compile("（([^（）]+)）")
_LAYOUT = re.compile(
    "字下げ|字上げ|地付き|地寄せ|地から|天付き|改ページ|改丁|改段|改見開き|改行|折り返し|字詰め|左右中央|中央揃え|"
    "ページの|段組|行アキ|行空き|字アキ|見出し|傍点|傍線|下線|鎖線|破線|波線|取消線|斜線|罫|囲み|枠|太字|ゴシック|斜体|"
    "イタリック|大きな文字|小さな文字|小文字|小書き|縦中横|横組み|縦組み|割り注|割書|キャプション|図|写真|挿絵|挿画|画像|"
    "地図|表|入る|ママ|底本|初出|ルビ|注記|訓点|返り点|返点|送り仮名|合字|ここから|ここで|終わり|続く|署名|欄外|頭注|"
    "行右|行左|左に|右に|正立|横転|空白|判読|欠字|伏せ字|[、。]?は「|に「"
)

_LETTERS = {"`": "AEIOUaeiou", "'": "AEIOUYaeiouy", "^": "AEIOUaeiou", "~": "ANOano", ":": "AEIOUaeiouy"}
_COMBINING = {"`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", ":": "\u0308"}
_ACCENTED = {
    **{
        letter + mark: unicodedata.normalize("NFC", letter + _COMBINING[mark])
        for mark, letters in _LETTERS.items()
        for letter in letters
    },
    **{letter + "_": unicodedata.normalize("NFC", letter + "\u0304") for letter in "AEIOUaeiou"},
    "A&": "Å",
    "a&": "å",
    "C,": "Ç",
    "c,": "ç",
    "O/": "Ø",
    "o/": "ø",
    "!@": "¡",
    "?@": "¿",
    "s&": "ß",
    "AE&": "Æ",
    "ae&": "æ",
    "OE&": "Œ",
    "oe&": "œ",
}
_ACCENT = re.compile("|".join(map(re.escape, sorted(_ACCENTED, key=len, reverse=True))))
_FOREIGN = re.compile("〔([^〔〕\n]*)〕")


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a file, and what of its markup was not understood, a line each with the line of the file."""

    text: str
    notes: tuple[str, ...] = ()


def body(text: str) -> str:
    """The body of an Aozora text; a text without Aozora's markup comes out as it is."""
    return read(text).text


def read(text: str) -> Body:
    """The body of an Aozora text, by the rules of its annotation manual.

    - The header goes when it is whole: title, author, and the block on notation between two dashed lines.
    - The footer goes, from ［＃本文終わり］ or the line that begins with 底本：.
    - Notes ［＃...］ go, with whatever brackets they hold. Small kana of Chinese read as Japanese, ［＃（ノ）］, and
      its marks of order, ［＃一レ］, are part of what is printed, and stay.
    - A note behind the mark ※ is of a character that Shift-JIS lacks, or that is itself a mark. Where it tells the
      character, by its place in JIS X 0213 (第3水準1-85-57) or as U+7162, that takes the place of both. Where it only
      describes it, LOST does.
    - In 〔...〕 accents written apart (cafe') become letters, and the brackets go.
    - Ruby 《...》 and the bar ｜ that marks where it starts go.
    - ／＼ and ／″＼ are marks of repetition, 〳〵 and 〴〵.
    """
    marked = "［＃" in text or "《" in text or _NOTATION in text
    notes: list[tuple[int, str]] = []
    left = _without_notes(_without_footer(_without_header(text)), notes)
    left = _FOREIGN.sub(_accents, left)
    left = _RUBY.sub("", left)
    if marked:
        left = left.replace("／″＼", "〴〵").replace("／＼", "〳〵").replace("｜", "")
        notes += _without_end(left)
    return Body(left.translate(_SHOWN), tuple(_told(notes)))


def _without_header(text: str) -> str:
    """The text without its header, of which empty lines are left, so that lines keep their numbers."""
    parts = _DASHES.split(text, maxsplit=2)
    if len(parts) != 3 or _NOTATION not in parts[1]:
        return text
    return "\n" * text[: len(text) - len(parts[2])].count("\n") + parts[2]


def _without_footer(text: str) -> str:
    return _FOOTER.split(text, maxsplit=1)[0]


def _without_notes(text: str, notes: list[tuple[int, str]]) -> str:
    """Inner notes first: each round takes the notes that hold no further note."""

    def instead(note: re.Match[str]) -> str:
        return _instead(note, notes)

    while (shorter := _NOTE.sub(instead, text)) != text:
        text = shorter
    return text


def _instead(note: re.Match[str], notes: list[tuple[int, str]]) -> str:
    """What takes the place of a note: nothing, or the character that it is about."""
    what = note[2].translate(_SHOWN)
    if note[1]:
        character = _character(what)
        if character == LOST:
            notes.append((_line(note), f"※［＃{what}］ has no code"))
        return character.translate(_HIDDEN)
    if okurigana := _OKURIGANA.fullmatch(what):
        return okurigana[1].translate(_HIDDEN)
    if what and _RETURN.fullmatch(what):
        return what.replace("‐", "")
    if not _LAYOUT.search(what):
        notes.append((_line(note), f"［＃{what}］ is no note of Aozora's manual; left out"))
    return ""


def _line(found: re.Match[str]) -> int:
    return found.string.count("\n", 0, found.start()) + 1


def _character(note: str) -> str:
    """The character that a note behind ※ tells; LOST where it only describes it."""
    told = unicodedata.normalize("NFKC", note)  # some write the figures at full width
    places, code_points = _PLACE.findall(told), _CODE_POINT.findall(told)
    if places:
        return _at_place(*map(int, places[-1])) or LOST
    return _with_code_point(int(code_points[-1], 16)) or LOST if code_points else LOST


def _at_place(plane: int, row: int, cell: int) -> str:
    """The character at a place of JIS X 0213; none where there is nothing."""
    try:
        return (b"\x8f" * (plane - 1) + bytes((0xA0 + row, 0xA0 + cell))).decode("euc_jis_2004")
    except ValueError:
        return ""


def _with_code_point(number: int) -> str:
    known = number < 0x110000 and unicodedata.category(chr(number)) not in ("Cn", "Co", "Cs")
    return chr(number) if known else ""


def _accents(foreign: re.Match[str]) -> str:
    """Foreign words with their accents; brackets that hold none are the text's own."""
    letters = _ACCENT.sub(lambda accent: _ACCENTED[accent[0]], foreign[1])
    return foreign[0] if letters == foreign[1] else letters


def _without_end(text: str) -> Iterator[tuple[int, str]]:
    """Marks that are still there once all that was whole has gone."""
    for found in re.finditer("《|》|［＃", text):
        yield _line(found), f"{found[0]} stands alone, and is drawn"
        if found.start() > 1 << 16:  # a file of nothing else is no text
            return


def _told(notes: list[tuple[int, str]]) -> Iterator[str]:
    for line, note in sorted(notes)[:LISTED]:
        yield f"line {line}: {note}"
    if len(notes) > LISTED:
        yield f"... and {len(notes) - LISTED:,} more like these"
