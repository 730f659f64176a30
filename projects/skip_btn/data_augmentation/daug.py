#!/usr/bin/env python3
"""The variations of skip_btn: it sits on videos, which blur it and shine through it as noise."""

from dlim.augment import Augmentation
from dlim.augment.imgaug import augmenters

iaa = augmenters()

variations = Augmentation(cval=25)
variations.mix(count=198)
variations.brightness(low=0.5, high=1.5)
variations.imgaug(iaa.Sequential([iaa.GaussianBlur((0.2, 1.2)), iaa.AdditiveGaussianNoise(scale=(2, 12))]), "video")
variations.imgaug(iaa.PerspectiveTransform(scale=(0.01, 0.06), keep_size=True), "tilt")
