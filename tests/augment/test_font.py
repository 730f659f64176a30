"""The font: where it is, and what it can't draw."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from dlim.augment.corpus import read_corpus
from dlim.augment.font import PACKAGE, VERSION, default_font, glyph, uncovered
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
        "import sys; from dlim.augment.font import default_font; default_font();"
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
    assert glyph(default_font(), 40, "□") is not None


def test_the_sample_corpus_is_covered() -> None:
    """The default font has every character of the committed corpus."""
    assert uncovered(default_font(), read_corpus(SAMPLE)) == []


@pytest.mark.skipif(not GINGA.exists(), reason="the real corpus isn't beside the repository")
def test_the_real_corpus_is_covered() -> None:
    """The default font has all 1,000 characters of the team's corpus."""
    assert uncovered(default_font(), read_corpus(GINGA)) == []


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
