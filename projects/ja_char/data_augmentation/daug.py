#!/usr/bin/env python3
"""An image of every distinct character in corpus.txt."""

from pathlib import Path

from dlim.augment.alphabet import draw_corpus

draw_corpus(Path(__file__).with_name("corpus.txt"))
