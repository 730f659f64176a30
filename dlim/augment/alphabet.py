"""A corpus drawn: an image of each of its characters, and the table that says which label is which."""

from pathlib import Path

from dlim.augment.augmentation import Augmentation
from dlim.augment.characters import Renderer, label, table
from dlim.augment.corpus import read_corpus
from dlim.augment.font import default_font, uncovered

TABLE = "characters.csv"


def draw_corpus(corpus: Path, font: Path | None = None, size: int = 48, margin: int = 4) -> None:
    """Write an image of every distinct character of a text, or of a folder of texts.

    font: a font file; the one installed with dlim where none is given. size, margin: of an image, in pixels.
    A character that the font lacks, or that looks just like another, is left out, and printed.
    """
    augmentation = Augmentation()
    renderer = Renderer(font or default_font(), size, margin)
    characters = read_corpus(corpus)
    lacking = uncovered(renderer.font, characters)
    if lacking:
        print(f"{renderer.font.name} has no {' '.join(lacking)}; left out")
    drawn = [
        character for character in characters if character not in lacking and _draw(augmentation, renderer, character)
    ]
    augmentation.table(TABLE, table(drawn))


def _draw(augmentation: Augmentation, renderer: Renderer, character: str) -> bool:
    pixels, box = renderer.draw(character)
    return augmentation.image(pixels, label(character), box, name=label(character))
