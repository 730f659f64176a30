"""backgrounds: the pictures of a learner's folder and drawn screens become windows that its scenes are cut from."""

from __future__ import annotations

from pathlib import Path

from dlim.errors import ConfigError
from dlim.geometry import Size
from dlim.store import Staging

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def pictures(folder: Path) -> list[Path]:
    """The pictures in a folder and below it, sorted. Raises ConfigError where there is no such folder."""
    if not folder.is_dir():
        raise ConfigError(folder, "is no folder of backgrounds", "make it, or take `backgrounds` out of [scene]")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.name[0] != ".")


def backgrounds(folder: Path | None, drawn: float, out: Staging, size: Size, seed: int) -> list[str]:
    """Fill out with the windows; what is to be said of them, a line each.

    folder: of pictures, None where there is none. drawn: the share of scenes on drawn screens. size: of a scene.
    Raises ConfigError where there is no such folder.
    """
    from dlim.scenes import backgrounds as windows

    found = [] if folder is None else pictures(folder)
    screens = windows.SCREENS if drawn > 0 or not found else 0
    return windows.fill(found if drawn < 1 else [], out, windows.Settings(size, seed, screens))
