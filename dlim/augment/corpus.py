"""A corpus: the text whose characters a project like ja_char draws.

A corpus is a text file or a folder of them, in UTF-8 or in the Shift-JIS of Aozora Bunko, with or without
Aozora's markup. What counts as a character is settled in two places, `strip_aozora` and `characters`.
"""

import re
import unicodedata
from pathlib import Path

from dlim.errors import ProjectError

SHIFT_JIS = "cp932"

_DASHES = re.compile(r"^-{20,}$\n?", re.MULTILINE)
_NOTATION = "テキスト中に現れる記号"
_FOOTER = re.compile(r"^底本[：:]", re.MULTILINE)
_NOTE = re.compile(r"［＃(?:「[［］]」|［[^［］\n]*］|[^［］\n])*］")
_RUBY = re.compile(r"《[^《》\n]*》")
_NEVER_TEXT = re.compile("[\0\x80\xa0\ue000-\uf8ff]")
_DECOMPOSED = re.compile("[^\\s\u0300-\u036f\u3099\u309a][\u0300-\u036f\u3099\u309a]+")
_REPLACEMENT = "\ufffd"


def read_corpus(path: Path) -> list[str]:
    """The distinct characters of a text file, or of every .txt in a folder."""
    text = "\n".join(strip_aozora(read_text(file)) for file in _files(path))
    found = characters(text)
    if not found:
        raise ProjectError(path, "holds no character to draw", "put a text in it")
    return found


def read_text(path: Path) -> str:
    """A file's text, UTF-8 (with a byte order mark or without) or else Shift-JIS, lines ended by a line feed.

    Of Python's codecs for Shift-JIS the one that fits is cp932. Aozora's files keep to JIS X 0208, which
    all of them read, but are made with Windows, where byte 5C is a backslash and the NEC and IBM extensions
    (①, 髙) are in use. `shift_jis` refuses those extensions; `shift_jisx0213` and `shift_jis_2004` read the
    IBM ones as other kanji, and 5C as a yen sign. One consequence: the wave dash is ～ (U+FF5E) and the
    minus － (U+FF0D), as on Windows.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as utf8:
        text = _shift_jis(path, data, utf8.start)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def strip_aozora(text: str) -> str:
    """The body of an Aozora text; a text without Aozora's markup comes out as it is.

    - The header goes when it is whole: title, author, and the block on notation between two dashed lines.
    - The footer goes, from the line that begins with 底本：.
    - Notes ［＃...］ go, with whatever brackets they hold.
    - Ruby 《...》 and the bar ｜ that marks where it starts go.
    - The mark ※ before a note stays. It stands in the text for a character that has no code there, and is
      one itself: the note is taken away from it, nothing is put in its place.
    """
    body = _without_notes(_without_footer(_without_header(text)))
    return _RUBY.sub("", body).replace("｜", "")


def characters(text: str) -> list[str]:
    """The distinct characters of a text that can stand alone in a picture, by code point.

    Left out, by Unicode category:

    - Z, white space, U+3000 among it: nothing to see, so nothing to put a box around.
    - C, control, format, surrogate, private and unassigned: no picture, or none that two fonts agree on.
    - M, combining marks: no character by themselves. One that follows its letter is joined to it first (か
      and U+3099 are が), where Unicode has the joined character.

    U+FFFD is left out too: it says that a character was lost. Nothing else is folded: full width and half
    width, ～ and 〜, a kanji and its compatibility form are distinct. Under this reading Miyazawa's
    銀河鉄道の夜, as Aozora has it, holds 1,000 characters: 999 of its own, and ※.
    """
    joined = _DECOMPOSED.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)
    return sorted(character for character in set(joined) if _stands_alone(character))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ProjectError(path, "no such file or folder", "put a text there, or a folder of .txt files")
    found = sorted(file for file in path.iterdir() if file.suffix.lower() == ".txt" and file.is_file())
    if not found:
        raise ProjectError(path, "holds no .txt file", "put a text in it")
    return found


def _shift_jis(path: Path, data: bytes, utf8_offset: int) -> str:
    """Decode, or name the byte where the encoding that got further gave up."""
    try:
        text = data.decode(SHIFT_JIS)
        # cp932 lets pass what no plain text holds but UTF-16, EUC and binary files do: NUL, 80, A0, F0 to FF.
        stray = _NEVER_TEXT.search(text)
        if stray is None:
            return text
        offset = len(text[: stray.start()].encode(SHIFT_JIS))
    except UnicodeDecodeError as shift_jis:
        offset = shift_jis.start
    fault = f"is neither UTF-8 nor Shift-JIS (byte {max(offset, utf8_offset)})"
    raise ProjectError(path, fault, "save it as UTF-8") from None


def _without_header(text: str) -> str:
    parts = _DASHES.split(text, maxsplit=2)
    return parts[2] if len(parts) == 3 and _NOTATION in parts[1] else text


def _without_footer(text: str) -> str:
    return _FOOTER.split(text, maxsplit=1)[0]


def _without_notes(text: str) -> str:
    """Inner notes first: each round takes the notes that hold no further note."""
    while (shorter := _NOTE.sub("", text)) != text:
        text = shorter
    return text


def _stands_alone(character: str) -> bool:
    return unicodedata.category(character)[0] not in "ZCM" and character != _REPLACEMENT
