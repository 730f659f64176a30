#!/usr/bin/env python3
"""The variations of close_btn: 891 images, what a button looks like in ever new games."""

from dlim.augment import Augmentation

Augmentation().suite()
