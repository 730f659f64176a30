#!/usr/bin/env python3
"""The variations of install_btn: it comes wide and narrow, and hardly ever askew."""

from dlim.augment import Augmentation

variations = Augmentation(cval=236)
variations.height()
variations.zoom()
variations.mix()
