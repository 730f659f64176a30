"""A corpus: what counts as a character, and what is said of the rest."""

import unicodedata
from pathlib import Path

import pytest

from dlim.augment.corpus import characters, read_corpus
from dlim.errors import ProjectError
from tests.augment.test_aozora import AOZORA

ROOT = Path(__file__).parents[2]
GINGA = ROOT / "../shared/real/corpus/gingatetsudono_yoru.txt"
SAMPLE = ROOT / "projects/ja_char/data_augmentation/corpus.txt"


def written(path: Path, data: bytes) -> Path:
    """A file of that content."""
    path.write_bytes(data)
    return path


def test_characters_are_distinct_and_sorted() -> None:
    """Each character comes once, by code point."""
    assert characters("いあいZあ漢!") == ["!", "Z", "あ", "い", "漢"]


@pytest.mark.parametrize("unseen", " \t\n\u3000\xa0\u200b\x07\xad\ue000\ufe0f\ufffd")
def test_the_unseen_is_no_character(unseen: str) -> None:
    """White space, control, format and private characters, marks and the sign of a lost one aren't drawn."""
    assert characters(f"あ{unseen}") == ["あ"]


def test_a_mark_joins_its_letter() -> None:
    """か and a combining dakuten are が, never a bare か; a mark without a letter is nothing."""
    assert characters("か\u3099") == ["が"]
    assert characters("\u3099は\u309a") == ["ぱ"]
    assert characters("e\u0301か\u309aあ\u3099") == ["é", "あ", "か"]


def test_marks_that_stand_by_themselves(tmp_path: Path) -> None:
    """The spacing forms of dakuten are characters, and half-width kana keep theirs beside them."""
    assert characters("゛゜ﾞﾟ") == ["゛", "゜", "ﾞ", "ﾟ"]
    assert characters("ｶﾞ") == ["ｶ", "ﾞ"]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("あ\u3099", "combining marks that join no letter: U+3099; left out"),
        ("あ\u3099e\u20dd\u3099", "combining marks that join no letter: U+20DD, U+3099; left out"),
        ("か\u3099", None),
        ("葛\U000e0100", "combining marks that join no letter: U+E0100; left out"),
        ("あ※［＃「口＋世」、183-7］", "1 character has no code, only a description or U+FFFD; drawn as ※"),
        ("あ\ufffd※［＃「口＋世」］", "2 characters have no code, only a description or U+FFFD; drawn as ※"),
        ("あ\ue000\u0378", "code points that mean no character by themselves: U+0378, U+E000; left out"),
        ("あ \u3000\n\t\u200b", None),
    ],
)
def test_what_isnt_drawn_is_said(tmp_path: Path, text: str, note: str | None) -> None:
    """A reader who looks for a character that isn't drawn finds out why; of white space there is nothing to say."""
    found = read_corpus(written(tmp_path / "a.txt", text.encode()))
    assert found.notes[:1] == (() if note is None else (f"a.txt: {note}",))


def test_compatibility_forms_are_kept_apart() -> None:
    """Characters that Unicode could fold into others are drawn as what they are."""
    kept = ["Ａ", "A", "ｱ", "ア", "\uff5e", "\u301c", "\ufa19", "\u795e"]
    assert characters("".join(kept)) == sorted(kept)


def test_a_folder_is_one_corpus(tmp_path: Path) -> None:
    """The .txt files of a folder and those below, each with its own encoding and header, are one set of characters."""
    written(tmp_path / "a.txt", AOZORA.encode("cp932"))
    written(tmp_path / "b.TXT", "押す".encode())
    (tmp_path / "more/.old").mkdir(parents=True)
    written(tmp_path / "more/c.txt", "別".encode("utf-16"))
    written(tmp_path / "more/.old/d.txt", "古".encode())
    written(tmp_path / ".e.txt", "隠".encode())
    written(tmp_path / "f.md", "注".encode())
    assert read_corpus(tmp_path).characters == tuple(sorted("一白い岩停車-押す別"))
    assert read_corpus(tmp_path / "b.TXT").characters == ("す", "押")


def test_what_is_no_corpus(tmp_path: Path) -> None:
    """A missing path, a folder without text and a text without characters each say what to do."""
    (tmp_path / "empty").mkdir()
    blank = written(tmp_path / "blank.txt", "\u3000\n".encode())
    for path, text in [
        (tmp_path / "none", "no such file or folder; put a text there, or a folder of .txt files"),
        (tmp_path / "empty", "holds no .txt file; put a text in it"),
        (blank, "holds no character to draw; put a text in it"),
    ]:
        with pytest.raises(ProjectError) as caught:
            read_corpus(path)
        assert str(caught.value) == f"{path}: {text}"


def test_the_sample_corpus() -> None:
    """The committed corpus has kana, kanji, digits and punctuation, and loses all its markup."""
    found = read_corpus(SAMPLE)
    assert 60 <= len(found.characters) <= 120
    assert found.notes == ()
    kinds = {unicodedata.name(character).split()[0] for character in found.characters}
    assert {"HIRAGANA", "KATAKANA", "CJK", "DIGIT", "IDEOGRAPHIC", "FULLWIDTH"} <= kinds
    assert not set(found.characters) & set("《》｜［］＃※底字級")


@pytest.mark.skipif(not GINGA.exists(), reason="the real corpus isn't beside the repository")
def test_the_real_corpus() -> None:
    """The Aozora text that the team uses holds 1,000 characters: 999 and the mark for one that has no code."""
    found = read_corpus(GINGA)
    assert len(found.characters) == 1000
    assert not set(found.characters) & set("《》｜［］＃\u3000\n")
    assert found.notes == (
        f"{GINGA.name}: 1 character has no code, only a description or U+FFFD; drawn as ※",
        f"{GINGA.name} line 114: ※［＃小書き平仮名ん、183-7］ has no code",
    )
