"""The font: where it is, and what it can't draw."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from dlim.augment.alphabet import PACKAGE, VERSION, default_font, find_font, glyph, uncovered
from dlim.augment.corpus import read_corpus
from dlim.errors import ProjectError

ROOT = Path(__file__).parents[2]
GINGA = ROOT / "../shared/real/corpus/gingatetsudono_yoru.txt"
SAMPLE = ROOT / "projects/ja_char/data_augmentation/corpus.txt"


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


def test_the_sample_corpus_is_covered() -> None:
    """The default font has every character of the committed corpus."""
    assert uncovered(default_font(), read_corpus(SAMPLE).characters) == []


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
