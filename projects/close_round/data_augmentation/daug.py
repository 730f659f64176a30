#!/usr/bin/env python3
"""The variations of close_round: it floats over pictures, so the fill is dark."""

from dlim.augment import Augmentation

variations = Augmentation(cval=60)
variations.zoom()
variations.brightness(low=0.4, high=1.4)
variations.mix6()
