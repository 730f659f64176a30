"""Encodings of Japanese: found out from the bytes, and never guessed."""

from pathlib import Path

import pytest

from dlim.augment.corpus import read_text
from dlim.errors import ProjectError


def written(path: Path, data: bytes) -> Path:
    """A file of that content."""
    path.write_bytes(data)
    return path


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
