"""A corpus drawn: an image of each of its characters, and the table that says which label is which."""

from pathlib import Path

from dlim.augment.augmentation import Augmentation
from dlim.augment.characters import BLACK, WHITE, Color, Renderer, label, table
from dlim.augment.corpus import read_corpus
from dlim.augment.font import find_font, uncovered

TABLE = "characters.csv"


def draw_corpus(
    corpus: Path,
    font: Path | str | None = None,
    size: int = 48,
    margin: int = 4,
    color: Color = BLACK,
    background: Color = WHITE,
) -> None:
    """Write an image of every distinct character of a text, or of a folder of texts.

    font: a font file, or the name of an installed package that holds one; the one installed with dlim where none is
    given. size, margin: of an image, in pixels. color, background: RGB. What is left out is printed: a character that
    the font lacks, or that looks just like another, and what the text only describes.
    """
    augmentation = Augmentation()
    renderer = Renderer(find_font(font), size, margin, color, background)
    found = read_corpus(corpus)
    for note in found.notes:
        print(note)
    lacking = uncovered(renderer.font, found.characters)
    if lacking:
        listed = ", ".join(f"{character} (U+{ord(character):04X})" for character in lacking)
        print(f"{renderer.font.name} has no {listed}; left out")
    drawn = [
        character
        for character in found.characters
        if character not in lacking and _draw(augmentation, renderer, character)
    ]
    augmentation.table(TABLE, table(drawn))


def _draw(augmentation: Augmentation, renderer: Renderer, character: str) -> bool:
    pixels, box = renderer.draw(character)
    return augmentation.image(pixels, label(character), box, name=label(character))
