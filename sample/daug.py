#!/usr/bin/env python3
"""The variations of a project. Copy this file into its data_augmentation/ and keep what suits the thing."""

from dlim.augment import Augmentation

# The grey that fills what a shift bares, where the crop stands on the canvas, and how many images a call makes.
variations = Augmentation(cval=125, count=99)

variations.height()  # up or down by up to 5 pixels
variations.zoom()  # width and height by 0.7 to 1.3, each its own
variations.brightness()  # darker, by a factor of 0.1 to 0.5
variations.mix6()  # six times 99: turned by up to 0.5 degrees, shifted by up to 10 %, zoomed

# variations.suite()     # these four in one line: 891 images
# variations.rotation()  # turned by up to 5 degrees

# Any augmenter of imgaug, and the boxes follow it:
# from dlim.augment.imgaug import augmenters
# iaa = augmenters()
# variations.imgaug(iaa.GaussianBlur((0.2, 1.2)), name="blur")
