"""A corpus drawn: characters as pictures, the font that draws them, and the table that goes with them."""

from __future__ import annotations

import csv
import hashlib
import io
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlim.augment.alphabet import PACKAGE, VERSION, Renderer, default_font, find_font, glyph, label, table, uncovered
from dlim.augment.corpus import read_corpus
from dlim.errors import ProjectError
from tests.conftest import Workspace

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


@pytest.mark.parametrize(("size", "margin"), [(48, 4), (16, 1), (13, 2)])
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


def test_the_default_font_is_installed() -> None:
    """The font comes with the requirements, in the version that they pin."""
    assert default_font().suffix == ".ttf"
    assert metadata.version(PACKAGE) == VERSION
    assert f"{PACKAGE}=={VERSION}" in (ROOT / "requirements.txt").read_text()


def test_finding_the_font_imports_no_plotting() -> None:
    """Neither matplotlib nor the font's own package is imported to find the font."""
    code = (
        "import sys; from dlim.augment.alphabet import default_font; default_font();"
        "print([name for name in sys.modules if 'matplotlib' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the error is the line that installs it."""

    def none(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", none)
    with pytest.raises(ProjectError) as caught:
        default_font()
    line = "python -m pip install --no-deps matplotlib-fontja==1.1.0"
    assert str(caught.value) == f"ipaexg.ttf: the Japanese font isn't installed; install it: {line}"


def test_what_the_font_lacks_is_told() -> None:
    """Thai, emoji and a filler without ink are named in their order; Japanese isn't."""
    assert uncovered(default_font(), "あ\u0e01漢😀ア\u3164、") == ["\u0e01", "😀", "\u3164"]


def test_the_mark_of_absence_is_no_glyph() -> None:
    """A font's box for what it lacks is never taken for the character."""
    assert glyph(default_font(), 40, "\u0e01") is None
    for em in (2, 6, 40, 96):  # also where a small square has the pixels of that box
        assert glyph(default_font(), em, "□") is not None
        assert glyph(default_font(), em, "口") is not None


@pytest.mark.skipif(not GINGA.exists(), reason="the real corpus isn't beside the repository")
def test_the_real_corpus_is_covered() -> None:
    """The default font has all characters of the team's corpus."""
    assert uncovered(default_font(), read_corpus(GINGA).characters) == []


def test_another_font() -> None:
    """A font without Japanese is told by its own box for what it lacks, and keeps its square."""
    assert uncovered(find_font("imgaug"), "Aéあ漢□ア✕①") == ["あ", "漢", "ア"]


def installed(folder: Path, package: str, files: list[str]) -> None:
    """Lay a package out as pip does, with fonts of those names."""
    info = folder / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    for name in files:
        path = folder / package.replace("-", "_") / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(default_font().read_bytes())
    (info / "RECORD").write_text("".join(f"{package.replace('-', '_')}/{name},,\n" for name in [*files, "gone.ttf"]))


def test_a_font_by_its_path_or_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A font is named by a file, or by an installed package, whose own name does where it holds one."""
    installed(tmp_path, "one-font", ["fonts.txt", "Gothic.TTF"])
    installed(tmp_path, "two-fonts", ["Mincho.otf", "Gothic.ttc"])
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "one_font/Gothic.TTF"
    assert find_font() == find_font("matplotlib-fontja") == default_font()
    assert find_font(path) == find_font(str(path)) == find_font("one-font") == find_font("one-font/Gothic.TTF") == path
    assert find_font("two-fonts/Mincho.otf") == tmp_path / "two_fonts/Mincho.otf"
    assert uncovered(find_font("one-font"), "あ") == []


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("two-fonts", "is no single font; say one of: two-fonts/Gothic.ttc, two-fonts/Mincho.otf"),
        ("two-fonts/Ming.otf", "is no single font; say one of: two-fonts/Gothic.ttc, two-fonts/Mincho.otf"),
        ("no-such-font", "is neither a font file nor an installed package with one; name a .ttf or .otf file"),
        ("pytest", "is neither a font file nor an installed package with one; name a .ttf or .otf file"),
        ("fonts/Gothic.ttf", "is neither a font file nor an installed package with one; name a .ttf or .otf file"),
        ("", "is neither a font file nor an installed package with one; name a .ttf or .otf file"),
    ],
)
def test_what_names_no_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fault: str) -> None:
    """A name that is no font, or of several, is one line."""
    installed(tmp_path, "two-fonts", ["Mincho.otf", "Gothic.ttc"])
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ProjectError) as caught:
        find_font(name)
    assert str(caught.value) == f"{name}: {fault}"


@pytest.mark.parametrize("data", [None, b"no font"])
def test_what_is_no_font(tmp_path: Path, data: bytes | None) -> None:
    """A missing file and a file that is no font are one line that names the file."""
    path = tmp_path / "a.ttf"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ProjectError) as caught:
        uncovered(path, "あ")
    assert str(caught.value).startswith(f"{path}: can't be read as a font (")
    assert str(caught.value).endswith("); name a .ttf or .otf file")


CORPUS = "ーあア\u2010-Ａ\U0001f600"
"""Two of these look alike in the default font, and one it lacks."""

SCRIPT = """from pathlib import Path
from dlim.augment.alphabet import draw_corpus
draw_corpus(Path(__file__).with_name('corpus.txt'){arguments})
"""


def glyphs(workspace: Workspace, text: str, arguments: str = "") -> Path:
    """A generator project that draws a text."""
    folder = workspace.project("glyph", SCRIPT.format(arguments=arguments), settings="generator = true\n")
    (folder / "data_augmentation/corpus.txt").write_text(text, encoding="utf-8")
    return folder


def test_each_character_is_drawn_once(workspace: Workspace) -> None:
    """Every character that can be drawn and told apart is an image with its label; the others are named."""
    glyphs(workspace, CORPUS)
    said = workspace.doit("dataset:resnet34").stdout
    assert "ipaexg.ttf has no \U0001f600 (U+1F600); left out" in said
    assert "ja_char_2010: shows the same as an image before it; left out" in said
    rows = (workspace.folder / "data_set/resnet34/characters.csv").read_text(encoding="utf-8").splitlines()
    labels = sorted(row.partition(",")[0] for row in rows[1:])
    assert labels == ["ja_char_002d", "ja_char_3042", "ja_char_30a2", "ja_char_30fc", "ja_char_ff21"]
    images = (workspace.folder / "data_set/resnet34/JPEGImages").iterdir()
    assert sorted(path.name.rpartition("_")[0] for path in images) == labels


def test_what_a_run_says_of_its_characters(workspace: Workspace) -> None:
    """All that is left out is said in the run, a line for each reason, and once."""
    glyphs(workspace, "あ゙い※［＃「口＋世」、183-7］う※［＃「丶＋世」、第3水準1-15-1］ก\ue000😀")
    done = workspace.doit("build:glyph")
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.partition("augment:glyph@native: ")[2] for line in done.stdout.splitlines()]
    assert "corpus.txt: 1 character has no code, only a description or U+FFFD; drawn as ※" in said
    assert [line for line in said if line.endswith("left out")] == [
        "corpus.txt: combining marks that join no letter: U+3099; left out",
        "corpus.txt: code points that mean no character by themselves: U+E000; left out",
        "ipaexg.ttf has no ก (U+0E01), 😀 (U+1F600); left out",
    ]
    images = sorted(path.name for path in (workspace.folder / "projects/glyph/build/resnet34").glob("*.jpg"))
    assert len(images) == 5  # あ, い, う, ※ and 咩, which the place in JIS X 0213 tells


def test_size_and_colors_are_arguments(workspace: Workspace) -> None:
    """A script says how large its characters are, in which colors, and in which font."""
    arguments = ", font='matplotlib-fontja', size=40, margin=3, color=(200, 0, 0), background=(0, 0, 80)"
    folder = glyphs(workspace, "あ口", arguments)
    done = workspace.doit("build:glyph")
    assert done.returncode == 0, done.stdout + done.stderr
    for path in (folder / "build/resnet34").glob("*.jpg"):
        with Image.open(path) as image:
            pixels = np.asarray(image).astype(int)
        assert pixels.shape == (40, 40, 3)
        assert np.abs(pixels[0, 0] - (0, 0, 80)).max() < 12
        assert pixels[..., 0].max() > 120
