"""A corpus: which encoding a text is in, what counts as a character, and what is said of the rest."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from dlim.augment.corpus import characters, read_corpus, read_text
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


TEXT = "広告を閉じる。カタカナ\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("utf-8", TEXT.encode()),
        ("utf-8 with a mark", TEXT.encode("utf-8-sig")),
        ("utf-16 with a mark", b"\xff\xfe" + TEXT.encode("utf-16-le")),
        ("utf-16 of the other order", b"\xfe\xff" + TEXT.encode("utf-16-be")),
        ("shift-jis", TEXT.encode("cp932")),
        ("euc-jp", TEXT.encode("euc_jp")),
        ("iso-2022-jp", TEXT.encode("iso2022_jp")),
        ("shift-jis with DOS lines", TEXT.replace("\n", "\r\n").encode("cp932")),
        ("euc-jp with old Macintosh lines", TEXT.replace("\n", "\r").encode("euc_jp")),
    ],
)
def test_one_text_in_any_encoding(tmp_path: Path, name: str, data: bytes) -> None:
    """A text reads the same in every encoding of Japanese, with a byte order mark or without, whatever line ends."""
    assert read_text(written(tmp_path / f"{name}.txt", data)) == TEXT


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp"])
def test_ascii_alone(tmp_path: Path, encoding: str) -> None:
    """A text without a Japanese character is itself in all of them."""
    assert read_text(written(tmp_path / "a.txt", "Close! \\ ~\n".encode(encoding))) == "Close! \\ ~\n"


def test_shift_jis_is_that_of_windows(tmp_path: Path) -> None:
    """NEC's and IBM's extensions are what Windows shows, and byte 5C is a backslash."""
    data = b"\x87\x40\xfb\xfc\x5c\x81\x60"
    assert read_text(written(tmp_path / "a.txt", data)) == "①髙\\\uff5e"


def test_more_than_the_old_standard(tmp_path: Path) -> None:
    """EUC-JP's supplementary kanji and half-width kana, and figures in circles, are read."""
    assert read_text(written(tmp_path / "a.txt", "の丂ｱ".encode("euc_jp"))) == "の丂ｱ"
    assert read_text(written(tmp_path / "b.txt", "の①".encode("euc_jis_2004"))) == "の①"


def test_half_width_kana_of_shift_jis(tmp_path: Path) -> None:
    """A text with half-width kana beside others is Shift-JIS still."""
    assert read_text(written(tmp_path / "a.txt", "ｸﾛｰｽﾞする".encode("cp932"))) == "ｸﾛｰｽﾞする"


@pytest.mark.parametrize("data", ["漢亜".encode("euc_jp"), "ｱｲｳｴ".encode("cp932")])
def test_what_two_encodings_explain(tmp_path: Path, data: bytes) -> None:
    """Bytes that are one text in Shift-JIS and another in EUC-JP aren't guessed at."""
    path = written(tmp_path / "a.txt", data)
    with pytest.raises(ProjectError) as caught:
        read_text(path)
    assert str(caught.value) == f"{path}: may be Shift-JIS, and may be EUC-JP; save it as UTF-8"


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        ("広告".encode("cp932") + b"\x81\x20", 4),
        ("広告".encode() + b"\xff", 6),
        ("広告".encode("euc_jp") + b"\xa0\xa0", 4),
        ("abc\n".encode("utf-16-le") + b"\xff", 8),
        ("広告あ\n".encode("utf-16-le"), 7),
        ("あ\n".encode("utf-16-be"), 2),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 8),
    ],
)
def test_no_encoding(tmp_path: Path, data: bytes, offset: int) -> None:
    """A file in none of them is one line that names the file and the byte where reading gave up."""
    path = written(tmp_path / "a.txt", data)
    with pytest.raises(ProjectError) as caught:
        read_text(path)
    fault = f"is neither UTF-8 nor Shift-JIS nor EUC-JP (byte {offset}); save it as UTF-8"
    assert str(caught.value) == f"{path}: {fault}"


@pytest.mark.parametrize(
    ("data", "marked", "offset"),
    [
        (b"\xef\xbb\xbf" + "広告".encode("cp932"), "utf-8", 3),
        (b"\xff\xfe" + "広告".encode("utf-16-le") + b"\x00", "utf-16-le", 6),
        (b"\xff\xfe\0\0" + "広".encode("utf-32-le"), "utf-16-le", 2),
        (b"\x1b$B9-9p\xff", "iso2022_jp_ext", 7),
    ],
)
def test_a_mark_that_lies(tmp_path: Path, data: bytes, marked: str, offset: int) -> None:
    """A file that says what it is in, and is not, is told so."""
    path = written(tmp_path / "a.txt", data)
    with pytest.raises(ProjectError) as caught:
        read_text(path)
    assert str(caught.value) == f"{path}: is marked as {marked}, but breaks at byte {offset}; save it as UTF-8"
