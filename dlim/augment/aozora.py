"""Aozora Bunko's markup: what of a file is the text itself, and which characters its notes stand for."""

import re
import unicodedata

LOST = "\ufffd"
"""What stands in a text for a character that has no code, and is only described."""

MARK = "※"
"""What is drawn for such a character: the mark that stands before its description, as in Aozora's own pages."""

_DASHES = re.compile(r"^-{20,}$\n?", re.MULTILINE)
_NOTATION = "テキスト中に現れる記号"
_FOOTER = re.compile(r"^底本[：:]", re.MULTILINE)
_NOTE = re.compile(r"(※?)［＃((?:「[［］]」|［(?!＃)[^［］\n]*］|[^［］\n])*)］")
_RUBY = re.compile(r"《[^《》\n]*》")
_PLACE = re.compile(r"(?<![\d-])([12])-(\d{1,2})-(\d{1,2})(?![\d-])", re.ASCII)
_CODE_POINT = re.compile(r"U\+([0-9A-F]{4,6})(?![0-9A-F])", re.ASCII | re.IGNORECASE)


def body(text: str) -> str:
    """The body of an Aozora text; a text without Aozora's markup comes out as it is.

    - The header goes when it is whole: title, author, and the block on notation between two dashed lines.
    - The footer goes, from the line that begins with 底本：.
    - Notes ［＃...］ go, with whatever brackets they hold.
    - A note behind the mark ※ is of a character that Shift-JIS lacks. Where it tells the character, by its place in
      JIS X 0213 (第3水準1-85-57) or as U+7162, that takes the place of both. Where it only describes it, LOST does.
    - Ruby 《...》 and the bar ｜ that marks where it starts go.
    """
    return _RUBY.sub("", _without_notes(_without_footer(_without_header(text)))).replace("｜", "")


def _without_header(text: str) -> str:
    parts = _DASHES.split(text, maxsplit=2)
    return parts[2] if len(parts) == 3 and _NOTATION in parts[1] else text


def _without_footer(text: str) -> str:
    return _FOOTER.split(text, maxsplit=1)[0]


def _without_notes(text: str) -> str:
    """Inner notes first: each round takes the notes that hold no further note."""
    while (shorter := _NOTE.sub(_instead, text)) != text:
        text = shorter
    return text


def _instead(note: re.Match[str]) -> str:
    """What takes the place of a note: nothing, or the character that it is about."""
    if not note[1]:
        return ""
    told = unicodedata.normalize("NFKC", note[2])  # some write the figures at full width
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
