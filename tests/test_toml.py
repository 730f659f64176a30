"""A TOML file as a table: whatever it holds instead of what is wanted, it is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from msgspec import Meta, field

from dlim import toml
from dlim.errors import ConfigError


class Inner(toml.Table, frozen=True):
    """A table in a table."""

    share: Annotated[float, Meta(ge=0)] = 0
    counts: dict[str, int] = field(default_factory=dict)


class Outer(toml.Table, frozen=True):
    """A file with a key of every kind."""

    text: str
    maybe: Annotated[int, Meta(ge=1, le=9)] | None = None
    number: int = 1
    flag: bool = False
    words: tuple[str, ...] = ()
    size: tuple[Annotated[int, Meta(ge=1, le=99)], Annotated[int, Meta(ge=1, le=99)]] = (1, 1)
    choice: Literal["near", "far"] = "near"
    inner: Inner = Inner()


def told(path: Path, text: str) -> str:
    """What a person is told of a file: one line, all of which can be printed."""
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        toml.read(path, Outer)
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 400
    return line.removeprefix(f"{path}: ")


TEXT = 'text = "a"\n'

FAULTS = [
    pytest.param("", "text: is missing; say text = a text in quotes", id="nothing at all"),
    pytest.param("text = 2026-11-23", 'text: is 2026-11-23; write a text in quotes, such as "2026-11-23"', id="a date"),
    pytest.param("text = []", "text: is []; write a text in quotes", id="a list for a text"),
    pytest.param("[text]", "text: is a table; write a text in quotes", id="a table for a text"),
    pytest.param(TEXT + "maybe = 10", "maybe: is 10; say 1 to 9", id="a number beyond"),
    pytest.param(TEXT + "maybe = 1.0", "maybe: is 1.0; write a whole number, 1 to 9", id="a fraction"),
    pytest.param(TEXT + f"maybe = {'9' * 500}", f"maybe: is 0x{'X' * 55}...; say 1 to 9", id="a number of 500 digits"),
    pytest.param(TEXT + f"maybe = 0x{'f' * 5000}", f"maybe: is 0x{'f' * 55}...; say 1 to 9", id="of 5,000 digits"),
    pytest.param(
        TEXT + 'number = "many"', 'number: is "many"; write a whole number, without quotes', id="a word for a number"
    ),
    pytest.param(TEXT + 'flag = "true"', 'flag: is "true"; say true or false, without quotes', id="true in quotes"),
    pytest.param(TEXT + "words = [[1]]", "words[0]: is [1]; write a text in quotes", id="a list in a list"),
    pytest.param(TEXT + "words = true", 'words: is true; write a list, such as ["true"]', id="a truth for a list"),
    pytest.param(TEXT + "[words]", "words: is a table; write a list", id="a table for a list"),
    pytest.param(TEXT + "[[inner]]", "inner: is a list of tables; write a table, [inner]", id="tables for one"),
    pytest.param(TEXT + 'size = "9x9"', 'size: is "9x9"; say [1, 2] (each 1 to 99)', id="a word for a size"),
    pytest.param(TEXT + 'choice = "naer"', 'choice: "naer" is unknown; did you mean "near"?', id="a word, misspelt"),
    pytest.param(TEXT + 'choice = "x"', 'choice: "x" is unknown; say "far" or "near"', id="a word like no other"),
    pytest.param(TEXT + "choice = []", 'choice: is []; say "far" or "near"', id="a list for a word"),
    pytest.param(TEXT + "inner.share = -0.5", "inner.share: is -0.5; say 0 or more", id="a share below nothing"),
    pytest.param(TEXT + "inner.share = '1'", 'inner.share: is "1"; write a number, 0 or more, without quotes', id="1"),
    pytest.param(TEXT + "inner.counts = 5", "inner.counts: is 5; write a table, [inner.counts]", id="no counts"),
    pytest.param(
        TEXT + "[inner.counts]\na = 1\n'b c' = 1.5",
        'inner.counts."b c": is 1.5; write a whole number',
        id="one count of several, by a key in quotes",
    ),
    pytest.param(
        TEXT + '[inner.counts]\n"a\\nb" = []', 'inner.counts."a\\nb": is []; write a whole number', id="a key of lines"
    ),
    pytest.param(
        TEXT + '"a\\u001bb" = 1',
        '"a\\u001bb": is no key here; say one of: choice, flag, inner, maybe, number, size, text, words',
        id="a key that can't be printed",
    ),
    pytest.param(TEXT + 'flag = "\\u202e"', 'flag: is "\\u202e"; say true or false, without quotes', id="a turn"),
    pytest.param(
        TEXT + f'flag = "{"x" * 500}"', f'flag: is "{"x" * 56}...; say true or false, without quotes', id="a long text"
    ),
    pytest.param(
        TEXT + f"size = [{'1, ' * 500}]",
        f"size: is [{'1, ' * 18}1,...; say [1, 2] (each 1 to 99)",
        id="a long list",
    ),
]


@pytest.mark.parametrize(("text", "fault"), FAULTS)
def test_what_is_wrong_and_what_is_wanted(tmp_path: Path, text: str, fault: str) -> None:
    """A value of the wrong kind is told by its key, as it stands in the file, with what may stand there."""
    line = told(tmp_path / "a.toml", text)
    assert line == fault.replace("X" * 55, line.partition("0x")[2][:55])


@pytest.mark.parametrize(
    "text",
    [f"a = {'[' * 9999}{']' * 9999}", f"a = {'9' * 9999}", "a = 1\0", "a = 1\ra"],
    ids=["nest", "digits", "nul", "cr"],
)
def test_files_that_nobody_writes(tmp_path: Path, text: str) -> None:
    """What TOML's reader can't take is one line, too."""
    line = told(tmp_path / "a.toml", text)
    assert line.startswith("is no TOML: ")
    assert line.endswith("; mend it at that place")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder under a file's name is a line."""
    with pytest.raises(ConfigError) as caught:
        toml.read(tmp_path, Outer)
    assert str(caught.value) == f"{tmp_path}: can't be read (Is a directory); make it a file that you may read"


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """A file that an editor has begun with a mark says what it says without it."""
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert toml.read(path, Outer) == Outer("a")
