"""A corpus drawn: what is drawn, what is left out, and the table that goes with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from dlim.augment.corpus import read_corpus
from tests.conftest import Workspace

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


def test_the_corpus_is_a_file_of_the_project() -> None:
    """The corpus in the repository has Aozora's notation, and enough characters to show each kind."""
    corpus = Path(__file__).parents[2] / "projects/ja_char/data_augmentation/corpus.txt"
    found = read_corpus(corpus)
    assert len(found.characters) == 88
    assert not found.notes
    assert not {"《", "》", "｜", "［", "］"} & set(found.characters)
