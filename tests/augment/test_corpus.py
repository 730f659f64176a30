"""A corpus: decoding, Aozora's markup, and what counts as a character."""

import unicodedata
from pathlib import Path

import pytest

from dlim.augment.corpus import characters, read_corpus, read_text, strip_aozora
from dlim.errors import ProjectError

ROOT = Path(__file__).parents[2]
GINGA = ROOT / "../shared/real/corpus/gingatetsudono_yoru.txt"
SAMPLE = ROOT / "projects/ja_char/data_augmentation/corpus.txt"

DASHES = "-" * 55
AOZORA = f"""題名
作者

{DASHES}
【テキスト中に現れる記号について】

《》：ルビ
（例）言《い》われたり
{DASHES}

［＃５字下げ］一［＃「一」は中見出し］

白い岩｜停車《ていしゃ》
-----

底本：「本」
入力：だれか
"""


def written(path: Path, data: bytes) -> Path:
    """A file of that content."""
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("utf-8", "広告を閉じる\n".encode()),
        ("utf-8 with a mark", "広告を閉じる\n".encode("utf-8-sig")),
        ("shift-jis", "広告を閉じる\n".encode("cp932")),
        ("shift-jis with DOS lines", "広告を閉じる\r\n".encode("cp932")),
    ],
)
def test_one_text_in_any_encoding(tmp_path: Path, name: str, data: bytes) -> None:
    """A text reads the same in UTF-8 and Shift-JIS, with a byte order mark or without, whatever line ends."""
    assert read_text(written(tmp_path / f"{name}.txt", data)) == "広告を閉じる\n"


def test_shift_jis_is_that_of_windows(tmp_path: Path) -> None:
    """NEC's and IBM's extensions are what Windows shows, and byte 5C is a backslash."""
    data = b"\x87\x40\xfb\xfc\x5c\x81\x60"
    assert read_text(written(tmp_path / "a.txt", data)) == "①髙\\\uff5e"


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        ("広告".encode("cp932") + b"\x81\x20", 4),
        ("広告".encode() + b"\xff", 6),
        ("広告".encode("euc_jp") + b"\xa0\xa0", 3),
        ("\ufeff広告".encode("utf-16-le"), 0),
        ("abc\n".encode("utf-16-le") + b"\xff", 8),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 8),
    ],
)
def test_neither_encoding(tmp_path: Path, data: bytes, offset: int) -> None:
    """A file in neither encoding is one line that names the file and the byte where reading gave up."""
    path = written(tmp_path / "a.txt", data)
    with pytest.raises(ProjectError) as caught:
        read_text(path)
    assert str(caught.value) == f"{path}: is neither UTF-8 nor Shift-JIS (byte {offset}); save it as UTF-8"


def test_header_and_footer_go() -> None:
    """Title, author, the block on notation and all from 底本： on are no part of the body."""
    assert strip_aozora(AOZORA).split() == ["一", "白い岩停車", "-----"]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("言《い》われ", "言われ"),
        ("一｜袋《ふくろ》", "一袋"),
        ("あ［＃５字下げ］い", "あい"),
        ("あ［＃「［い］」は底本では「い」］う", "あう"),
        ("あ［＃「［＃「い［＃う］」え］」お］か", "あか"),
        ("あ［＃「）」は底本では「］」］い", "あい"),
        ("あ［＃「　いは」は底本では「「いは」］う", "あう"),
        ("僕※［＃小書き平仮名ん、183-7］とこ", "僕※とこ"),
        ("※［＃「言《い》」、第3水準1-84-77］《ルビ》", "※"),
        ("［い］〔う〕", "［い］〔う〕"),
    ],
)
def test_markup_goes(text: str, body: str) -> None:
    """Ruby, bars and notes go, whatever a note holds; the mark ※ and plain brackets stay."""
    assert strip_aozora(text) == body


@pytest.mark.parametrize("text", ["", "押す\n", f"上\n{DASHES}\n中\n{DASHES}\n下\n", f"上\n{DASHES}\n下\n"])
def test_plain_text_passes(text: str) -> None:
    """A text without Aozora's header comes out as it is, rules of dashes included."""
    assert strip_aozora(text) == text


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


def test_compatibility_forms_are_kept_apart() -> None:
    """Characters that Unicode could fold into others are drawn as what they are."""
    kept = ["Ａ", "A", "ｱ", "ア", "\uff5e", "\u301c", "\ufa19", "\u795e"]
    assert characters("".join(kept)) == sorted(kept)


def test_a_folder_is_one_corpus(tmp_path: Path) -> None:
    """A folder's .txt files, each with its own encoding and header, make one set of characters."""
    written(tmp_path / "a.txt", AOZORA.encode("cp932"))
    written(tmp_path / "b.TXT", "押す".encode())
    written(tmp_path / "c.md", "別".encode())
    assert read_corpus(tmp_path) == sorted("一白い岩停車-押す")
    assert read_corpus(tmp_path / "b.TXT") == ["す", "押"]


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
    assert 60 <= len(found) <= 120
    kinds = {unicodedata.name(character).split()[0] for character in found}
    assert {"HIRAGANA", "KATAKANA", "CJK", "DIGIT", "IDEOGRAPHIC", "FULLWIDTH"} <= kinds
    assert not set(found) & set("《》｜［］＃※底字級")


@pytest.mark.skipif(not GINGA.exists(), reason="the real corpus isn't beside the repository")
def test_the_real_corpus() -> None:
    """The Aozora text that the team uses holds exactly 1,000 characters, and none of its markup."""
    found = read_corpus(GINGA)
    assert len(found) == 1000
    assert not set(found) & set("《》｜［］＃\u3000\n")
