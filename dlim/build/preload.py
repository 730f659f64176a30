"""What the stages need, imported once by the server from which the processes of a run are forked."""

from contextlib import suppress

from dlim.stages import annotate, augment, boxes, dataset, extend, split  # noqa: F401

with suppress(ImportError):
    import cv2
    import deflate  # noqa: F401
    import numpy  # noqa: F401
    from PIL import Image  # noqa: F401

    from dlim.scenes import folder  # noqa: F401

    cv2.setNumThreads(1)
