"""Dataset formats, a module each: where a dataset's files lie, an annotation's text, and the lists beside them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from dlim.formats import voc
from dlim.geometry import Annotation


class Format(Protocol):
    """What a format's module has.

    ANNOTATIONS, IMAGES, LISTS: its folders below the dataset, with /. SUFFIX: of an annotation's file. CLASSES: the
    file of the labels in the order of their numbers.
    """

    ANNOTATIONS: str
    IMAGES: str
    LISTS: str
    SUFFIX: str
    CLASSES: str

    def write(self, annotation: Annotation) -> str:
        """The text of an annotation whose boxes are whole pixels inside the image."""

    def lists(
        self,
        train: Sequence[str],
        val: Sequence[str],
        labels: Mapping[str, tuple[Sequence[str], Sequence[str]]],
        *,
        class_lists: bool,
        trainval: str = "all",
    ) -> dict[str, str]:
        """The dataset's text files by their path in it, from train's and val's ids and those that show a label."""


FORMATS: dict[str, Format] = {"voc": voc}
"""By the name that a learner's file has; config.FORMATS has the same names."""
