"""A corpus: the text whose characters a project like ja_char draws.

A corpus is a text file or a folder of them, with or without Aozora Bunko's markup. What counts as a character is
settled here, in `characters`, and which encoding of Japanese a file is in, in `read_text`; what of a file is text, in
`aozora`.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dlim.augment import aozora
from dlim.errors import ProjectError

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
"""The byte order marks that a file may begin with, and what they say."""

_ESCAPES = b"\x1b$"
"""What switches to kanji in the encoding of Japanese e-mail, whose bytes would all pass for ASCII."""

SHIFT_JIS = "cp932"
EUC_JP = ("euc_jp", "euc_jis_2004")

_NEVER_TEXT = re.compile("[\0\x80\xa0\ue000-\uf8ff]")
_KANA = re.compile("[ぁ-ゖァ-ヺ]")

_DECOMPOSED = re.compile("[^\\s\u0300-\u036f\u3099\u309a][\u0300-\u036f\u3099\u309a]+")


@dataclass(frozen=True, slots=True)
class Corpus:
    """The distinct characters of a text, by code point, and what is to be said of those that were left out."""

    characters: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_corpus(path: Path) -> Corpus:
    """The characters of a text file, or of every .txt in a folder and in those below it.

    Raises ProjectError, in one line with the file.
    """
    bodies = {file: aozora.read(read_text(file)) for file in _files(path)}
    text = "\n".join(body.text for body in bodies.values())
    found = characters(text.replace(aozora.LOST, aozora.MARK))
    if not found:
        raise ProjectError(path, "holds no character to draw", "put a text in it")
    notes = [f"{file.name} {note}" for file, body in bodies.items() for note in body.notes]
    return Corpus(tuple(found), (*(f"{path.name}: {note}" for note in _left_out(text)), *notes))


def characters(text: str) -> list[str]:
    """The distinct characters of a text that can stand alone in a picture, by code point.

    Left out, by Unicode category:

    - Z, white space, U+3000 among it: nothing to see, so nothing to put a box around.
    - C, control, format, surrogate, private and unassigned: no picture, or none that two fonts agree on.
    - M, combining marks: no character by themselves. One that follows its letter is joined to it first (か
      and U+3099 are が), where Unicode has the joined character; あ with U+3099 is あ.

    What one would miss of all that, `read_corpus` says, and draws the mark ※ for a character that has no code.
    Nothing else is folded: full width and half width, ゛ and ﾞ by themselves, ～ and 〜, a kanji and its compatibility
    form are distinct. Under this reading Miyazawa's 銀河鉄道の夜, as Aozora has it, holds 1,000 characters: 999, and
    the mark for a small ん that has no code.
    """
    return sorted(character for character in set(_joined(text)) if _stands_alone(character))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ProjectError(path, "no such file or folder", "put a text there, or a folder of .txt files")
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() == ".txt" and file.is_file())
    found = [file for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    if not found:
        raise ProjectError(path, "holds no .txt file", "put a text in it")
    return found


def _joined(text: str) -> str:
    """The text with each mark in one character with its letter, where there is that character."""
    return _DECOMPOSED.sub(lambda match: unicodedata.normalize("NFC", match[0]), text)


def _stands_alone(character: str) -> bool:
    return unicodedata.category(character)[0] not in "ZCM" and character != aozora.LOST


def _left_out(text: str) -> Iterable[str]:
    """What a reader of the text would look for in vain among its characters, in a few words for each kind."""
    lost = text.count(aozora.LOST)
    if lost:
        what = f"{lost} {'character has' if lost == 1 else 'characters have'} no code"
        yield f"{what}, only a description or U+FFFD; drawn as {aozora.MARK}"
    present = sorted(set(_joined(text)))
    marks = [character for character in present if unicodedata.category(character)[0] == "M"]
    if marks:
        yield f"combining marks that join no letter: {_listed(marks)}; left out"
    private = [character for character in present if unicodedata.category(character) in ("Cn", "Co", "Cs")]
    if private:
        yield f"code points that mean no character by themselves: {_listed(private)}; left out"


def _listed(characters: Iterable[str]) -> str:
    return ", ".join(f"U+{ord(character):04X}" for character in characters)


def read_text(path: Path) -> str:
    """A file's text: UTF-8, UTF-16 with its mark, Shift-JIS, EUC-JP or ISO-2022-JP; a line ends in a line feed.

    Of Python's codecs for Shift-JIS the one that fits is cp932. Aozora's files keep to JIS X 0208, which
    all of them read, but are made with Windows, where byte 5C is a backslash and the NEC and IBM extensions
    (①, 髙) are in use. `shift_jis` refuses those extensions; `shift_jisx0213` and `shift_jis_2004` read the
    IBM ones as other kanji, and 5C as a yen sign. One consequence: the wave dash is ～ (U+FF5E) and the
    minus － (U+FF0D), as on Windows; from EUC-JP they are 〜 (U+301C) and − (U+2212).

    Raises ProjectError, in one line with the file.
    """
    data = path.read_bytes()
    return _decoded(path, data).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(path: Path, data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _only(path, data, encoding).removeprefix("\ufeff")
    if _ESCAPES in data:
        return _only(path, data, "iso2022_jp_ext")
    text, reached = _tried(data, "utf-8")
    return _japanese(path, data, reached) if text is None else text


def _only(path: Path, data: bytes, encoding: str) -> str:
    """The text of a file that says what it is in."""
    text, reached = _tried(data, encoding)
    if text is None:
        raise ProjectError(path, f"is marked as {encoding}, but breaks at byte {reached}", "save it as UTF-8")
    return text


def _japanese(path: Path, data: bytes, reached: int) -> str:
    """Shift-JIS or EUC-JP: few files can be read as both, and of those one with kana in it is EUC-JP."""
    shift_jis, byte = _tried(data, SHIFT_JIS)
    reached = max(reached, byte)
    for encoding in EUC_JP:
        euc_jp, byte = _tried(data, encoding)
        reached = max(reached, byte)
        if euc_jp is not None and shift_jis is not None and not _KANA.search(euc_jp):
            raise ProjectError(path, "may be Shift-JIS, and may be EUC-JP", "save it as UTF-8")
        if euc_jp is not None:
            return euc_jp
    if shift_jis is None:
        fault = f"is neither UTF-8 nor Shift-JIS nor EUC-JP (byte {reached})"
        raise ProjectError(path, fault, "save it as UTF-8")
    return shift_jis


def _tried(data: bytes, encoding: str) -> tuple[str | None, int]:
    """The text in an encoding, or None and the byte where it breaks.

    cp932 lets pass what no plain text holds but UTF-16 and binary files do: NUL, 80, A0, F0 to FF. In UTF-8, too, a
    NUL is a sign of UTF-16 without its mark.
    """
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        return None, error.start
    stray = _NEVER_TEXT.search(text) if encoding == SHIFT_JIS else re.search("\0", text)
    return (text, len(data)) if stray is None else (None, len(text[: stray.start()].encode(encoding)))
