"""Characters as pictures: whole, upright, centred, distinct, and the same bytes each time."""

import csv
import hashlib
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlim.augment.alphabet import Renderer, default_font, label, table
from dlim.augment.corpus import read_corpus
from dlim.errors import ProjectError

ROOT = Path(__file__).parents[2]
GINGA = ROOT / "../shared/real/corpus/gingatetsudono_yoru.txt"
SAMPLE = ROOT / "projects/ja_char/data_augmentation/corpus.txt"

RARE = ["l", "|", ".", "…", "‖", "├", "■", "一", "ー"]  # thin, tiny, or larger than their em


def corpora() -> list[Path]:
    """The corpora at hand."""
    return [path for path in (SAMPLE, GINGA) if path.exists()]


@pytest.fixture(scope="module")
def drawn() -> list[str]:
    """Every character at hand: the committed corpus, the real one where it is, and rare shapes."""
    return sorted({*RARE, *(character for path in corpora() for character in read_corpus(path).characters)})


@pytest.mark.parametrize(("size", "margin"), [(48, 4), (16, 1), (33, 3)])
def test_each_is_whole_and_boxed(drawn: list[str], size: int, margin: int) -> None:
    """No ink reaches the margin, and the box is the ink's bounds, but 2 px wide and high at least."""
    renderer = Renderer(default_font(), size, margin)
    for character in drawn:
        image, (x1, y1, x2, y2) = renderer.draw(character)
        assert image.shape == (size, size, 3)
        assert image.dtype == np.uint8
        ys, xs = np.nonzero((image != 255).any(axis=2))
        assert margin <= min(xs.min(), ys.min()), character
        assert max(xs.max(), ys.max()) < size - margin, character
        assert (x1, y1) == (xs.min(), ys.min()), character
        assert (x2, y2) == (max(xs.max() + 1, x1 + 2), max(ys.max() + 1, y1 + 2)), character


@pytest.mark.parametrize("size", [48, 33])
def test_each_is_centred(drawn: list[str], size: int) -> None:
    """The ink's middle is the cell's, to within a pixel."""
    for character in drawn:
        x1, y1, x2, y2 = Renderer(default_font(), size).draw(character)[1]
        assert abs(x1 + x2 - size) <= 2, character
        assert abs(y1 + y2 - size) <= 2, character


def test_each_is_upright() -> None:
    """A 上 has its long stroke below, a 下 above, and a し opens to the upper right."""
    renderer = Renderer(default_font())
    ink = {character: 255 - renderer.draw(character)[0][:, :, 0].astype(int) for character in "上下し"}
    assert ink["上"].sum(axis=1).argmax() > 30
    assert ink["下"].sum(axis=1).argmax() < 18
    assert ink["し"][:24, :24].sum() > ink["し"][:24, 24:].sum()


def test_sizes_are_kept() -> None:
    """Small kana are smaller than large ones, and a dot is a dot."""

    def area(character: str) -> int:
        x1, y1, x2, y2 = Renderer(default_font()).draw(character)[1]
        return (x2 - x1) * (y2 - y1)

    assert area("、") < area("っ") < area("つ")
    assert area("ゃ") < area("や")


def test_no_two_are_alike(drawn: list[str]) -> None:
    """In the default font no character of the corpora has the picture of another, not even ー and 一."""
    renderer = Renderer(default_font())
    assert len({renderer.draw(character)[0].tobytes() for character in drawn}) == len(drawn)


def test_colors() -> None:
    """Ink and background have the colors asked for, and the box stays."""
    plain, box = Renderer(default_font()).draw("口")
    image, same = Renderer(default_font(), color=(250, 10, 20), background=(1, 2, 3)).draw("口")
    assert same == box
    assert image[0, 0].tolist() == [1, 2, 3]
    assert image[(plain == 0).all(axis=2)].tolist()[0] == [250, 10, 20]


def test_same_bytes_in_another_process(drawn: list[str]) -> None:
    """Another process, with another hash seed and after other characters, draws the same bytes."""
    code = (
        "import hashlib, sys\n"
        "from dlim.augment.alphabet import Renderer\n"
        "from dlim.augment.alphabet import default_font\n"
        "renderer = Renderer(default_font())\n"
        "drawn = [renderer.draw(character)[0].tobytes() for character in reversed(sys.argv[1])]\n"
        "print(hashlib.sha256(b''.join(reversed(drawn))).hexdigest())\n"
    )
    text = "".join(drawn)
    done = subprocess.run([sys.executable, "-c", code, text], cwd=ROOT, capture_output=True, check=True)
    renderer = Renderer(default_font())
    pixels = b"".join(renderer.draw(character)[0].tobytes() for character in text)
    assert done.stdout.decode().strip() == hashlib.sha256(pixels).hexdigest()


def test_pinned_bytes() -> None:
    """With the pinned Pillow and font the pixels are these, on any machine."""
    renderer = Renderer(default_font())
    pixels = b"".join(renderer.draw(character)[0].tobytes() for character in read_corpus(SAMPLE).characters)
    assert hashlib.sha256(pixels).hexdigest()[:16] == "f5d9e5311d804221"


@pytest.mark.parametrize("character", ["\u0e01", "\u3000"])
def test_no_empty_box(character: str) -> None:
    """What the font lacks or leaves blank is refused by name, never drawn as a box."""
    with pytest.raises(ProjectError) as caught:
        Renderer(default_font()).draw(character)
    assert f"can't draw {character!r} (U+{ord(character):04X}); name a font that has it" in str(caught.value)


@pytest.mark.parametrize("size", [10, 13, 200])
def test_small_and_large(drawn: list[str], size: int) -> None:
    """At any size each character has ink, is no box for a lacking one, and stays within its margin."""
    renderer = Renderer(default_font(), size, 2)
    for character in drawn[:: 1 if size < 100 else 20]:
        image, (x1, y1, x2, y2) = renderer.draw(character)
        assert (image < 250).any(), character
        assert min(x1, y1) >= 2, character
        assert max(x2, y2) <= size - 1, character


@pytest.mark.parametrize(
    "settings",
    [
        {"margin": 0},
        {"size": 8},
        {"color": (255, 255, 255)},
        {"color": [255, 255, 255]},
        {"color": (0, 0, 256)},
        {"background": (0, 0)},
        {"background": (0, 0, 0.5)},
    ],
)
def test_settings_that_cannot_be_drawn(settings: dict[str, Any]) -> None:
    """A cell without room and ink without contrast are refused before anything is drawn."""
    with pytest.raises(ProjectError):
        Renderer(default_font(), **settings)


def test_labels() -> None:
    """A label is the code point in four or more lower-case hexadecimal digits, so A and a stay apart."""
    assert label("あ") == "ja_char_3042"
    assert label("A") == "ja_char_0041"
    assert label("𠮟") == "ja_char_20b9f"
    assert label("A").lower() != label("a").lower()


def test_the_table() -> None:
    """The table reads back as CSV, one row a character, commas and quotation marks included."""
    rows = list(csv.DictReader(io.StringIO(table(["あ", ",", '"']))))
    assert rows[0] == {
        "label": "ja_char_3042",
        "code_point": "U+3042",
        "character": "あ",
        "name": "HIRAGANA LETTER A",
    }
    assert [row["character"] for row in rows] == ["あ", ",", '"']
    assert "\r" not in table(["あ"])
