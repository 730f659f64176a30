"""A text file's characters, in whichever encoding of Japanese it is; refused where two would do, or none does."""

import re
from pathlib import Path

from dlim.errors import ProjectError

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
"""The byte order marks that a file may begin with, and what they say."""

_ESCAPES = b"\x1b$"
"""What switches to kanji in the encoding of Japanese e-mail, whose bytes would all pass for ASCII."""

SHIFT_JIS = "cp932"
EUC_JP = ("euc_jp", "euc_jis_2004")

_NEVER_TEXT = re.compile("[\0\x80\xa0\ue000-\uf8ff]")
_KANA = re.compile("[ぁ-ゖァ-ヺ]")


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
