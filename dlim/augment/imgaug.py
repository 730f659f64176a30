"""imgaug 0.4.0 under today's numpy: the one place that imports it."""

from __future__ import annotations

from types import ModuleType

from dlim.errors import WorkspaceError


def augmenters() -> ModuleType:
    """imgaug's module of augmenters, `iaa` in its manual. The first call takes about a second.

    Raises WorkspaceError where OpenCV can't be loaded.
    """
    _give_back_to_numpy()
    try:
        import imgaug.augmenters as iaa
    except ImportError as error:
        raise WorkspaceError(
            "imgaug",
            f"can't be loaded ({error})",
            "install as the README says: `pip install --no-deps -r requirements.txt` brings an OpenCV without libGL",
        ) from error
    return iaa  # type: ignore[no-any-return]


def parameters() -> ModuleType:
    """imgaug's module of parameters, `iap` in its manual."""
    augmenters()
    import imgaug.parameters as iap

    return iap  # type: ignore[no-any-return]


def _give_back_to_numpy() -> None:
    """Restore the names that imgaug 0.4.0 reads from numpy and that numpy 1.24 and 2.0 took away."""
    import numpy as np

    lost = {
        "bool": np.bool_,
        "complex": complex,
        "sctypes": {
            "int": [np.int8, np.int16, np.int32, np.int64],
            "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
            "float": [np.float16, np.float32, np.float64],
            "complex": [np.complex64, np.complex128],
            "others": [bool, object, bytes, str, np.void],
        },
    }
    for name, value in lost.items():
        if not hasattr(np, name):
            setattr(np, name, value)
