"""dlim: from a few master images to the datasets that networks learn from, rebuilding only what changed.

In a notebook, `dlim.preview("close_btn")` shows what a project's build looks like, and `dlim.tried(image, "mix")` what
an operation makes of an image.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlim.report.preview import preview, tried

__version__ = "0.1.0"

__all__ = ["__version__", "preview", "tried"]


def __getattr__(name: str) -> object:
    # a sheet needs Pillow and numpy, which `doit list` must not pay for
    if name not in ("preview", "tried"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dlim.report import preview

    return getattr(preview, name)
