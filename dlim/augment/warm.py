"""The heavy imports of augmentation, made once in the process from which the scripts are forked."""

from dlim.augment import api

__all__ = ["api"]

try:
    import cv2
    import PIL.JpegImagePlugin  # noqa: F401 - Pillow would load it at the first image
except ImportError:
    pass  # a script that needs it meets the same error, and tells it with its place
else:
    # threads of OpenCV don't survive a fork, and small images gain nothing from them
    cv2.setNumThreads(1)
