"""What daug.py scripts use: `Augmentation` writes the variations of a project's master.

from dlim.augment import Augmentation

Augmentation().suite()
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlim.augment.api import Augmentation

__all__ = ["Augmentation"]


def __getattr__(name: str) -> object:
    # the modules beside it are also used where nothing is augmented, and must not cost an import of numpy
    if name != "Augmentation":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dlim.augment.api import Augmentation

    return Augmentation
