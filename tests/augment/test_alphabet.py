"""A corpus drawn: what is drawn, what is left out, and the table that goes with it."""

from __future__ import annotations

from pathlib import Path

from dlim.augment.corpus import read_corpus
from tests.conftest import Workspace

CORPUS = "ーあア\u2010-Ａ\U0001f600"
"""Two of these look alike in the default font, and one it lacks."""


def test_each_character_is_drawn_once(workspace: Workspace) -> None:
    """Every character that can be drawn and told apart is an image with its label; the others are named."""
    folder = workspace.project("glyph", settings="generator = true\n")
    (folder / "data_augmentation/daug.py").write_text(
        "from pathlib import Path\n"
        "from dlim.augment.alphabet import draw_corpus\n"
        "draw_corpus(Path(__file__).with_name('corpus.txt'))\n"
    )
    (folder / "data_augmentation/corpus.txt").write_text(CORPUS, encoding="utf-8")
    said = workspace.doit("dataset:resnet34").stdout
    assert "ipaexg.ttf has no \U0001f600; left out" in said
    assert "ja_char_2010: shows the same as an image before it; left out" in said
    rows = (workspace.folder / "data_set/resnet34/characters.csv").read_text(encoding="utf-8").splitlines()
    labels = sorted(row.partition(",")[0] for row in rows[1:])
    assert labels == ["ja_char_002d", "ja_char_3042", "ja_char_30a2", "ja_char_30fc", "ja_char_ff21"]
    images = (workspace.folder / "data_set/resnet34/JPEGImages").iterdir()
    assert sorted(path.name.rpartition("_")[0] for path in images) == labels


def test_the_corpus_is_a_file_of_the_project() -> None:
    """The corpus in the repository has Aozora's notation, and enough characters to show each kind."""
    corpus = Path(__file__).parents[2] / "projects/ja_char/data_augmentation/corpus.txt"
    found = read_corpus(corpus)
    assert len(found) == 88
    assert not {"《", "》", "｜", "［", "］"} & set(found)
