"""A corpus: the text whose characters a project like ja_char draws.

A corpus is a text file or a folder of them, with or without Aozora Bunko's markup. What counts as a character is
settled here, in `characters`; what of a file is text, in `encoding` and `aozora`.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dlim.augment import aozora
from dlim.augment.encoding import read_text
from dlim.errors import ProjectError

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
    text = "\n".join(aozora.body(read_text(file)) for file in _files(path))
    found = characters(text.replace(aozora.LOST, aozora.MARK))
    if not found:
        raise ProjectError(path, "holds no character to draw", "put a text in it")
    return Corpus(tuple(found), tuple(f"{path.name}: {note}" for note in _left_out(text)))


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
